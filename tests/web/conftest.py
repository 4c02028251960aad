"""Pages are tested with the application that the gate's tests have."""

from tests.gate.conftest import app, client, clock, entries, hub_keys, make_app, network, settings, trial

__all__ = ["app", "client", "clock", "entries", "hub_keys", "make_app", "network", "settings", "trial"]
