"""Tables of the desk: what the rules found and how far they read, findings and their steps, statements that were released.

Ids, codes and times only; the one text, of a step, is hub-locked. What can be counted from these rows is kept nowhere else.
"""

from __future__ import annotations

import uuid  # noqa: TC003 - SQLAlchemy reads the annotations
from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from referral_hub.db import Base

STATES = ("open", "assigned", "explained", "confirmed", "escalated", "closed")
VERDICTS = ("explained", "improve", "escalated")


def _in(column: str, codes: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(code) for code in codes)})"


class CursorRow(Base):
    """How far the rules of one pace have read the log: the index of the next entry. Moved in the transaction that writes their hits."""

    __tablename__ = "review_cursor"

    pace: Mapped[str] = mapped_column(primary_key=True)
    next_idx: Mapped[int] = mapped_column(BigInteger)
    moved_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("next_idx >= 0", name="next_idx"),)


class HitRow(Base):
    """A rule that an entry met, once; and the finding that took it up."""

    __tablename__ = "rule_hit"

    rule: Mapped[str] = mapped_column(primary_key=True)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    agency_id: Mapped[uuid.UUID | None]
    actor_id: Mapped[uuid.UUID | None]
    occurred_at: Mapped[datetime]
    found_at: Mapped[datetime]
    finding_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("finding.id"))

    __table_args__ = (
        Index("ix_rule_hit_idx", "idx"),
        Index("ix_rule_hit_waiting", "rule", "agency_id", "idx", postgresql_where=text("finding_id IS NULL")),
        Index("ix_rule_hit_finding_id", "finding_id", postgresql_where=text("finding_id IS NOT NULL")),
    )


class FindingRow(Base):
    """Something that an agency should explain: its state, who opened it, by when it is answered, how it ended."""

    __tablename__ = "finding"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    rule: Mapped[str | None]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    state: Mapped[str]
    verdict: Mapped[str | None]
    opened_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    opened_at: Mapped[datetime]
    answer_by: Mapped[datetime]
    assigned_to: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    explained_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    closed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    closed_at: Mapped[datetime | None]
    version: Mapped[int]

    __table_args__ = (
        CheckConstraint(_in("state", STATES), name="state"),
        CheckConstraint(_in("verdict", VERDICTS), name="verdict"),
        CheckConstraint("closed_by <> opened_by", name="second_person"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        Index("ix_finding_opened_at", "opened_at"),
    )


class FindingEntryRow(Base):
    """An entry of the log that a finding is about."""

    __tablename__ = "finding_entry"

    finding_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("finding.id"), primary_key=True)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class FindingStepRow(Base):
    """One step of a finding: append-only. The text is hub-locked (use `detail`), so that a stolen database does not show it."""

    __tablename__ = "finding_step"

    finding_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("finding.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    code: Mapped[str]
    actor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    at: Mapped[datetime]
    text_locked: Mapped[bytes | None]


class StatementRow(Base):
    """A disclosure statement that was released to a survivor: over the entries before `log_size`, with the safety check answered."""

    __tablename__ = "disclosure_statement"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject: Mapped[uuid.UUID] = mapped_column(index=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    log_size: Mapped[int] = mapped_column(BigInteger)
    names_staff: Mapped[bool]
    handed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    approved_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    approved_at: Mapped[datetime]


class RequestRow(Base):
    """What a survivor asked about her data: to know who saw it, or to have it corrected; when, by when it is due, and how it ended."""

    __tablename__ = "subject_request"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[uuid.UUID] = mapped_column(index=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    kind: Mapped[str]
    state: Mapped[str]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    recorded_at: Mapped[datetime]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    statement_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("disclosure_statement.id"))

    __table_args__ = (
        CheckConstraint(_in("kind", ("access", "correct")), name="kind"),
        CheckConstraint(_in("state", ("open", "answered", "refused")), name="state"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="reason"),
        Index("ix_subject_request_open", "due_at", postgresql_where=text("state = 'open'")),
    )
