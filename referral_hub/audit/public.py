"""What anybody may read of the log: checkpoints and hashes, as C2SP tlog-tiles, and proofs made of them. No entry.

Hashes tell nothing: each leaf has 128 random bits of its own. How many accesses there were at which minute is public, as it must
be for witnesses. Entries are for auditors; a look at a bundle of them is itself an entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import access, errors
from referral_hub.access import Verb, outside_cases
from referral_hub.audit import proof_text, proofs, queries, tiles
from referral_hub.audit.append import record
from referral_hub.audit.entry import entry_for
from referral_hub.audit.proof_text import Proof
from referral_hub.audit.reading import sees_all
from referral_hub.audit.records import AuditEntry
from referral_hub.audit.submission import hash_line

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.audit.append import Ticket
    from referral_hub.audit.queries import Checkpoint

_LEVELS = 64


@dataclass(frozen=True)
class Bundle:
    """An entry bundle (C2SP tlog-tiles, Log entries) and the ticket of the look at it."""

    entries: bytes = field(repr=False)
    ticket: Ticket = field(repr=False)


def checkpoint(session: Session) -> str:
    """Return the newest checkpoint with the cosignatures that came in so far. Raises errors.NotFound before the first."""
    return _cosigned(session, queries.latest_checkpoint(session))


def steady_checkpoint(session: Session, *, now: datetime) -> str:
    """Return the checkpoint that witnesses who come by themselves shall cosign (queries.steady_checkpoint). Raises errors.NotFound."""
    return _cosigned(session, queries.steady_checkpoint(session, now=now))


def tile(session: Session, *, level: int, place: str) -> bytes:
    """Return the hashes of a tile of the newest checkpoint's tree; `place` is the rest of its C2SP name, e.g. `x001/067.p/17`.

    Raises:
        errors.NotFound: no such tile. errors.BadProof: stored hashes are missing.
    """
    n, width = _placed(level, place, _newest(session).size)
    return b"".join(proofs.hashes(session, level=level, n=n, width=width))


def inclusion(session: Session, *, index: int) -> str:
    """Return the proof (C2SP tlog-proof) that entry `index` stands in the newest checkpoint. Raises errors.NotFound: not yet signed."""
    newest = _newest(session)
    if index >= newest.size:
        raise errors.NotFound
    path = proofs.inclusion(session, index=index, size=newest.size)
    return proof_text.write(Proof(index, tuple(path), _cosigned(session, newest)))


def consistency(session: Session, *, old_size: int, new_size: int) -> str:
    """Return the proof that the first `new_size` entries continue the first `old_size`: hashes in base64, one a line.

    Raises:
        errors.NotFound: no such sizes, or not yet signed.
    """
    if not 0 < old_size <= new_size <= _newest(session).size:
        raise errors.NotFound
    return "".join(f"{hash_line(value)}\n" for value in proofs.consistency(session, old_size=old_size, new_size=new_size))


def entries(session: Session, *, actor: Actor, now: datetime, place: str, request_id: str = "") -> Bundle:
    """Return an entry bundle; one entry `audit.export` with the number of entries. Only for who sees the whole log.

    Raises:
        errors.NotAllowed: the actor does not export the whole log. errors.NotFound: no such bundle.
    """
    decision = access.require(actor, Verb.AUDIT_EXPORT, outside_cases("log", same_agency=False))
    if not sees_all(actor):
        raise errors.NotFound
    n, width = _placed(0, place, queries.size(session))
    first = n * tiles.WIDTH
    wanted = select(AuditEntry.payload).where(AuditEntry.idx >= first, AuditEntry.idx < first + width).order_by(AuditEntry.idx)
    found = session.scalars(wanted).all()
    if len(found) != width:
        raise errors.NotFound
    facts = {"object_kind": "log", "count": width, "purpose": "supervision", "request_id": request_id}
    said = entry_for(actor, Verb.AUDIT_EXPORT, now=now, decision=decision, **facts)
    return Bundle(tiles.pack(found), record(session, said))


def _placed(level: int, place: str, size: int) -> tuple[int, int]:
    """Return number and width of the tile or bundle at `place`, if a tree of `size` leaves has it."""
    found = tiles.parse_path(place)
    if found is None or not 0 <= level < _LEVELS or tiles.width_of(level, found[0], size) < found[1]:
        raise errors.NotFound
    return found


def _newest(session: Session) -> Checkpoint:
    newest = queries.latest_checkpoint(session)
    if newest is None:
        raise errors.NotFound
    return newest


def _cosigned(session: Session, signed: Checkpoint | None) -> str:
    if signed is None:
        raise errors.NotFound
    return signed.note + "".join(queries.cosignatures(session, signed.id))
