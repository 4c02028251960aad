"""The hub's own keys: files, ring, uses, tokens."""

import base64
import stat
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from referral_hub import errors
from referral_hub.vault import hub as hub_keys
from referral_hub.vault import key_folder, signing
from referral_hub.vault.hub import HubKeys, HubSecret, NamesKey, Use
from referral_hub.vault.key_folder import Ring
from referral_hub.vault.records import HubSecretRow, HubStateRow
from tests.vault import strategies as draw

KEYS = {1: b"1" * 32, 2: b"2" * 32}
OLD, NEW = Ring(keys={1: KEYS[1]}, current=1), Ring(keys=KEYS, current=2)


def keys_of(ring, secrets, hub_id=bytes(16)):
    return HubKeys(ring, hub_id=hub_id, profile="test", secrets=secrets)


@pytest.fixture
def secrets():
    key = hub_keys._use_keys(OLD, bytes(16))[Use.SECRETS]
    return {s.value: key.lock(bytes([number]) * 32, "hub_secret", s.value) for number, s in enumerate(HubSecret)}


def test_the_folder_has_its_layout_and_modes(tmp_path):
    hub_keys.create_key_folder(tmp_path / "keys")
    files = {p.relative_to(tmp_path / "keys").as_posix(): stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "keys").rglob("*") if p.is_file()}
    assert files == {"hub-ring": 0o400, "names": 0o400, "receipt": 0o400, "checkpoint/key": 0o400, "checkpoint.pub": 0o400}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert len({(tmp_path / "keys" / name).read_text() for name in files}) == 5


def test_a_folder_with_keys_is_not_overwritten(tmp_path):
    hub_keys.create_key_folder(tmp_path)
    before = (tmp_path / "hub-ring").read_bytes()
    with pytest.raises(errors.BadSettings):
        hub_keys.create_key_folder(tmp_path)
    assert (tmp_path / "hub-ring").read_bytes() == before


def test_signing_seeds(tmp_path):
    hub_keys.create_key_folder(tmp_path)
    seeds = [key_folder.signing_seed(tmp_path, name) for name in ("receipt", "checkpoint")]
    assert seeds[0] != seeds[1]
    assert all(len(signing.public_of(seed)) == 32 for seed in seeds)
    assert key_folder.checkpoint_public(tmp_path) == signing.public_of(seeds[1])
    (tmp_path / "receipt").unlink()
    with pytest.raises(errors.Unavailable) as missing:
        key_folder.signing_seed(tmp_path, "receipt")
    assert missing.value.code == "key_unavailable"


@pytest.mark.parametrize(
    "text",
    ["", "1 current AAAA\n", "x current " + base64.b64encode(bytes(32)).decode(), "1 reading " + base64.b64encode(bytes(32)).decode(),
     "0 current " + base64.b64encode(bytes(32)).decode(), "256 current " + base64.b64encode(bytes(32)).decode(), "1 current !!!", "\xff"],
)  # fmt: skip
def test_a_ring_that_is_none_is_unavailable(tmp_path, text):
    (tmp_path / "hub-ring").write_text(text, encoding="latin-1")
    with pytest.raises(errors.Unavailable):
        key_folder.read_ring(tmp_path / "hub-ring")


def test_a_database_is_a_hubs_once(world, now):
    with pytest.raises(errors.BadSettings):
        hub_keys.bootstrap(world.session, folder=world.folder / "keys", profile="test", now=now)
    assert hub_keys.hub_state(world.session) == hub_keys.HubState(world.hub.hub_id, "test", now)
    assert len(world.hub.hub_id) == 16


def test_keys_are_loaded_again(world):
    again = HubKeys.load(world.folder / "keys", world.session, profile="test")
    assert again.token(HubSecret.INDEX, "x", b"y") == world.hub.token(HubSecret.INDEX, "x", b"y")
    assert again.unlock(Use.STATS, world.hub.lock(Use.STATS, b"counted", "row"), "row") == b"counted"


def test_another_profile_is_refused(world):
    with pytest.raises(errors.BadSettings) as refused:
        HubKeys.load(world.folder / "keys", world.session, profile="production")
    assert refused.value.facts == {"name": "profile"}


def test_without_the_file_or_with_another_hubs_file_the_key_is_unavailable(world, tmp_path):
    hub_keys.create_key_folder(tmp_path / "another")
    for folder in (tmp_path / "none", tmp_path / "another"):
        with pytest.raises(errors.Unavailable) as missing:
            HubKeys.load(folder, world.session)
        assert missing.value.code == "key_unavailable"


def test_a_database_without_state_is_no_hubs(session):
    with pytest.raises(errors.BadSettings):
        hub_keys.hub_state(session)


@pytest.mark.parametrize("change", [delete(HubSecretRow).where(HubSecretRow.name == "index"), update(HubSecretRow).values(locked=b"\1\5\1" + bytes(60))])
def test_lost_or_changed_secrets_close_the_hub(world, owner_engine, change):
    world.session.commit()
    with owner_engine.begin() as connection:
        connection.execute(change)
    with pytest.raises(errors.Unavailable):
        HubKeys.load(world.folder / "keys", world.session)


def test_another_hub_id_closes_the_hub(world, owner_engine):
    world.session.commit()
    with owner_engine.begin() as connection:
        connection.execute(update(HubStateRow).values(hub_id=b"another hub's id"))
    with pytest.raises(errors.Unavailable):
        HubKeys.load(world.folder / "keys", world.session)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=100), st.lists(draw.fields, max_size=3), st.integers(min_value=0))
def test_what_is_locked_opens_at_its_place_only(secrets, plaintext, place, position):
    hub = keys_of(OLD, secrets)
    locked = hub.lock(Use.NAMES, plaintext, *place)
    assert hub.unlock(Use.NAMES, locked, *place) == plaintext
    for wrong in (lambda: hub.unlock(Use.NAMES, locked, *place, "more"), lambda: hub.unlock(Use.ACCOUNT, locked, *place)):
        with pytest.raises(errors.CannotOpen):
            wrong()
    with pytest.raises((errors.CannotOpen, errors.Unavailable)):
        hub.unlock(Use.NAMES, draw.flipped(locked, position), *place)


def test_an_older_generation_reads_and_the_current_one_writes(secrets):
    old, new = keys_of(OLD, secrets), keys_of(NEW, secrets)
    locked = old.lock(Use.RELEASE, b"secret", 1)
    assert new.unlock(Use.RELEASE, locked, 1) == b"secret"
    renewed = new.lock(Use.RELEASE, b"secret", 1)
    assert renewed[:3] == b"\1\5\2"
    with pytest.raises(errors.Unavailable):
        old.unlock(Use.RELEASE, renewed, 1)
    with pytest.raises(errors.CannotOpen):
        new.unlock(Use.RELEASE, renewed[:2] + b"\1" + renewed[3:], 1)


def test_tokens_tell_their_fields_apart_and_stay_the_same_over_generations(secrets):
    hub, case, member = keys_of(OLD, secrets), uuid.uuid4(), uuid.uuid4()
    token = hub.token(HubSecret.CONFLICT, "conflict", case, member)
    assert len(token) == 16
    assert token == keys_of(NEW, secrets).token(HubSecret.CONFLICT, "conflict", case, member)
    others = [
        hub.token(HubSecret.INDEX, "conflict", case, member), hub.token(HubSecret.CONFLICT, "other", case, member),
        hub.token(HubSecret.CONFLICT, "conflict", member, case), hub.token(HubSecret.CONFLICT, "conflict", case.bytes + member.bytes),
    ]  # fmt: skip
    assert len({token, *others}) == 5
    assert hub.pseudo_salt("a@x.test") == hub.pseudo_salt("a@x.test") != hub.pseudo_salt("b@x.test")


def test_the_worker_reads_names_and_nothing_else(world):
    names = NamesKey.load(world.folder / "keys", hub_id=world.hub.hub_id)
    assert names.unlock(world.hub.lock(Use.NAMES, b"Sari", "member", 1), "member", 1) == b"Sari"
    for use in set(Use) - {Use.NAMES}:
        with pytest.raises(errors.CannotOpen):
            names.unlock(world.hub.lock(use, b"secret", "member", 1), "member", 1)


def test_no_repr_shows_a_key(world):
    key = base64.b64decode((world.folder / "keys" / "hub-ring").read_text().split(" ")[2])
    shown = repr(world.hub) + repr(NEW) + repr(world.hub._uses[Use.NAMES]) + repr(NamesKey.load(world.folder / "keys", hub_id=bytes(16)))
    assert "\\x" not in shown
    assert key.hex() not in shown
    assert "1111" not in shown
