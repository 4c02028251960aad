"""The work list: what needs the actor, in what order, and what waits for others."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, false, or_

from referral_hub import access, audit
from referral_hub.access import Verb, outside_cases
from referral_hub.referrals import rules, scope
from referral_hub.referrals.queries import lines as listing
from referral_hub.referrals.queries import news, second_look
from referral_hub.referrals.records import OPEN_STATES, SENDERS_TURN, ReferralRow
from referral_hub.referrals.values import Line, WorkList

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.vault.keyring import Keyring

CARDS = 20
WEEK = timedelta(days=7)
ENDED_BY_SENDER = ("cancelled", "completed", "entered-in-error", "failed")  # states in which a deletion may be due, or an outcome questioned
SERVING = ("requested", "received", "accepted", "on-hold", "in-progress")
AWAITING = ["awaiting_approval"]
OWED = ["disputed", "purge_due"]


def work_list(session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "") -> WorkList:
    """Return the actor's tasks: at most twenty cards of each kind, late and near deadlines first; one entry with the aliases shown.

    An incoming referral is the actor's task while nobody handles it, or the actor does. Roles that only see counts get the numbers.

    Raises:
        errors.NotAllowed: the actor's roles see neither lists nor counts.
    """
    if Verb.REFERRAL_LIST not in access.acts_allowed(actor.roles):
        return _counts(session, actor=actor, now=now, request_id=request_id)
    decision = listing.decide_list(actor)
    listing.plan_for_this_agency(session)
    sent, addressed = scope.sent_by(actor, hub=keys.hub), scope.addressed_to(actor, hub=keys.hub)
    mine, theirs = _needs(actor, sent=sent, addressed=addressed, now=now), _waits(actor, sent=sent, addressed=addressed)
    needs_you = _cards(session, mine, actor=actor, now=now)
    cards = news.marked(session, (*needs_you, *_cards(session, theirs, actor=actor, now=now)), actor=actor)
    needs_you, waiting = cards[: len(needs_you)], cards[len(needs_you) :]
    done = listing.counted(session, *(and_(half, _completed(now)) for half in (sent, addressed)))
    looks = second_look.waiting_for(session, actor=actor, hub=keys.hub, now=now)
    ticket = listing.record_page(session, actor=actor, decision=decision, lines=(*needs_you, *waiting, *looks), now=now, request_id=request_id)
    return WorkList(
        needs_you=needs_you,
        waiting=waiting,
        needs_count=_count(session, mine, shown=needs_you),
        waiting_count=_count(session, theirs, shown=waiting),
        completed_this_week=done,
        counts_only=False,
        ticket=ticket,
        second_looks=looks,
    )


def _needs(actor: Actor, *, sent: ColumnElement[bool], addressed: ColumnElement[bool], now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the branches of "needs you": to answer or serve · to finish or answer as the sender · what ended and asks for a next step."""
    declined = and_(ReferralRow.state == "rejected", ReferralRow.ended_at > now - rules.TOLD_FOR)
    deletion = and_(ReferralRow.state.in_(ENDED_BY_SENDER), ReferralRow.ended_at > now - rules.DELETION_TOLD_FOR)
    unhandled = or_(ReferralRow.handler.is_(None), ReferralRow.handler == actor.member_id)
    asked = ReferralRow.flags.overlap(list(SENDERS_TURN))
    return (
        and_(addressed, ReferralRow.state.in_(SERVING), unhandled, ~asked),
        and_(sent, ReferralRow.state == "draft", or_(~ReferralRow.flags.contains(AWAITING), _to_approve(actor))),
        and_(sent, ReferralRow.state.in_(OPEN_STATES), asked),
        and_(sent, declined),
        and_(addressed, deletion, ReferralRow.flags.overlap(OWED)),
    )


def _to_approve(actor: Actor) -> ColumnElement[bool]:
    """Return which submitted drafts this member may send or send back: a colleague's, with the ability to approve."""
    return ReferralRow.from_member != actor.member_id if "approve" in access.abilities(actor.roles) else false()


def _waits(actor: Actor, *, sent: ColumnElement[bool], addressed: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """Return the branches of "waiting for others": sent and not yet done · submitted to the supervisor · the sender owes an answer."""
    asked = ReferralRow.flags.overlap(list(SENDERS_TURN))
    return (
        and_(sent, ReferralRow.state.in_(OPEN_STATES), ~asked),
        and_(sent, ReferralRow.state == "draft", ReferralRow.flags.contains(AWAITING), ~_to_approve(actor)),
        and_(addressed, ReferralRow.state.in_(OPEN_STATES), asked),
    )


def _cards(session: Session, branches: tuple[ColumnElement[bool], ...], *, actor: Actor, now: datetime) -> tuple[Line, ...]:
    """Return the first cards of all branches together. Each branch is a query of its own, along its own index."""
    found: list[Line] = []
    for branch in branches:
        query = listing.select_lines(actor).where(branch).order_by(ReferralRow.due_at.asc().nulls_last(), ReferralRow.id.desc()).limit(CARDS)
        found.extend(listing.lines_of(session, query, actor=actor, now=now))
    far = now + timedelta(days=36500)
    return tuple(sorted(found, key=lambda line: (line.due or far, -line.id.int))[:CARDS])


def _count(session: Session, branches: tuple[ColumnElement[bool], ...], *, shown: tuple[Line, ...]) -> str:
    """Return how many there are; asked of the database only when the cards are full."""
    return str(len(shown)) if len(shown) < CARDS else listing.counted(session, *branches)


def _completed(now: datetime) -> ColumnElement[bool]:
    return and_(ReferralRow.state == "completed", ReferralRow.ended_at > now - WEEK)


def _counts(session: Session, *, actor: Actor, now: datetime, request_id: str) -> WorkList:
    decision = access.require(actor, Verb.STATS_VIEW, outside_cases("statistics", same_agency=True))
    listing.plan_for_this_agency(session)
    done = (and_(side == actor.agency_id, _completed(now)) for side in (ReferralRow.from_agency, ReferralRow.to_agency))
    ours = and_(ReferralRow.to_agency == actor.agency_id, ReferralRow.state.in_(SERVING))
    others = and_(ReferralRow.from_agency == actor.agency_id, ReferralRow.state.in_(OPEN_STATES))
    entry = audit.entry_for(actor, Verb.STATS_VIEW, now=now, decision=decision, object_kind="table", purpose="supervision", request_id=request_id)
    return WorkList(
        needs_you=(),
        waiting=(),
        needs_count=listing.counted(session, ours),
        waiting_count=listing.counted(session, others),
        completed_this_week=listing.counted(session, *done),
        counts_only=True,
        ticket=audit.record(session, entry),
    )
