"""Another agency is better placed: the recipient proposes it; the sender asks the survivor and opens a new referral there, or refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.consent import queries as ledger
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import Standing
from referral_hub.directory import queries as directory
from referral_hub.protocol import package
from referral_hub.referrals import drafts, firing, packages, rules, scope
from referral_hub.referrals.actions import drafting
from referral_hub.referrals.firing import Act, Change
from referral_hub.referrals.records import ReferralRow

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import Consent
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def propose_forward(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    target_agency: uuid.UUID,
    reason: str,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Propose another agency that offers the service, with a coded reason; nothing moves until the sender agrees. `referral.propose_forward`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `target_agency` (not_known), `event_reason`, `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        _check_target(session, found, target_agency)
        inputs: dict[str, Any] = {"target_agency": str(target_agency)} | ({"event_reason": reason} if reason else {})
        return Change(inputs, {}, {"event_reason": reason, "redirect_agency": target_agency}, note=rules.checked_note(note))
    return firing.fire(session, act, event="propose_forward", referral_id=referral_id, version=version, prepare=prepare)


def refuse_forward(
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
    """Refuse what was proposed; the referral goes on where it is. `referral.refuse_forward`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `wrong_state`, nothing is proposed.
    """
    act = Act(actor, keys, now, request_id)
    inputs = {"event_reason": reason} if reason else {}
    change = Change(inputs, {}, {"event_reason": reason}, note=rules.checked_note(note))
    return firing.fire(session, act, event="refuse_forward", referral_id=referral_id, version=version, prepare=lambda _: change)


def approve_forward(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    consent_id: uuid.UUID,
    request_id: str = "",
) -> Referral:
    """Agree to what was proposed, on the survivor's consent for that agency. `referral.approve_forward`. Returns the new draft.

    The referral ends, and its recipient's access with it. A new draft, `part_of` this one, holds what was written for it and rests on the new
    consent; it is sent by its own act and never shares a section or field that this one did not. Its making is an entry of its own,
    `referral.create`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `no_consent`, `consent_scope`, `consent_expired`, `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        _check_consent(session, act, found, consent_id)
        return Change({"new_basis": str(consent_id)})
    ended = firing.fire(session, act, event="approve_forward", referral_id=referral_id, version=version, prepare=prepare)
    return _opened_anew(session, act, ended, consent_id=consent_id)


def _check_target(session: Session, found: Found, agency_id: uuid.UUID) -> None:
    """Refuse an agency that does not offer the service, and the two that have the referral already."""
    row = found.row
    try:
        directory.recipient(session, agency_id=agency_id, service=row.service)
    except (errors.NotFound, errors.RuleBroken):
        raise errors.InputInvalid({"target_agency": ("not_known",)}) from None
    if agency_id in {row.to_agency, row.from_agency}:
        raise errors.InputInvalid({"target_agency": ("not_known",)})


def _check_consent(session: Session, act: Act, found: Found, consent_id: uuid.UUID) -> None:
    """Refuse a consent that is not this survivor's, or does not stand for the agency proposed and the service's purpose."""
    consent = of_case(session, found, consent_id)
    if found.row.redirect_agency is None:
        raise errors.RuleBroken("wrong_state", state=found.row.state)
    on = consents.local_day(act.now, act.actor.timezone)
    standing = consents.covers(consent, agency_id=found.row.redirect_agency, purpose=found.purpose, sections=(), on=on)
    if standing is not Standing.COVERS:
        raise errors.RuleBroken(standing.refusal)


def of_case(session: Session, found: Found, consent_id: uuid.UUID) -> Consent:
    """Return a consent of the survivor's ledger, locked against a withdrawal. Raises errors.RuleBroken: `no_consent`, there is none such."""
    try:
        consent = ledger.by_id(session, consent_id, lock="share")
    except errors.NotFound:
        raise errors.RuleBroken("no_consent") from None
    if consent.case_id != found.row.case_id:
        raise errors.RuleBroken("no_consent")
    return consent


def _opened_anew(session: Session, act: Act, ended: Referral, *, consent_id: uuid.UUID) -> Referral:
    """Make the draft for the agency proposed: the same words, at most what was shared, resting on the new consent."""
    old = session.get_one(ReferralRow, ended.id)
    if ended.redirect_agency is None:
        raise errors.RuleBroken("wrong_state", state=ended.state)
    target = directory.agency(session, ended.redirect_agency)
    written = drafts.open_now(session, old, act)
    shared = packages.sent_now(session, old, act)
    ceiling = package.ceiling(target.kind, old.service)
    choice = {section: sorted(set(fields) & ceiling[section]) for section, fields in shared.items() if section in ceiling}
    made = drafting.create(
        session, actor=act.actor, keys=act.keys, now=act.now, request_id=act.request_id, case_id=old.case_id, service=old.service,
        recipient_agency=target.id, urgency=old.urgency, type=old.type, choice={section: fields for section, fields in choice.items() if fields},
        parts={name: written[name] for name in drafts.WRITTEN if name in written},
    )  # fmt: skip
    new = session.get_one(ReferralRow, made.id)
    new.part_of, new.consent_id = old.id, consent_id
    half = drafts.open_at(session, act, agency_id=new.from_agency, object_id=consent_id).get(drafts.CONSENT, {})
    drafts.seal(session, new, act, contents={drafts.CONSENT: half | {"consent_id": str(consent_id)}})
    session.flush()
    return scope.snapshot(new, side="sender")
