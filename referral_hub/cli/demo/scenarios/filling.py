"""The sections of a scenario's survivor: what the list gives in codes, and fictional words where a form asks for more."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from referral_hub import protocol
from referral_hub.protocol import deadlines, forms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from referral_hub.protocol.shapes import Field

ROUNDS = 6  # a filled field can make another one required
_MOMENT = re.compile(r"^(-?)(P(?=.).*)$")
_TEXT = "Contoh."
_SEX_WOMAN, _DAY_OF_WOMEN = "P", 40
_REGION = "32.73"


def moment(text: str, *, start: datetime) -> datetime:
    """Return the time that stands as a span from the start: "PT2H", "-PT30H", "P1DT2H"."""
    found = _MOMENT.match(text)
    if found is None:
        raise ValueError(text)
    length = deadlines.duration(found[2]).after(start) - start
    return start - length if found[1] else start + length


def section_values(section: str, given: Mapping[str, Any], *, start: datetime, context: forms.Context) -> dict[str, Any]:
    """Return a section that the form takes: the coded facts of the scenario, and a sample for each field that is still required."""
    form = protocol.current().section(section)
    values = {code: _value(form.fields[code], value, start) for code, value in given.items() if code in form.fields}
    if section == "identity":
        values |= _person(given, context)
    for _ in range(ROUNDS):
        checked = forms.validate_section(section, values, context=context)
        missing = [code for code, codes in checked.problems.items() if "required" in codes]
        if not missing:
            break
        values |= {code: sample(form.fields[code], context) for code in missing}
    return values


def something(section: str, context: forms.Context) -> dict[str, Any]:
    """Return one plain answer for a section that the scenario tells nothing about and that requires none: an empty section is not sent."""
    first = next(iter(protocol.current().section(section).fields.values()))
    return {first.code: sample(first, context)}


def sample(field: Field, context: forms.Context) -> Any:
    """Return a plain answer for a field that is required and that the scenario leaves open."""
    users, agencies = sorted(context.known.get("user", ())), sorted(context.known.get("agency", ()))
    codes = [item.code for item in protocol.current().codelist(field.codelist)] if field.codelist else []
    by_type: dict[str, Any] = {
        "text": _TEXT,
        "longtext": _TEXT,
        "code": codes[:1] and codes[0],
        "multi": codes[:1],
        "bool": False,
        "number": 1,
        "date": context.today.isoformat(),
        "datetime": _written(context.now),
        "region": _REGION,
        "address": {"region": _REGION, "lines": _TEXT},
        "person": {"name": "Orang Contoh"},
        "user": users[:1] and users[0],
        "users": users[: max(1, field.min_items or 1)],
        "agency": agencies[:1] and agencies[0],
        "agencies": agencies[:1],
        "secret": "melon",
    }
    return by_type[field.type]


def _value(field: Field, value: Any, start: datetime) -> Any:
    if isinstance(value, str) and field.type in {"datetime", "date"} and _MOMENT.match(value):
        at = moment(value, start=start)
        return _written(at) if field.type == "datetime" else at.date().isoformat()
    return value


def _written(at: datetime) -> str:
    return at.astimezone(ZoneInfo("UTC")).isoformat(timespec="seconds").replace("+00:00", "Z")


def _person(given: Mapping[str, Any], context: forms.Context) -> dict[str, Any]:
    """Return name, birth date and an impossible number (serial 0000) from the given name and the age."""
    born = _birth(int(given["age"]), context.today)
    sex = context.sections.get("profile", {}).get("sex")
    day = born.day + (_DAY_OF_WOMEN if sex == _SEX_WOMAN else 0)
    nik = f"{_REGION.replace('.', '')}01{day:02}{born:%m%y}{given['nik_ends']}"
    return {"full_name": f"{given['given']} Contoh", "birth_date": born.isoformat(), "nik": nik}


def _birth(age: int, today: date) -> date:
    return today.replace(year=today.year - age, day=min(today.day, 28)) - timedelta(days=30)
