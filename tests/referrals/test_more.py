"""More than usual: a written reason, consent that names it, a mark in the log; and never beyond what the kind of agency may ever get."""

import dataclasses
import json

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.cases import actions as cases
from referral_hub.consent import rules as consents
from referral_hub.protocol import package
from tests.referrals.story import HOUR, SECTIONS

REASON = "Hakim meminta riwayat penyakit untuk restitusi."
USUAL = {"identity": ["full_name"], "safe_contact": ["method", "must_not_know"]}
MEDICAL = {"injuries": "Memar di lengan.", "allergies": "Tidak ada."}


@pytest.fixture
def file(story):
    case = story.open_file()
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="medical", values=MEDICAL, version=0)
    return case


def draft(story, file, *, further, reason=REASON, **more):
    return story.draft(case=file, choice=USUAL | further, reason=reason, **more)


def agree(story, *, further=(), sections=(*SECTIONS, "medical")):
    plain = story.giving(sections=sections)
    shown = dataclasses.replace(plain.shown, further=tuple(further))
    giving = dataclasses.replace(plain, shown=shown, further=tuple(further), text_shown=consents.wording(shown).shown)
    return story.at(story.sari).on("give_consent", giving=giving)


def refused_send(story, **inputs):
    return story.refused(story.sari, "referral.send", lambda: story.send(**inputs))


def accepted(story):
    story.send()
    story.at(story.santi, HOUR).on("open_preview")
    story.at(story.santi, 2 * HOUR).on("accept", handler=story.santi.id, first_contact_by=story.clock + 24 * HOUR)
    return story.at(story.santi, 3 * HOUR)


def test_a_section_beyond_the_matrix_goes_with_a_reason_and_consent(story, file):
    draft(story, file, further={"medical": ["injuries"]})
    agree(story)
    desk = accepted(story)
    assert desk.section("medical").fields == {"injuries": MEDICAL["injuries"]}
    assert desk.section("identity").fields == {"full_name": "Melati Contoh"}


def test_the_log_says_that_more_than_usual_left_and_which(story, file):
    draft(story, file, further={"medical": ["injuries", "medication"]})
    agree(story)
    story.send()
    sent = story.entries()[-1]
    assert (sent.action, sent.fields) == ("referral.send", ("medical.injuries", "medical.medication"))
    assert "medical" in sent.sections
    assert (sent.legal_basis, sent.consent_id) == ("consent", story.row().consent_id)


def test_the_usual_leaves_no_such_mark(story):
    story.sent(choice=USUAL)
    assert story.entries()[-1].fields == ()


def test_the_reason_is_content(story, file):
    draft(story, file, further={"medical": ["injuries"]})
    agree(story)
    desk = accepted(story)
    tables = ("referral", "referral_event", "audit_entry", "consent", "sealed_part")
    stored = [row for table in tables for row in story.session.scalars(text(f"SELECT to_jsonb(t)::text FROM {table} t"))]
    assert not any(REASON in line for line in stored)
    read = [desk.section(code).fields for code in ("meta", "profile", "identity", "consent", "medical")]
    assert not any(REASON in json.dumps(dict(fields), ensure_ascii=False) for fields in read)


@pytest.mark.parametrize("reason", ["", "   ", "-", "…"])
def test_more_without_a_reason_is_refused(story, file, reason):
    with pytest.raises(errors.RuleBroken) as refused:
        draft(story, file, further={"medical": ["injuries"]}, reason=reason)
    assert (refused.value.code, refused.value.facts["fields"]) == ("beyond_matrix", ["medical.injuries"])


def test_consent_that_does_not_cover_the_section_is_refused(story, file):
    draft(story, file, further={"medical": ["injuries"]})
    agree(story, sections=SECTIONS)
    refusal = refused_send(story)
    assert (refusal.code, refusal.facts["sections"]) == ("consent_scope", ("medical",))


def test_a_field_of_a_section_shared_in_part_must_be_named(story, network, file):
    clinic = network.agency("klinik", "health")
    network.offer(clinic, "medical_exam")
    network.member(clinic, "doctor")
    draft(story, file, further={"identity": ["full_name", "religion"]}, service="medical_exam", to=clinic)
    agree(story)
    refusal = refused_send(story, recipient_code="klinik")
    assert (refusal.code, refusal.facts["fields"]) == ("consent_scope", ["identity.religion"])
    agree(story, further=["identity.religion"])
    story.send(recipient_code="klinik")
    assert story.entries()[-1].fields == ("identity.religion",)


def test_consent_given_before_more_was_ticked_does_not_cover_it(story, file):
    draft(story, file, further={}, service="legal_consult")
    agree(story)
    story.at(story.sari).on("edit_draft", choice=USUAL | {"profile": ["age_band", "disability"]}, reason=REASON)
    assert refused_send(story).facts["fields"] == ["profile.disability"]


def test_no_reason_goes_beyond_what_the_kind_may_ever_get(story, network, file):
    clinic = network.agency("klinik", "health")
    network.offer(clinic, "medical_exam")
    for further, sections, fields in (
        ({"tip": ["acts"]}, ["tip"], ["tip.acts"]),
        ({"identity": ["address_now"]}, [], ["identity.address_now"]),
        ({"consent": ["restrictions", "method"]}, [], ["consent.method", "consent.restrictions"]),
    ):
        with pytest.raises(errors.RuleBroken) as refused:
            draft(story, file, further=further, service="medical_exam", to=clinic)
        assert (refused.value.code, refused.value.facts["sections"], refused.value.facts["fields"]) == ("beyond_matrix", sections, fields)


def test_a_field_that_is_never_ticked_beforehand_goes_where_consent_names_it(story, network, file):
    assert "rescue_place" in package.ceiling("social_services", "outreach")["safety"]
    other = network.agency("uptd-lain", "social_services")
    network.offer(other, "outreach")
    network.member(other, "social_worker")
    draft(story, file, further={"safety": ["safe_now", "rescue_place"]}, reason="", service="outreach", to=other)
    agree(story, sections=(*SECTIONS, "safety"))
    assert refused_send(story, recipient_code="uptd-lain").facts["fields"] == ["safety.rescue_place"]
    agree(story, sections=(*SECTIONS, "safety"), further=["safety.rescue_place"])
    assert story.send(recipient_code="uptd-lain").state == "requested"
    assert story.entries()[-1].fields == ()


def test_a_word_that_is_no_field_is_no_field(story, file):
    for choice in ({"soul": ["x"]}, {"medical": ["soul"]}, {"": [""]}):
        with pytest.raises(errors.InputInvalid) as refused:
            story.draft(case=file, choice=choice, reason=REASON)
        assert refused.value.fields == {"fields": ("not_a_code",)}


def test_another_recipient_or_service_drops_what_was_added(story, file):
    draft(story, file, further={"medical": ["injuries"]})
    story.at(story.sari).on("edit_draft", service="restitution")
    agree(story)
    story.send()
    assert story.entries()[-1].fields == ()
    assert "medical" not in story.entries()[-1].sections
