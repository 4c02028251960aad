"""Log detail: a key a month, destroyed after 24 months, and the tree untouched."""

from datetime import UTC, datetime

from sqlalchemy import text

from referral_hub.audit import details, fsck, queries
from referral_hub.db import transact
from tests.audit.conftest import NOW, add, entry


def test_a_month_has_one_key(log):
    first = transact(log, lambda s: details.wrapped_key(s, now=NOW, make=lambda: b"first"))
    again = transact(log, lambda s: details.wrapped_key(s, now=NOW, make=lambda: b"second"))
    other = transact(log, lambda s: details.wrapped_key(s, now=datetime(2026, 12, 1, tzinfo=UTC), make=lambda: b"december"))
    assert (first, again, other) == (b"first", b"first", b"december")


def test_old_months_are_destroyed_and_the_tree_is_not_touched(log, worker):
    for year, month in ((2024, 10), (2024, 11), (2026, 11)):
        moment = datetime(year, month, 15, tzinfo=UTC)
        transact(log, lambda s, m=moment: details.wrapped_key(s, now=m, make=lambda: b"key"))
        add(log, entry(occurred_at=moment, action="session.sign_in"), detail=b"sealed")
    assert transact(worker, lambda s: details.destroy_expired(s, now=NOW)) == 1
    assert log.scalars(text("SELECT idx FROM audit_detail ORDER BY idx")).all() == [1, 2]
    assert log.scalar(text("SELECT count(*) FROM audit_detail_key")) == 2
    destroyed = queries.peek(log, 3).entry
    assert (destroyed.action, destroyed.actor_kind, destroyed.count) == ("audit.detail_destroy", "clock", 1)
    log.rollback()
    assert fsck.check(log, vkeys=()) == []


def test_with_nothing_to_destroy_nothing_is_said(log, worker):
    assert transact(worker, lambda s: details.destroy_expired(s, now=NOW)) == 0
    assert queries.size(log) == 0
