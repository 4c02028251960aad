"""The sending side ends a referral, or the survivor does: recall, withdraw, consent taken back. The recipient's access ends in the same act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.cases import queries as cases
from referral_hub.consent import actions as consents
from referral_hub.consent import queries as ledger
from referral_hub.referrals import drafts, firing, rules, scope
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


def withdraw_consent(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, consent_id: uuid.UUID, request_id: str = ""
) -> tuple[Referral, ...]:
    """Take a consent back, and end every referral that rests on it. One entry `consent.withdraw`, one for each referral.

    Open referrals and drafts end (`consent_withdrawn`); one that is completed loses what is left of its window (`access_withdrawn`).
    Each referral rests on the one consent that its signed manifest names, so no other consent keeps it open.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.RuleBroken: `wrong_state`, it was taken back before.
    """
    act = Act(actor, keys, now, request_id)
    consent = ledger.by_id(session, consent_id)
    resting = scope.resting_on(session, consent_id=consent_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=consent.case_id, lock="share")
    consents.withdraw(session, actor=actor, about=about, consent_id=consent_id, now=now, request_id=request_id)
    return tuple(_end(session, act, referral_id=row_id, event=event) for row_id, event in _events(session, act, resting))


def _events(session: Session, act: Act, resting: tuple[uuid.UUID, ...]) -> list[tuple[uuid.UUID, str]]:
    """Return which event each referral gets; one that has ended otherwise, or whose window is over, gets none."""
    events = []
    for referral_id in resting:
        found = scope.find(session, actor=act.actor, hub=act.keys.hub, referral_id=referral_id)
        event = rules.event_of_withdrawal(found.row.state, ended_at=found.row.ended_at, standings=found.standings, now=act.now)
        if event:
            events.append((referral_id, event))
    return events


def _end(session: Session, act: Act, *, referral_id: uuid.UUID, event: str) -> Referral:
    def prepare(found: Found) -> Change:
        was_draft = found.row.state == "draft"
        then = (lambda f, _: drafts.destroy(session, f.row, act)) if was_draft else None
        return Change({"withdrawal_record": True}, {"no_other_basis": True}, then=then)

    return firing.fire(session, act, event=event, referral_id=referral_id, version=None, prepare=prepare, side="survivor")
