"""Reads of the desk: what waits for an explanation, findings, rates of the rules. A page is one entry `audit.read`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from referral_hub import audit, errors
from referral_hub.access import Verb
from referral_hub.audit import reading
from referral_hub.review import texts
from referral_hub.review.actions import find
from referral_hub.review.answers import sight
from referral_hub.review.elsewhere import run, sql
from referral_hub.review.records import CursorRow, FindingEntryRow, FindingRow, FindingStepRow, HitRow
from referral_hub.review.rules import moves, watch
from referral_hub.review.values import Desk, Emergency, Opened, Rate, Step, Waiting, finding_of
from referral_hub.vault import codes

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.review.values import Finding
    from referral_hub.vault.keyring import Keyring

MOST_OPEN, MOST_CLOSED, MOST_HITS = 200, 50, 200


def desk(session: Session, *, actor: Actor, now: datetime, request_id: str = "") -> Desk:
    """Return the findings and what waits, within the actor's sight. `audit.read`.

    Raises:
        errors.NotAllowed: the actor's roles do not read the log.
    """
    decision, scope = sight(actor, Verb.AUDIT_READ)
    findings = tuple(_findings(session, scope, closed=False, most=MOST_OPEN))
    closed = tuple(_findings(session, scope, closed=True, most=MOST_CLOSED))
    said = audit.entry_for(
        actor, Verb.AUDIT_READ, now=now, decision=decision, object_kind="finding", count=len(findings) + len(closed), purpose="audit", request_id=request_id
    )
    read_until = session.scalar(select(CursorRow.next_idx).where(CursorRow.pace == watch.AT_ONCE)) or 0
    glass = emergencies(session, scope=scope)
    return Desk(findings, closed, waiting(session, scope=scope), glass, rates(session, scope=scope), read_until, audit.record(session, said))


def opened(session: Session, *, actor: Actor, keys: Keyring, now: datetime, number: str, request_id: str = "") -> Opened:
    """Return one finding with its texts. `audit.read`, naming it.

    Raises:
        errors.NotFound: none by this number in the actor's sight. errors.NotAllowed; errors.CannotOpen.
    """
    decision, _ = sight(actor, Verb.AUDIT_READ)
    row = find(session, actor=actor, finding_id=id_of(session, number=number))
    said = audit.entry_for(
        actor, Verb.AUDIT_READ, now=now, decision=decision, object_kind="finding", object_id=row.id, count=1, purpose="audit", request_id=request_id
    )
    entries = tuple(session.scalars(select(FindingEntryRow.idx).where(FindingEntryRow.finding_id == row.id).order_by(FindingEntryRow.idx)))
    own = row.agency_id == actor.agency_id
    may = moves.steps_from(row.state, auditor=reading.sees_all(actor), own_agency=own, opened_it=row.opened_by == actor.member_id)
    return Opened(finding_of(row), _steps(session, row, keys), entries, may, audit.record(session, said))


def id_of(session: Session, *, number: str) -> uuid.UUID:
    """Return the id of a finding by its number, typed with or without hyphens. No scope is checked. Raises errors.NotFound."""
    letters = codes.normalise(number).removeprefix("TM")
    found = session.scalar(select(FindingRow.id).where(FindingRow.number == f"TM-{letters[:4]}-{letters[4:]}"))
    if found is None:
        raise errors.NotFound
    return found


def number_of(session: Session, *, finding_id: uuid.UUID) -> str:
    """Return the number of a finding. No scope is checked. Raises errors.NotFound."""
    found = session.scalar(select(FindingRow.number).where(FindingRow.id == finding_id))
    if found is None:
        raise errors.NotFound
    return found


def open_findings(session: Session, *, agency_id: uuid.UUID) -> int:
    """Return how many findings about an agency wait for an answer or a closing, at most 99; a number names nobody and leaves no entry."""
    some = select(FindingRow.id).where(FindingRow.agency_id == agency_id, FindingRow.state != moves.CLOSED).limit(99).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


_GLASS = sql("""
    SELECT e.idx, e.occurred_at, e.actor_id, e.agency_id FROM audit_entry e
    WHERE e.action = 'break_glass.open' AND e.outcome = 'allow' AND $scope AND NOT EXISTS (
        SELECT 1 FROM audit_entry v WHERE v.object_id = e.object_id AND v.idx > e.idx AND v.action = 'break_glass.review' AND v.outcome = 'allow'
        AND v.actor_id IS DISTINCT FROM e.actor_id
    ) ORDER BY e.idx LIMIT :most
""")


def emergencies(session: Session, *, scope: uuid.UUID | None) -> tuple[Emergency, ...]:
    """Return the break-glass openings that nobody else has reviewed, oldest first."""
    rows = run(session, _GLASS, {"most": MOST_HITS}, scope=scope)
    return tuple(Emergency(row.idx, row.occurred_at, row.actor_id, row.agency_id, row.occurred_at + watch.PACES[watch.DAY]) for row in rows)


def waiting(session: Session, *, scope: uuid.UUID | None) -> tuple[Waiting, ...]:
    """Return the hits that no finding took up, by rule and agency, in the order of the rules."""
    query = (
        select(HitRow.rule, HitRow.agency_id, func.count(), func.min(HitRow.idx), func.max(HitRow.idx), func.min(HitRow.occurred_at))
        .where(HitRow.finding_id.is_(None))
        .group_by(HitRow.rule, HitRow.agency_id)
    )
    if scope is not None:
        query = query.where(HitRow.agency_id == scope)
    found = [Waiting(*row) for row in session.execute(query)]
    return tuple(sorted(found, key=lambda one: (_order(one.rule), -one.count, str(one.agency_id))))


def waiting_entries(session: Session, *, actor: Actor, rule: str, agency_id: uuid.UUID | None) -> tuple[int, ...]:
    """Return the oldest entries (at most 200) that wait for a rule at an agency, within the actor's sight."""
    _, scope = sight(actor, Verb.AUDIT_READ)
    if scope is not None and agency_id != scope:
        raise errors.NotFound
    query = select(HitRow.idx).where(HitRow.rule == rule, HitRow.agency_id == agency_id, HitRow.finding_id.is_(None))
    return tuple(session.scalars(query.order_by(HitRow.idx).limit(MOST_HITS)))


def rules_met(session: Session, *, entries: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
    """Return the rules that these entries met; an entry that met none is left out."""
    found: dict[int, tuple[str, ...]] = {}
    for idx, rule in session.execute(select(HitRow.idx, HitRow.rule).where(HitRow.idx.in_(entries))):
        found[idx] = tuple(sorted({*found.get(idx, ()), rule}, key=_order))
    return found


def rates(session: Session, *, scope: uuid.UUID | None) -> tuple[Rate, ...]:
    """Return, for every rule, its hits, how many wait, how many belong to a closed finding, and how many were confirmed."""
    settled, confirmed = FindingRow.state == moves.CLOSED, FindingRow.confirmed_at.is_not(None)
    counts = (func.count(), func.count().filter(HitRow.finding_id.is_(None)), func.count().filter(settled), func.count().filter(confirmed))
    query = select(HitRow.rule, *counts).outerjoin(FindingRow, FindingRow.id == HitRow.finding_id).group_by(HitRow.rule)
    if scope is not None:
        query = query.where(HitRow.agency_id == scope)
    found = {row[0]: Rate(*row) for row in session.execute(query)}
    return tuple(found.get(code, Rate(code, 0, 0, 0, 0)) for code in watch.CODES)


def _order(rule: str) -> int:
    return watch.CODES.index(rule) if rule in watch.CODES else len(watch.CODES)


def _findings(session: Session, scope: uuid.UUID | None, *, closed: bool, most: int) -> list[Finding]:
    query = select(FindingRow).where((FindingRow.state == moves.CLOSED) == closed)
    if scope is not None:
        query = query.where(FindingRow.agency_id == scope)
    ordered = query.order_by(FindingRow.closed_at.desc()) if closed else query.order_by(FindingRow.answer_by)
    return [finding_of(row) for row in session.scalars(ordered.limit(most))]


def _steps(session: Session, row: FindingRow, keys: Keyring) -> tuple[Step, ...]:
    found = session.scalars(select(FindingStepRow).where(FindingStepRow.finding_id == row.id).order_by(FindingStepRow.seq))
    return tuple(
        Step(one.seq, one.code, one.actor_id, one.agency_id, one.at, texts.unlock(keys.hub, one.text_locked, finding_id=row.id, seq=one.seq)) for one in found
    )
