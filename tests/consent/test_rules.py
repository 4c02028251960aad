"""What makes a consent and what it covers; without a database."""

import dataclasses
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from referral_hub import errors, protocol
from referral_hub.consent import givers, rules
from referral_hub.consent.facts import Consent, Standing

from .giving import CLINIC, NOW, SHOWN, TODAY, WITNESS, WORKER, giving

ZONE = "Asia/Jakarta"
KNOWN = {"user": [str(WITNESS), str(WORKER)]}


def validate(answer, **changes):
    return rules.validate(answer, **({"now": NOW, "timezone": ZONE, "worker": WORKER, "minor": False, "known": KNOWN} | changes))


def problems(answer, **changes):
    with pytest.raises(errors.InputInvalid) as refused:
        validate(answer, **changes)
    return refused.value.fields


def consent(**changes):
    facts = validate(giving()).clear | {"signers": (WORKER,), "withdrawn_at": None, "id": uuid.UUID(int=50), "case_id": uuid.UUID(int=60)}
    facts |= {"sections": frozenset(facts["sections"]), "use_limits": frozenset(facts["use_limits"])}
    return Consent(**(facts | changes))


# --- giving --------------------------------------------------------------------------------------------------------------


def test_a_whole_answer_is_split_into_what_is_clear_and_what_only_a_seal_may_hold():
    checked = validate(giving())
    assert dict(checked.sealed) == {"scope_excluded_fields": ["identity.nik"], "restrictions": "hanya pagi hari", "witness": [str(WITNESS)]}
    assert checked.clear["scope_agency"] == CLINIC
    assert checked.clear["sections"] == sorted({*SHOWN.sections})
    assert not set(checked.clear) & {"scope_excluded_fields", "restrictions", "witness", "excluded_fields"}
    assert "pagi" not in repr(checked)
    assert "majikan" not in repr(giving())
    assert "majikan" not in repr(SHOWN)


def test_every_clear_column_is_on_the_list_of_what_is_clear():
    listed = {item["source"] for item in yaml.safe_load(Path("config/protocol/clear_metadata.yaml").read_text())["items"]}
    sealed = {field.name for field in protocol.current().section("consent").fields.values()} - listed
    assert sealed == {"consent.scope_excluded_fields", "consent.restrictions", "consent.witness"}


def test_the_limits_are_those_of_the_agreed_list():
    agreed = yaml.safe_load(Path("config/protocol/consent_rules.yaml").read_text())
    assert agreed["limits"]["longest_validity"] == f"P{rules.LONGEST_MONTHS // 12}Y"
    assert agreed["limits"]["suggested_validity"] == f"P{rules.SUGGESTED_MONTHS}M"
    adults = [giver for giver in agreed["givers"] if giver["code"].startswith("adult")]
    assert {form for giver in adults for form in giver["form"]} == givers.ADULT_FORMS
    assert {giver["given_by"] for giver in adults} == {givers.ADULT_GIVER}
    refusals = {
        check["refusal"]
        for check in agreed["checks"]
        if check["code"] in {"covers_agency", "covers_purpose", "covers_sections", "still_valid"}
    }
    assert {standing.refusal for standing in Standing} - {""} == refusals


def test_a_child_of_whom_nothing_is_known_has_no_consent():
    with pytest.raises(errors.RuleBroken, match="no_consent"):
        validate(giving(), minor=True)


@pytest.mark.parametrize("basis", ["legal_obligation", "vital_interest", "public_task", ""])
def test_another_basis_needs_a_second_signer(basis):
    with pytest.raises(errors.RuleBroken, match="second_signer_needed"):
        validate(giving(basis=basis))


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"given_by": "guardian"}, "consent.given_by", "giver_does_not_fit"),
        ({"given_by": "none_vital"}, "consent.given_by", "giver_does_not_fit"),
        ({"given_by": ""}, "consent.given_by", "required"),
        ({"service": "legal_consult"}, "consent.scope_purpose", "not_of_the_service"),
        ({"service": "no_such_service"}, "consent.scope_purpose", "not_of_the_service"),
        ({"purpose": "audit"}, "consent.scope_purpose", "not_consentable"),
        ({"valid_until": TODAY - timedelta(days=1)}, "consent.valid_until", "in_past"),
        ({"valid_until": date(2027, 11, 3)}, "consent.valid_until", "too_far"),
        ({"method": ""}, "consent.method", "required"),
        ({"method": "thumbprint", "witness": ()}, "consent.witness", "required"),
        ({"method": "witnessed_verbal", "witness": ()}, "consent.witness", "required"),
        ({"witness": (WORKER,)}, "consent.witness", "same_person"),
        ({"witness": (WITNESS, WORKER)}, "consent.witness", "same_person"),
        ({"witness": (uuid.UUID(int=99),)}, "consent.witness", "not_known"),
        ({"language": ""}, "consent.language", "required"),
        ({"language": "xx"}, "consent.language", "not_a_code"),
        ({"copy_given": ""}, "consent.copy_given", "required"),
        ({"use_limits": frozenset({"none", "no_photo"})}, "consent.use_limits", "alone"),
        ({"sections": frozenset()}, "consent.scope_sections", "required"),
        ({"sections": frozenset({"profile", "no_such"})}, "consent.scope_sections", "not_a_code"),
        ({"given_at": NOW + timedelta(days=1)}, "consent.given_at", "in_future"),
        ({"restrictions": "a" * 301}, "consent.restrictions", "too_long"),
    ],
)
def test_each_field_that_is_amiss_is_named(changes, field, code):
    assert code in problems(giving(**changes))[field]


def test_all_that_is_amiss_is_named_at_once():
    found = problems(giving(method="", language="", copy_given="", valid_until=TODAY - timedelta(days=1)))
    assert set(found) >= {"consent.method", "consent.language", "consent.copy_given", "consent.valid_until"}


@pytest.mark.parametrize("form", ["guardian_consent", "child_assent", "no_consent_disclosure", "refusal", "no_such_form"])
def test_an_adult_signs_an_adults_form(form):
    answer = dataclasses.replace(giving(), shown=dataclasses.replace(SHOWN, form=form))
    assert "giver_does_not_fit" in problems(answer)["consent.form"]


@pytest.mark.parametrize("method", ["written", "e_sign", "recorded_verbal"])
def test_what_is_written_or_recorded_needs_no_witness(method):
    assert "witness" not in validate(giving(method=method, witness=())).sealed


# --- the text ------------------------------------------------------------------------------------------------------------


def test_the_version_is_of_the_wording_and_tells_nothing_of_whom_she_fears():
    other = dataclasses.replace(SHOWN, blocked="orang lain", excluded=())
    assert rules.wording(SHOWN).version == rules.wording(other).version == validate(giving()).clear["form_version"]
    assert rules.wording(SHOWN).shown != rules.wording(other).shown


@pytest.mark.parametrize(
    "changes",
    [
        {"text_shown": "0" * 64},
        {"sections": frozenset({*SHOWN.sections, "medical"})},
        {"agency_id": uuid.UUID(int=8)},
        {"onward_allowed": True},
        {"contact_allowed": False},
        {"stats_allowed": True},
        {"valid_until": SHOWN.valid_until + timedelta(days=1)},
        {"excluded_fields": ()},
    ],
)
def test_nothing_is_recorded_that_was_not_read_out(changes):
    assert problems(giving(**changes))["consent.form_version"] == ("text_changed",)


def test_another_text_than_the_one_on_the_page_is_refused():
    page = rules.wording(SHOWN).shown
    later = dataclasses.replace(SHOWN, to_agency="Klinik Lain")
    assert problems(giving(shown=later, text_shown=page)) == {"consent.form_version": ("text_changed",)}


def test_she_may_agree_to_less_than_was_read_out():
    less = giving(sections=frozenset({"identity"}), excluded_fields=("identity.nik", "identity.address_now"), valid_until=TODAY)
    assert validate(less).clear["sections"] == ["consent", "identity", "meta", "profile"]


# --- covering ------------------------------------------------------------------------------------------------------------

ASKED = {"agency_id": CLINIC, "purpose": "psychosocial_care", "sections": {"identity", "profile"}, "on": TODAY}


@pytest.mark.parametrize(
    ("changes", "asked", "standing"),
    [
        ({}, {}, "covers"),
        ({}, {"on": date(2027, 5, 2)}, "covers"),
        ({}, {"on": date(2027, 5, 3)}, "ended"),
        ({}, {"on": TODAY - timedelta(days=1)}, "lacks"),
        ({}, {"agency_id": uuid.UUID(int=8)}, "lacks"),
        ({}, {"purpose": "legal_aid"}, "scope"),
        ({}, {"sections": {"medical"}}, "scope"),
        ({"withdrawn_at": NOW}, {}, "withdrawn"),
        ({"withdrawn_at": NOW}, {"sections": {"medical"}}, "withdrawn"),
        ({"withdrawn_at": NOW}, {"agency_id": uuid.UUID(int=8)}, "lacks"),
        ({"form": "refusal", "sections": frozenset(), "valid_until": None}, {"sections": ()}, "lacks"),
    ],
)
def test_how_a_consent_stands(changes, asked, standing):
    assert rules.covers(consent(**changes), **(ASKED | asked)) == standing


def test_no_consent_covers_nothing():
    assert rules.covers(None, **(ASKED | {"sections": ()})) is Standing.LACKS


def test_a_standing_names_its_refusal_and_the_policys_fact():
    assert {s: (s.refusal, s.fact) for s in Standing} == {
        "covers": ("", "covers"),
        "lacks": ("no_consent", "lacks"),
        "scope": ("consent_scope", "lacks"),
        "ended": ("consent_expired", "ended"),
        "withdrawn": ("consent_expired", "withdrawn"),
    }


SECTIONS = list(protocol.current().sections)
AGENCIES = st.sampled_from([uuid.UUID(int=n) for n in range(3)])
PURPOSES = st.sampled_from([item.code for item in protocol.current().codelist("purposes")])
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
PARTS = st.frozensets(st.sampled_from(SECTIONS))
SECONDS = (date(2027, 12, 31) - date(2026, 1, 1)).days * 86400
TIMES = st.integers(0, SECONDS).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@given(
    agency=AGENCIES, purpose=PURPOSES, sections=PARTS, until=st.none() | DAYS, given_at=TIMES, withdrawn=st.none() | TIMES,
    asked_agency=AGENCIES, asked_purpose=PURPOSES, asked_sections=PARTS, on=DAYS,
)  # fmt: skip
def test_a_consent_covers_nothing_outside_agency_purpose_sections_and_dates(
    agency, purpose, sections, until, given_at, withdrawn, asked_agency, asked_purpose, asked_sections, on
):
    held = dataclasses.replace(
        BASE, scope_agency=agency, purpose=purpose, sections=sections, valid_until=until, given_at=given_at, withdrawn_at=withdrawn
    )
    standing = rules.covers(held, agency_id=asked_agency, purpose=asked_purpose, sections=asked_sections, on=on)
    inside = (
        agency == asked_agency and purpose == asked_purpose and asked_sections <= sections
        and until is not None and given_at.date() <= on <= until and withdrawn is None
    )  # fmt: skip
    assert (standing is Standing.COVERS) == inside


@given(sections=PARTS, asked=PARTS)
def test_narrowing_a_consent_never_makes_it_cover_more(sections, asked):
    wide = dataclasses.replace(BASE, sections=sections)
    narrow = dataclasses.replace(BASE, sections=sections - {"identity"})
    for held in (wide, narrow):
        standing = rules.covers(held, **(ASKED | {"sections": asked}))
        assert (standing is Standing.COVERS) == (asked <= held.sections)


BASE = Consent(
    id=uuid.UUID(int=50), case_id=uuid.UUID(int=60), basis="consent", scope_agency=CLINIC, purpose="psychosocial_care", sections=frozenset(),
    use_limits=frozenset(), onward_allowed=False, contact_allowed=True, stats_allowed=False, valid_until=date(2027, 5, 2), given_by="self",
    method="written", language="id", form="adult_release", form_version="0" * 64, given_at=NOW, copy_given="given", signers=(WORKER,),
    withdrawn_at=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("taken", "code"),
    [
        ((), "required"),
        (("incident", "tip"), "not_known"),  # not in the consent
        (("profile",), "not_known"),  # goes along always
        (("identity", "incident"), "all_of_them"),
        (("identity",), ""),
    ],
)
def test_single_sections_are_taken_back_and_never_everything(taken, code):
    held = consent(sections=frozenset({"meta", "profile", "consent", "identity", "incident"}))
    if not code:
        assert rules.check_narrowing(held, taken) is None
        return
    with pytest.raises(errors.InputInvalid) as refused:
        rules.check_narrowing(held, taken)
    assert refused.value.fields == {"sections": (code,)}


# --- digest and dates ----------------------------------------------------------------------------------------------------


def test_the_digest_changes_with_everything_that_was_agreed_and_not_with_the_withdrawal():
    held = consent()
    assert rules.digest(held) == rules.digest(dataclasses.replace(held, withdrawn_at=NOW, taken_back=frozenset({"tip"})))
    other = {
        "sections": held.sections | {"medical"}, "scope_agency": uuid.UUID(int=8), "valid_until": date(2027, 5, 3), "onward_allowed": True,
        "contact_allowed": False, "stats_allowed": True, "use_limits": frozenset(), "purpose": "legal_aid", "form_version": "1" * 64,
        "given_at": NOW + timedelta(seconds=1), "signers": (), "method": None, "copy_given": None, "language": "id", "given_by": "guardian",
        "basis": "vital_interest", "id": uuid.UUID(int=51), "case_id": uuid.UUID(int=61), "form": "supplement",
    }  # fmt: skip
    assert set(other) == {field.name for field in dataclasses.fields(Consent)} - {"withdrawn_at", "taken_back", "reviewed_at", "reviewer"}
    digests = {rules.digest(dataclasses.replace(held, **{name: value})) for name, value in other.items()}
    assert len(digests | {rules.digest(held)}) == len(other) + 1


@pytest.mark.parametrize(
    ("today", "suggested", "longest"),
    [
        (date(2026, 11, 2), date(2027, 5, 2), date(2027, 11, 2)),
        (date(2026, 8, 31), date(2027, 2, 28), date(2027, 8, 31)),
        (date(2024, 2, 29), date(2024, 8, 29), date(2025, 2, 28)),
        (date(2026, 12, 31), date(2027, 6, 30), date(2027, 12, 31)),
    ],
)
def test_six_months_are_suggested_and_one_year_is_the_longest(today, suggested, longest):
    assert rules.suggested_until(today) == suggested
    assert rules.longest_until(today) == longest


def test_a_day_is_the_local_one():
    assert rules.local_day(datetime(2026, 11, 1, 17, 30, tzinfo=UTC), ZONE) == TODAY
