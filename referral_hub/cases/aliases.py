"""Aliases: one random id and one sayable code for each survivor and agency, so that two agencies cannot tell that they serve the same person."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from referral_hub import errors
from referral_hub.cases.facts import Alias
from referral_hub.cases.records import AliasRow
from referral_hub.db.fixed import Fixed
from referral_hub.vault import codes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.orm import Session

TRIES = 8


def alias_for(session: Session, *, case_id: uuid.UUID, agency_id: uuid.UUID, draw: Callable[[], str] = codes.short_code) -> Alias:
    """Return the survivor's alias at an agency; made now if there is none yet (opening a case, sending a referral).

    The id has 122 random bits (UUIDv4) and is never derived; a code already taken is drawn again. Two at once get the same alias.

    Raises:
        errors.Unavailable: no free code in eight draws (`at_capacity`).
    """
    for _ in range(TRIES):
        found = _OF_CASE.one_or_none(session, case_id=case_id, agency_id=agency_id)
        if found is not None:
            return Alias(found.id, found.code)
        values = {"id": uuid.uuid4(), "case_id": case_id, "agency_id": agency_id, "code": f"SM-{draw()}"}
        session.execute(insert(AliasRow).values(values).on_conflict_do_nothing())
    raise errors.Unavailable("at_capacity")


_OF_CASE = Fixed(
    select(AliasRow.id, AliasRow.code).where(AliasRow.case_id == bindparam("case_id"), AliasRow.agency_id == bindparam("agency_id"))
)


def aliases(session: Session, *, case_ids: Collection[uuid.UUID], agency_id: uuid.UUID) -> dict[uuid.UUID, Alias]:
    """Return the aliases that an agency has for these cases, by case id; cases without one are left out."""
    query = select(AliasRow).where(AliasRow.case_id.in_(case_ids), AliasRow.agency_id == agency_id)
    return {row.case_id: Alias(row.id, row.code) for row in session.scalars(query)}


def case_of_alias(session: Session, *, agency_id: uuid.UUID, code: str) -> uuid.UUID:
    """Return the case that an agency knows by this code, typed with or without hyphens. No scope is checked: hand the id to a verb.

    Raises:
        errors.NotFound: the agency knows no such code.
    """
    letters = codes.normalise(code).removeprefix("SM")
    case_id = session.scalar(
        select(AliasRow.case_id).where(AliasRow.agency_id == agency_id, AliasRow.code == f"SM-{letters[:4]}-{letters[4:]}")
    )
    if case_id is None:
        raise errors.NotFound
    return case_id


def alias_codes(session: Session, *, alias_ids: Collection[uuid.UUID], agency_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Return the sayable codes of aliases that belong to an agency, by alias id; those of others are left out."""
    query = select(AliasRow.id, AliasRow.code).where(AliasRow.id.in_(alias_ids), AliasRow.agency_id == agency_id)
    return {row.id: row.code for row in session.execute(query)}
