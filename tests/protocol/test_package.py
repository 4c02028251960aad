"""What may leave. Whatever is asked, no field goes beyond the kind's sections, the matrix, the service and the survivor's yes."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from referral_hub import errors, protocol
from referral_hub.protocol import package
from referral_hub.protocol.package import Extra, ceiling, filter_package, may_ask, preselect, preview, preview_fields
from referral_hub.protocol.values import IDENTIFIER

BOOK = protocol.current()
RECEIVING = sorted(kind.code for kind in BOOK.kinds.values() if kind.case_data)
PAIRS = [(kind, service.code) for service in BOOK.services.values() for kind in service.kinds]
ALL = {name: frozenset(section.fields) for name, section in BOOK.sections.items()}
SHOWN = {  # facts that show every conditional section and field
    "profile": {"is_child": True, "with_children": True},
    "incident": {"violence_types": ["trafficking"]},
    "medical": {"pregnant": "yes"},
}


def whole(*sections):
    content = {name: dict.fromkeys(ALL[name], "x") for name in sections}
    return {name: values | SHOWN.get(name, {}) for name, values in content.items()}


def sent(content, **given):
    """The names of the fields that left."""
    package_ = filter_package(content, **({"consented": list(ALL), "facts": content | SHOWN} | given))
    return {f"{section}.{code}" for section, values in package_.items() for code in values}


def refused(code, *args, **given):
    with pytest.raises(errors.RuleBroken) as broken:
        sent(*args, **given)
    assert broken.value.code == code
    return broken.value.facts


def names(fields):
    return {f"{section}.{code}" for section, codes in fields.items() for code in codes}


def test_the_police_get_two_fields_of_the_medical_section():
    assert ceiling("police", "police_report")["medical"] == {"ver_needed", "spv_no"}
    assert sent(whole("medical", "incident"), kind="police", service="police_report") >= {"medical.ver_needed", "medical.spv_no", "incident.summary"}
    left = sent(whole("medical"), kind="police", service="police_report")
    assert left == {"medical.ver_needed", "medical.spv_no"}
    assert refused("beyond_matrix", whole("medical"), kind="police", service="police_report", chosen={"medical": ["pregnant"]})["fields"] == ("medical.pregnant",)


def test_sections_outside_the_kind_are_refused_whatever_consent_says():
    for section in ("tip", "chronology", "family"):
        facts = refused("beyond_matrix", whole(section), kind="health", service="medical_exam")
        assert facts["sections"] == (section,)
        reason = Extra("a reason", {section: ALL[section]})
        assert refused("beyond_matrix", whole(section), kind="health", service="medical_exam", extra=reason)["sections"] == (section,)


def test_a_kind_without_case_data_gets_nothing():
    for kind in ("oversight", "network"):
        assert not ceiling(kind)
        assert refused("service_not_allowed", whole("profile"), kind=kind, service="case_management") == {}


def test_a_service_that_the_kind_does_not_offer_opens_nothing():
    assert not ceiling("police", "mental_health")
    refused("service_not_allowed", whole("profile"), kind="police", service="mental_health")
    for ask in (lambda: ceiling("astronauts"), lambda: ceiling("police", "flying"), lambda: preview_fields("flying")):
        with pytest.raises(errors.NotFound):
            ask()


def test_the_service_narrows_further():
    assert set(ceiling("social_services", "interpreter")) == {"meta", "profile", "consent", "safe_contact", "safety", "needs"}
    assert ceiling("social_services", "interpreter")["safety"] == {"staff_safety"}
    assert "medical" not in ceiling("reintegration", "life_skills")
    assert refused("beyond_matrix", whole("medical"), kind="reintegration", service="life_skills")["sections"] == ("medical",)


def test_sections_without_consent_are_refused_and_three_are_always_covered():
    facts = refused("consent_scope", whole("identity", "needs"), kind="legal", service="legal_consult", consented=["needs"])
    assert facts["sections"] == ("identity",)
    assert {"meta.purpose", "profile.sex", "consent.valid_until"} <= sent(
        whole("meta", "profile", "consent"), kind="legal", service="legal_consult", consented=[],
    )


def test_the_matrix_refuses_before_consent_does():
    refused("beyond_matrix", whole("chronology"), kind="health", service="medical_exam", consented=[])


def test_what_the_survivor_left_out_stays():
    content = whole("identity", "safe_contact")
    left = sent(content, kind="legal", service="legal_consult", excluded=["identity.nik", "identity.address_ktp"])
    assert "identity.full_name" in left
    assert not {"identity.nik", "identity.address_ktp"} & left
    facts = refused("consent_scope", content, kind="legal", service="legal_consult", excluded=["identity.nik"], chosen={"identity": ["nik"]})
    assert facts["fields"] == ("identity.nik",)


def test_no_contact_means_no_number():
    content = whole("safe_contact")
    left = sent(content, kind="legal", service="legal_consult", contact_allowed=False)
    assert not BOOK.matrix.contact_off & left
    assert {"safe_contact.companion", "safe_contact.must_not_know"} <= left
    assert sent(content, kind="legal", service="legal_consult") & BOOK.matrix.contact_off
    refused("consent_scope", content, kind="legal", service="legal_consult", contact_allowed=False, chosen={"safe_contact": ["phone"]})


def test_fields_never_ticked_beforehand():
    content = whole("identity", "child_guardian", "legal")
    for kind, service in PAIRS:
        ticked = names(preselect(kind, service))
        assert not [name for name in ticked if BOOK.field(name).never_default], (kind, service)
        assert not ALL["consent"] - ALL["consent"].difference({"restrictions"}) & ceiling(kind, service).get("consent", frozenset())
    assert "identity.address_now" not in sent(content, kind="social_services", service="rescue")
    by_hand = {"identity": ["address_now", "full_name"]}
    assert sent(whole("identity"), kind="social_services", service="rescue", chosen=by_hand) == {"identity.address_now", "identity.full_name"}
    refused("beyond_matrix", whole("identity"), kind="social_services", service="case_management", chosen=by_hand)
    refused("beyond_matrix", whole("identity"), kind="police", service="police_protection", chosen=by_hand)
    more = Extra("they look for her there", {"identity": frozenset({"address_now"})})
    assert "identity.address_now" in sent(whole("identity"), kind="police", service="police_protection", extra=more)


def test_restrictions_never_leave_the_sender():
    for kind, service in PAIRS:
        more = Extra("a reason", {"consent": frozenset({"restrictions"})})
        refused("beyond_matrix", whole("consent"), kind=kind, service=service, extra=more)
        assert "consent.restrictions" not in sent(whole("consent"), kind=kind, service=service)


def test_more_needs_a_written_reason_and_consent():
    content, chronology = whole("chronology"), {"chronology": ALL["chronology"]}
    refused("beyond_matrix", content, kind="police", service="police_report")
    refused("beyond_matrix", content, kind="police", service="police_report", extra=Extra("  ", chronology))
    refused("consent_scope", content, kind="police", service="police_report", extra=Extra("asked for", chronology), consented=["incident"])
    assert sent(content, kind="police", service="police_report", extra=Extra("asked for", chronology)) == names(chronology)
    assert "asked for" not in repr(Extra("asked for", chronology))


def test_hidden_sections_and_fields_do_not_leave():
    content = whole("tip", "medical") | {"incident": {"violence_types": ["physical"], "summary": "x"}}
    left = sent(content | {"medical": content["medical"] | {"pregnant": "no"}}, kind="witness_protection", service="witness_protection", facts=content | {"medical": {}})
    assert not [name for name in left if name.startswith("tip.")]
    assert {"incident.summary", "medical.pregnant"} <= left
    health = whole("medical") | {"medical": dict.fromkeys(ALL["medical"], "x") | {"pregnant": "no"}}
    hidden = {"medical.gestation_weeks", "medical.due_date", "medical.mch_book"}
    assert not hidden & sent(health, kind="health", service="medical_exam", facts=health)
    assert hidden <= sent(whole("medical"), kind="health", service="medical_exam")


def test_unknown_names_are_refused_and_empty_sections_left_out():
    refused("beyond_matrix", {"soul": {"x": 1}}, kind="legal", service="legal_consult")
    refused("beyond_matrix", whole("needs"), kind="legal", service="legal_consult", chosen={"needs": ["soul"]})
    assert filter_package({"needs": {}, "meta": {"soul": "x"}}, kind="legal", service="legal_consult", consented=["needs"]) == {}


def test_a_service_may_be_asked_for():
    assert may_ask("mental_health", sender_kind="social_services", recipient_kind="psychosocial")
    assert not may_ask("mental_health", sender_kind="social_services", recipient_kind="police")
    assert not may_ask("mental_health", sender_kind="oversight", recipient_kind="psychosocial")
    assert not may_ask("forensic_ver", sender_kind="social_services", recipient_kind="health", documents=["spv"])
    assert not may_ask("forensic_ver", sender_kind="police", recipient_kind="health")
    assert may_ask("forensic_ver", sender_kind="police", recipient_kind="health", documents=["spv"])
    assert may_ask("mediation", sender_kind="legal", recipient_kind="social_services", facts={"incident": {"violence_types": ["neglect"]}})
    for kind_of_case in (["sexual.rape"], ["neglect", "trafficking"]):
        assert not may_ask("mediation", sender_kind="legal", recipient_kind="social_services", facts={"incident": {"violence_types": kind_of_case}})


def test_the_preview_names_its_fields():
    assert preview_fields("mental_health") == (
        "meta.alias", "meta.service", "meta.referral_type", "meta.urgency", "meta.urgency_reason", "meta.respond_by",
        "profile.age_band", "profile.sex", "profile.is_child", "profile.access_needed", "profile.interpreter_needed", "consent.scope_purpose",
    )  # fmt: skip
    assert "profile.with_children" in preview_fields("temporary_shelter")
    content = {
        "meta": {"alias": "SM-7K2M-9QXD", "service": "mental_health", "urgency": "normal", "purpose": "to be heard", "respond_by": "2026-11-05T09:00:00Z"},
        "profile": {"age_band": "25_44", "sex": "P", "is_child": False, "with_children": True, "disability": ["physical"]},
        "identity": {"full_name": "Mawar"},
    }
    assert preview(content, service="mental_health", excluded=["profile.sex"]) == {
        "meta": {"alias": "SM-7K2M-9QXD", "service": "mental_health", "urgency": "normal", "respond_by": "2026-11-05T09:00:00Z"},
        "profile": {"age_band": "25_44", "is_child": False},
    }


field_names = st.lists(st.sampled_from(sorted(names(ALL))), max_size=8)


@st.composite
def requests(draw):
    """A request that often stays within what is allowed and sometimes does not."""
    kind, service = draw(st.sampled_from(PAIRS))
    near = sorted(ceiling(kind, service)) if draw(st.booleans()) else sorted(ALL)
    asked = draw(st.lists(st.sampled_from(near), unique=True, max_size=4))
    consented = asked + draw(st.lists(st.sampled_from(sorted(ALL)), max_size=3)) if draw(st.booleans()) else asked[1:]
    open_to = ceiling(kind, service) if draw(st.booleans()) else ALL
    pick = {name: st.sets(st.sampled_from(sorted(open_to[name]))) for name in asked if open_to.get(name)}
    chosen = draw(st.none() | st.fixed_dictionaries({}, optional=pick))
    extra = draw(st.none() | st.fixed_dictionaries({}, optional={name: st.frozensets(st.sampled_from(sorted(ALL[name]))) for name in asked}))
    return kind, service, asked, consented, chosen, extra


def test_whatever_is_asked_nothing_leaves_beyond():
    reached = {"left": 0, "refused": 0}

    @settings(max_examples=400, deadline=None)
    @example(  # ticked by hand among the more, within the ceiling of the service: it goes without a reason
        request=("social_services", "outreach", ["safety"], ["safety"], None, {"safety": frozenset({"rescue_place"})}),
        excluded=[], contact=False, reason="", shown=False,
    )  # fmt: skip
    @given(request=requests(), excluded=field_names, contact=st.booleans(), reason=st.sampled_from(["", " ", "because"]), shown=st.booleans())
    def holds(request, excluded, contact, reason, shown):
        kind, service, asked, consented, chosen, extra = request
        more = Extra(reason, extra) if extra is not None else None
        content = whole(*asked)
        facts = content | SHOWN if shown else content
        try:
            left = filter_package(
                content, kind=kind, service=service, consented=consented, excluded=excluded, contact_allowed=contact, chosen=chosen, extra=more, facts=facts,
            )
        except errors.RuleBroken:
            reached["refused"] += 1
            return
        reached["left"] += bool(left)
        most, ever = ceiling(kind, service), set(BOOK.kind(kind).sections_ever)
        assert set(left) <= ever & ({*consented} | package.sections_always()) & set(asked)
        for section, values in left.items():
            widened = more.fields.get(section, frozenset()) if more and reason.strip() else frozenset()
            assert set(values) <= most.get(section, frozenset()) | widened
            for code in values:
                field = BOOK.field(f"{section}.{code}")
                by_hand = code in (more.fields.get(section, ()) if more else ()) or code in (chosen or {}).get(section, ())
                assert not field.never_default or (by_hand and service in field.only_for_services)
                assert field.name not in excluded
                assert contact or field.name not in BOOK.matrix.contact_off
                assert values[code] == content[section][code]

    holds()
    assert min(reached.values()) > 20


CODED = set(string.ascii_letters + string.digits + "._:-")
garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["P", "normal", "25_44", "danger_now", "mental_health"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=120, deadline=None)
@given(data=st.data(), service=st.sampled_from(sorted(BOOK.services)))
def test_the_preview_holds_no_free_text(data, service):
    marked = [BOOK.field(name) for name in (*preview_fields("temporary_shelter"), "meta.purpose", "profile.disability", "identity.full_name")]
    content = {}
    for field in marked:
        content.setdefault(field.section, {})[field.code] = data.draw(garbage)
    made = preview(content, service=service)
    for section, values in made.items():
        for code, value in values.items():
            field = BOOK.field(f"{section}.{code}")
            assert field.preview
            assert field.type in {"code", "bool", "id", "datetime"}
            assert value in BOOK.codelist(field.codelist) if field.codelist else isinstance(value, bool) or IDENTIFIER.fullmatch(value)
            assert isinstance(value, bool) or set(value) <= CODED | {"-", ":"}
