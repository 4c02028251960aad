"""What goes without the survivor's consent: recorded on a typed ground, signed by a second person, looked at again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.cases import reading as case_reading
from referral_hub.consent import actions as consents
from referral_hub.consent import queries as ledger
from referral_hub.consent import without
from referral_hub.protocol import package
from referral_hub.referrals import drafts, firing, scope
from referral_hub.referrals.actions import narrowing
from referral_hub.referrals.firing import Act, Change

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import About, Consent, Disclosure
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring

REVIEW = "review"  # the sealed part of a consent that says what its review found
NO_GROUND = "no_ground"  # event_reasons.yaml
_UNTOUCHED = frozenset({"draft", "rejected", "cancelled", "entered-in-error"})


def disclose(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    disclosure: Disclosure,
    request_id: str = "",
) -> Referral:
    """Record that a draft goes without her consent, and rest it on that; it is sent once a second person signed. `consent.without`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion.
        errors.RuleBroken: `wrong_state`; `consent_scope` (a section that the ground does not allow).
        errors.InputInvalid: fields as "consent.ground"; a section of the own file that does not say yet whether the ground applies.
    """
    act = Act(actor, keys, now, request_id)
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="update")
    access.require(actor, Verb.CONSENT_WITHOUT, found.target(actor, now=now, kind="consent"))
    row = found.row
    if row.version != version:
        raise firing.moved_on(session, row, act, event="edit")
    if row.state != "draft":
        raise errors.RuleBroken("wrong_state", state=row.state)
    if (disclosure.agency_id, disclosure.service, disclosure.recipient_kind) != (row.to_agency, row.service, found.recipient_kind):
        raise errors.InputInvalid({"consent.scope_agency": ("not_the_recipient",)})
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=row.case_id, lock="share")
    consent, sealed = _written(session, act, about=about, disclosure=disclosure)
    row.consent_id = consent.id
    row.version += 1
    drafts.seal(session, row, act, contents={drafts.CONSENT: sealed})
    session.flush()
    return scope.snapshot(row, side="sender")


def record_disclosure(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    case_id: uuid.UUID,
    disclosure: Disclosure,
    request_id: str = "",
) -> Consent:
    """Record a disclosure without consent in her file; a draft takes it with `rest_on` once it was signed by two. `consent.without`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.RuleBroken, errors.InputInvalid: as `disclose`.
    """
    act = Act(actor, keys, now, request_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=case_id, lock="share")
    return _written(session, act, about=about, disclosure=disclosure)[0]


def review_consent(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    consent_id: uuid.UUID,
    stands: bool | None,
    note: str,
    request_id: str = "",
) -> Consent:
    """Look again at what was decided without her: it stands, or it ends at once, and why (sealed). `consent.review`.

    Where it does not stand, what was sent on it never had a ground: each such referral ends as an error (`referral.mark_error`), its keys
    are destroyed, and what its recipient copied is held until it is deleted. Where just further sections rest on it, these close
    (`referral.consent_narrowed`), and the rest, which has a basis of its own, goes on.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.RuleBroken: `second_signer_needed` (whoever recorded it), `wrong_state`.
        errors.InputInvalid: `stands`, `note`: required.
    """
    act = Act(actor, keys, now, request_id)
    found = ledger.by_id(session, consent_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=found.case_id, lock="share")
    missing = {"stands": stands is None, "note": not package.is_said(note), "too_long": len(note) > without.LONGEST}
    if stands is None or any(missing.values()):
        access.require(actor, Verb.CONSENT_REVIEW, about.target)
        raise errors.InputInvalid({name: ("required",) for name in ("stands", "note") if missing[name]} or {"note": ("too_long",)})
    scope.resting_on(session, consent_id=consent_id)
    reviewed = consents.review(session, actor=actor, about=about, consent_id=consent_id, stands=stands, now=now, request_id=request_id)
    content = {REVIEW: {"stands": stands, "note": note.strip()}}
    drafts.seal_at(session, act, agency_id=about.agency_id, object_id=consent_id, contents=content)
    for resting in () if stands else scope.resting_on(session, consent_id=consent_id):
        _undo(session, act, referral_id=resting, consent=found)
    return reviewed


def _undo(session: Session, act: Act, *, referral_id: uuid.UUID, consent: Consent) -> None:
    """End a referral that was sent on nothing, or close what was given further. A draft stays: it can no longer be sent on this."""
    row = scope.find(session, actor=act.actor, hub=act.keys.hub, referral_id=referral_id).row
    if row.state in _UNTOUCHED:
        return
    if row.consent_id != consent.id:
        if Verb.REFERRAL_CONSENT_NARROWED not in access.acts_allowed(act.actor.roles):
            return  # its openings are refused from now on; the keys go when somebody who keeps consents narrows or the referral ends
        narrowing.follow(session, act, referral_id=referral_id, consent_id=consent.id, taken=consent.sections, reason=NO_GROUND)
        return
    change = Change({"event_reason": NO_GROUND}, {}, {"event_reason": NO_GROUND})
    firing.fire(session, act, event="mark_error", referral_id=referral_id, version=None, prepare=lambda _: change, side="sender_supervisor")


def _written(session: Session, act: Act, *, about: About, disclosure: Disclosure) -> tuple[Consent, dict[str, Any]]:
    """Write the record and seal its other half under its own id; the own file says whether the ground applies, which the entry covers."""
    ground = protocol.current().grounds.get(disclosure.ground)
    asked = without.reads(ground) if ground else frozenset()
    gathered = case_reading.gather_for_sending(
        session, actor=act.actor, keys=act.keys, case_id=about.case_id, sections=asked, now=act.now
    )
    own = {section: plain.fields() for section, plain in gathered.values.items()}
    consent, checked = consents.disclose(
        session, actor=act.actor, about=about, disclosure=disclosure, own=own, hub=act.keys.hub, now=act.now, request_id=act.request_id
    )
    sealed = {"consent_id": str(consent.id), **checked.sealed}
    drafts.seal_at(session, act, agency_id=about.agency_id, object_id=consent.id, contents={drafts.CONSENT: sealed})
    return consent, sealed
