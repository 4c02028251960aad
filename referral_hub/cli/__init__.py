"""Operators: bootstrap, keys, log, worker, server, demo. `referral-hub --help` lists the commands."""

from referral_hub.cli.main import main

__all__ = ["main"]
