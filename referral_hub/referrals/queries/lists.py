"""Incoming and outgoing lists: newest first, by urgency or by deadline, page after page by key, never by offset."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, true, tuple_

from referral_hub.access import Verb, acts_allowed
from referral_hub.referrals import scope
from referral_hub.referrals.queries import lines as listing
from referral_hub.referrals.records import OPEN_STATES, ReferralRow
from referral_hub.referrals.values import Page
from referral_hub.vault import codes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from referral_hub.access import Actor
    from referral_hub.referrals.values import Line
    from referral_hub.vault.keyring import Keyring

URGENCIES = ("emergency", "urgent", "normal", "planned")
_TOKEN = re.compile(r"(\d)\.([0-9a-f]{32})(?:\.(\d{1,17}))?")
_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; None asks nothing.

    `number` is the own or the other side's number, typed with or without hyphens; `since` and `until` are the actor's local days of creation,
    both included. `sort`: newest, urgency, deadline; an unknown word is newest.
    """

    state: str | None = None
    urgency: str | None = None
    agency: uuid.UUID | None = None
    handler: uuid.UUID | None = None
    number: str | None = None
    since: date | None = None
    until: date | None = None
    sort: str = "newest"


def incoming(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "", filters: Filters | None = None,
    after: str | None = None, limit: int = 25,
) -> Page:  # fmt: skip
    """Return one page of what was sent to the actor's agency; one entry with the aliases shown.

    `after` is the `next` of the page before; at most 50 lines. A token that is none of ours begins at the top.

    Raises:
        errors.NotAllowed: the actor's roles see no lists.
    """
    scoped = scope.addressed_to(actor, hub=keys.hub)
    return _page(
        session, scoped, ReferralRow.from_agency, actor=actor, now=now, request_id=request_id, filters=filters, after=after, limit=limit
    )


def outgoing(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "", filters: Filters | None = None,
    after: str | None = None, limit: int = 25,
) -> Page:  # fmt: skip
    """Return one page of what the actor's agency sends, drafts included; as `incoming`."""
    scoped = scope.sent_by(actor, hub=keys.hub)
    return _page(
        session, scoped, ReferralRow.to_agency, actor=actor, now=now, request_id=request_id, filters=filters, after=after, limit=limit
    )


def counts(session: Session, *, actor: Actor, keys: Keyring) -> Mapping[str, str]:
    """Return how many referrals stand in each list ("in", "out"), as far as the actor sees them; no entry: they name nobody."""
    if Verb.REFERRAL_LIST not in acts_allowed(actor.roles):
        return {"in": "0", "out": "0"}
    listing.plan_for_this_agency(session)
    halves = {"in": scope.addressed_to(actor, hub=keys.hub), "out": scope.sent_by(actor, hub=keys.hub)}
    return {name: listing.counted(session, scoped) for name, scoped in halves.items()}


def _page(
    session: Session, scoped: ColumnElement[bool], other: InstrumentedAttribute[uuid.UUID], *, actor: Actor, now: datetime, request_id: str,
    filters: Filters | None, after: str | None, limit: int,
) -> Page:  # fmt: skip
    decision = listing.decide_list(actor)
    limit = max(1, min(limit, listing.MOST))
    listing.plan_for_this_agency(session)
    asked = filters or Filters()
    conditions = [scoped, *_conditions(asked, other, zone=ZoneInfo(actor.timezone))]
    shown, more = _walked(session, ORDERS[asked.sort if asked.sort in ORDERS else NEWEST], conditions, actor=actor, now=now, after=after, limit=limit)
    ticket = listing.record_page(session, actor=actor, decision=decision, lines=shown, now=now, request_id=request_id)
    return Page(shown, more, listing.counted(session, and_(*conditions)), ticket)


@dataclass(frozen=True)
class Branch:
    """One stretch of a sorted list: which rows, and whether by deadline (nearest first) instead of newest first. Each follows an index."""

    rows: ColumnElement[bool]
    by_deadline: bool = False


_OPEN = ReferralRow.state.in_(OPEN_STATES)
_RUNNING = and_(_OPEN, ReferralRow.due_at.is_not(None))
NEWEST, URGENCY, DEADLINE = "newest", "urgency", "deadline"
# A sorted list is the stretches one after the other; no row stands in two. What has ended has neither deadline nor urgency: newest first, at the end.
ORDERS: Mapping[str, tuple[Branch, ...]] = {
    NEWEST: (Branch(true()),),
    URGENCY: (*(Branch(and_(_OPEN, ReferralRow.urgency == code)) for code in URGENCIES), Branch(ReferralRow.state.not_in(OPEN_STATES))),
    DEADLINE: (Branch(_RUNNING, by_deadline=True), Branch(or_(ReferralRow.state.not_in(OPEN_STATES), ReferralRow.due_at.is_(None)))),
}


def _walked(
    session: Session, branches: Sequence[Branch], conditions: Sequence[ColumnElement[bool]], *, actor: Actor, now: datetime, after: str | None, limit: int
) -> tuple[tuple[Line, ...], str | None]:
    """Return the lines after the token, at most `limit`, and the token of the next page."""
    at, position = _position(after, branches)
    found: list[tuple[int, Line]] = []
    for number in range(at, len(branches)):
        query = _stretch(listing.select_lines(actor).where(*conditions), branches[number], position if number == at else None)
        lines = listing.lines_of(session, query.limit(limit + 1 - len(found)), actor=actor, now=now)
        found.extend((number, line) for line in lines)
        if len(found) > limit:
            of, last = found[limit - 1]
            return tuple(line for _, line in found[:limit]), _token(of, last, branches[of])
    return tuple(line for _, line in found), None


def _stretch(query: Select[Any], branch: Branch, position: tuple[datetime | None, uuid.UUID] | None) -> Select[Any]:
    query = query.where(branch.rows)
    if branch.by_deadline:
        ordered = query.order_by(ReferralRow.due_at.asc(), ReferralRow.id.asc())
        return ordered if position is None else ordered.where(tuple_(ReferralRow.due_at, ReferralRow.id) > position)
    ordered = query.order_by(ReferralRow.id.desc())
    return ordered if position is None else ordered.where(ReferralRow.id < position[1])


def _token(number: int, line: Line, branch: Branch) -> str:
    due = f".{(line.due - _EPOCH) // _TICK}" if branch.by_deadline and line.due else ""
    return f"{number}.{line.id.hex}{due}"


def _conditions(filters: Filters, other: InstrumentedAttribute[uuid.UUID], *, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    equal = ((ReferralRow.state, filters.state), (ReferralRow.urgency, filters.urgency), (other, filters.agency), (ReferralRow.handler, filters.handler))
    found: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
    if filters.number:
        letters = codes.normalise(filters.number)
        own = f"{letters[-8:-4]}-{letters[-4:]}"
        found.append((ReferralRow.number == f"RJ-{own}") | (ReferralRow.recipient_no == f"RM-{own}"))
    if filters.since is not None:
        found.append(ReferralRow.created_at >= datetime.combine(filters.since, time(), zone))
    if filters.until is not None and filters.until < date.max:
        found.append(ReferralRow.created_at < datetime.combine(filters.until + timedelta(days=1), time(), zone))
    return found


def _position(after: str | None, branches: Sequence[Branch]) -> tuple[int, tuple[datetime | None, uuid.UUID] | None]:
    """Return in which stretch the page begins, and after which row. A token that is none of ours begins at the top."""
    match = _TOKEN.fullmatch(after or "")
    if match is None or int(match[1]) >= len(branches) or branches[int(match[1])].by_deadline != bool(match[3]):
        return 0, None
    due = _EPOCH + int(match[3]) * _TICK if match[3] else None
    return int(match[1]), (due, uuid.UUID(hex=match[2]))
