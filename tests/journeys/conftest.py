from tests.referrals.conftest import network, story

__all__ = ["network", "story"]
