"""The log's public read paths (C2SP tlog-tiles) under `/log`, and where witnesses bring their cosignatures.

Checkpoints and hashes are for everybody and leave no entry: they hold no fact about anybody. Entry bundles are for auditors.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from flask import Blueprint, Response, abort, request

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.audit import public as log
from referral_hub.audit import witnesses
from referral_hub.db import transact
from referral_hub.gate.acts import keyless, read
from referral_hub.gate.admits import admits, public
from referral_hub.gate.house import house, now, session
from referral_hub.web.style import FOR_A_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

T = TypeVar("T")

bp = Blueprint("proofs", __name__, url_prefix="/log")

TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
MOST_BROUGHT = 64 * 1024
UNKNOWN, MALFORMED, TOO_LARGE = 404, 400, 413


@bp.get("/checkpoint")
@public
def checkpoint() -> Response:
    """Send the newest checkpoint with its cosignatures."""
    return Response(_read(log.checkpoint), content_type=TEXT)


@bp.get("/checkpoint/steady")
@public
def steady_checkpoint() -> Response:
    """Send the checkpoint of the last full five minutes, for witnesses that come by themselves."""
    return Response(_read(partial(log.steady_checkpoint, now=now())), content_type=TEXT)


@bp.get("/tile/<int:level>/<path:place>")
@public
def tile(level: int, place: str) -> Response:
    """Send a tile of hashes; it never changes."""
    response = Response(_read(partial(log.tile, level=level, place=place)), content_type=BYTES)
    response.headers["Cache-Control"] = FOR_A_YEAR
    return response


@bp.get("/tile/entries/<path:place>")
@admits(Verb.AUDIT_EXPORT)
def entries(place: str) -> Response:
    """Send an entry bundle to an auditor; one entry for each."""
    return Response(read(keyless(partial(log.entries, place=place))).entries, content_type=BYTES)


@bp.get("/proof/<int:index>")
@public
def proof(index: int) -> Response:
    """Send the proof that an entry stands in the newest checkpoint, for whoever holds its receipt."""
    return Response(_read(partial(log.inclusion, index=index)), content_type=TEXT)


@bp.get("/consistency/<int:old>/<int:new>")
@public
def consistency(old: int, new: int) -> Response:
    """Send the proof that a larger log continues a smaller one."""
    return Response(_read(partial(log.consistency, old_size=old, new_size=new)), content_type=TEXT)


@bp.post("/cosignature")
@public
def cosignature() -> Response:
    """Take a checkpoint of ours with the cosignatures of a witness that came by itself."""
    policy = witnesses.policy_at(house().settings.witness_policy)
    brought = request.get_data(cache=False)
    if len(brought) > MOST_BROUGHT:
        abort(TOO_LARGE)
    if policy is None:
        abort(UNKNOWN)
    try:
        transact(session(), lambda s: witnesses.accept(s, policy=policy, cosigned=brought.decode(), now=now()))
    except (errors.BadNote, UnicodeDecodeError):
        abort(MALFORMED)
    except errors.NotFound:
        abort(UNKNOWN)
    return Response("kept\n", content_type=TEXT)


def _read(ask: Callable[[Session], T]) -> T:
    """Return what `ask(session)` reads; whatever is not there is a plain 404, without an entry."""
    try:
        return transact(session(), ask)
    except errors.NotFound:
        abort(UNKNOWN)
