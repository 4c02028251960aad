"""The survivor's answer apart from a draft: recorded in her file, signed by a second person, and taken as what a draft rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.cases import reading as case_reading
from referral_hub.consent import actions as consents
from referral_hub.consent import counting as answers
from referral_hub.consent import queries as ledger
from referral_hub.consent import rules as consent_rules
from referral_hub.consent.facts import Child
from referral_hub.protocol.moments import years_between
from referral_hub.referrals import counting, drafts, firing, scope
from referral_hub.referrals.firing import Act

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import About, Consent, Giving
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring

_OF_CHILD = ("profile", "identity", "child_guardian")


def record_consent(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    case_id: uuid.UUID,
    giving: Giving,
    known: Mapping[str, Collection[str]] | None = None,
    request_id: str = "",
) -> Consent:
    """Write the survivor's consent into the ledger from her file; what only a seal may hold is sealed to the own agency.

    `consent.give`; `consent.best_interest` where two workers decide for a child, which stands once `countersign_consent` was done.
    A draft takes it with `rest_on`.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.RuleBroken: `guardian_is_suspect`, `second_signer_needed`; errors.InputInvalid: fields.
    """
    act = Act(actor, keys, now, request_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=case_id, lock="share")
    return written(session, act, about=about, giving=giving, known=known)[0]


def record_refusal(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, language: str, text_language: str = "id",
    proposed: bool = False, request_id: str = "",
) -> Consent:  # fmt: skip
    """Record "not yet, or no" to what was asked for a referral that runs; it goes on as it is. `consent.refuse`.

    `proposed`: she was asked about the agency that the recipient proposes instead.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.RuleBroken: `wrong_side`; errors.InputInvalid: `consent.language`.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="share")
    if found.side != "sender":
        raise errors.RuleBroken("wrong_side")
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=found.row.case_id, lock="share")
    agency_id = found.row.redirect_agency if proposed and found.row.redirect_agency else found.row.to_agency
    return consents.refuse(
        session, actor=actor, about=about, agency_id=agency_id, purpose=found.purpose, language=language, now=now,
        request_id=request_id, text_language=text_language,
    )  # fmt: skip


def written(
    session: Session, act: Act, *, about: About, giving: Giving, known: Mapping[str, Collection[str]] | None
) -> tuple[Consent, dict[str, Any]]:
    """Write a consent and seal its other half under the consent's own id; return both. For this room's verbs, inside their transaction."""
    child = child_facts(session, act, case_id=about.case_id) if about.minor else None
    consent = consents.give(
        session, actor=act.actor, about=about, giving=giving, now=act.now, request_id=act.request_id, known=known, child=child
    )
    checked = consent_rules.validate(
        giving, now=act.now, timezone=act.actor.timezone, worker=act.keys.member_id, minor=about.minor, known=known, child=child
    )
    sealed = {"consent_id": str(consent.id), **checked.sealed}
    drafts.seal_at(session, act, agency_id=about.agency_id, object_id=consent.id, contents={drafts.CONSENT: sealed})
    counting.follow_answer(session, act, about.case_id)
    return consent, sealed


def answer_counting(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    case_id: uuid.UUID,
    allowed: bool,
    language: str,
    given_by: str,
    request_id: str = "",
) -> Consent:
    """Record whether she may be counted in reports without identity. `consent.give` or `consent.refuse`; a no deletes her record.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.RuleBroken: the file is closed (`wrong_state`), a suspected guardian would say yes for a
        child (`guardian_is_suspect`); errors.InputInvalid: `language`, `given_by`; `child_guardian`: the file says nothing of the guardian yet.
    """
    act = Act(actor, keys, now, request_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=case_id, lock="update")
    if about.minor and allowed:
        access.require(actor, Verb.CONSENT_GIVE, replace(about.target, kind="consent"))
        if child_facts(session, act, case_id=case_id).guardian_is_suspect:
            raise errors.RuleBroken("guardian_is_suspect")
    made = answers.answer(
        session, actor=actor, about=about, allowed=allowed, language=language, given_by=given_by, now=now, request_id=request_id
    )
    counting.follow_answer(session, act, case_id)
    return made


def child_facts(session: Session, act: Act, *, case_id: uuid.UUID) -> Child:
    """Return what the rules for children ask of the own file, opened inside an act whose entry covers it.

    Raises:
        errors.InputInvalid: the file does not say yet how it is with the guardian (`child_guardian`).
    """
    gathered = case_reading.gather_for_sending(
        session, actor=act.actor, keys=act.keys, case_id=case_id, sections=_OF_CHILD, now=act.now
    )
    own = {section: plain.fields() for section, plain in gathered.values.items()}
    guardian = own.get("child_guardian", {})
    if "guardian_is_suspect" not in guardian:
        raise errors.InputInvalid({"child_guardian": ("required",)})
    return Child(
        age=_age(str(own.get("identity", {}).get("birth_date", "")), act),
        age_band=str(own.get("profile", {}).get("age_band", "")),
        guardian_is_suspect=bool(guardian["guardian_is_suspect"]),
        guardian_informed=str(guardian.get("guardian_informed", "")),
    )


def countersign_consent(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, consent_id: uuid.UUID, request_id: str = ""
) -> Consent:
    """Sign as the second person, in one's own session, what a colleague recorded. `consent.best_interest` or `consent.without`.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.RuleBroken: `second_signer_needed` (the same person), `wrong_state` (signed before).
    """
    found = ledger.by_id(session, consent_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=found.case_id, lock="share")
    return consents.countersign(session, actor=actor, about=about, consent_id=consent_id, now=now, request_id=request_id)


def rest_on(
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
    """Let a draft rest on a consent that stands in the survivor's ledger. `referral.edit`. Whether it covers is for the sending to say.

    Raises:
        errors.NotFound: no such draft, or no such consent of this survivor. errors.NotAllowed, errors.StaleVersion.
        errors.RuleBroken: `wrong_state`. errors.CannotOpen: the sealed half does not verify.
    """
    act = Act(actor, keys, now, request_id)
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="update")
    decision = access.require(actor, Verb.REFERRAL_EDIT, found.target(actor, now=now))
    row = found.row
    if row.version != version:
        raise firing.moved_on(session, row, act, event="edit")
    if row.state != "draft":
        raise errors.RuleBroken("wrong_state", state=row.state)
    consent = ledger.by_id(session, consent_id, lock="share")
    if consent.case_id != row.case_id:
        raise errors.NotFound
    sealed = drafts.open_at(session, act, agency_id=row.from_agency, object_id=consent.id)
    row.consent_id = consent.id
    row.version += 1
    drafts.seal(session, row, act, contents={drafts.CONSENT: sealed.get(drafts.CONSENT, {}) | {"consent_id": str(consent.id)}})
    session.flush()
    facts = found.entry_facts() | {"sections": (drafts.CONSENT,), "consent_id": consent.id}
    audit.record(session, audit.entry_for(actor, Verb.REFERRAL_EDIT, now=now, decision=decision, request_id=request_id, **facts))
    return scope.snapshot(row, side="sender")


def _age(birth: str, act: Act) -> int | None:
    try:
        return years_between(date.fromisoformat(birth), act.now.astimezone(ZoneInfo(act.actor.timezone)).date())
    except ValueError:
        return None
