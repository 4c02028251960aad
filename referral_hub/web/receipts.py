"""The member's own receipts, to keep outside the hub: who has them can show an entry that was dropped from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, request

from referral_hub import errors
from referral_hub.audit import queries as log
from referral_hub.audit.queries import Filter
from referral_hub.audit.receipts import together
from referral_hub.db import transact
from referral_hub.gate.admits import signed_in_only
from referral_hub.gate.caller import signed_in
from referral_hub.gate.house import session
from referral_hub.gate.receipts import signed

if TYPE_CHECKING:
    from referral_hub.audit.queries import Logged

bp = Blueprint("receipts", __name__)

AT_A_TIME = 200


@bp.get("/akun/tanda-terima")
@signed_in_only
def newest() -> Response:
    """Send the receipts of the member's newest entries as one text, newest first; `setelah` continues below an index."""
    after = request.args.get("setelah", "")
    below = int(after) if after.isascii() and after.isdecimal() and len(after) < len(str(2**63)) else None
    mine = Filter(actor_id=signed_in().member.id)
    found = transact(session(), lambda s: log.latest(s, filters=mine, after=below, limit=AT_A_TIME))
    return _sent([_receipt(logged) for logged in found], "hub.receipts")


@bp.get("/akun/tanda-terima/<int:idx>")
@signed_in_only
def one(idx: int) -> Response:
    """Send the receipt of one of the member's own entries."""
    logged = transact(session(), lambda s: log.peek(s, idx))
    if logged is None or logged.entry.actor_id != signed_in().member.id:
        raise errors.NotFound
    return _sent([_receipt(logged)], f"hub-{idx}.receipt")


def _receipt(logged: Logged) -> str:
    made = signed(logged.place.idx, logged.leaf_hash, logged.entry.occurred_at, logged.entry.action)
    if not made:
        raise errors.Unavailable("key_unavailable")
    return made


def _sent(receipts: list[str], name: str) -> Response:
    if not receipts:
        abort(404)
    response = Response(together(receipts), content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
