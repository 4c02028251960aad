"""What an agency needs before it may receive (DECISIONS 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.accounts.rules.roles import NETWORK_ADMIN, NETWORK_AUDITOR
from referral_hub.accounts.values import Item

if TYPE_CHECKING:
    from collections.abc import Collection

HOLDERS_NEEDED = 2


def checklist(
    *, receives_cases: bool, holders: int, recovery_printed: bool, dpo_named: bool, confirmed_by: Collection[str]
) -> tuple[Item, ...]:
    """Return the activation checklist in its order; an agency that never receives cases has no key and an empty list.

    Args:
        receives_cases: `case_data` of the agency's kind.
        holders: members with a share of the current epoch.
        recovery_printed: the last four characters of the recovery code were typed back.
        dpo_named: an enrolled member is the agency's data-protection officer.
        confirmed_by: network roles that typed the founding fingerprint.
    """
    if not receives_cases:
        return ()
    return (
        Item("two_holders", done=holders >= HOLDERS_NEEDED, count=holders),
        Item("recovery_printed", done=recovery_printed),
        Item("dpo_named", done=dpo_named),
        Item("confirmed_admin", done=NETWORK_ADMIN in confirmed_by),
        Item("confirmed_auditor", done=NETWORK_AUDITOR in confirmed_by),
    )
