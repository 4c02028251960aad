"""Makes the form: field types, sections with their fields and conditions, the matrix of who gets what, and the hints on words."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from referral_hub.protocol.raw import Raw, by_code, fail, labels
from referral_hub.protocol.shapes import Clause, Condition, Derivation, Field, FieldType, Matrix, Section, Share, WordHint

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELD_ENTRIES = (
    "code", "id", "en", "type", "codelist", "required", "required_if", "not_required_if", "show_if", "auto", "derive", "store", "preview",
    "preview_only_for", "never_default", "only_for_services", "only_recipient_kind", "approximate_ok", "warn_only", "past", "max", "min",
    "min_items", "level", "pdp", "empty_when",
)
SECTION_ENTRIES = ("code", "id", "en", "sensitivity", "written_for", "legal", "pdp", "show_if", "fields")
CLAUSE_ENTRIES = ("field", "is", "under", "service", "recipient_kind")


def build_types(file: Raw) -> Mapping[str, FieldType]:
    """Return the field types by code."""
    return by_code(file.rows("items"), _type)


def _type(row: Raw) -> FieldType:
    return FieldType(
        **labels(row),
        free_text=row.flag("free_text"),
        identifying=row.data.get("identifying") is True,
        clear_ok=row.flag("clear_ok"),
        json=row.text("json"),
    )


def build_sections(file: Raw, types: Mapping[str, FieldType]) -> Mapping[str, Section]:
    """Return the sections by code, in the order of the form.

    Raises:
        errors.BadSettings: an unknown type or entry, a code given twice.
    """
    return by_code(file.rows("items"), lambda row: _section(row, types))


def _section(row: Raw, types: Mapping[str, FieldType]) -> Section:
    row.only(*SECTION_ENTRIES)
    if row.text("written_for") not in {"case", "referral"}:
        fail(f"{row.place}.written_for", "unknown")
    code = row.text("code")
    return Section(
        **labels(row),
        sensitivity=row.text("sensitivity"),
        written_for=row.text("written_for"),
        fields=by_code(row.rows("fields"), lambda field: _field(field, code, types)),
        show_if=build_condition(row, "show_if"),
        pdp=row.text("pdp") if row.has("pdp") else "",
        legal=row.text("legal") if row.has("legal") else "",
    )


def _field(row: Raw, section: str, types: Mapping[str, FieldType]) -> Field:
    row.only(*FIELD_ENTRIES)
    kind = row.text("type")
    if kind not in types:
        fail(f"{row.place}.type", "unknown_type")
    flags = ("required", "auto", "preview", "never_default", "only_recipient_kind", "approximate_ok", "warn_only", "past")
    given: dict[str, Any] = {name: row.flag(name) for name in flags}
    given |= {name: row.text(name) for name in ("codelist", "level", "pdp") if row.has(name)}
    given |= {name: build_condition(row, name) for name in ("required_if", "not_required_if", "show_if")}
    return Field(
        **labels(row),
        **given,
        section=section,
        type=kind,
        derive=_derivation(row),
        clear=row.has("store") and row.text("store") == "clear",
        preview_only_for=row.texts("preview_only_for"),
        only_for_services=row.texts("only_for_services"),
        free_text=types[kind].free_text,
        max=row.number("max"),
        min=row.number("min"),
        min_items=row.number("min_items") or 0,
    )


def _derivation(row: Raw) -> Derivation | None:
    if not row.has("derive"):
        return None
    rule = row.sub("derive")
    return Derivation(rule.text("rule"), MappingProxyType({key: rule.text(key) for key in rule.data if key != "rule"}))


def build_condition(row: Raw, key: str) -> Condition | None:
    """Return the condition under `key`: one clause, or `any_of` several; None where absent."""
    if not row.has(key):
        return None
    held = row.sub(key)
    clauses = held.rows("any_of") if held.has("any_of") else [held]
    return Condition(tuple(_clause(clause) for clause in clauses))


def _clause(row: Raw) -> Clause:
    row.only(*CLAUSE_ENTRIES)
    equals = row.data.get("is") or []
    if not isinstance(equals, list):
        fail(f"{row.place}.is", "not_a_list")
    if len([key for key in ("is", "under", "service", "recipient_kind") if row.has(key)]) != 1:
        fail(row.place, "one_comparison")
    return Clause(
        field=row.text("field") if row.has("field") else "",
        equals=tuple(equals),
        under=row.texts("under"),
        service=row.text("service") if row.has("service") else "",
        recipient_kinds=row.texts("recipient_kind"),
    )


def build_matrix(file: Raw, always: tuple[str, ...]) -> Matrix:
    """Return who gets what. `always` names the sections that every consent covers."""
    return Matrix(
        kinds=_shares(file.sub("matrix")),
        caps=_shares(file.sub("service_caps")),
        contact_off=frozenset(file.texts("contact_off")),
        always=frozenset(always),
    )


def _shares(rows: Raw) -> Mapping[str, Mapping[str, Share]]:
    return MappingProxyType(
        {outer: MappingProxyType({section: _share(share) for section, share in entry.pairs()}) for outer, entry in rows.pairs()},
    )


def _share(row: Raw) -> Share:
    row.only("level", "fields")
    level = row.text("level")
    if level not in {"full", "summary", "on_request", "none"} or (level == "summary") != row.has("fields"):
        fail(row.place, "level_and_fields")
    return Share(level, frozenset(row.texts("fields")))


def build_hints(file: Raw) -> tuple[WordHint, ...]:
    """Return the words that get a gentle hint, in both languages."""
    return tuple(WordHint(**labels(row), words=row.texts("id_words") + row.texts("en_words")) for row in file.rows("items"))
