"""Opening the own file: what is needed to unseal is read and the entry waits; only a durable entry reveals anything.

`gather_for_sending` is for the referrals room alone: it opens sections inside a sending, whose own entry covers it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.cases import copies, rules, scope
from referral_hub.cases.facts import Content, Gathered
from referral_hub.vault import opening, parts
from referral_hub.vault.grants import GrantKind, ObjectKind
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.audit import Ticket
    from referral_hub.cases.copies import Home
    from referral_hub.vault.keyring import Keyring
    from referral_hub.vault.opening import SealedParts


@dataclass(frozen=True, repr=False)
class Opened:
    """Sections of the own file, still sealed, with the ticket of their entry. Hand it to `reveal` after the transaction."""

    ticket: Ticket
    sealed: tuple[SealedParts, ...]
    fields: frozenset[str]
    keys: Keyring = field(repr=False)

    def __repr__(self) -> str:
        """Say nothing of the content."""
        return "<Opened, sealed>"


def open_sections(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    case_id: uuid.UUID,
    sections: Collection[str],
    now: datetime,
    request_id: str = "",
    fields: Collection[str] = (),
    copy_id: uuid.UUID | None = None,
) -> Opened:
    """Read what is needed to unseal sections of the own file, and record the opening.

    One opening is one entry: `case.read`; `section.safe_contact_read` for safe contact, which is opened by itself; `field.reveal`
    when `fields` ("identity.nik") are asked for, which must be fields of the one section named. Sections that are empty are left out.
    `copy_id`: that copy, which may lie beside a section of the file's own. The entry of a copy names the referral that it came from.

    Raises:
        errors.NotFound: no such case at the agency, or nothing is filled. errors.NotAllowed: the policy refused.
        ValueError: sections and fields that are not one opening; a fault of the caller.
    """
    reading, verb = _verbs_of(frozenset(sections), frozenset(fields))
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="share", sections=frozenset(sections))
    access.require(actor, reading, found.target)
    decision = access.require(actor, verb, found.target)
    filled = _homes(session, case_id, sections, copy_id=copy_id)
    if not filled:
        raise errors.NotFound
    sealed = _gather(session, keys=keys, agency_id=found.case.agency_id, homes=filled, now=now)
    entry = audit.entry_for(
        actor,
        verb,
        now=now,
        decision=decision,
        sections=tuple(sorted(filled)),
        fields=tuple(sorted(fields)),
        object_version=found.case.version,
        referral_id=_source(filled),
        request_id=request_id,
        **found.facts,
    )
    return Opened(audit.record(session, entry), sealed, frozenset(fields), keys)


def open_part(
    session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, part: str, now: datetime, request_id: str = ""
) -> Opened:
    """Open what a file keeps beside its sections: how it was closed, which rights were met. `case.read`, naming the part.

    Raises:
        errors.NotFound: no such case at the agency, or nothing is filled. errors.NotAllowed: the policy refused.
    """
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="share", sections=frozenset({part}))
    decision = access.require(actor, Verb.CASE_READ, found.target)
    if part not in rules.PARTS or not has_part(session, case_id=case_id, part=part):
        raise errors.NotFound
    sealed = _gather_own(session, keys=keys, agency_id=found.case.agency_id, case_id=case_id, parts_=[part], now=now)
    facts = found.facts | {"sections": (part,), "object_version": found.case.version, "request_id": request_id}
    return Opened(audit.record(session, audit.entry_for(actor, Verb.CASE_READ, now=now, decision=decision, **facts)), (sealed,), frozenset(), keys)


def has_part(session: Session, *, case_id: uuid.UUID, part: str) -> bool:
    """Tell whether a file has such a part, without opening it."""
    return parts.has(session, object_kind=ObjectKind.CASE, object_id=case_id, part=part)


def part_now(session: Session, *, keys: Keyring, agency_id: uuid.UUID, case_id: uuid.UUID, part: str, now: datetime) -> tuple[dict[str, Any], int]:
    """Open such a part inside an act whose entry covers it; return values and revision, nothing and 0 where it is empty."""
    if not has_part(session, case_id=case_id, part=part):
        return {}, 0
    sealed = _gather_own(session, keys=keys, agency_id=agency_id, case_id=case_id, parts_=[part], now=now)
    return opening.unseal(keys.hub, keys.member_key, sealed)[part].fields(), sealed.revisions[part]


def _gather_own(session: Session, *, keys: Keyring, agency_id: uuid.UUID, case_id: uuid.UUID, parts_: list[str], now: datetime) -> SealedParts:
    return opening.gather(
        session, member_id=keys.member_id, agency_id=agency_id, object_kind=ObjectKind.CASE, object_id=case_id, kind=GrantKind.OWN, now=now,
        parts=parts_,
    )  # fmt: skip


def reveal(opened: Opened) -> dict[str, Content]:
    """Unseal what was opened, by section. No database; call it after the commit.

    Without fields, sensitive ones are left out and named as hidden; with fields, nothing but these is returned.

    Raises:
        errors.NotDurable: the entry is not durable.
        errors.CannotOpen: the sealed data does not verify.
    """
    opened.ticket.require_durable()
    contents = {}
    for sealed in opened.sealed:
        for section, plain in opening.unseal(opened.keys.hub, opened.keys.member_key, sealed).items():
            contents[section] = _content(section, plain.fields(), opened.fields, sealed.revisions[section])
    return contents


def gather_for_sending(
    session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, sections: Collection[str], now: datetime
) -> Gathered:
    """Open sections of the own file inside a sending, in memory only. Only the referrals room calls this; the send's entry covers it.

    Empty sections are left out. `minor` follows from the profile as it lies, which is opened for that in any case.

    Raises:
        errors.NotFound: no such case at the actor's agency.
        errors.CannotOpen: a grant is gone, or the sealed data does not verify.
    """
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="share")
    wanted = frozenset(sections)
    values, revisions = open_now(
        session, keys=keys, agency_id=found.case.agency_id, case_id=case_id, sections=wanted | {"profile"}, now=now
    )
    minor = bool(values.get("profile", {}).get("is_child", found.case.minor))
    kept = wanted & frozenset(values)
    return Gathered({section: Plain.of(values[section]) for section in kept}, {section: revisions[section] for section in kept}, minor)


def sealed_for_check(
    session: Session, *, keys: Keyring, agency_id: uuid.UUID, case_id: uuid.UUID, sections: Collection[str], now: datetime
) -> tuple[SealedParts, ...]:
    """Read what unseals sections of the own file for an opening of the referrals room, which decides and records it. Empty ones are left out.

    Raises:
        errors.CannotOpen: a grant is gone.
    """
    return _gather(session, keys=keys, agency_id=agency_id, homes=_homes(session, case_id, sections), now=now)


def open_now(
    session: Session, *, keys: Keyring, agency_id: uuid.UUID, case_id: uuid.UUID, sections: Collection[str], now: datetime
) -> tuple[dict[str, dict[str, Any]], Mapping[str, int]]:
    """Open filled sections of the own file inside an act whose entry covers it; this room's own. Return values and revisions by section.

    Raises:
        errors.CannotOpen: a grant is gone, or the sealed data does not verify.
    """
    values: dict[str, dict[str, Any]] = {}
    revisions: dict[str, int] = {}
    for sealed in _gather(session, keys=keys, agency_id=agency_id, homes=_homes(session, case_id, sections), now=now):
        opened = opening.unseal(keys.hub, keys.member_key, sealed)
        values |= {section: plain.fields() for section, plain in opened.items()}
        revisions |= sealed.revisions
    return values, revisions


def _source(homes: Mapping[str, Home]) -> uuid.UUID | None:
    """Return the referral that what is opened was copied from: so her statement tells who opens copies, too."""
    sources = {home.state.copy.referral_id for home in homes.values() if home.state.copy}
    return sources.pop() if len(sources) == 1 else None


def _homes(session: Session, case_id: uuid.UUID, sections: Collection[str], *, copy_id: uuid.UUID | None = None) -> dict[str, Home]:
    """Return where the filled ones of these sections lie; of one copy, just its own place. A copy that is held opens nowhere."""
    if copy_id is None:
        return {code: home for code, home in copies.homes(session, case_id, lock="share").items() if code in sections}
    return {code: home for code, home in copies.aside(session, case_id, copy_id).items() if code in sections}


def _gather(
    session: Session, *, keys: Keyring, agency_id: uuid.UUID, homes: Mapping[str, Home], now: datetime
) -> tuple[SealedParts, ...]:
    """Read what unseals these sections: those of the file at once, each copy by itself."""
    places: dict[tuple[ObjectKind, uuid.UUID], list[str]] = {}
    for section, home in homes.items():
        places.setdefault((home.object_kind, home.object_id), []).append(section)
    return tuple(
        opening.gather(
            session, member_id=keys.member_id, agency_id=agency_id, object_kind=object_kind, object_id=object_id, kind=GrantKind.OWN,
            now=now, parts=sections,
        )
        for (object_kind, object_id), sections in places.items()
    )  # fmt: skip


def _content(section: str, values: Mapping[str, Any], fields: frozenset[str], revision: int) -> Content:
    if fields:
        asked = {code: value for code, value in values.items() if f"{section}.{code}" in fields}
        return Content(Plain.of(asked), frozenset(), {}, revision)
    shown, hidden, tails = rules.masked(section, values)
    return Content(Plain.of(shown), hidden, tails, revision)


def _verbs_of(sections: frozenset[str], fields: frozenset[str]) -> tuple[Verb, Verb]:
    """Return the verb that reads these sections, and the verb of the opening: who may not read a section reveals no field of it."""
    if not sections or (rules.SAFE_CONTACT in sections and len(sections) != 1):
        raise ValueError("sections")
    reading = Verb.SECTION_SAFE_CONTACT_READ if rules.SAFE_CONTACT in sections else Verb.CASE_READ
    if not fields:
        return reading, reading
    if len(sections) != 1 or {name.partition(".")[0] for name in fields} != sections:
        raise ValueError("fields")
    return reading, Verb.FIELD_REVEAL
