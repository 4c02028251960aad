"""Pages are tested with the application that the gate's tests have."""

from tests.gate.conftest import app, client, clock, hub_keys, network, settings

__all__ = ["app", "client", "clock", "hub_keys", "network", "settings"]
