"""The ledger's table: clear metadata only (clear_metadata.yaml, "consent ledger"). What is sealed stands in the referral's consent part."""

from __future__ import annotations

import uuid  # noqa: TC003 - SQLAlchemy reads the annotations
from datetime import date, datetime  # noqa: TC003 - SQLAlchemy reads the annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.orm import Mapped, mapped_column

from referral_hub.db import Base


class ConsentRow(Base):
    """One answer of the survivor. A refusal is a row of the form `refusal`: no sections, no end, never a consent.

    So is the answer whether she may be counted (form `statistics`): it goes to nobody, and lasts until she says otherwise.
    """

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("(form IN ('refusal', 'statistics')) = (cardinality(sections) = 0)", name="refusal_lists_nothing"),
        CheckConstraint("(form IN ('refusal', 'statistics')) = (valid_until IS NULL)", name="consent_ends"),
        Index("ix_consent_case_id_scope_agency", "case_id", "scope_agency"),
        Index("ix_consent_valid_until", "valid_until"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id"))
    basis: Mapped[str]
    scope_agency: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    purpose: Mapped[str]
    sections: Mapped[list[str]]
    use_limits: Mapped[list[str]]
    onward_allowed: Mapped[bool]
    contact_allowed: Mapped[bool]
    stats_allowed: Mapped[bool]
    valid_until: Mapped[date | None]
    given_by: Mapped[str]
    method: Mapped[str | None]
    language: Mapped[str]
    form: Mapped[str]
    form_version: Mapped[str]
    given_at: Mapped[datetime]
    copy_given: Mapped[str | None]
    signers: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(UUID(as_uuid=True)))
    withdrawn_at: Mapped[datetime | None]
    law: Mapped[bytes | None]
    reviewed_at: Mapped[datetime | None]
    reviewer: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    taken_back: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
