"""What all lists share: one select in scope with the own agency's alias, planned for the agency at hand, and the one entry of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, text, true

from referral_hub import access, audit
from referral_hub.access import Verb, outside_cases
from referral_hub.referrals import elsewhere, rules
from referral_hub.referrals.records import ReferralRow
from referral_hub.referrals.values import Line, SecondLook

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.audit import Ticket

MOST = 50
COUNTED = 100  # counts are exact below this, then "99+"


def plan_for_this_agency(session: Session) -> None:
    """Have the statements of this transaction planned with their own values.

    A generic plan kept from a busy agency's page walks the primary key for a small one (docs/performance.md).
    """
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


def select_lines(actor: Actor) -> Select[Any]:
    """Return the select of referral rows with the alias by which the actor's agency knows the survivor.

    The alias is looked up row by row, which LATERAL with a limit makes sure of: left to choose, PostgreSQL begins at the aliases where it
    thinks that an agency has few, and reads those of the whole hub (45 ms at 200,000).
    """
    alias = elsewhere.alias
    of_row = select(alias.c.id, alias.c.code).where(alias.c.case_id == ReferralRow.case_id, alias.c.agency_id == actor.agency_id)
    mine = of_row.limit(1).lateral("own_alias")
    return select(ReferralRow, mine.c.id, mine.c.code).join(mine, true())


def lines_of(session: Session, query: Select[Any], *, actor: Actor, now: datetime) -> tuple[Line, ...]:
    """Run a select of `select_lines` and return its rows as lines."""
    lines = []
    for row, subject, code in session.execute(query):
        side = "sender" if row.from_agency == actor.agency_id else "recipient"
        due = row.due_at
        lines.append(
            Line(
                id=row.id,
                number=row.number,
                alias=code,
                subject=subject,
                urgency=row.urgency,
                service=row.service,
                side=side,
                other_agency=row.to_agency if side == "sender" else row.from_agency,
                state=row.state,
                flags=frozenset(row.flags),
                handler=row.handler,
                awaited=_awaited(row, actor, side=side, now=now),
                due=due,
                late=due is not None and now > due,
                version=row.version,
            )
        )
    return tuple(lines)


def _awaited(row: ReferralRow, actor: Actor, *, side: str, now: datetime) -> str:
    """Return what is awaited; of whoever approves a colleague's draft, the approval itself; of a draft's author, a look at why it came back."""
    step = rules.awaited(row, side=side, now=now)
    if step == "send" and row.business == "sent-back":
        return "sent_back"
    is_theirs = row.from_member != actor.member_id and "approve" in access.abilities(actor.roles)
    return "approve" if step == "approval" and is_theirs else step


def counted(session: Session, *branches: ColumnElement[bool]) -> str:
    """Return how many referrals the branches hold together: exact up to 99, then "99+". No referral stands in two of them.

    Each branch is a query of its own, along its own index, and stops counting at a hundred.
    """
    number = 0
    for branch in branches:
        some = select(ReferralRow.id).where(branch).limit(COUNTED - number).subquery()
        number += session.scalar(select(func.count()).select_from(some)) or 0
        if number >= COUNTED:
            return f"{COUNTED - 1}+"
    return str(number)


def decide_list(actor: Actor) -> Decision:
    """Return the decision that lets the actor see lists.

    Raises:
        errors.NotAllowed: the actor's roles see none.
    """
    return access.require(actor, Verb.REFERRAL_LIST, outside_cases("list", same_agency=True))


def record_page(
    session: Session, *, actor: Actor, decision: Decision, lines: Collection[Line | SecondLook], now: datetime, request_id: str
) -> Ticket:
    """Record one page of a list: the aliases shown, each once, and the number of rows. `referral.list`."""
    subjects = tuple(dict.fromkeys(line.subject for line in lines))
    entry = audit.entry_for(
        actor,
        Verb.REFERRAL_LIST,
        now=now,
        decision=decision,
        object_kind="referral",
        subjects=subjects,
        count=len(lines),
        purpose="case_coordination",
        request_id=request_id,
    )
    return audit.record(session, entry)
