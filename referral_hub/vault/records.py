"""Tables of the vault. Content, keys and secrets stand here only sealed or hub-locked (docs/formats.md)."""

from __future__ import annotations

import uuid  # noqa: TC003 - SQLAlchemy reads the annotations
from datetime import datetime  # noqa: TC003

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from referral_hub.db import Base


class HubStateRow(Base):
    """The one row that says which hub this database belongs to, and with which profile it was made."""

    __tablename__ = "hub_state"
    __table_args__ = (CheckConstraint("id = 1", name="only_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hub_id: Mapped[bytes]
    profile: Mapped[str]
    made_at: Mapped[datetime]


class HubSecretRow(Base):
    """A secret that tokens are made with, locked under the hub key."""

    __tablename__ = "hub_secret"

    name: Mapped[str] = mapped_column(primary_key=True)
    locked: Mapped[bytes]


class EpochRow(Base):
    """One epoch of an agency's keys: its public record, signed by the epoch before, and the sealed links."""

    __tablename__ = "agency_epoch"

    agency_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    public_key: Mapped[bytes]
    signing_public: Mapped[bytes]
    recovery_public: Mapped[bytes]
    previous_digest: Mapped[bytes]
    signature: Mapped[bytes]
    link: Mapped[bytes | None]
    recovery_share: Mapped[bytes | None]
    made_by: Mapped[uuid.UUID]
    made_at: Mapped[datetime]


class EpochShareRow(Base):
    """The epoch's private bundle, sealed to one holder."""

    __tablename__ = "epoch_share"
    __table_args__ = (Index("ix_epoch_share_member_id", "member_id"),)

    agency_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    given_by: Mapped[uuid.UUID]
    given_at: Mapped[datetime]


class GrantRow(Base):
    """What one agency may open of one object: the grant key, sealed to an epoch of the agency. Its shares name the parts."""

    __tablename__ = "sealed_grant"
    __table_args__ = (Index("ix_sealed_grant_object_id", "object_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    object_kind: Mapped[str]
    object_id: Mapped[uuid.UUID]
    agency_id: Mapped[uuid.UUID]
    epoch: Mapped[int]
    kind: Mapped[str]
    revision: Mapped[int]
    standing: Mapped[str]
    until: Mapped[datetime | None]
    key_wrap: Mapped[bytes]


class ReleaseRow(Base):
    """The second lock of a grant, under the hub key. Deleting the row destroys the grant."""

    __tablename__ = "release"

    grant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sealed_grant.id", ondelete="CASCADE"), primary_key=True)
    locked: Mapped[bytes]


class PartRow(Base):
    """One sealed revision of one part of an object. Never changed.

    The sealed value is `head` and `body` one after the other: the body is cut to a multiple of what PostgreSQL stores as one chunk out of
    line, so that four chunks fill a page and none is a small remainder (a fifth of the space).
    """

    __tablename__ = "sealed_part"

    object_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    object_kind: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agency_id: Mapped[uuid.UUID]
    epoch: Mapped[int]
    size_bucket: Mapped[int]
    author: Mapped[uuid.UUID]
    sealed_at: Mapped[datetime]
    head: Mapped[bytes]
    body: Mapped[bytes]


SHARES = Table(
    "sealed_share",
    Base.metadata,
    Column("grant_id", Uuid(), ForeignKey("sealed_grant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("part", Text(), nullable=False),
    Column("revision", Integer(), nullable=False),
    Column("wrapped", LargeBinary(), nullable=False),
)
"""The section keys of parts, each sealed for one grant (60 bytes). Without a primary key: the index has one short list a grant."""


class ManifestRow(Base):
    """What the sending agency signed for one sending."""

    __tablename__ = "manifest"

    object_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agency_id: Mapped[uuid.UUID]
    epoch: Mapped[int]
    body: Mapped[bytes]
    signature: Mapped[bytes]


class TombstoneRow(Base):
    """A grant that was destroyed, until its tombstone stands in the file outside the database."""

    __tablename__ = "tombstone_outbox"

    grant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    destroyed_at: Mapped[datetime]
