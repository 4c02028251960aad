"""Pages are tested with the application that the gate's tests have."""

import pytest

from tests.gate.conftest import app, client, clock, entries, hub_keys, make_app, network, settings, trial
from tests.web.stage import Stage

__all__ = ["app", "client", "clock", "entries", "hub_keys", "make_app", "network", "settings", "trial"]


@pytest.fixture
def stage(network, session, clock):
    """Two agencies at work, and a referral at any point of its life."""
    return Stage(network, session, clock)
