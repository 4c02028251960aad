"""Before sending: who must not know, and which free text names the survivor or holds a number of hers (PAGES.md 3.12).

One opening, for whoever sends: the author, or the supervisor to whom the draft was submitted. The own file and the draft are compared in
memory after the entry is durable; what leaves here is the safe-contact line and names of fields, never what stands in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.cases import reading as case_reading
from referral_hub.directory import queries as directory
from referral_hub.protocol import package, scan
from referral_hub.referrals import drafts, packages, rules, scope
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.audit import Ticket
    from referral_hub.directory import Agency
    from referral_hub.referrals.records import ReferralRow
    from referral_hub.vault.keyring import Keyring
    from referral_hub.vault.opening import SealedParts

AWAITING = "awaiting_approval"
SAFE_CONTACT, IDENTITY = "safe_contact", "identity"
Texts = dict[str, tuple[str, ...]]


@dataclass(frozen=True, repr=False)
class Looked:
    """What the last look before sending shows: who must not know; fields ("needs.wishes") that name her or hold a number, with hint codes.

    `may_correct`: whoever looks is assigned, and can change what stands there. `beyond`: fields beyond the usual ones that are to go, and
    `why`, as the sender wrote it for the own agency. `is_blocked`: the survivor named this recipient, or its kind, as one that nothing must reach.
    """

    must_not_know: str
    noticed: Texts
    may_correct: bool
    beyond: tuple[str, ...] = ()
    why: str = ""
    is_blocked: bool = False

    def __repr__(self) -> str:
        """Say how many, not what."""
        return f"<Looked, {len(self.noticed)} noticed>"


@dataclass(frozen=True)
class Look:
    """What the last look needs, still sealed; for `reveal` once its transaction has committed."""

    ticket: Ticket
    row: ReferralRow
    recipient: Agency
    assigned: bool
    own: tuple[SealedParts, ...] = field(repr=False)
    draft: SealedParts | None = field(repr=False)
    keys: Keyring = field(repr=False)


def open_look(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, request_id: str = "") -> Look:
    """Read what the last look before sending needs. `section.safe_contact_read`, naming every section that is compared.

    Raises:
        errors.NotFound: a stranger, no draft any more, or a supervisor's look at a draft that was not submitted, an empty safe contact.
        errors.NotAllowed.
        errors.CannotOpen: a grant is gone.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="share")
    decision = access.require(
        actor, Verb.SECTION_SAFE_CONTACT_READ, found.target(actor, now=now, kind="section", sections=(SAFE_CONTACT,), consent="not_needed")
    )
    row = found.row
    if row.state != "draft" or not (found.assigned or AWAITING in row.flags):
        raise errors.NotFound
    recipient = directory.agency(session, row.to_agency)
    asked = packages.own_sections(recipient.kind, row.service) | {SAFE_CONTACT, IDENTITY}
    own = case_reading.sealed_for_check(session, keys=keys, agency_id=row.from_agency, case_id=row.case_id, sections=asked, now=now)
    if not any(SAFE_CONTACT in sealed.sections for sealed in own):
        raise errors.NotFound
    draft = _draft(session, row, keys=keys, now=now)
    named = {section for sealed in own for section in sealed.sections} | (set(draft.sections) if draft else set())
    facts = found.entry_facts() | {"object_kind": "section", "sections": tuple(sorted(named - {drafts.CHOICE, drafts.RETURNED}))}
    entry = audit.entry_for(actor, Verb.SECTION_SAFE_CONTACT_READ, now=now, decision=decision, request_id=request_id, **facts)
    return Look(audit.record(session, entry), row, recipient, found.assigned, own, draft, keys)


def reveal(look: Look) -> Looked:
    """Compare in memory. No database; call it after the commit.

    Raises:
        errors.NotDurable: the entry is not durable. errors.CannotOpen: the sealed data does not verify.
    """
    look.ticket.require_durable()
    own, draft = _unsealed(look, look.own), _unsealed(look, (look.draft,) if look.draft else ())
    choice = drafts.choice_of(draft, to_agency=look.row.to_agency, service=look.row.service)
    shared = choice.every if choice else package.preselect(look.recipient.kind, look.row.service, contact_allowed=True)
    content = own | {section: values for section, values in draft.items() if section != drafts.CHOICE}
    going = {section: {code: content[section][code] for code in codes if code in content.get(section, {})} for section, codes in shared.items()}
    beyond = tuple(f"{section}.{code}" for section, codes in (choice.further if choice else {}).items() for code in codes)
    why = choice.reason if choice and beyond else ""
    blocked = rules.is_blocked(own.get("safety", {}), agency_code=look.recipient.code, agency_id=look.recipient.id, kind=look.recipient.kind)
    return Looked(str(own.get(SAFE_CONTACT, {}).get("must_not_know", "")), noticed(going, own=own), look.assigned, beyond, why, blocked)


def noticed(sections: Mapping[str, Mapping[str, Any]], *, own: Mapping[str, Mapping[str, Any]]) -> Texts:
    """Return the fields of what is to be sent that name the survivor of the file `own`, or hold a NIK or a phone number."""
    return scan.noticed(sections, scan.known_of(own.get(IDENTITY, {}), own.get(SAFE_CONTACT, {})))


def check(sections: Mapping[str, Mapping[str, Any]], *, own: Mapping[str, Mapping[str, Any]], looked_at: Collection[str]) -> None:
    """Refuse a sending whose texts were not looked at. It never blocks for good: naming the fields in `looked_at` is going on knowingly.

    Raises:
        errors.InputInvalid: field → codes of what was noticed in it.
    """
    unseen = {name: codes for name, codes in noticed(sections, own=own).items() if name not in looked_at}
    if unseen:
        raise errors.InputInvalid(unseen)


def _draft(session: Session, row: ReferralRow, *, keys: Keyring, now: datetime) -> SealedParts | None:
    if not drafts.filled(session, row.id):
        return None
    return opening.gather(
        session, member_id=keys.member_id, agency_id=row.from_agency, object_kind=ObjectKind.DRAFT, object_id=row.id, kind=GrantKind.OWN, now=now
    )


def _unsealed(look: Look, sealed: Collection[SealedParts]) -> dict[str, dict[str, Any]]:
    opened = (opening.unseal(look.keys.hub, look.keys.member_key, one) for one in sealed)
    return {section: plain.fields() for parts in opened for section, plain in parts.items()}
