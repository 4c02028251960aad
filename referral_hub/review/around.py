"""What the rules need to know around an entry: each need one short indexed read, made only for entries that it concerns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from referral_hub import errors, protocol
from referral_hub.protocol import deadlines
from referral_hub.review.elsewhere import sql
from referral_hub.review.rules import kinds, watch
from referral_hub.review.rules.watch import Around

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from referral_hub.audit.queries import Logged

_MEMBER = text("""
    SELECT m.timezone, a.hours, a.government, a.kind, a.on_call_24h OR EXISTS (SELECT 1 FROM duty_post d WHERE d.member_id = m.id) AS on_duty
    FROM member m JOIN agency a ON a.id = m.agency_id WHERE m.id = :actor
""")
_URGENT = text("SELECT urgency IN ('emergency', 'urgent') FROM referral WHERE id = :referral")
_JUST_BEFORE = text(sql("""
    SELECT EXISTS (SELECT 1 FROM audit_entry e WHERE e.actor_id = :actor AND e.idx < :idx AND e.occurred_at > :since AND $opened)
"""))
_SURVIVORS = text(sql("""
    SELECT count(DISTINCT s) AS before, coalesce(bool_or(s = ANY(CAST(:subjects AS uuid[]))), false) AS known
    FROM audit_entry e, unnest(e.subjects) s WHERE e.actor_id = :actor AND e.idx < :idx AND e.occurred_at > :since AND $opened
"""))
_USUAL = text(sql("""
    SELECT coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY survivors), 0) FROM (
        SELECT count(DISTINCT s) AS survivors FROM audit_entry e, unnest(e.subjects) s
        WHERE e.occurred_at > :since AND e.idx < :idx AND e.actor_id <> :actor AND $opened GROUP BY e.actor_id, date_trunc('day', e.occurred_at)
    ) AS daily
"""))
_FIRST_OF_SENDER = text(sql("""
    SELECT NOT EXISTS (
        SELECT 1 FROM audit_entry e JOIN referral r ON r.id = e.referral_id
        WHERE e.actor_id = :actor AND e.idx < :idx AND $opened AND r.from_agency = (SELECT from_agency FROM referral WHERE id = :referral)
    )
"""))
_ANSWERS_FOR = text("""
    SELECT EXISTS (SELECT 1 FROM referral WHERE id = :referral AND handler = :actor) OR EXISTS (
        SELECT 1 FROM audit_entry e WHERE e.referral_id = :referral AND e.actor_id = :actor AND e.idx < :idx AND e.outcome = 'allow'
        AND e.action IN ('referral.accept', 'referral.claim', 'referral.open_preview')
    )
""")
_ENDED = text(sql("""
    SELECT e.action, e.occurred_at FROM audit_entry e
    WHERE (e.referral_id = :referral OR (e.object_kind = 'case' AND e.object_id = :object)) AND e.idx < :idx AND e.outcome = 'allow' AND e.action IN $ENDINGS
    ORDER BY e.idx LIMIT 1
"""))
_LEFT = text(sql("""
    SELECT e.action, e.occurred_at FROM audit_entry e
    WHERE e.object_id = :actor AND e.idx < :idx AND e.outcome = 'allow' AND e.action IN $LEAVINGS_RETURNS ORDER BY e.idx DESC LIMIT 1
"""))
_JUST_DONE = text("""
    SELECT e.action, e.outcome, e.occurred_at FROM audit_entry e
    WHERE e.actor_id = :actor AND e.idx < :idx AND e.occurred_at > :since ORDER BY e.idx DESC LIMIT 500
""")
_SESSIONS = text(sql("""
    SELECT $session_word AS digest FROM audit_entry e
    WHERE e.actor_id = :actor AND e.idx < :idx AND e.occurred_at > :since ORDER BY e.idx DESC LIMIT 100
"""))
_GRANTED = text("""
    SELECT max(e.occurred_at) FROM audit_entry e
    WHERE e.object_id = :actor AND e.idx < :idx AND e.occurred_at > :since AND e.outcome = 'allow' AND e.actor_id IS DISTINCT FROM e.object_id
    AND e.action IN ('account.reset', 'member.role_change', 'member.second_approval')
""")
_VIEWERS = text(sql("""
    WITH hers AS MATERIALIZED (
        SELECT coalesce(array_agg(b.id), CAST(:subjects AS uuid[])) AS ids FROM alias a JOIN alias b ON b.case_id = a.case_id WHERE a.id = ANY(CAST(:subjects AS uuid[]))
    ), first AS (
        SELECT e.actor_id, min(e.idx) AS idx, min(e.occurred_at) AS at FROM audit_entry e
        WHERE e.subjects && (SELECT ids FROM hers) AND e.idx <= :idx AND e.actor_id IS NOT NULL AND $opened GROUP BY e.actor_id
    )
    SELECT count(*) FILTER (WHERE at > :since) AS new, coalesce(bool_or(actor_id = :actor AND idx = :idx), false) AS is_first FROM first
"""))
_WITHDRAWN = text("""
    SELECT min(e.occurred_at) FROM audit_entry e WHERE e.object_id = :consent AND e.action = 'consent.withdraw' AND e.outcome = 'allow' AND e.idx < :idx
""")
_REVIEWED = text("""
    SELECT EXISTS (SELECT 1 FROM audit_entry e WHERE e.object_id = :object AND e.idx > :idx AND e.action = 'break_glass.review' AND e.outcome = 'allow'
                   AND e.actor_id IS DISTINCT FROM :actor)
""")
_RECEIVED = text("""
    SELECT EXISTS (SELECT 1 FROM audit_entry e WHERE e.referral_id = :referral AND e.idx > :idx AND e.occurred_at <= :until AND e.agency_id = :recipient
                   AND e.outcome = 'allow')
""")
_WHEN = text("SELECT occurred_at FROM audit_entry WHERE idx = :idx")


@dataclass
class Known:
    """What one run keeps: members with their agencies, and the peers' measure of each member."""

    members: dict[UUID, Any] = field(default_factory=dict)
    usual: dict[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asked:
    """One entry, with the values that the reads take."""

    session: Session
    logged: Logged
    known: Known

    def values(self, *, within: timedelta = timedelta(0)) -> dict[str, Any]:
        """Return the parameters of the reads for this entry; `within` says how far back."""
        said = self.logged.entry
        return {
            "idx": self.logged.idx, "actor": said.actor_id, "referral": said.referral_id, "object": said.object_id, "subjects": list(said.subjects),
            "consent": said.consent_id, "recipient": said.recipient_agency, "since": said.occurred_at - within, "until": said.occurred_at + within,
        }  # fmt: skip

    def scalar(self, statement: Any, *, within: timedelta = timedelta(0)) -> Any:
        """Return the one value of a read."""
        return self.session.scalar(statement, self.values(within=within))


def around(session: Session, logged: Logged, needs: Collection[str], known: Known) -> Around:
    """Return what `needs` (fields of `Around`) name around one entry; two needs that one read answers are read once."""
    asked = _Asked(session, logged, known)
    found: dict[str, Any] = {}
    for need in sorted(needs):
        if need not in found:
            found |= _READS[need](asked)
    return Around(**found)


def _place(asked: _Asked) -> dict[str, Any]:
    actor = asked.logged.entry.actor_id
    if actor is None:
        return {"calendar": None, "on_duty": False, "agency_kind": ""}
    if actor not in asked.known.members:
        asked.known.members[actor] = asked.session.execute(_MEMBER, {"actor": actor}).one_or_none()
    row = asked.known.members[actor]
    if row is None:
        return {"calendar": None, "on_duty": False, "agency_kind": ""}
    return {"calendar": _calendar(row), "on_duty": bool(row.on_duty), "agency_kind": row.kind}


def _calendar(row: Any) -> deadlines.Calendar | None:
    try:
        return deadlines.calendar(row.hours, timezone=row.timezone, government=row.government)
    except errors.NotFound:
        return None


def _survivors(asked: _Asked) -> dict[str, Any]:
    row = asked.session.execute(_SURVIVORS, asked.values(within=timedelta(days=1))).one()
    new = bool(asked.logged.entry.subjects) and not row.known
    count = row.before + 1 if new else 0
    return {"survivors": count, "usual": _usual(asked) if count >= watch.PEERS_AT_LEAST else 0}


def _usual(asked: _Asked) -> int:
    actor = asked.logged.entry.actor_id
    if actor is None:
        return 0
    if actor not in asked.known.usual:
        asked.known.usual[actor] = asked.scalar(_USUAL, within=timedelta(days=30))
    return asked.known.usual[actor]


def _ended(asked: _Asked) -> dict[str, Any]:
    own_file = {"referral": None} if asked.logged.entry.object_kind == "case" else {}  # a copy names its referral, and lies in the file
    row = asked.session.execute(_ENDED, asked.values() | own_file).one_or_none()
    return {"ended_at": row.occurred_at, "ended_by": row.action} if row else {}


def _left(asked: _Asked) -> dict[str, Any]:
    row = asked.session.execute(_LEFT, asked.values()).one_or_none()
    return {"left_at": row.occurred_at if row and row.action in kinds.LEAVINGS else None}


def _just_done(asked: _Asked, within: timedelta) -> list[Any]:
    return list(asked.session.execute(_JUST_DONE, asked.values(within=within)))


def _searches(asked: _Asked) -> dict[str, Any]:
    done = _just_done(asked, watch.TRAWL_WITHIN)
    count = 1 + sum(row.action in kinds.SEARCHES and row.outcome == "allow" for row in done)
    return {"searches": count, "opened_between": any(map(_is_opening, done))}


def _exports(asked: _Asked) -> dict[str, Any]:
    done = _just_done(asked, watch.BURST_WITHIN)
    return {"exports": 1 + sum(row.action in kinds.EXPORTS and row.outcome == "allow" for row in done)}


def _denials(asked: _Asked) -> dict[str, Any]:
    count = 0
    for row in _just_done(asked, watch.DENIALS_WITHIN):
        if _is_opening(row):
            break
        count += row.outcome == "deny"
    return {"denials": count}


def _granted(asked: _Asked) -> dict[str, Any]:
    granted: datetime | None = asked.scalar(_GRANTED, within=watch.GRANT_WITHIN)
    done = _just_done(asked, watch.GRANT_WITHIN) if granted else []
    since = any(granted and row.occurred_at >= granted and _is_opening(row) for row in done)
    return {"granted_at": None if since else granted}


def _is_opening(row: Any) -> bool:
    return row.outcome == "allow" and row.action in kinds.OPENINGS


def _sessions(asked: _Asked) -> dict[str, Any]:
    rows = asked.session.execute(_SESSIONS, asked.values(within=watch.TWO_PLACES_WITHIN))
    return {"sessions": tuple(row.digest for row in rows if row.digest)}


def _viewers(asked: _Asked) -> dict[str, Any]:
    row = asked.session.execute(_VIEWERS, asked.values(within=watch.VIEWERS_WITHIN)).one()
    return {"viewers": row.new if row.is_first else 0}


def _purpose(asked: _Asked) -> dict[str, Any]:
    item = protocol.current().codelist("purposes").get(asked.logged.entry.purpose)
    if item is None:
        return {"purpose_kinds": frozenset(), "purpose_opens": False}
    fits = item.facts["kinds"]
    return {"purpose_kinds": None if fits == "any" else frozenset(fits), "purpose_opens": bool(item.facts["content"])}


def _withdrawn(asked: _Asked) -> dict[str, Any]:
    return {"consent_withdrawn_at": asked.scalar(_WITHDRAWN) if asked.logged.entry.consent_id else None}


def _seen_before(asked: _Asked) -> dict[str, Any]:
    before = asked.logged.place.actor_prev
    return {"seen_before": None if before is None else asked.session.scalar(_WHEN, {"idx": before})}


_READS: dict[str, Callable[[_Asked], dict[str, Any]]] = {
    "agency_kind": _place,
    "answers_for": lambda asked: {"answers_for": bool(asked.scalar(_ANSWERS_FOR))},
    "calendar": _place,
    "consent_withdrawn_at": _withdrawn,
    "denials": _denials,
    "ended_at": _ended,
    "exports": _exports,
    "first_of_sender": lambda asked: {"first_of_sender": bool(asked.scalar(_FIRST_OF_SENDER))},
    "granted_at": _granted,
    "just_before": lambda asked: {"just_before": bool(asked.scalar(_JUST_BEFORE, within=timedelta(hours=1)))},
    "left_at": _left,
    "on_duty": _place,
    "purpose_kinds": _purpose,
    "received": lambda asked: {"received": bool(asked.scalar(_RECEIVED, within=watch.PACES[watch.DAY]))},
    "reviewed": lambda asked: {"reviewed": bool(asked.scalar(_REVIEWED))},
    "searches": _searches,
    "seen_before": _seen_before,
    "sessions": _sessions,
    "survivors": _survivors,
    "urgent": lambda asked: {"urgent": bool(asked.scalar(_URGENT))},
    "usual": _survivors,
    "viewers": _viewers,
}
