"""Whether what somebody enters into the directory is well formed, against the agreed lists. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from referral_hub import errors, protocol
from referral_hub.directory import tiers
from referral_hub.protocol import scan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from referral_hub.directory.facts import NewService

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_REGION = re.compile(r"\d{2}(\.\d{2}){0,2}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?\d[\d -]{5,19}")
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")
# Words of an Indonesian address. A shelter's place is told by voice and never stored (disclosure_tiers.yaml): not in a line of free text either.
_ADDRESS = re.compile(r"\b(jl|jln|jalan|gang|gg|rt|rw|blok|perumahan|kompleks|dusun|desa|kelurahan|kecamatan|kode pos)\b", re.IGNORECASE)
MAX_CODE, MAX_LINE, MAX_AGE = 40, 160, 120
AGENCY_FIELDS = (
    "code", "name", "kind", "region", "coverage", "timezone", "hours", "government", "on_call_24h", "languages", "access", "email", "phone",
    "disclosure", "tiers", "sectors", "exit_url",
)  # fmt: skip

Problems = dict[str, tuple[str, ...]]


def agency(values: Mapping[str, Any]) -> None:
    """Check the facts of an agency (`AGENCY_FIELDS`).

    Raises:
        errors.InputInvalid: field → codes (required, too_long, bad_characters, not_a_code, not_a_region, not_a_mail, not_a_phone, not_a_link, not_for_kind,
            too_open, looks_like_address, looks_like_phone).
    """
    book = protocol.current()
    problems: Problems = {}
    _note(problems, "code", _word(values["code"], _CODE, MAX_CODE))
    _note(problems, "name", _line(values["name"], hides_place=values["disclosure"] == "shelter"))
    _note(problems, "kind", _listed([values["kind"]], book.kinds))
    _note(problems, "region", "" if _REGION.fullmatch(values["region"]) else "not_a_region")
    _note(problems, "coverage", _regions(values["coverage"]))
    _note(problems, "timezone", _listed([values["timezone"]], _zones()))
    _note(problems, "hours", _listed([values["hours"]], book.hours))
    _note(problems, "languages", _listed(values["languages"], _codes("languages")) if values["languages"] else "required")
    _note(problems, "access", _listed(values["access"], _codes("access_needs")))
    _note(problems, "email", _optional(values["email"], _MAIL, "not_a_mail"))
    _note(problems, "phone", _optional(values["phone"], _PHONE, "not_a_phone"))
    _note(problems, "disclosure", _profile(values))
    _note(problems, "tiers", _tiers(values))
    _note(problems, "sectors", _listed(values["sectors"], book.kinds))
    _note(problems, "exit_url", "" if values["exit_url"] is None or values["exit_url"].startswith("https://") else "not_a_link")
    _raise(problems)


def service(new: NewService, *, kind: str, disclosure: str) -> None:
    """Check a service offered by an agency of `kind`; a shelter's (`disclosure`) note may hold neither address nor phone number.

    Raises:
        errors.InputInvalid: field → codes (not_a_code, not_for_kind, not_an_age, too_small, too_long, bad_characters, looks_like_address, looks_like_phone).
    """
    book = protocol.current()
    problems: Problems = {}
    offered = book.services.get(new.code)
    _note(problems, "code", "not_a_code" if offered is None else "" if kind in offered.kinds else "not_for_kind")
    _note(problems, "hours", "" if new.hours is None else _listed([new.hours], book.hours))
    _note(problems, "capacity", _listed([new.capacity], _codes("capacity_statuses")))
    _note(problems, "slots", "" if new.slots is None or new.slots >= 0 else "too_small")
    _note(problems, "sex", _listed(new.sex, _codes("sexes")))
    _note(problems, "age_min", "" if 0 <= new.age_min <= MAX_AGE else "not_an_age")
    _note(problems, "age_max", "" if new.age_max is None or new.age_min <= new.age_max <= MAX_AGE else "not_an_age")
    _note(problems, "bring", _listed(new.bring, _codes("document_types")))
    _note(problems, "note", _line(new.note, hides_place=disclosure == "shelter") if new.note else "")
    _raise(problems)


def unit(*, code: str, name: str) -> None:
    """Check a unit's code and name; errors.InputInvalid as above."""
    problems: Problems = {}
    _note(problems, "code", _word(code, _CODE, MAX_CODE))
    _note(problems, "name", _word(name, _LINE, MAX_LINE))
    _raise(problems)


def post(code: str) -> None:
    """Check a duty post's code; errors.InputInvalid as above."""
    problems: Problems = {}
    _note(problems, "post", _listed([code], _codes("duty_posts")))
    _raise(problems)


def _note(problems: Problems, name: str, fault: str) -> None:
    if fault:
        problems[name] = (fault,)


def _raise(problems: Problems) -> None:
    if problems:
        raise errors.InputInvalid(problems, code="missing_input")


def _codes(name: str) -> Collection[str]:
    return protocol.current().codelist(name).items


def _zones() -> Collection[str]:
    zones = protocol.current().codelist("timezones")
    return {zone for item in zones for zone in (item.facts["iana"], *item.facts.get("also", ()))}


def _listed(given: Collection[str], known: Collection[str]) -> str:
    return "" if all(code in known for code in given) else "not_a_code"


def _word(given: str, pattern: re.Pattern[str], longest: int) -> str:
    if not given.strip():
        return "required"
    if len(given) > longest:
        return "too_long"
    return "" if pattern.fullmatch(given) else "bad_characters"


def _line(given: str, *, hides_place: bool) -> str:
    if hides_place and _ADDRESS.search(given):
        return "looks_like_address"
    return "looks_like_phone" if hides_place and scan.PHONE.search(given) else _word(given, _LINE, MAX_LINE)


def _optional(given: str | None, pattern: re.Pattern[str], fault: str) -> str:
    return "" if given is None or (len(given) <= MAX_LINE and pattern.fullmatch(given)) else fault


def _regions(given: Collection[str]) -> str:
    if not given:
        return "required"
    return "" if all(_REGION.fullmatch(region) for region in given) else "not_a_region"


def _profile(values: Mapping[str, Any]) -> str:
    """A shelter is always disclosed as a shelter."""
    if values["disclosure"] not in tiers.profiles():
        return "not_a_code"
    return "not_for_kind" if values["kind"] == "shelter" and values["disclosure"] != "shelter" else ""


def _tiers(values: Mapping[str, Any]) -> str:
    """An agency's own choice may hide more than its profile, never show more."""
    profile = tiers.profiles().get(values["disclosure"], {})
    for fact, chosen in values["tiers"].items():
        if fact not in profile or chosen not in tiers.STRICTNESS:
            return "not_a_code"
        if tiers.STRICTNESS.index(chosen) < tiers.STRICTNESS.index(profile[fact]):
            return "too_open"
    return ""
