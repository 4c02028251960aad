"""Facts for form pages: clear metadata within the actor's scope, no content, no entry (DECISIONS 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as accounts
from referral_hub.cases import queries as cases
from referral_hub.cases import rules as case_rules
from referral_hub.consent import queries as ledger
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import Standing
from referral_hub.directory import queries as directory
from referral_hub.protocol import package
from referral_hub.referrals import drafts, firing, rules, scope
from referral_hub.referrals.actions.sending import has_second_person, is_first_time
from referral_hub.referrals.firing import Act
from referral_hub.referrals.queries.detail import acts_of
from referral_hub.referrals.records import ReferralRow
from referral_hub.referrals.values import Check, Choice, Draft, Further, Referral

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.accounts.values import Member
    from referral_hub.consent.facts import Consent
    from referral_hub.referrals.scope import Found
    from referral_hub.vault.keyring import Keyring


def id_of(session: Session, *, number: str) -> uuid.UUID:
    """Return the id of a referral by its number, typed with or without hyphens. No scope is checked: hand the id to a verb.

    Raises:
        errors.NotFound: no such number.
    """
    found = session.scalar(select(ReferralRow.id).where(ReferralRow.number == scope.own_number(number)))
    if found is None:
        raise errors.NotFound
    return found


def referral(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> Referral:
    """Return a referral's row as the actor may see it in a list.

    Raises:
        errors.NotFound: a stranger, or a conflict entry. errors.NotAllowed: the actor's roles see no referrals.
    """
    found = _seen(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    return scope.shown(found, actor)


def draft(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> Draft:
    """Return a draft with the own alias, which of its parts are filled, and how its consent stands.

    Raises:
        errors.NotFound: a stranger, or no draft any more; errors.NotAllowed.
    """
    found = _draft(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    standing = scope.standing(found.row, found.consent, sections=(), now=now, timezone=actor.timezone)
    alias = found.alias.code if found.alias else ""
    own = frozenset(cases.sections_of(session, case_id=found.row.case_id))
    awaits = found.consent is not None and not found.consent.is_signed and found.consent.withdrawn_at is None
    return Draft(scope.snapshot(found.row, side="sender"), alias, drafts.filled(session, referral_id), own, str(standing), awaits)


def check(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> Check:
    """Return what "Check and send" must ask for (PAGES 3.12).

    Raises:
        errors.NotFound: a stranger, or no draft any more; errors.NotAllowed.
    """
    found = _draft(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    row = found.row
    recipient = directory.agency(session, row.to_agency)
    handlers_there = accounts.may_handle(session, agency_id=row.to_agency)
    return Check(
        code_needed=rules.confirmation_needed(first_time=is_first_time(session, row), recipient_kind=recipient.kind),
        recipient_code=recipient.code,
        phone_needed=protocol.current().urgency(row.urgency).phone_call_required,
        second_person_needed=not has_second_person(Act(actor, keys, now), found, found.consent),
        minor=found.minor,
        recipient_active=recipient.active,
        blocked_people=cases.conflict_count(
            session, hub=keys.hub, case_id=row.case_id, member_ids=tuple(member.id for member in handlers_there)
        ),
        awaiting="awaiting_approval" in row.flags,
        acts=acts_of(found, actor, now=now),
    )


def choice(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> Choice:
    """Return what may be shared with this recipient for this service, what is ticked beforehand, and what the preview shows (PAGES 3.10).

    What the sender has already chosen is sealed: `reading.open_draft` with part "choice".

    Raises:
        errors.NotFound: a stranger, or no draft any more; errors.NotAllowed.
    """
    found = _draft(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    kind, service = found.recipient_kind, found.row.service
    contact_allowed = found.consent is None or found.consent.contact_allowed
    more = _ordered(package.beyond(kind, service))
    return Choice(
        ceiling=_ordered(package.ceiling(kind, service)),
        beyond=more,
        causes={f"{section}.{code}": package.cause(kind, f"{section}.{code}") for section, codes in more.items() for code in codes},
        ticked=_ordered(package.preselect(kind, service, contact_allowed=contact_allowed)),
        preview=package.preview_fields(service),
        always=package.sections_always(),
        filled=frozenset(cases.sections_of(session, case_id=found.row.case_id)) | drafts.filled(session, referral_id),
    )


def bases(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, agency_id: uuid.UUID) -> tuple[Consent, ...]:
    """Return the survivor's consents that stand today for an agency and the referral's purpose, newest first. For the sending side.

    Raises:
        errors.NotFound: a stranger; errors.NotAllowed; errors.RuleBroken: `wrong_side` for the recipient.
    """
    found = _seen(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    if found.side != "sender":
        raise errors.RuleBroken("wrong_side")
    on = consents.local_day(now, actor.timezone)
    given = ledger.of_case(session, found.row.case_id)
    return tuple(c for c in given if consents.covers(c, agency_id=agency_id, purpose=found.purpose, sections=(), on=on) is Standing.COVERS)


def further(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> Further:
    """Return what may change of what is shared: sections still to come, those asked for, corrections, and consents that stand.

    Raises:
        errors.NotFound: a stranger; errors.NotAllowed.
    """
    found = _seen(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    possible = rules.askable(protocol.current().sections, kind=found.recipient_kind, granted=found.granted)
    last = firing.last_event(session, referral_id, code="ask_sections") if "sections_requested" in found.row.flags else None
    asked = tuple(code for code in possible if last is not None and code in last.inputs["sections"])
    reason = str(last.inputs["event_reason"]) if last is not None else ""
    if found.side != "sender":
        return Further(possible, asked, reason)
    filled = frozenset(cases.sections_of(session, case_id=found.row.case_id)) | drafts.filled(session, referral_id)
    abilities = access.abilities(actor.roles)
    mine = tuple(code for code in case_rules.sections_of_person() if code in found.granted and case_rules.may_write(abilities, code))
    stand = bases(session, actor=actor, keys=keys, now=now, referral_id=referral_id, agency_id=found.row.to_agency)
    written = ("needs",) if "needs" in found.granted and case_rules.may_write(abilities, "needs") else ()
    return Further(possible, asked, reason, filled, mine, stand, written)


def chain(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> tuple[str, tuple[str, ...]]:
    """Return the number of the referral that this one is based on, or "", and those of the referrals based on this one. For the sending side.

    Raises:
        errors.NotFound: a stranger; errors.NotAllowed; errors.RuleBroken: `wrong_side` for the recipient, who is told of neither.
    """
    found = _seen(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    if found.side != "sender":
        raise errors.RuleBroken("wrong_side")
    before = session.scalar(select(ReferralRow.number).where(ReferralRow.id == found.row.part_of)) if found.row.part_of else None
    after = session.scalars(select(ReferralRow.number).where(ReferralRow.part_of == referral_id).order_by(ReferralRow.id))
    return before or "", tuple(after)


def handlers(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> tuple[Member, ...]:
    """Return whom the recipient may name as handler: members who may handle, without those on the conflict list.

    Raises:
        errors.NotFound: a stranger; errors.NotAllowed; errors.RuleBroken: `wrong_side` for the sender.
    """
    found = _seen(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    if found.side != "recipient":
        raise errors.RuleBroken("wrong_side")
    able = accounts.may_handle(session, agency_id=found.row.to_agency)
    case_id = found.row.case_id
    return tuple(m for m in able if not cases.conflict_blocks(session, hub=keys.hub, case_id=case_id, member_id=m.id))


def _seen(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> Found:
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id)
    access.require(actor, Verb.REFERRAL_LIST, found.target(actor, now=now))
    return found


def _draft(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> Found:
    found = _seen(session, actor=actor, keys=keys, now=now, referral_id=referral_id)
    if found.row.state != "draft":
        raise errors.NotFound
    return found


def _ordered(fields: package.Fields) -> dict[str, tuple[str, ...]]:
    """Return fields by section, both in the order of the form."""
    book = protocol.current().sections
    return {code: tuple(f for f in section.fields if f in fields[code]) for code, section in book.items() if code in fields}
