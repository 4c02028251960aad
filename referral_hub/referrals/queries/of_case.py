"""The referrals of one file, for its own page and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub.referrals import scope
from referral_hub.referrals.records import OPEN_STATES, ReferralRow

if TYPE_CHECKING:
    import uuid

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.hub import HubKeys


def open_of_case(session: Session, *, actor: Actor, hub: HubKeys, case_id: uuid.UUID) -> list[Referral]:
    """Return the referrals of a file of the own agency that have not ended, drafts among them, the oldest first. No entry."""
    running = ReferralRow.state.in_(("draft", *OPEN_STATES))
    query = select(ReferralRow).where(ReferralRow.case_id == case_id, running, scope.sent_by(actor, hub=hub)).order_by(ReferralRow.id)
    return [scope.snapshot(row, side="sender") for row in session.scalars(query)]
