"""The bytes of an entry: canonical, closed to free text, and readable back."""

import dataclasses
import json
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from referral_hub import audit
from referral_hub.audit import entry as entries
from tests.audit.conftest import NOW, OTHER, SURVIVOR, entry

EVENTS = yaml.safe_load((Path(__file__).resolve().parents[2] / "config/protocol/audit_events.yaml").read_text(encoding="utf-8"))["items"]

codes = st.from_regex(r"\A[A-Za-z0-9_.:+/=-]{0,30}\Z")
moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
counts = st.none() | st.integers(0, 2**53 - 1)
BY_TYPE = {
    "str": codes, "int | None": counts, "bool": st.booleans(), "bytes | None": st.none() | st.binary(min_size=1, max_size=32), "datetime": moments,
    "uuid.UUID | None": st.none() | st.uuids(), "tuple[str, ...]": st.lists(codes.filter(bool), max_size=5).map(tuple),
    "tuple[uuid.UUID, ...]": st.lists(st.uuids(), max_size=50).map(tuple), "int": st.integers(0, 2**40), "uuid.UUID": st.uuids(), "bytes": st.binary(min_size=16, max_size=16),
}  # fmt: skip
NEVER_EMPTY = {"action", "actor_kind", "outcome", "software"}


def any_of(kind):
    return st.builds(kind, **{f.name: codes.filter(bool) if f.name in NEVER_EMPTY else BY_TYPE[f.type] for f in dataclasses.fields(kind)})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="ascii"), max_size=6), inner, max_size=4),
    max_leaves=20,
)
PLACE = entries.Place(origin="hub.rujukan.test/log", idx=7, event_id=uuid.UUID(int=5), salt=bytes(16), software="0.1.0", actor_seq=1)


@given(said=any_of(entries.Entry), place=any_of(entries.Place))
def test_an_entry_reads_back_from_its_bytes(said, place):
    assert entries.parse(entries.payload(said, place)) == (said, place)


@given(value=json_values)
def test_canonical_json_is_stable_and_plain(value):
    written = entries.canonical(value)
    assert json.loads(written) == value
    assert entries.canonical(json.loads(written)) == written


@given(value=st.dictionaries(st.text(st.characters(codec="ascii"), max_size=6), st.integers(0, 9), min_size=2, max_size=6))
def test_the_order_of_making_does_not_matter(value):
    assert entries.canonical(dict(reversed(value.items()))) == entries.canonical(value)


def test_the_examples_of_rfc_8785():
    assert entries.canonical({"b": 1, "a": '€$\u000f\nA\'B"\\\\"/'}) == '{"a":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/","b":1}'.encode()
    assert entries.canonical({"c": [None, True, False], "B": {}, "_": -1}) == b'{"B":{},"_":-1,"c":[null,true,false]}'


@pytest.mark.parametrize("value", [1.0, float("nan"), 2**53, -(2**53), {"é": 1}, {1: 2}, "\ud800", b"bytes", (1,), {"a": [0.5]}, object()])
def test_what_canonical_json_does_not_hold(value):
    with pytest.raises(entries.BadEntry):
        entries.canonical(value)


def test_what_an_entry_looks_like():
    written = entries.payload(entry(), PLACE)
    assert written.startswith(b'{"action":"section.read","actor_id":"00000000-0000-0000-0000-000000000001"')
    assert b'"occurred_at":"2026-11-02T01:30:00.123456Z"' in written
    assert b'"v":1' in written
    assert b"hits" not in written
    assert b'"salt":"' + b"00" * 16 + b'"' in written
    assert len(written) < 1000


def test_a_search_without_hits_says_so():
    assert b'"hits":0' in entries.payload(entry(action="case.search", hits=0), PLACE)


def test_other_time_zones_are_written_in_utc():
    jakarta = NOW.astimezone(timezone(timedelta(hours=7)))
    assert entries.payload(entry(occurred_at=jakarta), PLACE) == entries.payload(entry(), PLACE)


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(audit.Entry) if f.type == "str"])
@pytest.mark.parametrize("text", ["Siti Aminah", "Jl. Merdeka 5", "a\nb", "é", "x" * 129, None])
def test_no_field_takes_free_text(field, text):
    with pytest.raises(entries.BadEntry) as refused:
        entries.check(entry(**{field: text}))
    assert refused.value.facts["field"] == field
    assert str(text) not in str(refused.value)


@pytest.mark.parametrize(
    "facts",
    [{"roles": ("Siti Aminah",)}, {"sections": ("two words",)}, {"outcome": "perhaps"}, {"outcome": "deny", "reason": ""}, {"occurred_at": datetime(2026, 1, 1)},  # noqa: DTZ001
     {"count": -1}, {"hits": 1.5}, {"count": True}, {"action": ""}, {"actor_kind": ""}, {"subjects": (SURVIVOR, OTHER)}, {"page": True, "subjects": (SURVIVOR,) * 51}],
)  # fmt: skip
def test_contradictions_are_refused(facts):
    with pytest.raises(entries.BadEntry):
        entries.check(entry(**facts))


@pytest.mark.parametrize(
    "change",
    [lambda p: p[:-1], lambda p: p + b" ", lambda p: p.replace(b'"v":1', b'"v":2'), lambda p: p.replace(b'{"action"', b'{ "action"'), lambda _: b"[]", lambda _: b"",
     lambda p: p.replace(b'"v":1', b'"v":1,"z":1'), lambda p: p.replace(b'"idx":7', b'"idx":"7"'), lambda p: p.replace(b'"idx":7', b'"idx":7.0'), lambda p: b"\xff" + p,
     lambda p: p.replace(b"123456Z", b"123456+00:00"), lambda p: p.replace(b'"idx":7,', b""), lambda p: p.replace(b'"roles":["case_worker"]', b'"roles":"case_worker"')],
)  # fmt: skip
def test_bytes_that_are_not_ours_are_refused(change):
    written = entries.payload(entry(), PLACE)
    assert entries.parse(written)
    assert change(written) != written
    with pytest.raises(entries.BadEntry):
        entries.parse(change(written))


def test_a_payload_fits_an_entry_bundle():
    with pytest.raises(entries.BadEntry):
        entries.payload(entry(fields=("x" * 128,) * 600), PLACE)
    page = entry(page=True, action="case.list", subjects=tuple(uuid.UUID(int=i) for i in range(50)), count=50)
    assert len(entries.payload(page, PLACE)) < 4000


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e["code"])
def test_every_act_of_the_agreed_list_can_be_recorded(event):
    made = entry(action=event["code"], object_kind=event["object"], page=event.get("subjects") == "page")
    entries.check(made)
    assert entries.parse(entries.payload(made, PLACE))[0] == made


def test_the_pages_are_those_of_the_agreed_list():
    assert {e["code"] for e in EVENTS if e.get("subjects") == "page"} == entries.PAGE_ACTIONS


def test_the_pure_modules_load_no_database_and_no_framework():
    probe = "import sys, referral_hub.audit.{m}; bad = {{'sqlalchemy', 'psycopg', 'flask', {c}}} & set(sys.modules); print(sorted(bad)); sys.exit(bool(bad))"
    for module, cipher in (
        ("merkle", "'cryptography'"),
        ("entry", "'cryptography'"),
        ("checkpoint", "'cryptography'"),
        ("tiles", "'cryptography'"),
        ("note", "'none'"),
    ):
        done = subprocess.run([sys.executable, "-c", probe.format(m=module, c=cipher)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (module, done.stdout, done.stderr[-500:])
