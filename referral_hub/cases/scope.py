"""Who may see which case: the same answer in SQL (`visible_to`) as the policy gives row by row, and the beat *find in scope*."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    UUID,
    ColumnElement,
    SQLColumnExpression,
    Text,
    and_,
    bindparam,
    column,
    exists,
    false,
    func,
    literal,
    select,
    table,
    true,
)
from sqlalchemy.orm import aliased

from referral_hub import access, errors
from referral_hub.access import Target
from referral_hub.cases.facts import Case
from referral_hub.cases.records import AliasRow, CaseMemberRow, CaseRow, ConflictRow
from referral_hub.db.fixed import Fixed
from referral_hub.vault.hub import HubSecret

if TYPE_CHECKING:
    import uuid

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.vault.hub import HubKeys

_MEMBER = table("member", column("id", UUID(as_uuid=True)), column("code", Text))  # of the accounts room, named as foreign keys name it
MOST = 50  # lines of one page
SUPERVISING = frozenset({"approve", "grant", "assign"})  # abilities that reach unassigned cases of the own agency (policies/)


@dataclass(frozen=True)
class Found:
    """A case of the actor's agency, locked as asked, with what the policy needs to know.

    `row` is live where it was locked for an act, which changes it; else it is a value with the same names.
    """

    row: CaseRow
    case: Case
    target: Target

    @property
    def basis(self) -> str:
        """Return the relationship that the log entry names."""
        return "assigned" if self.target.assigned else "supervisor"

    @property
    def facts(self) -> dict[str, Any]:
        """Return the facts that every entry about this case carries; the case id is none of them."""
        subject = self.case.subject
        return {
            "object_kind": "case",
            "object_id": subject,
            "subjects": (subject,),
            "subject_flags": self.case.flags,
            "basis": self.basis,
            "purpose": "case_coordination" if self.target.assigned else "supervision",
        }


def conflict_token(hub: HubKeys, member_id: uuid.UUID) -> bytes:
    """Return the keyed token of a member of any agency: who steals the table learns nobody's name from it (clear_metadata.yaml, hub_locked)."""
    return hub.token(HubSecret.CONFLICT, "member", member_id)


def visible_to(actor: Actor, *, hub: HubKeys, case_id: SQLColumnExpression[uuid.UUID]) -> ColumnElement[bool]:
    """Return the SQL condition "this case lies within the actor's scope" for a column that holds a case id.

    In: any case id column, of this room's tables or of a table that refers to them. Same agency, assigned or supervising, not on the conflict list.
    """
    if actor.member_id is None or actor.agency_id is None:
        return false()
    file = aliased(CaseRow)  # the column may be the case's own
    own = exists().where(file.id == case_id, file.agency_id == actor.agency_id)
    assigned = exists().where(CaseMemberRow.case_id == case_id, CaseMemberRow.member_id == actor.member_id)
    reach = true() if access.abilities(actor.roles) & SUPERVISING else assigned
    return and_(own, reach, no_conflict(hub=hub, member_id=actor.member_id, case_id=case_id))


def no_conflict(*, hub: HubKeys, member_id: uuid.UUID, case_id: SQLColumnExpression[uuid.UUID]) -> ColumnElement[bool]:
    """Return the SQL condition "this member does not stand on the case's conflict list"; for members of any agency."""
    return free_of(literal(conflict_token(hub, member_id)), case_id=case_id)


def free_of(token: ColumnElement[bytes], *, case_id: SQLColumnExpression[uuid.UUID]) -> ColumnElement[bool]:
    """Return the SQL condition "whose `token` this is does not stand on the case's conflict list"."""
    return ~exists().where(ConflictRow.case_id == case_id, ConflictRow.token == token)


def find(
    session: Session, *, hub: HubKeys, actor: Actor, case_id: uuid.UUID, lock: str = "", sections: frozenset[str] = frozenset()
) -> Found:
    """Return the case if it belongs to the actor's agency. Whether the actor may do anything with it is the policy's to say.

    `lock`: "" none, "share" for openings, "update" for acts. The facts are read after the lock, so that a revocation that commits first counts.

    Raises:
        errors.NotFound: no such case at this agency.
    """
    if lock == "update":
        query = select(CaseRow).where(CaseRow.id == case_id, CaseRow.agency_id == actor.agency_id).with_for_update()
        row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    else:
        row = _READ[lock].one_or_none(session, case=case_id, agency=actor.agency_id)
    if row is None or actor.member_id is None:
        raise errors.NotFound
    return _facts_of(session, row, hub=hub, member_id=actor.member_id, sections=sections)


def _facts_of(session: Session, row: CaseRow, *, hub: HubKeys, member_id: uuid.UUID, sections: frozenset[str]) -> Found:
    [found] = _FACTS.all(session, case=row.id, agency=row.agency_id, token=conflict_token(hub, member_id))
    case = snapshot(row, subject=found.id, alias=found.code, members=found.members or ())
    return Found(row, case, target_of(case, member_id=member_id, conflict=not found.free, sections=sections))


_FACTS = Fixed(
    select(
        AliasRow.id,
        AliasRow.code,
        select(func.array_agg(CaseMemberRow.member_id)).where(CaseMemberRow.case_id == bindparam("case")).scalar_subquery().label("members"),
        free_of(bindparam("token"), case_id=AliasRow.case_id).label("free"),
    ).where(AliasRow.case_id == bindparam("case"), AliasRow.agency_id == bindparam("agency"))
)
_SEEN = select(*CaseRow.__table__.c).where(CaseRow.id == bindparam("case"), CaseRow.agency_id == bindparam("agency"))
_READ = {"": Fixed(_SEEN), "share": Fixed(_SEEN.with_for_update(read=True))}


def lines(actor: Actor, *, hub: HubKeys) -> Select[CaseRow, uuid.UUID, str, list[uuid.UUID] | None]:
    """Return the select of the files within the actor's scope, in no order yet: row, id and code of the alias, who is assigned."""
    members = (
        select(func.array_agg(CaseMemberRow.member_id)).where(CaseMemberRow.case_id == CaseRow.id).correlate(CaseRow).scalar_subquery()
    )
    return (
        select(CaseRow, AliasRow.id, AliasRow.code, members)
        .join(AliasRow, (AliasRow.case_id == CaseRow.id) & (AliasRow.agency_id == CaseRow.agency_id))
        .where(CaseRow.agency_id == actor.agency_id, visible_to(actor, hub=hub, case_id=CaseRow.id))
    )


def snapshot(row: CaseRow, *, subject: uuid.UUID, alias: str, members: list[uuid.UUID] | tuple[()]) -> Case:
    """Return the row as a value, with its alias at the owning agency and who is assigned."""
    return Case(
        id=row.id,
        agency_id=row.agency_id,
        stage=row.stage,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        last_activity=row.last_activity,
        minor=row.minor,
        protected=row.protected,
        second_person_needed=row.second_person_needed,
        retention_until=row.retention_until,
        companion_id=row.companion_id,
        version=row.version,
        alias=alias,
        subject=subject,
        members=tuple(sorted(members)),
    )


def target_of(case: Case, *, member_id: uuid.UUID, conflict: bool, sections: frozenset[str] = frozenset()) -> Target:
    """Return the policy's facts of a case of the member's own agency."""
    return Target(
        kind="case",
        side="own",
        assigned=member_id in case.members,
        handled=member_id in case.members,
        state=case.stage,
        grant="own",
        consent="not_needed",
        conflict=conflict,
        blocked=False,
        minor=case.minor,
        protected=case.protected,
        agency_active=True,
        same_agency=True,
        is_self=False,
        invited_by_actor=False,
        sections=sections,
        service="",
    )


def with_self(target: Target) -> Target:
    """Return the facts of an act that concerns the actor's own person: the member declares the own conflict."""
    return replace(target, is_self=True)


def member_code(session: Session, member_id: uuid.UUID | None) -> str:
    """Return the code that colleagues know a member by (PS-02), empty where there is none: for "somebody else was faster"."""
    return session.scalar(select(_MEMBER.c.code).where(_MEMBER.c.id == member_id)) or ""
