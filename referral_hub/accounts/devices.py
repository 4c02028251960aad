"""Known devices: browsers that signed in before, by a long random cookie. Each row's digest is bound to one member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from referral_hub.accounts.records import DeviceRow
from referral_hub.accounts.rules import times
from referral_hub.accounts.sessions import decoded, new_secret_text
from referral_hub.db import uuid7
from referral_hub.vault.hub import HubSecret

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.hub import HubKeys


def known(session: Session, *, hub: HubKeys, member_id: uuid.UUID, cookie: str | None, now: datetime) -> bytes | None:
    """Return the digest of a device from which this member signed in before, or None."""
    if not cookie:
        return None
    digest = _digest(hub, member_id, cookie)
    query = select(DeviceRow.cookie_digest).where(DeviceRow.member_id == member_id, DeviceRow.cookie_digest == digest)
    return session.scalar(query.where(DeviceRow.expires_at > now))


def remember(session: Session, *, hub: HubKeys, member_id: uuid.UUID, cookie: str | None, now: datetime) -> str:
    """Make this browser a known one after a success; return its cookie, the present one if it is ours in form, else a new one."""
    value = cookie if cookie and _is_ours(cookie) else new_secret_text()
    times_of_use = {"last_used": now, "expires_at": now + times.DEVICE}
    new = insert(DeviceRow).values(id=uuid7(now), member_id=member_id, cookie_digest=_digest(hub, member_id, value), **times_of_use)
    session.execute(new.on_conflict_do_update(index_elements=["member_id", "cookie_digest"], set_=times_of_use))
    return value


def forget(session: Session, *, member_id: uuid.UUID) -> None:
    """Forget every device of a member: after a reset, on leaving."""
    session.execute(delete(DeviceRow).where(DeviceRow.member_id == member_id).execution_options(synchronize_session=False))


def _is_ours(cookie: str) -> bool:
    try:
        decoded(cookie)
    except ValueError:
        return False
    return True


def _digest(hub: HubKeys, member_id: uuid.UUID, cookie: str) -> bytes:
    return hub.token(HubSecret.INDEX, "device", member_id, cookie.encode("utf-8", "replace"))
