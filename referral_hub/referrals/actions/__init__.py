"""Verbs of this room, one for each lifecycle event that is built, and those on a draft. Each leaves one log entry; none commits.

All take `session` first and the rest by keyword: `actor`, `keys`, `now` (aware UTC), `request_id`, the inputs, and `version`, the row
version that the form showed. All return the referral as it is afterwards.
"""

from referral_hub.referrals.actions.answering import accept, claim, decline, open_preview
from referral_hub.referrals.actions.consenting import countersign_consent, record_consent, rest_on
from referral_hub.referrals.actions.drafting import create, discard, edit_draft, give_consent, later, refuse_consent
from referral_hub.referrals.actions.ending import recall, withdraw, withdraw_consent
from referral_hub.referrals.actions.sending import send
from referral_hub.referrals.actions.serving import complete, progress, start

__all__ = [
    "accept", "claim", "complete", "countersign_consent", "create", "decline", "discard", "edit_draft", "give_consent", "later", "open_preview", "progress",
    "recall", "record_consent", "refuse_consent", "rest_on", "send", "start", "withdraw", "withdraw_consent",
]  # fmt: skip
