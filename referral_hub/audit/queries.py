"""Reading the log: newest first, page by page after an index. Values, never live rows.

A page read is itself an access: the caller records it. Which entries a person may see is decided above; `scope` narrows a
page to what a data-protection officer sees, the entries of one agency and the disclosures to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, literal, select, text, union

from referral_hub.audit import entry as entries
from referral_hub.audit.records import AuditCheckpoint, AuditCosignature, AuditEntry, AuditHead, AuditQuorum

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from sqlalchemy import ColumnElement, Row, ScalarSelect, Select
    from sqlalchemy.orm import Session

LIMIT = 50
STEADY_MINUTES = 5


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


@dataclass(frozen=True)
class Witness:
    """How far a witness of the policy has seen this log, and how late.

    `size` is that of the newest checkpoint it cosigned (0: none), `cosigned_at` when it says it did, `delay` how long after the signing
    we had it. `behind_since` is when the oldest checkpoint beyond `size` was signed, or None: it has seen all. `failure` is what went
    wrong when it was asked last, `refusals` how many of its refusals are kept.
    """

    key: str
    name: str
    size: int
    cosigned_at: datetime | None
    delay: timedelta | None
    behind_since: datetime | None
    failure: str
    refusals: int


@dataclass(frozen=True)
class Witnesses:
    """The witnesses of the policy, the newest checkpoint that a quorum of them cosigned, and when it was reached."""

    rows: tuple[Witness, ...]
    quorum: Checkpoint | None
    reached_at: datetime | None

    def seen(self, idx: int) -> int:
        """Return how many witnesses have cosigned a checkpoint that covers entry `idx`."""
        return sum(row.size > idx for row in self.rows)

    def is_witnessed(self, idx: int) -> bool:
        """Say whether a checkpoint with a quorum covers entry `idx`."""
        return self.quorum is not None and self.quorum.size > idx


def peek(session: Session, idx: int) -> Logged | None:
    """Return the entry at `idx`, or None."""
    row = session.execute(_COLUMNS.where(AuditEntry.idx == idx)).one_or_none()
    return None if row is None else _logged(*row)


def leaf_hash(session: Session, idx: int) -> bytes | None:
    """Return the leaf hash of the entry at `idx`, or None."""
    return session.scalar(select(AuditEntry.leaf_hash).where(AuditEntry.idx == idx))


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
    row = session.execute(_sendings(AuditEntry.manifest_digest, AuditEntry.idx, referral_id=literal(referral_id))).one_or_none()
    return None if row is None or row.manifest_digest is None else Sending(manifest_digest=row.manifest_digest, idx=row.idx)


def last_digest(referral_id: ColumnElement[UUID]) -> ScalarSelect[bytes | None]:
    """Return the manifest digest of the newest sending of the referral whose id a select has in a column, to be read with it."""
    return _sendings(AuditEntry.manifest_digest, referral_id=referral_id).scalar_subquery()


def _sendings(*columns: Any, referral_id: ColumnElement[UUID]) -> Select[Any]:
    sent = and_(AuditEntry.manifest_digest.is_not(None), AuditEntry.recipient_agency.is_not(None), text("audit_entry.outcome = 'allow'"))  # the partial index
    return select(*columns).where(AuditEntry.referral_id == referral_id, sent).order_by(AuditEntry.idx.desc()).limit(1)


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
    return None if row is None else _checkpoint(row)


def witnesses(session: Session) -> Witnesses:
    """Return how the witnesses of this log stand; no rows where no policy is set, or the worker has not yet read it."""
    origin = select(AuditHead.origin).scalar_subquery()
    ranked = select(AuditQuorum.reached_at, AuditCheckpoint).join(AuditCheckpoint, AuditCheckpoint.id == AuditQuorum.checkpoint_id)
    newest = session.execute(
        ranked.where(AuditCheckpoint.origin == origin).order_by(AuditQuorum.checkpoint_id.desc()).limit(1)
    ).one_or_none()
    rows = tuple(_witness(row) for row in session.execute(_WITNESSES))
    return Witnesses(rows, None if newest is None else _checkpoint(newest[1]), None if newest is None else newest[0])


def cosignatures(session: Session, checkpoint_id: UUID) -> tuple[str, ...]:
    """Return the signature lines of witnesses for a checkpoint, in the order of their keys."""
    wanted = select(AuditCosignature.line).where(AuditCosignature.checkpoint_id == checkpoint_id).order_by(AuditCosignature.witness)
    return tuple(session.scalars(wanted))


def steady_checkpoint(session: Session, *, now: datetime) -> Checkpoint | None:
    """Return the newest checkpoint of the last full five minutes, or the newest of all when that is older; None before the first.

    Witnesses that come by themselves, each at its own moment, cosign the same one, so that it can reach a quorum.
    """
    origin = select(AuditHead.origin).scalar_subquery()
    full = now.replace(minute=now.minute - now.minute % STEADY_MINUTES, second=0, microsecond=0)
    before = select(AuditCheckpoint).where(AuditCheckpoint.origin == origin, AuditCheckpoint.signed_at < full)
    row = session.scalar(before.order_by(AuditCheckpoint.size.desc(), AuditCheckpoint.signed_at.desc()).limit(1))
    return latest_checkpoint(session) if row is None else _checkpoint(row)


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


_WITNESSES = text("""
    SELECT w.key, w.name, w.since, w.failure, seen.size, seen.cosigned_at, seen.received_at, seen.signed_at, beyond.signed_at AS behind,
        (SELECT count(*) FROM audit_refusal r WHERE r.witness = w.key) AS refusals
    FROM audit_head h CROSS JOIN audit_witness w
    LEFT JOIN LATERAL (
        SELECT c.size, c.signed_at, s.cosigned_at, s.received_at
        FROM audit_cosignature s JOIN audit_checkpoint c ON c.id = s.checkpoint_id AND c.origin = h.origin
        WHERE s.witness = w.key ORDER BY s.checkpoint_id DESC LIMIT 1) seen ON true
    LEFT JOIN LATERAL (
        SELECT c.signed_at FROM audit_checkpoint c
        WHERE c.origin = h.origin AND c.size > coalesce(seen.size, 0) ORDER BY c.size, c.signed_at LIMIT 1) beyond ON true
    WHERE w.listed ORDER BY w.name
""")


def _witness(row: Row[Any]) -> Witness:
    return Witness(
        key=row.key,
        name=row.name,
        size=row.size or 0,
        cosigned_at=row.cosigned_at,
        delay=None if row.received_at is None else row.received_at - row.signed_at,
        behind_since=None if row.behind is None else max(row.behind, row.since),
        failure=row.failure,
        refusals=row.refusals,
    )


def _checkpoint(row: AuditCheckpoint) -> Checkpoint:
    return Checkpoint(id=row.id, size=row.size, root=row.root, note=row.note, signed_at=row.signed_at)


def _logged(idx: int, leaf_hash: bytes, payload: bytes) -> Logged:
    entry, place = entries.parse(payload)
    return Logged(idx=idx, leaf_hash=leaf_hash, entry=entry, place=place)
