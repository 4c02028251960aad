"""Incoming and outgoing lists: newest first, page after page by key, never by offset."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import and_

from referral_hub.access import Verb, acts_allowed
from referral_hub.referrals import scope
from referral_hub.referrals.queries import lines as listing
from referral_hub.referrals.records import ReferralRow
from referral_hub.referrals.values import Page
from referral_hub.vault import codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from referral_hub.access import Actor
    from referral_hub.vault.keyring import Keyring


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; None asks nothing.

    `number` is the own or the other side's number, typed with or without hyphens; `since` and `until` are the actor's local days of creation,
    both included.
    """

    state: str | None = None
    urgency: str | None = None
    agency: uuid.UUID | None = None
    handler: uuid.UUID | None = None
    number: str | None = None
    since: date | None = None
    until: date | None = None


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
    conditions = [scoped, *_conditions(filters or Filters(), other, zone=ZoneInfo(actor.timezone))]
    query = listing.select_lines(actor).where(*conditions).order_by(ReferralRow.id.desc()).limit(limit + 1)
    position = _position(after)
    if position is not None:
        query = query.where(ReferralRow.id < position)
    lines = listing.lines_of(session, query, actor=actor, now=now)
    shown = lines[:limit]
    ticket = listing.record_page(session, actor=actor, decision=decision, lines=shown, now=now, request_id=request_id)
    more = shown[-1].id.hex if len(lines) > limit else None
    return Page(shown, more, listing.counted(session, and_(*conditions)), ticket)


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


def _position(after: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(hex=after) if after else None
    except ValueError:
        return None
