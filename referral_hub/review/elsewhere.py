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


# Her entries: by every alias of hers, and by every referral of hers. Materialised: the planner overrates how common one survivor is.
_HERS: Final = """
    hers AS MATERIALIZED (
        SELECT x.idx FROM audit_entry x WHERE x.subjects && (
            SELECT coalesce(array_agg(b.id), ARRAY[CAST(:subject AS uuid)]) FROM alias a JOIN alias b ON b.case_id = a.case_id WHERE a.id = :subject
        )
        UNION
        SELECT x.idx FROM alias a JOIN referral r ON r.case_id = a.case_id JOIN audit_entry x ON x.referral_id = r.id WHERE a.id = :subject
    )
"""
# Sessions of one member that are used at once: a session is taken up again within ten minutes, after another was used. Materialised, so that
# the sorts carry a session and not the whole bytes that it was cut out of.
_SWITCHES: Final = """
    acts AS MATERIALIZED (
        SELECT e.idx, e.occurred_at, e.actor_id, e.agency_id, $session_word AS session
        FROM audit_entry e WHERE $span AND e.actor_id IS NOT NULL AND $agency AND $scope
    ), steps AS (
        SELECT acts.*, lag(session) OVER one AS other, lag(idx) OVER one AS other_idx, lag(occurred_at) OVER same AS before
        FROM acts WHERE session IS NOT NULL
        WINDOW one AS (PARTITION BY actor_id ORDER BY idx), same AS (PARTITION BY actor_id, session ORDER BY idx)
    ), switches AS (
        SELECT * FROM steps WHERE session <> other AND before >= occurred_at - interval '10 minutes'
    )
"""
def _word(key: str) -> str:
    """Return the SQL of one text of an entry, cut out of its bytes: ten times faster than reading them as JSON; values are codes without quotes."""
    mark = f"'\"{key}\":\"'::bytea"
    start = f"position({mark} IN e.payload)"
    cut = f"split_part(encode(substring(e.payload FROM {start} + length({mark}) FOR 130), 'escape'), '\"', 1)"
    return f"CASE WHEN {start} > 0 THEN {cut} END"


def _till(moment: str) -> str:
    """Return the SQL of the first index of a later moment: with it, an index by member and index ends where a time ends."""
    return f"coalesce((SELECT z.idx FROM audit_entry z WHERE z.occurred_at >= {moment} ORDER BY z.occurred_at, z.idx LIMIT 1), 9223372036854775807)"  # noqa: S608 - constants of this module


_WORDS: Final = {
    "scope": _SCOPE,
    "span": "(e.occurred_at >= :since AND e.occurred_at < :until)",
    "said": "CROSS JOIN LATERAL (SELECT audit_said(e.payload) AS j) AS said",
    "opened": f"(e.outcome = 'allow' AND e.action IN {_codes(kinds.OPENINGS)})",
    "roles": f"{_listed('roles')} AS roles",
    "sections": f"{_listed('sections')} || {_listed('fields')} AS sections",
    "flags": f"{_listed('subject_flags')} AS flags",
    "purpose": f"{_word('purpose')} AS purpose",
    "purpose_word": _word("purpose"),
    "session_word": _word("session_digest"),
    "hers": "e.idx = ANY(ARRAY(SELECT h.idx FROM hers h))",
    "till_hour": _till("e.occurred_at + interval '1 hour'"),
    "till_day": _till("c.occurred_at + interval '1 day'"),
    "newest": "e.occurred_at DESC, e.idx DESC",
    "agency": "(CAST(:agency AS uuid) IS NULL OR e.agency_id = :agency)",
    "who_entry": "e.idx AS entry, e.occurred_at AS time, e.actor_id AS member",
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
    parts = {"HERS": _HERS, "SWITCHES": Template(_SWITCHES).substitute(_WORDS)}
    return Template(template).substitute(_WORDS, **parts)


def run(session: Session, query: str, given: Mapping[str, Any], *, scope: UUID | None = None) -> Sequence[Row[Any]]:
    """Return the rows of `query` for the values `given`, narrowed to an agency where `scope` names one.

    A plan kept from a busy member's question would walk the whole log for a quiet one: each question is planned for its own values.
    """
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    if scope is None:
        return session.execute(text(query), dict(given)).all()
    return session.execute(text(query.replace(_SCOPE, _OWN)), {**given, "scope": scope}).all()
