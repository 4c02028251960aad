"""Makes the code lists: one for each file, each small list of field_codes.yaml, and those inside other files."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from referral_hub.protocol.raw import Raw, by_code, fail, frozen, labels
from referral_hub.protocol.shapes import Codelist, Item

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = (
    "agency_kinds", "agency_roles", "audit_events", "break_glass_reasons", "business_hours", "case_stages", "decline_reasons", "disclosure_tiers",
    "document_types", "event_reasons", "field_types", "glossary", "helplines", "legal_bases", "milestones", "outcomes", "purge_statements",
    "purposes", "refusals", "retention", "safe_contact_methods", "sections", "service_types", "simfoni_age_bands", "simfoni_places",
    "simfoni_relationships", "simfoni_services", "spm_indicators", "subject_refusals", "survivor_rights", "termination_reasons", "timezones", "tip_acts", "tip_control_methods",
    "tip_means", "tip_purposes", "urgency_sla", "violence_types",
)
INSIDE = {  # name of the list: file, key
    "states": ("lifecycle", "states"),
    "sides": ("lifecycle", "sides"),
    "grants": ("lifecycle", "grants"),
    "flags": ("lifecycle", "flags"),
    "guards": ("lifecycle", "guards"),
    "inputs": ("lifecycle", "inputs"),
    "events": ("lifecycle", "events"),
    "duty_posts": ("agency_roles", "duty_posts"),
    "abilities": ("agency_roles", "abilities"),
    "duty_classes": ("statutory_clocks", "classes"),
    "legal_clocks": ("statutory_clocks", "items"),
    "own_clocks": ("urgency_sla", "own_clocks"),
    "signers": ("consent_forms", "signers"),
    "consent_forms": ("consent_forms", "forms"),
    "consent_checks": ("consent_rules", "checks"),
    "review_results": ("break_glass_reasons", "review_results"),
    "stat_fields": ("stat_record", "fields"),
    "right_states": ("survivor_rights", "states"),
}
COMMON = frozenset({"code", "id", "en", "parent", "alone"})


def build_codelists(files: Mapping[str, Raw]) -> Mapping[str, Codelist]:
    """Return every code list by name.

    Raises:
        errors.BadSettings: a label is missing, a code is given twice, a parent is unknown.
    """
    lists = {name: _codelist(name, files[name].rows("items")) for name in PLAIN}
    lists |= {name: _codelist(name, files[file].rows(key)) for name, (file, key) in INSIDE.items()}
    small = files["field_codes"].sub("lists")
    for name in small.data:
        if name in lists:
            fail(f"{small.place}.{name}", "duplicate")
        lists[name] = _codelist(name, small.rows(name))
    lists["clocks"] = _joined("clocks", lists["own_clocks"], lists["duty_classes"])
    lists["fields"] = _codelist("fields", _field_rows(files["sections"]))
    lists["regions"] = _codelist("regions", _region_rows(files["regions_jabar"]))
    return MappingProxyType(lists)


def _codelist(name: str, rows: list[Raw]) -> Codelist:
    items = by_code(rows, _item)
    for row in rows:
        if row.has("parent") and row.text("parent") not in items:
            fail(row.place, "unknown_parent")
    return Codelist(name, items)


def _item(row: Raw) -> Item:
    facts = frozen({key: value for key, value in row.data.items() if key not in COMMON})
    return Item(**labels(row), parent=row.text("parent") if row.has("parent") else "", alone=row.flag("alone"), facts=facts)


def _joined(name: str, *parts: Codelist) -> Codelist:
    items: dict[str, Item] = {}
    for part in parts:
        for item in part:
            if item.code in items:
                fail(f"{part.name}.{item.code}", "duplicate")
            items[item.code] = item
    return Codelist(name, MappingProxyType(items))


def _field_rows(sections: Raw) -> list[Raw]:
    rows = []
    for section in sections.rows("items"):
        for field in section.rows("fields"):
            named: dict[str, Any] = {"code": f"{section.text('code')}.{field.text('code')}"}
            for language in ("id", "en"):
                named[language] = f"{section.text(language)}: {field.text(language)}"
            rows.append(Raw(named, field.place))
    return rows


def _region_rows(regions: Raw) -> list[Raw]:
    given = [regions.sub("province"), *regions.rows("regencies"), *regions.rows("districts_kota_bandung"), *regions.rows("others")]
    return [Raw({"code": row.text("code"), "id": row.text("name"), "en": row.text("name")}, row.place) for row in given]
