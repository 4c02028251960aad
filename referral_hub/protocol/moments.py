"""Dates known in part, ages, and moments as text. No clock: today is always given."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime
from typing import Any

FIRST_YEAR, LAST_YEAR = 1900, 2199
PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
DECEMBER = 12


def days_of(text: Any) -> tuple[date, date] | None:
    """Return the first and last day that "YYYY", "YYYY-MM" or "YYYY-MM-DD" can mean, or None for anything else."""
    found = PARTIAL.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    year = int(found[1])
    month = int(found[2]) if found[2] else None
    if not FIRST_YEAR <= year <= LAST_YEAR or (month is not None and not 1 <= month <= DECEMBER):
        return None
    if month is None:
        return date(year, 1, 1), date(year, DECEMBER, 31)
    last = calendar.monthrange(year, month)[1]
    if not found[3]:
        return date(year, month, 1), date(year, month, last)
    day = int(found[3])
    return (date(year, month, day), date(year, month, day)) if 1 <= day <= last else None


def years_between(birth: date, day: date) -> int:
    """Return the whole years from `birth` to `day`; who was born on 29 February is a year older on 1 March."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def moment_of(text: str) -> datetime | None:
    """Return an RFC 3339 moment in UTC, whole seconds, or None: not a moment, without a zone, or outside 1900-2199."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return utc_seconds(found)


def utc_seconds(moment: datetime) -> datetime | None:
    """Return an aware moment in UTC without fractions, or None for a naive one or one outside 1900-2199."""
    if moment.tzinfo is None or moment.utcoffset() is None or not FIRST_YEAR < moment.year < LAST_YEAR:
        return None
    return moment.astimezone(UTC).replace(microsecond=0)


def as_text(moment: datetime) -> str:
    """Return a UTC moment as "YYYY-MM-DDTHH:MM:SSZ"."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
