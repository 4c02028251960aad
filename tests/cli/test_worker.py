"""The worker's jobs of the log, with a real witness."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import audit, errors
from referral_hub.audit import queries, signer
from referral_hub.audit.append import name_log
from referral_hub.cli.worker import Work
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from referral_hub.settings import load
from referral_hub.vault.hub import create_key_folder
from tests.audit.standing import Standing, waiting
from tests.audit.test_signer import restore

START = datetime(2026, 11, 23, 19, 14, tzinfo=UTC)


class Clock:
    moment = START

    def now(self):
        return self.moment

    def move(self, **span):
        self.moment += timedelta(**span)


@pytest.fixture
def work(session, worker_url, db_url, tmp_path):
    """The worker over an empty, named log."""
    create_key_folder(tmp_path / "keys")
    settings = load(
        "test", environ={}, database_url=db_url, key_folder=tmp_path / "keys", session_folder=tmp_path / "session", tombstone_file=tmp_path / "tombstones",
        witness_policy=str(tmp_path / "policy"),
    )  # fmt: skip
    transact(session, lambda s: name_log(s, origin=settings.log_origin))
    engine = make_engine(worker_url, pool_size=2)
    yield Work(settings, engine, Clock())
    engine.dispose()
    session.rollback()
    transact(session, lambda s: s.execute(text("UPDATE audit_head SET origin = '', size = 0, frontier = ''")))


@pytest.fixture
def standing(work, tmp_path):
    (tmp_path / "witnesses").mkdir()
    made = Standing(tmp_path / "witnesses", signer.vkeys(signer.load(work.settings.key_folder, origin=work.settings.log_origin))[0])
    with made.servers:
        yield made


def grow(session, work, count=3):
    said = audit.Entry(occurred_at=work.clock.now(), action="audit.verify", actor_kind="operator")
    transact(session, lambda s: [audit.record(s, said) for _ in range(count)])
    work.clock.move(seconds=30)


def state(session):
    found = queries.witnesses(session)
    session.rollback()
    return found


def write(tmp_path, standing, *rest):
    (tmp_path / "policy").write_text(standing.text(*rest), encoding="utf-8")


def test_signed_and_witnessed(work, session, standing, tmp_path):
    standing.witness("a", clock=work.clock.now)
    write(tmp_path, standing, "quorum a")
    grow(session, work)
    work.sign_checkpoint()
    work.collect_cosignatures()
    assert state(session).is_witnessed(2)


def test_no_policy_asks_nobody(work, session):
    alone = dataclasses.replace(work, settings=dataclasses.replace(work.settings, witness_policy=""))
    grow(session, work)
    alone.sign_checkpoint()
    alone.collect_cosignatures()
    assert state(session).rows == ()
    assert queries.latest_checkpoint(session).size == 3


def test_a_policy_that_cannot_be_read_stops_no_signature(work, session, tmp_path):
    (tmp_path / "policy").write_text("nonsense", encoding="utf-8")
    grow(session, work)
    work.sign_checkpoint()
    assert queries.latest_checkpoint(session).size == 3
    with pytest.raises(errors.BadSettings):
        work.collect_cosignatures()


def test_a_witness_is_asked_before_the_first_signature_after_a_restore(work, session, standing, tmp_path, owner_engine):
    standing.witness("a", clock=work.clock.now)
    write(tmp_path, standing, "quorum a")
    grow(session, work, 10)
    work.sign_checkpoint()
    last = work.settings.key_folder / "checkpoint" / "last-checkpoint"
    older = last.read_text(encoding="utf-8")
    grow(session, work, 10)
    work.sign_checkpoint()
    work.collect_cosignatures()
    session.rollback()

    def owner(statement, **values):
        with owner_engine.begin() as connection:
            return connection.execute(text(statement), values)

    owner("DELETE FROM audit_quorum")
    owner("DELETE FROM audit_cosignature")
    restore(owner, 10)
    last.write_text(older, encoding="utf-8")
    grow(session, work, 5)
    fresh = Work(work.settings, work.engine, work.clock)  # the process begins anew
    fresh.sign_checkpoint()
    assert queries.latest_checkpoint(session).size == 10
    assert queries.latest(session, filters=queries.Filter(action="checkpoint.fork_refused"))[0].entry.reason == "witness_shorter"


def test_who_shows_nothing_is_asked_once_a_minute_and_stops_no_signature(work, session, standing, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("referral_hub.cli.worker.ASK_SECONDS", 0.3)
    standing.bad("mute", lambda connection: (asked.append(1), waiting(5)(connection)))
    write(tmp_path, standing, "quorum mute")
    for _ in range(3):
        grow(session, work)
        work.sign_checkpoint()
    assert queries.latest_checkpoint(session).size == 9
    assert len(asked) == 2  # at 30 s, 60 s and 90 s


def test_two_collections_do_not_run_at_once(work, session, standing, tmp_path):
    standing.witness("a", clock=work.clock.now)
    write(tmp_path, standing, "quorum a")
    grow(session, work)
    work.sign_checkpoint()
    with work.memory.collecting:
        work.collect_cosignatures()
    assert state(session).rows == ()
    work.collect_cosignatures()
    assert state(session).rows[0].size == 3


def test_a_clock_that_went_back_and_a_time_without_signer_are_told_once(work, session):
    quiet = dataclasses.replace(work, settings=dataclasses.replace(work.settings, witness_policy=""))
    grow(session, work)
    quiet.sign_checkpoint()
    work.clock.move(minutes=-10)
    for _ in range(3):
        quiet.sign_checkpoint()
    (jump,) = queries.latest(session, filters=queries.Filter(action="clockwork.jump"))
    assert (jump.entry.count, jump.entry.object_kind) == (600, "system")
    assert queries.latest_checkpoint(session).size == 4  # signing goes on
    session.rollback()
    work.clock.move(minutes=45)
    for _ in range(3):
        quiet.sign_checkpoint()
    (gap,) = queries.latest(session, filters=queries.Filter(action="checkpoint.gap"))
    assert gap.entry.count == 45
    with Session(work.engine) as other:
        assert queries.size(other) == 5
