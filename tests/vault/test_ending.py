"""Destroying grants for good: outbox, tombstones, restored backups, and what the worker may touch."""

import uuid

import pytest
from sqlalchemy import create_engine, delete, insert, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.vault import grants, tombstones
from referral_hub.vault.records import GrantRow, ReleaseRow, TombstoneRow


@pytest.fixture
def worker(worker_url):
    engine = create_engine(worker_url)
    with Session(engine) as session:
        yield session
        session.rollback()
    engine.dispose()


def revoke(referral, now, hub=None):
    transact(referral.world.session, lambda s: grants.revoke(s, grant_ids=[referral.sent.full], now=now, hub=hub))


def refused(attempt):
    with pytest.raises(errors.CannotOpen):
        attempt()


def test_a_tombstone_is_written_right_after_the_commit_and_not_before(referral, now):
    file = referral.world.hub.tombstone_file
    session = referral.world.session

    def work(s):
        grants.revoke(s, grant_ids=[referral.sent.full], now=now, hub=referral.world.hub)
        assert not file.exists()

    transact(session, work)
    assert file.read_text() == f"1 {referral.sent.full} {now.isoformat()}\n"
    assert tombstones.read(file) == [referral.sent.full]


def test_a_rolled_back_revocation_leaves_no_tombstone(referral, now):
    referral.world.session.commit()

    def work(s):
        grants.revoke(s, grant_ids=[referral.sent.full], now=now, hub=referral.world.hub)
        raise errors.RuleBroken

    with pytest.raises(errors.RuleBroken):
        transact(referral.world.session, work)
    assert not referral.world.hub.tombstone_file.exists()
    assert referral.open("full") == referral.contents


def test_the_outbox_is_written_by_the_worker_once_and_again_after_a_crash(referral, now, worker, tmp_path):
    revoke(referral, now)
    file = tmp_path / "list"
    assert tombstones.write_pending(worker, file=file) == 1
    worker.rollback()
    assert transact(worker, lambda s: tombstones.write_pending(s, file=file)) == 1
    assert transact(worker, lambda s: tombstones.write_pending(s, file=file)) == 0
    assert tombstones.read(file) == [referral.sent.full]
    assert len(file.read_text().splitlines()) == 2
    assert referral.world.session.scalar(select(TombstoneRow.grant_id)) is None


def test_a_file_that_cannot_be_written_leaves_the_row_in_the_outbox(referral, now, caplog):
    referral.world.hub.tombstone_file.mkdir()
    revoke(referral, now, hub=referral.world.hub)
    assert "tombstones wait in the outbox: 1" in caplog.text
    assert referral.world.session.scalar(select(TombstoneRow.grant_id)) == referral.sent.full
    with pytest.raises(IsADirectoryError):
        tombstones.write_pending(referral.world.session, file=referral.world.hub.tombstone_file)
    refused(lambda: referral.gather("full"))


def test_a_line_cut_off_by_a_crash_is_passed_over(tmp_path, now):
    file, first, second = tmp_path / "list", uuid.uuid4(), uuid.uuid4()
    tombstones.append(file, [(first, now)])
    with file.open("a") as torn:
        torn.write(f"1 {uuid.uuid4()}"[:20])
    tombstones.append(file, [(second, now), (first, now)])
    assert tombstones.read(file) == [first, second]


def restore_old_rows(referral, owner_engine, row):
    """Bring back, as an old dump would, the release row and the standing of the grant; the outbox of then was empty."""
    referral.world.session.commit()
    with owner_engine.begin() as connection:
        connection.execute(insert(ReleaseRow).values(grant_id=referral.sent.full, locked=row))
        connection.execute(update(GrantRow).where(GrantRow.id == referral.sent.full).values(standing="live"))
        connection.execute(delete(TombstoneRow))


def test_a_destroyed_grant_does_not_come_back_with_an_old_dump(referral, now, owner_engine):
    session, file = referral.world.session, referral.world.hub.tombstone_file
    old = session.scalar(select(ReleaseRow.locked).where(ReleaseRow.grant_id == referral.sent.full))
    revoke(referral, now, hub=referral.world.hub)
    refused(lambda: referral.gather("full"))
    restore_old_rows(referral, owner_engine, old)
    assert referral.open("full") == referral.contents
    assert transact(session, lambda s: tombstones.replay(s, file=file)) == 1
    refused(lambda: referral.gather("full"))
    assert transact(session, lambda s: tombstones.replay(s, file=file)) == 0
    assert referral.open("preview") == {"preview": referral.preview}


def test_a_restore_without_tombstones_is_refused(session, tmp_path):
    with pytest.raises(errors.Unavailable) as missing:
        tombstones.replay(session, file=tmp_path / "none")
    assert missing.value.code == "tombstones_missing"


def test_the_worker_destroys_a_grant_by_its_id(referral, now, worker):
    referral.world.session.commit()
    assert transact(worker, lambda s: grants.revoke(s, grant_ids=[referral.sent.full], now=now)) == 1
    refused(lambda: referral.gather("full"))
    transact(worker, lambda s: grants.set_standing(s, grant_ids=[referral.sent.preview], standing=grants.Standing.SUSPENDED))
    refused(lambda: referral.gather("preview"))


SEALED = [
    "SELECT key_wrap FROM sealed_grant", "SELECT locked FROM release", "SELECT head FROM sealed_part", "SELECT body FROM sealed_part",
    "SELECT wrapped FROM sealed_share", "SELECT sealed FROM epoch_share", "SELECT link FROM agency_epoch", "SELECT recovery_share FROM agency_epoch",
    "SELECT locked FROM hub_secret", "SELECT body FROM manifest", "UPDATE sealed_grant SET key_wrap = ''", "UPDATE release SET locked = ''",
    "INSERT INTO release (grant_id, locked) SELECT id, '' FROM sealed_grant", "DELETE FROM sealed_part", "DELETE FROM epoch_share",
]  # fmt: skip


@pytest.mark.parametrize("statement", SEALED)
def test_the_worker_reads_and_changes_nothing_sealed(worker, statement):
    with pytest.raises(ProgrammingError, match="permission denied"):
        worker.execute(text(statement))


FIXED = [
    "UPDATE sealed_part SET head = ''", "UPDATE sealed_share SET wrapped = ''", "UPDATE sealed_grant SET key_wrap = ''",
    "UPDATE release SET locked = ''", "UPDATE manifest SET body = ''", "DELETE FROM manifest", "DELETE FROM agency_epoch",
    "UPDATE agency_epoch SET public_key = ''", "UPDATE hub_secret SET locked = ''", "DELETE FROM hub_secret", "UPDATE hub_state SET profile = ''",
]  # fmt: skip


@pytest.mark.parametrize("statement", FIXED)
def test_the_web_adds_and_removes_but_never_changes_what_is_sealed(session, statement):
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(statement))
