"""Questions about agencies: what nothing explains, break-glass, machines and administrators, exports, rights, keys, findings."""

from __future__ import annotations

from referral_hub.review.questions.reads import AGENCY, over_period
from referral_hub.review.rules.explain import BY_RULE, explained_by_kind

Q5 = over_period(
    5,
    AGENCY,
    "entry time member roles agency action sections purpose",
    """
    SELECT $who_entry, $roles, e.agency_id AS agency, e.action, $sections, $purpose
    FROM audit_entry e $said
    WHERE e.basis IN ('', 'none') AND e.outcome = 'allow' AND e.subjects <> '{}' AND e.action NOT IN ('case.list', 'referral.list')
    AND CASE WHEN e.actor_kind = 'member' THEN e.action <> ALL(CAST(:explained AS text[])) ELSE e.action IN $OPENINGS END
    AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:by_rule AS bytea[])) AS r WHERE position(r IN e.payload) > 0)
    AND $span AND $agency AND $scope ORDER BY e.idx DESC LIMIT :most
    """,
    explained=lambda: list(explained_by_kind()),
    by_rule=lambda: [f'"{rule}"'.encode() for rule in BY_RULE],
)

Q6 = over_period(
    6,
    AGENCY,
    "state entry time member agency subject then reviewer hours",
    """
    SELECT CASE WHEN v.idx IS NULL AND e.occurred_at < CAST(:now AS timestamptz) - interval '24 hours' THEN 'overdue' WHEN v.idx IS NULL THEN 'waits'
                WHEN v.actor_id = e.actor_id THEN 'same_person' WHEN v.occurred_at > e.occurred_at + interval '24 hours' THEN 'late' ELSE 'reviewed' END AS state,
           $who, e.subjects[1] AS subject, v.idx AS "then", v.actor_id AS reviewer,
           CAST(extract(epoch FROM coalesce(v.occurred_at, :now) - e.occurred_at) / 3600 AS int) AS hours
    FROM audit_entry e LEFT JOIN LATERAL (
        SELECT x.idx, x.actor_id, x.occurred_at FROM audit_entry x
        WHERE x.object_id = e.object_id AND x.idx > e.idx AND x.action = 'break_glass.review' AND x.outcome = 'allow' ORDER BY x.idx LIMIT 1
    ) v ON true
    WHERE $span AND e.action = 'break_glass.open' AND e.outcome = 'allow' AND $agency AND $scope ORDER BY e.idx DESC LIMIT :most
    """,
)

# Of members only the administrators; entries by machines stand in an index of their own.
Q10 = over_period(
    10,
    AGENCY,
    "entry time member roles agency action object_kind outcome",
    """
    SELECT entry, time, member, roles, agency, action, object_kind, outcome FROM (
        SELECT $who_entry, $roles, e.agency_id AS agency, e.action, e.object_kind, e.outcome
        FROM audit_entry e $said WHERE e.actor_kind = 'operator' AND e.actor_kind <> 'member' AND $span AND $agency AND $scope
        UNION ALL
        SELECT $who_entry, $roles, e.agency_id AS agency, e.action, e.object_kind, e.outcome
        FROM audit_entry e $said
        WHERE e.actor_id IN (SELECT id FROM member WHERE roles && ARRAY['agency_admin', 'network_admin']) AND $span AND $agency AND $scope
        AND j->'roles' ?| ARRAY['agency_admin', 'network_admin']
    ) found ORDER BY entry DESC LIMIT :most
    """,
)

Q14 = over_period(
    14,
    AGENCY,
    "day agency member action entries referrals first_entry",
    """
    SELECT CAST(e.occurred_at AT TIME ZONE 'Asia/Jakarta' AS date) AS day, e.agency_id AS agency, e.actor_id AS member, e.action, count(*) AS entries,
           count(DISTINCT e.referral_id) AS referrals, min(e.idx) AS first_entry
    FROM audit_entry e WHERE $span AND e.action IN $EXPORTS AND e.outcome = 'allow' AND $agency AND $scope
    GROUP BY 1, 2, 3, 4 ORDER BY day DESC, entries DESC, first_entry LIMIT :most
    """,
)

Q21 = over_period(
    21,
    AGENCY,
    "entry time member agency action about then then_action",
    """
    SELECT $who, e.action, m.id AS about, n.idx AS "then", n.action AS then_action
    FROM audit_entry e LEFT JOIN member m ON m.id = e.object_id LEFT JOIN LATERAL (
        SELECT x.idx, x.action FROM audit_entry x
        WHERE x.actor_id = m.id AND x.idx > e.idx AND x.idx < $till_hour AND x.occurred_at < e.occurred_at + interval '1 hour' AND x.outcome = 'allow' AND x.action IN $OPENINGS
        ORDER BY x.idx LIMIT 1
    ) n ON true
    WHERE $span AND e.action IN $PERMISSIONS AND e.outcome = 'allow' AND $agency AND $scope ORDER BY e.idx DESC LIMIT :most
    """,
)

Q34 = over_period(
    34,
    AGENCY,
    "entry time member agency action about outcome",
    """
    SELECT $who, e.action, m.id AS about, e.outcome
    FROM audit_entry e LEFT JOIN member m ON m.id = e.object_id
    WHERE $span AND e.action IN $KEYS AND $agency AND $scope ORDER BY e.idx DESC LIMIT :most
    """,
)

Q35 = over_period(
    35,
    AGENCY,
    "agency rule opened waiting explained confirmed closed hours",
    """
    SELECT e.agency_id AS agency, e.rule, count(*) AS opened, count(*) FILTER (WHERE e.state <> 'closed') AS waiting,
           count(*) FILTER (WHERE e.explained_at IS NOT NULL) AS explained, count(*) FILTER (WHERE e.confirmed_at IS NOT NULL) AS confirmed,
           count(*) FILTER (WHERE e.state = 'closed') AS closed,
           CAST(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM e.closed_at - e.opened_at) / 3600) AS int) AS hours
    FROM (SELECT f.*, f.opened_at AS occurred_at, CAST(NULL AS uuid) AS recipient_agency FROM finding f) e
    WHERE $span AND $agency AND $scope GROUP BY e.agency_id, e.rule ORDER BY opened DESC, e.rule LIMIT :most
    """,
)
