"""What the directory knows without a database: who can receive, which area, for whom, open when, how much room. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from referral_hub import protocol
from referral_hub.protocol import deadlines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from referral_hub.directory.facts import Agency, Found, Service, Standing

DAY_AND_NIGHT = "always"  # business_hours.yaml
STALE_AFTER = timedelta(days=7)  # FEATURES A9: older than this, nobody knows
UNSAID_SEX = frozenset({"", "X", "unknown"})
NEEDED_POSTS = ("focal", "deputy", "on_call", "head", "dpo")  # agency_roles.yaml: every agency that receives cases names each
_STANDINGS: tuple[Standing, ...] = ("fits_open", "fits_closed", "outside", "misfit")
_ROOM = ("available", "limited", "unknown", "none")

Ages = tuple[int, int | None]


def can_receive(agency: Agency) -> bool:
    """Return whether something may be sent to `agency`: it is active and of a kind that holds case data."""
    return agency.active and protocol.current().kind(agency.kind).case_data


def covers(coverage: Iterable[str], region: str) -> bool:
    """Return whether a coverage (region codes) reaches `region`: an area holds its parts, and an unknown part of an area may lie inside."""
    return any(_within(region, area) or _within(area, region) for area in coverage)


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}.")


def ages_of(age_band: str) -> Ages | None:
    """Return the ages (whole years, inclusive; None: no upper end) of an age band of simfoni_age_bands, or None for an unknown one."""
    item = protocol.current().codelist("simfoni_age_bands").get(age_band)
    return None if item is None else (item.facts["min"], item.facts["max"])


def misfits(service: Service, *, sex: str = "", ages: Ages | None = None) -> tuple[str, ...]:
    """Return why `service` does not fit: "closed", "sex", "age". What is not known excludes nothing; ages fit when they overlap."""
    found = ["closed"] if service.closed else []
    if service.sex and sex not in UNSAID_SEX and sex not in service.sex:
        found.append("sex")
    if ages is not None and not _overlap(ages, (service.age_min, service.age_max)):
        found.append("age")
    return tuple(found)


def _overlap(one: Ages, other: Ages) -> bool:
    (low, high), (least, most) = one, other
    return (most is None or low <= most) and (high is None or least <= high)


def calendar(agency: Agency, hours: str | None = None) -> deadlines.Calendar:
    """Return the working hours of `agency` in its own zone; `hours` (a code) for a service with hours of its own."""
    return deadlines.calendar(hours or agency.hours, timezone=agency.timezone, government=agency.government)


def is_open(agency: Agency, hours: str, at: datetime) -> bool:
    """Return whether `agency` is open at a moment by these hours. Day and night means holidays too: those end no emergency service."""
    return hours == DAY_AND_NIGHT or deadlines.is_open(calendar(agency, hours), at)


def opens_at(agency: Agency, hours: str, at: datetime) -> datetime | None:
    """Return when `agency` opens next by these hours, or None while it is open."""
    return None if is_open(agency, hours, at) else deadlines.opens_at(calendar(agency, hours), at)


def capacity_shown(service: Service, now: datetime) -> str:
    """Return the capacity status to show: "unknown" when nobody has said so for seven days."""
    if service.capacity_as_of is None or now - service.capacity_as_of > STALE_AFTER:
        return "unknown"
    return service.capacity


def region_shown(agency: Agency) -> str:
    """Return the region code to show: of a shelter the province only (disclosure_tiers.yaml)."""
    return agency.region.split(".")[0] if agency.disclosure == "shelter" else agency.region


def standing(*, misfit: bool, in_area: bool, open_now: bool) -> Standing:
    """Return where a card stands in the list: fits and open, fits and closed, outside the area, does not fit (PAGES 3.9)."""
    if misfit:
        return "misfit"
    if not in_area:
        return "outside"
    return "fits_open" if open_now else "fits_closed"


def order(found: Found) -> tuple[int, int, str, str]:
    """Return the sorting key of a card: standing, room, name."""
    room = _ROOM.index(found.capacity) if found.capacity in _ROOM else len(_ROOM)
    return _STANDINGS.index(found.standing), room, found.agency.name.casefold(), found.service.code


def missing_posts(duty: Mapping[str, Collection[object]]) -> tuple[str, ...]:
    """Return the duty posts that an agency which receives cases has not named."""
    return tuple(post for post in NEEDED_POSTS if not duty.get(post))
