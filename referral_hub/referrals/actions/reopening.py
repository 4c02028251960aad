"""A referral that has ended never opens again: what is needed once more becomes a new referral that is based on the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.referrals import drafts, firing, scope
from referral_hub.referrals.actions import drafting
from referral_hub.referrals.firing import Act
from referral_hub.referrals.records import ReferralRow

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def start_anew(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, version: int, request_id: str = ""
) -> Referral:
    """Make a draft for the same agency and service, with what was written for a referral that has ended. `referral.create`. Returns the draft.

    It is `part_of` the old one, which stays as it is, and rests on nothing yet: the survivor is asked again, and what is shared is chosen again.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `wrong_state` (it has not ended, or was never sent),
        `service_not_allowed`, `guard_failed` (the agency receives no more).
    """
    act = Act(actor, keys, now, request_id)
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="update")
    access.require(actor, Verb.REFERRAL_CREATE, found.target(actor, now=now))
    old = found.row
    if old.version != version:
        raise firing.moved_on(session, old, act, event="create")
    if old.ended_at is None or old.sent_at is None:
        raise errors.RuleBroken("wrong_state", state=old.state)
    written = drafts.open_now(session, old, act)
    made = drafting.create(
        session, actor=actor, keys=keys, now=now, request_id=request_id, case_id=old.case_id, service=old.service, recipient_agency=old.to_agency,
        urgency=old.urgency, type=old.type, parts={name: written[name] for name in drafts.WRITTEN if name in written},
    )  # fmt: skip
    new = session.get_one(ReferralRow, made.id)
    new.part_of = old.id
    session.flush()
    return scope.snapshot(new, side="sender")
