"""What the web server loads for the demonstration: plain-http cookies and a cheap key derivation, loopback only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from referral_hub.app import create_app
from referral_hub.cli.demo.place import CHEAP, Place
from referral_hub.cli.serving import WORKERS
from referral_hub.gate.cookies import CookiePolicy

if TYPE_CHECKING:
    from flask import Flask


def demo() -> Flask:
    """Return the demonstration's application."""
    plain = CookiePolicy(secure=False, prefix="")
    return create_app(Place.default().settings(), cookies=plain, kdf=CHEAP, workers=int(os.environ.get(WORKERS, "1")))
