"""Loads `config/protocol/*.yaml` once, checks it whole, and answers `current()`."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from referral_hub.protocol import build_form, build_rules
from referral_hub.protocol.book import Protocol
from referral_hub.protocol.build_lists import PLAIN, build_codelists
from referral_hub.protocol.checks import check
from referral_hub.protocol.raw import Raw, fail
from referral_hub.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = ROOT / "config" / "protocol"
FILES = frozenset(PLAIN) | {
    "clear_metadata", "consent_forms", "consent_rules", "field_codes", "holidays_id", "lifecycle", "regions_jabar", "section_matrix",
    "stat_record", "statutory_clocks", "wording_hints",
}  # fmt: skip


@cache
def current() -> Protocol:
    """Return the protocol of this installation, loaded once.

    Raises:
        errors.BadSettings: a list is missing or wrong (facts: `place`, `fault`); the program does not start.
    """
    return load(FOLDER)


def load(folder: Path) -> Protocol:
    """Read and check every list in `folder`.

    Raises:
        errors.BadSettings: a list is missing or wrong (facts: `place`, `fault`).
    """
    return assemble({name: read(folder, name) for name in sorted(FILES)})


def assemble(files: Mapping[str, Raw]) -> Protocol:
    """Make the protocol of the lists as read, and check it whole.

    Raises:
        errors.BadSettings: a list is wrong (facts: `place`, `fault`).
    """
    types = build_form.build_types(files["field_types"])
    made = Protocol(
        digest=_digest({name: raw.data for name, raw in files.items()}),
        codelists=build_codelists(files),
        field_types=types,
        sections=build_form.build_sections(files["sections"], types),
        matrix=build_form.build_matrix(files["section_matrix"], files["consent_rules"].sub("limits").texts("sections_always")),
        kinds=build_rules.build_kinds(files["agency_kinds"]),
        services=build_rules.build_services(files["service_types"]),
        abilities=build_rules.build_abilities(files["agency_roles"]),
        roles=build_rules.build_roles(files["agency_roles"]),
        refusals=build_rules.build_refusals(files["refusals"]),
        urgencies=build_rules.build_urgencies(files["urgency_sla"]),
        lifecycle=build_rules.build_lifecycle(files["lifecycle"]),
        consent_forms=build_rules.build_consent_forms(files["consent_forms"]),
        grounds=build_rules.build_grounds(files["consent_rules"]),
        consent_words=build_rules.build_consent_words(files["consent_forms"]),
        hints=build_form.build_hints(files["wording_hints"]),
        own_place=frozenset(files["wording_hints"].texts("own_place")),
        name_parts=frozenset(files["wording_hints"].texts("name_parts")),
        holidays=build_rules.build_holidays(files["holidays_id"]),
        hours=build_rules.build_hours(files["business_hours"]),
    )
    check(made, files)
    return made


def read(folder: Path, name: str) -> Raw:
    """Read one list.

    Raises:
        errors.BadSettings: it is missing, no YAML, or bears another name (facts: `place`, `fault`).
    """
    path = folder / f"{name}.yaml"
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except OSError:
        fail(name, "missing")
    except yaml.YAMLError:
        fail(name, "not_yaml")
    raw = Raw(data, name)
    if raw.text("list") != name:
        fail(name, "wrong_name")
    return raw


def _digest(files: Mapping[str, Any]) -> str:
    whole = hashlib.sha256()
    for name, data in sorted(files.items()):
        try:
            exact = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError):
            fail(name, "not_plain")
        whole.update(f"{name} {exact}\n".encode())
    return whole.hexdigest()
