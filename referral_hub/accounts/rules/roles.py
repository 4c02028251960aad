"""Which roles go together, and what follows from them (agency_roles.yaml)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import access, errors

if TYPE_CHECKING:
    from collections.abc import Collection

ADMINISTRATOR, DPO = "agency_admin", "data_protection_officer"
NETWORK_ADMIN, NETWORK_AUDITOR = "network_admin", "network_auditor"
CONFIRMING = (NETWORK_ADMIN, NETWORK_AUDITOR)


def check_roles(roles: Collection[str], *, agency_kind: str, case_data: bool) -> frozenset[str]:
    """Return `roles` as a set, each one known and open to `agency_kind`.

    Raises:
        errors.InputInvalid: field `roles`, code missing or not_for_kind.
    """
    chosen = frozenset(roles)
    if not chosen:
        raise errors.InputInvalid({"roles": ("missing",)})
    if not chosen <= {role.code for role in access.roles_for(agency_kind, case_data=case_data)}:
        raise errors.InputInvalid({"roles": ("not_for_kind",)})
    return chosen


def holds_key(roles: Collection[str]) -> bool:
    """Whether one of `roles` is a key role."""
    return access.gives_key(frozenset(roles))


def needs_second_approver(roles: Collection[str]) -> bool:
    """Whether a second person must approve: a role with a key beside the agency's administrator."""
    return ADMINISTRATOR in roles and holds_key(roles)


def may_found(roles: Collection[str]) -> bool:
    """Whether a member with `roles` holds the key and may admit to it, and so may found it (DECISIONS 5)."""
    return holds_key(roles) and "admit_keys" in access.abilities(frozenset(roles))


def may_handle(roles: Collection[str]) -> bool:
    """Whether a member with `roles` can be the handler of a referral: can accept, or keep it going."""
    return bool({"accept", "update"} & access.abilities(frozenset(roles)))
