"""Verbs of the ledger: the survivor agrees, says no, takes back. Each: find · decide · rule · one entry; the caller's transaction commits.

The room knows no cases: the caller hands in `About`, found and locked within the actor's scope (the cases room's `queries.about`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.consent import givers, queries, rules, without
from referral_hub.consent.facts import BEST_INTEREST, REFUSAL, WITHOUT
from referral_hub.consent.records import ConsentRow
from referral_hub.db import uuid7
from referral_hub.protocol import consent_text

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.consent.facts import About, Child, Consent, Disclosure, Giving, Validated
    from referral_hub.vault.hub import HubKeys


_VERBS = {BEST_INTEREST: Verb.CONSENT_BEST_INTEREST, WITHOUT: Verb.CONSENT_WITHOUT}


def give(
    session: Session,
    *,
    actor: Actor,
    about: About,
    giving: Giving,
    now: datetime,
    request_id: str = "",
    known: Mapping[str, Collection[str]] | None = None,
    child: Child | None = None,
) -> Consent:
    """Write a consent into the ledger; the actor signs it. `consent.give`; `consent.best_interest` for a child without a guardian.

    A best-interest record stands only once a second person signed it (`countersign`). `child`: the facts of the own file, for a child. What only a seal may hold is not kept here: take it from `rules.validate(…).sealed` and seal it with the referral's consent part.

    Raises:
        errors.NotAllowed: the policy refused.
        errors.RuleBroken, errors.InputInvalid: as `rules.validate`.
    """
    verb = _VERBS.get(giving.shown.form, Verb.CONSENT_GIVE)
    decision = access.require(actor, verb, target_of(about))
    about.check_open()
    worker = _member(actor)
    checked = rules.validate(giving, now=now, timezone=actor.timezone, worker=worker, minor=about.minor, known=known, child=child)
    row = ConsentRow(id=uuid7(now), case_id=about.case_id, signers=[worker], **checked.clear)
    return written(session, row, about=about, actor=actor, verb=verb, decision=decision, now=now, request_id=request_id)


def disclose(
    session: Session,
    *,
    actor: Actor,
    about: About,
    disclosure: Disclosure,
    own: Mapping[str, Mapping[str, Any]],
    hub: HubKeys,
    now: datetime,
    request_id: str = "",
) -> tuple[Consent, Validated]:
    """Record that a referral goes without her consent, on a typed ground; the actor signs it first. `consent.without`.

    It stands only once a second person signed it (`countersign`), and is looked at again (`review`). The sealed half is the caller's to seal;
    the law is locked by the hub besides. `own`: as for `without.validate`.

    Raises:
        errors.NotAllowed: the policy refused. errors.RuleBroken, errors.InputInvalid: as `without.validate`.
    """
    decision = access.require(actor, Verb.CONSENT_WITHOUT, target_of(about))
    about.check_open()
    worker = _member(actor)
    checked = without.validate(disclosure, now=now, timezone=actor.timezone, sender_kind=actor.agency_kind, own=own)
    consent_id = uuid7(now)
    law = without.lock(hub, consent_id=consent_id, law=str(checked.sealed["law_article"]))
    row = ConsentRow(id=consent_id, case_id=about.case_id, signers=[worker], law=law, **checked.clear)
    made = written(session, row, about=about, actor=actor, verb=Verb.CONSENT_WITHOUT, decision=decision, now=now, request_id=request_id)
    return made, checked


def review(
    session: Session, *, actor: Actor, about: About, consent_id: uuid.UUID, stands: bool, now: datetime, request_id: str = ""
) -> Consent:
    """Look again at what was decided without her: it stands, or it ends at once. `consent.review`, by a supervisor who did not record it.

    Raises:
        errors.NotFound: no such record in this case. errors.NotAllowed: the policy refused.
        errors.RuleBroken: whoever recorded it (`second_signer_needed`); nothing to review, not signed by two, ended, or reviewed (`wrong_state`).
    """
    row = queries.find(session, consent_id, lock="update")
    if row.case_id != about.case_id:
        raise errors.NotFound
    decision = access.require(actor, Verb.CONSENT_REVIEW, target_of(about))
    found = queries.snapshot(row)
    if found.review_on is None or not found.is_signed or row.withdrawn_at is not None or row.reviewed_at is not None:
        raise errors.RuleBroken("wrong_state", when=row.reviewed_at or row.withdrawn_at)
    if _member(actor) == row.signers[0]:
        raise errors.RuleBroken("second_signer_needed")
    row.reviewed_at, row.reviewer = now, _member(actor)
    row.withdrawn_at = None if stands else now
    return written(session, row, about=about, actor=actor, verb=Verb.CONSENT_REVIEW, decision=decision, now=now, request_id=request_id)


def countersign(session: Session, *, actor: Actor, about: About, consent_id: uuid.UUID, now: datetime, request_id: str = "") -> Consent:
    """Sign, as the second person and in a session of one's own, what a colleague recorded. One entry, of the verb that recorded it.

    The second person is a supervisor (ability `approve`); whoever recorded it cannot be the second.

    Raises:
        errors.NotFound: no such record in this case. errors.NotAllowed: the policy refused, or the actor is no supervisor.
        errors.RuleBroken: the same person again (`second_signer_needed`); it is signed already, ended, or needs no second (`wrong_state`);
            the day of its review is over (`consent_expired`).
    """
    row = queries.find(session, consent_id, lock="update")
    if row.case_id != about.case_id:
        raise errors.NotFound
    verb = _VERBS.get(row.form, Verb.CONSENT_BEST_INTEREST)
    decision = access.require(actor, verb, target_of(about))
    if not queries.snapshot(row).is_signed and _member(actor) in row.signers:
        raise errors.RuleBroken("second_signer_needed")
    if "approve" not in access.abilities(actor.roles):
        raise errors.NotAllowed("role_lacks_ability", decision.rule_ids)
    if queries.snapshot(row).is_signed or row.withdrawn_at is not None:
        raise errors.RuleBroken("wrong_state", when=row.given_at)
    if queries.snapshot(row).review_late(rules.local_day(now, actor.timezone)):
        raise errors.RuleBroken("consent_expired")
    row.signers = [*row.signers, _member(actor)]
    return written(session, row, about=about, actor=actor, verb=verb, decision=decision, now=now, request_id=request_id)


def refuse(
    session: Session,
    *,
    actor: Actor,
    about: About,
    agency_id: uuid.UUID,
    purpose: str,
    language: str,
    now: datetime,
    request_id: str = "",
    text_language: str = "id",
) -> Consent:
    """Record that the survivor said no, or not yet. It is no consent and blocks nothing: a later yes is a row of its own. `consent.refuse`.

    Raises:
        errors.NotAllowed: the policy refused. errors.InputInvalid: as `rules.check_refusal`.
    """
    decision = access.require(actor, Verb.CONSENT_REFUSE, target_of(about))
    about.check_open()
    rules.check_refusal(purpose=purpose, language=language)
    row = ConsentRow(
        id=uuid7(now),
        case_id=about.case_id,
        basis=rules.BY_CONSENT,
        scope_agency=agency_id,
        purpose=purpose,
        sections=[],
        use_limits=[],
        onward_allowed=False,
        contact_allowed=False,
        stats_allowed=False,
        valid_until=None,
        given_by=givers.ADULT_GIVER,
        method=None,
        language=language,
        form=REFUSAL,
        form_version=consent_text.form_version(REFUSAL, text_language),
        given_at=now,
        copy_given=None,
        signers=[_member(actor)],
    )
    return written(session, row, about=about, actor=actor, verb=Verb.CONSENT_REFUSE, decision=decision, now=now, request_id=request_id)


def withdraw(session: Session, *, actor: Actor, about: About, consent_id: uuid.UUID, now: datetime, request_id: str = "") -> Consent:
    """Record that the survivor takes a consent back. `consent.withdraw`. Only the row: the referrals room ends what rests on it.

    Raises:
        errors.NotFound: no such consent in this case. errors.NotAllowed: the policy refused.
        errors.RuleBroken: it was taken back before, is a refusal, or rests on a law that asks for no consent (`wrong_state`; fact `when`).
    """
    row = queries.find(session, consent_id, lock="update")
    if row.case_id != about.case_id:
        raise errors.NotFound
    decision = access.require(actor, Verb.CONSENT_WITHDRAW, target_of(about))
    if row.withdrawn_at is not None or row.form in {REFUSAL, WITHOUT}:
        raise errors.RuleBroken("wrong_state", when=row.withdrawn_at)
    row.withdrawn_at = now
    return written(session, row, about=about, actor=actor, verb=Verb.CONSENT_WITHDRAW, decision=decision, now=now, request_id=request_id)


def narrow(
    session: Session, *, actor: Actor, about: About, consent_id: uuid.UUID, sections: Collection[str], now: datetime, request_id: str = ""
) -> Consent:
    """Record that the survivor takes single sections back; the rest of the consent stands. `consent.change`, naming them.

    Only the row: the referrals room closes these sections where they were shared.

    Raises:
        errors.NotFound: no such consent in this case. errors.NotAllowed: the policy refused. errors.InputInvalid: as `rules.check_narrowing`.
        errors.RuleBroken: it was taken back whole, is a refusal, or another basis than her consent (`wrong_state`).
    """
    row = queries.find(session, consent_id, lock="update")
    if row.case_id != about.case_id:
        raise errors.NotFound
    decision = access.require(actor, Verb.CONSENT_CHANGE, target_of(about))
    if row.withdrawn_at is not None or row.form == REFUSAL or row.basis != rules.BY_CONSENT:
        raise errors.RuleBroken("wrong_state", when=row.withdrawn_at)
    rules.check_narrowing(queries.snapshot(row), sections)
    row.taken_back = sorted({*row.taken_back, *sections})
    return written(
        session, row, about=about, actor=actor, verb=Verb.CONSENT_CHANGE, decision=decision, now=now, request_id=request_id,
        named=frozenset(sections),
    )  # fmt: skip


def written(
    session: Session, row: ConsentRow, *, about: About, actor: Actor, verb: Verb, decision: Decision, now: datetime, request_id: str,
    named: frozenset[str] | None = None,
) -> Consent:  # fmt: skip
    """Write a row of the ledger and record it with one entry of `verb`; this room's own."""
    session.add(row)
    session.flush()
    consent = queries.snapshot(row)
    facts: dict[str, Any] = {
        "object_kind": "consent",
        "object_id": consent.id,
        "consent_id": consent.id,
        "subjects": (about.subject,),
        "subject_flags": about.flags,
        "sections": tuple(sorted(consent.sections if named is None else named)),
        "purpose": consent.purpose,
        "legal_basis": consent.basis,
        "basis": "assigned" if about.target.assigned else "none",
    }
    audit.record(session, audit.entry_for(actor, verb, now=now, decision=decision, request_id=request_id, **facts))
    return consent


def target_of(about: About) -> access.Target:
    """Return the policy's facts of an answer in this case; this room's own."""
    return replace(about.target, kind="consent")


def _member(actor: Actor) -> uuid.UUID:
    if actor.member_id is None:
        raise errors.NotSignedIn
    return actor.member_id
