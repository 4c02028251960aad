"""Verbs of accounts: each finds under lock, decides, applies its rule, records one entry; the caller's transaction commits."""

from referral_hub.accounts.actions.activating import activate_agency, confirm_founding
from referral_hub.accounts.actions.inviting import invite
from referral_hub.accounts.actions.keyholding import admit, confirm_recovery, found, rotate
from referral_hub.accounts.actions.membership import approve_roles, change_roles, change_settings, leave, reset, suspend

__all__ = [
    "activate_agency",
    "admit",
    "approve_roles",
    "change_roles",
    "change_settings",
    "confirm_founding",
    "confirm_recovery",
    "found",
    "invite",
    "leave",
    "reset",
    "rotate",
    "suspend",
]
