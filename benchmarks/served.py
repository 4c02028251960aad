"""What granian loads: the product as it runs in production but for the place of its keys and database, and the twin.

python -m benchmarks.served product|twin PORT
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from benchmarks.place import Place
from benchmarks.serving import WORKERS
from referral_hub.app import create_app
from referral_hub.cli.serving import serve

if TYPE_CHECKING:
    from flask import Flask


def product() -> Flask:
    """Return the product's application: the whole program, with its own cookies, derivation and request log."""
    place, database = Place.of_environment()
    return create_app(place.settings(database), workers=WORKERS)


def twin() -> Flask:
    """Return the twin's application."""
    from benchmarks.twin import create_twin  # noqa: PLC0415 - the product's workers load nothing of the twin

    place, database = Place.of_environment()
    return create_twin(place.settings(database), workers=WORKERS)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    serve(f"benchmarks.served:{sys.argv[1]}", host="127.0.0.1", port=int(sys.argv[2]), workers=WORKERS)
