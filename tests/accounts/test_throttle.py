"""Three buckets with a held clock: who is locked out by whom, and what the log is told."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.accounts import signin, throttle, tidying
from referral_hub.accounts.values import Source
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from tests.accounts.world import OFFICE

WRONG = "bukan frasa yang benar"
ATTACKER = Source(address="203.0.113.9", device="")


@pytest.fixture
def hendra(network):
    agency = network.agency("uptd")
    person = network.first_administrator(agency)
    network.clock.pass_(minutes=1)
    return person


def attempt(network, mail, *, source=ATTACKER, device=None, passphrase=WRONG):
    """Try once; return what was answered."""
    try:
        signin.begin_sign_in(network.session, mail=mail, passphrase=passphrase, source=source, device_cookie=device, **network.slow())
    except errors.Throttled as waiting:
        return waiting.facts["retry_after"]
    except errors.InputInvalid:
        return "no"
    return "yes"


def told(network, action):
    return [json.loads(row.payload).get("count") for row in network.entries(action)]


def test_an_exhausted_account_never_locks_its_known_device(network, hendra):
    assert [attempt(network, hendra.mail) for _ in range(10)] == ["no"] * 10
    assert attempt(network, hendra.mail) == 900
    assert attempt(network, hendra.mail, source=OFFICE, passphrase=hendra.passphrase) == 900
    assert attempt(network, hendra.mail, source=OFFICE, passphrase=hendra.passphrase, device=hendra.device) == "yes"


def test_another_members_device_is_no_known_device(network, hendra):
    dede = network.invited(hendra, hendra.caller().agency, "dede", "intake")
    dede.enrol()
    for _ in range(10):
        attempt(network, hendra.mail, device=dede.device)
    assert attempt(network, hendra.mail, passphrase=hendra.passphrase, device=dede.device) == 900


def test_a_known_device_has_a_limit_of_its_own(network, hendra):
    assert [attempt(network, hendra.mail, device=hendra.device) for _ in range(11)][-2:] == ["no", 900]
    assert attempt(network, hendra.mail, passphrase=hendra.passphrase) == "yes"


def test_the_window_ends(network, hendra):
    for _ in range(10):
        attempt(network, hendra.mail)
    network.clock.pass_(minutes=14, seconds=30)
    assert attempt(network, hendra.mail, passphrase=hendra.passphrase) == 30
    network.clock.pass_(seconds=30)
    assert attempt(network, hendra.mail, passphrase=hendra.passphrase) == "yes"


def test_right_attempts_are_given_back(network, hendra):
    assert [attempt(network, hendra.mail, passphrase=hendra.passphrase) for _ in range(12)] == ["yes"] * 12


def test_a_network_is_throttled_over_many_accounts_but_no_known_device_in_it(network, hendra):
    attempt(network, "someone@x.test")
    set_attempts(network, kind="network", attempts=300)
    assert attempt(network, "other@x.test") == 900
    neighbour = Source(address="203.0.113.200", device="")
    assert attempt(network, hendra.mail, source=neighbour, passphrase=hendra.passphrase) == 900
    assert attempt(network, hendra.mail, source=neighbour, passphrase=hendra.passphrase, device=hendra.device) == "yes"
    assert attempt(network, hendra.mail, source=OFFICE, passphrase=hendra.passphrase) == "yes"


def set_attempts(network, *, kind, attempts):
    network.session.execute(text("UPDATE throttle SET attempts = :n WHERE kind = :kind"), {"n": attempts, "kind": kind})
    transact(network.session, lambda _: None)


def test_the_first_five_failures_are_entries_then_one_with_a_count(network, hendra):
    for _ in range(10):
        attempt(network, hendra.mail)
    attempt(network, hendra.mail)
    assert told(network, "session.sign_in_failed") == [None] * 5
    assert told(network, "session.throttled") == []
    network.clock.pass_(minutes=15)
    attempt(network, hendra.mail, passphrase=hendra.passphrase)
    assert told(network, "session.throttled") == [6]
    assert {row.object_id for row in network.entries("session.throttled", "session.sign_in_failed")} == {hendra.id}


def test_failures_without_refusals_are_counted_as_failures(network, hendra):
    for _ in range(7):
        attempt(network, hendra.mail)
    network.clock.pass_(minutes=15)
    transact(network.session, lambda s: throttle.close_windows(s, now=network.clock.now))
    assert told(network, "session.sign_in_failed") == [None] * 5 + [2]
    assert network.session.scalar(text("SELECT count(*) FROM throttle")) == 0


def test_made_up_names_cannot_fill_the_log(network, hendra):
    for number in range(20):
        attempt(network, f"made-up-{number}@x.test")
    assert told(network, "session.sign_in_failed") == [None] * 5
    network.clock.pass_(minutes=15)
    transact(network.session, lambda s: throttle.close_windows(s, now=network.clock.now))
    assert told(network, "session.sign_in_failed") == [None] * 5 + [15]
    assert {row.object_id for row in network.entries("session.sign_in_failed")} == {None}


def test_a_failure_says_nowhere_in_clear_where_it_came_from(network, hendra):
    attempt(network, hendra.mail, source=Source(address="203.0.113.9", device=""))
    dump = network.session.execute(text("SELECT string_agg(payload::text, '') FROM audit_entry")).scalar_one()
    assert b"203.0.113.9".hex() not in dump
    tokens = network.session.scalars(text("SELECT token FROM throttle")).all()
    assert all(b"203.0" not in token and len(token) == 16 for token in tokens)


def test_racing_attempts_cannot_pass_the_limit(network, hendra, engine):
    import threading

    answers, start = [], threading.Barrier(4)

    def several():
        with Session(engine, expire_on_commit=False) as own:
            start.wait()
            for _ in range(4):
                try:
                    signin.begin_sign_in(own, mail=hendra.mail, passphrase=WRONG, source=ATTACKER, device_cookie=None, **network.slow())
                except errors.Throttled:
                    answers.append("wait")
                except errors.InputInvalid:
                    answers.append("no")

    threads = [threading.Thread(target=several) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["no"] * 10 + ["wait"] * 6


def test_the_worker_sweeps_with_its_few_rights(network, hendra, worker_url):
    for _ in range(7):
        attempt(network, hendra.mail)
    network.clock.pass_(hours=9)
    worker = make_engine(worker_url, pool_size=1)
    with Session(worker) as own:
        transact(own, lambda s: tidying.sweep(s, now=network.clock.now))
        assert own.scalar(text("SELECT state FROM member")) == "active"
        own.rollback()
        for column in ("name_locked", "mail_locked", "verifier_locked", "key_wrap", "totp_locked", "public_key"):
            with pytest.raises(Exception, match="permission denied"):
                own.scalar(text(f"SELECT {column} FROM member"))
            own.rollback()
        with pytest.raises(Exception, match="permission denied"):
            own.scalar(text("SELECT key_wrap FROM session"))
    worker.dispose()
    for table in ("session", "invitation", "throttle"):
        assert network.session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    assert told(network, "session.sign_in_failed")[-1] == 2
