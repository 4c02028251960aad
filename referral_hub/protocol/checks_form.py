"""Checks the form and the matrix against the code lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.protocol.raw import fail

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from referral_hub.protocol.book import Protocol
    from referral_hub.protocol.shapes import Condition, Derivation, Field, Share

CODED = frozenset({"code", "multi"})
PREVIEW_TYPES = frozenset({"code", "bool", "id", "datetime"})
PREVIEW_HIDES = frozenset({"general+child", "specific", "specific (health)", "specific (criminal)"})
DERIVATIONS: Mapping[str, frozenset[str]] = {
    "under_18": frozenset({"birth_date", "age_band"}),
    "holds_other_than": frozenset({"field", "code"}),
    "lacks": frozenset({"field", "code"}),
}
LEVELS = frozenset({"", "province", "regency", "district"})


def known(names: Iterable[str], held: Container[str], place: str) -> None:
    """Refuse a name that `held` does not contain.

    Raises:
        errors.BadSettings: facts `place` (with the name) and `fault` "unknown_name".
    """
    for name in names:
        if name not in held:
            fail(f"{place}: {name}", "unknown_name")


def check_form(book: Protocol) -> None:
    """Check sections, fields, their conditions and the matrix."""
    for section in book.sections.values():
        check_condition(book, section.show_if, f"sections.{section.code}.show_if")
        for field in section.fields.values():
            _check_field(book, field)
            if field.preview and (section.pdp or field.pdp) in PREVIEW_HIDES:
                fail(f"sections.{field.name}.preview", "preview_shows_specific_data")
    rules = [field.derive.rule for section in book.sections.values() for field in section.fields.values() if field.derive]
    if rules.count("under_18") != 1:
        fail("sections", "one_rule_tells_a_child")
    known((name for name in book.own_place if "." in name), book.codelists["fields"], "wording_hints.own_place")
    known((name for name in book.own_place if "." not in name), book.sections, "wording_hints.own_place")
    known(book.matrix.contact_off, book.codelists["fields"], "section_matrix.contact_off")
    known(book.matrix.caps, book.services, "section_matrix.service_caps")
    for kind, shares in book.matrix.kinds.items():
        known([kind], book.kinds, "section_matrix.matrix")
        known(book.kinds[kind].sections_ever, shares, f"section_matrix.matrix.{kind}")
        _check_shares(book, shares, f"section_matrix.matrix.{kind}")
    for service, shares in book.matrix.caps.items():
        _check_shares(book, shares, f"section_matrix.service_caps.{service}")


def _check_shares(book: Protocol, shares: Mapping[str, Share], place: str) -> None:
    for section, share in shares.items():
        known([section], book.sections, place)
        known(share.fields, book.sections[section].fields, f"{place}.{section}")


def _check_field(book: Protocol, field: Field) -> None:
    place = f"sections.{field.name}"
    if (field.type in CODED) != bool(field.codelist):
        fail(place, "codelist")
    if field.codelist:
        known([field.codelist], book.codelists, f"{place}.codelist")
    if field.clear and not book.field_types[field.type].clear_ok:
        fail(place, "type_never_clear")
    if field.preview and field.type not in PREVIEW_TYPES:
        fail(place, "type_never_in_preview")
    if field.preview_only_for and not field.preview:
        fail(place, "preview_only_for_without_preview")
    known(field.preview_only_for + field.only_for_services, book.services, place)
    known([field.level], LEVELS, f"{place}.level")
    for condition in (field.show_if, field.required_if, field.not_required_if):
        check_condition(book, condition, place)
    if field.derive:
        if not field.auto or field.type != "bool":
            fail(f"{place}.derive", "derivation")
        _check_derivation(book, field.derive, place)


def _check_derivation(book: Protocol, rule: Derivation, place: str) -> None:
    reads = rule.reads
    known([rule.rule], DERIVATIONS, f"{place}.derive")
    if set(reads) != DERIVATIONS[rule.rule]:
        fail(f"{place}.derive", "derivation")
    names = [name for key, name in reads.items() if key != "code"]
    known(names, book.codelists["fields"], f"{place}.derive")
    if "code" in reads:
        known([reads["code"]], book.codelists[book.field(reads["field"]).codelist], f"{place}.derive")


def check_condition(book: Protocol, condition: Condition | None, place: str) -> None:
    """Refuse a condition that reads an unknown field, code, service or kind.

    Raises:
        errors.BadSettings: facts `place` and `fault`.
    """
    for clause in condition.any_of if condition else ():
        known([clause.service] if clause.service else [], book.services, place)
        known(clause.recipient_kinds, book.kinds, place)
        if bool(clause.field) == bool(clause.service or clause.recipient_kinds):
            fail(place, "field_or_circumstance")
        if not clause.field:
            continue
        known([clause.field], book.codelists["fields"], place)
        field = book.field(clause.field)
        codes = [code for code in clause.equals + clause.under if isinstance(code, str)]
        known(codes, book.codelists[field.codelist] if field.codelist else (), place)
        if any(isinstance(code, str) != bool(field.codelist) for code in clause.equals):
            fail(place, "comparison")
