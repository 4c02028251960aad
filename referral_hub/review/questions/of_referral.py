"""Questions about referrals: who opened one, and what happened outside its life, its consent, its purpose."""

from __future__ import annotations

import json

from referral_hub import protocol
from referral_hub.protocol import package
from referral_hub.review.questions.reads import REFERRAL, over_period, reading
from referral_hub.review.questions.shape import Question


def _needed() -> str:
    """Return, as JSON, which sections a kind of agency may get for a service: "kind/service" → sections."""
    book = protocol.current()
    pairs = {f"{kind}/{service}": sorted({*package.ceiling(kind, service), *book.matrix.always}) for service, found in book.services.items() for kind in found.kinds}
    return json.dumps(pairs)


Q1 = Question(
    1,
    REFERRAL,
    ("entry", "time", "member", "roles", "agency", "action", "sections", "purpose", "basis", "outcome"),
    reading(
        """
        SELECT $who_entry, $roles, e.agency_id AS agency, e.action, $sections, $purpose, e.basis, e.outcome
        FROM audit_entry e $said WHERE e.referral_id = :referral AND (e.action IN $OPENINGS OR e.action IN $LISTS) AND $scope
        ORDER BY e.idx LIMIT :most
        """
    ),
    needs=("referral",),
)

Q7 = over_period(
    7,
    REFERRAL,
    "entry time member agency referral action ending ended days basis",
    """
    WITH over AS MATERIALIZED (
        SELECT DISTINCT ON (coalesce(x.referral_id, x.object_id)) coalesce(x.referral_id, x.object_id) AS about, x.idx, x.action, x.occurred_at
        FROM audit_entry x WHERE x.action IN $ENDINGS AND x.outcome = 'allow' ORDER BY coalesce(x.referral_id, x.object_id), x.idx
    )
    SELECT $who, e.referral_id AS referral, e.action, o.action AS ending, o.occurred_at AS ended,
           CAST(extract(epoch FROM e.occurred_at - o.occurred_at) / 86400 AS int) AS days, e.basis
    FROM audit_entry e JOIN over o ON o.about = coalesce(e.referral_id, e.object_id) AND o.idx < e.idx
    WHERE $span AND $opened AND $agency AND $scope ORDER BY $newest LIMIT :most
    """,
)

Q8 = over_period(
    8,
    REFERRAL,
    "entry time member agency referral action sections",
    """
    SELECT $who, e.referral_id AS referral, e.action, $sections
    FROM audit_entry e $said
    WHERE $span AND e.outcome = 'allow' AND e.action IN $LATER_OPENINGS AND e.basis = 'recipient' AND $agency AND $scope AND NOT EXISTS (
        SELECT 1 FROM audit_entry x WHERE x.referral_id = e.referral_id AND x.idx < e.idx AND x.agency_id = e.agency_id AND x.action = 'referral.accept'
        AND x.outcome = 'allow'
    ) ORDER BY $newest LIMIT :most
    """,
)

Q22 = over_period(
    22,
    REFERRAL,
    "state entry time agency recipient referral hours",
    """
    SELECT 'not_received' AS state, e.idx AS entry, e.occurred_at AS time, e.agency_id AS agency, e.recipient_agency AS recipient, e.referral_id AS referral,
           CAST(extract(epoch FROM CAST(:now AS timestamptz) - e.occurred_at) / 3600 AS int) AS hours
    FROM audit_entry e
    WHERE $span AND e.manifest_digest IS NOT NULL AND e.recipient_agency IS NOT NULL AND e.outcome = 'allow' AND $agency AND $scope AND NOT EXISTS (
        SELECT 1 FROM audit_entry x WHERE x.referral_id = e.referral_id AND x.idx > e.idx AND x.agency_id = e.recipient_agency AND x.outcome = 'allow'
    )
    UNION ALL
    SELECT 'not_sent', e.idx, e.occurred_at, NULL, e.agency_id, e.referral_id, NULL
    FROM audit_entry e
    WHERE $span AND e.basis = 'recipient' AND $opened AND $agency AND $scope AND NOT EXISTS (
        SELECT 1 FROM audit_entry x WHERE x.referral_id = e.referral_id AND x.idx < e.idx AND x.recipient_agency = e.agency_id AND x.manifest_digest IS NOT NULL
        AND x.outcome = 'allow'
    )
    ORDER BY entry DESC LIMIT :most
    """,
)

Q24 = over_period(
    24,
    REFERRAL,
    "state entry time member agency referral action since",
    """
    SELECT CASE WHEN w.at IS NULL THEN 'no_basis' ELSE 'withdrawn' END AS state, $who, e.referral_id AS referral, e.action, w.at AS since
    FROM audit_entry e $said LEFT JOIN LATERAL (
        SELECT min(x.occurred_at) AS at FROM audit_entry x WHERE x.object_id = CAST(j->>'consent_id' AS uuid) AND x.action = 'consent.withdraw' AND x.outcome = 'allow'
        AND x.idx < e.idx
    ) w ON true
    WHERE $span AND $opened AND e.basis = 'recipient' AND $agency AND $scope AND (w.at IS NOT NULL OR (j->>'consent_id' IS NULL AND j->>'legal_basis' IS NULL))
    ORDER BY $newest LIMIT :most
    """,
)

Q25 = over_period(
    25,
    REFERRAL,
    "state entry time member agency referral action sections",
    """
    SELECT 'beyond_usual' AS state, $who, e.referral_id AS referral, e.action, ARRAY(SELECT jsonb_array_elements_text(j->'fields')) AS sections
    FROM audit_entry e $said
    WHERE $span AND e.action = 'referral.send' AND e.outcome = 'allow' AND j ? 'fields' AND $agency AND $scope
    UNION ALL
    SELECT 'not_needed', $who, e.referral_id, e.action, more.sections
    FROM audit_entry e $said JOIN referral r ON r.id = e.referral_id JOIN agency a ON a.id = e.agency_id
    CROSS JOIN LATERAL (
        SELECT array_agg(s) AS sections FROM jsonb_array_elements_text(j->'sections') s
        WHERE NOT coalesce(CAST(:needed AS jsonb)->(a.kind || '/' || r.service), '[]') ? s
    ) more
    WHERE $span AND $opened AND e.basis = 'recipient' AND more.sections IS NOT NULL AND $agency AND $scope
    ORDER BY entry DESC LIMIT :most
    """,
    needed=_needed,
)
