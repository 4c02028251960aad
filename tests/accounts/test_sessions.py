"""Sessions: three halves open one, times end it, and a deleted share acts at once."""

import base64
import uuid

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.accounts import sessions
from referral_hub.accounts.rules import times
from referral_hub.db import transact
from referral_hub.vault import agency as agency_keys
from referral_hub.vault.sessions import ServerHalves


@pytest.fixture
def hendra(network):
    return network.first_administrator(network.agency("uptd"))


def resume(network, cookie, *, halves=None, limits=times.LIMITS):
    ways = {"hub": network.hub, "halves": halves or network.halves, "now": network.clock.now, "limits": limits}
    return transact(network.session, lambda s: sessions.resume(s, cookie=cookie, **ways))


def test_cookie_row_and_server_half_are_all_needed(network, hendra, tmp_path, owner_engine):
    assert resume(network, hendra.cookie).keys.holds_key
    head, _, _ = hendra.cookie.partition(".")
    other = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()
    with pytest.raises(errors.NotSignedIn):
        resume(network, f"{head}.{other}")
    with pytest.raises(errors.NotSignedIn):
        resume(network, hendra.cookie, halves=ServerHalves.load(tmp_path / "after-a-full-stop", require_tmpfs=False))
    with owner_engine.begin() as owner:
        owner.execute(text("UPDATE session SET key_wrap = overlay(key_wrap placing '\\x00'::bytea from 30)"))
    with pytest.raises(errors.NotSignedIn):
        resume(network, hendra.cookie)


def test_a_row_does_not_open_under_another_session_or_member(network, hendra, owner_engine):
    dede = network.invited(hendra, hendra.caller().agency, "dede", "intake")
    dede.enrol()
    with owner_engine.begin() as owner:
        owner.execute(
            text("UPDATE session SET member_id = :id WHERE id = :session"), {"id": dede.id, "session": uuid.UUID(hendra.cookie[:32])}
        )
    with pytest.raises(errors.NotSignedIn):
        resume(network, hendra.cookie)


@pytest.mark.parametrize(
    "cookie", ["", ".", "x", "0" * 32, f"{'0' * 32}.", f"{'0' * 32}.AAAA", "Ω.Ω", f"07e056f7-582e-4bf1-b5fd-586c07b0abb7.{'A' * 43}", f"{'g' * 32}.{'A' * 43}"]
)
def test_other_cookies_are_nobody(network, cookie):
    with pytest.raises(errors.NotSignedIn):
        resume(network, cookie)


def test_a_cookie_has_one_spelling(network, hendra):
    for other in (hendra.cookie.upper(), hendra.cookie + "=", f"{uuid.UUID(hendra.cookie[:32])}{hendra.cookie[32:]}", hendra.cookie + " "):
        with pytest.raises(errors.NotSignedIn):
            resume(network, other)


def test_one_select_finds_session_member_and_agency(network, hendra, asked):
    asked.clear()
    caller = resume(network, hendra.cookie)
    assert len(asked) == 1
    assert (caller.agency.code, caller.member.code, caller.actor.agency_kind) == ("uptd", "AL-01", "social_services")
    assert "epoch_share" in asked[0]


def test_idle_after_fifteen_minutes_over_after_eight_hours(network, hendra):
    begun = network.clock.now
    for _ in range(33):
        network.clock.pass_(minutes=14)
        caller = resume(network, hendra.cookie)
        assert caller.idle_until == min(network.clock.now + times.LIMITS.idle, begun + times.LIMITS.lifetime)
    network.clock.now = begun + times.LIMITS.lifetime
    with pytest.raises(errors.NotSignedIn):
        resume(network, hendra.cookie)


def test_fifteen_minutes_without_a_request_end_it(network, hendra):
    network.clock.pass_(minutes=15)
    with pytest.raises(errors.NotSignedIn):
        resume(network, hendra.cookie)


def test_last_seen_moves_once_a_minute(network, hendra):
    assert not resume(network, hendra.cookie).touched
    network.clock.pass_(seconds=59)
    assert not resume(network, hendra.cookie).touched
    network.clock.pass_(seconds=1)
    assert resume(network, hendra.cookie).touched
    assert not resume(network, hendra.cookie).touched
    assert network.session.scalar(text("SELECT last_seen FROM session")) == network.clock.now


def test_a_deleted_share_acts_at_once(network):
    house = network.founded("uptd")
    caller = house.worker.caller()
    assert caller.actor.holds_key
    assert caller.keys.bundle(network.session, house.agency.id).epoch == 1
    transact(network.session, lambda s: agency_keys.drop_shares(s, member_id=house.worker.id))
    caller = house.worker.caller()
    assert not caller.actor.holds_key
    with pytest.raises(errors.CannotOpen):
        caller.keys.bundle(network.session, house.agency.id)


def test_a_disabled_agency_ends_its_sessions(network, hendra, owner_engine):
    with owner_engine.begin() as owner:
        owner.execute(text("UPDATE agency SET state = 'disabled'"))
    with pytest.raises(errors.NotSignedIn):
        resume(network, hendra.cookie)
    with pytest.raises(errors.NotSignedIn):
        hendra.sign_in()


def test_own_sessions_are_listed_and_ended_one_by_one_or_all(network, hendra):
    first = hendra.cookie
    hendra.sign_in()
    hendra.sign_in()
    caller = hendra.caller()
    mine = {"actor": caller.actor, "now": network.clock.now}
    listed = transact(network.session, lambda s: sessions.own(s, session_id=caller.session_id, **mine))
    assert [view.current for view in listed] == [True, False, False]
    assert {view.device for view in listed} == {"Firefox · Linux"}
    transact(network.session, lambda s: sessions.end(s, session_id=listed[1].id, **mine))
    with pytest.raises(errors.NotFound):
        transact(network.session, lambda s: sessions.end(s, session_id=listed[1].id, **mine))
    assert transact(network.session, lambda s: sessions.end_others(s, session_id=caller.session_id, **mine)) == 1
    with pytest.raises(errors.NotSignedIn):
        resume(network, first)
    assert hendra.caller().session_id == caller.session_id
    transact(network.session, lambda s: sessions.sign_out(s, session_id=caller.session_id, **mine))
    with pytest.raises(errors.NotSignedIn):
        hendra.caller()
    assert [row.action for row in network.entries()][-3:] == ["session.end", "session.end", "session.sign_out"]


def test_nobody_ends_anothers_session(network, hendra):
    dede = network.invited(hendra, hendra.caller().agency, "dede", "intake")
    dede.enrol()
    theirs = dede.caller()
    with pytest.raises(errors.NotFound):
        transact(
            network.session, lambda s: sessions.end(s, actor=hendra.caller().actor, session_id=theirs.session_id, now=network.clock.now)
        )
    assert dede.caller()


def test_sessions_and_counts_are_in_no_backup(network):
    unlogged = network.session.scalars(
        text("SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r' ORDER BY relname")
    ).all()
    assert unlogged == ["session", "throttle"]


def test_nothing_secret_is_in_a_repr(network, hendra):
    done = hendra.sign_in()
    caller = hendra.caller()
    shown = repr((done, caller, hendra.begin()))
    assert hendra.cookie.partition(".")[2] not in shown
    assert hendra.device not in shown
