"""The access review sheet: who can open what, and why; who has not signed in for long; who holds each agency's key (H8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from referral_hub import access, audit
from referral_hub.access import Verb, outside_cases
from referral_hub.accounts import queries as members
from referral_hub.directory import queries as directory
from referral_hub.review.answers import sight
from referral_hub.review.rules import reach
from referral_hub.review.rules.watch import DORMANT

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import TextClause
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.accounts.values import Member
    from referral_hub.audit import Ticket
    from referral_hub.directory.facts import Agency

COLUMNS: Final = ("agency", "member", "state", "roles", "opens", "holds_key", "cases", "referrals", "last_sign_in", "dormant", "remarks")
_CASES = text("SELECT m.member_id, count(*) FROM case_member m JOIN case_file c ON c.id = m.case_id WHERE c.closed_at IS NULL GROUP BY m.member_id")
_REFERRALS = text("SELECT r.handler, count(*) FROM referral r WHERE r.handler IS NOT NULL AND r.ended_at IS NULL GROUP BY r.handler")


@dataclass(frozen=True)
class Row:
    """One member: what the roles open (`opens`: codes), on how many open cases and referrals, and what to look at (`remarks`: codes)."""

    member: Member
    opens: tuple[str, ...]
    cases: int
    referrals: int
    dormant: bool
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class House:
    """One agency with its members that may come in, and how many of them hold its key."""

    agency: Agency
    rows: tuple[Row, ...]
    holders: int


@dataclass(frozen=True)
class Sheet:
    """The sheet of one agency or of all."""

    houses: tuple[House, ...]
    ticket: Ticket = field(repr=False)

    def lines(self) -> list[tuple[Any, ...]]:
        """Return the sheet as plain rows of codes, in the order of `COLUMNS`."""
        return [
            (
                house.agency.code, row.member.code, str(row.member.state), sorted(row.member.roles), list(row.opens), row.member.holds_key, row.cases, row.referrals,
                row.member.last_sign_in, row.dormant, list(row.remarks),
            )
            for house in self.houses
            for row in house.rows
        ]  # fmt: skip


def sheet(session: Session, *, actor: Actor, now: datetime, agency: str = "", request_id: str = "") -> Sheet:
    """Return the sheet of `agency` (a code), or of every agency in the actor's sight: an auditor's all, an officer's or administrator's own.

    One entry: `audit.ask`, or `member.access_review` by an administrator.

    Raises:
        errors.NotAllowed: the actor's roles do not review accesses. errors.NotFound: no such agency in the actor's sight.
    """
    verb, decision, scope = _decided(actor)
    asked = [directory.agency(session, agency)] if agency else list(directory.agencies(session))
    houses = [one for one in asked if scope is None or one.id == scope]
    cases, referrals = _counts(session, _CASES), _counts(session, _REFERRALS)
    found = tuple(_house(session, one, cases, referrals, now) for one in houses)
    said = audit.entry_for(
        actor, verb, now=now, decision=decision, object_kind="member", object_id=houses[0].id if len(houses) == 1 else None,
        count=sum(len(house.rows) for house in found), purpose="audit" if verb is Verb.AUDIT_ASK else "administration", request_id=request_id,
    )  # fmt: skip
    return Sheet(found, audit.record(session, said))


def _decided(actor: Actor) -> tuple[Verb, Decision, UUID | None]:
    if "audit_read" not in access.abilities(actor.roles) and actor.kind == "member":
        decision = access.require(actor, Verb.MEMBER_ACCESS_REVIEW, outside_cases("member", same_agency=True))
        return Verb.MEMBER_ACCESS_REVIEW, decision, actor.agency_id
    decision, scope = sight(actor, Verb.AUDIT_ASK)
    return Verb.AUDIT_ASK, decision, scope


def _counts(session: Session, query: TextClause) -> dict[UUID, int]:
    return {row[0]: row[1] for row in session.execute(query)}


def _house(session: Session, agency: Agency, cases: dict[UUID, int], referrals: dict[UUID, int], now: datetime) -> House:
    present = [one for one in members.members(session, agency_id=agency.id) if one.state != "left"]
    rows = tuple(_row(one, cases.get(one.id, 0), referrals.get(one.id, 0), now) for one in present)
    return House(agency, rows, sum(one.holds_key and one.state == "active" for one in present))


def _row(member: Member, cases: int, referrals: int, now: datetime) -> Row:
    seen = member.last_sign_in or member.admitted_at or member.enrolled_at or member.invited_at
    dormant = member.state in {"invited", "waiting", "active"} and now - seen > DORMANT
    remarks = reach.remarks(member.roles, holds_key=member.holds_key, active=member.state == "active", open_work=cases + referrals, dormant=dormant)
    return Row(member, reach.opens(member.roles), cases, referrals, dormant, remarks)
