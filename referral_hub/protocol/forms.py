"""Checks a section of the form by its data alone, and says what a page asks.

Values are JSON values: texts, whole numbers, yes/no, lists of texts, objects of texts; never fractions. A field without an answer is absent.
Nothing a person can type or send raises: it comes back as a problem code per field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from referral_hub.protocol.canon import canonical_bytes, from_bytes
from referral_hub.protocol.conditions import age_fields, band_differs, holds, worked_out
from referral_hub.protocol.html_form import parse_form, to_form
from referral_hub.protocol.loader import current
from referral_hub.protocol.scan import Hint, hints_of, name_words, nik_hints
from referral_hub.protocol.values import Amiss, clean, is_empty

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from referral_hub.protocol.conditions import Lookup
    from referral_hub.protocol.shapes import Field, Section

__all__ = [
    "Context", "Hint", "Validated", "canonical_bytes", "from_bytes", "parse_form", "section_applies", "shown_fields", "to_form",
    "validate_section",
]  # fmt: skip


@dataclass(frozen=True, repr=False)
class Context:
    """What a section is checked against.

    `sections`: the other sections as far as known. `known`: which agencies, units and users exist (types "agency", "unit", "user"), where the
    caller wants that checked.
    """

    now: datetime
    timezone: str = "Asia/Jakarta"
    service: str = ""
    recipient_kind: str = ""
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    known: Mapping[str, Collection[str]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Show no content."""
        return f"<Context {self.service} {self.recipient_kind}>"

    @property
    def today(self) -> date:
        """Return the local day."""
        return self.now.astimezone(ZoneInfo(self.timezone)).date()


@dataclass(frozen=True, repr=False)
class Validated:
    """The clean values, what is amiss (codes per field), and hints that never block."""

    section: str
    values: dict[str, Any]
    problems: dict[str, tuple[str, ...]]
    warnings: dict[str, tuple[Hint, ...]]

    def __repr__(self) -> str:
        """Show no content."""
        return f"<Validated {self.section}: {len(self.problems)} problems>"

    @property
    def ok(self) -> bool:
        """Tell whether nothing is amiss."""
        return not self.problems


def validate_section(
    section: str, values: Mapping[str, Any], *, context: Context, only: Collection[str] | None = None, hints: bool = True
) -> Validated:
    """Check the values of a section.

    Hidden fields are dropped, worked-out ones are worked out, other automatic ones are taken where given and never asked for. With `only`, no
    other field is looked at. Valid values are returned even where others are amiss. Without `hints` no warnings are looked for: they take
    longer than all checks, and a sending shows none.

    Raises:
        errors.NotFound: an unknown section.
    """
    form = current().section(section)
    if not section_applies(section, context=context):
        return Validated(section, {}, {}, {})
    fields = [one for one in form.fields.values() if only is None or one.code in only]
    problems: dict[str, str] = {str(name): "unknown_field" for name in values if name not in form.fields}
    made = _cleaned(fields, values, context, problems)
    look = partial(_look, form, made, context)
    _work_out(fields, made, look, context)
    _drop_hidden(fields, made, problems, look, context)
    _require(fields, made, problems, look, context)
    shown = [one for one in fields if one.code in made] if hints else []
    warnings = {one.code: found for one in shown if (found := _hints(one, made[one.code], look, context))}
    ordered = {one.code: made[one.code] for one in fields if one.code in made}
    return Validated(section, ordered, {name: (code,) for name, code in problems.items()}, warnings)


def _cleaned(fields: list[Field], values: Mapping[str, Any], context: Context, problems: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for one in fields:
        value = values.get(one.code)
        if is_empty(value) or one.derive:
            continue
        try:
            made[one.code] = clean(one, value, now=context.now, today=context.today, known=context.known)
        except Amiss as amiss:
            problems[one.code] = amiss.code
    return made


def _look(form: Section, made: Mapping[str, Any], context: Context, name: str) -> Any:
    section, _, code = name.partition(".")
    return made.get(code) if section == form.code else _look_in(context.sections, name)


def _work_out(fields: list[Field], made: dict[str, Any], look: Lookup, context: Context) -> None:
    for one in fields:
        answer = worked_out(one.derive, look, context.today) if one.derive else None
        if answer is not None:
            made[one.code] = answer


def _drop_hidden(fields: list[Field], made: dict[str, Any], problems: dict[str, str], look: Lookup, context: Context) -> None:
    for one in fields:
        if not _is_shown(one, look, context):
            made.pop(one.code, None)
            problems.pop(one.code, None)


def _is_shown(one: Field, look: Lookup, context: Context) -> bool:
    return holds(one.show_if, look, service=context.service, recipient_kind=context.recipient_kind)


def _require(fields: list[Field], made: Mapping[str, Any], problems: dict[str, str], look: Lookup, context: Context) -> None:
    for one in fields:
        if one.code in made:
            if one.only_recipient_kind and not _offered(made[one.code], context.recipient_kind):
                problems[one.code] = "not_for_recipient_kind"
        elif one.code not in problems and is_required(one, look, context) and _is_shown(one, look, context):
            problems[one.code] = "required"


def is_required(one: Field, look: Lookup, context: Context) -> bool:
    """Tell whether a field must be answered here; automatic ones never are."""
    ask = partial(holds, look=look, service=context.service, recipient_kind=context.recipient_kind)
    if one.auto or ask(one.not_required_if, absent=False):
        return False
    return one.required or ask(one.required_if, absent=False)


def _offered(services: list[str], kind: str) -> bool:
    return not kind or all(kind in current().service(code).kinds for code in services)


def _look_in(sections: Mapping[str, Mapping[str, Any]], name: str) -> Any:
    section, _, code = name.partition(".")
    return sections.get(section, {}).get(code)


def _hints(one: Field, value: Any, look: Lookup, context: Context) -> tuple[Hint, ...]:
    if one.type == "nik":
        return nik_hints(value, look, context.today)
    if one.name in age_fields() and band_differs(look, context.today):
        return (Hint("age_band_differs"),)
    return hints_of(one, value, name_words(context.sections.get("identity"))) if one.free_text else ()


def section_applies(section: str, *, context: Context) -> bool:
    """Tell whether a section is used at all in this case (its show_if).

    Raises:
        errors.NotFound: an unknown section.
    """
    form = current().section(section)
    look = partial(_look, form, {}, context)
    return holds(form.show_if, look, service=context.service, recipient_kind=context.recipient_kind)


def shown_fields(section: str, values: Mapping[str, Any], *, context: Context) -> tuple[Field, ...]:
    """Return the fields that a page asks, given the answers so far: visible and not automatic.

    Raises:
        errors.NotFound: an unknown section.
    """
    form = current().section(section)
    look = partial(_look, form, values, context)
    return tuple(one for one in form.fields.values() if not one.auto and _is_shown(one, look, context))
