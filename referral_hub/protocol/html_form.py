"""Between a form of HTML and the values of a section. What cannot be read stays as it was typed, so that the page can show it again."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from referral_hub.protocol.loader import current
from referral_hub.protocol.moments import as_text, days_of, moment_of, utc_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from referral_hub.protocol.shapes import Field

    Read = Callable[[str], list[str]]

YES, NO = "yes", "no"
ANSWERS = {YES: True, NO: False, "true": True, "false": False}
DAY_FIRST = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})")
NUMBER = re.compile(r"-?[0-9]{1,18}")
GROUPED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
SETS = frozenset({"multi", "agencies", "users"})
PARTS = {"address": ("region", "lines"), "person": ("name", "relation", "phone")}


def parse_form(section: str, form: Any, *, timezone: str = "Asia/Jakarta", prefix: str = "") -> dict[str, Any]:
    """Return the typed values of a section from a posted form.

    `form` is a werkzeug MultiDict or a mapping of names to a text or a list of texts. HTML names are `prefix` + field code; sets repeat the name;
    dates are one name or -day, -month, -year; moments one name or -date and -time in `timezone`; addresses -region and -lines; people -name,
    -relation and -phone. Automatic fields are never read from a form.

    Raises:
        errors.NotFound: an unknown section.
    """
    values: dict[str, Any] = {}
    for field in current().section(section).fields.values():
        value = None if field.auto else _read(field, _reader(form, prefix + field.code), timezone)
        if value not in (None, "", [], {}):
            values[field.code] = value
    return values


def _reader(form: Any, name: str) -> Read:
    def read(part: str) -> list[str]:
        key = name + part
        held = form.getlist(key) if hasattr(form, "getlist") else form.get(key)
        rows = held if isinstance(held, (list, tuple)) else [held]
        return [row for row in rows if isinstance(row, str)]

    return read


def _read(field: Field, read: Read, timezone: str) -> Any:
    if field.type in SETS:
        return [one for one in read("") if one.strip()]
    if field.type in PARTS:
        return {part: text for part in PARTS[field.type] if (text := _first(read, f"-{part}")).strip()}
    if field.type == "date":
        return _read_date(read)
    if field.type == "datetime":
        return _read_moment(read, timezone)
    typed = _first(read, "")
    if field.type == "bool":
        return ANSWERS.get(typed.strip(), typed)
    return _read_number(typed) if field.type == "number" else typed


def _first(read: Read, part: str) -> str:
    return next(iter(read(part)), "")


def _read_number(typed: str) -> int | str:
    bare = typed.strip().removeprefix("Rp").replace(" ", "").replace("\u00a0", "")
    if GROUPED.fullmatch(bare):
        bare = bare.replace(".", "")
    return int(bare) if NUMBER.fullmatch(bare) else typed


def _read_date(read: Read) -> str:
    day, month, year = (_first(read, f"-{part}").strip() for part in ("day", "month", "year"))
    if day or month or year:
        made = "-".join(part.zfill(2) for part in (year, month, day) if part)
        known_in_part = bool(year) and (bool(month) or not day)
        return made if known_in_part and days_of(made) else f"{day}/{month}/{year}"
    typed = _first(read, "").strip()
    found = DAY_FIRST.fullmatch(typed)
    made = f"{found[3]}-{found[2].zfill(2)}-{found[1].zfill(2)}" if found else typed
    return made if days_of(made) else typed


def _read_moment(read: Read, timezone: str) -> str:
    day, clock = _first(read, "-date").strip(), _first(read, "-time").strip()
    typed = f"{day}T{clock}" if day or clock else _first(read, "").strip()
    if moment := moment_of(typed):
        return as_text(moment)
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    moment = utc_seconds(local.replace(tzinfo=ZoneInfo(timezone))) if "T" in typed else None
    return as_text(moment) if moment else typed


def to_form(section: str, values: Mapping[str, Any], *, timezone: str = "Asia/Jakarta", prefix: str = "") -> dict[str, list[str]]:
    """Return what the inputs of a form show for typed values: every name that `parse_form` reads, with its texts.

    Raises:
        errors.NotFound: an unknown section.
    """
    shown: dict[str, list[str]] = {}
    for field in current().section(section).fields.values():
        if field.code in values:
            for part, texts in _written(field, values[field.code], timezone).items():
                shown[prefix + field.code + part] = texts
    return shown


def _written(field: Field, value: Any, timezone: str) -> dict[str, list[str]]:
    if field.type in SETS:
        return {"": [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]}
    if field.type in PARTS:
        held = value if isinstance(value, dict) else {}
        return {f"-{part}": [str(held[part])] for part in PARTS[field.type] if part in held}
    if field.type == "bool":
        return {"": [{True: YES, False: NO}.get(value, str(value))]}
    if field.type == "date":
        return _written_date(str(value))
    return _written_moment(str(value), timezone) if field.type == "datetime" else {"": [str(value)]}


def _written_date(text: str) -> dict[str, list[str]]:
    if days_of(text):
        year, month, day = [*text.split("-"), "", ""][:3]
    else:
        day, month, year = [*text.split("/"), "", ""][:3]
    return {"": [text], "-day": [day], "-month": [month], "-year": [year]}


def _written_moment(text: str, timezone: str) -> dict[str, list[str]]:
    moment = moment_of(text)
    if moment is None:
        day, _, clock = text.partition("T")
        return {"": [text], "-date": [day], "-time": [clock]}
    local = moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    clock = local.time().isoformat(timespec="minutes" if local.second == time.min.second else "seconds")
    return {"": [f"{local.date()}T{clock}"], "-date": [str(local.date())], "-time": [clock]}
