"""The end of network details: after 24 months a month's key and details go, and the tree is not touched."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import CursorResult, delete, select

from referral_hub.audit.append import record
from referral_hub.audit.entry import Entry
from referral_hub.audit.records import AuditDetail, AuditDetailKey
from referral_hub.audit.whence import month_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

MONTHS_KEPT = 24


def destroy_expired(session: Session, *, now: datetime) -> int:
    """Destroy the keys and details of months more than 24 months before that of `now`; return how many months.

    Leaves one entry `audit.detail_destroy` by the clock when there was anything to destroy.
    """
    this = month_of(now)
    limit = date(this.year - MONTHS_KEPT // 12, this.month, 1)
    months = session.scalars(select(AuditDetailKey.month).where(AuditDetailKey.month < limit)).all()
    if not months:
        return 0
    session.execute(delete(AuditDetailKey).where(AuditDetailKey.month < limit))
    gone = session.execute(delete(AuditDetail).where(AuditDetail.month < limit))
    count = gone.rowcount if isinstance(gone, CursorResult) else 0
    record(session, Entry(occurred_at=now, action="audit.detail_destroy", actor_kind="clock", object_kind="log", count=count))
    return len(months)
