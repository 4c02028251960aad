"""Revealing, the dangerous act, in two halves.

`open_…` runs in the transaction: find, decide, read what is needed still sealed, record. `reveal` runs after the commit: it refuses a ticket
that is not durable, verifies the sender's manifest against the last sending in the log, and unseals; it uses no database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from referral_hub import access, audit, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as accounts
from referral_hub.audit import queries as log
from referral_hub.cases import rules as case_rules
from referral_hub.referrals import drafts, firing, scope
from referral_hub.referrals.records import EventRow
from referral_hub.referrals.threads import MESSAGE, note_object
from referral_hub.referrals.values import Content, NoteContent, SectionContent
from referral_hub.vault import opening, parts
from referral_hub.vault.grants import GrantKind, ObjectKind

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.audit import Ticket
    from referral_hub.referrals.scope import Found
    from referral_hub.vault.keyring import Keyring
    from referral_hub.vault.opening import SealedParts
    from referral_hub.vault.plain import Plain

PREVIEW = "preview"
Source = tuple[int, str, "uuid.UUID | None", str, datetime]  # of a note: event number and code (0 and "" without one), author, his code, when
CONTACT_TYPES = frozenset({"phone", "person"})  # shown only to whoever read safe contact (N8)


@dataclass(frozen=True, repr=False)
class Opened:
    """An opening that is recorded and still sealed. Hand it to `reveal` once its transaction has committed."""

    ticket: Ticket
    sealed: SealedParts
    keys: Keyring = field(repr=False)
    manifest_digest: bytes | None
    shape: Callable[[Mapping[str, Plain], int], Content]

    def __repr__(self) -> str:
        """Say nothing of the content."""
        return "<Opened, sealed>"


def reveal(opened: Opened) -> Content:
    """Unseal an opening. No database; call it after the commit.

    Raises:
        errors.NotDurable: the entry of this opening is not durable. errors.CannotOpen: the manifest is not that of the last sending in the
        log, or anything does not verify or decrypt; nothing is shown.
    """
    opened.ticket.require_durable()
    plain = opening.unseal(
        opened.keys.hub, opened.keys.member_key, opened.sealed, expected_manifest_digest=opened.manifest_digest
    )
    return opened.shape(plain, opened.ticket.index)


def open_preview_page(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, request_id: str = ""
) -> Opened:
    """Open the preview for the recipient: codes, yes or no, times; no free text. `referral.preview_read`, one entry each time.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.RuleBroken: `wrong_state`, it was not opened yet (the act comes first);
        errors.CannotOpen: no share, or a release secret is gone.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="share")
    decision = access.require(actor, Verb.REFERRAL_PREVIEW_READ, found.target(actor, now=now, kind="section", sections=()))
    if "ever_opened" not in found.row.flags:
        raise errors.RuleBroken("wrong_state", state=found.row.state)
    sealed = _package(session, found, keys, kind=GrantKind.PREVIEW, parts=(PREVIEW,), now=now)
    entry = audit.entry_for(actor, Verb.REFERRAL_PREVIEW_READ, now=now, decision=decision, request_id=request_id, **found.entry_facts())
    return _opened(session, keys, sealed, entry=entry, shape=_preview_of(found))


def open_section(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID | str, section: str, request_id: str = ""
) -> Opened:
    """Open one section of what was sent, for either side; of a draft, the part as it lies. `section.read` or `section.safe_contact_read`.

    `referral_id`: the id, or the number. Sensitive fields come masked; phone numbers outside safe contact are withheld from a recipient who has not read safe contact.

    Raises:
        errors.NotFound: a stranger, no such section, or access that has ended. errors.NotAllowed: the policy refused, or
        `section_not_granted`. errors.CannotOpen: no share, or a release secret is gone.
    """
    verb = Verb.SECTION_SAFE_CONTACT_READ if section == "safe_contact" else Verb.SECTION_READ
    return _open_one(session, verb=verb, section=section, fields=(), actor=actor, keys=keys, now=now, referral_id=referral_id, request_id=request_id)


def open_field(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, section: str, field: str, request_id: str = ""
) -> Opened:
    """Open one masked field ("nik" of "identity"). `field.reveal`.

    Raises:
        errors.NotFound: no such field, and as `open_section`; errors.NotAllowed; errors.CannotOpen.
    """
    if field not in protocol.current().section(section).fields:
        raise errors.NotFound
    return _open_one(
        session, verb=Verb.FIELD_REVEAL, section=section, fields=(field,), actor=actor, keys=keys, now=now, referral_id=referral_id,
        request_id=request_id,
    )  # fmt: skip


def open_draft(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, parts: Collection[str], request_id: str = ""
) -> Opened:
    """Open parts of a draft for its form pages: meta, needs, consent (its sealed half), choice, sent_back. `section.read`, naming them.

    Parts that are empty are left out of the content.

    Raises:
        errors.NotFound: a stranger, nothing filled, or no draft any more; errors.NotAllowed; errors.CannotOpen.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="share")
    decision = access.require(actor, Verb.SECTION_READ, found.target(actor, now=now, kind="section", sections=parts))
    filled = drafts.filled(session, referral_id) & frozenset(parts)
    if not filled or found.row.state != "draft":
        raise errors.NotFound
    sealed = _gather(session, found, keys, object_kind=ObjectKind.DRAFT, kind=GrantKind.OWN, parts=filled, now=now)
    facts = found.entry_facts() | {"object_kind": "section", "sections": tuple(sorted(filled - {drafts.CHOICE, drafts.RETURNED}))}
    entry = audit.entry_for(actor, Verb.SECTION_READ, now=now, decision=decision, request_id=request_id, **facts)
    return _opened(session, keys, sealed, entry=entry, shape=_whole(found, sealed))


def open_notes(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, request_id: str = ""
) -> Opened:
    """Open the thread, for either side: the notes that events carry, and the messages, in the order they were written. `message.read`.

    Raises:
        errors.NotFound: a stranger, or there is nothing; errors.NotAllowed; errors.CannotOpen.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="share")
    decision = access.require(actor, Verb.MESSAGE_READ, found.target(actor, now=now))
    known = {firing.note_part(e.seq): (e.seq, e.code, e.actor_id, e.actor_code, e.at) for e in _events_with_notes(session, referral_id)}
    known |= _written(session, ObjectKind.THREAD, referral_id, prefix=MESSAGE)
    if not known:
        raise errors.NotFound
    sealed = _gather(session, found, keys, object_kind=ObjectKind.THREAD, kind=GrantKind.THREAD, parts=None, now=now)
    facts = found.entry_facts() | {"object_kind": "message", "count": len(sealed.sections)}
    entry = audit.entry_for(actor, Verb.MESSAGE_READ, now=now, decision=decision, request_id=request_id, **facts)
    return _opened(session, keys, sealed, entry=entry, shape=_notes_of(found, known))


def open_own_notes(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, request_id: str = ""
) -> Opened:
    """Open the notes of the own agency; the other agency has no key to them. `note.read`.

    Raises:
        errors.NotFound: a stranger, or there are no notes; errors.NotAllowed; errors.CannotOpen.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="share")
    decision = access.require(actor, Verb.NOTE_READ, found.target(actor, now=now))
    own = found.row.from_agency if found.side == "sender" else found.row.to_agency
    place = note_object(referral_id, own)
    known = _written(session, ObjectKind.NOTE, place)
    if not known:
        raise errors.NotFound
    sealed = opening.gather(
        session, member_id=keys.member_id, agency_id=own, object_kind=ObjectKind.NOTE, object_id=place, kind=GrantKind.OWN, now=now
    )
    facts = found.entry_facts() | {"object_kind": "note", "count": len(known)}
    entry = audit.entry_for(actor, Verb.NOTE_READ, now=now, decision=decision, request_id=request_id, **facts)
    return _opened(session, keys, sealed, entry=entry, shape=_notes_of(found, known))


def _written(session: Session, kind: ObjectKind, object_id: uuid.UUID, *, prefix: str = "") -> dict[str, Source]:
    """Return by whom and when each message or note of an object was written."""
    found = {p: r for p, r in parts.revisions(session, object_kind=kind, object_id=object_id).items() if p.startswith(prefix)}
    codes = accounts.codes(session, member_ids={one.author for one in found.values()})
    return {part: (0, "", one.author, codes.get(one.author, ""), one.at) for part, one in found.items()}


def safe_contact_read_by(session: Session, *, referral_id: uuid.UUID, member_id: uuid.UUID) -> bool:
    """Tell from the log whether a member has read this referral's safe-contact block as it is now: a correction has to be read again."""
    wanted = log.Filter(actor_id=member_id, referral_id=referral_id, action=Verb.SECTION_SAFE_CONTACT_READ, outcome="allow")
    newest = log.latest(session, filters=wanted, limit=1)
    if not newest:
        return False
    changed = select(func.max(EventRow.at)).where(
        EventRow.referral_id == referral_id, EventRow.code == "revise", EventRow.inputs.contains({"sections": ["safe_contact"]})
    )
    corrected = session.scalar(changed)
    return corrected is None or newest[0].entry.occurred_at >= corrected


def _open_one(
    session: Session, *, verb: Verb, section: str, fields: tuple[str, ...], actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID | str,
    request_id: str,
) -> Opened:  # fmt: skip
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="share")
    if section not in protocol.current().sections:
        raise errors.NotFound
    covered = found.consent_fact(actor, sections={section} & found.granted, now=now)  # of what was never shared, consent says nothing
    decision = access.require(actor, verb, found.target(actor, now=now, kind="section", sections=(section,), consent=covered))
    sealed = _section(session, found, keys, section=section, now=now)
    withheld = _withheld(session, found, section=section, member_id=keys.member_id)
    if set(fields) & withheld:
        raise errors.NotAllowed("section_not_granted", decision.rule_ids, read_first="safe_contact")
    names = tuple(f"{section}.{name}" for name in fields)
    facts = found.entry_facts() | {"object_kind": "field" if fields else "section", "sections": (section,), "fields": names}
    basis = found.basis_of(section)
    if basis is not None:
        facts |= {"consent_id": basis.id, "legal_basis": basis.basis}
    entry = audit.entry_for(actor, verb, now=now, decision=decision, request_id=request_id, **facts)
    return _opened(session, keys, sealed, entry=entry, shape=_section_of(found, sealed, fields=frozenset(fields), withheld=withheld))


def _section(session: Session, found: Found, keys: Keyring, *, section: str, now: datetime) -> SealedParts:
    if found.row.state == "draft":
        if section not in drafts.filled(session, found.row.id):
            raise errors.NotFound
        return _gather(session, found, keys, object_kind=ObjectKind.DRAFT, kind=GrantKind.OWN, parts=(section,), now=now)
    if section not in found.granted:
        raise errors.NotAllowed("section_not_granted")
    kind = GrantKind.OWN if found.side == "sender" else GrantKind.FULL
    return _package(session, found, keys, kind=kind, parts=(section,), now=now)


def _package(session: Session, found: Found, keys: Keyring, *, kind: GrantKind, parts: Collection[str], now: datetime) -> SealedParts:
    return _gather(session, found, keys, object_kind=ObjectKind.REFERRAL, kind=kind, parts=parts, now=now)


def _gather(
    session: Session, found: Found, keys: Keyring, *, object_kind: ObjectKind, kind: GrantKind, parts: Collection[str] | None, now: datetime
) -> SealedParts:
    row = found.row
    return opening.gather(
        session,
        member_id=keys.member_id,
        agency_id=row.from_agency if found.side == "sender" else row.to_agency,
        object_kind=object_kind,
        object_id=row.id,
        kind=kind,
        now=now,
        parts=parts,
        beside=log.last_digest if object_kind == ObjectKind.REFERRAL else None,
    )


def contacts_in(section: str) -> frozenset[str]:
    """Return the fields of a section by which somebody could be reached; safe contact itself is no such section."""
    fields = () if section == "safe_contact" else protocol.current().section(section).fields.values()
    return frozenset(f.code for f in fields if f.type in CONTACT_TYPES)


def _withheld(session: Session, found: Found, *, section: str, member_id: uuid.UUID) -> frozenset[str]:
    """Return the contact fields of a section that this member may not see yet."""
    if found.side == "sender" or section == "safe_contact":
        return frozenset()
    contacts = contacts_in(section)
    if not contacts or safe_contact_read_by(session, referral_id=found.row.id, member_id=member_id):
        return frozenset()
    return contacts


def _opened(
    session: Session, keys: Keyring, sealed: SealedParts, *, entry: audit.Entry, shape: Callable[[Mapping[str, Plain], int], Content]
) -> Opened:
    digest = None
    if sealed.object_kind == ObjectKind.REFERRAL:
        digest = sealed.beside
        if digest is None:
            raise errors.CannotOpen(what="manifest")
    return Opened(audit.record(session, entry), sealed, keys, digest, shape)


def _events_with_notes(session: Session, referral_id: uuid.UUID) -> list[EventRow]:
    query = select(EventRow).where(EventRow.referral_id == referral_id, EventRow.inputs["note"].as_boolean()).order_by(EventRow.seq)
    return list(session.scalars(query))


def _content(found: Found, sections: Collection[SectionContent], index: int, notes: Collection[NoteContent] = ()) -> Content:
    return Content(found.row.id, found.row.number, tuple(sections), tuple(notes), index)


def _preview_of(found: Found) -> Callable[[Mapping[str, Plain], int], Content]:
    def shape(plain: Mapping[str, Plain], index: int) -> Content:
        order = protocol.current().sections
        parts: dict[str, dict[str, Any]] = plain[PREVIEW].fields()
        shown = [SectionContent(code, found.row.sending, parts[code]) for code in order if code in parts]
        return _content(found, shown, index)

    return shape


def _section_of(
    found: Found, sealed: SealedParts, *, fields: frozenset[str], withheld: frozenset[str]
) -> Callable[[Mapping[str, Plain], int], Content]:
    def shape(plain: Mapping[str, Plain], index: int) -> Content:
        ((code, content),) = plain.items()
        values, revision = content.fields(), sealed.revisions[code]
        if fields:
            return _content(found, [SectionContent(code, revision, {k: v for k, v in values.items() if k in fields})], index)
        shown, hidden, tails = case_rules.masked(code, values)
        kept = frozenset(shown) & withheld
        visible = {k: v for k, v in shown.items() if k not in kept}
        return _content(found, [SectionContent(code, revision, visible, hidden, kept, tails)], index)

    return shape


def _whole(found: Found, sealed: SealedParts) -> Callable[[Mapping[str, Plain], int], Content]:
    def shape(plain: Mapping[str, Plain], index: int) -> Content:
        return _content(found, [SectionContent(code, sealed.revisions[code], plain[code].fields()) for code in sorted(plain)], index)

    return shape


def _notes_of(found: Found, known: Mapping[str, Source]) -> Callable[[Mapping[str, Plain], int], Content]:
    def shape(plain: Mapping[str, Plain], index: int) -> Content:
        notes = sorted((_note(known[part], plain[part].fields()) for part in known if part in plain), key=lambda note: note.at)
        return _content(found, (), index, notes)

    return shape


def _note(event: Source, fields: Mapping[str, Any]) -> NoteContent:
    time = fields.get("appointment")
    return NoteContent(*event, text=str(fields["text"]), appointment=datetime.fromisoformat(time) if time else None)
