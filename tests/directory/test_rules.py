"""Area, hours, room, fit and order, and who sees which contact: without a database."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_hub.directory import Agency, Need, Service, Viewer, rules, tiers

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # Tuesday, 10:00 in Bandung, 12:00 in Ambon
REGIONS = st.from_regex(r"[1-3]\d(\.0[1-3]){0,2}", fullmatch=True)


def agency(**facts):
    known = {
        "id": uuid.UUID(int=1), "code": "a", "name": "A", "kind": "health", "region": "32.73.16", "coverage": ("32.73",), "timezone": "Asia/Jakarta",
        "hours": "office", "government": False, "on_call_24h": False, "languages": ("id",), "access": (), "disclosure": "default", "tiers": {},
        "sectors": (), "exit_url": None, "state": "active", "verified_at": None, "verified_by": None, "created_at": NOW, "version": 1,
    }  # fmt: skip
    return Agency(**(known | facts))


def service(**facts):
    known = {
        "id": uuid.UUID(int=2), "agency_id": uuid.UUID(int=1), "code": "medical_exam", "hours": "office", "closed": False, "capacity": "available",
        "slots": None, "capacity_as_of": NOW, "sex": (), "age_min": 0, "age_max": None, "bring": (), "note": "",
    }  # fmt: skip
    return Service(**(known | facts))


# --- area


@pytest.mark.parametrize(
    ("coverage", "region", "reached"),
    [
        (["32"], "32.73", True),
        (["32.73"], "32.73.16", True),
        (["32.73"], "32.73", True),
        (["32.73"], "32", True),  # only the province is known: it may be there
        (["32.73", "32.17"], "32.17", True),
        (["32.7"], "32.73", False),
        (["32.73"], "32.77", False),
        (["32"], "81.71", False),
        ([], "32", False),
    ],
)
def test_an_area_holds_its_parts(coverage, region, reached):
    assert rules.covers(coverage, region) is reached


@given(area=REGIONS, region=REGIONS)
def test_areas_meet_exactly_when_one_lies_in_the_other(area, region):
    parts, others = area.split("."), region.split(".")
    assert rules.covers([area], region) is all(a == b for a, b in zip(parts, others, strict=False))
    assert rules.covers([area], area)


# --- fit


@pytest.mark.parametrize(
    ("offered", "asked", "wrong"),
    [
        ({}, {}, ()),
        ({}, {"sex": "L", "ages": (0, 5)}, ()),
        ({"sex": ("P",)}, {"sex": "P"}, ()),
        ({"sex": ("P",)}, {"sex": "L"}, ("sex",)),
        ({"sex": ("P",)}, {"sex": "unknown"}, ()),
        ({"sex": ("P",)}, {"sex": "X"}, ()),
        ({"age_min": 18}, {"ages": (13, 17)}, ("age",)),
        ({"age_min": 18}, {"ages": (18, 24)}, ()),
        ({"age_min": 15}, {"ages": (13, 17)}, ()),
        ({"age_min": 3, "age_max": 17}, {"ages": (60, None)}, ("age",)),
        ({"age_min": 6, "age_max": 24}, {"ages": (25, 44)}, ("age",)),
        ({"closed": True, "sex": ("P",), "age_max": 12}, {"sex": "L", "ages": (18, 24)}, ("closed", "sex", "age")),
    ],
)
def test_what_is_known_may_exclude_and_what_is_not_excludes_nothing(offered, asked, wrong):
    assert rules.misfits(agency(), service(**offered), Need(**asked), open_now=True) == wrong


def test_age_bands_have_ages():
    assert rules.ages_of("6_12") == (6, 12)
    assert rules.ages_of("60_plus") == (60, None)
    assert rules.ages_of("unknown") is None


# --- hours


@pytest.mark.parametrize(
    ("zone", "hours", "hour_utc", "is_open"),
    [
        ("Asia/Jakarta", "office", 1, True),  # 08:00
        ("Asia/Jakarta", "office", 0, False),
        ("Asia/Jakarta", "office", 9, False),  # 16:00
        ("Asia/Jayapura", "office", 0, True),  # 09:00
        ("Asia/Jayapura", "office", 8, False),  # 17:00
        ("Asia/Jakarta", "always", 20, True),
    ],
)
def test_an_agency_is_open_by_the_clock_of_its_own_zone(zone, hours, hour_utc, is_open):
    at = NOW.replace(hour=hour_utc)
    assert rules.is_open(agency(timezone=zone), hours, at) is is_open
    assert (rules.opens_at(agency(timezone=zone), hours, at) is None) is is_open


def test_it_opens_again_on_the_next_working_day():
    friday_evening = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
    assert rules.opens_at(agency(), "office", friday_evening) == datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


def test_day_and_night_means_holidays_too():
    new_year = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
    assert rules.is_open(agency(), "always", new_year)
    assert not rules.is_open(agency(), "office", new_year)


def test_joint_leave_closes_government_offices_only():
    joint_leave = datetime(2026, 12, 24, 3, 0, tzinfo=UTC)
    assert rules.is_open(agency(), "office", joint_leave)
    assert not rules.is_open(agency(government=True), "office", joint_leave)


# --- room


@pytest.mark.parametrize(
    ("age", "shown"),
    [(timedelta(0), "limited"), (timedelta(days=7), "limited"), (timedelta(days=7, seconds=1), "unknown"), (None, "unknown")],
)
def test_capacity_that_nobody_confirmed_for_seven_days_is_not_known(age, shown):
    as_of = None if age is None else NOW - age
    assert rules.capacity_shown(service(capacity="limited", capacity_as_of=as_of), NOW) == shown


# --- who receives


def test_only_active_agencies_with_case_data_receive():
    assert rules.can_receive(agency())
    assert not rules.can_receive(agency(state="founding"))
    assert not rules.can_receive(agency(state="disabled"))
    assert not rules.can_receive(agency(kind="oversight"))


def test_the_standing_of_a_card():
    assert rules.standing(misfit=False, in_area=True, open_now=True) == "fits_open"
    assert rules.standing(misfit=False, in_area=True, open_now=False) == "fits_closed"
    assert rules.standing(misfit=False, in_area=False, open_now=True) == "outside"
    assert rules.standing(misfit=True, in_area=True, open_now=True) == "misfit"


def test_the_posts_that_are_not_named_are_missing():
    assert rules.missing_posts({"focal": [1], "dpo": [], "head": [2]}) == ("deputy", "on_call", "dpo")


# --- who sees what

STRANGER = Viewer(None, None)
MEMBER = Viewer(uuid.UUID(int=5), "legal")
REFERRER = Viewer(uuid.UUID(int=5), "legal", accepted_referral=True)
INSIDER = Viewer(uuid.UUID(int=1), "health")


def contact(viewer, **facts):
    shown = tiers.contact(viewer, agency(**facts), email="a@rujukan.test", phone="000")
    return (shown.email is not None, shown.phone is not None, shown.withheld)


def test_contact_of_an_agency_is_for_the_network():
    assert contact(STRANGER) == (False, False, {"email", "phone"})
    assert contact(MEMBER) == (True, True, set())


def test_a_shelters_phone_is_for_those_whose_referral_it_accepted():
    assert contact(MEMBER, disclosure="shelter") == (True, False, {"phone"})
    assert contact(REFERRER, disclosure="shelter") == (True, True, set())
    assert contact(STRANGER, disclosure="shelter") == (False, False, {"email", "phone"})
    assert contact(INSIDER, disclosure="shelter") == (True, True, set())


def test_an_agency_may_hide_more_by_sector_by_role_or_from_all():
    assert contact(MEMBER, tiers={"phone": "sector"}, sectors=("police",)) == (True, False, {"phone"})
    assert contact(MEMBER, tiers={"phone": "sector"}, sectors=("legal",)) == (True, True, set())
    assert contact(MEMBER, tiers={"phone": "named_role"}) == (True, False, {"phone"})
    assert contact(REFERRER, tiers={"phone": "never"}) == (True, False, {"phone"})
    assert contact(INSIDER, tiers={"phone": "never"}) == (True, False, {"phone"})


def test_an_agency_cannot_show_more_than_its_profile():
    assert contact(MEMBER, disclosure="shelter", tiers={"phone": "public"}) == (True, False, {"phone"})


def test_the_name_of_a_shelter_is_for_the_network_and_an_address_is_no_fact():
    assert tiers.sees(STRANGER, agency(), "name")
    assert not tiers.sees(STRANGER, agency(disclosure="shelter"), "name")
    assert tiers.sees(MEMBER, agency(disclosure="shelter"), "name")
    for viewer in (STRANGER, MEMBER, REFERRER, INSIDER):
        assert not tiers.sees(viewer, agency(disclosure="shelter"), "address")
        assert not tiers.sees(viewer, agency(), "something unheard of")


def test_a_shelter_shows_its_province_only():
    assert rules.region_shown(agency(disclosure="shelter")) == "32"
    assert rules.region_shown(agency()) == "32.73.16"
