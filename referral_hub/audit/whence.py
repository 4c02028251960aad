"""Where an access came from: client address and browser, apart from the entry, hub-locked under the month's own key.

The tree does not cover it. Each month's random key lies wrapped under the hub key (use `detail`); when the row goes after 24
months, so does the detail of that month, and no entry changes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from referral_hub.audit.records import AuditDetailKey
from referral_hub.vault import aead
from referral_hub.vault.hub import Use

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from referral_hub.vault.hub import HubKeys

_ATTACHED = "referral_hub.whence"


def attach(session: Session, seal_at: Callable[[Session, datetime], bytes]) -> None:
    """Let every entry recorded on this session carry the detail that `seal_at(session, moment of the entry)` returns."""
    session.info[_ATTACHED] = seal_at


def sealed_detail(session: Session, moment: datetime) -> bytes | None:
    """Return the sealed detail for an entry of `moment`, or None on a session that came from nowhere (operators, worker)."""
    seal_at: Callable[[Session, datetime], bytes] | None = session.info.get(_ATTACHED)
    return None if seal_at is None else seal_at(session, moment)


def seal(session: Session, *, hub: HubKeys, plain: bytes, moment: datetime) -> bytes:
    """Return `plain` under the key of the month of `moment`; the first asker of a month makes its key.

    Raises:
        errors.CannotOpen: the month's key does not belong to this hub.
    """
    month = month_of(moment)
    return aead.encrypt(_key(session, hub, month), plain, _place(month))


def open_detail(session: Session, *, hub: HubKeys, sealed: bytes, moment: datetime) -> bytes | None:
    """Return what `seal` sealed, or None when the month's key was destroyed.

    Raises:
        errors.CannotOpen: changed bytes, or another hub.
    """
    month = month_of(moment)
    wrapped = session.scalar(select(AuditDetailKey.wrapped).where(AuditDetailKey.month == month))
    if wrapped is None:
        return None
    return aead.decrypt(hub.unlock(Use.DETAIL, wrapped, *_owner(month)), sealed, _place(month), what="log detail")


def _key(session: Session, hub: HubKeys, month: date) -> bytes:
    known = hub.month_keys.get(month)
    if known is not None:
        return known
    wanted = select(AuditDetailKey.wrapped).where(AuditDetailKey.month == month)
    wrapped = session.scalar(wanted)
    if wrapped is not None:
        key = hub.unlock(Use.DETAIL, wrapped, *_owner(month))
        hub.month_keys[month] = key  # only what stood there already: a key made here may still roll back
        return key
    made = hub.lock(Use.DETAIL, aead.new_key(), *_owner(month))
    session.execute(insert(AuditDetailKey).values(month=month, wrapped=made).on_conflict_do_nothing())
    return hub.unlock(Use.DETAIL, session.scalars(wanted).one(), *_owner(month))


def _owner(month: date) -> tuple[str, str]:
    return "log detail", month.isoformat()


def _place(month: date) -> bytes:
    return f"log detail {month.isoformat()}".encode()


def month_of(moment: datetime) -> date:
    """Return the first day of the month of `moment`, in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)
