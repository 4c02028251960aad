"""The log as the questions and rules read it: words of SQL over `audit_entry`, and the few columns of other rooms beside it.

Nothing here writes, and no row leaves this room. What is not projected stands in the hashed bytes, which are JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from string import Template
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from referral_hub.audit import entry as entries
from referral_hub.audit.queries import Logged
from referral_hub.review.rules import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

# Stands where an officer's sight is narrowed to the own agency and the disclosures to it; TRUE for a network auditor.
_SCOPE: Final = "(/* scope */ TRUE)"
_OWN: Final = "(e.agency_id = :scope OR e.recipient_agency = :scope)"


def _codes(values: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def _listed(key: str) -> str:
    return f"ARRAY(SELECT jsonb_array_elements_text(j->'{key}'))"


_WORDS: Final = {
    "scope": _SCOPE,
    "span": "(e.occurred_at >= :since AND e.occurred_at < :until)",
    "said": "CROSS JOIN LATERAL (SELECT audit_said(e.payload) AS j) AS said",
    "opened": f"(e.outcome = 'allow' AND e.action IN {_codes(kinds.OPENINGS)})",
    "roles": f"{_listed('roles')} AS roles",
    "sections": f"{_listed('sections')} || {_listed('fields')} AS sections",
    "purpose": "j->>'purpose' AS purpose",
    "who": "e.idx AS entry, e.occurred_at AS time, e.actor_id AS member, e.agency_id AS agency",
    "OPENINGS": _codes(kinds.OPENINGS),
    "LATER_OPENINGS": _codes(code for code in kinds.OPENINGS if code not in kinds.BEFORE_ACCEPTANCE),
    "LISTS": _codes(kinds.LISTS),
    "SEARCHES": _codes(kinds.SEARCHES),
    "EXPORTS": _codes(kinds.EXPORTS),
    "ENDINGS": _codes(kinds.ENDINGS),
    "LEAVINGS": _codes(kinds.LEAVINGS),
    "RETURNS": _codes(kinds.RETURNS),
    "LEFT_OR_CHANGED": _codes((*kinds.LEAVINGS, "member.role_change", "member.second_approval")),
    "LEAVINGS_RETURNS": _codes((*kinds.LEAVINGS, *kinds.RETURNS)),
    "GRANTS": _codes(kinds.GRANTS_TO_MEMBERS),
    "PERMISSIONS": _codes(kinds.PERMISSIONS),
    "KEYS": _codes(kinds.KEYS),
    "TROUBLE": _codes(kinds.LOG_TROUBLE),
    "OVERSIGHT": _codes(kinds.OVERSIGHT),
    "PLACES": _codes((*kinds.PLACE_SECTIONS, *kinds.PLACE_FIELDS)),
}


@dataclass(frozen=True)
class Read:
    """One entry as a cursor reads it. `logged` is None where the stored bytes are no entry: `fsck` names that, and the cursor goes on."""

    idx: int
    logged: Logged | None


_FOLLOWING = text("SELECT idx, leaf_hash, payload, occurred_at FROM audit_entry WHERE idx >= :first ORDER BY idx LIMIT :most")


def following(session: Session, *, first: int, before: datetime, most: int) -> tuple[Read, ...]:
    """Return at most `most` entries from index `first` on, oldest first, up to the first that is younger than `before`.

    The log's lock makes the order of indexes the order of commits: nothing appears behind a cursor later.
    """
    rows = session.execute(_FOLLOWING, {"first": first, "most": most})
    return tuple(map(_read, takewhile(lambda row: row.occurred_at <= before, rows)))


def _read(row: Row[Any]) -> Read:
    try:
        entry, place = entries.parse(row.payload)
    except entries.BadEntry:
        return Read(row.idx, None)
    return Read(row.idx, Logged(idx=row.idx, leaf_hash=row.leaf_hash, entry=entry, place=place))


def sql(template: str) -> str:
    """Return SQL with the words above filled in (`$opened`, `$said` …). Constants of the program only: what a person asks is bound."""
    return Template(template).substitute(_WORDS)


def run(session: Session, query: str, given: Mapping[str, Any], *, scope: UUID | None = None) -> Sequence[Row[Any]]:
    """Return the rows of `query` for the values `given`, narrowed to an agency where `scope` names one.

    A plan kept from a busy member's question would walk the whole log for a quiet one: each question is planned for its own values.
    """
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    if scope is None:
        return session.execute(text(query), dict(given)).all()
    return session.execute(text(query.replace(_SCOPE, _OWN)), {**given, "scope": scope}).all()
