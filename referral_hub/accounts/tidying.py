"""What the worker does here: it drops what has ended. It reads ids and times, never a name or a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, or_

from referral_hub.accounts import throttle
from referral_hub.accounts.records import ActRow, DeviceRow, InvitationRow, SessionRow
from referral_hub.accounts.rules import times
from referral_hub.accounts.sessions import FULL

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def sweep(session: Session, *, now: datetime, limits: times.Limits = times.LIMITS) -> None:
    """Delete ended sessions, used and expired invitations, forgotten devices and old repeat keys; tell the log of closed throttle windows."""
    idle = SessionRow.last_seen <= now - limits.idle
    ended = (
        delete(SessionRow).where(or_(SessionRow.expires_at <= now, and_(SessionRow.purpose == FULL, idle))),
        delete(InvitationRow).where(or_(InvitationRow.expires_at <= now, InvitationRow.used_at.is_not(None))),
        delete(DeviceRow).where(DeviceRow.expires_at <= now),
        delete(ActRow).where(ActRow.created_at <= now - times.REPEATS),
    )
    for statement in ended:
        session.execute(statement.execution_options(synchronize_session=False))
    throttle.close_windows(session, now=now)
