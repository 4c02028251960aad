"""The quick reading of an entry sees what the full one sees, and nothing that is no entry."""

import dataclasses
import json
import uuid
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub.audit import entry as entries
from referral_hub.audit.entry import Entry, Place
from referral_hub.verifier import shape
from tests.verifier.making import BEGIN, MadeLog, said

CODES = st.text("abcXYZ019_.:+/=-", min_size=1, max_size=20)
IDS = st.uuids()
VALUES = {
    "str": CODES,
    "int": st.integers(0, 2**53 - 1),
    "int | None": st.integers(0, 2**53 - 1),
    "bool": st.just(True),
    "bytes": st.binary(min_size=16, max_size=16),
    "bytes | None": st.binary(min_size=32, max_size=32),
    "datetime": st.integers(0, 2**50).map(lambda microseconds: BEGIN + timedelta(microseconds=microseconds)),
    "uuid.UUID": IDS,
    "uuid.UUID | None": IDS,
    "tuple[str, ...]": st.lists(CODES, min_size=1, max_size=4).map(tuple),
    "tuple[uuid.UUID, ...]": st.lists(IDS, min_size=1, max_size=4).map(tuple),
}
ALWAYS = {"action", "actor_kind", "event_id", "idx", "occurred_at", "outcome", "salt", "software"}


def made(kind):
    fields = {f.name: VALUES[str(f.type)] for f in dataclasses.fields(kind)}
    wanted = st.fixed_dictionaries(
        {n: s for n, s in fields.items() if n in ALWAYS}, optional={n: s for n, s in fields.items() if n not in ALWAYS}
    )
    return wanted.map(lambda values: kind(**values))


@settings(deadline=None, max_examples=300)
@given(made(Entry), made(Place))
def test_both_readings_agree_on_every_entry(entry, place):
    payload = entries.payload(entry, place)
    assert shape._MATCH(payload) is not None
    assert shape.sight(payload) == shape._read(payload)


def test_every_entry_of_a_log_is_read_the_quick_way():
    for payload in MadeLog(60).payloads:
        assert shape._MATCH(payload) is not None


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 10_000), st.binary(min_size=0, max_size=2), st.integers(0, 3))
def test_whatever_is_read_the_quick_way_is_an_entry(position, replacement, cut):
    payload = MADE
    at = position % len(payload)
    changed = payload[:at] + replacement + payload[at + cut :]
    if shape._MATCH(changed):
        entries.parse(changed)


MADE = entries.payload(said(5), Place(idx=5, event_id=uuid.UUID(int=7), salt=bytes(16), software="0.1.0", origin="x.test/log", actor_seq=1, agency_seq=1))


@pytest.mark.parametrize("payload", [b"", b"{}", b"null", MADE[:-1], MADE + b" ", MADE.replace(b",", b", ", 1), MADE.replace(b'"v":1', b'"v":2')])
def test_what_is_no_entry(payload):
    with pytest.raises(entries.BadEntry):
        shape.sight(payload)


def test_a_text_that_is_no_code_is_read_in_full():
    """A hub that wrote one did wrong, and yet it is what was signed."""
    values = json.loads(MADE) | {"basis": "Ibu \u201cS\u201d"}
    payload = entries.canonical(values)
    assert shape._MATCH(payload) is None
    assert shape.sight(payload).idx == b"5"
