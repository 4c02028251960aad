"""What the directory knows without a database: who can receive, which area, for whom, open when, how much room. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from referral_hub import protocol
from referral_hub.protocol import deadlines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from referral_hub.directory.facts import Agency, Found, Need, Service, Standing

DAY_AND_NIGHT = "always"  # business_hours.yaml
STALE_AFTER = timedelta(days=7)  # FEATURES A9: older than this, nobody knows
UNSAID_SEX = frozenset({"", "X", "unknown"})
NEEDED_POSTS = ("focal", "deputy", "on_call", "head", "dpo")  # agency_roles.yaml: every agency that receives cases names each
ADULT_FROM = 18
PAGE = 20
_STANDINGS: tuple[Standing, ...] = ("fits_open", "fits_closed", "outside", "misfit")
_TOKEN = re.compile(r"(\d)\.(\d)\.([0-9a-f]{32})")
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


def misfits(agency: Agency, service: Service, need: Need, *, open_now: bool) -> tuple[str, ...]:
    """Return why an offer does not fit: "closed", "sex", "age", "language", "access", "not_now". What is not known excludes nothing.

    Ages fit when they overlap; "not_now" only where open at this hour is asked for.
    """
    found = {
        "closed": service.closed,
        "sex": bool(service.sex) and need.sex not in UNSAID_SEX and need.sex not in service.sex,
        "age": need.ages is not None and not _overlap(need.ages, (service.age_min, service.age_max)),
        "language": not set(need.languages) <= set(agency.languages),
        "access": not set(need.access) <= set(agency.access),
        "not_now": need.open_now and not open_now,
    }
    return tuple(code for code, holds in found.items() if holds)


def ages_of_file(*, minor: bool, known: bool) -> Ages | None:
    """Return the ages to look for as far as a file says them in clear: a child's, a grown person's, or (its profile is still empty) any."""
    if minor:
        return 0, ADULT_FROM - 1
    return (ADULT_FROM, None) if known else None


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
    return *_place(found), found.agency.name.casefold(), found.service.code


def _place(found: Found) -> tuple[int, int]:
    room = _ROOM.index(found.capacity) if found.capacity in _ROOM else len(_ROOM)
    return _STANDINGS.index(found.standing), room


def page_of(found: Sequence[Found], *, after: str | None, limit: int | None = None) -> tuple[tuple[Found, ...], str | None]:
    """Return the cards that stand after the token `after`, and the token of the next page. A token that is none of ours begins at the top.

    The token names the last card and its place, no word of the search: where that card is gone meanwhile, the page begins at its place.
    """
    start = _start(found, after or "")
    end = start + (limit or PAGE)
    shown = tuple(found[start:end])
    return shown, _token(shown[-1]) if end < len(found) else None


def _token(card: Found) -> str:
    standing_, room = _place(card)
    return f"{standing_}.{room}.{card.service.id.hex}"


def _start(found: Sequence[Found], after: str) -> int:
    match = _TOKEN.fullmatch(after)
    if match is None:
        return 0
    exact = next((n for n, card in enumerate(found, 1) if card.service.id.hex == match[3]), None)
    place = int(match[1]), int(match[2])
    return exact if exact is not None else next((n for n, card in enumerate(found) if _place(card) >= place), len(found))


def missing_posts(duty: Mapping[str, Collection[object]]) -> tuple[str, ...]:
    """Return the duty posts that an agency which receives cases has not named."""
    return tuple(post for post in NEEDED_POSTS if not duty.get(post))
