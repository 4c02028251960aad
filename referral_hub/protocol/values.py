"""Checks one value against the type of its field. Whatever comes in, the answer is a clean value or a problem code, never an exception."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from lokal.phone import parse_phone
from lokal.wilayah import normalize_wilayah_code, wilayah_name

from referral_hub.protocol.loader import current
from referral_hub.protocol.moments import as_text, days_of, moment_of, utc_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from referral_hub.protocol.shapes import Field

SHORT, LONG, ADDRESS_LINES, NIK_TYPED, MANY = 200, 4000, 500, 40, 200
RAW_LIMIT = 4 * LONG  # characters looked at before cleaning: more cannot become a valid text
LARGEST = 10**15
DEPTH = {"province": 1, "regency": 2, "district": 3, "": 3}
REGION = re.compile(r"[0-9]{2}(?:\.[0-9]{2}){0,2}")
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
FOREIGN = re.compile(r"\+[1-9][0-9]{6,14}")
PHONE_MARKS = re.compile(r"[\s().-]")
BAD_SIGNS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # Unicode categories Cc but for the line end, and Cs
# Signs that turn the direction of what follows: they come along when numbers and names are pasted, and can make a text read otherwise.
DIRECTIONS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


class Amiss(Exception):
    """A value is not what its field takes; the argument is the problem code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def is_empty(value: Any) -> bool:
    """Tell whether a value counts as not answered."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Mapping):
        return all(part is None or (isinstance(part, str) and not part.strip()) for part in value.values())
    return value is None or (isinstance(value, (list, tuple, set, frozenset)) and not value)


def clean(field: Field, value: Any, *, now: datetime, today: date, known: Mapping[str, Collection[str]]) -> Any:
    """Return the value as it is kept (JSON: text, whole number, yes/no, list of texts, object of texts).

    Raises:
        Amiss: with the problem code.
    """
    made = shaped(field, value)
    if field.past:
        _refuse_future(field, made, now, today)
    _refuse_unknown(field, made, known)
    return made


def shaped(field: Field, value: Any) -> Any:
    """Return the value as it is kept, if its shape is that of the field's type.

    Raises:
        Amiss: with the problem code.
    """
    return _KINDS[field.type](field, value)


def _refuse_future(field: Field, made: str, now: datetime, today: date) -> None:
    days = days_of(made) if field.type == "date" else None
    moment = moment_of(made) if field.type == "datetime" else None
    if (days and days[0] > today) or (moment and moment > now):
        raise Amiss("in_future")


def _refuse_unknown(field: Field, made: Any, known: Mapping[str, Collection[str]]) -> None:
    held = known.get({"agencies": "agency", "users": "user"}.get(field.type, field.type))
    if held is not None and any(one not in held for one in (made if isinstance(made, list) else [made])):
        raise Amiss("not_known")


def tidy(value: Any, *, limit: int, lines: bool) -> str:
    """Return a text in NFC without spaces around it, with plain line ends, and without signs that turn the direction.

    Raises:
        Amiss: bad_type, too_long, one_line, bad_characters.
    """
    if not isinstance(value, str):
        raise Amiss("bad_type")
    if len(value) > max(RAW_LIMIT, 2 * limit):
        raise Amiss("too_long")
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").translate(DIRECTIONS)).strip()
    if not lines and "\n" in text:
        raise Amiss("one_line")
    if BAD_SIGNS.search(text):
        raise Amiss("bad_characters")
    if len(text) > limit:
        raise Amiss("too_long")
    return text


def _text(field: Field, value: Any) -> str:
    return tidy(value, limit=field.max or SHORT, lines=False)


def _longtext(field: Field, value: Any) -> str:
    return tidy(value, limit=field.max or LONG, lines=True)


def _nik(field: Field, value: Any) -> str:
    return tidy(value, limit=field.max or NIK_TYPED, lines=False)


def _code(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise Amiss("bad_type")
    if value not in current().codelist(field.codelist):
        raise Amiss("not_a_code")
    return value


def _multi(field: Field, value: Any) -> list[str]:
    codes = current().codelist(field.codelist)
    given = _texts(value)
    if any(one not in codes for one in given):
        raise Amiss("not_a_code")
    chosen = [item for item in codes if item.code in given]
    if len(chosen) > 1 and any(item.alone for item in chosen):
        raise Amiss("alone")
    return _enough(field, [item.code for item in chosen])


def _texts(value: Any) -> set[str]:
    held = [value] if isinstance(value, str) else value
    if not isinstance(held, (list, tuple, set, frozenset)) or not all(isinstance(one, str) for one in held):
        raise Amiss("bad_type")
    if len(held) > MANY:
        raise Amiss("too_many")
    return set(held)


def _enough(field: Field, chosen: list[str]) -> list[str]:
    if len(chosen) < field.min_items:
        raise Amiss("too_few")
    return chosen


def _bool(_field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Amiss("bad_type")
    return value


def _number(field: Field, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Amiss("not_a_number")
    if value < (-LARGEST if field.min is None else field.min):
        raise Amiss("too_small")
    if value > (LARGEST if field.max is None else field.max):
        raise Amiss("too_large")
    return value


def _date(field: Field, value: Any) -> str:
    text = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
    days = days_of(text)
    if not days or (days[0] != days[1] and not field.approximate_ok):
        raise Amiss("not_a_date")
    return str(text)


def _datetime(field: Field, value: Any) -> str:
    moment = utc_seconds(value) if isinstance(value, datetime) else moment_of(value) if isinstance(value, str) else None
    if moment is None:
        raise Amiss("not_a_datetime")
    return as_text(moment.replace(minute=0, second=0) if field.approximate_ok else moment)


def _phone(_field: Field, value: Any) -> str:
    typed = tidy(value, limit=NIK_TYPED, lines=False)
    number = PHONE_MARKS.sub("", typed)
    if FOREIGN.fullmatch(number) and not number.startswith("+62"):
        return number
    found = parse_phone(typed)
    if not found.valid or not found.e164:
        raise Amiss("not_a_phone")
    return found.e164


def _region(field: Field, value: Any) -> str:
    if not isinstance(value, str) or len(value) > NIK_TYPED:
        raise Amiss("not_a_region")
    code = normalize_wilayah_code(value)
    if not REGION.fullmatch(code) or code.count(".") >= DEPTH[field.level] or wilayah_name(code) is None:
        raise Amiss("not_a_region")
    return code


def _address(field: Field, value: Any) -> dict[str, str]:
    parts = _parts(value, "region", "lines")
    made = {}
    if not is_empty(parts["region"]):
        made["region"] = _region(field, parts["region"])
    if not is_empty(parts["lines"]):
        made["lines"] = tidy(parts["lines"], limit=field.max or ADDRESS_LINES, lines=True)
    return made


def _person(field: Field, value: Any) -> dict[str, str]:
    parts = _parts(value, "name", "relation", "phone")
    made = {name: tidy(parts[name], limit=SHORT, lines=False) for name in ("name", "relation") if not is_empty(parts[name])}
    if not is_empty(parts["phone"]):
        made["phone"] = _phone(field, parts["phone"])
    return made


def _parts(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or any(name not in names for name in value):
        raise Amiss("bad_type")
    return {name: value.get(name) for name in names}


def _named(pattern: re.Pattern[str]) -> Callable[[Field, Any], str]:
    def check(_field: Field, value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Amiss("not_an_id")
        return value

    return check


def _several(pattern: re.Pattern[str]) -> Callable[[Field, Any], list[str]]:
    def check(field: Field, value: Any) -> list[str]:
        chosen = sorted(_texts(value))
        if not all(pattern.fullmatch(one) for one in chosen):
            raise Amiss("not_an_id")
        return _enough(field, chosen)

    return check


_KINDS: Mapping[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "longtext": _longtext,
    "secret": _text,
    "nik": _nik,
    "code": _code,
    "multi": _multi,
    "bool": _bool,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "phone": _phone,
    "region": _region,
    "address": _address,
    "person": _person,
    "agency": _named(CODE),
    "unit": _named(CODE),
    "user": _named(IDENTIFIER),
    "id": _named(IDENTIFIER),
    "agencies": _several(CODE),
    "users": _several(IDENTIFIER),
}
