"""What the web server loads in production."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from referral_hub.app import create_app
from referral_hub.cli.serving import WORKERS
from referral_hub.cli.wiring import settings

if TYPE_CHECKING:
    from flask import Flask


def production() -> Flask:
    """Return the application of the profile in `HUB_PROFILE`, which is production unless it says otherwise."""
    return create_app(settings(), workers=int(os.environ.get(WORKERS, "1")))
