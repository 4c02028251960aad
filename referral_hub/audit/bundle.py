"""Bundles for auditors: a part of the log or all of it, with everything that an offline check needs.

Deterministic: the same checkpoint, cosignatures and question give the same bytes (fixed times, fixed order, nothing compressed).
The export is an entry of its own, durable before the first byte is written; it is in the log of the next bundle.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from sqlalchemy import func, or_, select

from referral_hub import access, errors
from referral_hub.access import Verb, outside_cases
from referral_hub.audit import bundle_form as form
from referral_hub.audit import checkpoint, proof_text, proofs, queries, tiles
from referral_hub.audit.append import record
from referral_hub.audit.bundle_form import Manifest
from referral_hub.audit.entry import entry_for
from referral_hub.audit.proof_text import Proof
from referral_hub.audit.records import AuditEntry
from referral_hub.audit.submission import hash_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.audit.append import Ticket
    from referral_hub.audit.queries import Checkpoint

_MADE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_OBJECTS = {form.WHOLE: "log", form.PERIOD: "log", form.SUBJECT: "subject", form.ACTOR: "member", form.AGENCY: "agency"}


@dataclass(frozen=True)
class Wanted:
    """What is asked for: everything, or one survivor (by alias), one member, one agency, one period [since, until)."""

    kind: str = form.WHOLE
    of: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Planned:
    """A bundle that may be written once its ticket is durable: which entries, under which checkpoint, bridged from which earlier one."""

    manifest: Manifest
    signed: str
    indices: Sequence[int]
    earlier: str
    ticket: Ticket = field(repr=False)


def plan(
    session: Session, *, actor: Actor, now: datetime, wanted: Wanted, since: str = "", newest: bool = False, request_id: str = ""
) -> Planned:
    """Choose checkpoint and entries, and leave the entry `audit.export` with the number of entries and the manifest's digest.

    The checkpoint is the newest that a quorum of witnesses signed, or with `newest` (and where no quorum was ever met) the newest of all.
    `since` is the signed text of an earlier checkpoint, to be bridged.

    Raises:
        errors.NotAllowed: the actor does not export. errors.NotFound: nothing is signed yet.
        errors.BadNote: `since` is no checkpoint. errors.BadProof: it is of another log or a larger one.
    """
    decision = access.require(actor, Verb.AUDIT_EXPORT, outside_cases("log", same_agency=wanted.of is not None and wanted.of == actor.agency_id))
    signed = _checkpoint(session, newest=newest)
    tree = checkpoint.parse(_text(signed.note))
    earlier = checkpoint.parse(_text(since)) if since else None
    if earlier and (earlier.origin != tree.origin or earlier.size > tree.size):
        raise errors.BadProof(old_size=earlier.size, new_size=tree.size)
    indices = _indices(session, wanted, tree.size)
    manifest = Manifest(wanted.kind, tree.origin, tree.size, tree.root, len(indices), wanted.of, wanted.since, wanted.until)
    facts = {
        "object_kind": _OBJECTS[wanted.kind],
        "object_id": wanted.of,
        "subjects": (wanted.of,) if wanted.kind == form.SUBJECT and wanted.of else (),
        "count": len(indices),
        "purpose": "supervision",
        "manifest_digest": hashlib.sha256(manifest.write()).digest(),
        "request_id": request_id,
    }
    said = entry_for(actor, Verb.AUDIT_EXPORT, now=now, decision=decision, **facts)
    note = signed.note + "".join(queries.cosignatures(session, signed.id))
    return Planned(manifest, note, indices, since, record(session, said))


def write(session: Session, planned: Planned, out: BinaryIO) -> None:
    """Write the bundle to `out`, which can seek. Reads in a transaction of its own and leaves it open; the caller ends it.

    Raises:
        errors.NotDurable: the entry of the export is not durable yet. errors.BadProof: stored hashes or entries are missing.
    """
    planned.ticket.require_durable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, form.MANIFEST, planned.manifest.write())
        _put(archive, form.CHECKPOINT, planned.signed.encode())
        if planned.earlier:
            _put(archive, form.SINCE, planned.earlier.encode())
            _put(archive, form.CONSISTENCY, _bridge(session, planned))
        if planned.manifest.kind == form.WHOLE:
            for name, content in _whole(session, planned.manifest.size):
                _put(archive, name, content)
        else:
            with archive.open(_info(form.ENTRIES), "w", force_zip64=True) as file:
                for line in _lines(session, planned):
                    file.write(line)


def _checkpoint(session: Session, *, newest: bool) -> Checkpoint:
    found = None if newest else queries.witnesses(session).quorum
    found = found or queries.latest_checkpoint(session)
    if found is None:
        raise errors.NotFound
    return found


def _indices(session: Session, wanted: Wanted, size: int) -> Sequence[int]:
    """Return the indices that belong to the question, in order."""
    if wanted.kind == form.WHOLE:
        return range(size)
    if wanted.kind == form.PERIOD:
        return _period(session, wanted, size)
    conditions: dict[str, ColumnElement[bool]] = {
        form.SUBJECT: AuditEntry.subjects.contains([wanted.of]),
        form.ACTOR: AuditEntry.actor_id == wanted.of,
        form.AGENCY: or_(AuditEntry.agency_id == wanted.of, AuditEntry.recipient_agency == wanted.of),
    }
    return session.scalars(select(AuditEntry.idx).where(conditions[wanted.kind], AuditEntry.idx < size).order_by(AuditEntry.idx)).all()


def _period(session: Session, wanted: Wanted, size: int) -> range:
    """Return the range of indices that holds the period whole, with the entry before it and the one after it."""
    inside = [AuditEntry.idx < size]
    if wanted.since is not None:
        inside.append(AuditEntry.occurred_at >= wanted.since)
    if wanted.until is not None:
        inside.append(AuditEntry.occurred_at < wanted.until)
    low, high = (session.scalar(select(end(AuditEntry.idx)).where(*inside)) for end in (func.min, func.max))
    if low is not None and high is not None:
        return range(max(0, low - 1), min(size, high + 2))
    earlier = [AuditEntry.idx < size] + ([AuditEntry.occurred_at < wanted.since] if wanted.since is not None else [])
    before = session.scalar(select(func.max(AuditEntry.idx)).where(*earlier)) or 0
    return range(before, min(size, before + 2))


def _whole(session: Session, size: int) -> Iterator[tuple[str, bytes]]:
    """Give all entry bundles and tiles of a tree of `size` leaves as they are stored: what is missing there is missing here, and shows."""
    for n in range((size + tiles.WIDTH - 1) // tiles.WIDTH):
        width = tiles.width_of(0, n, size)
        first = n * tiles.WIDTH
        wanted = select(AuditEntry.payload).where(AuditEntry.idx >= first, AuditEntry.idx < first + width).order_by(AuditEntry.idx)
        yield tiles.entries_path(n, width), tiles.pack(session.scalars(wanted))
    level = 0
    while size >> (tiles.HEIGHT * level):
        for n in range(((size >> (tiles.HEIGHT * level)) + tiles.WIDTH - 1) // tiles.WIDTH):
            width = tiles.width_of(level, n, size)
            yield tiles.path(level, n, width), b"".join(proofs.available(session, level=level, n=n, width=width))
        level += 1


def _lines(session: Session, planned: Planned) -> Iterator[bytes]:
    size = planned.manifest.size
    paths = proofs.inclusions(session, indices=planned.indices, size=size)
    for index, path, payload in zip(planned.indices, paths, _payloads(session, planned.indices), strict=True):
        yield form.entry_line(payload, proof_text.write(Proof(index, tuple(path), planned.signed)))


def _payloads(session: Session, indices: Sequence[int]) -> Iterator[bytes]:
    for start in range(0, len(indices), tiles.WIDTH):
        wanted = indices[start : start + tiles.WIDTH]
        rows = select(AuditEntry.payload).where(AuditEntry.idx.in_(list(wanted))).order_by(AuditEntry.idx)
        yield from session.scalars(rows)


def _bridge(session: Session, planned: Planned) -> bytes:
    earlier = checkpoint.parse(_text(planned.earlier))
    if earlier.size == 0:
        return b""
    path: Iterable[bytes] = proofs.consistency(session, old_size=earlier.size, new_size=planned.manifest.size)
    return "".join(f"{hash_line(value)}\n" for value in path).encode()


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_info(name), content)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _MADE)
    info.create_system = 3
    info.external_attr = _MODE
    return info


def _text(signed: str) -> str:
    return signed.rpartition("\n\n")[0] + "\n"
