"""Questions about the log itself: what is witnessed, whether it continues what was seen before, gaps, receipts, and who reads it."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from referral_hub import errors
from referral_hub.audit import merkle, proofs, queries
from referral_hub.review.questions.reads import LOG, over_period, reading
from referral_hub.review.questions.shape import PERIOD, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referral_hub.review.questions.shape import Asking

Q29 = Question(
    29,
    LOG,
    ("state", "entries", "first_entry", "last_entry"),
    reading(
        """
        WITH sizes AS (
            SELECT coalesce((SELECT max(size) FROM audit_checkpoint), 0) AS signed,
                   coalesce((SELECT max(c.size) FROM audit_checkpoint c JOIN audit_quorum q ON q.checkpoint_id = c.id), 0) AS witnessed
        )
        SELECT CASE WHEN e.idx < s.witnessed THEN 'witnessed' WHEN e.idx < s.signed THEN 'signed' ELSE 'recorded' END AS state,
               count(*) AS entries, min(e.idx) AS first_entry, max(e.idx) AS last_entry
        FROM audit_entry e, sizes s WHERE $span AND $scope GROUP BY 1 ORDER BY first_entry LIMIT :most
        """
    ),
    needs=PERIOD,
    is_paced=True,
)


def _continues(asking: Asking) -> Sequence[tuple[Any, ...]]:
    """Return whether today's log continues the tree that the asker saw (size and root), and each witness's delay for the newest checkpoint."""
    return [_compared(asking), *_witnesses(asking)][: asking.most]


def _compared(asking: Asking) -> tuple[Any, ...]:
    size, today = asking.given.size, queries.size(asking.session)
    if size is None or asking.given.root is None:
        return ("not_compared", today, None, None, None)
    if not 0 < size <= today:
        return ("shorter", today, None, None, None)
    try:
        old_root = _root(asking.given.root)
        new_root = proofs.root_at(asking.session, size=today)
        path = proofs.consistency(asking.session, old_size=size, new_size=today)
        merkle.verify_consistency(old_size=size, new_size=today, old_root=old_root, new_root=new_root, proof=path)
    except errors.BadProof:
        return ("differs", today, None, None, None)
    return ("continues", today, None, None, None)


def _root(typed: str) -> bytes:
    """Return a root hash as it stands in a checkpoint (base64) or as hexadecimal digits.

    Raises:
        errors.InputInvalid: neither.
    """
    try:
        value = bytes.fromhex(typed) if len(typed) == 2 * merkle.HASH_BYTES else base64.b64decode(typed, validate=True)
    except (ValueError, binascii.Error):
        value = b""
    if len(value) != merkle.HASH_BYTES:
        raise errors.InputInvalid({"root": ("malformed",)})
    return value


_COSIGNED = text("""
    SELECT DISTINCT ON (w.name) c.size, w.name AS witness, c.signed_at AS signed, CAST(extract(epoch FROM s.received_at - c.signed_at) / 60 AS int) AS minutes
    FROM audit_witness w LEFT JOIN audit_cosignature s ON s.witness = w.key LEFT JOIN audit_checkpoint c ON c.id = s.checkpoint_id
    WHERE w.listed ORDER BY w.name, c.size DESC NULLS LAST, s.received_at
""")


def _witnesses(asking: Asking) -> list[tuple[Any, ...]]:
    rows = asking.session.execute(_COSIGNED)
    return [("never_cosigned" if row.size is None else "cosigned", row.size, row.witness, row.signed, row.minutes) for row in rows]


Q30 = Question(30, LOG, ("state", "size", "witness", "signed", "minutes"), _continues, takes=("size", "root"))

Q31 = over_period(
    31,
    LOG,
    "state entry since time minutes action reason",
    """
    SELECT state, entry, since, time, minutes, action, reason FROM (
        SELECT 'event' AS state, e.idx AS entry, CAST(NULL AS timestamptz) AS since, e.occurred_at AS time, CAST(NULL AS int) AS minutes, e.action, e.reason
        FROM audit_entry e WHERE e.actor_kind <> 'member' AND e.action IN $TROUBLE AND $span AND $agency AND $scope
        UNION ALL
        SELECT 'no_checkpoint', NULL, c.before, c.signed_at, CAST(extract(epoch FROM c.signed_at - c.before) / 60 AS int), NULL, NULL
        FROM (SELECT signed_at, lag(signed_at) OVER (ORDER BY signed_at) AS before FROM audit_checkpoint WHERE signed_at >= CAST(:since AS timestamptz) - interval '1 day' AND signed_at < :until) c
        WHERE c.before IS NOT NULL AND c.signed_at >= :since AND c.signed_at - c.before > interval '15 minutes'
        UNION ALL
        SELECT 'not_witnessed', NULL, c.signed_at, q.reached_at, CAST(extract(epoch FROM coalesce(q.reached_at, CAST(:now AS timestamptz)) - c.signed_at) / 60 AS int), NULL, NULL
        FROM audit_checkpoint c LEFT JOIN audit_quorum q ON q.checkpoint_id = c.id
        WHERE c.signed_at >= :since AND c.signed_at < :until AND coalesce(q.reached_at, CAST(:now AS timestamptz)) - c.signed_at > interval '15 minutes'
        AND EXISTS (SELECT 1 FROM audit_witness w WHERE w.listed)
        UNION ALL
        SELECT 'backwards', t.idx, t.before, t.occurred_at, CAST(ceil(extract(epoch FROM t.before - t.occurred_at) / 60) AS int), t.action, NULL
        FROM (SELECT e.idx, e.action, e.occurred_at, lag(e.occurred_at) OVER (ORDER BY e.idx) AS before FROM audit_entry e WHERE $span AND $agency AND $scope) t
        WHERE t.before - t.occurred_at > interval '1 minute'
    ) found ORDER BY time DESC NULLS FIRST LIMIT :most
    """,
)

Q32 = over_period(
    32,
    LOG,
    "entry time agency member outcome reason compared",
    """
    SELECT e.idx AS entry, e.occurred_at AS time, e.agency_id AS agency, e.actor_id AS member, e.outcome, e.reason, CAST(j->>'count' AS int) AS compared
    FROM audit_entry e $said WHERE $span AND e.action = 'audit.reconcile' AND $agency AND $scope ORDER BY e.idx DESC LIMIT :most
    """,
)

Q33 = over_period(
    33,
    LOG,
    "entry time member agency action sections rows",
    """
    SELECT $who, e.action, $sections, CAST(j->>'count' AS int) AS rows
    FROM audit_entry e $said WHERE $span AND e.action IN $OVERSIGHT AND $agency AND $scope ORDER BY e.idx DESC LIMIT :most
    """,
)
