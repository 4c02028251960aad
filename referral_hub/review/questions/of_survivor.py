"""Questions about survivors: everything of one, the protected ones, crowds around one, where she is, and the hours before something happened."""

from __future__ import annotations

from referral_hub.review.questions.reads import SURVIVOR, over_period, reading
from referral_hub.review.questions.shape import PERIOD, Question

_ABOUT_HER = "entry time member roles agency action sections purpose basis outcome"

Q2 = Question(
    2,
    SURVIVOR,
    tuple(_ABOUT_HER.split()),
    reading(
        """
        WITH $HERS SELECT $who_entry, $roles, e.agency_id AS agency, e.action, $sections, $purpose, e.basis, e.outcome
        FROM audit_entry e $said
        WHERE $hers AND (CAST(:since AS timestamptz) IS NULL OR e.occurred_at >= :since) AND (CAST(:until AS timestamptz) IS NULL OR e.occurred_at < :until) AND $scope
        ORDER BY e.idx LIMIT :most
        """
    ),
    needs=("subject",),
    takes=PERIOD,
)

Q13 = over_period(
    13,
    SURVIVOR,
    "entry time member roles agency subject flags action sections",
    """
    SELECT $who_entry, $roles, e.agency_id AS agency, e.subjects[1] AS subject, $flags, e.action, $sections
    FROM audit_entry e $said
    WHERE position('"subject_flags"'::bytea in e.payload) > 0 AND $span AND $opened AND $agency AND $scope ORDER BY e.idx DESC LIMIT :most
    """,
)

Q17 = over_period(
    17,
    SURVIVOR,
    "day subject users agencies entries first last",
    """
    WITH looks AS (
        SELECT coalesce(a.case_id, s) AS about, s, e.idx, e.occurred_at, e.actor_id, e.agency_id, CAST(e.occurred_at AT TIME ZONE 'Asia/Jakarta' AS date) AS day
        FROM audit_entry e CROSS JOIN LATERAL unnest(e.subjects) AS s LEFT JOIN alias a ON a.id = s
        WHERE $span AND $opened AND e.actor_id IS NOT NULL AND $agency AND $scope
    )
    SELECT day, (array_agg(s ORDER BY idx))[1] AS subject, count(DISTINCT actor_id) AS users, count(DISTINCT agency_id) AS agencies, count(DISTINCT idx) AS entries,
           min(occurred_at) AS first, max(occurred_at) AS last
    FROM looks GROUP BY day, about HAVING count(DISTINCT actor_id) >= 5 OR count(DISTINCT agency_id) >= 3
    ORDER BY users DESC, day DESC, first LIMIT :most
    """,
)

Q26 = over_period(
    26,
    SURVIVOR,
    "entry time member agency kind subject action sections basis",
    """
    SELECT $who, a.kind, e.subjects[1] AS subject, e.action, $sections, e.basis
    FROM audit_entry e $said LEFT JOIN agency a ON a.id = e.agency_id
    WHERE $span AND $opened AND $agency AND $scope AND EXISTS (
        SELECT 1 FROM jsonb_array_elements_text(coalesce(j->'fields', j->'sections', '[]')) s WHERE s IN $PLACES
    ) ORDER BY $newest LIMIT :most
    """,
)

Q27 = Question(
    27,
    SURVIVOR,
    ("hours_before", *_ABOUT_HER.split()),
    reading(
        """
        WITH $HERS SELECT CAST(ceil(extract(epoch FROM CAST(:moment AS timestamptz) - e.occurred_at) / 3600) AS int) AS hours_before,
               $who_entry, $roles, e.agency_id AS agency, e.action, $sections, $purpose, e.basis, e.outcome
        FROM audit_entry e $said
        WHERE $hers AND e.occurred_at <= :moment AND e.occurred_at > CAST(:moment AS timestamptz) - interval '72 hours' AND $scope ORDER BY e.idx DESC LIMIT :most
        """
    ),
    needs=("subject", "moment"),
)
