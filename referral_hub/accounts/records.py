"""Tables of members and of how they come in. What a thief would want here is hub-locked or a digest."""

from __future__ import annotations

import uuid  # noqa: TC003 - SQLAlchemy reads the annotations
from datetime import datetime  # noqa: TC003
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from referral_hub import access
from referral_hub.db import Base


def _gives_key(context: Any) -> bool:
    return access.gives_key(frozenset(context.get_current_parameters()["roles"]))


class MemberRow(Base):
    """One person at one agency. `key_role` lets the database refuse a share of the agency's key. Everything between `verifier` and `last_totp_step` is empty until enrolment and after leaving."""

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("agency_id", "code"),
        UniqueConstraint("mail_token"),
        CheckConstraint("state IN ('invited', 'waiting', 'active', 'suspended', 'left')", name="state"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    code: Mapped[str]
    state: Mapped[str]
    roles: Mapped[list[str]]
    key_role: Mapped[bool] = mapped_column(default=_gives_key)
    proposed_roles: Mapped[list[str] | None]
    proposed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    name_locked: Mapped[bytes]
    mail_locked: Mapped[bytes | None]
    phone_locked: Mapped[bytes | None]
    mail_token: Mapped[bytes | None]
    verifier_locked: Mapped[bytes | None]
    key_wrap: Mapped[bytes | None]
    public_key: Mapped[bytes | None]
    fingerprint: Mapped[str | None]
    kdf_salt: Mapped[bytes | None]
    kdf: Mapped[str | None]
    totp_locked: Mapped[bytes | None]
    last_totp_step: Mapped[int | None] = mapped_column(BigInteger)
    invited_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    invited_at: Mapped[datetime]
    terms_accepted_at: Mapped[datetime | None]
    enrolled_at: Mapped[datetime | None]
    admitted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    admitted_at: Mapped[datetime | None]
    key_lost_at: Mapped[datetime | None]
    last_sign_in: Mapped[datetime | None]
    language: Mapped[str]
    timezone: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)


class InvitationRow(Base):
    """A single-use link to enrol, or to enrol again after a reset. Only the token's digest is kept."""

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("token_digest"), CheckConstraint("purpose IN ('enrol', 'reset')", name="purpose"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"), index=True)
    purpose: Mapped[str]
    token_digest: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class SessionRow(Base):
    """A signed-in browser. The member key in it opens only with the cookie's secret and the server half (UNLOGGED: no backup has it)."""

    __tablename__ = "session"
    __table_args__ = (
        CheckConstraint("purpose IN ('sign_in', 'enrol', 'full')", name="purpose"),
        {"prefixes": ["UNLOGGED"]},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"), index=True)
    secret_digest: Mapped[bytes]
    key_wrap: Mapped[bytes]
    purpose: Mapped[str]
    auth_method: Mapped[str]
    wrong_codes: Mapped[int] = mapped_column(default=0)
    fresh_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_seen: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    device: Mapped[str]


class DeviceRow(Base):
    """A browser that signed in before; the digest binds its cookie to one member, so rows of a shared computer do not match."""

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("member_id", "cookie_digest"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    cookie_digest: Mapped[bytes]
    last_used: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class BucketRow(Base):
    """Attempts from one side within one window. The token is keyed: neither an address nor a name can be read from it."""

    __tablename__ = "throttle"
    __table_args__ = (
        CheckConstraint("kind IN ('known', 'unknown', 'network', 'code')", name="kind"),
        {"prefixes": ["UNLOGGED"]},
    )

    token: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str]
    member_id: Mapped[uuid.UUID | None]
    window_start: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int]
    failures: Mapped[int]
    logged: Mapped[int]
    refused: Mapped[int]


class ActRow(Base):
    """An act that was done, so that its repetition is told from another act. Kept 24 hours; never holds content."""

    __tablename__ = "act"
    __table_args__ = (Index(None, "created_at"),)

    actor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str]
    digest: Mapped[bytes]
    result_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class RecoveryRow(Base):
    """A printed recovery code: who made it, and a keyed digest of its last four characters until they were typed back."""

    __tablename__ = "recovery_print"

    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    made_at: Mapped[datetime]
    check_digest: Mapped[bytes | None]
    confirmed_at: Mapped[datetime | None]


class FoundingRow(Base):
    """A network person typed the founding fingerprint from the signed protocol: one per agency and role."""

    __tablename__ = "founding_confirmation"
    __table_args__ = (
        UniqueConstraint("agency_id", "member_id"),
        CheckConstraint("role IN ('network_admin', 'network_auditor')", name="role"),
    )

    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    confirmed_at: Mapped[datetime]
