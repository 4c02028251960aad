"""Log detail: locked under a key a month, destroyed after 24 months, and the tree untouched."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.audit import details, fsck, queries, whence
from referral_hub.db import transact
from referral_hub.vault import hub as vault_hub
from tests.audit.conftest import NOW, add, entry

PLAIN = b"203.0.113.9\nold phone"
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def hub(log, tmp_path):
    vault_hub.create_key_folder(tmp_path / "keys")
    return transact(log, lambda s: vault_hub.bootstrap(s, folder=tmp_path / "keys", profile="test", now=NOW))


def sealed(log, hub, moment=NOW):
    return transact(log, lambda s: whence.seal(s, hub=hub, plain=PLAIN, moment=moment))


def test_what_is_sealed_opens_with_its_month_and_no_other(log, hub):
    kept = sealed(log, hub)
    assert PLAIN not in kept
    assert whence.open_detail(log, hub=hub, sealed=kept, moment=NOW) == PLAIN
    sealed(log, hub, DECEMBER)
    with pytest.raises(errors.CannotOpen):
        whence.open_detail(log, hub=hub, sealed=kept, moment=DECEMBER)


def test_a_month_has_one_key_and_only_its_wrap_is_kept(log, hub):
    sealed(log, hub)
    sealed(log, hub)
    sealed(log, hub, DECEMBER)
    assert log.scalar(text("SELECT count(*) FROM audit_detail_key")) == 2
    wraps = log.scalars(text("SELECT wrapped FROM audit_detail_key")).all()
    assert set(hub.month_keys.values()).isdisjoint(wraps)


def test_a_key_that_was_rolled_back_is_not_remembered(log, hub):
    whence.seal(log, hub=hub, plain=PLAIN, moment=NOW)
    log.rollback()
    kept = sealed(log, hub)
    assert whence.open_detail(log, hub=hub, sealed=kept, moment=NOW) == PLAIN


def test_old_months_are_destroyed_and_the_tree_is_not_touched(log, hub, worker):
    whence.attach(log, lambda s, moment: whence.seal(s, hub=hub, plain=PLAIN, moment=moment))
    for year, month in ((2024, 10), (2024, 11), (2026, 11)):
        add(log, entry(occurred_at=datetime(year, month, 15, tzinfo=UTC), action="session.sign_in"))
    assert transact(worker, lambda s: details.destroy_expired(s, now=NOW)) == 1
    assert log.scalars(text("SELECT idx FROM audit_detail ORDER BY idx")).all() == [1, 2]
    gone = datetime(2024, 10, 15, tzinfo=UTC)
    assert whence.open_detail(log, hub=hub, sealed=b"anything", moment=gone) is None
    destroyed = queries.peek(log, 3).entry
    assert (destroyed.action, destroyed.actor_kind, destroyed.count) == ("audit.detail_destroy", "clock", 1)
    log.rollback()
    assert fsck.check(log, vkeys=()) == []


def test_with_nothing_to_destroy_nothing_is_said(log, worker):
    assert transact(worker, lambda s: details.destroy_expired(s, now=NOW)) == 0
    assert queries.size(log) == 0
