"""HPKE and AES-GCM as they are used here, and the answers that no update of the library may change."""

import json
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.vault import aead, epochs, formats, hpke, kdf, signing
from referral_hub.vault.grants import OpenGrant
from referral_hub.vault.hpke import PrivateKey
from tests.vault import make_known_answers as known
from tests.vault import strategies as draw

KEY = PrivateKey.generate()
SUITES = (formats.HYBRID, formats.CLASSIC)
ANSWERS = {name: value if name == "recovery_code" else bytes.fromhex(value) for name, value in json.loads(known.FILE.read_text()).items()}


@pytest.mark.parametrize("suite", SUITES)
def test_known_answers_of_hpke(suite):
    key = PrivateKey(ANSWERS["private"])
    assert key.public == ANSWERS["public"]
    assert known.CONTEXT.bound(formats.HYBRID) == ANSWERS["bound"]
    assert key.open(ANSWERS[f"suite_{suite}"], known.CONTEXT) == ANSWERS["plaintext"]


def test_known_answers_of_shares_codes_and_passphrases():
    grant = OpenGrant(grant=known.GRANT, hub_id=known.HUB, key=known.fixed("grant", 32), release=known.fixed("release", 32))
    assert grant.open_share(ANSWERS["share"], part="identity", revision=4) == known.fixed("section", 32)
    recovery = epochs.recovery_key(ANSWERS["recovery_code"], hub_id=known.HUB, agency_id=uuid.UUID(int=9))
    assert epochs.hashlib.sha256(recovery.public).digest() == ANSWERS["recovery_public_sha256"]
    unlock = kdf.unlock("kata sandi rahasia", salt=bytes(16), parameters=kdf.KdfParameters())
    assert unlock.wrap_key == ANSWERS["unlock_wrap_key"]


@settings(max_examples=20)
@given(st.sampled_from(SUITES), st.binary(max_size=300), draw.contexts)
def test_hpke_opens_what_it_sealed(suite, plaintext, context):
    sealed = hpke.seal(KEY.public, plaintext, context, suite=suite)
    assert sealed[:2] == bytes((formats.FORMAT, suite))
    assert KEY.open(sealed, context) == plaintext


@settings(max_examples=40)
@given(st.sampled_from(SUITES), st.integers(min_value=0))
def test_hpke_refuses_any_turned_bit(suite, position):
    sealed = hpke.seal(KEY.public, b"secret", known.CONTEXT, suite=suite)
    with pytest.raises(errors.CannotOpen):
        KEY.open(draw.flipped(sealed, position), known.CONTEXT)


@settings(max_examples=20)
@given(st.sampled_from(SUITES), st.data())
def test_hpke_refuses_what_is_cut_off(suite, data):
    sealed = hpke.seal(KEY.public, b"secret", known.CONTEXT, suite=suite)
    length = data.draw(st.integers(min_value=0, max_value=len(sealed) - 1))
    with pytest.raises(errors.CannotOpen):
        KEY.open(sealed[:length], known.CONTEXT)


@pytest.mark.parametrize("name", sorted(draw.OTHER))
@pytest.mark.parametrize("suite", SUITES)
def test_hpke_refuses_another_context(suite, name):
    sealed = hpke.seal(KEY.public, b"secret", known.CONTEXT, suite=suite)
    with pytest.raises(errors.CannotOpen):
        KEY.open(sealed, replace(known.CONTEXT, **{name: draw.OTHER[name]}))


def test_hpke_refuses_another_key():
    sealed = hpke.seal(KEY.public, b"secret", known.CONTEXT)
    with pytest.raises(errors.CannotOpen):
        PrivateKey.generate().open(sealed, known.CONTEXT)


@pytest.mark.parametrize("public", [b"", KEY.public[:-1], b"\xff" * 1216, KEY.public[:1184] + bytes(32)])
def test_sealing_to_what_is_no_public_key_is_refused(public):
    with pytest.raises(errors.CannotOpen):
        hpke.seal(public, b"secret", known.CONTEXT)


def test_a_private_key_has_96_bytes_and_gives_the_same_public_one_again():
    assert len(KEY.raw()) == 96
    assert len(KEY.public) == 1216
    assert PrivateKey(KEY.raw()).public == KEY.public
    with pytest.raises(errors.CannotOpen):
        PrivateKey(KEY.raw()[:-1])


@given(st.binary(max_size=300), draw.contexts, st.integers(min_value=0))
def test_aead_opens_what_it_sealed_and_refuses_any_turned_bit(plaintext, context, position):
    key = aead.new_key()
    sealed = aead.seal(key, plaintext, context)
    assert aead.open_sealed(key, sealed, context) == plaintext
    with pytest.raises(errors.CannotOpen):
        aead.open_sealed(key, draw.flipped(sealed, position), context)


@pytest.mark.parametrize("name", sorted(draw.OTHER))
def test_aead_refuses_another_context(name):
    key = aead.new_key()
    with pytest.raises(errors.CannotOpen):
        aead.open_sealed(key, aead.seal(key, b"secret", known.CONTEXT), replace(known.CONTEXT, **{name: draw.OTHER[name]}))


@given(st.binary(min_size=1, max_size=60))
def test_aead_refuses_what_is_cut_off(plaintext):
    key = aead.new_key()
    sealed = aead.seal(key, plaintext, known.CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(errors.CannotOpen):
            aead.open_sealed(key, sealed[:length], known.CONTEXT)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_signatures(message, other):
    seed = signing.new_seed()
    public, signature = signing.public_of(seed), signing.sign(seed, message)
    assert signing.verify(public, signature, message)
    assert signing.verify(public, signature, other) == (other == message)
    assert not signing.verify(signing.public_of(signing.new_seed()), signature, message)
    assert not signing.verify(public[:-1], signature, message)
    assert not signing.verify(public, signature[:-1], message)


def test_ed25519_answers_as_rfc_8032_section_7_1_says():
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert signing.public_of(seed).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signing.sign(seed, b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")


def test_only_the_vault_imports_cryptography():
    program = Path(__file__).resolve().parents[2] / "referral_hub"
    importers = {p.relative_to(program).parts[0] for p in program.rglob("*.py") if "cryptography" in p.read_text() and _imports(p)}
    assert importers == {"vault"}


def _imports(path):
    return any(line.strip().startswith(("import cryptography", "from cryptography")) for line in path.read_text().splitlines())
