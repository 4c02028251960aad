"""Verbs on agencies. Each: find and lock · decide · rule · change · one entry. The caller's transaction commits."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from referral_hub import access, errors, protocol
from referral_hub.access import Verb, outside_cases
from referral_hub.db import uuid7
from referral_hub.directory import checks
from referral_hub.directory.acts import Act, begin
from referral_hub.directory.offering import (
    add_service,
    add_unit,
    change_service,
    change_unit,
    name_duty,
    remove_service,
    service_row,
    set_capacity,
)
from referral_hub.directory.records import AgencyRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.directory.facts import Agency, NewAgency, NewService

__all__ = [
    "activate", "add_service", "add_unit", "change_agency", "change_service", "change_unit", "create_agency", "disable", "name_duty", "remove_service",
    "set_capacity", "verify",
]  # fmt: skip


def create_agency(
    session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency: NewAgency, services: Sequence[NewService] = ()
) -> Agency:
    """Register an agency with its services. `agency.create`, by operator or network administrator.

    It begins as founding; a kind without case data has no key to found and is active at once.

    Raises:
        errors.NotAllowed; errors.InputInvalid: field → codes (`code`: taken).
    """
    decision = access.require(actor, Verb.AGENCY_CREATE, outside_cases("agency", same_agency=False, agency_active=False))
    values = {name: _stored(value) for name, value in asdict(agency).items()}
    values["disclosure"] = agency.disclosure or ("shelter" if agency.kind == "shelter" else "default")
    checks.agency(values)
    if session.scalar(select(AgencyRow.id).where(AgencyRow.code == agency.code)) is not None:
        raise errors.InputInvalid({"code": ("taken",)})
    state = "founding" if protocol.current().kind(agency.kind).case_data else "active"
    row = AgencyRow(id=uuid7(now), state=state, created_at=now, version=1, **values)
    session.add(row)
    session.flush()
    for new in services:
        checks.service(new, kind=agency.kind, disclosure=row.disclosure)
        session.add(service_row(row, new, now=now))
    return Act(session, row, actor, Verb.AGENCY_CREATE, decision, now, request_id).recorded()


def _stored(value: Any) -> Any:
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return value


def change_agency(
    session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency_id: uuid.UUID, version: int, changes: Mapping[str, Any]
) -> Agency:
    """Change facts of an agency (names of `checks.AGENCY_FIELDS` but code and kind). `agency.change`.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.InputInvalid: field → codes (`unknown_field`).
    """
    act = begin(session, actor=actor, verb=Verb.AGENCY_CHANGE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    unknown = set(changes) - (set(checks.AGENCY_FIELDS) - {"code", "kind"})
    if unknown:
        raise errors.InputInvalid(dict.fromkeys(sorted(unknown), ("unknown_field",)))
    stored = {name: _stored(value) for name, value in changes.items()}
    checks.agency({name: getattr(act.row, name) for name in checks.AGENCY_FIELDS} | stored)
    for name, value in stored.items():
        setattr(act.row, name, value)
    return act.done()


def verify(session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency_id: uuid.UUID) -> Agency:
    """Say that the agency's facts were looked at and hold. `directory.verify`. Raises errors.NotFound, NotAllowed."""
    act = begin(session, actor=actor, verb=Verb.DIRECTORY_VERIFY, agency_id=agency_id, version=None, now=now, request_id=request_id)
    act.row.verified_at, act.row.verified_by = now, actor.member_id
    return act.done()


def activate(
    session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency_id: uuid.UUID, version: int | None = None
) -> Agency:
    """Let a founding agency take part. Whether its checklist is done is the accounts room's to know, which calls this. `agency.activate`.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.RuleBroken: wrong_state.
    """
    act = begin(session, actor=actor, verb=Verb.AGENCY_ACTIVATE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    if act.row.state != "founding":
        raise errors.RuleBroken("wrong_state")
    act.row.state = "active"
    return act.done()


def disable(session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency_id: uuid.UUID, version: int) -> Agency:
    """End an agency's part in the network: from now on nothing is sent to it. `agency.disable`. Errors as `activate`."""
    act = begin(session, actor=actor, verb=Verb.AGENCY_DISABLE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    if act.row.state == "disabled":
        raise errors.RuleBroken("wrong_state")
    act.row.state = "disabled"
    return act.done()
