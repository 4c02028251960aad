"""Why an entry is as it should be, as far as the entry itself says. What nothing explains waits at the desk.

Where a case or referral is touched, the relation was worked out when the entry was written (`basis`). The other acts explain
themselves by what they are: one's own account, the administration of members and agencies, lists whose rows the policy chose.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from referral_hub import protocol
from referral_hub.review.rules import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from referral_hub.audit import Entry


class Basis(StrEnum):
    """What explains an entry."""

    ASSIGNED = "assigned"
    RECIPIENT = "recipient"
    SUPERVISOR = "supervisor"
    BREAK_GLASS = "break_glass"
    OWN_SCOPE = "own_scope"            # a list or search: the policy chose its rows one by one
    OWN_ACCOUNT = "own_account"
    ADMINISTRATION = "administration"  # members, keys, agencies, counts: no case is touched
    OVERSIGHT = "oversight"            # reading the log, findings, a survivor's own request
    SYSTEM = "system"                  # the clock or an operator, and no content
    REFUSED = "refused"                # nothing was shown or changed
    NONE = "none"


WRITTEN = frozenset({Basis.ASSIGNED, Basis.RECIPIENT, Basis.SUPERVISOR, Basis.BREAK_GLASS})
_BY_GROUP = {
    "account": Basis.OWN_ACCOUNT,
    "members": Basis.ADMINISTRATION,
    "keys": Basis.ADMINISTRATION,
    "directory": Basis.ADMINISTRATION,
    "statistics": Basis.ADMINISTRATION,
    "notices": Basis.ADMINISTRATION,
    "system": Basis.ADMINISTRATION,
    "audit": Basis.OVERSIGHT,
    "review": Basis.OVERSIGHT,
    "subject": Basis.OVERSIGHT,
    "incidents": Basis.OVERSIGHT,
    "retention": Basis.OVERSIGHT,
    "break_glass": Basis.BREAK_GLASS,
}
# Rules of the policy (policies/README.md) that explain what they allowed: a supervisor without assignment, a survivor's own statement.
BY_RULE: Mapping[str, Basis] = MappingProxyType({"supervisor-acts": Basis.SUPERVISOR, "statement-printed": Basis.OVERSIGHT})
_OTHERS_ACCOUNT = frozenset({"account.reset"})


def explain(entry: Entry) -> Basis:
    """Return what explains `entry`; `Basis.NONE` if nothing does."""
    if entry.outcome != "allow":
        return Basis.REFUSED
    if entry.actor_kind != "member":
        return Basis.NONE if entry.action in kinds.OPENINGS else Basis.SYSTEM
    if entry.basis in WRITTEN:
        return Basis(entry.basis)
    return next((BY_RULE[rule] for rule in entry.rule_ids if rule in BY_RULE), None) or _by_kind(entry)


def _by_kind(entry: Entry) -> Basis:
    if entry.action in _OTHERS_ACCOUNT:
        return Basis.ADMINISTRATION
    if entry.action in kinds.SEARCHES or (entry.action in kinds.LISTS and entry.page):
        return Basis.OWN_SCOPE
    return _BY_GROUP.get(group_of(entry.action), Basis.NONE)


@cache
def group_of(action: str) -> str:
    """Return the group of an act in the agreed list; "" for a code that it does not have."""
    item = protocol.current().codelist("audit_events").get(action)
    return str(item.facts["group"]) if item else ""


@cache
def explained_by_kind() -> tuple[str, ...]:
    """Return the acts of members that explain themselves by what they are, whatever their basis says."""
    agreed = protocol.current().codelist("audit_events").items
    return tuple(sorted(code for code in agreed if code in kinds.SEARCHES or group_of(code) in _BY_GROUP))


def needs_explanation(entry: Entry) -> bool:
    """Return whether nothing explains `entry`."""
    return explain(entry) is Basis.NONE
