"""The one stylesheet and the mark: their names carry a hash of their content, so a browser keeps them for a year."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, request

from referral_hub.gate.admits import public

bp = Blueprint("style", __name__)

FOLDER = Path(__file__).parent / "static"
KINDS = {"hub.css": "text/css; charset=utf-8", "logo.svg": "image/svg+xml"}
FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    name: str
    kind: str
    plain: bytes
    packed: bytes


@cache
def asset(file: str) -> Asset:
    """Return a file of `static/` with its hashed name, plain and compressed."""
    plain = (FOLDER / file).read_bytes()
    stem, _, ending = file.rpartition(".")
    digest = hashlib.sha256(plain).hexdigest()[:12]
    return Asset(f"{stem}.{digest}.{ending}", KINDS[file], plain, gzip.compress(plain, mtime=0))


@bp.get("/berkas/<name>")
@public
def file(name: str) -> Response:
    """Send the stylesheet or the mark, compressed where the browser takes it: it holds no secret and reflects nothing."""
    found = next((a for a in map(asset, KINDS) if a.name == name), None)
    if found is None:
        abort(404)
    packed = request.accept_encodings.quality("gzip") > 0
    response = Response(found.packed if packed else found.plain, content_type=found.kind)
    response.headers["Cache-Control"] = FOR_A_YEAR
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response
