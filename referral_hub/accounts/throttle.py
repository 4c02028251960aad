"""Counting attempts to sign in, and telling the log of closed windows with one entry each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from referral_hub import audit
from referral_hub.accounts.records import BucketRow
from referral_hub.accounts.rules.throttle import WINDOW, Bucket, Kind, network_of
from referral_hub.vault.hub import HubSecret

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.hub import HubKeys

SWEEP = 500


@dataclass(frozen=True)
class Side:
    """One bucket that an attempt counts in. `member_id` only where the account exists: its failures are told under the member."""

    token: bytes
    kind: Kind
    member_id: uuid.UUID | None = None


def passphrase_sides(hub: HubKeys, *, mail: str, member_id: uuid.UUID | None, address: str, known_device: bytes | None) -> tuple[Side, ...]:
    """Return the buckets of an attempt with a passphrase: a known device has its own; everybody else counts for account and network."""
    if member_id is not None and known_device is not None:
        return (Side(_token(hub, Kind.KNOWN, member_id.bytes + known_device), Kind.KNOWN, member_id),)
    account = Side(_token(hub, Kind.UNKNOWN, mail.encode()), Kind.UNKNOWN, member_id)
    return (account, Side(_token(hub, Kind.NETWORK, network_of(address).encode()), Kind.NETWORK))


def signed_in_sides(hub: HubKeys, *, member_id: uuid.UUID) -> tuple[Side, ...]:
    """Return the bucket of a passphrase asked for again in a full session: nobody outside can exhaust it."""
    return (Side(_token(hub, Kind.KNOWN, member_id.bytes), Kind.KNOWN, member_id),)


def code_sides(hub: HubKeys, *, member_id: uuid.UUID, known_device: bytes | None) -> tuple[Side, ...]:
    """Return the bucket of a second-factor code; only who had the right passphrase comes here."""
    return (Side(_token(hub, Kind.CODE, member_id.bytes + (known_device or b"")), Kind.CODE, member_id),)


def _token(hub: HubKeys, kind: Kind, what: bytes) -> bytes:
    return hub.token(HubSecret.INDEX, "throttle", kind.value, what)


def count_attempt(session: Session, sides: Sequence[Side], *, now: datetime) -> datetime | None:
    """Count one attempt on every side, or refuse it.

    Returns None when it was counted; else the moment from which one may try again (a full bucket's window end). The
    caller commits in both cases.
    """
    buckets = _locked(session, sides, now=now)
    full = [bucket.window_end for bucket in buckets.values() if bucket.is_full]
    if not full:
        _keep(session, {token: bucket.tried() for token, bucket in buckets.items()})
        return None
    teller = _teller(sides).token
    _keep(session, {teller: buckets[teller].turned_away()})
    return max(full)


def give_back(session: Session, sides: Sequence[Side], *, now: datetime) -> None:
    """Take a counted attempt off again: it was right, or could not be made."""
    buckets = _locked(session, sides, now=now)
    _keep(session, {token: bucket.given_back() for token, bucket in buckets.items()})


def count_failure(session: Session, sides: Sequence[Side], *, now: datetime) -> bool:
    """Count one failure and return whether it gets an entry of its own (the first five of a window do)."""
    teller = _teller(sides).token
    bucket, own = _locked(session, sides, now=now)[teller].failed()
    _keep(session, {teller: bucket})
    return own


def _teller(sides: Sequence[Side]) -> Side:
    """Return the side that tells the log: the account's where there is one, else the network's, so that made-up names cannot fill the log."""
    return next((side for side in sides if side.member_id is not None), sides[-1])


def _locked(session: Session, sides: Sequence[Side], *, now: datetime) -> dict[bytes, Bucket]:
    """Return the buckets under their row locks, begun again where the window has closed."""
    new = [_values(side, Bucket(side.kind, now)) for side in sides]
    session.execute(insert(BucketRow).on_conflict_do_nothing(), new)
    tokens = [side.token for side in sides]
    query = select(BucketRow).where(BucketRow.token.in_(tokens)).order_by(BucketRow.token).with_for_update()
    rows = session.scalars(query.execution_options(populate_existing=True)).all()
    return {row.token: _current(session, row, now=now) for row in rows}


def _current(session: Session, row: BucketRow, *, now: datetime) -> Bucket:
    bucket = _bucket(row)
    if not bucket.is_over(now):
        return bucket
    _tell(session, bucket, row.member_id, now=now)
    return bucket.begun_again(now)


def _bucket(row: BucketRow) -> Bucket:
    return Bucket(Kind(row.kind), row.window_start, attempts=row.attempts, failures=row.failures, logged=row.logged, refused=row.refused)


def _values(side: Side, bucket: Bucket) -> dict[str, object]:
    return asdict(bucket) | {"token": side.token, "member_id": side.member_id}


def _keep(session: Session, buckets: dict[bytes, Bucket]) -> None:
    for token, bucket in buckets.items():
        row = session.get_one(BucketRow, token)
        for name, value in asdict(bucket).items():
            setattr(row, name, value)
    session.flush()


def _tell(session: Session, bucket: Bucket, member_id: uuid.UUID | None, *, now: datetime) -> None:
    if not bucket.uncounted:
        return
    failed = "session.second_factor_failed" if bucket.kind is Kind.CODE else "session.sign_in_failed"
    entry = audit.Entry(
        occurred_at=now,
        action="session.throttled" if bucket.refused else failed,
        actor_kind="nobody",
        object_kind="member" if member_id else "session",
        object_id=member_id,
        count=bucket.uncounted,
        outcome="deny",
        reason="throttled" if bucket.refused else "not_signed_in",
    )
    audit.record(session, entry)


def close_windows(session: Session, *, now: datetime) -> int:
    """Tell the log of windows that have closed, one entry each, and drop their rows (worker). Returns how many were dropped."""
    over = select(BucketRow.token).where(BucketRow.window_start <= now - WINDOW).limit(SWEEP)
    gone = delete(BucketRow).where(BucketRow.token.in_(over)).returning(BucketRow)
    rows = session.scalars(gone.execution_options(synchronize_session=False)).all()
    for row in rows:
        _tell(session, _bucket(row), row.member_id, now=now)
    return len(rows)
