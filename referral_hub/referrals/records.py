"""Tables of this room: the referral's row in clear metadata, and its append-only history. Content is sealed in the vault."""

from __future__ import annotations

import uuid  # noqa: TC003 - SQLAlchemy reads the annotations
from datetime import date, datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from referral_hub.db import Base

OPEN_STATES = ("requested", "received", "accepted", "on-hold", "in-progress")
SENDERS_TURN = ("basis_needed", "forward_proposed", "info_requested", "interview_requested", "sections_requested", "transfer_requested")
_ASKED = text(f"flags && ARRAY{list(SENDERS_TURN)}")
_OPEN = text("state IN ('requested', 'received', 'accepted', 'on-hold', 'in-progress')")


class ReferralRow(Base):
    """One referral in clear metadata (VAULT.md, What is in clear). `due_at` is the nearest of the three deadlines that still runs."""

    __tablename__ = "referral"
    __table_args__ = (
        Index("ix_referral_to_agency_id", "to_agency", text("id DESC")),
        Index("ix_referral_from_agency_id", "from_agency", text("id DESC")),
        Index("ix_referral_to_agency_due_at", "to_agency", "due_at", postgresql_where=_OPEN),
        Index("ix_referral_from_agency_due_at", "from_agency", "due_at", postgresql_where=_OPEN),
        Index("ix_referral_to_agency_asked", "to_agency", "due_at", postgresql_where=_ASKED),
        Index("ix_referral_from_agency_asked", "from_agency", "due_at", postgresql_where=_ASKED),
        Index("ix_referral_draft", "from_agency", text("id DESC"), postgresql_where=text("state = 'draft'")),
        Index("ix_referral_to_agency_ended", "to_agency", "state", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        Index("ix_referral_from_agency_ended", "from_agency", "state", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    recipient_no: Mapped[str | None] = mapped_column(unique=True)
    part_of: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("referral.id"), index=True)
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id"), index=True)
    type: Mapped[str]
    from_agency: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    from_member: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    to_agency: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    to_unit: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency_unit.id"))
    handler: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    companion: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    service: Mapped[str]
    urgency: Mapped[str]
    state: Mapped[str]
    previous_state: Mapped[str | None]
    business: Mapped[str]
    flags: Mapped[list[str]]
    consent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("consent.id"), index=True)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    respond_by: Mapped[datetime | None]
    first_service_by: Mapped[datetime | None]
    update_by: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    paused_for: Mapped[int]
    review_on: Mapped[date | None]
    has_appointment: Mapped[bool]
    decline_reason: Mapped[str | None]
    redirect_agency: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency.id"))
    event_reason: Mapped[str | None]
    outcome: Mapped[str | None]
    milestones: Mapped[list[str]]
    sending: Mapped[int]
    version: Mapped[int]


class BasisRow(Base):
    """Sections that rest on a consent of their own, besides the one in the referral's row."""

    __tablename__ = "referral_basis"
    __table_args__ = (Index("ix_referral_basis_consent_id", "consent_id"),)

    referral_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("referral.id"), primary_key=True)
    consent_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("consent.id"), primary_key=True)
    sections: Mapped[list[str]]


class EventRow(Base):
    """One event of a referral's life: append-only, coded inputs only. Replaying them reproduces the row."""

    __tablename__ = "referral_event"

    referral_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("referral.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    side: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    actor_code: Mapped[str]
    at: Mapped[datetime]
    inputs: Mapped[dict[str, Any]]
