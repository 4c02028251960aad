"""Reading the log: newest first, page by page after an index. Values, never live rows.

A page read is itself an access: the caller records it. Which entries a person may see is decided above; `scope` narrows a
page to what a data-protection officer sees, the entries of one agency and the disclosures to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text, union

from referral_hub.audit import entry as entries
from referral_hub.audit.records import AuditCheckpoint, AuditEntry, AuditHead

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

LIMIT = 50


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What to look for; None asks nothing. Time is from `since` on and before `until`."""

    actor_id: UUID | None = None
    agency_id: UUID | None = None
    subject: UUID | None = None
    object_id: UUID | None = None
    referral_id: UUID | None = None
    action: str | None = None
    outcome: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Logged:
    """An entry as it stands in the log, read from the hashed bytes."""

    idx: int
    leaf_hash: bytes
    entry: entries.Entry
    place: entries.Place


@dataclass(frozen=True)
class Sending:
    """The newest sending of a referral: the digest of its signed manifest, and the index of its entry."""

    manifest_digest: bytes
    idx: int


@dataclass(frozen=True)
class Checkpoint:
    """A published checkpoint: the signed note and what it states."""

    id: UUID
    size: int
    root: bytes
    note: str
    signed_at: datetime


def peek(session: Session, idx: int) -> Logged | None:
    """Return the entry at `idx`, or None."""
    row = session.execute(_COLUMNS.where(AuditEntry.idx == idx)).one_or_none()
    return None if row is None else _logged(*row)


def latest(
    session: Session, *, filters: Filter | None = None, scope: UUID | None = None, after: int | None = None, limit: int = LIMIT
) -> tuple[Logged, ...]:
    """Return at most `limit` entries, newest first, older than index `after` (the last one of the page before)."""
    conditions = _conditions(filters or Filter())
    if after is not None:
        conditions.append(AuditEntry.idx < after)
    branches = [_newest(conditions, limit)]
    if scope is not None:
        ends = (AuditEntry.agency_id == scope, AuditEntry.recipient_agency == scope)
        branches = [_newest([*conditions, end], limit) for end in ends]
    found = union(*branches).subquery()
    # A plan kept from a busy agency's page would walk the whole log for a small one.
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    rows = session.execute(_COLUMNS.join(found, found.c.idx == AuditEntry.idx).order_by(AuditEntry.idx.desc()).limit(limit)).all()
    return tuple(_logged(*row) for row in rows)


def of_referral(
    session: Session, *, referral_id: UUID, scope: UUID | None = None, after: int | None = None, limit: int = LIMIT
) -> tuple[Logged, ...]:
    """Return the entries that belong to a referral, newest first; paging as in `latest`."""
    return latest(session, filters=Filter(referral_id=referral_id), scope=scope, after=after, limit=limit)


def last_sending(session: Session, *, referral_id: UUID) -> Sending | None:
    """Return the newest sending of the referral (an allowed entry with manifest digest and recipient agency), or None."""
    row = session.execute(
        select(AuditEntry.manifest_digest, AuditEntry.idx)
        .where(
            AuditEntry.referral_id == referral_id,
            AuditEntry.manifest_digest.is_not(None),
            AuditEntry.recipient_agency.is_not(None),
            text("outcome = 'allow'"),  # as in the partial index
        )
        .order_by(AuditEntry.idx.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None or row.manifest_digest is None else Sending(manifest_digest=row.manifest_digest, idx=row.idx)


def refused_of_referral(session: Session, *, referral_id: UUID) -> int:
    """Return how many refused attempts the log has for a referral."""
    refused = select(func.count()).where(AuditEntry.referral_id == referral_id, AuditEntry.outcome == "deny")
    return session.scalar(refused) or 0


def size(session: Session) -> int:
    """Return how many entries the log has."""
    return session.scalar(select(AuditHead.size)) or 0


def latest_checkpoint(session: Session) -> Checkpoint | None:
    """Return the newest published checkpoint of this log, or None. Those of a log that was given up (a new shard) do not count."""
    origin = select(AuditHead.origin).scalar_subquery()
    newest = (
        select(AuditCheckpoint)
        .where(AuditCheckpoint.origin == origin)
        .order_by(AuditCheckpoint.size.desc(), AuditCheckpoint.signed_at.desc())
        .limit(1)
    )
    row = session.scalar(newest)
    return None if row is None else Checkpoint(id=row.id, size=row.size, root=row.root, note=row.note, signed_at=row.signed_at)


_COLUMNS = select(AuditEntry.idx, AuditEntry.leaf_hash, AuditEntry.payload)


def _conditions(filters: Filter) -> list[ColumnElement[bool]]:
    names = ("actor_id", "agency_id", "object_id", "referral_id", "action", "outcome", "reason")
    wanted = [getattr(AuditEntry, name) == getattr(filters, name) for name in names if getattr(filters, name) is not None]
    if filters.since is not None:
        wanted.append(AuditEntry.occurred_at >= filters.since)
    if filters.until is not None:
        wanted.append(AuditEntry.occurred_at < filters.until)
    if filters.subject is not None:
        # Materialised: the planner overrates how common one subject is, and would walk the log backwards for her.
        hers = select(AuditEntry.idx).where(AuditEntry.subjects.contains([filters.subject]))
        wanted.append(AuditEntry.idx.in_(select(hers.cte("hers").prefix_with("MATERIALIZED").c.idx)))
    return wanted


def _newest(conditions: Sequence[ColumnElement[bool]], limit: int) -> Select[tuple[int]]:
    newest = select(AuditEntry.idx).where(*conditions).order_by(AuditEntry.idx.desc()).limit(limit)
    return select(newest.subquery().c.idx)


def _logged(idx: int, leaf_hash: bytes, payload: bytes) -> Logged:
    entry, place = entries.parse(payload)
    return Logged(idx=idx, leaf_hash=leaf_hash, entry=entry, place=place)
