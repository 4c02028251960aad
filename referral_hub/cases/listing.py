"""The files of an agency as a list: latest activity first, newest first or by stage of help, page after page by key, never by offset."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import func, select, true, tuple_

from referral_hub import access, audit, protocol
from referral_hub.access import Verb, outside_cases
from referral_hub.cases import scope
from referral_hub.cases.facts import Case, Page
from referral_hub.cases.records import CaseRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.keyring import Keyring

ACTIVITY, NEWEST, STAGE = "activity", "newest", "stage"
COUNTED = 100  # counts are exact below this, then "99+"


@dataclass(frozen=True)
class _Stretch:
    """One stretch of a sorted list: which rows, latest activity first, or newest first. A list is its stretches one after the other."""

    rows: ColumnElement[bool]
    by_activity: bool = True


@dataclass(frozen=True)
class _Place:
    """After which row of which stretch a page begins; without a row, where the stretch does."""

    stretch: int = 0
    day: date | None = None
    row: uuid.UUID | None = None


def list_cases(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    request_id: str = "",
    after: str | None = None,
    limit: int = 25,
    stage: str | None = None,
    sort: str = ACTIVITY,
) -> Page:
    """Return one page of the cases within the actor's scope, and record it with the aliases shown.

    `sort`: activity (the latest first), newest, stage (in the order of case_stages.yaml); an unknown word is activity. `after` is the `next`
    of the page before; at most 50 lines. A token that is none of ours begins at the top.

    Raises:
        errors.NotAllowed: the actor's roles see no cases.
    """
    limit = max(1, min(limit, scope.MOST))
    decision = access.require(actor, Verb.CASE_LIST, outside_cases("list", same_agency=True))
    narrowed = CaseRow.stage == stage if stage is not None else true()
    lines, more = _walked(session, _stretches(sort), actor=actor, hub=keys.hub, narrowed=narrowed, after=after, limit=limit)
    entry = audit.entry_for(
        actor,
        Verb.CASE_LIST,
        now=now,
        decision=decision,
        object_kind="case",
        subjects=tuple(line.subject for line in lines),
        count=len(lines),
        purpose="case_coordination",
        request_id=request_id,
    )
    return Page(lines, more, audit.record(session, entry), _counted(session, actor=actor, hub=keys.hub, narrowed=narrowed))


def _stretches(sort: str) -> tuple[_Stretch, ...]:
    if sort == STAGE:
        return tuple(_Stretch(CaseRow.stage == item.code) for item in protocol.current().codelist("case_stages"))
    return (_Stretch(true(), by_activity=sort != NEWEST),)


def _walked(
    session: Session, stretches: Sequence[_Stretch], *, actor: Actor, hub: HubKeys, narrowed: ColumnElement[bool], after: str | None, limit: int
) -> tuple[tuple[Case, ...], str | None]:
    """Return the lines after the token, at most `limit`, and the token of the next page."""
    place = _place(after, len(stretches))
    found: list[tuple[int, Case]] = []
    for number in range(place.stretch, len(stretches)):
        stretch = stretches[number]
        query = scope.lines(actor, hub=hub).where(narrowed, stretch.rows)
        order = (CaseRow.last_activity.desc(), CaseRow.id.desc()) if stretch.by_activity else (CaseRow.id.desc(),)
        if number == place.stretch and place.row is not None:
            key = tuple_(CaseRow.last_activity, CaseRow.id) < (place.day, place.row) if stretch.by_activity else CaseRow.id < place.row
            query = query.where(key)
        rows = session.execute(query.order_by(*order).limit(limit + 1 - len(found))).all()
        found += [(number, scope.snapshot(row, subject=subject, alias=code, members=members or ())) for row, subject, code, members in rows]
        if len(found) > limit:
            of, last = found[limit - 1]
            return tuple(line for _, line in found[:limit]), f"{of}.{last.last_activity.isoformat()}.{last.id.hex}"
    return tuple(line for _, line in found), None


def _place(after: str | None, stretches: int) -> _Place:
    number, _, rest = (after or "").partition(".")
    day, _, row = rest.partition(".")
    try:
        found = _Place(int(number), date.fromisoformat(day), uuid.UUID(hex=row))
    except ValueError:
        return _Place()
    return found if 0 <= found.stretch < stretches else _Place()


def _counted(session: Session, *, actor: Actor, hub: HubKeys, narrowed: ColumnElement[bool]) -> str:
    """Return how many files the list holds: exact up to 99, then "99+"."""
    mine = select(CaseRow.id).where(CaseRow.agency_id == actor.agency_id, scope.visible_to(actor, hub=hub, case_id=CaseRow.id), narrowed)
    number = session.scalar(select(func.count()).select_from(mine.limit(COUNTED).subquery())) or 0
    return str(number) if number < COUNTED else f"{COUNTED - 1}+"
