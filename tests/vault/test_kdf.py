"""Passphrases, second factor, and codes that people type."""

import threading
import time
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.settings import load
from referral_hub.vault import codes, kdf, totp
from tests.vault.cheap import CHEAP

NOW = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
PROGRAM = Path(kdf.__file__).resolve().parents[1]


@pytest.mark.parametrize("cost", [{"iterations": 2}, {"memory_kib": 65535}, {"iterations": 1, "memory_kib": 8}])
def test_parameters_below_the_floor_cannot_be_made(cost):
    with pytest.raises(errors.BadSettings):
        kdf.KdfParameters(**cost)


def test_production_settings_cannot_have_cheap_parameters():
    fine = {"database_url": "postgresql+psycopg:///x", "key_folder": "/k", "session_folder": "/s", "tombstone_file": "/t", "public_url": "https://x.test"}
    settings_ = load("production", environ={}, **fine)
    assert kdf.KdfParameters(iterations=settings_.argon2_iterations, memory_kib=settings_.argon2_memory_kib) == kdf.KdfParameters()
    for cheap in ({"argon2_iterations": 1}, {"argon2_memory_kib": 64}):
        with pytest.raises(errors.BadSettings):
            load("production", environ={}, **fine, **cheap)
        with pytest.raises(errors.BadSettings):
            kdf.KdfParameters(**{name.removeprefix("argon2_"): value for name, value in cheap.items()})


def test_only_stored_rows_the_demo_and_tests_go_below_the_floor():
    callers = {p.relative_to(PROGRAM).as_posix() for p in PROGRAM.rglob("*.py") if "below_floor" in p.read_text()}
    assert all(c == "vault/kdf.py" or c.startswith("cli/demo/") for c in callers), callers


@settings(max_examples=15)
@given(st.text(max_size=40))
def test_a_passphrase_gives_the_same_keys_again_however_its_accents_were_typed(passphrase):
    salt = kdf.new_salt()
    first = kdf.unlock(unicodedata.normalize("NFC", passphrase), salt=salt, parameters=CHEAP)
    again = kdf.unlock(unicodedata.normalize("NFD", passphrase), salt=salt, parameters=CHEAP)
    assert first == again
    assert first.wrap_key != first.verifier
    assert kdf.unlock(passphrase + "x", salt=salt, parameters=CHEAP).wrap_key != first.wrap_key
    assert kdf.unlock(passphrase, salt=kdf.new_salt(), parameters=CHEAP).verifier != first.verifier
    assert repr(first) == "<unlock keys>"


def test_parameters_are_kept_as_text():
    assert kdf.KdfParameters().text == "argon2id$m=65536,t=3,p=1"
    assert kdf.KdfParameters.parse("argon2id$m=65536,t=3,p=1") == kdf.KdfParameters()
    assert kdf.KdfParameters.parse(CHEAP.text) == CHEAP
    for wrong in ("", "argon2i$m=65536,t=3,p=1", "argon2id$m=65536,t=3,p=4", "argon2id$m=65536,t=3,p=1 "):
        with pytest.raises(errors.CannotOpen):
            kdf.KdfParameters.parse(wrong)


def test_two_threads_derive_at_once_and_both_end():
    ended = []

    def derive(number):
        ended.append(kdf.unlock(f"pass {number}", salt=bytes(16), parameters=kdf.KdfParameters()))

    threads = [threading.Thread(target=derive, args=(n,), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    limit = time.monotonic() + 30
    for thread in threads:
        thread.join(max(0, limit - time.monotonic()))
    assert len(ended) == 2


def test_hkdf_answers_as_rfc_5869_a_1_says():
    out = kdf.hkdf(b"\x0b" * 22, salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)), length=42)
    assert out.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")])
def test_totp_answers_as_rfc_6238_appendix_b_says(second, code):
    assert totp.code(b"12345678901234567890", now=datetime.fromtimestamp(second, UTC)) == code


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_neighbouring_step_is_accepted(steps):
    secret = totp.new_secret()
    typed = totp.code(secret, now=NOW + timedelta(seconds=30 * steps))
    assert totp.accept(secret, typed, now=NOW, last_step=None) == totp.step_of(NOW) + steps


@pytest.mark.parametrize("steps", [-2, 2, 40])
def test_a_step_further_away_is_refused(steps):
    secret = b"12345678901234567890"
    assert totp.accept(secret, totp.code(secret, now=NOW + timedelta(seconds=30 * steps)), now=NOW, last_step=None) is None


def test_a_code_is_accepted_once():
    secret = totp.new_secret()
    typed = totp.code(secret, now=NOW)
    step = totp.accept(secret, f"{typed[:3]} {typed[3:]}", now=NOW, last_step=None)
    assert step is not None
    assert totp.accept(secret, typed, now=NOW, last_step=step) is None
    assert totp.accept(secret, typed, now=NOW + timedelta(seconds=20), last_step=step) is None
    before = totp.code(secret, now=NOW - timedelta(seconds=30))
    assert totp.accept(secret, before, now=NOW, last_step=step) is None
    assert totp.accept(secret, totp.code(secret, now=NOW + timedelta(seconds=30)), now=NOW + timedelta(seconds=30), last_step=step) == step + 1


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "٠١٢٣٤٥"])
def test_what_is_no_code_is_refused(typed):
    assert totp.accept(totp.new_secret(), typed, now=NOW, last_step=None) is None


def test_the_address_for_authenticators():
    secret = totp.new_secret()
    assert len(secret) == 20
    uri = totp.uri(secret, account="PS-02", issuer="Referral Hub")
    assert uri.startswith("otpauth://totp/Referral%20Hub:PS-02?")
    assert "digits=6" in uri
    assert "period=30" in uri


def test_short_codes():
    drawn = {codes.short_code() for _ in range(200)}
    assert len(drawn) == 200
    assert all(len(c) == 9 and c[4] == "-" and set(c) - {"-"} <= set(codes.ALPHABET) for c in drawn)
    assert codes.normalise(" o1il-abcd\u00a0") == "0111ABCD"


@given(st.data())
def test_a_recovery_code_is_read_back_and_a_wrong_character_or_swap_is_found(data):
    code = codes.recovery_code()
    plain = code.replace("-", "")
    assert len(plain) == 28
    typed = plain.lower().replace("0", "o").replace("1", "l")
    assert codes.recovery_entropy(typed) == codes.recovery_entropy(code) == plain[:26].encode()
    at = data.draw(st.integers(min_value=0, max_value=27))
    wrong = data.draw(st.sampled_from([c for c in codes.ALPHABET if c != plain[at]]))
    for mistaken in (plain[:at] + wrong + plain[at + 1 :], plain[:at] + plain[at : at + 2][::-1] + plain[at + 2 :], plain[:-1], plain + "0"):
        if mistaken != plain:
            with pytest.raises(errors.RuleBroken) as refused:
                codes.recovery_entropy(mistaken)
            assert refused.value.code == "recovery_code_wrong"


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_fingerprints(one, other):
    shown = codes.digits(one)
    assert [len(group) for group in shown.split(" ")] == [4] * 6
    assert shown.replace(" ", "").isdecimal()
    assert codes.same_digits(shown, shown.replace(" ", ""))
    assert codes.same_digits(shown, shown.replace(" ", "-"))
    assert codes.same_digits(shown, codes.digits(other)) == (one == other)
    assert not codes.same_digits(shown, shown[:-1])
    assert not codes.same_digits(shown, "")
