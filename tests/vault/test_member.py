"""A member's key: wrapped in her row, sealed in her session."""

import stat
import threading
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.vault import kdf, member, sessions
from referral_hub.vault.hub import Use
from referral_hub.vault.member import MemberKey
from referral_hub.vault.sessions import ServerHalves
from tests.vault import strategies as draw
from tests.vault.cheap import CHEAP

KEY = MemberKey.generate()
ME, OTHER = uuid.uuid4(), uuid.uuid4()
UNLOCK = kdf.unlock("kata sandi", salt=bytes(16), parameters=CHEAP)
WRONG = kdf.unlock("kata sandl", salt=bytes(16), parameters=CHEAP)


def test_the_key_is_unwrapped_with_passphrase_and_hub(world):
    wrap = member.wrap_key(world.hub, KEY, member_id=ME, method="passphrase", unlock=UNLOCK)
    opened = member.open_key(world.hub, wrap, member_id=ME, method="passphrase", unlock=UNLOCK, public=KEY.public)
    assert opened.raw() == KEY.raw()


@pytest.mark.parametrize(
    "other",
    [{"member_id": OTHER}, {"method": "passkey"}, {"unlock": WRONG}, {"public": MemberKey.generate().public}],
    ids=["member", "method", "passphrase", "public"],
)
def test_anything_else_does_not_unwrap_it(world, other):
    wrap = member.wrap_key(world.hub, KEY, member_id=ME, method="passphrase", unlock=UNLOCK)
    given_ = {"member_id": ME, "method": "passphrase", "unlock": UNLOCK, "public": KEY.public}
    with pytest.raises(errors.CannotOpen):
        member.open_key(world.hub, wrap, **given_ | other)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(min_value=0))
def test_a_changed_wrap_does_not_unwrap(world, position):
    wrap = member.wrap_key(world.hub, KEY, member_id=ME, method="passphrase", unlock=UNLOCK)
    with pytest.raises((errors.CannotOpen, errors.Unavailable)):
        member.open_key(world.hub, draw.flipped(wrap, position), member_id=ME, method="passphrase", unlock=UNLOCK, public=KEY.public)


def test_the_passphrase_alone_guesses_nothing_in_a_stolen_row(world):
    """Under the hub lock stands the wrap; without the hub key no guess can be tried on it."""
    wrap = member.wrap_key(world.hub, KEY, member_id=ME, method="passphrase", unlock=UNLOCK)
    inner = world.hub.unlock(Use.ACCOUNT, wrap, "member", ME, "key", "passphrase")
    assert inner not in wrap
    locked = member.lock_verifier(world.hub, member_id=ME, unlock=UNLOCK)
    assert UNLOCK.verifier not in locked


def test_the_verifier(world):
    locked = member.lock_verifier(world.hub, member_id=ME, unlock=UNLOCK)
    assert member.verifier_matches(world.hub, locked, member_id=ME, unlock=UNLOCK)
    assert not member.verifier_matches(world.hub, locked, member_id=ME, unlock=WRONG)
    with pytest.raises(errors.CannotOpen):
        member.verifier_matches(world.hub, locked, member_id=OTHER, unlock=UNLOCK)


def test_a_fingerprint_names_hub_member_and_key():
    place = {"hub_id": bytes(16), "member_id": ME, "public": KEY.public}
    shown = member.fingerprint(**place)
    assert shown == member.fingerprint(**place)
    for other in ({"hub_id": b"another hub's id"}, {"member_id": OTHER}, {"public": MemberKey.generate().public}):
        assert member.fingerprint(**place | other) != shown


@pytest.fixture
def halves(tmp_path):
    return ServerHalves.load(tmp_path / "halves", require_tmpfs=False)


PLACE = {"cookie_secret": b"c" * 32, "session_id": uuid.UUID(int=5), "member_id": ME}


def test_a_session_gives_the_key_back(halves):
    assert halves.open(halves.seal(KEY, **PLACE), **PLACE).raw() == KEY.raw()


@pytest.mark.parametrize("other", [{"cookie_secret": b"d" * 32}, {"session_id": uuid.UUID(int=6)}, {"member_id": OTHER}], ids=["cookie", "session", "member"])
def test_another_cookie_session_or_member_does_not(halves, other):
    with pytest.raises(errors.NotSignedIn):
        halves.open(halves.seal(KEY, **PLACE), **PLACE | other)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(min_value=0))
def test_a_changed_session_row_does_not(halves, position):
    with pytest.raises(errors.NotSignedIn):
        halves.open(draw.flipped(halves.seal(KEY, **PLACE), position), **PLACE)


def test_a_restarted_worker_knows_the_half_and_a_full_stop_signs_everybody_out(halves, tmp_path):
    sealed = halves.seal(KEY, **PLACE)
    again = ServerHalves.load(tmp_path / "halves", require_tmpfs=False)
    assert again.open(sealed, **PLACE).raw() == KEY.raw()
    (tmp_path / "halves" / "half-a").unlink()
    with pytest.raises(errors.NotSignedIn):
        ServerHalves.load(tmp_path / "halves", require_tmpfs=False).open(sealed, **PLACE)


def test_two_halves_stand_side_by_side(halves, tmp_path):
    before = halves.seal(KEY, **PLACE)
    (tmp_path / "halves" / "half-b").write_bytes(b"b" * 32)
    both = ServerHalves.load(tmp_path / "halves", require_tmpfs=False)
    assert both.open(before, **PLACE).raw() == KEY.raw()
    with pytest.raises(errors.NotSignedIn):
        halves.open(both.seal(KEY, **PLACE), **PLACE)


def test_the_file_is_the_owners_and_complete(halves, tmp_path):
    assert [p.name for p in (tmp_path / "halves").iterdir()] == ["half-a"]
    file = tmp_path / "halves" / "half-a"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.write_bytes(b"short")
    with pytest.raises(errors.Unavailable):
        ServerHalves.load(tmp_path / "halves", require_tmpfs=False)


def test_workers_that_start_at_once_agree_on_one_half(tmp_path):
    found, gate = [], threading.Barrier(6)

    def start():
        gate.wait()
        found.append(ServerHalves.load(tmp_path / "halves", require_tmpfs=False))

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(h._halves.items()) for h in found}) == 1


def test_a_half_that_stands_is_never_replaced(tmp_path):
    place = tmp_path / "half-a"
    sessions._make(place)
    first = place.read_bytes()
    sessions._make(place)
    assert place.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["half-a"]


def test_production_wants_memory(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    monkeypatch.setattr(sessions, "_MOUNTS", mounts)
    mounts.write_text(f"disk / ext4 rw 0 0\ntmpfs {tmp_path}/memory tmpfs rw 0 0\ndisk {tmp_path}/memory/disk ext4 rw 0 0\n")
    assert ServerHalves.load(tmp_path / "memory" / "hub", require_tmpfs=True).on_tmpfs
    for folder in (tmp_path / "elsewhere", tmp_path / "memory" / "disk" / "hub", tmp_path / "memory2"):
        with pytest.raises(errors.BadSettings):
            ServerHalves.load(folder, require_tmpfs=True)
    assert not ServerHalves.load(tmp_path / "elsewhere", require_tmpfs=False).on_tmpfs


def test_secrets_of_cookies():
    secret = sessions.new_secret()
    assert len(secret) == 32
    assert secret != sessions.new_secret()
    assert len(sessions.secret_digest(secret)) == 32
    assert secret not in sessions.secret_digest(secret)


def test_no_repr_shows_a_member_key(halves):
    assert repr(KEY) == "<member key>"
    assert repr(halves) == "<server halves: 1>"
