"""The exact words of a consent form, filled in, and their digests (UU 27/2022 art. 22, 24: the form is proof of what was shown)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.protocol.loader import current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SLOT = re.compile(r"\{([a-z_]+)\}")
LABELLED = {"purpose": "purposes", "guardian_relation": "guardian_relations", "legal_basis": "legal_bases"}
LISTED = {"sections": "sections", "excluded": "fields"}
MAY_BE_EMPTY = frozenset({"excluded", "blocked"})


@dataclass(frozen=True)
class ConsentText:
    """A consent form as it is read out.

    `version` is the SHA-256 of the wording with its placeholders and may stand in clear. `shown` is the SHA-256 of the filled text; the text can
    hold names, and a digest of a short text can be guessed at, so `shown` is kept sealed.
    """

    form: str
    language: str
    title: str
    lines: tuple[str, ...] = field(repr=False)
    version: str
    shown: str = field(repr=False)


def render(form: str, language: str, values: Mapping[str, Any]) -> ConsentText:
    """Return the text of a form in "id" or "en".

    Args:
        form: code of consent_forms.
        language: "id" or "en".
        values: by placeholder: names of agencies; `sections` and `excluded` as codes; `purpose`, `guardian_relation`, `legal_basis` as codes;
            yes or no for onward, contact, stats, told; a date for `valid_until`; texts as they were said for the rest. Others are ignored.
            `further`: fields ("section.field") that go besides the usual ones; they are named after their section.

    Raises:
        errors.NotFound: an unknown form.
        errors.InputInvalid: a placeholder has no value (required), or one that does not fit (bad_type, not_a_code).
    """
    found = current().consent_form(form)
    words: dict[str, str] = {}
    amiss: dict[str, tuple[str, ...]] = {}
    for name in sorted(placeholders(form)):
        try:
            words[name] = _said(name, values.get(name), language) if name != "sections" else _sections(values, language)
        except _Unfit as unfit:
            amiss[name] = (str(unfit),)
    if amiss:
        raise errors.InputInvalid(amiss)
    lines = tuple(SLOT.sub(lambda slot: words[slot[1]], line.text(language)) for line in found.lines)
    return ConsentText(form, language, found.label(language), lines, form_version(form, language), _digest(form, language, lines))


def placeholders(form: str) -> frozenset[str]:
    """Return what must be filled in.

    Raises:
        errors.NotFound: an unknown form.
    """
    return frozenset(name for line in current().consent_form(form).lines for name in SLOT.findall(line.id))


@cache
def form_version(form: str, language: str) -> str:
    """Return the SHA-256 (hex) of the wording of a form in a language, placeholders unfilled.

    Raises:
        errors.NotFound: an unknown form.
    """
    return _digest(form, language, tuple(line.text(language) for line in current().consent_form(form).lines))


def _digest(form: str, language: str, lines: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join((form, language, *lines)).encode()).hexdigest()


class _Unfit(Exception):
    """A placeholder has no fitting value."""


def _said(name: str, value: Any, language: str) -> str:
    if name in MAY_BE_EMPTY and not value:
        return current().consent_words.nothing.text(language)
    if value is None or value in ("", [], ()):
        raise _Unfit("required")
    if name in current().consent_words.choices:
        return _choice(name, value, language)
    return _WRITERS.get(name, _as_it_is)(name, value, language)


def _choice(name: str, value: Any, language: str) -> str:
    if not isinstance(value, bool):
        raise _Unfit("bad_type")
    yes, no = current().consent_words.choices[name]
    return (yes if value else no).text(language)


def _label(name: str, value: Any, language: str) -> str:
    codes = current().codelist(LABELLED[name])
    if value not in codes:
        raise _Unfit("not_a_code")
    return codes.items[value].label(language)


def _labels(name: str, value: Any, language: str) -> str:
    codes = current().codelist(LISTED[name])
    if isinstance(value, str) or any(code not in codes for code in value):
        raise _Unfit("not_a_code")
    return "; ".join(item.label(language) for item in codes if item.code in value)


def _sections(values: Mapping[str, Any], language: str) -> str:
    """Return the labels of the sections, each with the fields of `further` that lie in it."""
    said, further = _said("sections", values.get("sections"), language), values.get("further") or ()
    if not further:
        return said
    names = current().codelist(LISTED["excluded"])
    if any(name not in names or name.partition(".")[0] not in values["sections"] for name in further):
        raise _Unfit("not_a_code")
    including = current().consent_words.including.text(language)
    parts = []
    for code in (item.code for item in current().codelist("sections") if item.code in values["sections"]):
        named = [field.label(language) for field in current().section(code).fields.values() if field.name in further]
        label = _labels("sections", (code,), language)
        parts.append(f"{label} ({including}: {', '.join(named)})" if named else label)
    return "; ".join(parts)


def _day(_name: str, value: Any, language: str) -> str:
    if not isinstance(value, date):
        raise _Unfit("bad_type")
    months = current().consent_words.months["en" if language == "en" else "id"]
    return f"{value.day} {months[value.month - 1]} {value.year}"


def _as_it_is(_name: str, value: Any, _language: str) -> str:
    if not isinstance(value, str):
        raise _Unfit("bad_type")
    return " ".join(value.split())


_WRITERS: Mapping[str, Callable[[str, Any, str], str]] = {
    **dict.fromkeys(LABELLED, _label),
    **dict.fromkeys(LISTED, _labels),
    "valid_until": _day,
}
