"""Roles and abilities as the agencies agreed them: `config/protocol/agency_roles.yaml`, read once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from referral_hub.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

ROLES_FILE = ROOT / "config" / "protocol" / "agency_roles.yaml"


@dataclass(frozen=True)
class Ability:
    """What a role can: `acts` are codes of audit_events.yaml; `reads` names the widest view."""

    code: str
    acts: frozenset[str]
    reads: str


@dataclass(frozen=True)
class Role:
    """A role of a kind of agency. `holds_key`: a member with it has a share of the agency key; `no_case_data`: opens nothing."""

    code: str
    id: str
    en: str
    kind: str
    holds_key: bool
    no_case_data: bool
    can: frozenset[str]


@dataclass(frozen=True)
class Table:
    """The file as loaded: roles and abilities by code, and for each act the abilities that list it."""

    roles: Mapping[str, Role]
    abilities: Mapping[str, Ability]
    able_by: Mapping[str, frozenset[str]]


@lru_cache(maxsize=1)
def table(path: Path = ROLES_FILE) -> Table:
    """Return the table of `path` (YAML, list agency_roles).

    Raises:
        KeyError: a role names an ability that the file does not have.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    abilities = {item["code"]: _ability(item) for item in raw["abilities"]}
    roles = {item["code"]: _role(item) for item in raw["items"]}
    for role in roles.values():
        for code in role.can:
            _ = abilities[code]
    acts = {act for ability in abilities.values() for act in ability.acts}
    able_by = {act: frozenset(a.code for a in abilities.values() if act in a.acts) for act in acts}
    return Table(roles, abilities, able_by)


def _ability(item: Mapping[str, Any]) -> Ability:
    events = (f"referral.{event}" for event in item["events"])
    return Ability(item["code"], frozenset((*events, *item["actions"])), item["reads"])


def _role(item: Mapping[str, Any]) -> Role:
    no_case_data = bool(item.get("no_case_data", False))
    return Role(item["code"], item["id"], item["en"], item["kind"], item["holds_key"], no_case_data, frozenset(item["can"]))


def _known(codes: Iterable[str]) -> list[Role]:
    return [table().roles[code] for code in codes if code in table().roles]


def role(code: str) -> Role:
    """Return the role `code`; KeyError if the agreed list has none."""
    return table().roles[code]


def roles_for(kind: str, *, case_data: bool) -> tuple[Role, ...]:
    """Return the roles that an agency of `kind` may give, in the order of the list.

    A role of any kind is open to every agency with case data, and to every agency if the role holds no case data (agency_kinds.yaml, any).
    """
    return tuple(r for r in table().roles.values() if r.kind == kind or (r.kind == "any" and (case_data or r.no_case_data)))


def abilities(roles: Collection[str]) -> frozenset[str]:
    """Return the abilities of `roles` together; a code that the list does not have adds nothing."""
    return frozenset(code for r in _known(roles) for code in r.can)


def acts_allowed(roles: Collection[str]) -> frozenset[str]:
    """Return the codes of all acts that the abilities of `roles` list; whether one may do it here and now, the policy decides."""
    return frozenset(act for code in abilities(roles) for act in table().abilities[code].acts)


def gives_key(roles: Collection[str]) -> bool:
    """Return whether any of `roles` holds a share of the agency key."""
    return any(r.holds_key for r in _known(roles))


def able_by(act: str) -> frozenset[str]:
    """Return the abilities that list `act` (code of audit_events.yaml); empty for acts that need none."""
    return table().able_by.get(act, frozenset())
