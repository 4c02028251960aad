"""Conflict lists and copies: who must never meet a survivor's file does not meet the files that sections of it were copied into.

What recipients put on a list of their own stays there; taking a member off the first list leaves the others as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import UUID, column, literal, select, table
from sqlalchemy.dialects.postgresql import insert

from referral_hub.cases.records import CaseRow, ConflictRow, CopyRow

if TYPE_CHECKING:
    import uuid

    from sqlalchemy.orm import Session

_REFERRAL = table("referral", column("id", UUID(as_uuid=True)), column("case_id", UUID(as_uuid=True)))  # of the referrals room, as a copy names it


def add(session: Session, *, case_id: uuid.UUID, token: bytes) -> None:
    """Put a member's token on the list of a case, whose row the caller has locked, and of the files that have copies from it."""
    followers = (
        select(CopyRow.case_id, literal(token)).join(_REFERRAL, _REFERRAL.c.id == CopyRow.referral_id).where(_REFERRAL.c.case_id == case_id).distinct()
    )
    session.execute(insert(ConflictRow).values(case_id=case_id, token=token).on_conflict_do_nothing())
    session.execute(insert(ConflictRow).from_select(["case_id", "token"], followers).on_conflict_do_nothing())


def hold_list(session: Session, *, case_id: uuid.UUID) -> None:
    """Let no entry be added to the list of a case until this transaction ends: it comes before what is copied from it, or after."""
    session.execute(select(CaseRow.id).where(CaseRow.id == case_id).with_for_update(read=True))


def carry_over(session: Session, *, from_case: uuid.UUID, to_case: uuid.UUID) -> None:
    """Put everybody on the list of a file who stands on that of the file which sections were copied from."""
    listed = select(literal(to_case), ConflictRow.token).where(ConflictRow.case_id == from_case)
    session.execute(insert(ConflictRow).from_select(["case_id", "token"], listed).on_conflict_do_nothing())
