"""The house is tested whole: the application of the gate's tests, and a story told through its pages."""

from __future__ import annotations

import pytest

from tests.gate.conftest import afresh, app, begin, client, clock, entries, hub_keys, kept, make_app, network, settings
from tests.house.marks import Marks
from tests.house.story import Told
from tests.house.watch import Watch

__all__ = ["afresh", "app", "begin", "client", "clock", "entries", "hub_keys", "kept", "make_app", "network", "settings"]


@pytest.fixture
def told(network):
    """Two agencies of the network, founded and active: one that refers, one that receives."""
    return Told(network, Marks())


@pytest.fixture
def watch(app, engine):
    """Every request from here on, with the entries that it left. Named before `told`, it sees the founding too."""
    return Watch(app, engine)
