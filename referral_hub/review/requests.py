"""What survivors ask about their data (UU 27/2022, art. 30 and 32): recorded by the officer, due in three times 24 hours, answered or refused.

A request to know who saw her data is answered by releasing the statement, after its safety check; a correction by saying that it is
done. A refusal has a reason of the agreed list. Only ids, codes and times are kept; what she said is with her case worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from referral_hub import access, audit, errors
from referral_hub.access import Verb, outside_cases
from referral_hub.audit import reading
from referral_hub.cases import queries as cases
from referral_hub.cases.aliases import alias_codes
from referral_hub.db import uuid7
from referral_hub.review.records import RequestRow
from referral_hub.review.rules import subject as rules
from referral_hub.vault import codes

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.audit import Ticket
    from referral_hub.cases.facts import Alias

ATTEMPTS = 5
MOST = 100


@dataclass(frozen=True)
class Request:
    """One request: about which survivor (alias), of which kind, asked when, due when, and how it ended."""

    id: uuid.UUID
    number: str
    subject: uuid.UUID
    agency_id: uuid.UUID
    kind: str
    state: str
    asked_at: datetime
    due_at: datetime
    recorded_by: uuid.UUID
    ended_by: uuid.UUID | None
    ended_at: datetime | None
    reason: str | None

    @property
    def soon_at(self) -> datetime:
        """From when on it wants to be looked at."""
        return rules.soon(self.kind, self.asked_at)


@dataclass(frozen=True)
class Desk:
    """The officer's list: what is open, the next due first, and what ended last."""

    open: tuple[Request, ...]
    ended: tuple[Request, ...]
    aliases: dict[uuid.UUID, str]
    ticket: Ticket = field(repr=False)


def record(session: Session, *, actor: Actor, now: datetime, alias: str, kind: str, asked_at: datetime | None, request_id: str = "") -> Request:
    """Record what a survivor of the actor's agency asked; the clock runs from when she asked. `subject.request`.

    Raises:
        errors.NotFound: no such alias at the agency. errors.NotAllowed: no officer. errors.InputInvalid: kind, asked_at.
        errors.RuleBroken: `wrong_state`, the same is open already.
    """
    decision = decided(actor, Verb.SUBJECT_REQUEST)
    about = subject_of(session, actor, alias).id
    if kind not in rules.KINDS:
        raise errors.InputInvalid({"kind": ("required",)})
    asked = rules.check_asked(asked_at, now=now)
    if session.scalar(select(RequestRow.id).where(RequestRow.subject == about, RequestRow.kind == kind, RequestRow.state == rules.OPEN)):
        raise errors.RuleBroken("wrong_state")
    values = {
        "id": uuid7(now), "subject": about, "agency_id": actor.agency_id, "kind": kind, "state": rules.OPEN, "asked_at": asked, "due_at": rules.due(kind, asked),
        "recorded_by": actor.member_id, "recorded_at": now,
    }  # fmt: skip
    row = _numbered(session, values)
    _say(session, Verb.SUBJECT_REQUEST, row, decision, actor=actor, now=now, request_id=request_id)
    return _request(row)


def answer(session: Session, *, actor: Actor, now: datetime, number: str, request_id: str = "") -> Request:
    """Say that a correction is done and told to her. `subject.answer`.

    Raises:
        errors.NotFound, errors.NotAllowed. errors.RuleBroken: `wrong_state`, not open, or to be answered by a statement.
    """
    decision = decided(actor, Verb.SUBJECT_ANSWER)
    row = _open(session, actor, number)
    if row.kind != rules.CORRECT:
        raise errors.RuleBroken("wrong_state")
    return _end(session, row, Verb.SUBJECT_ANSWER, decision, actor=actor, now=now, request_id=request_id)


def refuse(session: Session, *, actor: Actor, now: datetime, number: str, reason: str, request_id: str = "") -> Request:
    """Refuse a request for a reason of subject_refusals.yaml. `subject.refuse`.

    Raises:
        errors.NotFound, errors.NotAllowed. errors.InputInvalid: reason. errors.RuleBroken: `wrong_state`, not open.
    """
    decision = decided(actor, Verb.SUBJECT_REFUSE)
    row = _open(session, actor, number)
    rules.check_reason(reason)
    row.reason = reason
    return _end(session, row, Verb.SUBJECT_REFUSE, decision, actor=actor, now=now, request_id=request_id)


def settle(session: Session, *, actor: Actor, now: datetime, subject: uuid.UUID, statement_id: uuid.UUID) -> None:
    """Close her open request to know, because the statement `statement_id` is released now; the statement's entry tells it."""
    wanted = update(RequestRow).where(RequestRow.subject == subject, RequestRow.kind == rules.ACCESS, RequestRow.state == rules.OPEN)
    session.execute(wanted.values(state=rules.ANSWERED, ended_by=actor.member_id, ended_at=now, statement_id=statement_id))


def desk(session: Session, *, actor: Actor, now: datetime, request_id: str = "") -> Desk:
    """Return the requests of the officer's agency. One entry `audit.read`.

    Raises:
        errors.NotAllowed: no officer.
    """
    decision = decided(actor, Verb.AUDIT_READ)
    waiting = waiting_at(session, agency_id=actor.agency_id)
    past = select(RequestRow).where(RequestRow.agency_id == actor.agency_id, RequestRow.state != rules.OPEN).order_by(RequestRow.ended_at.desc()).limit(MOST)
    ended = tuple(map(_request, session.scalars(past)))
    aliases = alias_codes(session, alias_ids={one.subject for one in (*waiting, *ended)}, agency_id=own_agency(actor))
    said = audit.entry_for(
        actor, Verb.AUDIT_READ, now=now, decision=decision, object_kind="request", count=len(waiting) + len(ended), purpose="subject_request", request_id=request_id
    )
    return Desk(waiting, ended, aliases, audit.record(session, said))


def waiting_at(session: Session, *, agency_id: uuid.UUID | None) -> tuple[Request, ...]:
    """Return what is open at an agency, or everywhere (None); the next due first. No scope is checked."""
    wanted = select(RequestRow).where(RequestRow.state == rules.OPEN).order_by(RequestRow.due_at).limit(MOST)
    if agency_id is not None:
        wanted = wanted.where(RequestRow.agency_id == agency_id)
    return tuple(map(_request, session.scalars(wanted)))


def open_of(session: Session, *, subject: uuid.UUID) -> tuple[Request, ...]:
    """Return what is open about one survivor; the next due first. No scope is checked."""
    wanted = select(RequestRow).where(RequestRow.subject == subject, RequestRow.state == rules.OPEN).order_by(RequestRow.due_at)
    return tuple(map(_request, session.scalars(wanted)))


def overdue(session: Session, *, actor: Actor, now: datetime) -> dict[uuid.UUID, int]:
    """Return how many requests are overdue, by agency: for the desk. An auditor of the network sees all agencies, an officer the own."""
    found: dict[uuid.UUID, int] = {}
    for one in waiting_at(session, agency_id=None if reading.sees_all(actor) else actor.agency_id):
        if one.due_at < now:
            found[one.agency_id] = found.get(one.agency_id, 0) + 1
    return found


def decided(actor: Actor, verb: Verb) -> Decision:
    """Return the decision on an act of the officer who serves data subjects at the own agency. Raises errors.NotAllowed."""
    decision = access.require(actor, verb, outside_cases("log", same_agency=True))
    if "subject_requests" not in access.abilities(actor.roles) or actor.agency_id is None:
        raise errors.NotAllowed("role_lacks_ability", decision.rule_ids)
    return decision


def own_agency(actor: Actor) -> uuid.UUID:
    """Return the agency of an actor who has one. Raises errors.NotFound."""
    if actor.agency_id is None:
        raise errors.NotFound
    return actor.agency_id


def subject_of(session: Session, actor: Actor, alias: str) -> Alias:
    """Return the alias that a survivor has at the actor's agency. Raises errors.NotFound."""
    agency_id = own_agency(actor)
    case_id = cases.case_of_alias(session, agency_id=agency_id, code=alias)
    return cases.alias_for(session, case_id=case_id, agency_id=agency_id)


def _numbered(session: Session, values: dict[str, Any]) -> RequestRow:
    for _ in range(ATTEMPTS):
        made = insert(RequestRow).values(number=f"PD-{codes.short_code()}", **values).on_conflict_do_nothing(index_elements=["number"]).returning(RequestRow)
        row = session.scalars(made).one_or_none()
        if row is not None:
            return row
    raise errors.Unavailable("at_capacity")


def _open(session: Session, actor: Actor, number: str) -> RequestRow:
    wanted = select(RequestRow).where(RequestRow.number == number, RequestRow.agency_id == actor.agency_id)
    row = session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise errors.NotFound
    if row.state != rules.OPEN:
        raise errors.RuleBroken("wrong_state")
    return row


def _end(session: Session, row: RequestRow, verb: Verb, decision: Decision, *, actor: Actor, now: datetime, request_id: str) -> Request:
    row.state = rules.REFUSED if row.reason else rules.ANSWERED
    row.ended_by, row.ended_at = actor.member_id, now
    _say(session, verb, row, decision, actor=actor, now=now, request_id=request_id)
    return _request(row)


def _say(session: Session, verb: Verb, row: RequestRow, decision: Decision, *, actor: Actor, now: datetime, request_id: str) -> None:
    said = audit.entry_for(
        actor, verb, now=now, decision=decision, object_kind="request", object_id=row.id, subjects=(row.subject,), purpose="subject_request", request_id=request_id
    )
    audit.record(session, said)


def _request(row: RequestRow) -> Request:
    return Request(**{name: getattr(row, name) for name in Request.__dataclass_fields__})
