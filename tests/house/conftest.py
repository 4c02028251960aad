"""The house is tested whole: the application of the gate's tests, and a story told through its pages."""

from __future__ import annotations

import pytest

from tests.gate.conftest import app, client, clock, entries, hub_keys, make_app, network, settings
from tests.house.marks import Marks
from tests.house.story import Told

__all__ = ["app", "client", "clock", "entries", "hub_keys", "make_app", "network", "settings"]


@pytest.fixture
def told(network):
    """Two agencies of the network, founded and active: one that refers, one that receives."""
    return Told(network, Marks())
