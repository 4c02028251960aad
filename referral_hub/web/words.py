"""Times, spans, numbers and codes as people read them, in Indonesian and English. Pure: every fact comes in as a value.

Times are absolute first and carry their zone (WIB, WITA or WIT); past 24 hours the day is named (PAGES.md, section 2).
Month and day names and plurals come from CLDR through Babel.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from babel.dates import format_date, format_datetime
from babel.units import format_unit

from referral_hub.protocol.moments import utc_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

_OFFSETS = {"WIB": 7, "WITA": 8, "WIT": 9}
_NAMES = {"Asia/Jakarta": "WIB", "Asia/Pontianak": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}
_CLOCK = {"id": "HH.mm", "en": "HH:mm"}
_SECONDS = {"id": ".ss", "en": ":ss"}
_DAY = timedelta(days=1)
_MINUTE = 60
_SOON = timedelta(hours=4)
_SOON_SHARE = 0.25
GROUPING = {"id": ".", "en": ","}


@dataclass(frozen=True)
class Reader:
    """For whom words are made: language (`id`, `en`) and zone (WIB, WITA, WIT)."""

    language: str = "id"
    zone: str = "WIB"

    @property
    def tzinfo(self) -> timezone:
        """Return the zone's fixed offset; Indonesia has no summer time."""
        return timezone(timedelta(hours=_OFFSETS[self.zone]))


def zone_named(name: str) -> str:
    """Return WIB, WITA or WIT for an abbreviation or an IANA name; WIB for anything else."""
    return name if name in _OFFSETS else _NAMES.get(name, "WIB")


def clock_time(moment: datetime, reader: Reader) -> str:
    """Return the time of day with its zone: `04.31 WIB`."""
    return _formatted(moment, _CLOCK[reader.language], reader)


def day_time(moment: datetime, reader: Reader) -> str:
    """Return day and time: `Rabu 25 Nov, 04.31 WIB`."""
    return _formatted(moment, f"EEEE d MMM, {_CLOCK[reader.language]}", reader)


def moment(value: datetime, reader: Reader, *, now: datetime) -> str:
    """Return the time alone within 24 hours of `now`, the day as well beyond, and the year in another year."""
    if abs(value - now) < _DAY:
        return clock_time(value, reader)
    if value.astimezone(reader.tzinfo).year == now.astimezone(reader.tzinfo).year:
        return day_time(value, reader)
    return _formatted(value, f"d MMM y, {_CLOCK[reader.language]}", reader)


def long_day(value: datetime, reader: Reader) -> str:
    """Return the day and time in full: `Selasa, 24 November 2026, 02.14 WIB`."""
    return _formatted(value, f"EEEE, d MMMM y, {_CLOCK[reader.language]}", reader)


def exact(value: datetime, reader: Reader) -> str:
    """Return day and time to the second, for the log: `24 Nov 2026, 03.24.10 WIB`."""
    return _formatted(value, f"d MMM y, {_CLOCK[reader.language]}{_SECONDS[reader.language]}", reader)


def day(value: date, reader: Reader) -> str:
    """Return a date: `24 Feb 2027`. A datetime is taken in the reader's zone."""
    if isinstance(value, datetime):
        value = value.astimezone(reader.tzinfo).date()
    return format_date(value, "d MMM y", locale=reader.language)


def _formatted(value: datetime, pattern: str, reader: Reader) -> str:
    local = value.astimezone(reader.tzinfo)
    return f"{format_datetime(local, pattern, locale=reader.language)} {reader.zone}"


def span(length: timedelta, reader: Reader) -> str:
    """Return a length of time in its two largest units, never less than a minute: `1 jam 21 menit`, `3 hari 4 jam`."""
    parts = [format_unit(count, f"duration-{unit}", locale=reader.language) for unit, count in _largest_two(abs(length))]
    return " ".join(parts)


def seconds(length: timedelta, reader: Reader) -> str:
    """Return a short length of time in seconds, one of a minute and more as `span`: `3 detik`."""
    whole = round(abs(length).total_seconds())
    return format_unit(whole, "duration-second", locale=reader.language) if whole < _MINUTE else span(length, reader)


def _largest_two(length: timedelta) -> Iterator[tuple[str, int]]:
    minutes = max(1, int(length.total_seconds() // 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    counts = [(unit, count) for unit, count in (("day", days), ("hour", hours), ("minute", minutes)) if count]
    first = counts[0]
    yield first
    following = {"day": "hour", "hour": "minute"}.get(first[0])
    yield from ((unit, count) for unit, count in counts[1:] if unit == following)


def number(value: int, reader: Reader) -> str:
    """Return a whole number with the language's grouping: `48.217`, `48,217`."""
    return f"{value:,}".replace(",", GROUPING[reader.language])


def grouped(code: str, size: int = 4) -> str:
    """Return a long code in groups, for reading aloud: `ABCD EFGH`. Blanks and dashes that stand in it are dropped."""
    bare = code.replace(" ", "").replace("-", "")
    return " ".join(bare[at : at + size] for at in range(0, len(bare), size))


@dataclass(frozen=True)
class Deadline:
    """A clock as shown: `state` is calm, soon, late, paused or done; `length` is what is left, or by how much it is late."""

    state: str
    due: datetime
    length: timedelta
    since: datetime | None = None


def deadline(
    due: datetime,
    *,
    now: datetime,
    started: datetime | None = None,
    paused_at: datetime | None = None,
    done_at: datetime | None = None,
) -> Deadline:
    """Classify a clock (PAGES.md, section 5): soon is at most a quarter of the time left, or less than four hours."""
    if done_at is not None:
        return Deadline("done", due, done_at - (started or done_at), done_at)
    if paused_at is not None:
        return Deadline("paused", due, due - paused_at, paused_at)
    left = due - now
    if left < timedelta(0):
        return Deadline("late", due, -left)
    whole = due - started if started else None
    is_soon = left < _SOON or (whole is not None and left <= whole * _SOON_SHARE)
    return Deadline("soon" if is_soon else "calm", due, left)


def from_local(text: str, reader: Reader) -> datetime | None:
    """Return the UTC moment of a `datetime-local` value typed in the reader's zone; None where it is no such value.

    None too outside 1900-2199: some zone would read it as a moment that no calendar has.
    """
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return utc_seconds(typed if typed.tzinfo else typed.replace(tzinfo=reader.tzinfo))


def to_local(value: datetime, reader: Reader) -> str:
    """Return a moment as the value of a `datetime-local` input in the reader's zone: `2026-11-24T04:30`."""
    return value.astimezone(reader.tzinfo).strftime("%Y-%m-%dT%H:%M")


def month(value: date, reader: Reader) -> str:
    """Return month and year: `November 2026`."""
    return format_date(value, "MMMM y", locale=reader.language)
