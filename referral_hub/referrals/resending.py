"""A sending in the place of the one before, inside an act: what is sealed anew, what falls out, and what the entry says of it.

Every change of what a recipient may open goes this way: further sections, a correction, a narrowed or renewed consent. What the survivor
keeps back (fields left out, ways of contact) is asked of the consent that each section rests on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from referral_hub import access, errors, protocol
from referral_hub.audit import queries as log
from referral_hub.cases import queries as cases
from referral_hub.cases import reading as case_reading
from referral_hub.consent import givers
from referral_hub.consent import queries as ledger
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import Standing
from referral_hub.directory import queries as directory
from referral_hub.protocol import package
from referral_hub.referrals import drafts, noticing, packages, rules, scope
from referral_hub.vault import grants, resending
from referral_hub.vault.grants import GrantKind
from referral_hub.vault.plain import Plain
from referral_hub.vault.sending import PREVIEW, SendingFacts

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

    from referral_hub.access import Verb
    from referral_hub.consent.facts import Consent
    from referral_hub.directory import Agency
    from referral_hub.protocol.lifecycle import Life
    from referral_hub.referrals.firing import Act
    from referral_hub.referrals.scope import Found

Sections = dict[str, dict[str, Any]]


@dataclass(frozen=True, repr=False)
class File:
    """What a change may draw on, in memory only: the whole sections, the own file among them, and for whom."""

    content: Mapping[str, Mapping[str, Any]]
    own: Mapping[str, Mapping[str, Any]]
    draft: Mapping[str, Mapping[str, Any]]
    recipient: Agency


def open_newest(session: Session, act: Act, found: Found) -> resending.Earlier:
    """Open the sending that stands, as its sender. Raises errors.CannotOpen: it is not the last that the log knows, or does not verify."""
    row = found.row
    return resending.open_newest(
        session, keys=act.keys, agency_id=row.from_agency, referral_id=row.id, now=act.now, last_digest=log.last_digest
    )


def consent_of_case(session: Session, found: Found, consent_id: uuid.UUID) -> Consent:
    """Return a consent of the survivor's ledger, locked against a withdrawal, that may speak for her.

    Raises:
        errors.RuleBroken: `no_consent`: there is none such, or it is no child's and the file is a child's.
    """
    try:
        consent = ledger.by_id(session, consent_id, lock="share")
    except errors.NotFound:
        raise errors.RuleBroken("no_consent") from None
    if consent.case_id != found.row.case_id or (found.minor and consent.given_by == givers.ADULT_GIVER):
        raise errors.RuleBroken("no_consent")
    return consent


def require_standing(found: Found, act: Act, *, sections: Collection[str], consent: Consent | None = None) -> None:
    """Refuse what no consent covers today: `sections` under `consent`, or each under the one it rests on.

    What was decided without her and should have been looked at again by now is no new basis.

    Raises:
        errors.RuleBroken: `no_consent`, `consent_scope`, `consent_expired`.
    """
    timezone = act.actor.timezone
    if consent is None:
        standing = found.standing(sections=sections, now=act.now, timezone=timezone)
    else:
        standing = scope.standing(found.row, consent, sections=sections, now=act.now, timezone=timezone)
    if standing is not Standing.COVERS:
        raise errors.RuleBroken(standing.refusal)
    if consent is not None and consent.review_late(consents.local_day(act.now, timezone)):
        raise errors.RuleBroken("consent_expired")


def open_file(session: Session, act: Act, found: Found, *, verb: Verb, consent: Consent, also: Collection[str]) -> File:
    """Open the own file and what was written for the referral, inside an act whose entry covers it.

    Raises:
        errors.NotAllowed: the survivor blocked the recipient (`blocked_by_survivor`). errors.CannotOpen.
    """
    row = found.row
    recipient = directory.agency(session, row.to_agency)
    gathered = case_reading.gather_for_sending(
        session, actor=act.actor, keys=act.keys, case_id=row.case_id, now=act.now,
        sections=packages.own_sections(recipient.kind, row.service) | {noticing.IDENTITY} | frozenset(also),
    )  # fmt: skip
    own = {section: plain.fields() for section, plain in gathered.values.items()}
    if rules.is_blocked(own.get("safety", {}), agency_code=recipient.code, agency_id=recipient.id, kind=recipient.kind):
        access.require(act.actor, verb, found.target(act.actor, now=act.now, consent="covers", blocked=True))
    draft = drafts.open_now(session, row, act)
    content = packages.content_of(
        row, own=own, draft=draft | {drafts.CONSENT: _half(session, act, found, consent)}, consent=consent, recipient=recipient,
        sender_code=act.actor.agency_code, alias=cases.alias_for(session, case_id=row.case_id, agency_id=recipient.id),
        now=row.sent_at or act.now, respond_by=row.respond_by or act.now,
    )  # fmt: skip
    return File(content, own, draft, recipient)


def kept_back(session: Session, act: Act, found: Found, consent: Consent) -> frozenset[str]:
    """Return the fields ("section.field") that stay with the sender under a consent: left out by name, or ways of contact."""
    excluded = _half(session, act, found, consent).get("scope_excluded_fields", ())
    return package.closed_fields(contact_allowed=consent.contact_allowed, excluded=excluded)


def supplied(
    file: File, found: Found, consent: Consent, *, sections: Collection[str], closed: Collection[str], reason: str, picked: Mapping[str, Collection[str]]
) -> Sections:
    """Return further sections as they leave: of a usual one its usual fields; of any other all that may ever leave, where a reason is written.

    `picked`: of these sections just these fields.

    Raises:
        errors.RuleBroken: `beyond_matrix`: not for this kind of agency, or no reason. errors.InputInvalid: `sections`: one is empty.
    """
    kind, service = file.recipient.kind, found.row.service
    going = {section: _open(section, picked.get(section, suppliable(section, kind=kind, service=service)), closed) for section in sections}
    usual = package.ceiling(kind, service)
    further = {section: codes for section, codes in going.items() if section not in usual}
    chosen = {section: codes for section, codes in going.items() if section in usual and section in picked}
    made = _filtered(file, found, consent, sections=sections, closed=closed, chosen=chosen, extra=package.Extra(reason, further))
    return _check_filled(made, sections)


def suppliable(section: str, *, kind: str, service: str) -> frozenset[str]:
    """Return the fields of a further section that go unless fewer are picked: the usual ones, or all that may ever leave where it is no usual section."""
    if section not in package.ceiling(kind, service):
        return _may_leave(section)
    return frozenset(package.preselect(kind, service, contact_allowed=True).get(section, ()))


def picked(sections: Collection[str], fields: Collection[str] | None, *, kind: str, service: str) -> dict[str, frozenset[str]]:
    """Return which fields ("chronology.narrative") of these sections were picked; nothing where nobody picked.

    Raises:
        errors.InputInvalid: `fields`: none of a section (required), or one that does not go (not_known).
    """
    if fields is None:
        return {}
    made = {section: frozenset(name.partition(".")[2] for name in fields if name.partition(".")[0] == section) for section in sections}
    if not all(made.values()):
        raise errors.InputInvalid({"fields": ("required",)})
    if any(codes - suppliable(section, kind=kind, service=service) for section, codes in made.items()):
        raise errors.InputInvalid({"fields": ("not_known",)})
    return made


def corrected(file: File, found: Found, *, sections: Collection[str], before: Mapping[str, Plain], closed: Mapping[str, frozenset[str]]) -> Sections:
    """Return sections as the own file has them now, cut to the fields that were chosen for them: a correction never shares a further field.

    Raises:
        errors.RuleBroken: `consent_scope`. errors.InputInvalid: `sections`: one is empty, or says what was sent before (unchanged).
    """
    row, kind = found.row, file.recipient.kind
    usual, ticked = package.ceiling(kind, row.service), package.preselect(kind, row.service)
    choice = drafts.choice_of(file.draft, to_agency=row.to_agency, service=row.service)
    made: Sections = {}
    for section in sections:
        consent = found.basis_of(section)
        if consent is None:
            raise errors.RuleBroken("no_consent")
        shared = before[section].fields()
        chosen = file.draft.get(drafts.SUPPLIED, {}).get(section, choice.every.get(section) if choice else None)
        named = frozenset(ticked.get(section, ()) if chosen is None else chosen) | frozenset(shared)
        inside = _open(section, named & usual.get(section, frozenset()), closed[section])
        extra = package.Extra("shared before", {section: _open(section, named - usual.get(section, frozenset()), closed[section])})
        made |= _filtered(file, found, consent, sections=(section,), closed=closed[section], chosen={section: inside}, extra=extra)
    if unchanged := [section for section in sections if made.get(section) == before[section].fields()]:
        raise errors.InputInvalid({"sections": ("unchanged" if len(unchanged) == len(sections) else "some_unchanged",)})
    return _check_filled(made, sections)


def replace(
    session: Session, act: Act, found: Found, earlier: resending.Earlier, *, after: Life, bases: Collection[Consent], changed: Mapping[str, Plain],
    drop: Collection[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Put the sending in the place of the one before; return what the act's entry says of it.

    `after` says how the recipient's grants stand from now on; `bases` are the consents that it rests on from now on.
    """
    row = found.row
    facts = SendingFacts(
        referral_id=row.id, sending=row.sending + 1, from_agency=row.from_agency, to_agency=row.to_agency,
        consent_digest=bases_digest(bases), service=row.service, urgency=row.urgency, purpose=found.purpose,
    )  # fmt: skip
    is_open = after.grant in {"preview", "full"}
    standings = {
        GrantKind.PREVIEW: grants.Standing.LIVE if is_open else grants.Standing.SUSPENDED,
        GrantKind.FULL: grants.Standing.LIVE if after.grant == "full" else grants.Standing.SUSPENDED,
    }
    sent = resending.replace_sending(
        session, keys=act.keys, facts=facts, earlier=earlier, changed=changed, drop=drop, standings=standings, now=act.now
    )
    row.sending = facts.sending
    return {"recipient_agency": row.to_agency, "manifest_digest": sent.manifest_digest}


def bases_digest(bases: Collection[Consent]) -> bytes:
    """Return what a manifest names as agreed: one consent's digest, or that of all of theirs in the order of their ids."""
    digests = [consents.digest(one) for one in sorted(bases, key=lambda one: one.id)]
    return digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()


def preview_with(earlier: resending.Earlier, file: File, *, sections: Collection[str], service: str, closed: Collection[str]) -> dict[str, Plain]:
    """Return the preview's part where a correction of these sections changes it; else nothing."""
    before: Sections = earlier.contents[PREVIEW].fields()
    marked = package.preview({section: file.content[section] for section in sections}, service=service, excluded=closed)
    now = {section: values for section, values in before.items() if section not in sections} | marked
    return {} if now == before else {PREVIEW: Plain.of(now)}


def without(earlier: resending.Earlier, *, closed: Collection[str], drop: Collection[str] = ()) -> dict[str, Plain]:
    """Return the parts of a sending that change when fields stay back and sections fall out: those that hold such a field, and the preview."""
    left = {name: plain.fields() for name, plain in earlier.contents.items() if name not in drop and name != PREVIEW}
    made = {name: _less(name, values, closed) for name, values in left.items()}
    preview = earlier.contents[PREVIEW].fields()
    shown = {section: kept for section, values in preview.items() if section not in drop and (kept := _less(section, values, closed))}
    changed = {name: Plain.of(values) for name, values in made.items() if values != left[name]}
    return changed | ({} if shown == preview else {PREVIEW: Plain.of(shown)})


def _less(section: str, values: Mapping[str, Any], closed: Collection[str]) -> dict[str, Any]:
    return {code: value for code, value in values.items() if f"{section}.{code}" not in closed}


def _half(session: Session, act: Act, found: Found, consent: Consent) -> dict[str, Any]:
    """Return the sealed half of a consent, as it was recorded in her file."""
    return drafts.open_at(session, act, agency_id=found.row.from_agency, object_id=consent.id).get(drafts.CONSENT, {})


def _may_leave(section: str) -> frozenset[str]:
    return frozenset(code for code, field in protocol.current().section(section).fields.items() if not field.never_default)


def _open(section: str, fields: Collection[str], closed: Collection[str]) -> frozenset[str]:
    return frozenset(code for code in fields if f"{section}.{code}" not in closed)


def _filtered(
    file: File, found: Found, consent: Consent, *, sections: Collection[str], closed: Collection[str], chosen: Mapping[str, Collection[str]],
    extra: package.Extra,
) -> Sections:  # fmt: skip
    return package.filter_package(
        {section: file.content.get(section, {}) for section in sections},
        kind=file.recipient.kind,
        service=found.row.service,
        consented=consent.sections,
        excluded=closed,
        contact_allowed=consent.contact_allowed,
        chosen=chosen,
        extra=extra,
        facts=file.content,
    )


def _check_filled(made: Sections, sections: Collection[str]) -> Sections:
    if not frozenset(sections) <= frozenset(made):
        raise errors.InputInvalid({"sections": ("nothing_filled",)})
    return made
