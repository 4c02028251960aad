"""Deadlines of a referral and the end of keeping. Moments are aware UTC in and out; days are local days of the recipient's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from referral_hub import errors
from referral_hub.protocol.loader import current
from referral_hub.protocol.moments import days_of
from referral_hub.protocol.spans import Span, duration, later

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Calendar", "Span", "calendar", "duration", "first_service_by", "is_open", "is_working_day", "opens_at",
    "respond_by", "retention_until", "update_by",
]  # fmt: skip

MIDNIGHT = "24:00"
LOOK_AHEAD = 60  # days: longer than any run of days without work
ADULT_FROM = "P21Y"  # retention.yaml, case_child: counted from the 21st birthday


@dataclass(frozen=True)
class Calendar:
    """When an agency works: opening hours per weekday (0 = Monday) as ("08:00", "16:00"), its zone, and whether joint leave closes it."""

    hours: Mapping[int, tuple[str, str]]
    timezone: str
    government: bool = False


def calendar(hours_code: str, *, timezone: str, government: bool = False) -> Calendar:
    """Return the calendar of an agency that keeps one of the agreed working hours (business_hours.yaml).

    Raises:
        errors.NotFound: unknown hours.
    """
    found = current().hours.get(hours_code)
    if found is None:
        raise errors.NotFound
    return Calendar(found.days, timezone, government)


def is_working_day(calendar: Calendar, day: date) -> bool:
    """Tell whether an agency works on a local day: its weekday has hours, and it is no holiday (nor joint leave, for government offices)."""
    holiday = current().holidays.get(day.isoformat())
    closed = holiday is not None and (calendar.government or not holiday.joint)
    return day.weekday() in calendar.hours and not closed


def _moment(calendar: Calendar, day: date, clock: str) -> datetime:
    if clock == MIDNIGHT:
        day, clock = day + timedelta(days=1), "00:00"
    local = datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=ZoneInfo(calendar.timezone))
    return local.astimezone(UTC)


def _working_days(calendar: Calendar, first: date) -> Iterator[date]:
    """Yield the working days from `first` on; an agency that never works has none, so its deadlines count plain days."""
    day = first
    while calendar.hours:
        if is_working_day(calendar, day):
            yield day
        day += timedelta(days=1)


def respond_by(sent_at: datetime, *, urgency: str, calendar: Calendar) -> datetime:
    """Return when the recipient must have accepted, declined or asked.

    A deadline of n working days ends at closing time of the n-th working day of the recipient after the local day of sending; emergency and
    urgent count plain time (business_hours.yaml, rule).

    Raises:
        errors.NotFound: an unknown urgency.
    """
    found = current().urgency(urgency)
    count = duration(found.ack).exact.days
    if "ack" not in found.business or not calendar.hours:
        return later(sent_at, found.ack)
    first = sent_at.astimezone(ZoneInfo(calendar.timezone)).date() + timedelta(days=1)
    days = _working_days(calendar, first)
    last = next(day for number, day in enumerate(days, start=1) if number == count)
    return _moment(calendar, last, calendar.hours[last.weekday()][1])


def first_service_by(accepted_at: datetime, *, urgency: str, asked: datetime | None = None) -> datetime:
    """Return when the service must have begun; `asked` is what the recipient promised, and never later than the urgency allows.

    Raises:
        errors.NotFound: an unknown urgency.
        errors.InputInvalid: what was promised lies in the past (field first_contact_by, code in_past).
    """
    latest = later(accepted_at, current().urgency(urgency).first_service)
    if asked is None:
        return latest
    if asked <= accepted_at:
        raise errors.InputInvalid({"first_contact_by": ("in_past",)})
    return min(asked, latest)


def update_by(since: datetime, *, urgency: str) -> datetime:
    """Return when the recipient must have reported progress, counted from the start of the service or the last report.

    Raises:
        errors.NotFound: an unknown urgency.
    """
    return later(since, current().urgency(urgency).update_every)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Tell whether an agency is open at a moment."""
    day = at.astimezone(ZoneInfo(calendar.timezone)).date()
    if not is_working_day(calendar, day):
        return False
    opens, closes = calendar.hours[day.weekday()]
    return _moment(calendar, day, opens) <= at < _moment(calendar, day, closes)


def opens_at(calendar: Calendar, at: datetime) -> datetime | None:
    """Return when an agency opens next, or None while it is open or where it keeps no hours."""
    if is_open(calendar, at):
        return None
    today = at.astimezone(ZoneInfo(calendar.timezone)).date()
    days = [day for day in (today + timedelta(days=ahead) for ahead in range(LOOK_AHEAD)) if is_working_day(calendar, day)]
    moments = (_moment(calendar, day, calendar.hours[day.weekday()][0]) for day in days)
    return next((moment for moment in moments if moment > at), None)


def retention_until(*, last: date, keep: str = "case", child: bool = False, birth: str = "", age_band: str = "", today: date | None = None) -> date:
    """Return the day until which something is kept (retention.yaml).

    `last` is the day it is counted from: case closed, last activity, or what the list says. For the case of a child the count starts at the 21st
    birthday, or at `last` if later, and is rounded up to 31 December, so that no date tells a birthday. A birth date known in part counts as its
    last day; without one, `age_band` on the day `today` (else `last`) stands in, at its youngest.

    Raises:
        errors.NotFound: an unknown keep code.
    """
    if not child:
        return duration(_keep(keep)).after(last)
    days = days_of(birth)
    born = days[1] if days else _youngest(age_band, today or last)
    start = max(last, duration(ADULT_FROM).after(born))
    return duration(_keep("case_child")).after(start).replace(month=12, day=31)


def _keep(code: str) -> str:
    return str(current().item("retention", code).facts["keep"])


def _youngest(age_band: str, day: date) -> date:
    """Return the latest day on which someone of this age band can have been born; without a band, `day` itself."""
    item = current().codelist("simfoni_age_bands").get(age_band)
    return duration(f"-P{item.facts['min']}Y").after(day) if item else day
