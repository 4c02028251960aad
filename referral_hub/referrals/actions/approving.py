"""A second person looks before it is sent: the worker submits the draft, the supervisor sends it or sends it back (DECISIONS 20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.consent.facts import Standing
from referral_hub.referrals import drafts, firing, rules, scope
from referral_hub.referrals.firing import Act, Change

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.protocol.lifecycle import Life
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def submit(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    request_id: str = "",
) -> Referral:
    """Ask the supervisor to approve and send. `referral.submit`. Whoever submits is the sending member, and is not the one who approves.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `no_consent`, `consent_expired`, `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        standing = scope.standing(found.row, found.consent, sections=(), now=now, timezone=actor.timezone)
        if found.consent is None or standing is not Standing.COVERS:
            raise errors.RuleBroken(standing.refusal or "no_consent")
        if "awaiting_approval" in found.row.flags:
            raise errors.RuleBroken("wrong_state", state=found.row.state)
        return Change({"basis": found.consent.basis}, {}, {"from_member": actor.member_id})
    return firing.fire(session, act, event="submit", referral_id=referral_id, version=version, prepare=prepare)


def send_back(
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
    """Give a submitted draft back with a coded reason and, for its author alone, a note sealed with the draft. `referral.send_back`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    inputs = {"event_reason": reason} if reason else {}
    told = {drafts.RETURNED: {"note": rules.checked_note(note)}}

    def seal(found: Found, _life: Life) -> dict[str, Any]:
        drafts.seal(session, found.row, act, contents=told if note.strip() else {})
        return {}

    change = Change(inputs, {}, {"event_reason": reason}, then=seal)
    return firing.fire(session, act, event="send_back", referral_id=referral_id, version=version, prepare=lambda _: change)
