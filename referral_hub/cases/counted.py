"""What of a file is counted: the coded fields of stat_record.yaml and nothing else. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from referral_hub import protocol
from referral_hub.protocol.moments import years_between

if TYPE_CHECKING:
    from collections.abc import Mapping

    from referral_hub.protocol.shapes import Item

SECTIONS = ("profile", "identity", "incident", "perpetrator", "tip", "family")  # of the file, that fields are taken from
OF_REFERRALS = (
    "services_needed", "services_given", "services_missing", "police_stage", "return_result", "family_assessed", "retrafficked", "period",
)  # fmt: skip
_SOURCE = re.compile(r"([a-z_]+)\.([a-z_]+)")
_REGENCY = 2  # parts of a region's code
_HEALTH_BANDS = {"0_4": range(5), "5_9": range(5, 10), "10_17": range(10, 18), "18_49": range(18, 50)}
_OLDEST = "50_plus"
_NONE = frozenset({"none"})


def record(person: Mapping[str, Mapping[str, Any]], *, period: str, region: str, on: date, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the coded record of one survivor.

    `person`: sections of the file as they lie; `period`: YYYY-MM; `region`: of the agency; `on`: the day that counts for an age; `known`:
    fields that follow from referrals or from the end of the file. Fields that nobody answered are left out; so is every value that is no code
    of its list.
    """
    fields = {item.code: item for item in protocol.current().codelist("stat_fields")}
    found = {code: _answer(item, person) for code, item in fields.items()}
    found |= {"period": period, "agency_region": _regency(region), "health_age_band": _health_band(person, on)} | dict(known)
    return {code: value for code, value in found.items() if code in fields and _is_coded(fields[code], value)}


def bucket(service: str) -> str:
    """Return under which heading a service is reported (simfoni_services); nothing for one that is not known."""
    found = protocol.current().services.get(service)
    return found.simfoni_service if found else ""


def _answer(item: Item, person: Mapping[str, Mapping[str, Any]]) -> Any:
    source = _SOURCE.fullmatch(str(item.facts["from"]))
    if source is None or source[1] not in SECTIONS:
        return None
    value = person.get(source[1], {}).get(source[2])
    kind = item.facts["type"]
    if kind == "bool":
        return bool(set(value) - _NONE) if isinstance(value, list) else value
    if kind == "region":
        return _regency(value)
    if item.code == "violence":  # counted at the top level
        return sorted({str(code).partition(".")[0] for code in value or ()})
    return _parent(item, value) if kind == "code" else value


def _parent(item: Item, value: Any) -> Any:
    """Return the heading of a code that has one (SIMFONI counts relationships by it)."""
    listed = protocol.current().codelist(str(item.facts["codelist"])).get(str(value))
    return listed.parent or value if listed else value


def _regency(value: Any) -> str:
    return ".".join(str(value).split(".")[:_REGENCY]) if value else ""


def _health_band(person: Mapping[str, Mapping[str, Any]], on: date) -> str:
    try:
        age = years_between(date.fromisoformat(str(person.get("identity", {}).get("birth_date", ""))), on)
    except ValueError:
        return ""
    return next((code for code, ages in _HEALTH_BANDS.items() if age in ages), _OLDEST)


def _is_coded(item: Item, value: Any) -> bool:
    kind = item.facts["type"]
    if value in (None, "", []):
        return False
    if kind == "bool":
        return isinstance(value, bool)
    if kind in {"code", "multi"}:
        codes = protocol.current().codelist(str(item.facts["codelist"]))
        return all(str(one) in codes for one in (value if isinstance(value, list) else [value]))
    return bool(re.fullmatch(r"\d{4}-\d{2}" if kind == "date" else r"\d{2}(\.\d{2})?", str(value)))
