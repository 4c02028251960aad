"""Reads of the directory. Only `search` and `reveal_contact` leave an entry: the others serve acts that leave their own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from referral_hub import access, audit, errors
from referral_hub.access import Verb, outside_cases
from referral_hub.db.fixed import Fixed
from referral_hub.directory import rules, tiers
from referral_hub.directory.facts import Found, Offer, Revealed, Search, Viewer
from referral_hub.directory.records import AgencyRow, DutyRow, ServiceRow, UnitRow
from referral_hub.directory.rows import WIDTH, agency_of, columns, service_of, table, unit_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.directory.facts import Agency, Contact, Need, Service, Unit

__all__ = [
    "agencies", "agency", "agency_of", "columns", "contact", "duty", "find", "names", "on_duty_unit", "recipient", "reveal_contact", "search", "service",
    "services", "table", "units",
]  # fmt: skip


def agency(session: Session, key: uuid.UUID | str) -> Agency:
    """Return the agency with this id or code. Raises errors.NotFound."""
    row = (_BY_ID if isinstance(key, uuid.UUID) else _BY_CODE).one_or_none(session, key=key)
    if row is None:
        raise errors.NotFound
    return agency_of(row)


_BY_ID = Fixed(select(*columns()).where(AgencyRow.id == bindparam("key")))
_BY_CODE = Fixed(select(*columns()).where(AgencyRow.code == bindparam("key")))


def agencies(
    session: Session, *, ids: Collection[uuid.UUID] | None = None, kind: str | None = None, state: str | None = None
) -> tuple[Agency, ...]:
    """Return agencies by name, all or those of `ids`, `kind`, `state`."""
    query = select(*columns()).order_by(AgencyRow.name, AgencyRow.id)
    if ids is not None:
        query = query.where(AgencyRow.id.in_(ids))
    if kind is not None:
        query = query.where(AgencyRow.kind == kind)
    if state is not None:
        query = query.where(AgencyRow.state == state)
    return tuple(agency_of(row) for row in session.execute(query))


def names(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of these agencies by id; an unknown id is left out, and nobody is asked for none."""
    if not ids:
        return {}
    rows = session.execute(select(AgencyRow.id, AgencyRow.name).where(AgencyRow.id.in_(ids)))
    return {row.id: row.name for row in rows}


def services(session: Session, agency_id: uuid.UUID) -> tuple[Service, ...]:
    """Return what the agency offers, by code."""
    rows = session.scalars(select(ServiceRow).where(ServiceRow.agency_id == agency_id).order_by(ServiceRow.code))
    return tuple(map(service_of, rows))


def service(session: Session, *, agency_id: uuid.UUID, code: str) -> Service:
    """Return one service of the agency. Raises errors.NotFound."""
    row = session.scalars(select(ServiceRow).where(ServiceRow.agency_id == agency_id, ServiceRow.code == code)).one_or_none()
    if row is None:
        raise errors.NotFound
    return service_of(row)


def units(session: Session, agency_id: uuid.UUID) -> tuple[Unit, ...]:
    """Return the agency's units by name, closed ones too."""
    rows = session.scalars(select(UnitRow).where(UnitRow.agency_id == agency_id).order_by(UnitRow.name, UnitRow.id))
    return tuple(map(unit_of, rows))


def on_duty_unit(session: Session, agency_id: uuid.UUID) -> Unit | None:
    """Return the unit on duty, if one is."""
    return next((unit for unit in units(session, agency_id) if unit.on_duty), None)


def duty(session: Session, agency_id: uuid.UUID) -> dict[str, tuple[uuid.UUID, ...]]:
    """Return duty post → ids of the members who hold it."""
    rows = session.execute(
        select(DutyRow.post, DutyRow.member_id).where(DutyRow.agency_id == agency_id).order_by(DutyRow.post, DutyRow.member_id)
    )
    held: dict[str, tuple[uuid.UUID, ...]] = {}
    for row in rows:
        held[row.post] = (*held.get(row.post, ()), row.member_id)
    return held


def recipient(session: Session, *, agency_id: uuid.UUID, service: str) -> Offer:
    """Return the offer that a referral would go to.

    Raises:
        errors.NotFound: no such agency. errors.RuleBroken: guard_failed (it cannot receive; fact `guard`), service_not_allowed (not offered, or closed).
    """
    found = agency(session, agency_id)
    if not rules.can_receive(found):
        raise errors.RuleBroken("guard_failed", guard="agency_active")
    offered = next((one for one in services(session, agency_id) if one.code == service), None)
    if offered is None or offered.closed:
        raise errors.RuleBroken("service_not_allowed")
    return Offer(found, offered)


def contact(session: Session, *, viewer: Viewer, agency_id: uuid.UUID) -> Contact:
    """Return e-mail and phone of an agency as far as `viewer` sees them. Raises errors.NotFound."""
    found = agency(session, agency_id)
    row = session.execute(select(AgencyRow.email, AgencyRow.phone).where(AgencyRow.id == agency_id)).one()
    return tiers.contact(viewer, found, email=row.email, phone=row.phone)


def find(session: Session, need: Need, *, now: datetime, viewer: Viewer) -> tuple[Found, ...]:
    """Return the offers of active agencies in the order of PAGES 3.9: fits and open, fits and closed, outside the area, does not fit.

    Only service, kind, call by day and night and `leave_out` narrow the list; whoever does not fit the rest stays listed with the reason.
    """
    query = _offers(need).order_by(AgencyRow.name, ServiceRow.code)
    cards = []
    for row in session.execute(query):
        offer = Offer(agency_of(row), service_of(row[WIDTH]))
        if rules.can_receive(offer.agency):
            shown = tiers.contact(viewer, offer.agency, email=row[WIDTH + 1], phone=row[WIDTH + 2])
            cards.append(_card(offer, shown, need, now=now))
    return tuple(sorted(cards, key=rules.order))


def search(
    session: Session, *, actor: Actor, now: datetime, need: Need, request_id: str = "", after: str | None = None, limit: int | None = None
) -> Search:
    """Return one page of what `find` finds for a member; one entry a page, `directory.find`, that carries the number of hits.

    `after` is the `next` of the page before.

    Raises:
        errors.NotAllowed: a role that prepares no referrals.
    """
    decision = access.require(actor, Verb.DIRECTORY_FIND, outside_cases("list", same_agency=True))
    found = find(session, need, now=now, viewer=Viewer(actor.agency_id, actor.agency_kind or None))
    shown, more = rules.page_of(found, after=after, limit=limit)
    entry = audit.entry_for(
        actor, Verb.DIRECTORY_FIND, now=now, decision=decision, object_kind="agency", hits=len(found), request_id=request_id
    )
    return Search(shown, len(found), more, audit.record(session, entry))


def reveal_contact(
    session: Session, *, actor: Actor, now: datetime, request_id: str = "", agency_id: uuid.UUID, accepted_referral: bool
) -> Revealed:
    """Return the restricted contact of an agency; `accepted_referral`: the actor is assigned to a referral that it accepted. `directory.reveal_contact`.

    Raises:
        errors.NotFound: no such agency. errors.NotAllowed: no such referral, or no such ability.
    """
    found = agency(session, agency_id)
    own = found.id == actor.agency_id
    target = outside_cases("agency", same_agency=own, assigned=accepted_referral, agency_active=found.active, state=found.state)
    decision = access.require(actor, Verb.DIRECTORY_REVEAL_CONTACT, target)
    viewer = Viewer(actor.agency_id, actor.agency_kind or None, accepted_referral=accepted_referral)
    entry = audit.entry_for(
        actor, Verb.DIRECTORY_REVEAL_CONTACT, now=now, decision=decision, object_kind="agency", object_id=found.id, request_id=request_id
    )
    return Revealed(contact(session, viewer=viewer, agency_id=agency_id), audit.record(session, entry))


def _offers(need: Need) -> Select[Any]:
    query = select(*columns(), ServiceRow, AgencyRow.email, AgencyRow.phone).join(ServiceRow, ServiceRow.agency_id == AgencyRow.id)
    query = query.where(AgencyRow.state == "active", AgencyRow.id.not_in(list(need.leave_out)))
    if need.services:
        query = query.where(ServiceRow.code.in_(need.services))
    if need.kind is not None:
        query = query.where(AgencyRow.kind == need.kind)
    if need.on_call:
        query = query.where(AgencyRow.on_call_24h)
    return query


def _card(offer: Offer, shown: Contact, need: Need, *, now: datetime) -> Found:
    open_now = rules.is_open(offer.agency, offer.service.hours, now)
    misfits = rules.misfits(offer.agency, offer.service, need, open_now=open_now)
    in_area = need.region is None or rules.covers(offer.agency.coverage, need.region)
    return Found(
        agency=offer.agency,
        service=offer.service,
        open_now=open_now,
        opens_at=rules.opens_at(offer.agency, offer.service.hours, now),
        capacity=rules.capacity_shown(offer.service, now),
        region_shown=rules.region_shown(offer.agency),
        in_area=in_area,
        blocked=offer.agency.id in need.blocked,
        misfits=misfits,
        standing=rules.standing(misfit=bool(misfits), in_area=in_area, open_now=open_now),
        contact=shown,
    )
