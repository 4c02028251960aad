"""Questions between the two agencies: information, an interview, taking a case over. Words are sealed for both; a question stops the clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.referrals import firing, rules
from referral_hub.referrals.firing import Act, Change

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def ask_information(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    question: str,
    request_id: str = "",
) -> Referral:
    """Ask the sender something, also from the preview; the own clocks stop until it is answered. `referral.ask_information`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `question`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        text = rules.required_text("question", question)
        return Change({"question": True}, {"no_conflict": not found.conflict}, note=text)
    return firing.fire(session, act, event="ask_information", referral_id=referral_id, version=version, prepare=prepare)


def answer(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    answer: str,
    request_id: str = "",
) -> Referral:
    """Answer what was asked; the clocks go on from where they stopped. `referral.answer`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `answer`; errors.RuleBroken: `wrong_state`, nothing is asked.
    """
    act = Act(actor, keys, now, request_id)
    change = Change({"answer": True}, note=rules.required_text("answer", answer))
    return firing.fire(session, act, event="answer", referral_id=referral_id, version=version, prepare=lambda _: change)


def request_interview(
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
    """Ask, as the police, to interview the survivor at a time; the time is sealed. `referral.request_interview`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `appointment` (in_past), `note`; errors.RuleBroken: `guard_failed` (not the police).
    """
    act = Act(actor, keys, now, request_id)
    rules.check_ahead("appointment", appointment, now=now)
    change = Change({"appointment": True}, note=rules.checked_note(note), appointment=appointment)
    return firing.fire(session, act, event="request_interview", referral_id=referral_id, version=version, prepare=lambda _: change)


def answer_interview(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    readiness: str,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Say how ready the survivor is for the interview. `referral.answer_interview`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `readiness`, `note`; errors.RuleBroken: `wrong_state`, nothing is asked.
    """
    act = Act(actor, keys, now, request_id)
    inputs: dict[str, Any] = {"readiness": readiness} if readiness else {}
    change = Change(inputs, note=rules.checked_note(note))
    return firing.fire(session, act, event="answer_interview", referral_id=referral_id, version=version, prepare=lambda _: change)


def request_transfer(
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
    """Ask to take the whole case over, with a coded reason. `referral.request_transfer`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    inputs = {"event_reason": reason} if reason else {}
    change = Change(inputs, {}, {"event_reason": reason}, note=rules.checked_note(note))
    return firing.fire(session, act, event="request_transfer", referral_id=referral_id, version=version, prepare=lambda _: change)


def answer_transfer(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    agreed: bool | None,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Agree or not. A transfer that is agreed to becomes a new referral of type transfer with its own consent. `referral.answer_transfer`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `agreed` (None: not answered), `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    if agreed is None:
        raise errors.InputInvalid({"agreed": ("required",)})
    change = Change({"agreed": agreed}, note=rules.checked_note(note))
    return firing.fire(session, act, event="answer_transfer", referral_id=referral_id, version=version, prepare=lambda _: change)
