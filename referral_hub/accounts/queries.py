"""Reads of members. None leaves an entry: account and administration pages show no case (DECISIONS 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from referral_hub import errors, protocol
from referral_hub.accounts.records import FoundingRow, MemberRow, RecoveryRow
from referral_hub.accounts.rules import activation
from referral_hub.accounts.rules import roles as role_rules
from referral_hub.accounts.shares import holds_key
from referral_hub.accounts.snapshots import MEMBER_COLUMNS, member_of
from referral_hub.accounts.values import Checklist, Person, Print, State
from referral_hub.directory import queries as agencies
from referral_hub.vault import agency as agency_keys
from referral_hub.vault.hub import Use

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from typing import Any

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from referral_hub.accounts.values import Member
    from referral_hub.vault.hub import HubKeys


def member(session: Session, *, member_id: uuid.UUID) -> Member:
    """Return the member with this id; raises errors.NotFound."""
    return _one(session, _members().where(MemberRow.id == member_id))


def member_by_code(session: Session, *, agency_id: uuid.UUID, code: str) -> Member:
    """Return the member of an agency by code, such as PS-02; raises errors.NotFound."""
    return _one(session, _members().where(MemberRow.agency_id == agency_id, MemberRow.code == code))


def members(session: Session, *, agency_id: uuid.UUID) -> tuple[Member, ...]:
    """Return all members of an agency by code, those who left too."""
    return _all(session, _members().where(MemberRow.agency_id == agency_id))


def may_handle(session: Session, *, agency_id: uuid.UUID) -> tuple[Member, ...]:
    """Return the colleagues who can be the handler of a referral: active, holding the key, in a role that accepts or keeps going."""
    return tuple(m for m in key_holders(session, agency_id=agency_id) if role_rules.may_handle(m.roles))


def key_holders(session: Session, *, agency_id: uuid.UUID) -> tuple[Member, ...]:
    """Return the active members with a share of the agency's current key."""
    query = _members().where(MemberRow.agency_id == agency_id, MemberRow.state == State.ACTIVE)
    return tuple(m for m in _all(session, query) if m.holds_key)


def to_admit(session: Session, *, agency_id: uuid.UUID) -> tuple[Member, ...]:
    """Return the enrolled members of key roles who have no share yet: a holder admits them."""
    query = _members().where(MemberRow.agency_id == agency_id, MemberRow.state.in_((State.WAITING, State.ACTIVE)))
    return tuple(m for m in _all(session, query) if role_rules.holds_key(m.roles) and not m.holds_key)


def codes(session: Session, *, member_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the codes of members by id, for duty posts and histories; an unknown id is left out."""
    if not member_ids:
        return {}
    rows = session.execute(select(MemberRow.id, MemberRow.code).where(MemberRow.id.in_(member_ids)))
    return {row.id: row.code for row in rows}


def persons(session: Session, *, hub: HubKeys, member_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """Return names and contacts of members by id, unlocked by the hub: for pages of their own agency."""
    columns = (MemberRow.id, MemberRow.name_locked, MemberRow.mail_locked, MemberRow.phone_locked)
    rows = session.execute(select(*columns).where(MemberRow.id.in_(member_ids)))
    return {row.id: _person(hub, row) for row in rows}


def _person(hub: HubKeys, row: Any) -> Person:
    def unlocked(locked: bytes | None, what: str) -> str | None:
        return None if locked is None else hub.unlock(Use.NAMES, locked, "member", row.id, what).decode()

    name = unlocked(row.name_locked, "name") or ""
    return Person(row.id, name, unlocked(row.mail_locked, "mail"), unlocked(row.phone_locked, "phone"))


def latest_print(session: Session, *, agency_id: uuid.UUID) -> Print | None:
    """Return when the agency's present recovery code was made, by whom, and whether its end was typed back; None before founding."""
    query = select(RecoveryRow).where(RecoveryRow.agency_id == agency_id).order_by(RecoveryRow.epoch.desc()).limit(1)
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    return None if row is None else Print(row.epoch, row.made_by, row.made_at, row.confirmed_at)


def rotation_due(session: Session, *, agency_id: uuid.UUID) -> bool:
    """Whether a holder lost the key since the present epoch was made; the next holder's page renews it."""
    made_at = select(func.max(RecoveryRow.made_at)).where(RecoveryRow.agency_id == agency_id).scalar_subquery()
    lost = select(MemberRow.id).where(MemberRow.agency_id == agency_id, MemberRow.key_lost_at > made_at).limit(1)
    return session.scalar(lost) is not None


def checklist(session: Session, *, hub: HubKeys, agency_id: uuid.UUID) -> Checklist:
    """Return what an agency still needs before it may receive (DECISIONS 6); raises errors.NotFound."""
    agency = agencies.agency(session, agency_id)
    receives = protocol.current().kind(agency.kind).case_data
    holders = len(key_holders(session, agency_id=agency.id))
    printed = latest_print(session, agency_id=agency.id)
    confirmed = session.scalars(select(FoundingRow.role).where(FoundingRow.agency_id == agency.id)).all()
    items = activation.checklist(
        receives_cases=receives,
        holders=holders,
        recovery_printed=printed is not None and printed.confirmed_at is not None,
        dpo_named=_has_dpo(session, agency.id),
        confirmed_by=confirmed,
    )
    fingerprint = agency_keys.founding_fingerprint(session, hub=hub, agency_id=agency.id) if printed else None
    return Checklist(agency.id, items, fingerprint, holders)


def _has_dpo(session: Session, agency_id: uuid.UUID) -> bool:
    query = select(MemberRow.id).where(MemberRow.agency_id == agency_id, MemberRow.state.in_((State.ACTIVE, State.WAITING)))
    return session.scalar(query.where(MemberRow.roles.contains([role_rules.DPO])).limit(1)) is not None


def _members() -> Select[Any]:
    return select(*MEMBER_COLUMNS, holds_key(MemberRow.agency_id, MemberRow.id).label("holds_key")).order_by(MemberRow.code)


def _one(session: Session, query: Select[Any]) -> Member:
    row = session.execute(query).one_or_none()
    if row is None:
        raise errors.NotFound
    return member_of(row, holds_key=row.holds_key)


def _all(session: Session, query: Select[Any]) -> tuple[Member, ...]:
    return tuple(member_of(row, holds_key=row.holds_key) for row in session.execute(query))
