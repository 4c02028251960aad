"""Any section of the protocol's form, asked and read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import render_template_string

from referral_hub import protocol
from referral_hub.gate.schemas import Problems
from referral_hub.protocol.forms import Context, Hint
from referral_hub.web import forms
from referral_hub.web.forms import Option
from referral_hub.web.words import Reader

NOW = datetime(2026, 11, 23, 19, 14, tzinfo=UTC)
CONTEXT = Context(now=NOW)
ID, EN = Reader("id", "WIB"), Reader("en", "WIB")
PAGE = """{% import "sections.html" as sections with context %}{{ sections.section_form(controls) }}{{ sections.section_facts(facts, reveal_url="/x") }}"""


@pytest.fixture
def inside(app):
    with app.test_request_context("/"):
        yield


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("reader", [ID, EN])
def test_every_section_is_asked_field_by_field(reader):
    for section in protocol.current().sections:
        asked = forms.controls(section, {}, context=CONTEXT, reader=reader)
        html = render_template_string(PAGE, controls=asked, facts=())
        for control in asked:
            assert control.label in html.replace("&amp;", "&").replace("&#39;", "'")
            assert f'name="{control.name}' in html or (control.kind in {"radio", "checkbox"} and not control.options)


@pytest.mark.usefixtures("inside")
def test_what_was_typed_stands_there_again_with_what_is_amiss():
    values = {"full_name": "Contoh <b>", "birth_date": "2004-08"}
    problems = {"full_name": ("too_long",), "birth_date": ("not_a_date",)}
    asked = forms.controls("identity", values, context=CONTEXT, reader=ID, problems=problems)
    html = render_template_string(PAGE, controls=asked, facts=())
    assert 'value="Contoh &lt;b&gt;"' in html
    assert 'value="2004-08"' in html
    assert "Mohon dipersingkat." in html
    assert html.count('aria-invalid="true"') == 2
    assert 'aria-describedby="f-full_name-e"' in html
    assert "alert" not in html


@pytest.mark.usefixtures("inside")
def test_choices_of_few_are_radio_buttons_and_of_many_a_list():
    asked = {c.name: c for c in forms.controls("identity", {}, context=CONTEXT, reader=ID)}
    assert asked["marital"].kind == "radio"
    assert asked["occupation"].kind == "select"
    assert asked["nik"].inputmode == "numeric"
    assert [part.name for part in asked["address_now"].parts] == ["address_now-region", "address_now-lines"]
    assert not asked["full_name"].optional


@pytest.mark.usefixtures("inside")
def test_rows_are_offered_by_field_or_by_kind_and_only_some_fields_are_asked():
    offered = [Option("lbh-rujuk", "LBH Rujuk (simulasi)")]
    asked = forms.controls("safety", {}, context=CONTEXT, reader=ID, lookups={"agency": offered}, only={"blocked_agencies"}, prefix="s-")
    assert [(c.name, c.kind, c.options) for c in asked] == [("s-blocked_agencies", "checkbox", tuple(offered))]


@pytest.mark.usefixtures("inside")
def test_a_gentle_hint_stands_beside_its_field():
    asked = forms.controls("chronology", {}, context=CONTEXT, reader=ID, warnings={next(iter(protocol.current().section("chronology").fields)): (Hint("blaming_word", "kabur"),)})
    assert "“kabur”. Boleh diganti." in render_template_string(PAGE, controls=asked, facts=())


@pytest.mark.usefixtures("inside")
def test_facts_are_read_in_words_and_sensitive_ones_only_on_request():
    values = {"full_name": "Contoh", "birth_date": "2004-08-12", "nik": "3273010101040000", "address_now": {"region": "32.73", "lines": "Jalan contoh"}}
    read = {f.code: f for f in forms.facts("identity", values, reader=ID, masked={"nik"})}
    assert read["birth_date"].text == "12 Agu 2004"
    assert read["nik"].masked
    assert "3273010101040000" not in str(read)
    assert read["address_now"].text.startswith("Jalan contoh, ")
    assert "religion" not in read
    html = render_template_string(PAGE, controls=(), facts=tuple(read.values()))
    assert html.count("Tampilkan (tercatat)") == 1
    assert 'name="field" value="nik"' in html


@pytest.mark.parametrize(("value", "text"), [("2004-08-12", "12 Agu 2004"), ("2004-08", "Agustus 2004"), ("2004", "2004")])
def test_a_date_may_be_known_to_the_month_or_the_year(value, text):
    assert forms.approximate_day(value, ID) == text


@pytest.mark.usefixtures("inside")
def test_the_summary_leads_to_each_field():
    page = '{% import "parts.html" as parts with context %}{{ parts.error_summary(problems, labels, saved=true) }}'
    html = render_template_string(page, problems=Problems({"full_name": ("required",), "nik": ("nik_format",)}), labels=forms.section_labels("identity", ID))
    assert "Ada 2 isian yang perlu dilengkapi" in html
    assert '<a href="#f-full_name">Nama lengkap: Belum diisi.</a>' in html
    assert "Isian lain sudah tersimpan." in html


def test_labels_carry_the_forms_prefix():
    assert forms.section_labels("identity", EN, prefix="s-")["s-full_name"] == "Full name"
