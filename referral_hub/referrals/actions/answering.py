"""The recipient answers: opens the preview, takes the task, accepts or declines. Of concurrent claims and accepts exactly one wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as accounts
from referral_hub.cases import queries as cases
from referral_hub.consent.facts import Standing
from referral_hub.directory import queries as directory
from referral_hub.protocol import deadlines
from referral_hub.referrals import firing, rules
from referral_hub.referrals.firing import Act, Change
from referral_hub.referrals.records import EventRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def open_preview(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, version: int | None = None, request_id: str = ""
) -> Referral:
    """Open the preview for the first time: the state changes, nothing is shown yet (DECISIONS 2). `referral.open_preview`.

    Whoever opens first and may accept is assigned until a colleague takes it (DECISIONS 12).

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `wrong_state` (opened before, recalled, ended).
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        assigned = found.row.handler or (actor.member_id if Verb.REFERRAL_ACCEPT in access.acts_allowed(actor.roles) else None)
        return Change(guards=_no_conflict(found), values={"handler": assigned})

    return firing.fire(session, act, event="open_preview", referral_id=referral_id, version=version, prepare=prepare)


def claim(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, version: int, request_id: str = ""
) -> Referral:
    """Take the task: the actor becomes the handler. One claim wins. `referral.claim`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.LostRace: a colleague has it (who, when);
        errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        _check_claim(session, found, may_take=(actor.member_id,))
        return Change(guards=_no_conflict(found), values={"handler": actor.member_id})

    return firing.fire(session, act, event="claim", referral_id=referral_id, version=version, prepare=prepare)


def accept(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    handler: uuid.UUID,
    first_contact_by: datetime,
    request_id: str = "",
) -> Referral:
    """Accept: a handler, a promised first contact, and the package opens to the recipient. `referral.accept`.

    `first_contact_by` (aware) counts at most as late as the urgency allows. A colleague's claim stands, unless she is the handler named or
    the actor shares out the work (ability `assign`).

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.LostRace: a colleague was faster (who, when, event);
        errors.InputInvalid: `handler`, `first_contact_by`; errors.RuleBroken: `wrong_state`, `no_consent`, `consent_expired`, `guard_failed`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        shares_out = "assign" in access.abilities(actor.roles)
        _check_claim(session, found, may_take=(found.row.handler,) if shares_out else (actor.member_id, handler))
        _check_handler(session, found, act, handler=handler)
        due = deadlines.first_service_by(now, urgency=found.row.urgency, asked=first_contact_by)
        standing = found.standing(sections=found.granted, now=now, timezone=actor.timezone)
        if standing is not Standing.COVERS:
            raise errors.RuleBroken(standing.refusal)
        inputs = {"handler": str(handler), "first_contact_by": due}
        guards = {"basis_stands": True} | _no_conflict(found)
        return Change(inputs, guards, {"handler": handler, "first_service_by": due})

    return firing.fire(session, act, event="accept", referral_id=referral_id, version=version, prepare=prepare)


def decline(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    reason: str,
    redirect_agency: uuid.UUID | None = None,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Decline with a coded reason; nothing of the referral opens here any more. A note is sealed for the sender. `referral.decline`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion, errors.LostRace; errors.InputInvalid: `decline_reason`, `redirect_agency`,
        `note`; errors.RuleBroken: `redirect_needed`, `wrong_state`, `guard_failed` (accepted before).
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        if redirect_agency is not None:
            _check_redirect(session, found, redirect_agency)
        inputs: dict[str, Any] = {"decline_reason": reason}
        if redirect_agency is not None:
            inputs["redirect_agency"] = str(redirect_agency)
        return Change(inputs, {}, {"decline_reason": reason, "redirect_agency": redirect_agency}, note=rules.checked_note(note))

    return firing.fire(session, act, event="decline", referral_id=referral_id, version=version, prepare=prepare)


def _no_conflict(found: Found) -> dict[str, bool]:
    return {"no_conflict": not found.conflict}


def _check_claim(session: Session, found: Found, *, may_take: Collection[uuid.UUID | None]) -> None:
    """Refuse where the claim of a colleague stands who is not among `may_take`. Whoever merely opened the preview has claimed nothing."""
    row = found.row
    if row.handler is None or row.handler in may_take:
        return
    newest = select(EventRow).where(EventRow.referral_id == row.id, EventRow.code == "claim").order_by(EventRow.seq.desc()).limit(1)
    claimed = session.scalars(newest).one_or_none()
    if claimed is not None and claimed.actor_id == row.handler:
        raise errors.LostRace(who=claimed.actor_code, when=claimed.at, event="claim")


def _check_handler(session: Session, found: Found, act: Act, *, handler: uuid.UUID) -> None:
    able = {member.id for member in accounts.may_handle(session, agency_id=found.row.to_agency)}
    if handler not in able or cases.conflict_blocks(session, hub=act.keys.hub, case_id=found.row.case_id, member_id=handler):
        raise errors.InputInvalid({"handler": ("not_known",)})


def _check_redirect(session: Session, found: Found, agency_id: uuid.UUID) -> None:
    try:
        agency = directory.agency(session, agency_id)
    except errors.NotFound:
        raise errors.InputInvalid({"redirect_agency": ("not_known",)}) from None
    if agency.id == found.row.to_agency or not agency.active or not protocol.current().kind(agency.kind).case_data:
        raise errors.InputInvalid({"redirect_agency": ("not_known",)})
