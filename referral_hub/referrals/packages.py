"""What a sending consists of: the own file and the draft, cut down to what matrix, service, consent and the sender's choice allow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from referral_hub import errors, protocol
from referral_hub.consent import rules
from referral_hub.protocol import package
from referral_hub.referrals import drafts
from referral_hub.referrals.drafts import Chosen
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind
from referral_hub.vault.sending import PREVIEW

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.cases.facts import Alias
    from referral_hub.consent.facts import Consent
    from referral_hub.directory import Agency
    from referral_hub.referrals.firing import Act
    from referral_hub.referrals.records import ReferralRow

ASKED_ALWAYS = ("profile", "safe_contact", "safety")  # of the own file; safety at least with its blocked fields (DECISIONS 1)


@dataclass(frozen=True, repr=False)
class Package:
    """The parts of a sending, in memory only: sections for after acceptance, and the preview."""

    sections: Mapping[str, Mapping[str, Any]]
    preview: Mapping[str, Mapping[str, Any]]
    further: tuple[str, ...] = ()  # fields beyond the usual set, as they were ticked, of the sections that go: the log names them


def own_sections(kind: str, service: str, further: Collection[str] = ()) -> frozenset[str]:
    """Return which sections of the own file a sending to this kind of agency may need: what can be shared, and what the guards read.

    `further`: sections that the sender added beyond the usual ones.
    """
    book = protocol.current()
    of_person = frozenset(code for code, section in book.sections.items() if section.written_for == "case")
    return (of_person & (frozenset(package.ceiling(kind, service)) | frozenset(further))) | frozenset(ASKED_ALWAYS)


def check_filled(own: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a sending from a file that lacks what every sending needs.

    Raises:
        errors.InputInvalid: the sections that are empty, as fields.
    """
    missing = {section: ("required",) for section in ASKED_ALWAYS if not own.get(section)}
    if missing:
        raise errors.InputInvalid(missing)


def content_of(
    row: ReferralRow,
    *,
    own: Mapping[str, Mapping[str, Any]],
    draft: Mapping[str, Mapping[str, Any]],
    consent: Consent,
    recipient: Agency,
    sender_code: str,
    alias: Alias,
    now: datetime,
    respond_by: datetime,
) -> dict[str, Mapping[str, Any]]:
    """Return every section whole: the person's from the own file, the referral's from the draft with the clear facts that belong to them."""
    meta = {
        "referral_no": row.number,
        "alias": alias.code,
        "from_agency": sender_code,
        "from_person": str(row.from_member),
        "to_agency": recipient.code,
        "service": row.service,
        "referral_type": row.type,
        "urgency": row.urgency,
        "sent_at": _moment(now),
        "respond_by": _moment(respond_by),
    }
    agreed = {
        "consent_id": str(consent.id),
        "legal_basis": consent.basis,
        "scope_sections": sorted(consent.sections),
        "scope_agency": recipient.code,
        "scope_purpose": consent.purpose,
        "use_limits": sorted(consent.use_limits),
        "onward_allowed": consent.onward_allowed,
        "contact_allowed": consent.contact_allowed,
        "valid_until": consent.valid_until.isoformat() if consent.valid_until else "",
        "given_by": consent.given_by,
        "given_at": _moment(consent.given_at),
    }
    sealed = {code: value for code, value in draft.get(drafts.CONSENT, {}).items() if code in drafts.sealed_fields("consent")}
    return {**own, "needs": draft.get("needs", {}), "meta": {**draft.get("meta", {}), **meta}, "consent": {**sealed, **agreed}}


def cut(
    content: Mapping[str, Mapping[str, Any]],
    *,
    kind: str,
    service: str,
    consent: Consent,
    choice: Chosen | None,
    agreed: Collection[str] = (),
) -> Package:
    """Return what is sent. Without a choice: the preselection as far as consent covers it. With one: just that, and no more.

    The choice is made before the survivor answers: fields that her answer keeps back (contact, fields left out) fall out of it. A section
    that she did not agree to is refused; so is a field beyond the usual ones of its section that consent did not name (`agreed`), and
    anything beyond where she was not asked at all.

    Raises:
        errors.RuleBroken: `beyond_matrix` or `consent_scope` (facts `sections`, `fields`): the choice names more than is allowed.
    """
    excluded = tuple(content["consent"].get("scope_excluded_fields", ()))
    always = package.sections_always()
    if choice is None:
        ticked = package.preselect(kind, service, contact_allowed=consent.contact_allowed, excluded=excluded)
        wanted = {section for section in ticked if section in consent.sections or section in always}
    else:
        closed = package.closed_fields(contact_allowed=consent.contact_allowed, excluded=excluded)
        choice = Chosen(_open(choice.fields, closed), _open(choice.further, closed), choice.reason)
        _check_named(choice, kind=kind, service=service, consent=consent, agreed=agreed)
        wanted = set(choice.every) | set(always)
    sections = package.filter_package(
        {section: content[section] for section in wanted if content.get(section)},
        kind=kind,
        service=service,
        consented=consent.sections,
        excluded=excluded,
        contact_allowed=consent.contact_allowed,
        chosen={**dict.fromkeys(set(choice.further) - set(always), ()), **choice.fields} if choice else None,
        extra=choice.extra if choice else None,
        facts=content,
    )
    further = sorted(f"{section}.{code}" for section, codes in (choice.further if choice else {}).items() if section in sections for code in codes)
    return Package(sections, package.preview(content, service=service, excluded=excluded), tuple(further))


def _open(fields: Mapping[str, list[str]], closed: Collection[str]) -> dict[str, list[str]]:
    """Return the chosen fields without those that the survivor's answer keeps back."""
    left = {section: [f for f in codes if f"{section}.{f}" not in closed] for section, codes in fields.items()}
    return {section: codes for section, codes in left.items() if codes or not fields[section]}


def _check_named(choice: Chosen, *, kind: str, service: str, consent: Consent, agreed: Collection[str]) -> None:
    """Refuse fields that the survivor had to be told of by name and was not; without her consent nothing beyond the usual set goes.

    Raises:
        errors.RuleBroken: `consent_scope` (fact `fields`).
    """
    named = package.to_be_named(kind, service, choice.every)
    if consent.basis != rules.BY_CONSENT:
        named |= {f"{section}.{code}" for section, codes in choice.further.items() for code in codes}
    if missing := sorted(named - frozenset(agreed)):
        raise errors.RuleBroken("consent_scope", sections=(), fields=missing)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def sent_now(session: Session, row: ReferralRow, act: Act) -> dict[str, dict[str, Any]]:
    """Open what was sent, as the sender, inside an act whose entry covers it; in memory only: values by section, without the preview.

    Raises:
        errors.CannotOpen: a grant is gone, or the sealed data does not verify.
    """
    sealed = opening.gather(
        session,
        member_id=act.keys.member_id,
        agency_id=row.from_agency,
        object_kind=ObjectKind.REFERRAL,
        object_id=row.id,
        kind=GrantKind.OWN,
        now=act.now,
    )
    opened = opening.unseal(act.keys.hub, act.keys.member_key, sealed)
    return {section: plain.fields() for section, plain in opened.items() if section != PREVIEW}


def check_not_wider(sections: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a forwarded sending that shares more than the one before it (lifecycle.yaml, invariants). What always goes along is left out.

    Raises:
        errors.RuleBroken: `beyond_matrix` (fact `fields`).
    """
    asked = {section: values for section, values in sections.items() if section not in package.sections_always()}
    beyond = sorted(f"{section}.{code}" for section, values in asked.items() for code in values if code not in shared.get(section, {}))
    if beyond:
        raise errors.RuleBroken("beyond_matrix", fields=beyond)
