"""Ends by agreement, from above and by mistake; what is disputed afterwards; and what becomes of the copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import errors, protocol
from referral_hub.referrals import copies, drafts, firing, rules
from referral_hub.referrals.firing import Act, Change

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def request_cancel(
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
    """Ask the recipient to end a service that runs, with a coded reason. `referral.request_cancel`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    inputs = {"event_reason": reason} if reason else {}
    change = Change(inputs, {}, {"event_reason": reason}, note=rules.checked_note(note))
    return firing.fire(session, act, event="request_cancel", referral_id=referral_id, version=version, prepare=lambda _: change)


def confirm_cancel(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    hand_back_note: str,
    request_id: str = "",
) -> Referral:
    """Agree to the end that was asked for, and hand back (sealed for the sender). `referral.confirm_cancel`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `hand_back_note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    change = Change({"hand_back_note": True}, note=rules.required_text("hand_back_note", hand_back_note))
    return firing.fire(session, act, event="confirm_cancel", referral_id=referral_id, version=version, prepare=lambda _: change)


def close_upstream(
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
    """End a referral because its case ends or the need is gone; the recipient's access ends at once. `referral.close_upstream`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        return _ended(session, act, found, reason=reason, note=note)
    return firing.fire(session, act, event="close_upstream", referral_id=referral_id, version=version, prepare=prepare)


def mark_error(
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
    """Mark a referral as entered in error, as the supervisor; the recipient's access ends at once. `referral.mark_error`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        return _ended(session, act, found, reason=reason, note=note)
    return firing.fire(session, act, event="mark_error", referral_id=referral_id, version=version, prepare=prepare)


def dispute(
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
    """Question the outcome within 14 days; service resumes only through a new referral. `referral.dispute`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `guard_failed` (later), `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    inputs = {"event_reason": reason} if reason else {}
    change = Change(inputs, {}, {"event_reason": reason}, note=rules.checked_note(note))
    return firing.fire(session, act, event="dispute", referral_id=referral_id, version=version, prepare=lambda _: change)


def answer_dispute(
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
    """Answer what was questioned (sealed for the sender). `referral.answer_dispute`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `answer`; errors.RuleBroken: `wrong_state`, nothing is questioned.
    """
    act = Act(actor, keys, now, request_id)
    change = Change({"answer": True}, note=rules.required_text("answer", answer))
    return firing.fire(session, act, event="answer_dispute", referral_id=referral_id, version=version, prepare=lambda _: change)


def confirm_purge(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    purge_statement: str,
    law_article: str = "",
    request_id: str = "",
) -> Referral:
    """Declare what became of the copies, those in the own file included; what is kept names its law and article (sealed). `referral.confirm_purge`.

    `destroyed` destroys the copies in the own file in the same act, and the entry names their sections; what is kept opens again.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `purge_statement`, `law_article`; errors.RuleBroken: `wrong_state`, nothing is due; `copies_remain`, nothing is said to be kept and there are copies.
    """
    act = Act(actor, keys, now, request_id)
    item = protocol.current().codelist("purge_statements").get(purge_statement)
    wanted = item is not None and bool(item.facts.get("needs"))
    article = rules.required_text("law_article", law_article, longest=rules.LAW_MAX) if wanted else ""
    inputs = ({"purge_statement": purge_statement} if purge_statement else {}) | ({"law_article": article} if article else {})

    def prepare(found: Found) -> Change:
        copies.check_statement(session, found, statement=purge_statement)
        return Change(inputs, note=article, then=lambda f, _: copies.settle(session, act, f, statement=purge_statement))

    return firing.fire(session, act, event="confirm_purge", referral_id=referral_id, version=version, prepare=prepare)


def _ended(session: Session, act: Act, found: Found, *, reason: str, note: str) -> Change:
    """Return the change of an end that may also meet a draft, whose keys are destroyed; a note to a draft's end is for the own agency."""
    inputs = {"event_reason": reason} if reason else {}
    if found.row.state != "draft":
        return Change(inputs, {}, {"event_reason": reason}, note=rules.checked_note(note))
    if note.strip():
        raise errors.InputInvalid({"note": ("not_for_event",)})
    return Change(inputs, {}, {"event_reason": reason}, then=lambda f, _: drafts.destroy(session, f.row, act))
