"""Verbs of this room, one for each lifecycle event that is built, and those on a draft. Each leaves one log entry; none commits.

All take `session` first and the rest by keyword: `actor`, `keys`, `now` (aware UTC), `request_id`, the inputs, and `version`, the row
version that the form showed. All return the referral as it is afterwards.
"""

from referral_hub.referrals.actions.answering import accept, claim, decline, open_preview
from referral_hub.referrals.actions.approving import send_back, submit
from referral_hub.referrals.actions.asking import (
    answer,
    answer_interview,
    answer_transfer,
    ask_information,
    request_interview,
    request_transfer,
)
from referral_hub.referrals.actions.case_ending import close_case
from referral_hub.referrals.actions.closing import (
    answer_dispute,
    close_upstream,
    confirm_cancel,
    confirm_purge,
    dispute,
    mark_error,
    request_cancel,
)
from referral_hub.referrals.actions.consenting import answer_counting, countersign_consent, record_consent, record_refusal, rest_on
from referral_hub.referrals.actions.copying import copy_sections
from referral_hub.referrals.actions.disclosing import disclose, record_disclosure, review_consent
from referral_hub.referrals.actions.drafting import create, discard, edit_draft, give_consent, later, refuse_consent
from referral_hub.referrals.actions.ending import recall, withdraw
from referral_hub.referrals.actions.forwarding import approve_forward, propose_forward, refuse_forward
from referral_hub.referrals.actions.holding import cannot_continue, no_show, resume, schedule, un_accept, waitlist
from referral_hub.referrals.actions.narrowing import narrow_consent, withdraw_consent
from referral_hub.referrals.actions.reopening import start_anew
from referral_hub.referrals.actions.revising import renew_basis, revise
from referral_hub.referrals.actions.sending import send
from referral_hub.referrals.actions.serving import complete, progress, start
from referral_hub.referrals.actions.widening import ask_sections, refuse_sections, supply_sections
from referral_hub.referrals.actions.writing import send_message, write_note

__all__ = [
    "accept", "answer", "answer_counting", "answer_dispute", "answer_interview", "answer_transfer", "approve_forward", "ask_information", "ask_sections",
    "cannot_continue", "claim", "close_case", "close_upstream", "complete", "confirm_cancel", "confirm_purge", "copy_sections", "countersign_consent", "create",
    "decline", "discard", "disclose", "dispute", "edit_draft", "give_consent", "later", "mark_error", "narrow_consent", "no_show", "open_preview", "progress",
    "propose_forward", "recall", "record_consent", "record_disclosure", "record_refusal", "refuse_consent", "refuse_forward", "refuse_sections", "renew_basis", "request_cancel", "request_interview",
    "request_transfer", "rest_on", "resume", "review_consent", "revise", "schedule", "send", "send_back", "send_message", "start", "start_anew", "submit", "supply_sections", "un_accept",
    "waitlist", "withdraw", "withdraw_consent", "write_note",
]  # fmt: skip
