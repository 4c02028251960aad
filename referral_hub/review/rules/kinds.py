"""Kinds of acts, by their codes of `audit_events.yaml`. A test holds every code here in the agreed list."""

from __future__ import annotations

from typing import Final

# Something that somebody wrote about a survivor was shown.
OPENINGS: Final = (
    "attachment.list", "attachment.read", "break_glass.open", "case.copy_sections", "case.history", "case.read", "document.export", "document.hand_over",
    "document.print", "field.reveal", "message.read", "note.read", "referral.preview_read", "section.read", "section.safe_contact_read",
)  # fmt: skip
# Of these, what a recipient may see before it has accepted.
BEFORE_ACCEPTANCE: Final = ("message.read", "note.read", "referral.preview_read")
LISTS: Final = ("case.list", "referral.list")
SEARCHES: Final = ("case.search", "case.duplicate_check", "referral.search")
EXPORTS: Final = (
    "attachment.read", "audit.export", "audit.siem_export", "directory.export", "document.export", "document.hand_over", "document.print", "stats.export",
    "subject.statement",
)  # fmt: skip
# After these a referral or case is over for the recipient; the first group leaves a time to read on.
CLOSED: Final = "case.close"
COMPLETED: Final = (CLOSED, "referral.access_ends", "referral.cannot_continue", "referral.close_upstream", "referral.complete")
REFUSED: Final = (
    "referral.access_withdrawn", "referral.consent_withdrawn", "referral.decline", "referral.expire", "referral.mark_error", "referral.recall",
    "referral.un_accept", "referral.withdraw",
)  # fmt: skip
TRANSFERRED: Final = ("case.transfer", "referral.answer_transfer", "referral.approve_forward")
ENDINGS: Final = (*COMPLETED, *REFUSED, *TRANSFERRED)
WITHDRAWALS: Final = ("consent.withdraw",)
LEAVINGS: Final = ("member.disable", "member.suspend")
RETURNS: Final = ("account.reset", "member.enrol")
GRANTS_TO_MEMBERS: Final = ("account.reset", "key.admit", "member.enrol", "member.invite", "member.role_change", "member.second_approval")
PERMISSIONS: Final = (
    *GRANTS_TO_MEMBERS, "agency.activate", "agency.disable", "case.assign", "case.protect", "key.epoch_rotate", "key.found", "key.machine_register",
    "member.disable", "member.reassign", "member.suspend", "protocol.load", "token.create", "token.revoke",
)  # fmt: skip
KEYS: Final = (
    "key.admit", "key.epoch_rotate", "key.found", "key.machine_register", "key.recovery_print", "key.recovery_use", "key.release_rotate", "key.share_delete",
    "key.shred", "key.tampered",
)  # fmt: skip
LOG_TROUBLE: Final = (
    "checkpoint.fork_refused", "checkpoint.gap", "checkpoint.new_shard", "checkpoint.witness_late", "checkpoint.witness_refused", "clockwork.jump",
    "system.restore", "system.start",
)  # fmt: skip
OVERSIGHT: Final = (
    "audit.ask", "audit.export", "audit.read", "audit.reconcile", "audit.siem_export", "audit.verify", "finding.assign", "finding.close", "finding.confirm",
    "finding.escalate", "finding.explain", "finding.open",
)  # fmt: skip
# What tells where she is: sections that are such a place as a whole, and single fields.
PLACE_SECTIONS: Final = ("identity", "safe_contact", "safety")
PLACE_FIELDS: Final = ("identity.address_ktp", "identity.address_now", "safety.meeting_point", "safety.rescue_place")
CONFLICT: Final = "conflict_of_interest"
