"""One event in the life of a referral, the same way for all: find and lock · decide · version · rule · change · history · record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, true
from sqlalchemy.exc import IntegrityError

from referral_hub import access, audit, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as accounts
from referral_hub.audit import queries as audit_queries
from referral_hub.protocol import deadlines, lifecycle
from referral_hub.referrals import copies, rules, scope
from referral_hub.referrals.records import EventRow, ReferralRow
from referral_hub.vault import codes, grants, notes
from referral_hub.vault.grants import ObjectKind, Standing
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.protocol.lifecycle import Life
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring

TRIES = 8
_RACED = frozenset({"claim", "accept", "decline"})
_SEALED_TYPES = frozenset({"longtext", "id", "text"})
_STATE_TIMES = {"requested": "sent_at", "received": "received_at", "accepted": "accepted_at", "in-progress": "started_at"}


@dataclass(frozen=True)
class Act:
    """Who acts, with which keys, when, in which request."""

    actor: Actor
    keys: Keyring
    now: datetime
    request_id: str = ""


@dataclass(frozen=True)
class Change:
    """What an event brings: inputs and guards for the lifecycle, columns to set, a note or a time to seal, and what to do between rule and record.

    `then` runs after the rule allowed the step, with the row as it was and the life to come; it returns further facts of the entry.
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    guards: Mapping[str, bool] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    note: str = field(default="", repr=False)
    appointment: datetime | None = field(default=None, repr=False)
    then: Callable[[Found, Life], Mapping[str, Any]] | None = None


Prepare = Callable[["Found"], Change]


def fire(
    session: Session, act: Act, *, event: str, referral_id: uuid.UUID | str, version: int | None, prepare: Prepare, side: str = ""
) -> Referral:
    """Fire one event and return the referral as it is afterwards; one log entry `referral.<event>`.

    `referral_id`: the id, or the number. `prepare` is asked once the row is locked and the policy allowed. The actor's own repetition of the event just fired (same form,
    sent twice) changes nothing, leaves no entry, and returns the referral as it is.

    Raises:
        errors.NotFound: a stranger. errors.NotAllowed: the policy refused. errors.StaleVersion, errors.LostRace: the row moved on.
        errors.RuleBroken, errors.InputInvalid: the lifecycle or a guard refused.
    """
    found = scope.find(session, actor=act.actor, hub=act.keys.hub, referral_id=referral_id, lock="update")
    decision = access.require(act.actor, Verb(f"referral.{event}"), found.target(act.actor, now=act.now))
    if version is not None and version != found.row.version:
        if _is_own_repetition(session, found.row, act, event=event, version=version):
            return scope.snapshot(found.row, side=found.side)
        raise moved_on(session, found.row, act, event=event)
    if found.row.state not in protocol.current().event(event).from_:
        raise errors.RuleBroken("wrong_state", state=found.row.state)
    change = prepare(found)
    before = found.life()
    stepping = side or _side(found, event)
    after = lifecycle.step(before, event, side=stepping, inputs=change.inputs, guards=change.guards, now=act.now)
    facts = change.then(found, after) if change.then else {}
    _apply(session, found, act, event=event, change=change, after=after)
    is_told = bool(change.note or change.appointment)
    session.add(event_row(found.row, act, event=event, side=stepping, inputs=change.inputs, note=is_told))
    if is_told:
        _seal_note(session, found, act, change=change)
    _move_grants(session, found, act, before=before.grant, after=after.grant)
    copies.follow(session, act, found, event=event, after=after)
    session.flush()
    entry = audit.entry_for(
        act.actor, f"referral.{event}", now=act.now, decision=decision, request_id=act.request_id, **(found.entry_facts() | dict(facts))
    )
    audit.record(session, entry)
    return scope.snapshot(found.row, side=found.side)


def moved_on(session: Session, row: ReferralRow, act: Act, *, event: str) -> errors.RuleBroken:
    """Return the refusal of an act on a row that changed since its form was shown: who, when, and by which event.

    A colleague who answered first is a lost race; anything else is a stale form.
    """
    last = last_event(session, row.id)
    if last.seq < row.version:
        return _edited(session, row)
    is_race = event in _RACED and last.code in _RACED and last.actor_id != act.actor.member_id
    refusal = errors.LostRace if is_race else errors.StaleVersion
    return refusal(who=last.actor_code, when=last.at, event=last.code)


def _edited(session: Session, row: ReferralRow) -> errors.StaleVersion:
    """Return the refusal where a draft was edited since; who and when stand in the log."""
    edits = audit_queries.latest(session, filters=audit_queries.Filter(referral_id=row.id, action=Verb.REFERRAL_EDIT, outcome="allow"), limit=1)
    editor = edits[0].entry.actor_id if edits else None
    if editor is None:
        return errors.StaleVersion()
    who = accounts.codes(session, member_ids=[editor])
    return errors.StaleVersion(who=who.get(editor, ""), when=edits[0].entry.occurred_at, event="edit")


def last_event(session: Session, referral_id: uuid.UUID, *, code: str = "") -> EventRow:
    """Return the newest event of a referral, or the newest with a code, which must be there."""
    query = select(EventRow).where(EventRow.referral_id == referral_id, EventRow.code == code if code else true())
    return session.scalars(query.order_by(EventRow.seq.desc()).limit(1)).one()


def was_fired(session: Session, referral_id: uuid.UUID, *, code: str) -> bool:
    """Tell whether an event stands in a referral's history."""
    return session.scalar(select(EventRow.seq).where(EventRow.referral_id == referral_id, EventRow.code == code).limit(1)) is not None


def coded(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's inputs as the history keeps them: codes, flags, numbers, agencies, members and promised times.

    Texts, appointments and ids of records are only marked as given: they are sealed, or stand in their own rows.
    """
    types = protocol.current().lifecycle.inputs
    return {code: _coded(code, types[code].type if code in types else "", value) for code, value in inputs.items() if value is not None}


def _coded(code: str, kind: str, value: Any) -> Any:
    if kind in _SEALED_TYPES or code == "appointment":
        return True
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset | tuple | list):
        return sorted(str(item) for item in value)
    return value if isinstance(value, bool | int | str) else str(value)


def _side(found: Found, event: str) -> str:
    if found.side == "recipient":
        return "recipient"
    by = protocol.current().event(event).by
    is_supervisor = "sender_supervisor" in by and (not found.assigned or "sender" not in by)
    return "sender_supervisor" if is_supervisor else "sender"


def _is_own_repetition(session: Session, row: ReferralRow, act: Act, *, event: str, version: int) -> bool:
    if row.version != version + 1 or event == "progress":
        return False
    last = last_event(session, row.id)
    return last.seq == row.version and last.code == event and last.actor_id == act.actor.member_id


def _apply(session: Session, found: Found, act: Act, *, event: str, change: Change, after: Life) -> None:
    row = found.row
    if after.state != row.state:
        row.previous_state = after.previous or None
        column = "ended_at" if protocol.current().state(after.state).terminal else _STATE_TIMES.get(after.state)
        if column and getattr(row, column) is None:
            setattr(row, column, act.now)
    _pause(row, act, after=after)
    row.state, row.business, row.flags = after.state, after.business, sorted(after.flags)
    for name, value in change.values.items():
        setattr(row, name, value)
    if event in {"start", "progress"}:
        row.update_by = deadlines.update_by(act.now, urgency=row.urgency)
    if after.accepted_at is None:
        row.accepted_at = row.first_service_by = None
    row.due_at = rules.due_at(row)
    row.version += 1
    if found.side == "recipient" and row.recipient_no is None:
        _number_for_recipient(session, row)


def _pause(row: ReferralRow, act: Act, *, after: Life) -> None:
    """Stop the own clocks, or let them go on: every deadline that is still to be met moves by the time that was waited."""
    if after.paused_at is not None:
        row.paused_at = row.paused_at or act.now
    elif row.paused_at is not None:
        waited = act.now - row.paused_at
        row.paused_at, row.paused_for = None, row.paused_for + int(waited.total_seconds())
        for column in ("respond_by", "first_service_by", "update_by"):
            due = getattr(row, column)
            if due is not None:
                setattr(row, column, due + waited)


def _number_for_recipient(session: Session, row: ReferralRow) -> None:
    """Give the recipient's own number, at its first event (DECISIONS 11); drawn again when it is taken."""
    session.flush()
    for _ in range(TRIES):
        try:
            with session.begin_nested():
                row.recipient_no = f"RM-{codes.short_code()}"
                session.flush()
        except IntegrityError:
            session.refresh(row)
            continue
        return
    raise errors.Unavailable("at_capacity")


def event_row(row: ReferralRow, act: Act, *, event: str, side: str, inputs: Mapping[str, Any], note: bool = False) -> EventRow:
    """Return the history's row of an event; its number is the version that the referral got by it."""
    return EventRow(
        referral_id=row.id,
        seq=row.version,
        code=event,
        side=side,
        actor_kind=act.actor.kind,
        actor_id=act.actor.member_id,
        actor_code=act.actor.code,
        at=act.now,
        inputs=coded(inputs) | ({"note": True} if note else {}),
    )


def _seal_note(session: Session, found: Found, act: Act, *, change: Change) -> None:
    row = found.row
    content = {"text": change.note} | ({"appointment": change.appointment.isoformat()} if change.appointment else {})
    own, other = (row.from_agency, row.to_agency) if found.side == "sender" else (row.to_agency, row.from_agency)
    notes.seal_note(
        session,
        keys=act.keys,
        agency_id=own,
        other_agency_id=other,
        referral_id=row.id,
        part=note_part(row.version),
        content=Plain.of(content),
        now=act.now,
    )


def note_part(seq: int) -> str:
    """Return the name of the sealed part that holds the note of event `seq`."""
    return f"note.{seq}"


def _move_grants(session: Session, found: Found, act: Act, *, before: str, after: str) -> None:
    """Let the recipient's grants follow the lifecycle. What `send` makes, it makes itself."""
    full = [grant.id for grant in found.grants if grant.kind == "full"]
    if after == "revoked":
        revoke_recipient(session, found.row, act)
    elif after == "read_only":
        _keep_readable(session, found)
    elif after == before:
        return
    elif after == "preview" and before == "full":
        grants.set_standing(session, grant_ids=full, standing=Standing.SUSPENDED)
    elif after == "full":
        grants.set_standing(session, grant_ids=full, standing=Standing.LIVE)


def _keep_readable(session: Session, found: Found) -> None:
    """Let package, preview and thread be read until the window closes; a note written inside the window opens no longer than that."""
    row = found.row
    until = rules.read_until(row.state, row.ended_at)
    kinds = (ObjectKind.REFERRAL, ObjectKind.THREAD)
    every = [g for kind in kinds for g in grants.grants_of(session, object_kind=kind, object_id=row.id, agency_id=row.to_agency)]
    live = [g.id for g in every if g.standing in {Standing.LIVE, Standing.SUSPENDED}]
    if live:
        grants.set_standing(session, grant_ids=live, standing=Standing.READ_ONLY, until=until)


def revoke_recipient(session: Session, row: ReferralRow, act: Act) -> None:
    """End at once everything the recipient could open of this referral: package, preview and notes."""
    for kind in (ObjectKind.REFERRAL, ObjectKind.THREAD):
        grants.revoke_object(session, object_kind=kind, object_id=row.id, agency_id=row.to_agency, now=act.now, hub=act.keys.hub)
