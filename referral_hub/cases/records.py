"""Tables of this room, in clear metadata (clear_metadata.yaml, "case" and "alias"). Content is sealed in the vault."""

from __future__ import annotations

import uuid  # noqa: TC003 - SQLAlchemy reads the annotations
from datetime import date, datetime  # noqa: TC003 - SQLAlchemy reads the annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from referral_hub.db import Base


class CaseRow(Base):
    """One survivor's file at one agency."""

    __tablename__ = "case_file"
    __table_args__ = (
        Index("ix_case_file_agency_id_last_activity_id", "agency_id", "last_activity", "id"),
        Index("ix_case_file_retention_until", "retention_until"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    stage: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    last_activity: Mapped[date]
    minor: Mapped[bool]
    protected: Mapped[bool]
    second_person_needed: Mapped[bool]
    retention_until: Mapped[date]
    companion_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    version: Mapped[int]


class CaseMemberRow(Base):
    """A member assigned to a case; assignment decides access."""

    __tablename__ = "case_member"

    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)


class AliasRow(Base):
    """One survivor as one agency knows her: a random id (the subject of that agency's log entries) and the code people say."""

    __tablename__ = "alias"
    __table_args__ = (UniqueConstraint("case_id", "agency_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id"))
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    code: Mapped[str] = mapped_column(unique=True)


class ConflictRow(Base):
    """Somebody who must never meet this case: the keyed token of a member of any agency, never the member."""

    __tablename__ = "conflict"

    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    token: Mapped[bytes] = mapped_column(primary_key=True)


class CopyRow(Base):
    """A section that was copied into a file from a referral: which sending it came from. The row's id names the sealed copy in the vault."""

    __tablename__ = "case_copy"
    __table_args__ = (UniqueConstraint("case_id", "referral_id", "section"), Index("ix_case_copy_referral_id", "referral_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id"))
    referral_id: Mapped[uuid.UUID]
    section: Mapped[str]
    revision: Mapped[int]


class TokenRow(Base):
    """A search token of a file: of what, only the agency's key and the hub's secret together tell."""

    __tablename__ = "case_index"
    __table_args__ = (Index("ix_case_index_token", "token"),)

    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    token: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class StatRow(Base):
    """A statistical record, locked under the hub's key: a random id that only the sealed file knows, and no time."""

    __tablename__ = "stat_record"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    locked: Mapped[bytes]
