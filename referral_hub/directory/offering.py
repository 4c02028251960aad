"""What an agency offers and who is on duty: services, capacity, units, duty posts. Part of the room's actions."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.db import uuid7
from referral_hub.directory import checks
from referral_hub.directory.acts import begin
from referral_hub.directory.facts import NewService
from referral_hub.directory.records import AgencyRow, DutyRow, ServiceRow, UnitRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.directory.facts import Agency

CHANGEABLE = frozenset({"hours", "closed", "sex", "age_min", "age_max", "bring", "note"})


def add_service(
    session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency_id: uuid.UUID, version: int, service: NewService
) -> Agency:
    """Add a service to an agency. `agency.change`.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.InputInvalid: field → codes (`code`: taken).
    """
    act = begin(session, actor=actor, verb=Verb.AGENCY_CHANGE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    checks.service(service, kind=act.row.kind, disclosure=act.row.disclosure)
    if _service(session, agency_id, service.code) is not None:
        raise errors.InputInvalid({"code": ("taken",)})
    session.add(service_row(act.row, service, now=now))
    return act.done()


def change_service(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    request_id: str = "",
    agency_id: uuid.UUID,
    version: int,
    service: str,
    changes: Mapping[str, Any],
) -> Agency:
    """Change a service (names of `NewService` but code and capacity, which has an act of its own). `agency.change`.

    Raises:
        errors.NotFound: no such agency or service; errors.NotAllowed, StaleVersion; errors.InputInvalid: field → codes.
    """
    act = begin(session, actor=actor, verb=Verb.AGENCY_CHANGE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    row = _existing_service(session, agency_id, service)
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise errors.InputInvalid(dict.fromkeys(sorted(unknown), ("unknown_field",)))
    changed = replace(_as_entered(row), **changes)
    checks.service(changed, kind=act.row.kind, disclosure=act.row.disclosure)
    for name in changes:
        value = getattr(changed, name)
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    row.hours = row.hours or act.row.hours
    return act.done()


def remove_service(
    session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency_id: uuid.UUID, version: int, service: str
) -> Agency:
    """Take a service out of the directory. `agency.change`. Errors as `change_service`."""
    act = begin(session, actor=actor, verb=Verb.AGENCY_CHANGE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    session.delete(_existing_service(session, agency_id, service))
    return act.done()


def set_capacity(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    request_id: str = "",
    agency_id: uuid.UUID,
    service: str,
    status: str,
    slots: int | None = None,
) -> Agency:
    """Say how much room a service has, as of now. `directory.capacity`.

    Raises:
        errors.NotFound: no such agency or service; errors.NotAllowed; errors.InputInvalid: `capacity`, `slots`.
    """
    act = begin(session, actor=actor, verb=Verb.DIRECTORY_CAPACITY, agency_id=agency_id, version=None, now=now, request_id=request_id)
    row = _existing_service(session, agency_id, service)
    checks.service(replace(_as_entered(row), capacity=status, slots=slots), kind=act.row.kind, disclosure=act.row.disclosure)
    row.capacity, row.slots, row.capacity_as_of = status, slots, now
    return act.done()


def add_unit(
    session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency_id: uuid.UUID, version: int, code: str, name: str
) -> Agency:
    """Add a unit with an inbox of its own. `agency.change`.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.InputInvalid: field → codes (`code`: taken).
    """
    act = begin(session, actor=actor, verb=Verb.AGENCY_CHANGE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    checks.unit(code=code, name=name)
    if _unit(session, agency_id, code) is not None:
        raise errors.InputInvalid({"code": ("taken",)})
    session.add(UnitRow(id=uuid7(now), agency_id=agency_id, code=code, name=name, on_duty=False, active=True))
    return act.done()


def change_unit(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    request_id: str = "",
    agency_id: uuid.UUID,
    version: int,
    code: str,
    name: str,
    on_duty: bool,
    active: bool,
) -> Agency:
    """Rename a unit, put it on duty (then no other is), or close it; a closed unit is not on duty. `agency.change`.

    Raises:
        errors.NotFound: no such agency or unit; errors.NotAllowed, StaleVersion, InputInvalid.
    """
    act = begin(session, actor=actor, verb=Verb.AGENCY_CHANGE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    checks.unit(code=code, name=name)
    row = _unit(session, agency_id, code)
    if row is None:
        raise errors.NotFound
    if on_duty and active:
        session.execute(update(UnitRow).where(UnitRow.agency_id == agency_id, UnitRow.id != row.id).values(on_duty=False))
    row.name, row.on_duty, row.active = name, on_duty and active, active
    return act.done()


def name_duty(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    request_id: str = "",
    agency_id: uuid.UUID,
    version: int,
    post: str,
    member_ids: Collection[uuid.UUID],
) -> Agency:
    """Name the members who hold a duty post, instead of those before. That they are members of the agency is the caller's to know. `agency.change`.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.InputInvalid: `post`.
    """
    act = begin(session, actor=actor, verb=Verb.AGENCY_CHANGE, agency_id=agency_id, version=version, now=now, request_id=request_id)
    checks.post(post)
    session.execute(delete(DutyRow).where(DutyRow.agency_id == agency_id, DutyRow.post == post))
    session.add_all(DutyRow(agency_id=agency_id, post=post, member_id=member) for member in set(member_ids))
    return act.done()


def _service(session: Session, agency_id: uuid.UUID, code: str) -> ServiceRow | None:
    return session.scalars(select(ServiceRow).where(ServiceRow.agency_id == agency_id, ServiceRow.code == code)).one_or_none()


def _existing_service(session: Session, agency_id: uuid.UUID, code: str) -> ServiceRow:
    row = _service(session, agency_id, code)
    if row is None:
        raise errors.NotFound
    return row


def _unit(session: Session, agency_id: uuid.UUID, code: str) -> UnitRow | None:
    return session.scalars(select(UnitRow).where(UnitRow.agency_id == agency_id, UnitRow.code == code)).one_or_none()


def service_row(agency: AgencyRow, new: NewService, *, now: datetime) -> ServiceRow:
    """Return the row of a new service of `agency`, whose hours it takes when it has none of its own."""
    values = asdict(new) | {"hours": new.hours or agency.hours, "sex": list(new.sex), "bring": list(new.bring)}
    return ServiceRow(id=uuid7(now), agency_id=agency.id, **values)


def _as_entered(row: ServiceRow) -> NewService:
    return NewService(
        code=row.code, hours=row.hours, capacity=row.capacity, slots=row.slots, capacity_as_of=row.capacity_as_of, sex=tuple(row.sex),
        age_min=row.age_min, age_max=row.age_max, bring=tuple(row.bring), note=row.note, closed=row.closed,
    )  # fmt: skip
