"""Sign-in in two pages: what lets in, what does not, and that nobody can tell why."""

import base64
import threading

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.accounts import actions, sessions, signin
from referral_hub.accounts.slots import DerivationSlots
from referral_hub.accounts.values import Source
from referral_hub.db import transact
from tests.accounts.world import OFFICE

ELSEWHERE = Source(address="203.0.113.9", device="Chrome · Android")


@pytest.fixture
def hendra(network):
    agency = network.agency("uptd")
    return network.first_administrator(agency)


def count(network, table):
    found = network.session.scalar(text(f"SELECT count(*) FROM {table}"))
    network.session.rollback()
    return found


def test_two_pages_then_a_session_with_new_id_and_secret(network, hendra):
    network.clock.pass_(minutes=1)
    started = hendra.begin(device=hendra.device)
    assert transact(network.session, lambda s: sessions.pending(s, cookie=started.cookie, now=network.clock.now)).member_id == hendra.id
    with pytest.raises(errors.NotSignedIn):
        transact(
            network.session,
            lambda s: sessions.resume(s, hub=network.hub, halves=network.halves, cookie=started.cookie, now=network.clock.now),
        )
    done = hendra.finish(started.cookie, device=hendra.device)
    first, second = (cookie.partition(".") for cookie in (started.cookie, done.cookie))
    assert first[0] != second[0]
    assert first[2] != second[2]
    assert done.device_cookie == hendra.device
    caller = transact(
        network.session, lambda s: sessions.resume(s, hub=network.hub, halves=network.halves, cookie=done.cookie, now=network.clock.now)
    )
    assert (caller.actor.code, caller.actor.strength, caller.actor.auth_method) == (hendra.member.code, "fresh", "passphrase+totp")
    with pytest.raises(errors.NotSignedIn):
        hendra.finish(started.cookie)
    assert [row.outcome for row in network.entries("session.sign_in")] == ["allow"]


def test_the_pending_session_ends_after_five_minutes(network, hendra):
    started = hendra.begin()
    network.clock.pass_(minutes=5)
    with pytest.raises(errors.NotSignedIn):
        hendra.finish(started.cookie)


def test_unknown_wrong_suspended_and_left_answer_alike_and_cost_one_derivation(network, hendra, monkeypatch):
    agency_id = hendra.member.agency_id
    asep, dede = (network.invited(hendra, hendra.caller().agency, name, "intake") for name in ("asep", "dede"))
    for person, verb in ((asep, actions.suspend), (dede, actions.leave)):
        person.enrol()
        hendra.act(verb, member_id=person.id, version=person.member.version)
    never = network.invited(hendra, hendra.caller().agency, "euis", "outreach")
    derived = []
    counted = DerivationSlots(workers=1, cores=1)
    aside = counted.aside
    monkeypatch.setattr(counted, "aside", lambda: (derived.append(1), aside())[1])
    network.slots = counted
    answers = []
    for mail, passphrase in (
        ("nobody@uptd.rujukan.test", "apa saja yang panjang"),
        (hendra.mail, "apa saja yang panjang"),
        (asep.mail, asep.passphrase),
        (dede.mail, dede.passphrase),
        (never.mail, never.passphrase),
        ("", ""),
        ("\ud800@x.y", "\ud800 satu dua tiga empat"),
    ):
        with pytest.raises(errors.InputInvalid) as refused:
            signin.begin_sign_in(network.session, mail=mail, passphrase=passphrase, source=OFFICE, device_cookie=None, **network.slow())
        answers.append((refused.value.code, dict(refused.value.facts), refused.value.fields, str(refused.value)))
    assert len(set(map(repr, answers))) == 1
    assert len(derived) == len(answers)
    assert agency_id == hendra.caller().agency.id


def test_an_unknown_account_always_derives_with_the_same_salt(network):
    assert network.hub.pseudo_salt("a@b.test") == network.hub.pseudo_salt("a@b.test")
    assert network.hub.pseudo_salt("a@b.test") != network.hub.pseudo_salt("c@b.test")
    assert len(network.hub.pseudo_salt("a@b.test")) == 16


def test_mail_is_found_in_any_case_and_kept_only_as_token_and_lock(network, hendra):
    hendra.mail = f"  {hendra.mail.upper()} "
    assert hendra.sign_in().cookie
    row = network.session.execute(text("SELECT * FROM member")).mappings().one()
    assert all(b"hendra" not in value.lower() for value in row.values() if isinstance(value, bytes))
    assert all("hendra" not in str(value).lower() for value in row.values() if not isinstance(value, bytes))


def test_a_code_is_good_once(network, hendra):
    network.clock.pass_(minutes=1)
    code = hendra.code()
    hendra.finish(hendra.begin().cookie, code=code)
    started = hendra.begin()
    with pytest.raises(errors.InputInvalid) as used:
        hendra.finish(started.cookie, code=code)
    assert used.value.fields == {"code": ("code_mismatch",)}
    network.clock.pass_(seconds=30)
    assert hendra.finish(started.cookie).cookie


def test_the_code_of_the_enrolment_is_used_too(network, hendra):
    with pytest.raises(errors.InputInvalid):
        hendra.finish(hendra.begin().cookie)


def test_an_older_code_is_refused_after_a_newer_one(network, hendra):
    network.clock.pass_(minutes=1)
    older = hendra.code()
    network.clock.pass_(seconds=30)
    hendra.finish(hendra.begin().cookie)
    with pytest.raises(errors.InputInvalid):
        hendra.finish(hendra.begin().cookie, code=older)


def test_two_pages_with_the_same_code_at_once_let_in_one(network, hendra, engine):
    from sqlalchemy.orm import Session

    network.clock.pass_(minutes=1)
    cookies = [hendra.begin().cookie for _ in range(2)]
    outcomes, both = [], threading.Barrier(2)

    def finish(cookie):
        with Session(engine, expire_on_commit=False) as own:
            both.wait()
            try:
                signin.finish_sign_in(own, cookie=cookie, code=hendra.code(), source=OFFICE, device_cookie=None, **network.quick())
                outcomes.append("in")
            except errors.InputInvalid as refused:
                outcomes.append(refused.code)

    threads = [threading.Thread(target=finish, args=(cookie,)) for cookie in cookies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["code_mismatch", "in"]


def test_five_wrong_codes_end_the_pending_session(network, hendra):
    started = hendra.begin()
    for _ in range(5):
        with pytest.raises(errors.InputInvalid):
            hendra.finish(started.cookie, code="000 000")
    network.clock.pass_(minutes=1)
    with pytest.raises(errors.NotSignedIn):
        hendra.finish(started.cookie)
    failed = network.entries("session.second_factor_failed")
    assert [row.actor_id for row in failed] == [hendra.id] * 5


def test_codes_are_throttled_across_pending_sessions(network, hendra):
    network.clock.pass_(minutes=1)
    for _ in range(2):
        started = hendra.begin()
        for _ in range(5):
            with pytest.raises(errors.InputInvalid):
                hendra.finish(started.cookie, code="000000")
    started = hendra.begin()
    with pytest.raises(errors.Throttled) as waiting:
        hendra.finish(started.cookie)
    assert waiting.value.facts["retry_after"] == 15 * 60
    assert hendra.finish(started.cookie, device=hendra.device).cookie


def test_no_connection_is_held_while_deriving(network, hendra, engine):
    seen = []

    class Watching(DerivationSlots):
        def aside(self):
            seen.append(engine.pool.checkedout())
            return super().aside()

    network.slots = Watching()
    network.session.rollback()
    hendra.begin()
    assert seen == [0]


def test_full_slots_answer_at_capacity_and_give_the_attempt_back(network, hendra):
    network.slots = DerivationSlots(workers=1, cores=1, patience=0.01)
    for _ in range(12):
        with network.slots.aside(), pytest.raises(errors.Unavailable) as full:
            hendra.begin()
    assert (full.value.code, full.value.facts["retry_after"]) == ("at_capacity", 2)
    assert hendra.begin().cookie


def test_parameters_are_raised_at_the_next_sign_in(network, hendra):
    from referral_hub.vault import kdf
    from tests.vault.cheap import CHEAP

    dearer = kdf.below_floor(iterations=CHEAP.iterations + 1, memory_kib=CHEAP.memory_kib)
    before = network.session.scalar(text("SELECT fingerprint FROM member"))
    network.session.rollback()
    signin.begin_sign_in(
        network.session,
        mail=hendra.mail,
        passphrase=hendra.passphrase,
        source=OFFICE,
        device_cookie=None,
        **(network.slow() | {"kdf": dearer}),
    )
    after = network.session.execute(text("SELECT kdf, fingerprint FROM member")).one()
    network.session.rollback()
    assert (after.kdf, after.fingerprint) == (dearer.text, before)
    assert hendra.sign_in().cookie


def test_a_tampered_key_wrap_is_an_error_and_no_mismatch(network, hendra, owner_engine):
    with owner_engine.begin() as owner:
        owner.execute(text("UPDATE member SET key_wrap = overlay(key_wrap placing '\\x00'::bytea from 60)"))
    with pytest.raises(errors.CannotOpen):
        hendra.begin()


def test_published_keys_are_checked_at_sign_in(network, owner_engine):
    house = network.founded("uptd")
    with owner_engine.begin() as owner:
        owner.execute(
            text("UPDATE member SET public_key = overlay(public_key placing '\\x00'::bytea from 60) WHERE id = :id"), {"id": house.lead.id}
        )
    with pytest.raises(errors.CannotOpen):
        house.lead.sign_in()
    with owner_engine.begin() as owner:
        owner.execute(text("UPDATE agency_epoch SET public_key = overlay(public_key placing '\\x00'::bytea from 60)"))
    with pytest.raises(errors.CannotOpen):
        house.worker.sign_in()


def test_signing_in_again_rotates_and_makes_fresh(network, hendra):
    hendra.sign_in()
    old = hendra.cookie
    network.clock.pass_(minutes=10)
    assert hendra.caller().actor.strength == "full"
    ways = {"source": OFFICE, "device_cookie": hendra.device}
    with pytest.raises(errors.InputInvalid, match="pair_mismatch"):
        signin.reauthenticate(
            network.session, cookie=old, passphrase="bukan frasa yang benar", code=hendra.code(), **ways, **network.slow()
        )
    with pytest.raises(errors.InputInvalid, match="code_mismatch"):
        signin.reauthenticate(network.session, cookie=old, passphrase=hendra.passphrase, code="000000", **ways, **network.slow())
    assert hendra.caller().actor.strength == "full"
    done = signin.reauthenticate(network.session, cookie=old, passphrase=hendra.passphrase, code=hendra.code(), **ways, **network.slow())
    hendra.cookie = done.cookie
    assert hendra.caller().actor.strength == "fresh"
    hendra.cookie = old
    with pytest.raises(errors.NotSignedIn):
        hendra.caller()
    assert len(network.entries("session.reauth")) == 1


def test_a_changed_passphrase_ends_the_other_sessions_and_keeps_the_key(network):
    house = network.founded("uptd")
    lead = house.lead
    lead.sign_in()
    here = lead.cookie
    lead.sign_in()
    there, lead.cookie = lead.cookie, here
    change = {"cookie": here, "new": "enam kata lain yang panjang"}
    with pytest.raises(errors.InputInvalid, match="pair_mismatch"):
        signin.change_passphrase(network.session, present="bukan yang sekarang ini", **change, **network.slow())
    with pytest.raises(errors.InputInvalid) as weak:
        signin.change_passphrase(network.session, present=lead.passphrase, **(change | {"new": "pendek"}), **network.slow())
    assert weak.value.fields == {"passphrase": ("too_short",)}
    ended = signin.change_passphrase(network.session, present=lead.passphrase, **change, **network.slow())
    assert ended == 2
    assert lead.caller().actor.holds_key
    lead.cookie = there
    with pytest.raises(errors.NotSignedIn):
        lead.caller()
    with pytest.raises(errors.InputInvalid):
        lead.begin()
    lead.passphrase = change["new"]
    lead.sign_in()
    assert lead.caller().keys.bundle(network.session, house.agency.id).epoch == 1
    assert [row.object_id for row in network.entries("account.passphrase_change")] == [lead.id]


def test_the_totp_secret_is_shown_as_authenticators_read_it(network):
    from referral_hub.accounts import enrolment

    agency = network.agency("uptd")
    hendra = network.first_administrator(agency)
    dede = network.invited(hendra, agency, "dede", "intake")
    transact(network.session, lambda s: enrolment.accept_terms(s, token=dede.token, now=network.clock.now))
    cookie = enrolment.choose_passphrase(
        network.session, token=dede.token, passphrase=dede.passphrase, source=OFFICE, **network.slow()
    ).cookie
    setup = transact(network.session, lambda s: enrolment.second_factor(s, hub=network.hub, cookie=cookie, now=network.clock.now))
    assert f"secret={setup.secret}" in setup.uri
    assert len(base64.b32decode(setup.secret)) == 20
    assert "dede" not in setup.uri
