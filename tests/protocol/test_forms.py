"""The form checks itself by its data: every type, every condition, and what is typed comes back as it was."""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from werkzeug.datastructures import MultiDict

from referral_hub import errors, protocol
from referral_hub.protocol import forms
from referral_hub.protocol.forms import Context, parse_form, shown_fields, to_form, validate_section
from referral_hub.protocol.values import BAD_SIGNS

BOOK = protocol.current()
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HERE = Context(now=NOW)


def check(section, values, *, only=None, **context):
    return validate_section(section, values, context=Context(now=NOW, **context), only=only)


def problem(name, value, **context):
    """The problem of one field, checked alone; "" when there is none."""
    section, code = name.split(".")
    found = check(section, {code: value}, only=[code], sections=SHOWN, **context)
    return found.problems.get(code, ("",))[0]


def kept(name, value, **context):
    section, code = name.split(".")
    found = check(section, {code: value}, only=[code], sections=SHOWN, **context)
    assert not found.problems, found.problems
    return found.values.get(code)


def hints(name, value, **context):
    section, code = name.split(".")
    found = check(section, {code: value}, only=[code], **({"sections": SHOWN} | context))
    assert found.values == {code: value} or found.values[code]
    return [hint.code for hint in found.warnings.get(code, ())]


SHOWN = {
    "profile": {"is_child": True, "with_children": True, "sex": "P", "age_band": "13_17"},
    "incident": {"violence_types": ["trafficking"]},
    "identity": {"full_name": "Mawar Setiawati binti Ali", "alias": "Wawa"},
}
PROFILE = {"age_band": "25_44", "sex": "P"}


def test_every_section_and_every_type_of_field_is_checked():
    types = {field.type for section in BOOK.sections.values() for field in section.fields.values()}
    assert types <= set(BOOK.field_types)
    assert len(BOOK.sections) == 16
    for section in BOOK.sections:
        made = check(section, {}, sections=SHOWN)
        wanted = {code for code, field in BOOK.section(section).fields.items() if field.required and not field.auto}
        assert {code for code, codes in made.problems.items() if codes == ("required",)} >= wanted
    with pytest.raises(errors.NotFound):
        check("soul", {})


@pytest.mark.parametrize(
    ("name", "value", "kept_as"),
    [
        ("identity.full_name", "  Mawar\t Setia ", "Mawar  Setia"),
        ("identity.full_name", "Amélie".encode().decode(), "Amélie"),
        ("chronology.narrative", "one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("profile.sex", "P", "P"),
        ("profile.languages", ["su", "id", "su"], ["id", "su"]),
        ("profile.languages", "jv", ["jv"]),
        ("safe_contact.phone_shared", False, False),
        ("legal.loss_income", 0, 0),
        ("identity.birth_date", "2008", "2008"),
        ("identity.birth_date", "2008-03", "2008-03"),
        ("identity.birth_date", date(2008, 3, 9), "2008-03-09"),
        ("incident.last_incident_at", "2026-11-23T13:45:59+07:00", "2026-11-23T06:00:00Z"),
        ("legal.complaint_at", "2026-11-23T13:45:59.5+07:00", "2026-11-23T06:45:59Z"),
        ("legal.complaint_at", datetime(2026, 11, 23, 6, 45, tzinfo=UTC), "2026-11-23T06:45:00Z"),
        ("safe_contact.phone", "0812-3456-7890", "+6281234567890"),
        ("safe_contact.phone", "+62 812 3456 7890", "+6281234567890"),
        ("safe_contact.phone", "(022) 555 1234", "+62225551234"),
        ("safe_contact.phone", "\u202a0812 3456 7890\u202c", "+6281234567890"),
        ("identity.full_name", "Bu \u2068Contoh\u2069 \u202esatu", "Bu Contoh satu"),
        ("safe_contact.phone", "+44 20 7946 0958", "+442079460958"),
        ("identity.nik", "anything at all", "anything at all"),
        ("profile.origin_region", "3273", "32.73"),
        ("profile.origin_region", "32", "32"),
        ("identity.address_now", {"region": "32.73.16", "lines": "Jalan Contoh\r\nNo. 1", "unused": ""}, None),
        ("identity.address_now", {"region": "32.73.16", "lines": " Jalan Contoh\r\nNo. 1"}, {"region": "32.73.16", "lines": "Jalan Contoh\nNo. 1"}),
        ("safe_contact.trusted_person", {"name": "Bu Contoh", "phone": "0812 3456 7890"}, {"name": "Bu Contoh", "phone": "+6281234567890"}),
        ("safe_contact.trusted_person", {"name": " ", "relation": ""}, None),
        ("safety.blocked_agencies", ["unit-ppa-bdg", "a-b"], ["a-b", "unit-ppa-bdg"]),
        ("safe_contact.companion", "0198f3c2-7d10-7000-8000-00000000000a", "0198f3c2-7d10-7000-8000-00000000000a"),
        ("child_guardian.bi_decided_by", ["m2", "m1"], ["m1", "m2"]),
        ("safe_contact.code_word_ok", "senja", "senja"),
        ("consent.form_version", "f" * 64, "f" * 64),
        ("medical.pregnant", "yes", "yes"),
    ],
)
def test_what_is_kept(name, value, kept_as):
    if kept_as is None and isinstance(value, dict) and "unused" in value:
        assert problem(name, value) == "bad_type"
        return
    assert kept(name, value) == kept_as


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("identity.full_name", "x" * 201, "too_long"),
        ("identity.full_name", "two\nlines", "one_line"),
        ("identity.full_name", "null\x00", "bad_characters"),
        ("identity.full_name", "half \ud800", "bad_characters"),
        ("identity.full_name", 7, "bad_type"),
        ("meta.purpose", "x" * 301, "too_long"),
        ("chronology.narrative", "x" * 4001, "too_long"),
        ("chronology.narrative", "x" * 10_000_000, "too_long"),
        ("identity.nik", "1" * 41, "too_long"),
        ("profile.sex", "Q", "not_a_code"),
        ("profile.sex", ["P"], "bad_type"),
        ("profile.languages", ["id", "xx"], "not_a_code"),
        ("profile.languages", ["id", 3], "bad_type"),
        ("profile.languages", {"id": True}, "bad_type"),
        ("profile.languages", ["id"] * 201, "too_many"),
        ("profile.access_needs", ["none", "transport"], "alone"),
        ("safe_contact.phone_shared", "yes", "bad_type"),
        ("safe_contact.phone_shared", 1, "bad_type"),
        ("legal.loss_income", -1, "too_small"),
        ("legal.loss_income", 10**16, "too_large"),
        ("legal.loss_income", 1.5, "not_a_number"),
        ("legal.loss_income", True, "not_a_number"),
        ("legal.loss_income", "1000", "not_a_number"),
        ("identity.birth_date", "2008-02-30", "not_a_date"),
        ("identity.birth_date", "2008-13", "not_a_date"),
        ("identity.birth_date", "1808-01-01", "not_a_date"),
        ("identity.birth_date", "\u0662\u0660\u0660\u0668-01-01", "not_a_date"),
        ("identity.birth_date", "2026-11-25", "in_future"),
        ("safe_contact.recheck_on", "2026-12", "not_a_date"),
        ("needs.feedback_due", 20261201, "not_a_date"),
        ("legal.complaint_at", "2026-11-23T13:45", "not_a_datetime"),
        ("legal.complaint_at", "yesterday", "not_a_datetime"),
        ("legal.complaint_at", "0001-01-01T00:00:00+14:00", "not_a_datetime"),
        ("legal.complaint_at", datetime(2026, 11, 23), "not_a_datetime"),  # noqa: DTZ001 - a naive moment is the point
        ("legal.complaint_at", "2026-11-24T10:00:01+07:00", "in_future"),
        ("safe_contact.phone", "112", "not_a_phone"),
        ("safe_contact.phone", "senja", "not_a_phone"),
        ("safe_contact.phone", "+0000", "not_a_phone"),
        ("profile.origin_region", "99.99", "not_a_region"),
        ("profile.origin_region", "32.73.16", "not_a_region"),
        ("profile.origin_region", "Bandung", "not_a_region"),
        ("identity.address_now", {"region": "32.73.16.1001"}, "not_a_region"),
        ("identity.address_now", {"lines": "x" * 501}, "too_long"),
        ("identity.address_now", "Jalan Contoh", "bad_type"),
        ("safe_contact.trusted_person", {"phone": "12"}, "not_a_phone"),
        ("safe_contact.trusted_person", {"name": {"deep": {"deeper": 1}}}, "bad_type"),
        ("meta.to_agency", "Unit PPA", "not_an_id"),
        ("safety.blocked_agencies", ["unit-ppa-bdg", "../x"], "not_an_id"),
        ("child_guardian.bi_decided_by", ["m1", "m1"], "too_few"),
        ("consent.consent_id", "a b", "not_an_id"),
    ],
)
def test_what_is_amiss(name, value, code):
    assert problem(name, value) == code


def test_agencies_and_people_are_checked_where_the_caller_knows_them():
    known = {"agency": {"klinik-teduh"}, "user": {"m1"}}
    assert problem("meta.to_agency", "klinik-teduh", known=known) == ""
    assert problem("meta.to_agency", "klinik-lain", known=known) == "not_known"
    assert problem("safety.blocked_agencies", ["klinik-teduh", "klinik-lain"], known=known) == "not_known"
    assert problem("consent.witness", ["m1", "m2"], known=known) == "not_known"
    assert problem("meta.to_unit", "poli-1", known=known) == ""


def test_good_answers_are_kept_beside_wrong_ones():
    made = check("profile", PROFILE | {"languages": ["xx"], "nationality_group": "WNI", "soul": "x", 7: "y"})
    assert made.values == {"age_band": "25_44", "sex": "P", "is_child": False, "nationality_group": "WNI"}
    assert made.problems == {"languages": ("not_a_code",), "soul": ("unknown_field",), "7": ("unknown_field",)}
    assert not made.ok
    assert check("profile", PROFILE).ok


def test_content_never_shows_in_repr():
    context = Context(now=NOW, sections={"identity": {"full_name": "Mawar Rahasia"}})
    made = validate_section("needs", {"wishes": "Mawar Rahasia mengaku 0812 3456 7890"}, context=context)
    shown = f"{made!r} {context!r} {made.warnings['wishes']!r}"
    assert "Mawar" not in shown
    assert "0812" not in shown


def test_required_if_reads_other_fields_and_the_circumstances():
    meta = {"from_agency": "a", "from_person": "m", "to_agency": "b", "service": "mental_health", "referral_type": "referral", "purpose": "x"}
    assert check("meta", meta | {"urgency": "normal"}).ok
    assert check("meta", meta | {"urgency": "urgent"}).problems == {"urgency_reason": ("required",)}
    assert "current_state" not in check("needs", {"wishes": "x"}, recipient_kind="legal").problems
    assert check("needs", {"wishes": "x"}, recipient_kind="social_services").problems == {
        "services_given": ("required",), "current_state": ("required",),
    }  # fmt: skip
    assert check("medical", {}).ok
    assert check("medical", {}, service="forensic_ver").problems == {"spv_no": ("required",)}
    child = check("child_guardian", {"guardian_is_suspect": True}, sections=SHOWN)
    assert set(child.problems) == {"guardian_informed", "best_interest", "bi_decided_by"}


def test_only_the_named_fields_are_looked_at():
    blocked = {"must_not_know": "x"}
    assert check("safety", {"blocked_people": "A", "blocked_agencies": ["unit-ppa-bdg"], "risk_level": "extreme"}, only={"blocked_people", "blocked_agencies"}).values == {
        "blocked_people": "A", "blocked_agencies": ["unit-ppa-bdg"],
    }  # fmt: skip
    assert check("safety", {}, only={"blocked_people"}).problems == {"blocked_people": ("required",)}
    assert check("safety", blocked, only={"blocked_people"}).problems == {"must_not_know": ("unknown_field",), "blocked_people": ("required",)}


def test_hidden_fields_and_sections_are_dropped():
    made = check("medical", {"pregnant": "no", "gestation_weeks": 20, "due_date": "nonsense"})
    assert made.values == {"pregnant": "no"}
    assert made.ok
    assert check("medical", {"pregnant": "yes", "gestation_weeks": 20}).values == {"pregnant": "yes", "gestation_weeks": 20}
    assert check("tip", {"acts": ["recruitment"], "soul": 1}) == forms.Validated("tip", {}, {}, {})
    for kinds, used in ((["exploitation"], True), (["trafficking", "physical"], True), (["physical"], False), ("trafficking", True), (None, False), ([3], False)):
        context = Context(now=NOW, sections={"incident": {"violence_types": kinds}})
        assert forms.section_applies("tip", context=context) is used


def test_a_condition_tells_yes_from_one():
    for answer, used in ((True, True), (1, False), ("true", False), (False, False)):
        assert forms.section_applies("child_guardian", context=Context(now=NOW, sections={"profile": {"is_child": answer}})) is used


def test_what_a_page_asks():
    asked = [field.code for field in shown_fields("medical", {"pregnant": "no"}, context=HERE)]
    assert "gestation_weeks" not in asked
    assert "gestation_weeks" in [field.code for field in shown_fields("medical", {"pregnant": "yes"}, context=HERE)]
    assert [field.code for field in shown_fields("meta", {}, context=HERE)][:3] == ["from_agency", "from_person", "to_agency"]
    assert not [field for section in BOOK.sections for field in shown_fields(section, {}, context=HERE) if field.auto]


@pytest.mark.parametrize(
    ("birth", "band", "child"),
    [
        (None, "13_17", True),
        (None, "18_24", False),
        (None, "60_plus", False),
        (None, None, None),
        ("2008-11-24", "13_17", False),  # eighteen today
        ("2008-11-25", "18_24", True),
        ("2008-11", "18_24", True),  # may still be seventeen
        ("2008", "18_24", True),
        ("2007", "13_17", False),
        ("2026", "0_5", True),
        ("2027-01-01", "18_24", False),  # not yet born: the band decides
        ("nonsense", "13_17", True),
        (["2008"], ["13_17"], None),
    ],
)
def test_a_child_is_told_by_birth_date_then_by_age_band(birth, band, child):
    identity = {"birth_date": birth}
    made = check("profile", {"age_band": band, "sex": "P", "is_child": "claimed"}, sections={"identity": identity})
    assert made.values.get("is_child") is child
    assert "is_child" not in made.problems


def test_what_is_worked_out_cannot_be_claimed():
    assert check("profile", {"sex": "P", "is_child": True, "access_needed": True}).values == {"sex": "P"}


def test_the_local_day_decides_the_birthday():
    late = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)  # already the 24th in Jakarta
    for zone, child in (("Asia/Jakarta", False), ("UTC", True)):
        context = Context(now=late, timezone=zone, sections={"identity": {"birth_date": "2008-11-24"}})
        assert validate_section("profile", PROFILE, context=context).values["is_child"] is child


def test_support_and_interpreter_are_worked_out():
    made = check("profile", PROFILE | {"access_needs": ["transport"], "languages": ["jv"], "access_needed": False, "interpreter_needed": False})
    assert (made.values["access_needed"], made.values["interpreter_needed"]) == (True, True)
    made = check("profile", PROFILE | {"access_needs": ["none"], "languages": ["id", "su"]})
    assert (made.values["access_needed"], made.values["interpreter_needed"]) == (False, False)
    assert "interpreter_needed" not in check("profile", PROFILE).values


def test_further_services_fit_the_recipient():
    assert check("needs", {"wishes": "x", "services": ["psychiatric"]}, recipient_kind="health").ok
    assert check("needs", {"wishes": "x", "services": ["psychiatric", "rescue"]}, recipient_kind="health").problems == {"services": ("not_for_recipient_kind",)}
    assert check("needs", {"wishes": "x", "services": ["rescue"]}).ok


def test_automatic_fields_are_taken_and_never_asked_for():
    assert "referral_no" not in check("meta", {}).problems
    assert kept("meta.referral_no", "RJ-7K2M-9QXD") == "RJ-7K2M-9QXD"
    assert problem("meta.respond_by", "soon") == "not_a_datetime"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("needs.wishes", "NIK 3273 0141 0190 0001 ya", ["looks_like_nik"]),
        ("needs.wishes", "3273 0812 3456 7890", ["looks_like_nik"]),
        ("needs.wishes", "hubungi 0812-3456-7890", ["looks_like_phone"]),
        ("needs.wishes", "hubungi +6281234567890 / (022) 5551234", ["looks_like_phone", "looks_like_phone"]),
        ("needs.wishes", "kata Setiawati begitu", ["holds_name"]),
        ("needs.wishes", "Wawa ingin pulang; ia kabur", ["holds_name", "blaming_word"]),
        ("needs.wishes", "menolak bekerja sama, salah sendiri", ["blaming_word", "blaming_word"]),
        ("needs.wishes", "pengaku dan kaburnya", []),
        ("needs.wishes", "tanggal 02-11-2026 pukul 10.30, biaya 1.500.000, umur 17", []),
        ("needs.wishes", "binti Ali", []),
        ("safe_contact.safe_times", "Setiawati 0812-3456-7890", []),
        ("safe_contact.safe_times", "ia mengaku", ["blaming_word"]),
        ("safety.blocked_people", "Setiawati", []),
        ("safety.staff_safety", "Setiawati", ["holds_name"]),
        ("identity.full_name", "Mawar Setiawati binti Ali", []),
    ],
)
def test_gentle_hints_on_what_was_typed(name, text, expected):
    assert hints(name, text) == expected


def test_a_hint_never_blocks():
    made = check("needs", {"wishes": "Setiawati 3273014101900001 mengaku"}, sections=SHOWN)
    assert made.ok
    assert [hint.word for hint in made.warnings["wishes"]] == ["3273014101900001", "Setiawati", "mengaku"]


def test_where_nobody_looks_at_hints_none_are_looked_for():
    typed = {"wishes": "Setiawati 3273014101900001 mengaku"}
    context = Context(now=NOW, sections=SHOWN)
    assert validate_section("needs", typed, context=context, hints=False) == replace(check("needs", typed, sections=SHOWN), warnings={})


def test_control_signs_and_halves_of_surrogates_are_refused_as_unicode_has_them():
    every = map(chr, range(sys.maxunicode + 1))
    refused = {sign for sign in every if BAD_SIGNS.search(sign)}
    assert refused == {sign for sign in map(chr, range(0x10000)) if unicodedata.category(sign) in {"Cc", "Cs"}} - {"\n"}


@pytest.mark.parametrize(
    ("nik", "expected"),
    [
        ("3273164511100001", []),
        ("12345", ["nik_format"]),
        ("9973164511100001", ["nik_region"]),
        ("3273996511100001", ["nik_region", "nik_birth_date_differs"]),
        ("3273169913100001", ["nik_birth_date"]),
        ("3273164511100000", ["nik_serial"]),
        ("3273160511100001", ["nik_sex_differs"]),
        ("3273164611100001", ["nik_birth_date_differs"]),
    ],
)
def test_a_nik_that_does_not_fit_only_warns(nik, expected):
    made = check("identity", {"full_name": "x", "nik": nik, "birth_date": "2010-11-05"}, sections=SHOWN)
    assert made.ok
    assert [hint.code for hint in made.warnings.get("nik", ())] == expected


def test_a_band_that_cannot_be_hers_is_named_on_both_pages():
    for birth, band, differs in (("2010-11-05", "25_44", True), ("2010", "13_17", False), ("1950", "60_plus", False), ("2026-11", "0_5", False)):
        profile = check("profile", PROFILE | {"age_band": band}, sections={"identity": {"birth_date": birth}})
        identity = check("identity", {"full_name": "x", "birth_date": birth}, sections={"profile": {"age_band": band}})
        assert ("age_band" in profile.warnings) is differs
        assert ("birth_date" in identity.warnings) is differs


def test_a_posted_form_is_read_into_values():
    form = MultiDict([
        ("age_band", "25_44"), ("sex", "P"), ("with_children", "no"), ("languages", "id"), ("languages", "su"), ("languages", " "),
        ("is_child", "yes"), ("csrf", "x"), ("disability", ""), ("origin_region", ""),
    ])  # fmt: skip
    assert parse_form("profile", form) == {"age_band": "25_44", "sex": "P", "with_children": False, "languages": ["id", "su"]}
    assert parse_form("profile", {"p.sex": "L", "p.languages": ["id"], "sex": "P"}, prefix="p.") == {"sex": "L", "languages": ["id"]}
    with pytest.raises(errors.NotFound):
        parse_form("soul", {})


@pytest.mark.parametrize(
    ("section", "form", "values"),
    [
        ("identity", {"birth_date": "05/11/2010"}, {"birth_date": "2010-11-05"}),
        ("identity", {"birth_date": " 2010-11 "}, {"birth_date": "2010-11"}),
        ("identity", {"birth_date-day": "5", "birth_date-month": "11", "birth_date-year": "2010"}, {"birth_date": "2010-11-05"}),
        ("identity", {"birth_date-day": "", "birth_date-month": "11", "birth_date-year": "2010"}, {"birth_date": "2010-11"}),
        ("identity", {"birth_date-year": "2010"}, {"birth_date": "2010"}),
        ("identity", {"birth_date-day": "5", "birth_date-month": "", "birth_date-year": "2010"}, {"birth_date": "5//2010"}),
        ("identity", {"birth_date-day": "31", "birth_date-month": "2", "birth_date-year": "2010"}, {"birth_date": "31/2/2010"}),
        ("legal", {"complaint_at": "2026-11-23T13:45"}, {"complaint_at": "2026-11-23T06:45:00Z"}),
        ("legal", {"complaint_at": "2026-11-23T13:45:00+09:00"}, {"complaint_at": "2026-11-23T04:45:00Z"}),
        ("legal", {"complaint_at-date": "2026-11-23", "complaint_at-time": "13:45"}, {"complaint_at": "2026-11-23T06:45:00Z"}),
        ("legal", {"complaint_at-date": "2026-11-23", "complaint_at-time": ""}, {"complaint_at": "2026-11-23T"}),
        ("legal", {"complaint_at": "2026-11-23"}, {"complaint_at": "2026-11-23"}),
        ("legal", {"loss_income": "Rp 1.500.000"}, {"loss_income": 1_500_000}),
        ("legal", {"loss_income": "about a million"}, {"loss_income": "about a million"}),
        ("legal", {"has_counsel": "perhaps"}, {"has_counsel": "perhaps"}),
        ("identity", {"address_now-region": "32.73", "address_now-lines": "Jalan"}, {"address_now": {"region": "32.73", "lines": "Jalan"}}),
        ("safe_contact", {"trusted_person-name": "Bu", "trusted_person-phone": ""}, {"trusted_person": {"name": "Bu"}}),
        ("safe_contact", {"method": [], "phone": None, "safe_times": 7}, {}),
    ],
)
def test_inputs_of_a_page(section, form, values):
    assert parse_form(section, form) == values


def test_the_zone_of_the_reader_counts():
    assert parse_form("legal", {"complaint_at": "2026-11-23T13:45"}, timezone="Asia/Jayapura") == {"complaint_at": "2026-11-23T04:45:00Z"}
    assert to_form("legal", {"complaint_at": "2026-11-23T04:45:00Z"}, timezone="Asia/Jayapura")["complaint_at"] == ["2026-11-23T13:45"]


def test_what_cannot_be_read_is_shown_again_as_typed():
    typed = {"birth_date-day": "31", "birth_date-month": "2", "birth_date-year": "2010", "full_name": ""}
    values = parse_form("identity", typed)
    shown = to_form("identity", values)
    assert (shown["birth_date-day"], shown["birth_date-month"], shown["birth_date-year"]) == (["31"], ["2"], ["2010"])
    assert check("identity", values).problems == {"birth_date": ("not_a_date",), "full_name": ("required",)}
    assert to_form("legal", {"loss_income": "many", "has_counsel": "perhaps", "complaint_at": "later"}) == {
        "loss_income": ["many"], "has_counsel": ["perhaps"], "complaint_at": ["later"], "complaint_at-date": ["later"], "complaint_at-time": [""],
    }  # fmt: skip


def test_bytes_are_the_same_for_the_same_values():
    first = forms.canonical_bytes({"b": ["ü", 1], "a": {"y": True, "x": None}})
    assert first == '{"a":{"x":null,"y":true},"b":["ü",1]}'.encode()
    assert forms.canonical_bytes({"a": {"x": None, "y": True}, "b": ("ü", 1)}) == first
    assert forms.from_bytes(first) == {"b": ["ü", 1], "a": {"y": True, "x": None}}
    for wrong in ({"a": 1.5}, {"a": float("nan")}, {"a": object()}, {1: "a"}, {"a": "\ud800"}, {"a": b"x"}):
        with pytest.raises(TypeError):
            forms.canonical_bytes(wrong)
    for wrong in (b"", b"[]", b"{", b'{"a":1.5}', b'{"a":NaN}', b"\xff", b"[" * 100_000):
        with pytest.raises(errors.CannotOpen):
            forms.from_bytes(wrong)
