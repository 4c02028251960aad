"""ISO 8601 durations, as the lists write them."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from referral_hub.protocol.raw import fail

if TYPE_CHECKING:
    from datetime import date

Day = TypeVar("Day", bound="date")
WRITTEN = re.compile(r"(-)?P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
TWELVE = 12


@dataclass(frozen=True)
class Span:
    """A length of time: calendar months and exact time apart."""

    months: int
    exact: timedelta

    def after(self, start: Day) -> Day:
        """Return the day or moment this much later; the last day of a shorter month stands for a day that it lacks."""
        count = start.year * TWELVE + start.month - 1 + self.months
        year, month = divmod(count, TWELVE)
        last = calendar.monthrange(year, month + 1)[1]
        moved = start.replace(year=year, month=month + 1, day=min(start.day, last))
        return moved + self.exact


@cache
def duration(text: str) -> Span:
    """Return the span that an ISO 8601 duration such as "PT2H", "P3D", "P6M" or "-P1D" means.

    Raises:
        errors.BadSettings: no such duration (facts: `place`, `fault`).
    """
    found = WRITTEN.fullmatch(text)
    if not found:
        fail(text, "not_a_duration")
    sign = -1 if found[1] else 1
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    exact = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return Span(sign * (years * TWELVE + months), sign * exact)


def later(start: datetime, text: str) -> datetime:
    """Return the moment a duration after `start`.

    Raises:
        errors.BadSettings: no such duration.
    """
    return duration(text).after(start)
