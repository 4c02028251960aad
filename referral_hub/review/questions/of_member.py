"""Questions about members: a day in order, unusual hours, volumes, searches, refusals, sessions, purposes, sleep."""

from __future__ import annotations

import json

from referral_hub import protocol
from referral_hub.review.questions.reads import MEMBER, calendars, holidays, over_period, reading
from referral_hub.review.questions.shape import PERIOD, Question

Q3 = Question(
    3,
    MEMBER,
    ("entry", "time", "action", "referral", "subject", "sections", "purpose", "basis", "outcome", "reason"),
    reading(
        """
        SELECT e.idx AS entry, e.occurred_at AS time, e.action, e.referral_id AS referral, CASE WHEN cardinality(e.subjects) = 1 THEN e.subjects[1] END AS subject,
               $sections, $purpose, e.basis, e.outcome, e.reason
        FROM audit_entry e $said
        WHERE e.actor_id = :member AND (CAST(:since AS timestamptz) IS NULL OR e.occurred_at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR e.occurred_at < :until) AND $scope ORDER BY e.idx LIMIT :most
        """
    ),
    needs=("member",),
    takes=PERIOD,
)

Q4 = over_period(
    4,
    MEMBER,
    "entry time member agency action basis",
    """
    SELECT $who, e.action, e.basis
    FROM audit_entry e JOIN member m ON m.id = e.actor_id JOIN agency a ON a.id = m.agency_id
    CROSS JOIN LATERAL (SELECT e.occurred_at AT TIME ZONE m.timezone AS at) l
    CROSS JOIN LATERAL (
        SELECT CAST(:calendars AS jsonb)->a.hours->CAST(extract(isodow FROM l.at) AS text) AS open, CAST(:holidays AS jsonb)->CAST(CAST(l.at AS date) AS text) AS joint
    ) d
    WHERE $span AND $opened AND $agency AND $scope AND (
        d.open IS NULL OR (d.joint IS NOT NULL AND (a.government OR NOT CAST(d.joint AS boolean)))
        OR NOT (CAST(l.at AS time) >= CAST(d.open->>0 AS time) AND CAST(l.at AS time) < CAST(d.open->>1 AS time))
    ) ORDER BY $newest LIMIT :most
    """,
    calendars=lambda: json.dumps(calendars()),
    holidays=lambda: json.dumps(holidays()),
)

Q9 = over_period(
    9,
    MEMBER,
    "earlier ending ended entry time member agency action",
    """
    WITH changes AS MATERIALIZED (
        SELECT x.idx, x.action, x.occurred_at, x.object_id AS about FROM audit_entry x
        WHERE x.action IN $LEFT_OR_CHANGED AND x.outcome = 'allow' AND x.object_id IS NOT NULL AND x.occurred_at < :until
    )
    SELECT c.idx AS earlier, c.action AS ending, c.occurred_at AS ended, a.idx AS entry, a.occurred_at AS time, a.actor_id AS member, a.agency_id AS agency, a.action
    FROM changes c CROSS JOIN LATERAL (
        SELECT e.idx, e.occurred_at, e.actor_id, e.agency_id, e.action FROM audit_entry e
        WHERE c.action IN $LEAVINGS AND e.actor_id = c.about AND e.idx > c.idx AND $span AND e.outcome = 'allow' AND $agency AND $scope
        UNION ALL
        SELECT e.idx, e.occurred_at, e.actor_id, e.agency_id, e.action FROM audit_entry e
        WHERE c.action NOT IN $LEAVINGS AND e.actor_id = c.about AND e.idx > c.idx AND e.idx < $till_day AND e.occurred_at < c.occurred_at + interval '1 day'
        AND $span AND $opened AND $agency AND $scope
    ) a
    WHERE NOT EXISTS (
        SELECT 1 FROM audit_entry y WHERE y.object_id = c.about AND y.idx > c.idx AND y.idx < a.idx AND y.action IN $RETURNS AND y.outcome = 'allow'
    ) ORDER BY a.idx DESC LIMIT :most
    """,
)

Q12 = over_period(
    12,
    MEMBER,
    "entry time member agency referral tries then then_action",
    """
    WITH refused AS (
        SELECT e.actor_id, e.agency_id, coalesce(e.referral_id, e.object_id) AS about, min(e.idx) AS idx, min(e.occurred_at) AS at, count(*) AS tries,
               (array_agg(e.referral_id))[1] AS referral
        FROM audit_entry e WHERE $span AND e.reason = 'conflict_of_interest' AND e.actor_id IS NOT NULL AND $agency AND $scope
        GROUP BY e.actor_id, e.agency_id, coalesce(e.referral_id, e.object_id)
    )
    SELECT r.idx AS entry, r.at AS time, r.actor_id AS member, r.agency_id AS agency, r.referral, r.tries, o.idx AS "then", o.action AS then_action
    FROM refused r LEFT JOIN LATERAL (
        SELECT e.idx, e.action FROM audit_entry e WHERE e.actor_id = r.actor_id AND r.about IN (e.referral_id, e.object_id) AND $opened ORDER BY e.idx DESC LIMIT 1
    ) o ON true
    ORDER BY r.idx DESC LIMIT :most
    """,
)

Q15 = over_period(
    15,
    MEMBER,
    "state entry time member agency action hits searches",
    """
    WITH looks AS (
        SELECT e.idx, e.occurred_at, e.actor_id, e.agency_id, e.action, CAST(j->>'hits' AS int) AS hits,
               count(*) OVER (PARTITION BY e.actor_id ORDER BY e.occurred_at RANGE BETWEEN interval '10 minutes' PRECEDING AND CURRENT ROW) AS searches
        FROM audit_entry e $said WHERE $span AND e.action IN $SEARCHES AND e.outcome = 'allow' AND $agency AND $scope
    )
    SELECT CASE WHEN l.searches >= 10 THEN 'run' WHEN l.hits >= 20 THEN 'many_hits' ELSE 'nothing_opened' END AS state,
           l.idx AS entry, l.occurred_at AS time, l.actor_id AS member, l.agency_id AS agency, l.action, l.hits, l.searches
    FROM looks l
    WHERE l.searches >= 10 OR l.hits >= 20 OR NOT EXISTS (
        SELECT 1 FROM audit_entry e WHERE e.actor_id = l.actor_id AND e.idx > l.idx AND e.idx < l.idx + 5000 AND e.occurred_at <= l.occurred_at + interval '10 minutes'
        AND $opened
    ) ORDER BY l.idx DESC LIMIT :most
    """,
)

Q16 = over_period(
    16,
    MEMBER,
    "day member agency survivors usual entries",
    """
    WITH daily AS MATERIALIZED (
        SELECT CAST(e.occurred_at AT TIME ZONE 'Asia/Jakarta' AS date) AS day, e.actor_id, e.agency_id, count(DISTINCT s) AS survivors, count(DISTINCT e.idx) AS entries
        FROM audit_entry e CROSS JOIN LATERAL unnest(e.subjects) AS s
        WHERE $span AND $opened AND e.actor_id IS NOT NULL AND $agency AND $scope GROUP BY 1, 2, 3
    ), days AS MATERIALIZED (
        SELECT survivors, count(*) AS n FROM daily GROUP BY survivors
    ), own AS MATERIALIZED (
        SELECT actor_id, survivors, count(*) AS n FROM daily GROUP BY actor_id, survivors
    ), peers AS (
        SELECT w.actor_id, min(w.survivors) AS usual FROM (
            SELECT m.actor_id, d.survivors, sum(d.n - coalesce(o.n, 0)) OVER (PARTITION BY m.actor_id ORDER BY d.survivors) AS upto,
                   sum(d.n - coalesce(o.n, 0)) OVER (PARTITION BY m.actor_id) AS whole
            FROM (SELECT DISTINCT actor_id FROM daily WHERE survivors >= 10) m CROSS JOIN days d
            LEFT JOIN own o ON o.actor_id = m.actor_id AND o.survivors = d.survivors
        ) w WHERE w.whole > 0 AND w.upto >= 0.99 * w.whole GROUP BY w.actor_id
    )
    SELECT d.day, d.actor_id AS member, d.agency_id AS agency, d.survivors, coalesce(p.usual, 0) AS usual, d.entries
    FROM daily d LEFT JOIN peers p ON p.actor_id = d.actor_id
    WHERE d.survivors >= 10 AND d.survivors > coalesce(p.usual, 0) ORDER BY d.survivors DESC, d.day DESC LIMIT :most
    """,
)

Q18 = over_period(
    18,
    MEMBER,
    "last_entry first last member agency action referral tries reasons then",
    """
    WITH denied AS (
        SELECT e.actor_id, e.agency_id, e.action, e.object_id, (array_agg(e.referral_id))[1] AS referral, count(*) AS tries, min(e.occurred_at) AS first,
               max(e.occurred_at) AS last, max(e.idx) AS idx, array_agg(DISTINCT e.reason) AS reasons
        FROM audit_entry e WHERE $span AND e.outcome = 'deny' AND $agency AND $scope GROUP BY e.actor_id, e.agency_id, e.action, e.object_id
    )
    SELECT d.idx AS last_entry, d.first, d.last, d.actor_id AS member, d.agency_id AS agency, d.action, d.referral, d.tries, d.reasons, (
        SELECT min(e.idx) FROM audit_entry e WHERE e.actor_id = d.actor_id AND e.idx > d.idx AND e.idx < d.idx + 20000 AND e.occurred_at < d.last + interval '1 day'
        AND e.action = d.action AND e.outcome = 'allow' AND e.object_id IS NOT DISTINCT FROM d.object_id
    ) AS "then"
    FROM denied d ORDER BY d.tries DESC, d.idx DESC LIMIT :most
    """,
)

Q19 = over_period(
    19,
    MEMBER,
    "entry time member agency session earlier other_session",
    """
    WITH $SWITCHES SELECT idx AS entry, occurred_at AS time, actor_id AS member, agency_id AS agency, session, other_idx AS earlier, other AS other_session
    FROM switches ORDER BY idx DESC LIMIT :most
    """,
)

Q20 = over_period(
    20,
    MEMBER,
    "day member agency sessions switches first last",
    """
    WITH $SWITCHES SELECT CAST(occurred_at AT TIME ZONE 'Asia/Jakarta' AS date) AS day, actor_id AS member, agency_id AS agency,
           CAST((SELECT count(DISTINCT v) FROM unnest(array_agg(session) || array_agg(other)) AS v) AS int) AS sessions, count(*) AS switches,
           min(occurred_at) AS first, max(occurred_at) AS last
    FROM switches GROUP BY 1, 2, 3 HAVING count(*) >= 3 ORDER BY switches DESC, day DESC LIMIT :most
    """,
)


def _purposes() -> str:
    """Return, as JSON, each purpose with the kinds of agency that have it (null: any) and whether content may be opened under it."""
    items = protocol.current().codelist("purposes")
    kinds = {item.code: (None if item.facts["kinds"] == "any" else list(item.facts["kinds"])) for item in items}
    return json.dumps({item.code: {"kinds": kinds[item.code], "content": bool(item.facts["content"])} for item in items})


Q23 = over_period(
    23,
    MEMBER,
    "entry time member roles agency kind action purpose",
    """
    SELECT $who_entry, $roles, e.agency_id AS agency, a.kind, e.action, $purpose
    FROM audit_entry e $said LEFT JOIN agency a ON a.id = e.agency_id CROSS JOIN LATERAL (SELECT CAST(:purposes AS jsonb)->($purpose_word) AS p) fits
    WHERE $span AND $opened AND $agency AND $scope AND (
        p IS NULL OR NOT CAST(p->>'content' AS boolean) OR (e.basis = 'recipient' AND jsonb_typeof(p->'kinds') = 'array' AND NOT (p->'kinds') ? a.kind)
    ) ORDER BY $newest LIMIT :most
    """,
    purposes=_purposes,
)

Q28 = over_period(
    28,
    MEMBER,
    "state entry time member agency last days",
    """
    SELECT 'woke' AS state, $who, p.occurred_at AS last, CAST(extract(epoch FROM e.occurred_at - p.occurred_at) / 86400 AS int) AS days
    FROM audit_entry e $said JOIN audit_entry p ON p.idx = CAST(j->>'actor_prev' AS bigint)
    WHERE $span AND e.action = 'session.sign_in' AND e.outcome = 'allow' AND e.occurred_at - p.occurred_at > interval '60 days' AND $agency AND $scope
    UNION ALL
    SELECT CASE WHEN e.last_sign_in IS NULL THEN 'never_used' ELSE 'dormant' END, NULL, NULL, e.id, e.agency_id, e.last_sign_in,
           CAST(extract(epoch FROM CAST(:now AS timestamptz) - coalesce(e.last_sign_in, e.invited_at)) / 86400 AS int)
    FROM (SELECT m.*, CAST(NULL AS uuid) AS recipient_agency FROM member m WHERE m.state IN ('invited', 'waiting', 'active')) e
    WHERE coalesce(e.last_sign_in, e.invited_at) < CAST(:now AS timestamptz) - interval '60 days' AND $agency AND $scope
    ORDER BY entry DESC NULLS LAST, days DESC LIMIT :most
    """,
)
