"""Deadlines around weekends, holidays, Friday clinic hours and the eastern zone; the end of keeping."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors, protocol
from referral_hub.protocol import deadlines
from referral_hub.protocol.deadlines import Calendar, calendar, duration, is_open, opens_at, respond_by, retention_until

WIB, WIT = "Asia/Jakarta", "Asia/Jayapura"


def local(text, zone=WIB):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def answer_by(sent, urgency, hours, *, zone=WIB, government=False):
    due = respond_by(local(sent, zone).astimezone(UTC), urgency=urgency, calendar=calendar(hours, timezone=zone, government=government))
    assert due.tzinfo is UTC
    return due.astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("sent", "urgency", "hours", "due"),
    [
        ("2026-11-02 09:00", "normal", "office", "Thu 2026-11-05 16:00"),  # Monday: Tuesday, Wednesday, Thursday
        ("2026-11-02 23:59", "normal", "office", "Thu 2026-11-05 16:00"),
        ("2026-11-03 00:01", "normal", "office", "Fri 2026-11-06 16:00"),
        ("2026-11-05 09:00", "normal", "office", "Tue 2026-11-10 16:00"),  # Thursday: Friday, Monday, Tuesday
        ("2026-11-07 09:00", "normal", "office", "Wed 2026-11-11 16:00"),  # Saturday
        ("2026-11-08 20:00", "normal", "office", "Wed 2026-11-11 16:00"),  # Sunday
        ("2026-11-03 09:00", "normal", "clinic", "Fri 2026-11-06 11:00"),  # a clinic closes at eleven on Friday
        ("2026-11-04 09:00", "normal", "clinic", "Sat 2026-11-07 12:00"),  # and works on Saturday
        ("2026-11-05 09:00", "normal", "clinic", "Mon 2026-11-09 14:00"),
        ("2026-11-05 09:00", "normal", "always", "Mon 2026-11-09 00:00"),  # Friday, Saturday, Sunday until midnight
        ("2026-11-02 09:00", "planned", "office", "Wed 2026-11-11 16:00"),  # seven working days
        ("2026-12-23 09:00", "normal", "office", "Tue 2026-12-29 16:00"),  # Thursday works (joint leave), Friday is Christmas
        ("2026-08-14 09:00", "normal", "office", "Thu 2026-08-20 16:00"),  # Monday is Independence Day
        ("2026-11-07 09:00", "urgent", "office", "Sun 2026-11-08 09:00"),
        ("2026-12-25 01:30", "emergency", "office", "Fri 2026-12-25 03:30"),
    ],
)
def test_answer_by(sent, urgency, hours, due):
    assert answer_by(sent, urgency, hours) == due


def test_joint_leave_closes_government_offices_only():
    assert answer_by("2026-12-22 09:00", "normal", "office") == "Mon 2026-12-28 16:00"
    assert answer_by("2026-12-22 09:00", "normal", "office", government=True) == "Tue 2026-12-29 16:00"
    day = date(2026, 12, 24)
    assert deadlines.is_working_day(calendar("office", timezone=WIB), day)
    assert not deadlines.is_working_day(calendar("office", timezone=WIB, government=True), day)
    assert not deadlines.is_working_day(calendar("always", timezone=WIB), date(2026, 12, 25))


def test_the_days_are_those_of_the_recipient():
    sent = local("2026-11-02 22:30").astimezone(UTC)  # already Tuesday in the east
    west = respond_by(sent, urgency="normal", calendar=calendar("office", timezone=WIB))
    east = respond_by(sent, urgency="normal", calendar=calendar("office", timezone=WIT))
    assert west == local("2026-11-05 16:00").astimezone(UTC)
    assert east == local("2026-11-06 16:00", WIT).astimezone(UTC)
    assert east.hour == 7


def test_an_agency_with_hours_of_its_own_or_none():
    mondays = Calendar({0: ("10:00", "12:00")}, WIB)
    assert respond_by(local("2026-11-02 09:00"), urgency="normal", calendar=mondays) == local("2026-11-23 12:00").astimezone(UTC)
    assert respond_by(local("2026-11-02 09:00"), urgency="normal", calendar=Calendar({}, WIB)) == local("2026-11-05 09:00").astimezone(UTC)
    assert opens_at(Calendar({}, WIB), local("2026-11-02 09:00")) is None


@settings(max_examples=200, deadline=None)
@given(
    sent=st.datetimes(datetime(2026, 1, 1), datetime(2027, 11, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    urgency=st.sampled_from(["emergency", "urgent", "normal", "planned"]),
    hours=st.sampled_from(["office", "clinic", "always"]),
    zone=st.sampled_from([WIB, "Asia/Makassar", WIT]),
    government=st.booleans(),
)
def test_an_answer_is_never_due_early_nor_outside_working_time(sent, urgency, hours, zone, government):
    kept = calendar(hours, timezone=zone, government=government)
    due = respond_by(sent, urgency=urgency, calendar=kept)
    plain = sent + duration(protocol.current().urgency(urgency).ack).exact
    if "ack" not in protocol.current().urgency(urgency).business:
        assert due == plain
        return
    assert due > plain - timedelta(days=1)
    assert is_open(kept, due - timedelta(minutes=1))
    assert not is_open(kept, due) or hours == "always"


def test_open_now_or_again():
    clinic = calendar("clinic", timezone=WIB)
    friday = "2026-11-06"
    assert is_open(clinic, local(f"{friday} 08:00"))
    assert is_open(clinic, local(f"{friday} 10:59"))
    assert not is_open(clinic, local(f"{friday} 11:00"))
    assert opens_at(clinic, local(f"{friday} 09:00")) is None
    assert opens_at(clinic, local(f"{friday} 11:00")) == local("2026-11-07 08:00")
    assert opens_at(clinic, local("2026-11-07 13:00")) == local("2026-11-09 08:00")
    assert opens_at(clinic, local("2026-11-09 07:00")) == local("2026-11-09 08:00")
    assert opens_at(calendar("office", timezone=WIB, government=True), local("2026-12-23 17:00")) == local("2026-12-28 08:00")
    assert is_open(calendar("always", timezone=WIT), local("2026-11-08 23:59", WIT))
    with pytest.raises(errors.NotFound):
        calendar("never", timezone=WIB)


def test_the_other_clocks():
    at = local("2026-11-06 15:00").astimezone(UTC)
    assert deadlines.first_service_by(at, urgency="emergency") == at + timedelta(hours=24)
    assert deadlines.first_service_by(at, urgency="normal", asked=at + timedelta(days=2)) == at + timedelta(days=2)
    assert deadlines.first_service_by(at, urgency="normal", asked=at + timedelta(days=30)) == at + timedelta(days=7)
    with pytest.raises(errors.InputInvalid) as broken:
        deadlines.first_service_by(at, urgency="normal", asked=at)
    assert broken.value.fields == {"first_contact_by": ("in_past",)}
    assert deadlines.update_by(at, urgency="urgent") == at + timedelta(days=3)
    with pytest.raises(errors.NotFound):
        deadlines.update_by(at, urgency="sometime")


def test_durations():
    leap = date(2024, 2, 29)
    assert duration("P1Y").after(leap) == date(2025, 2, 28)
    assert duration("-P1Y").after(leap) == date(2023, 2, 28)
    assert duration("P1M").after(date(2026, 1, 31)) == date(2026, 2, 28)
    assert duration("P14M").after(date(2026, 11, 30)) == date(2028, 1, 30)
    assert duration("P1DT2H30M").exact == timedelta(days=1, hours=2, minutes=30)
    assert duration("-PT30H").exact == -timedelta(hours=30)
    assert duration("P2W").exact == timedelta(days=14)
    for wrong in ("", "P", "PT", "P1", "1D", "P1.5D", "P1DT", "PT1D"):
        with pytest.raises(errors.BadSettings):
            duration(wrong)


@pytest.mark.parametrize(
    ("given", "until"),
    [
        ({}, "2031-11-24"),
        ({"keep": "medical"}, "2051-11-24"),
        ({"child": True, "birth": "2010-03-09"}, "2036-12-31"),
        ({"child": True, "birth": "2010"}, "2036-12-31"),
        ({"child": True, "birth": "2001-01-01"}, "2031-12-31"),  # 21 long ago: counted from the last day
        ({"child": True, "age_band": "13_17"}, "2039-12-31"),
        ({"child": True, "age_band": "0_5"}, "2052-12-31"),
        ({"child": True}, "2052-12-31"),
        ({"child": True, "age_band": "13_17", "today": date(2024, 5, 1)}, "2037-12-31"),
    ],
)
def test_how_long_things_are_kept(given, until):
    assert retention_until(last=date(2026, 11, 24), **given).isoformat() == until


def test_no_date_of_a_child_tells_a_birthday():
    days = {retention_until(last=date(2026, 11, 24), child=True, birth=(date(2010, 1, 1) + timedelta(days=n)).isoformat()) for n in range(365)}
    assert days == {date(2036, 12, 31)}
    with pytest.raises(errors.NotFound):
        retention_until(last=date(2026, 11, 24), keep="for_ever")
