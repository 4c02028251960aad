"""Opened content shows itself nowhere by accident."""

import copy
import logging
import pickle
import traceback

import pytest

from referral_hub import errors
from referral_hub.vault.plain import Plain

MARK = "penyintas-rahasia"


@pytest.fixture
def plain():
    return Plain.of({"name": MARK})


def test_text_of_it_is_sealed(plain, caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("%s %r", plain, plain)
    shown = [repr(plain), str(plain), f"{plain}", f"{plain!r:>10}", "%s" % plain, repr([plain]), repr({"a": plain}), caplog.text]  # noqa: UP031
    assert all(MARK not in text and "<sealed>" in text for text in shown)


def test_it_is_given_on_purpose_only(plain):
    assert plain.fields() == {"name": MARK}
    assert plain.value() == b'{"name":"penyintas-rahasia"}'
    assert len(plain) == 28


def test_it_is_not_written_anywhere(plain):
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(plain)
    with pytest.raises(TypeError):
        hash(plain)
    assert not hasattr(plain, "__dict__")


def test_content_that_is_no_form_is_named_without_showing_it():
    for wrong in (b"\xff\xfe" + MARK.encode(), f'["{MARK}"]'.encode(), MARK.encode()):
        with pytest.raises(errors.CannotOpen) as failure:
            Plain(wrong).fields()
        assert MARK not in "".join(traceback.format_exception(failure.value))


def test_fields_are_written_in_one_way():
    assert Plain.of({"b": 1, "a": ["é", None]}).value() == '{"a":["é",null],"b":1}'.encode()
    assert Plain.of({"b": 1, "a": 2}) == Plain.of({"a": 2, "b": 1})
    assert Plain(b"a") != Plain(b"b")
    assert Plain(b"a") != b"a"
    with pytest.raises(ValueError, match="Out of range"):
        Plain.of({"a": float("nan")})
