"""Asking a saved question: decided, narrowed to the asker's sight, cut off when it takes too long, and recorded (`audit.ask`)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from referral_hub import access, audit, errors
from referral_hub.access import Verb, outside_cases
from referral_hub.audit import reading
from referral_hub.review.questions import question
from referral_hub.review.questions.shape import KINDS, Asking, Given

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.audit import Ticket
    from referral_hub.review.questions import Question

MOST = 500
LONGEST = timedelta(days=400)
SECONDS = 4  # on a page; an operator's command may wait
PART = timedelta(days=31)
_CANCELLED = "57014"


@dataclass(frozen=True)
class Part:
    """Which part of a long period an answer covers: number `number` of `of`, the newest first."""

    number: int
    of: int
    since: datetime
    until: datetime

    @property
    def last(self) -> datetime:
        """Return the last moment that belongs to it."""
        return self.until - timedelta(microseconds=1)


@dataclass(frozen=True)
class Answer:
    """The rows of an answer, in the order of the question's columns. `more`: there are further ones. `cut`: it took too long, and has none.

    `part` says how far the question has come where its period is answered in parts.
    """

    question: Question
    given: Given
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    cut: bool
    part: Part | None
    ticket: Ticket = field(repr=False)

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Return name and kind of each column; a kind is "number" where nothing else is known."""
        return tuple((name, KINDS.get(name, "number")) for name in self.question.columns)


def ask(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    number: int,
    given: Given,
    request_id: str = "",
    most: int = MOST,
    seconds: int = SECONDS,
    part: int = 1,
) -> Answer:
    """Ask question `number` about what is `given`; one entry `audit.ask` that names the question and says how many rows it showed.

    A question that reads every entry of its period answers a long one in parts of 31 days, the newest first; `part` is the one asked for.

    A network auditor and an operator see every entry, a data-protection officer those of the own agency and the disclosures to it.

    Raises:
        errors.NotFound: no such question. errors.NotAllowed: the actor's roles do not ask.
        errors.InputInvalid: something it needs is missing, or the period is none (fields → codes).
    """
    asked = question(number)
    decision, scope = sight(actor, Verb.AUDIT_ASK)
    _check(asked, given)
    found = _part(asked, given, part)
    narrowed = given if found is None else replace(given, since=found.since, until=found.until)
    rows = _read(asked, Asking(session, narrowed, now, most + 1, scope, actor.member_id), seconds)
    shown = tuple(tuple(row) for row in (rows or ())[:most])
    about = next((value for value in (given.referral, given.subject, given.member, given.agency) if value), None)
    outcome = {} if rows is not None else {"outcome": "error", "reason": "too_long"}
    said = audit.entry_for(
        actor, Verb.AUDIT_ASK, now=now, decision=decision, object_kind="log", object_id=about, fields=(f"question.{number}",), count=len(shown),
        purpose="audit", request_id=request_id, **outcome,
    )  # fmt: skip
    return Answer(asked, given, shown, rows is not None and len(rows) > most, rows is None, found, audit.record(session, said))


def _part(asked: Question, given: Given, number: int) -> Part | None:
    """Return part `number` of the period of a paced question, or None where the period is short; beyond either end, the nearest."""
    if not asked.is_paced or given.since is None or given.until is None or given.until - given.since <= PART:
        return None
    of = -(-(given.until - given.since) // PART)
    number = max(1, min(number, of))
    until = given.until - PART * (number - 1)
    return Part(number, of, max(given.since, until - PART), until)


def sight(actor: Actor, verb: Verb) -> tuple[Decision, UUID | None]:
    """Return the decision on an act of oversight, and the agency that the actor's sight is narrowed to (None: nothing is hidden).

    Raises:
        errors.NotAllowed: the actor's roles do not do this.
    """
    everything = actor.kind == "operator" or reading.sees_all(actor)
    decision = access.require(actor, verb, outside_cases("log", same_agency=not everything))
    if not everything and actor.agency_id is None:
        raise errors.NotFound
    return decision, None if everything else actor.agency_id


def _check(asked: Question, given: Given) -> None:
    missing = {name: ("required",) for name in asked.needs if getattr(given, name) is None}
    if missing:
        raise errors.InputInvalid(missing)
    if given.since and given.until and not timedelta(0) < given.until - given.since <= LONGEST:
        raise errors.InputInvalid({"until": ("out_of_range",)})


def _read(asked: Question, asking: Asking, seconds: int) -> Sequence[tuple[Any, ...]] | None:
    """Return the rows; None where they took longer than `seconds`, which ends the read and nothing else."""
    session = asking.session
    try:
        with session.begin_nested():
            session.execute(text("SELECT set_config('statement_timeout', :limit, true)"), {"limit": f"{seconds}s"})
            rows = asked.read(asking)
            session.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
    except OperationalError as failure:
        if getattr(failure.orig, "sqlstate", None) != _CANCELLED:
            raise
        return None
    return rows
