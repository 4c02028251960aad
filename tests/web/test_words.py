"""Words that carry times, spans and numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_hub.web import words
from referral_hub.web.words import Reader

NIGHT = datetime(2026, 11, 23, 19, 14, tzinfo=UTC)  # 02.14 WIB on 24 November
ID, EN = Reader("id", "WIB"), Reader("en", "WIB")


@pytest.mark.parametrize(("reader", "text"), [(ID, "02.14 WIB"), (EN, "02:14 WIB"), (Reader("id", "WITA"), "03.14 WITA"), (Reader("id", "WIT"), "04.14 WIT")])
def test_a_time_carries_its_zone_and_the_clock_of_its_language(reader, text):
    assert words.clock_time(NIGHT, reader) == text


def test_a_moment_names_the_day_past_24_hours_and_the_year_in_another_year():
    assert words.moment(NIGHT + timedelta(hours=23), ID, now=NIGHT) == "01.14 WIB"
    assert words.moment(NIGHT + timedelta(hours=31), ID, now=NIGHT) == "Rabu 25 Nov, 09.14 WIB"
    assert words.moment(NIGHT + timedelta(hours=31), EN, now=NIGHT) == "Wednesday 25 Nov, 09:14 WIB"
    assert words.moment(NIGHT + timedelta(days=90), ID, now=NIGHT) == "22 Feb 2027, 02.14 WIB"


def test_days_are_taken_in_the_readers_zone():
    assert words.long_day(NIGHT, ID) == "Selasa, 24 November 2026, 02.14 WIB"
    assert words.day(NIGHT, ID) == "24 Nov 2026"
    assert words.day(date(2027, 2, 24), ID) == "24 Feb 2027"


@pytest.mark.parametrize(
    ("length", "indonesian", "english"),
    [
        (timedelta(hours=1, minutes=21), "1 jam 21 menit", "1 hour 21 minutes"),
        (timedelta(minutes=20), "20 menit", "20 minutes"),
        (timedelta(days=1), "1 hari", "1 day"),
        (timedelta(days=3, hours=4, minutes=5), "3 hari 4 jam", "3 days 4 hours"),
        (timedelta(days=2, minutes=5), "2 hari", "2 days"),
        (timedelta(seconds=3), "1 menit", "1 minute"),
    ],
)
def test_a_span_shows_its_two_largest_units(length, indonesian, english):
    assert words.span(length, ID) == indonesian
    assert words.span(-length, EN) == english


def test_numbers_are_grouped_by_language():
    assert (words.number(48217, ID), words.number(48217, EN)) == ("48.217", "48,217")


def test_codes_are_grouped_for_reading_aloud():
    assert words.grouped("ABCDEFGHJK") == "ABCD EFGH JK"
    assert words.grouped("12345 67890-1234", 5) == "12345 67890 1234"


@pytest.mark.parametrize(
    ("left", "whole", "state"),
    [(timedelta(hours=30), timedelta(hours=48), "calm"), (timedelta(hours=12), timedelta(hours=48), "soon"), (timedelta(hours=3), None, "soon"),
     (timedelta(hours=5), None, "calm"), (timedelta(minutes=-20), None, "late")],
)  # fmt: skip
def test_a_clock_is_soon_at_a_quarter_or_under_four_hours(left, whole, state):
    due = NIGHT + left
    shown = words.deadline(due, now=NIGHT, started=due - whole if whole else None)
    assert shown.state == state
    assert shown.length == abs(left)


def test_a_paused_or_met_clock_is_never_late():
    due = NIGHT - timedelta(hours=1)
    assert words.deadline(due, now=NIGHT, paused_at=due - timedelta(hours=1)).state == "paused"
    met = words.deadline(due, now=NIGHT, started=due - timedelta(hours=2), done_at=due - timedelta(hours=1))
    assert (met.state, met.length) == ("done", timedelta(hours=1))


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)), st.sampled_from(["WIB", "WITA", "WIT"]))  # noqa: DTZ001
def test_a_typed_local_time_comes_back_as_it_was(naive, zone):
    reader = Reader("id", zone)
    moment = naive.replace(tzinfo=UTC, second=0, microsecond=0)
    assert words.from_local(words.to_local(moment, reader), reader) == moment


@pytest.mark.parametrize("typed", ["tomorrow", "", "0001-01-01", "0001-01-01T00:00", "9999-12-31T23:59", "9999-12-31T23:59-12:00"])
def test_what_is_no_time_or_beyond_every_calendar_is_none(typed):
    assert words.from_local(typed, ID) is None


@pytest.mark.parametrize(("name", "zone"), [("Asia/Pontianak", "WIB"), ("Asia/Makassar", "WITA"), ("WIT", "WIT"), ("Europe/Oslo", "WIB")])
def test_zones_by_either_name(name, zone):
    assert words.zone_named(name) == zone
