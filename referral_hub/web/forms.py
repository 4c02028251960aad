"""Any section of the protocol's form as controls to fill in, and as facts to read. Data in, view values out.

`controls` and `facts` are pure but for the language and zone of the reader, which come in as a value; the macros
`section_form` and `section_facts` only loop over what is made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from referral_hub import protocol
from referral_hub.gate.speech import _
from referral_hub.protocol import forms
from referral_hub.web import words
from referral_hub.web.amiss import hint_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from referral_hub.protocol.forms import Context, Hint
    from referral_hub.protocol.shapes import Field
    from referral_hub.web.words import Reader

MANY = 8  # more radio buttons than this become a list to choose from
USUAL = 6  # of several ticks, so many stand open; the others are folded
INPUTS = {"text": "text", "number": "number", "phone": "tel", "nik": "text", "id": "text", "secret": "text", "date": "date", "datetime": "datetime-local"}
MODES = {"number": "numeric", "nik": "numeric", "phone": "tel"}
LINE, TEXT = 200, 4000


@dataclass(frozen=True)
class Option:
    """One answer to choose."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True)
class Control:
    """One field as it is asked. `kind` is input, textarea, radio, checkbox, select, address or person."""

    kind: str
    name: str
    label: str
    values: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    type: str = "text"
    inputmode: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()
    error: str = ""
    optional: bool = True
    longest: int | None = None
    parts: tuple[Control, ...] = ()

    @property
    def value(self) -> str:
        """Return the first value, or nothing."""
        return self.values[0] if self.values else ""


@dataclass(frozen=True)
class Fact:
    """One field as it is read. `masked`: something stands here, to be shown by its own request."""

    code: str
    label: str
    text: str
    masked: bool = False


def controls(
    section: str,
    values: Mapping[str, Any],
    *,
    context: Context,
    reader: Reader,
    problems: Mapping[str, Sequence[str]] | None = None,
    warnings: Mapping[str, Sequence[Hint]] | None = None,
    lookups: Mapping[str, Sequence[Option]] | None = None,
    only: Collection[str] | None = None,
    prefix: str = "",
) -> tuple[Control, ...]:
    """Return the controls of `section` in the order of the form, filled with `values`.

    `lookups` offers the answers of fields whose answers are rows: by field code, or by kind (agency, user, unit).
    `only` asks just these fields; `prefix` stands before every HTML name.
    """
    typed = forms.to_form(section, values, timezone=context.timezone, prefix=prefix)
    asked = [f for f in forms.shown_fields(section, values, context=context) if only is None or f.code in only]
    return tuple(
        _control(
            field,
            typed,
            prefix=prefix,
            reader=reader,
            error=(problems or {}).get(field.code, ("",))[0],
            warnings=tuple(hint_text(hint) for hint in (warnings or {}).get(field.code, ())),
            lookups=lookups or {},
        )
        for field in asked
    )


def _control(
    field: Field, typed: Mapping[str, list[str]], *, prefix: str, reader: Reader, error: str, warnings: tuple[str, ...], lookups: Mapping[str, Sequence[Option]]
) -> Control:  # fmt: skip
    name, label = prefix + field.code, field.label(reader.language)
    common: dict[str, Any] = {"name": name, "label": label, "error": error, "warnings": warnings, "optional": not (field.required or field.required_if)}
    common["values"] = tuple(typed.get(name, ()))
    if field.type == "longtext":
        return Control("textarea", longest=field.max or TEXT, **common)
    if field.type == "bool":
        return Control("radio", options=(Option("yes", _("Yes")), Option("no", _("No"))), **common)
    if field.type in {"address", "person"}:
        return Control(field.type, parts=_parts(field, typed, name, lookups, reader), **common)
    options = _options(field, lookups, reader)
    if options is not None:
        several = field.type in {"multi", "agencies", "users"}
        kind = "checkbox" if several else "radio" if len(options) <= MANY else "select"
        return Control(kind, options=options, **common)
    longest = field.max or (LINE if field.type in {"text", "secret"} else None)
    return Control(
        "input", type="text" if field.approximate_ok else INPUTS[field.type], inputmode=MODES.get(field.type, ""), hint=_typing_hint(field), longest=longest, **common
    )  # fmt: skip


def _options(field: Field, lookups: Mapping[str, Sequence[Option]], reader: Reader) -> tuple[Option, ...] | None:
    """Return the answers of a field that is chosen, or None for one that is typed."""
    kind = {"agencies": "agency", "users": "user"}.get(field.type, field.type)
    offered = lookups.get(field.code, lookups.get(kind))
    if offered is not None:
        return tuple(offered)
    if kind in {"code", "multi"}:
        return tuple(Option(item.code, item.label(reader.language)) for item in protocol.current().codelist(field.codelist))
    if kind == "region":
        return regions(reader)
    return () if kind in {"agency", "user", "unit"} else None


def regions(reader: Reader) -> tuple[Option, ...]:
    """Return the regions that may be chosen."""
    return tuple(Option(item.code, item.label(reader.language)) for item in protocol.current().codelist("regions"))


def _parts(field: Field, typed: Mapping[str, list[str]], name: str, lookups: Mapping[str, Sequence[Option]], reader: Reader) -> tuple[Control, ...]:
    def part(end: str, label: str, kind: str = "input", **more: Any) -> Control:
        return Control(kind, f"{name}-{end}", label, tuple(typed.get(f"{name}-{end}", ())), **more)

    if field.type == "address":
        return (
            part("region", _("Region"), "select", options=tuple(lookups.get("region", ())) or regions(reader)),
            part("lines", _("Address in words"), "textarea", longest=500),
        )
    return (part("name", _("Name"), longest=LINE), part("relation", _("Relation"), longest=LINE), part("phone", _("Phone"), type="tel", inputmode="tel"))


def _typing_hint(field: Field) -> str:
    if field.approximate_ok and field.type == "date":
        return _("Day, month and year, or just month and year, or the year: 2026-11-24, 2026-11, 2026.")
    if field.type == "date":
        return _("If there is no calendar here, write 2026-11-24.")
    if field.type == "datetime":
        return _("If there is no calendar here, write 2026-11-24T04:30. Local time.")
    if field.type == "nik":
        return _("May be left empty. Papers can be lost, held back, or bear another name; that is not the survivor's doing.")
    return ""


def facts(
    section: str,
    values: Mapping[str, Any],
    *,
    reader: Reader,
    masked: Collection[str] = (),
    names: Mapping[str, str] | None = None,
    tails: Mapping[str, str] | None = None,
) -> tuple[Fact, ...]:
    """Return the fields of `section` that hold something, as words; `masked` ones say only that they do.

    `names` gives the words for values that are row ids or agency codes, `tails` the last digits of a masked field.
    """
    found = []
    for field in protocol.current().section(section).fields.values():
        label = field.label(reader.language)
        if field.code in masked:
            found.append(Fact(field.code, label, f"•••• {(tails or {}).get(field.code, '••••')}", masked=True))
        elif values.get(field.code) not in (None, "", [], {}):
            found.append(Fact(field.code, label, shown(field, values[field.code], reader=reader, names=names or {})))
    return tuple(found)


def shown(field: Field, value: Any, *, reader: Reader, names: Mapping[str, str]) -> str:
    """Return one value of `field` in words."""
    if field.type == "bool":
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return ", ".join(_word(field, str(one), reader, names) for one in value)
    if isinstance(value, dict):
        return _joined(field, value, reader)
    if field.type == "number":
        return words.number(int(value), reader)
    return _word(field, str(value), reader, names)


def _word(field: Field, value: str, reader: Reader, names: Mapping[str, str]) -> str:
    if field.type in {"code", "multi"}:
        return protocol.current().label(field.codelist, value, reader.language)
    if field.type == "region":
        return protocol.current().label("regions", value, reader.language)
    if field.type == "date":
        return approximate_day(value, reader)
    if field.type == "datetime":
        return words.day_time(datetime.fromisoformat(value), reader)
    return names.get(value, value)


def _joined(field: Field, value: Mapping[str, Any], reader: Reader) -> str:
    parts = [str(value[key]) for key in ("name", "relation", "phone", "lines") if value.get(key)]
    if field.type == "address" and value.get("region"):
        parts.append(protocol.current().label("regions", str(value["region"]), reader.language))
    return ", ".join(parts)


def approximate_day(value: str, reader: Reader) -> str:
    """Return a date that may be known to the month or year only, in words."""
    if len(value) == len("2026-11-24"):
        return words.day(date.fromisoformat(value), reader)
    if len(value) == len("2026-11"):
        return words.month(date.fromisoformat(value + "-01"), reader)
    return value


def section_labels(section: str, reader: Reader, *, prefix: str = "") -> dict[str, str]:
    """Return the labels of a section's fields by HTML name, for the error summary."""
    return {prefix + field.code: field.label(reader.language) for field in protocol.current().section(section).fields.values()}
