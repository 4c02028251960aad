"""Whether a draft was given back by whoever signs second: by whom, when, and the coded reason. Clear metadata; no scope is checked, no entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub.referrals.records import EventRow

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class SentBack:
    """A draft that its author has again: the code of who gave it back, when, and why (event_reasons.yaml)."""

    who: str
    at: datetime
    reason: str


def sent_back(session: Session, *, referral_id: uuid.UUID) -> SentBack | None:
    """Return how a draft came back, if giving it back is the last that happened to it."""
    query = select(EventRow).where(EventRow.referral_id == referral_id).order_by(EventRow.seq.desc()).limit(1)
    last = session.scalars(query).one_or_none()
    if last is None or last.code != "send_back":
        return None
    return SentBack(last.actor_code, last.at, str(last.inputs.get("event_reason", "")))
