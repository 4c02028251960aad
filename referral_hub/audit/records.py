"""Tables of the access log.

`audit_entry.payload` holds the exact bytes that were hashed; its other columns are a projection which `fsck` rebuilds from them.
Nothing here is ever updated but the head and the counters, and nothing is deleted but log detail.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - SQLAlchemy reads the annotations
import uuid  # noqa: TC003 - SQLAlchemy reads the annotations

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.orm import Mapped, mapped_column

from referral_hub.db import Base


class AuditEntry(Base):
    """One access: its place, its leaf hash, the hashed bytes, and the projection that queries use."""

    __tablename__ = "audit_entry"

    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    leaf_hash: Mapped[bytes]
    payload: Mapped[bytes]
    occurred_at: Mapped[dt.datetime]
    actor_id: Mapped[uuid.UUID | None]
    actor_kind: Mapped[str]
    agency_id: Mapped[uuid.UUID | None]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[uuid.UUID | None]
    referral_id: Mapped[uuid.UUID | None]
    subjects: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(UUID(as_uuid=True)))
    basis: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str]
    recipient_agency: Mapped[uuid.UUID | None]
    manifest_digest: Mapped[bytes | None]

    __table_args__ = (
        CheckConstraint("idx >= 0", name="idx"),
        CheckConstraint("octet_length(leaf_hash) = 32", name="leaf_hash"),
        CheckConstraint("outcome IN ('allow', 'deny', 'error')", name="outcome"),
        Index("ix_audit_entry_occurred_at", "occurred_at"),
        Index("ix_audit_entry_actor", "actor_id", "idx", postgresql_where=text("actor_id IS NOT NULL")),
        Index("ix_audit_entry_agency", "agency_id", "idx", postgresql_where=text("agency_id IS NOT NULL")),
        Index("ix_audit_entry_action", "action", "idx"),
        Index("ix_audit_entry_object", "object_id", "idx", postgresql_where=text("object_id IS NOT NULL")),
        Index("ix_audit_entry_referral", "referral_id", "idx", postgresql_where=text("referral_id IS NOT NULL")),
        Index("ix_audit_entry_subjects", "subjects", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index("ix_audit_entry_refused", "outcome", "idx", postgresql_where=text("outcome <> 'allow'")),
        Index("ix_audit_entry_reason", "reason", "idx", postgresql_where=text("reason <> ''")),
        Index("ix_audit_entry_recipient", "recipient_agency", "idx", postgresql_where=text("recipient_agency IS NOT NULL")),
        Index(
            "ix_audit_entry_sending",
            "referral_id",
            "idx",
            postgresql_where=text("manifest_digest IS NOT NULL AND recipient_agency IS NOT NULL AND outcome = 'allow'"),
        ),
        # Of the saved questions (review): partial, so that they cost the other entries nothing.
        Index("ix_audit_entry_flagged", "idx", postgresql_where=text("position('\"subject_flags\"'::bytea in payload) > 0")),
        Index("ix_audit_entry_machine", "idx", postgresql_where=text("actor_kind <> 'member'")),
        Index(
            "ix_audit_entry_unexplained",
            "idx",
            postgresql_where=text(
                "basis IN ('', 'none') AND outcome = 'allow' AND subjects <> '{}' AND action NOT IN ('case.list', 'referral.list')"
            ),
        ),
    )


class AuditHead(Base):
    """The one row that says how large the tree is, and its frontier: the roots of its complete subtrees, largest first."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    origin: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    frontier: Mapped[bytes]

    __table_args__ = (CheckConstraint("id = 1", name="one_row"), CheckConstraint("size >= 0", name="size"))


class AuditTile(Base):
    """A full tile: 256 consecutive hashes of one level (C2SP tlog-tiles), with the root of the subtree that they span."""

    __tablename__ = "audit_tile"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes]
    root: Mapped[bytes]

    __table_args__ = (
        CheckConstraint("octet_length(hashes) = 8192", name="hashes"),
        CheckConstraint("octet_length(root) = 32", name="root"),
    )


class AuditCounter(Base):
    """How many entries a subject, actor or agency has, and where the newest of them stands."""

    __tablename__ = "audit_counter"

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    last_idx: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("kind IN ('subject', 'actor', 'agency')", name="kind"),)


class AuditCheckpoint(Base):
    """A signed checkpoint (C2SP tlog-checkpoint) as it was published, with the name of its log: a database may have held several."""

    __tablename__ = "audit_checkpoint"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    origin: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes]
    note: Mapped[str]
    signed_at: Mapped[dt.datetime]

    __table_args__ = (Index("ix_audit_checkpoint_size", "origin", "size", "signed_at"),)


class AuditCosignature(Base):
    """A witness's signature line for a checkpoint (C2SP tlog-cosignature): when it says it signed, and when we had it.

    `witness` is the identity of the verified key: its name and key id.
    """

    __tablename__ = "audit_cosignature"

    checkpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("audit_checkpoint.id"), primary_key=True)
    witness: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[str]
    cosigned_at: Mapped[dt.datetime]
    received_at: Mapped[dt.datetime]

    __table_args__ = (Index("ix_audit_cosignature_witness", "witness", "checkpoint_id"),)


class AuditWitness(Base):
    """How a witness of the policy stands: whether it is still listed, when it was asked last, what failed, whether its lateness was told."""

    __tablename__ = "audit_witness"

    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    listed: Mapped[bool]
    since: Mapped[dt.datetime]
    asked_at: Mapped[dt.datetime | None]
    failure: Mapped[str]
    alarmed_at: Mapped[dt.datetime | None]


class AuditRefusal(Base):
    """What a witness refused to cosign (409, 422): evidence, kept with its answer."""

    __tablename__ = "audit_refusal"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    witness: Mapped[str]
    checkpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("audit_checkpoint.id"))
    old_size: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[int] = mapped_column(SmallInteger)
    answer: Mapped[str]
    refused_at: Mapped[dt.datetime]

    __table_args__ = (Index("ix_audit_refusal_witness", "witness", "refused_at"),)


class AuditQuorum(Base):
    """A checkpoint with as many cosignatures as the policy asks for, and since when."""

    __tablename__ = "audit_quorum"

    checkpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("audit_checkpoint.id"), primary_key=True)
    reached_at: Mapped[dt.datetime]


class AuditDetailKey(Base):
    """The key of one month of log detail, wrapped by the vault under the hub key; deleting the row destroys that month."""

    __tablename__ = "audit_detail_key"

    month: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    wrapped: Mapped[bytes]


class AuditDetail(Base):
    """Network details of an entry, already encrypted under its month's key; no part of the tree."""

    __tablename__ = "audit_detail"

    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    month: Mapped[dt.date] = mapped_column(Date)
    ciphertext: Mapped[bytes]

    __table_args__ = (Index("ix_audit_detail_month", "month"),)
