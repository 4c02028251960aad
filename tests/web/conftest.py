"""Pages are tested with the application that the gate's tests have."""

import pytest

from tests.gate.conftest import afresh, app, begin, client, clock, entries, hub_keys, kept, make_app, network, settings, trial
from tests.gate.network import Network
from tests.web.stage import Stage

__all__ = ["afresh", "app", "begin", "client", "clock", "entries", "hub_keys", "kept", "make_app", "network", "settings", "trial"]


@pytest.fixture
def stage(app, session, clock, begin):
    """Two agencies at work, and a referral at any point of its life."""
    return begin("stage", lambda: Stage(Network(app, session, clock), session, clock))
