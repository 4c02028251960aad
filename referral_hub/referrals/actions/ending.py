"""The sending side ends a referral, or the survivor does: recall, withdraw, taken back. The recipient's access ends in the same act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.referrals import drafts, firing, rules
from referral_hub.referrals.firing import Act, Change

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def recall(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, version: int, request_id: str = ""
) -> Referral:
    """Take a sending back within ten minutes, while the recipient has not opened it. `referral.recall`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `guard_failed` (fact `guard`: within_10_minutes or
        not_opened), `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    return firing.fire(session, act, event="recall", referral_id=referral_id, version=version, prepare=lambda _: Change())


def withdraw(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    reason: str,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """End a referral before the service has started, with a coded reason. `referral.withdraw`.

    The recipient's keys are destroyed at once, so a note would reach nobody there: it is for the sender's own history.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`;
        errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    inputs = {"event_reason": reason} if reason else {}
    change = Change(inputs, {}, {"event_reason": reason}, note=rules.checked_note(note))
    return firing.fire(session, act, event="withdraw", referral_id=referral_id, version=version, prepare=lambda _: change)


def end(session: Session, act: Act, *, referral_id: uuid.UUID, event: str) -> Referral:
    """End a referral because what it rests on was taken back. For this room's verbs, inside their transaction."""

    def prepare(found: Found) -> Change:
        was_draft = found.row.state == "draft"
        then = (lambda f, _: drafts.destroy(session, f.row, act)) if was_draft else None
        return Change({"withdrawal_record": True}, {"no_other_basis": True}, then=then)

    return firing.fire(session, act, event=event, referral_id=referral_id, version=None, prepare=prepare, side="survivor")
