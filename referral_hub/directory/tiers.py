"""Who sees which directory fact: `config/protocol/disclosure_tiers.yaml`, read once. Pure."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import yaml

from referral_hub.directory.facts import Contact
from referral_hub.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from referral_hub.directory.facts import Agency, Viewer

TIERS_FILE = ROOT / "config" / "protocol" / "disclosure_tiers.yaml"
STRICTNESS = ("public", "network", "sector", "named_role", "never")
CONTACT = ("email", "phone")


@cache
def profiles() -> Mapping[str, Mapping[str, str]]:
    """Return fact → tier for the two profiles, "default" and "shelter". A fact that the shelter profile leaves out is as by default.

    Raises:
        ValueError: the file names a tier that the program does not know.
    """
    raw = yaml.safe_load(TIERS_FILE.read_text(encoding="utf-8"))
    default = dict(raw["defaults"])
    shelter = default | raw["shelter"]
    unknown = {*default.values(), *shelter.values(), *(item["code"] for item in raw["items"])} - set(STRICTNESS)
    if unknown:
        raise ValueError(sorted(unknown))
    return MappingProxyType({"default": MappingProxyType(default), "shelter": MappingProxyType(shelter)})


def tier(agency: Agency, fact: str) -> str:
    """Return the tier of `fact` at `agency`: the stricter one of its profile and its own choice. An unknown fact is never shown."""
    profile = profiles()[agency.disclosure].get(fact, "never")
    return max(profile, agency.tiers.get(fact, profile), key=STRICTNESS.index)


def sees(viewer: Viewer, agency: Agency, fact: str) -> bool:
    """Return whether `viewer` sees `fact` of `agency`. The agency's own members see what is stored about it."""
    wanted = tier(agency, fact)
    if wanted == "never":
        return False
    if viewer.agency_id is not None and viewer.agency_id == agency.id:
        return True
    return {
        "public": True,
        "network": viewer.kind is not None,
        "sector": viewer.kind in agency.sectors,
        "named_role": viewer.kind is not None and viewer.accepted_referral,
    }[wanted]


def contact(viewer: Viewer, agency: Agency, *, email: str | None, phone: str | None) -> Contact:
    """Return the stored `email` and `phone` of `agency` as far as `viewer` sees them."""
    seen = {fact for fact in CONTACT if sees(viewer, agency, fact)}
    return Contact(
        email=email if "email" in seen else None,
        phone=phone if "phone" in seen else None,
        withheld=frozenset(CONTACT) - seen,
    )
