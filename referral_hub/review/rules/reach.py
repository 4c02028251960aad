"""How far roles reach, and what an access review should look at. Pure: from the agreed list of roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from referral_hub import access
from referral_hub.access import roles as agreed

if TYPE_CHECKING:
    from collections.abc import Collection

# What abilities read (`reads` of agency_roles.yaml), widest first; whoever approves or assigns reaches the unassigned cases too.
ORDER: Final = ("all_cases", "own_case", "granted", "granted_if_assigned", "granted_on_forensic_ver", "alerts", "safe_contact", "preview", "log")
_REACHING: Final = frozenset({"approve", "grant", "assign"})


def opens(roles: Collection[str]) -> tuple[str, ...]:
    """Return what `roles` open, as codes in `ORDER`; empty for roles that open nothing."""
    held = access.abilities(roles)
    table = agreed.table().abilities
    found = {table[code].reads for code in held} - {"none"}
    if held & _REACHING and "own_case" in found:
        found.add("all_cases")
    return tuple(code for code in ORDER if code in found)


def remarks(roles: Collection[str], *, holds_key: bool, active: bool, open_work: int, dormant: bool) -> tuple[str, ...]:
    """Return what a reviewer should look at: an unused key, a key beside administration, work that lies with somebody who does not come."""
    keyed = access.gives_key(roles)
    found = {
        "key_without_role": holds_key and not keyed,
        "key_beside_administration": keyed and "agency_admin" in roles,
        "key_unused": holds_key and dormant,
        "work_lies": open_work > 0 and (dormant or not active),
    }
    return tuple(code for code, holds in found.items() if holds)
