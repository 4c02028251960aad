"""The recipient serves: starts, reports progress by milestones, completes with an outcome. Notes are sealed for both agencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def start(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, version: int, request_id: str = ""
) -> Referral:
    """Start the service. `referral.start`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    return firing.fire(session, act, event="start", referral_id=referral_id, version=version, prepare=lambda _: Change())


def progress(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    milestone: str,
    note: str,
    request_id: str = "",
) -> Referral:
    """Record a milestone (coded, clear) with a note (sealed for both agencies). `referral.progress`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `milestone` (none, unknown, or not of this kind of
        agency), `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        text = rules.checked_note(note)
        rules.check_milestone(milestone, reached=found.row.milestones)
        reached = list(dict.fromkeys([*found.row.milestones, milestone]))
        return Change(_inputs(milestone=milestone, note=text), {}, {"milestones": reached}, note=text)

    return firing.fire(session, act, event="progress", referral_id=referral_id, version=version, prepare=prepare)


def complete(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    outcome: str,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Complete with a coded outcome; the recipient reads on for the read-only window, and nothing more. `referral.complete`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `outcome`, `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    change = Change(_inputs(outcome=outcome), {}, {"outcome": outcome}, note=rules.checked_note(note))
    return firing.fire(session, act, event="complete", referral_id=referral_id, version=version, prepare=lambda _: change)


def _inputs(**given: str) -> dict[str, Any]:
    """Return the inputs that were given; an empty one is missing."""
    return {code: value for code, value in given.items() if value}
