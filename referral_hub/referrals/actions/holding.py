"""The recipient arranges the service: appointments, a waiting list, and giving an accepted referral back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.consent import rules as consents
from referral_hub.directory import queries as directory
from referral_hub.directory import rules as offers
from referral_hub.protocol import deadlines
from referral_hub.referrals import firing, rules
from referral_hub.referrals.firing import Act, Change

if TYPE_CHECKING:
    import uuid
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def schedule(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    appointment: datetime,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Make an appointment; its time is sealed for both agencies, clear is only that there is one. `referral.schedule`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `appointment` (in_past), `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    rules.check_ahead("appointment", appointment, now=now)
    change = Change({"appointment": True}, {}, {"has_appointment": True}, note=rules.checked_note(note), appointment=appointment)
    return firing.fire(session, act, event="schedule", referral_id=referral_id, version=version, prepare=lambda _: change)


def no_show(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    attempts: int,
    safe_contact_respected: bool | None,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Record that the survivor did not come: how often she was reached for, and whether safe contact was kept to. `referral.no_show`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `attempts`, `safe_contact_respected` (None: not answered), `note`.
    """
    act = Act(actor, keys, now, request_id)
    rules.check_attempts(attempts)
    if safe_contact_respected is None:
        raise errors.InputInvalid({"safe_contact_respected": ("required",)})
    inputs = {"attempts": attempts, "safe_contact_respected": safe_contact_respected}
    change = Change(inputs, {}, {"has_appointment": False}, note=rules.checked_note(note))
    return firing.fire(session, act, event="no_show", referral_id=referral_id, version=version, prepare=lambda _: change)


def waitlist(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    review_on: date,
    interim_safety_plan: str,
    request_id: str = "",
) -> Referral:
    """Put an accepted referral on the waiting list, with a day to look again and a plan until then (sealed). The clock goes on. `referral.waitlist`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `review_on` (in_past), `interim_safety_plan`;
        errors.RuleBroken: `guard_failed` (emergency and urgent wait for nobody), `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        if review_on <= consents.local_day(now, actor.timezone):
            raise errors.InputInvalid({"review_on": ("in_past",)})
        plan = rules.required_text("interim_safety_plan", interim_safety_plan)
        guards = {"not_time_critical": not rules.is_left_out("waitlist", urgency=found.row.urgency)}
        return Change({"review_on": review_on, "interim_safety_plan": True}, guards, {"review_on": review_on}, note=plan)
    return firing.fire(session, act, event="waitlist", referral_id=referral_id, version=version, prepare=prepare)


def resume(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    request_id: str = "",
) -> Referral:
    """Take a referral off the waiting list. `referral.resume`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `wrong_state`, it does not wait.
    """
    act = Act(actor, keys, now, request_id)
    change = Change(values={"review_on": None})
    return firing.fire(session, act, event="resume", referral_id=referral_id, version=version, prepare=lambda _: change)


def un_accept(
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
    """Give an acceptance back within 24 hours: the package closes, the preview stays, a colleague may answer anew. `referral.un_accept`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `guard_failed` (later than 24 hours).
    """
    act = Act(actor, keys, now, request_id)
    inputs = {"event_reason": reason} if reason else {}

    def prepare(found: Found) -> Change:
        calendar = offers.calendar(directory.agency(session, found.row.to_agency))
        due = deadlines.respond_by(now, urgency=found.row.urgency, calendar=calendar)
        values = {"event_reason": reason, "handler": None, "respond_by": due, "has_appointment": False}
        return Change(inputs, {}, values, note=rules.checked_note(note))
    return firing.fire(session, act, event="un_accept", referral_id=referral_id, version=version, prepare=prepare)


def cannot_continue(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    outcome: str,
    hand_back_note: str,
    request_id: str = "",
) -> Referral:
    """Stop a service that cannot go on: an outcome, and what the sender must know to go on herself (sealed). `referral.cannot_continue`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `outcome`, `hand_back_note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    inputs = ({"outcome": outcome} if outcome else {}) | {"hand_back_note": True}
    change = Change(inputs, {}, {"outcome": outcome, "review_on": None}, note=rules.required_text("hand_back_note", hand_back_note))
    return firing.fire(session, act, event="cannot_continue", referral_id=referral_id, version=version, prepare=lambda _: change)
