"""Send: the own file and the draft are opened in memory, cut to what is allowed, sealed anew for the recipient, signed, and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.cases import reading as case_reading
from referral_hub.consent import givers
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import Standing
from referral_hub.db.fixed import Fixed
from referral_hub.directory import queries as directory
from referral_hub.directory import rules as offers
from referral_hub.protocol import deadlines, package
from referral_hub.referrals import counting, drafts, firing, noticing, packages, rules, scope
from referral_hub.referrals.firing import Act, Change
from referral_hub.referrals.records import ReferralRow
from referral_hub.vault import grants, sending
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import Consent
    from referral_hub.directory import Agency
    from referral_hub.referrals.packages import Package
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


_UNANSWERED = {grants.GrantKind.FULL: grants.Standing.SUSPENDED}  # the whole opens once the recipient has accepted


def send(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID | str,
    version: int,
    safe_contact_read: bool,
    recipient_code: str = "",
    phoned: bool = False,
    looked_at: Collection[str] = (),
    request_id: str = "",
) -> Referral:
    """Send a draft. `referral.send`: its entry names sections, consent, recipient and the digest of the signed manifest.

    Where more than usual leaves, it also names those fields, as they were ticked and whether they are filled or not.

    `referral_id`: the id, or the number. Opening the own file is part of the act: nothing of it is shown, and the entry covers it.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion.
        errors.RuleBroken: `no_consent`, `consent_scope`, `consent_expired`, `second_signer_needed`, `blocked_by_survivor`,
            `service_not_allowed`, `beyond_matrix`, `guard_failed` (the recipient is not active), `no_agency_key`, `wrong_state`.
        errors.InputInvalid: ticks, the recipient's code, sections or fields that are still empty, texts not looked at (codes of hints).
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        rules.check_ticks(urgency=found.row.urgency, safe_contact_read=safe_contact_read, phoned=phoned)
        recipient = directory.agency(session, found.row.to_agency)
        _confirm(session, found, recipient, typed=recipient_code)
        return _prepared(session, act, found, recipient, looked_at=looked_at)

    return firing.fire(session, act, event="send", referral_id=referral_id, version=version, prepare=prepare)


def is_first_time(session: Session, row: ReferralRow) -> bool:
    """Tell whether nothing was sent yet from this agency to that one."""
    return _BEFORE.one_or_none(session, from_agency=row.from_agency, to_agency=row.to_agency) is None


_BEFORE = Fixed(
    select(ReferralRow.id)
    .where(ReferralRow.from_agency == bindparam("from_agency"), ReferralRow.to_agency == bindparam("to_agency"), ReferralRow.sent_at.is_not(None))
    .limit(1)
)


def has_second_person(act: Act, found: Found, consent: Consent | None) -> bool:
    """Tell whether as many people look at this sending as extreme risk, or a basis other than consent, asks for (DECISIONS 20)."""
    return rules.second_person(
        needed=found.second_person_needed or (consent is not None and consent.basis != consents.BY_CONSENT),
        may_approve="approve" in access.abilities(act.actor.roles),
        submitted_by_actor=found.row.from_member == act.actor.member_id,
    )


def _confirm(session: Session, found: Found, recipient: Agency, *, typed: str) -> None:
    needed = rules.confirmation_needed(first_time=is_first_time(session, found.row), recipient_kind=recipient.kind)
    rules.confirm_recipient(typed=typed, code=recipient.code, needed=needed)


def _prepared(session: Session, act: Act, found: Found, recipient: Agency, *, looked_at: Collection[str]) -> Change:
    """Open what is needed, cut it, and return the change; sealing waits until the lifecycle allowed the step."""
    row = found.row
    draft = drafts.open_now(session, row, act)
    chosen = drafts.choice_of(draft, to_agency=row.to_agency, service=row.service)
    needed = packages.own_sections(recipient.kind, row.service, chosen.further if chosen else ())
    gathered = case_reading.gather_for_sending(
        session, actor=act.actor, keys=act.keys, case_id=row.case_id, sections=needed | {noticing.IDENTITY}, now=act.now
    )
    own = {section: plain.fields() for section, plain in gathered.values.items()}
    blocked = rules.is_blocked(own.get("safety", {}), agency_code=recipient.code, agency_id=recipient.id, kind=recipient.kind)
    if blocked:  # her no comes before every other reason
        access.require(act.actor, Verb.REFERRAL_SEND, found.target(act.actor, now=act.now, consent="covers", blocked=True))
    consent = _consent(act, found)
    if draft.get(drafts.CONSENT, {}).get("consent_id") != str(consent.id):
        raise errors.RuleBroken("no_consent")
    packages.check_filled(own)
    draft |= drafts.checked(
        {name: draft.get(name, {}) for name in drafts.WRITTEN},
        act=act, service=row.service, recipient_kind=recipient.kind, urgency=row.urgency, whole=True,
    )  # fmt: skip
    respond_by = deadlines.respond_by(act.now, urgency=row.urgency, calendar=offers.calendar(recipient))
    content = packages.content_of(
        row, own=own, draft=draft, consent=consent, recipient=recipient, sender_code=act.actor.agency_code,
        alias=cases.alias_for(session, case_id=row.case_id, agency_id=recipient.id), now=act.now, respond_by=respond_by,
    )  # fmt: skip
    agreed = draft[drafts.CONSENT].get("further", ())
    cut = packages.cut(content, kind=recipient.kind, service=row.service, consent=consent, choice=chosen, agreed=agreed)
    if row.part_of is not None and firing.was_fired(session, row.part_of, code="approve_forward"):
        packages.check_not_wider(cut.sections, packages.sent_now(session, session.get_one(ReferralRow, row.part_of), act))
    standing = scope.standing(row, consent, sections=cut.sections, now=act.now, timezone=act.actor.timezone)
    if standing is not Standing.COVERS:
        raise errors.RuleBroken(standing.refusal)
    final = found.target(act.actor, now=act.now, sections=cut.sections, consent=standing.fact, blocked=blocked)
    access.require(act.actor, Verb.REFERRAL_SEND, final)
    noticing.check(cut.sections, own=own, looked_at=looked_at)
    guards = {
        "basis_stands": True,
        "not_blocked": not blocked,
        "service_allowed": package.may_ask(
            row.service, sender_kind=act.actor.agency_kind, recipient_kind=recipient.kind, facts=content
        ),
        "two_person_rule": has_second_person(act, found, consent),
    }
    inputs = {"basis": consent.basis, "safe_contact_read": True, "recipient_confirmed": True, "sections": sorted(cut.sections)}
    values = {"respond_by": respond_by, "sending": row.sending + 1, "companion": found.companion_id}
    return Change(inputs, guards, values, then=lambda f, _: _sealed(session, act, f, consent, cut))


def _consent(act: Act, found: Found) -> Consent:
    """Return the consent that the draft rests on.

    Raises:
        errors.RuleBroken: there is none, it is no child's consent and the file is a child's, a second person has to send, it has ended, or
            what was decided without her should have been looked at again by now.
    """
    consent = found.consent
    if consent is None or (found.minor and consent.given_by == givers.ADULT_GIVER):
        raise errors.RuleBroken("no_consent")
    if not has_second_person(act, found, consent):
        raise errors.RuleBroken("second_signer_needed")
    if consent.review_late(consents.local_day(act.now, act.actor.timezone)):
        raise errors.RuleBroken("consent_expired")
    standing = scope.standing(found.row, consent, sections=(), now=act.now, timezone=act.actor.timezone)
    if standing is not Standing.COVERS:
        raise errors.RuleBroken(standing.refusal)
    return consent


def _sealed(session: Session, act: Act, found: Found, consent: Consent, cut: Package) -> Mapping[str, Any]:
    row = found.row
    facts = sending.SendingFacts(
        referral_id=row.id,
        sending=row.sending + 1,
        from_agency=row.from_agency,
        to_agency=row.to_agency,
        consent_digest=consents.digest(consent),
        service=row.service,
        urgency=row.urgency,
        purpose=found.purpose,
    )
    parts = {section: Plain.of(values) for section, values in cut.sections.items()}
    sent = sending.seal_sending(session, keys=act.keys, facts=facts, parts=parts, preview=Plain.of(cut.preview), now=act.now, standings=_UNANSWERED)
    counting.follow_sending(session, act, row)
    return {"sections": tuple(sorted(parts)), "fields": cut.further, "recipient_agency": row.to_agency, "manifest_digest": sent.manifest_digest}
