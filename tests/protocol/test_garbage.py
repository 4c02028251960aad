"""Whatever is sent, the form answers with values and problem codes: it never raises, never keeps what it does not know, and stays the same when asked again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from referral_hub import protocol
from referral_hub.protocol.forms import (
    Context,
    canonical_bytes,
    from_bytes,
    parse_form,
    section_applies,
    shown_fields,
    to_form,
    validate_section,
)

BOOK = protocol.current()
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CODES = {
    "required", "too_long", "too_small", "too_large", "too_few", "too_many", "not_a_code", "alone", "not_a_date", "not_a_datetime", "in_future",
    "not_a_number", "not_a_phone", "not_a_region", "not_an_id", "not_known", "one_line", "bad_characters", "bad_type", "not_for_recipient_kind",
    "unknown_field",
}  # fmt: skip
HINTS = {
    "looks_like_nik", "looks_like_phone", "holds_name", "blaming_word", "nik_format", "nik_region", "nik_birth_date", "nik_serial", "nik_sex_differs",
    "nik_birth_date_differs", "age_band_differs",
}  # fmt: skip
JSON_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}

texts = st.text(max_size=30) | st.sampled_from([
    "P", "id", "yes", "no", "2010-11", "31/02/2010", "2026-11-23T13:45", "2026-11-23T13:45+07:00", "9999-12-31T23:59:59-14:00", "0812-3456-7890",
    "3273164511100001", "32.73", "32.73.16", "uptd-ppa-bdg", "trafficking", "sexual.rape", "25_44", "mengaku", "x" * 5000, "\x00", "\ud800", "+", "0", "-",
])  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=4) | st.dates() | st.datetimes() | st.just(object())
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(texts | st.sampled_from(["name", "lines", "region", "phone"]), inner, max_size=4),
    max_leaves=8,
)


PLAUSIBLE = {
    "text": texts,
    "longtext": st.text(max_size=60) | st.sampled_from(["baris satu\r\nbaris dua", "Mawar mengaku 0812-3456-7890"]),
    "secret": texts,
    "nik": st.from_regex(r"[0-9]{16}", fullmatch=True) | texts,
    "bool": st.booleans(),
    "number": st.integers(-5, 10**16),
    "date": st.dates(date(1899, 1, 1), date(2200, 1, 1)).map(str) | st.from_regex(r"20[0-9]{2}(-[01][0-9])?", fullmatch=True),
    "datetime": st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()),
    "phone": st.from_regex(r"(0|\+62)8[0-9]{8,12}", fullmatch=True),
    "address": st.fixed_dictionaries({}, optional={"region": st.sampled_from(["32.73", "3273", "1"]), "lines": texts}),
    "person": st.fixed_dictionaries({}, optional={"name": texts, "relation": texts, "phone": st.sampled_from(["081234567890", "1"])}),
    "region": st.sampled_from(["32", "32.73", "81.71", "99"]),
    "agencies": st.lists(st.sampled_from(["uptd-ppa-bdg", "klinik-teduh"]), max_size=3),
    "users": st.lists(st.sampled_from(["m1", "m2", "m 3"]), max_size=3),
}


def plausible(field):
    if field.codelist:
        codes = st.sampled_from(sorted(BOOK.codelist(field.codelist).items))
        return codes if field.type == "code" else st.lists(codes, max_size=4)
    return PLAUSIBLE.get(field.type, st.sampled_from(["uptd-ppa-bdg", "m1", "SM-7K2M-9QXD"]))


def of_section(section):
    """Some fields of a section with values that may fit, some with garbage, some names that it does not know."""
    fields = BOOK.section(section).fields
    fitting = st.fixed_dictionaries({}, optional={code: plausible(field) for code, field in fields.items()})
    garbage = st.dictionaries(st.sampled_from(sorted(fields)) | texts | st.integers(), anything, max_size=3)
    return st.tuples(fitting, garbage | st.just({})).map(lambda both: both[0] | both[1])


sections = st.sampled_from(sorted(BOOK.sections))
sane = st.fixed_dictionaries({name: of_section(name) for name in ("profile", "incident", "identity")})


@st.composite
def contexts(draw):
    return Context(
        now=NOW,
        timezone=draw(st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"])),
        service=draw(st.sampled_from(["", *sorted(BOOK.services)])),
        recipient_kind=draw(st.sampled_from(["", *sorted(BOOK.kinds)])),
        sections=draw(sane | st.just({"profile": {"is_child": True, "with_children": True}, "incident": {"violence_types": ["trafficking"]}})),
        known=draw(st.just({}) | st.just({"agency": {"uptd-ppa-bdg"}, "user": {"m1"}})),
    )


def fits(section, made):
    for code, value in made.values.items():
        kind = BOOK.field_types[BOOK.section(section).fields[code].type]
        assert isinstance(value, JSON_TYPES[kind.json])
        assert kind.json != "integer" or not isinstance(value, bool)
    assert {code for codes in made.problems.values() for code in codes} <= CODES
    assert {hint.code for hints in made.warnings.values() for hint in hints} <= HINTS
    assert set(made.warnings) <= set(made.values)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), section=sections, context=contexts())
def test_garbage_comes_back_as_problems(data, section, context):
    values = data.draw(of_section(section))
    made = validate_section(section, values, context=context)
    fits(section, made)
    assert from_bytes(canonical_bytes(made.values)) == json.loads(json.dumps(made.values))
    again = validate_section(section, made.values, context=context)
    assert again.values == made.values
    assert set(again.problems) <= set(made.problems)
    assert set(BOOK.section(section).fields) >= {field.code for field in shown_fields(section, values, context=context)}
    assert section_applies(section, context=context) or not made.values


@settings(max_examples=300, deadline=None)
@given(data=st.data(), section=sections, context=contexts(), several=st.booleans())
def test_a_posted_form_of_garbage_is_read_shown_again_and_checked(data, section, context, several):
    fields = BOOK.section(section).fields
    names = st.sampled_from([code + part for code in fields for part in ("", "-day", "-month", "-year", "-date", "-time", "-region", "-lines", "-name", "-phone")])
    typed = to_form(section, validate_section(section, data.draw(of_section(section)), context=context).values, timezone=context.timezone)
    posted = typed | data.draw(st.dictionaries(names | texts, st.lists(texts, max_size=3), max_size=4))
    form = MultiDict(posted) if several else {name: rows[0] if rows else None for name, rows in posted.items()}
    values = parse_form(section, form, timezone=context.timezone)
    made = validate_section(section, values, context=context)
    fits(section, made)
    shown = to_form(section, values, timezone=context.timezone)
    assert all(isinstance(text, str) for texts_ in shown.values() for text in texts_)
    fresh = to_form(section, made.values, timezone=context.timezone)
    back = validate_section(section, parse_form(section, fresh, timezone=context.timezone), context=context)
    asked = {code: value for code, value in made.values.items() if not fields[code].auto}
    assert {code: value for code, value in back.values.items() if not fields[code].auto} == asked


@settings(max_examples=100, deadline=None)
@given(section=sections, form=st.dictionaries(texts, anything, max_size=6) | st.just({}))
def test_a_form_of_any_shape_is_read(section, form):
    parse_form(section, form)


@settings(max_examples=50, deadline=None)
@given(section=sections, data=st.data(), context=contexts())
def test_without_a_problem_nothing_required_is_missing(section, data, context):
    made = validate_section(section, data.draw(of_section(section)), context=context)
    if made.ok and section_applies(section, context=context):
        asked = [field for field in shown_fields(section, made.values, context=context) if field.required]
        assert {field.code for field in asked} <= set(made.values)
