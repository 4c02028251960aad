"""The page of one referral without its content: row, history, clocks, what the actor may do next, and who has seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import access, audit, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as accounts
from referral_hub.audit import queries as log
from referral_hub.referrals import rules, scope
from referral_hub.referrals.kept_reading import sent_beyond
from referral_hub.referrals.reading import safe_contact_read_by
from referral_hub.referrals.records import EventRow
from referral_hub.referrals.threads import MESSAGE, note_object
from referral_hub.referrals.values import Detail, Event, SectionState, Seen
from referral_hub.vault import parts
from referral_hub.vault.grants import ObjectKind

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.scope import Found
    from referral_hub.vault.keyring import Keyring

SEEN = 50
READINGS = frozenset({"case.copy_sections", "referral.preview_read", "section.read", "section.safe_contact_read", "field.reveal", "message.read", "document.print"})


def detail(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, request_id: str = ""
) -> Detail:
    """Return the referral's page in clear metadata, and record that it was shown (`referral.list`, one subject).

    Refused attempts are counted, not named (PAGES 3.14).

    Raises:
        errors.NotFound: a stranger, or a conflict entry. errors.NotAllowed: the actor's roles see no referrals.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id)
    decision = access.require(actor, Verb.REFERRAL_LIST, found.target(actor, now=now))
    history = _history(session, found, actor)
    seen = _seen(session, referral_id)
    mine = {section for entry in seen if entry.actor_id == actor.member_id and _is_of_sending(entry, found) for section in entry.sections}
    grant = found.grant_fact(now)
    updated = next((event.at for event in reversed(history) if event.code in {"start", "progress"}), None)
    entry = audit.entry_for(
        actor, Verb.REFERRAL_LIST, now=now, decision=decision, request_id=request_id, **(found.entry_facts() | {"count": 1})
    )
    return Detail(
        referral=scope.shown(found, actor),
        side=found.side,
        alias=found.alias.code if found.alias else "",
        grant=grant,
        read_until=rules.read_until(found.row.state, found.row.ended_at),
        history=history,
        clocks=rules.clocks(found.row, updated_at=updated, now=now),
        acts=acts_of(found, actor, now=now),
        sections=_sections(found, grant=grant, mine=mine),
        safe_contact_read=safe_contact_read_by(session, referral_id=referral_id, member_id=keys.member_id),
        seen=seen,
        messages=sum(part.startswith(MESSAGE) for part in parts.revisions(session, object_kind=ObjectKind.THREAD, object_id=referral_id)),
        own_notes=len(parts.revisions(session, object_kind=ObjectKind.NOTE, object_id=_own_notes(found))),
        refused_attempts=log.refused_of_referral(session, referral_id=referral_id),
        ticket=audit.record(session, entry),
        beyond=sent_beyond(session, referral_id=referral_id) if found.side == "sender" and found.row.sent_at else (),
    )


def _own_notes(found: Found) -> uuid.UUID:
    return note_object(found.row.id, found.row.from_agency if found.side == "sender" else found.row.to_agency)


def _history(session: Session, found: Found, actor: Actor) -> tuple[Event, ...]:
    rows = list(session.scalars(select(EventRow).where(EventRow.referral_id == found.row.id).order_by(EventRow.seq)))
    sent = next((row.seq for row in rows if row.code == "send"), 0)
    return tuple(
        Event(
            seq=row.seq,
            code=row.code,
            side=row.side,
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            actor_code=row.actor_code,
            at=row.at,
            inputs=_shown_inputs(row, actor),
        )
        for row in rows
        if found.side == "sender" or row.seq >= sent  # nothing of the draft's life
    )


def _shown_inputs(row: EventRow, actor: Actor) -> dict[str, object]:
    inputs = dict(row.inputs)
    if "decline_reason" in inputs:
        inputs["decline_reason"] = scope.shown_reason(str(inputs["decline_reason"]), actor)
    return inputs


def _seen(session: Session, referral_id: uuid.UUID) -> tuple[Seen, ...]:
    found = [
        logged
        for action in sorted(READINGS)
        for logged in log.latest(session, filters=log.Filter(referral_id=referral_id, action=action, outcome="allow"), limit=SEEN)
    ]
    found.sort(key=lambda logged: logged.idx, reverse=True)
    shown = [(logged.idx, logged.entry) for logged in found[:SEEN]]
    codes = accounts.codes(session, member_ids={entry.actor_id for _, entry in shown if entry.actor_id})
    return tuple(
        Seen(
            at=entry.occurred_at,
            role=next(iter(entry.roles), ""),
            actor_id=entry.actor_id,
            code=codes.get(entry.actor_id, "") if entry.actor_id else "",
            agency_id=entry.agency_id,
            action=entry.action,
            sections=entry.sections,
            entry_index=index,
        )
        for index, entry in shown
    )


def _is_of_sending(seen: Seen, found: Found) -> bool:
    """Tell whether it was what was sent that somebody read, and not, at the sender, the draft of it."""
    sent_at = found.row.sent_at
    return found.side == "recipient" or sent_at is None or seen.at > sent_at


def acts_of(found: Found, actor: Actor, *, now: datetime) -> tuple[str, ...]:
    """Return the events that lifecycle and policy both allow the actor now."""
    sides = ("recipient",) if found.side == "recipient" else ("sender", "sender_supervisor")
    possible = dict.fromkeys(code for side in sides for code in rules.offered(found.life(), side=side, now=now))
    target = found.target(actor, now=now)
    possible = {code: None for code in possible if not rules.is_left_out(code, urgency=found.row.urgency)}
    return tuple(code for code in rules.OFFERED if code in possible and access.decide(actor, Verb(f"referral.{code}"), target).allowed)


def _sections(found: Found, *, grant: str, mine: set[str]) -> tuple[SectionState, ...]:
    """Return every section that this recipient could have, as a row: open, later, closed or not shared."""
    ever = protocol.current().kind(found.recipient_kind).sections_ever
    open_as = {"own": "open", "full": "open", "read_only": "open", "preview": "later"}.get(grant, "closed")
    return tuple(SectionState(code, open_as if code in found.granted else "not_shared", code in mine) for code in ever)
