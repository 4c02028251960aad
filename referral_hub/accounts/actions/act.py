"""What every act on a member shares: the row under its lock and in scope, the decision, the version, one entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from referral_hub import access, audit, errors
from referral_hub.accounts.snapshots import current, locked_member
from referral_hub.directory import queries as agencies

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision, Verb
    from referral_hub.accounts.records import MemberRow
    from referral_hub.accounts.values import Member
    from referral_hub.directory.facts import Agency


@dataclass(frozen=True)
class Act:
    """An act that was decided, on a member's locked row."""

    session: Session
    actor: Actor
    row: MemberRow
    agency: Agency
    verb: Verb
    decision: Decision
    now: datetime
    request_id: str

    def require_state(self, states: Collection[str]) -> None:
        """Refuse a member in another state.

        Raises:
            errors.RuleBroken: wrong_state (fact `state`).
        """
        if self.row.state not in states:
            raise errors.RuleBroken("wrong_state", state=self.row.state)

    def done(self, **facts: Any) -> Member:
        """Raise the row's version, record the entry, and return the member as it stands now."""
        self.row.version += 1
        self.session.flush()
        known = {"object_kind": "member", "object_id": self.row.id, "object_version": self.row.version, "request_id": self.request_id}
        entry = audit.entry_for(self.actor, self.verb, now=self.now, decision=self.decision, **(known | facts))
        audit.record(self.session, entry)
        return current(self.session, self.row)


def begin(
    session: Session,
    *,
    actor: Actor,
    verb: Verb,
    member_id: uuid.UUID,
    version: int | None,
    now: datetime,
    request_id: str,
    kind: str = "member",
) -> Act:
    """Lock a member of the actor's own agency, decide `verb` on it, and check the version that the form showed (None: not asked).

    Raises:
        errors.NotFound: no such member in the actor's agency. errors.NotAllowed: the policy refused. errors.StaleVersion.
    """
    row = locked_member(session, member_id)
    if row.agency_id != actor.agency_id:
        raise errors.NotFound
    agency = agencies.agency(session, row.agency_id)
    target = access.outside_cases(
        kind,
        same_agency=True,
        is_self=row.id == actor.member_id,
        invited_by_actor=row.invited_by is not None and row.invited_by == actor.member_id,
        agency_active=agency.active,
        state=row.state,
    )
    decision = access.require(actor, verb, target)
    if version is not None and version != row.version:
        raise errors.StaleVersion
    return Act(session, actor, row, agency, verb, decision, now, request_id)


def own(session: Session, *, actor: Actor, verb: Verb, kind: str, now: datetime, request_id: str) -> Act:
    """Begin an act of a member on his own row.

    Raises:
        errors.NotSignedIn: the actor is no member. Else like `begin`.
    """
    if actor.member_id is None:
        raise errors.NotSignedIn
    return begin(session, actor=actor, verb=verb, member_id=actor.member_id, version=None, now=now, request_id=request_id, kind=kind)
