"""Rules of the survivor's file; without a database."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_hub import protocol
from referral_hub.cases import rules

STAGES = [item.code for item in protocol.current().codelist("case_stages")]
TODAY = date(2026, 11, 2)


def test_the_sections_of_the_person_are_those_written_for_the_case():
    assert rules.sections_of_person()[:3] == ("profile", "identity", "safe_contact")
    assert not set(rules.sections_of_person()) & {"meta", "needs", "consent"}
    assert "safety" in rules.sections_of_person()


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ("identity", {"nik", "address_now"}),
        ("safe_contact", {"code_word_ok", "code_word_danger"}),
        ("safety", {"rescue_place"}),
        ("profile", set()),
    ],
)
def test_some_fields_ask_for_one_more_press(section, fields):
    assert rules.sensitive_fields(section) == fields


def test_masking_leaves_the_last_digits_of_the_nik_and_says_what_is_hidden():
    values = {"full_name": "Melati", "nik": "3273014101990000", "address_now": {"lines": "rahasia"}}
    shown, hidden, tails = rules.masked("identity", values)
    assert shown == {"full_name": "Melati"}
    assert hidden == {"nik", "address_now"}
    assert tails == {"nik": "0000"}


@given(section=st.sampled_from(rules.sections_of_person()), data=st.data())
def test_nothing_sensitive_is_ever_among_what_is_shown(section, data):
    codes = data.draw(st.frozensets(st.sampled_from(list(protocol.current().section(section).fields))))
    shown, hidden, tails = rules.masked(section, dict.fromkeys(codes, "3273014101990000"))
    assert set(shown) | hidden == codes
    assert set(shown).isdisjoint(hidden | rules.sensitive_fields(section))
    assert all(len(tail) == 4 for tail in tails.values())


@given(now_at=st.sampled_from(STAGES), to=st.sampled_from(STAGES))
def test_a_case_goes_one_stage_on_or_back(now_at, to):
    step = STAGES.index(to) - STAGES.index(now_at)
    assert rules.may_move(now_at, to) == (step == 1 or step < 0)


def test_an_unknown_stage_leads_nowhere():
    assert not rules.is_stage("gone")
    assert not rules.may_move("gone", STAGES[0])
    assert not rules.may_move(STAGES[0], "gone")


@pytest.mark.parametrize(
    ("section", "values", "was", "after"),
    [
        ("safety", {"risk_level": "extreme"}, False, True),
        ("safety", {"risk_level": "low"}, True, False),
        ("safety", {"blocked_people": "majikan"}, True, True),
        ("safety", {"blocked_people": "majikan"}, False, False),
        ("profile", {"risk_level": "extreme"}, False, False),
    ],
)
def test_extreme_risk_asks_for_a_second_person(section, values, was, after):
    assert rules.needs_second_person(section, values, was=was) == after


def test_the_extreme_risk_is_a_code_of_the_list():
    assert rules.EXTREME in protocol.current().codelist("risk_levels")


def test_what_is_checked_together_is_opened_together():
    assert rules.sections_read_with("profile") == {"profile", "identity"}
    assert rules.sections_read_with("tip") == {"tip", "incident", "profile", "identity"}


def test_an_adults_file_is_kept_five_years_from_the_last_activity():
    assert rules.keep_until(last=TODAY, minor=False, person={}) == date(2031, 11, 2)
    assert rules.kept_longer(date(2030, 1, 1), last=TODAY, minor=False) == date(2031, 11, 2)


@given(birth=st.dates(date(2009, 1, 1), date(2026, 11, 1)), last=st.dates(date(2026, 11, 2), date(2050, 1, 1)))
def test_a_childs_date_tells_only_the_year_and_lies_five_years_after_21(birth, last):
    until = rules.keep_until(last=last, minor=True, person={"identity": {"birth_date": birth.isoformat()}})
    assert (until.month, until.day) == (12, 31)
    assert until.year >= birth.year + 26


@given(was=st.integers(2026, 2060), last=st.dates(date(2026, 11, 2), date(2050, 1, 1)))
def test_a_childs_date_never_comes_nearer_without_the_content(was, last):
    after = rules.kept_longer(date(was, 12, 31), last=last, minor=True)
    assert after >= date(was, 12, 31)
    assert (after.month, after.day) == (12, 31)


def test_the_day_is_the_members_own():
    assert rules.local_day(datetime(2026, 11, 1, 17, 30, tzinfo=UTC), "Asia/Jakarta") == TODAY
    assert rules.local_day(datetime(2026, 11, 1, 16, 30, tzinfo=UTC), "Asia/Jayapura") == TODAY
