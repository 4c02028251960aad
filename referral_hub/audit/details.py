"""Network details of entries: each month under a random key of its own, which is destroyed after 24 months.

The keys come wrapped by the vault under the hub key; deleting a month's row destroys that month without touching the tree.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.dialects.postgresql import insert

from referral_hub.audit.append import record
from referral_hub.audit.entry import Entry
from referral_hub.audit.records import AuditDetail, AuditDetailKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

MONTHS_KEPT = 24


def wrapped_key(session: Session, *, now: datetime, make: Callable[[], bytes]) -> bytes:
    """Return the wrapped key of the month of `now`; the first asker of a month stores what `make()` returns."""
    wanted = select(AuditDetailKey.wrapped).where(AuditDetailKey.month == _month(now))
    found = session.scalar(wanted)
    if found is None:
        session.execute(insert(AuditDetailKey).values(month=_month(now), wrapped=make()).on_conflict_do_nothing())
        found = session.scalars(wanted).one()
    return found


def destroy_expired(session: Session, *, now: datetime) -> int:
    """Destroy the keys and details of months more than 24 months before that of `now`; return how many months.

    Leaves one entry `audit.detail_destroy` by the clock when there was anything to destroy.
    """
    this = _month(now)
    limit = date(this.year - MONTHS_KEPT // 12, this.month, 1)
    months = session.scalars(select(AuditDetailKey.month).where(AuditDetailKey.month < limit)).all()
    if not months:
        return 0
    session.execute(delete(AuditDetailKey).where(AuditDetailKey.month < limit))
    gone = session.execute(delete(AuditDetail).where(AuditDetail.month < limit))
    count = gone.rowcount if isinstance(gone, CursorResult) else 0
    record(session, Entry(occurred_at=now, action="audit.detail_destroy", actor_kind="clock", object_kind="log", count=count))
    return len(months)


def _month(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)
