"""Findings: opened, assigned, explained, confirmed, escalated, closed by a second person. Each step is an act with its entry.

The entry names the agency that the finding is about as its recipient: its officer sees the step in the own part of the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from referral_hub import access, audit, errors
from referral_hub.access import Verb, outside_cases
from referral_hub.accounts import queries as members
from referral_hub.audit import queries as log
from referral_hub.audit import reading
from referral_hub.db import uuid7
from referral_hub.review import texts
from referral_hub.review.records import FindingEntryRow, FindingRow, FindingStepRow, HitRow
from referral_hub.review.rules import moves
from referral_hub.review.values import finding_of
from referral_hub.vault import codes

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.accounts.values import Member
    from referral_hub.review.values import Finding
    from referral_hub.vault.keyring import Keyring

MOST_ENTRIES = 200
ATTEMPTS = 5
_VERBS = {
    moves.ASSIGN: Verb.FINDING_ASSIGN, moves.EXPLAIN: Verb.FINDING_EXPLAIN, moves.CONFIRM: Verb.FINDING_CONFIRM, moves.ESCALATE: Verb.FINDING_ESCALATE,
    moves.CLOSE: Verb.FINDING_CLOSE,
}  # fmt: skip


def open_finding(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, text: str, entries: Collection[int], rule: str | None = None, request_id: str = ""
) -> Finding:
    """Open a finding about entries of one agency (at most 200); `rule` says which rule's hits it takes up. `finding.open`.

    Raises:
        errors.NotFound: an entry is not in the actor's sight. errors.NotAllowed: the policy refused.
        errors.InputInvalid: text (see moves.check_text); entries: required, several_agencies.
    """
    written = moves.check_text(text)
    indexes = sorted(set(entries))[:MOST_ENTRIES]
    agency_id = _agency_of(session, actor, indexes)
    decision = access.require(actor, Verb.FINDING_OPEN, outside_cases("log", same_agency=agency_id == actor.agency_id))
    row = _new(session, actor, agency_id, rule, now)
    session.execute(insert(FindingEntryRow), [{"finding_id": row.id, "idx": idx} for idx in indexes])
    if rule is not None:
        hits = update(HitRow).where(HitRow.rule == rule, HitRow.idx.in_(indexes), HitRow.finding_id.is_(None))
        session.execute(hits.values(finding_id=row.id))
    _step(session, row, actor=actor, keys=keys, code="open", text=written, now=now)
    _record(session, row, Verb.FINDING_OPEN, decision, actor=actor, now=now, request_id=request_id, count=len(indexes))
    return finding_of(row)


def assign(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, finding_id: uuid.UUID, member_id: uuid.UUID, version: int | None, request_id: str = ""
) -> Finding:
    """Let somebody look after a finding: an auditor of the network, or an officer of the agency that it is about. `finding.assign`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion, errors.RuleBroken (wrong_state).
        errors.InputInvalid: member_id: not_known, somebody who does not look after findings.
    """
    taken = _begin(session, moves.ASSIGN, actor=actor, finding_id=finding_id, version=version)
    if member_id not in {one.id for one in may_look_after(session, finding_of(taken.row), actor=actor)}:
        raise errors.InputInvalid({"member_id": ("not_known",)})
    taken.row.assigned_to = member_id
    return _done(session, taken, actor=actor, keys=keys, now=now, text="", request_id=request_id)


def take_step(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    finding_id: uuid.UUID,
    step: str,
    text: str,
    version: int | None,
    verdict: str = "",
    request_id: str = "",
) -> Finding:
    """Explain (the agency's officer), confirm or escalate a finding, or close it (a second auditor, with a verdict). `finding.<step>`.

    Raises:
        errors.NotFound: none in the actor's sight. errors.NotAllowed: the policy refused: second_signer_needed, wrong_side (not this one's step).
        errors.StaleVersion. errors.RuleBroken: wrong_state. errors.InputInvalid: text, verdict.
    """
    if step not in (moves.EXPLAIN, moves.CONFIRM, moves.ESCALATE, moves.CLOSE):
        raise errors.NotFound
    taken = _begin(session, step, actor=actor, finding_id=finding_id, version=version)
    written = moves.check_text(text)
    row = taken.row
    if step == moves.EXPLAIN:
        row.explained_at = row.explained_at or now
    elif step == moves.CONFIRM:
        row.confirmed_at = row.confirmed_at or now
    elif step == moves.CLOSE:
        moves.check_verdict(verdict, explained=row.explained_at is not None, confirmed=row.confirmed_at is not None)
        row.verdict, row.closed_by, row.closed_at = verdict, actor.member_id, now
    return _done(session, taken, actor=actor, keys=keys, now=now, text=written, request_id=request_id)


def may_look_after(session: Session, finding: Finding, *, actor: Actor) -> tuple[Member, ...]:
    """Return the members who may be named for a finding: officers of its agency, and the colleagues of an auditor who asks."""
    houses = {finding.agency_id} | ({actor.agency_id} if actor.agency_id and reading.sees_all(actor) else set())
    everybody = [one for house in sorted(houses, key=str) for one in members.members(session, agency_id=house)]
    return tuple(one for one in everybody if one.state == "active" and "audit_read" in access.abilities(one.roles))


@dataclass(frozen=True)
class _Taken:
    row: FindingRow
    step: str
    decision: Decision


def find(session: Session, *, actor: Actor, finding_id: uuid.UUID, lock: bool = False) -> FindingRow:
    """Return a finding in the actor's sight: an auditor of the network sees all, an officer those of the own agency. Raises errors.NotFound."""
    query = select(FindingRow).where(FindingRow.id == finding_id).execution_options(populate_existing=True)
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None or not (reading.sees_all(actor) or row.agency_id == actor.agency_id):
        raise errors.NotFound
    return row


def _begin(session: Session, step: str, *, actor: Actor, finding_id: uuid.UUID, version: int | None) -> _Taken:
    row = find(session, actor=actor, finding_id=finding_id, lock=True)
    own = row.agency_id == actor.agency_id
    target = outside_cases("log", same_agency=own, is_self=row.opened_by == actor.member_id and step == moves.CLOSE)
    decision = access.require(actor, _VERBS[step], target)
    if (step in moves.AUDITORS_ONLY and not reading.sees_all(actor)) or (step in moves.AGENCY_ONLY and not own):
        raise errors.NotAllowed("wrong_side", decision.rule_ids)
    if version is not None and version != row.version:
        raise errors.StaleVersion
    row.state = moves.after(step, row.state)
    return _Taken(row, step, decision)


def _done(session: Session, taken: _Taken, *, actor: Actor, keys: Keyring, now: datetime, text: str, request_id: str) -> Finding:
    row = taken.row
    row.version += 1
    _step(session, row, actor=actor, keys=keys, code=taken.step, text=text, now=now)
    _record(session, row, _VERBS[taken.step], taken.decision, actor=actor, now=now, request_id=request_id)
    return finding_of(row)


def _agency_of(session: Session, actor: Actor, indexes: Collection[int]) -> uuid.UUID:
    found = [logged for idx in indexes if (logged := log.peek(session, idx)) is not None]
    if not indexes:
        raise errors.InputInvalid({"entries": ("required",)})
    agencies = {logged.entry.agency_id for logged in found}
    if len(found) != len(indexes) or not (reading.sees_all(actor) or agencies == {actor.agency_id}):
        raise errors.NotFound
    if len(agencies) != 1 or (only := agencies.pop()) is None:
        raise errors.InputInvalid({"entries": ("several_agencies",)})
    return only


def _new(session: Session, actor: Actor, agency_id: uuid.UUID, rule: str | None, now: datetime) -> FindingRow:
    values: dict[str, Any] = {
        "id": uuid7(now), "rule": rule, "agency_id": agency_id, "state": moves.OPEN, "opened_by": actor.member_id, "opened_at": now,
        "answer_by": now + moves.ANSWER_WITHIN, "version": 1,
    }  # fmt: skip
    for _ in range(ATTEMPTS):
        made = insert(FindingRow).values(number=f"TM-{codes.short_code()}", **values).on_conflict_do_nothing(index_elements=["number"]).returning(FindingRow)
        row = session.scalars(made).one_or_none()
        if row is not None:
            return row
    raise errors.Unavailable("at_capacity")


def _step(session: Session, row: FindingRow, *, actor: Actor, keys: Keyring, code: str, text: str, now: datetime) -> None:
    last = session.scalar(select(func.max(FindingStepRow.seq)).where(FindingStepRow.finding_id == row.id)) or 0
    seq = last + 1
    locked = texts.lock(keys.hub, text, finding_id=row.id, seq=seq)
    made = {"finding_id": row.id, "seq": seq, "code": code, "actor_id": actor.member_id, "agency_id": actor.agency_id, "at": now, "text_locked": locked}
    session.execute(insert(FindingStepRow).values(made))
    session.flush()


def _record(session: Session, row: FindingRow, verb: Verb, decision: Decision, *, actor: Actor, now: datetime, request_id: str, **facts: Any) -> None:
    said = audit.entry_for(
        actor, verb, now=now, decision=decision, object_kind="finding", object_id=row.id, object_version=row.version, recipient_agency=row.agency_id,
        purpose="audit", request_id=request_id, **facts,
    )  # fmt: skip
    audit.record(session, said)
