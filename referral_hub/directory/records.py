"""Tables of the directory. There is no column for an address: what must not be told is not stored."""

from __future__ import annotations

import uuid  # noqa: TC003 - SQLAlchemy reads the annotations
from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from referral_hub.db import Base


class AgencyRow(Base):
    """One agency of the network. `tiers` overrides the disclosure tier of single facts; `sectors` are the kinds that tier "sector" means."""

    __tablename__ = "agency"
    __table_args__ = (
        CheckConstraint("state IN ('founding', 'active', 'disabled')", name="state"),
        CheckConstraint("disclosure IN ('default', 'shelter')", name="disclosure"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    region: Mapped[str]
    coverage: Mapped[list[str]]
    timezone: Mapped[str]
    hours: Mapped[str]
    government: Mapped[bool]
    on_call_24h: Mapped[bool]
    languages: Mapped[list[str]]
    access: Mapped[list[str]]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    disclosure: Mapped[str]
    tiers: Mapped[dict[str, Any]]
    sectors: Mapped[list[str]]
    exit_url: Mapped[str | None]
    state: Mapped[str]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[uuid.UUID | None]  # a member; members live one floor up
    created_at: Mapped[datetime]
    version: Mapped[int]


class ServiceRow(Base):
    """A service that an agency offers, for whom, and how much room there is. `closed`: for the time being not to be chosen."""

    __tablename__ = "agency_service"
    __table_args__ = (UniqueConstraint("agency_id", "code"), Index("ix_agency_service_code", "code"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    code: Mapped[str]
    hours: Mapped[str]
    closed: Mapped[bool]
    capacity: Mapped[str]
    slots: Mapped[int | None]
    capacity_as_of: Mapped[datetime | None]
    sex: Mapped[list[str]]
    age_min: Mapped[int]
    age_max: Mapped[int | None]
    bring: Mapped[list[str]]
    note: Mapped[str]


class UnitRow(Base):
    """A unit with an inbox of its own. At most one unit of an agency is on duty."""

    __tablename__ = "agency_unit"
    __table_args__ = (
        UniqueConstraint("agency_id", "code"),
        Index("uq_agency_unit_on_duty", "agency_id", unique=True, postgresql_where="on_duty"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    code: Mapped[str]
    name: Mapped[str]
    on_duty: Mapped[bool]
    active: Mapped[bool]


class DutyRow(Base):
    """A member who holds a duty post (focal person, deputy, on call, head, data-protection officer)."""

    __tablename__ = "duty_post"

    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    post: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # members live one floor up
