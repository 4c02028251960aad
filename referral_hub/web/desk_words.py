"""Words of the auditors' desk: the numbered questions, their columns and states, the rules, the reach of roles."""

from __future__ import annotations

from referral_hub.gate.speech import _


def questions() -> dict[int, str]:
    """Return each numbered question in words."""
    return {
        1: _("Who opened this referral, when, which sections, and why?"),
        2: _("Everything about one survivor"),
        3: _("Everything one member did, in order"),
        4: _("Openings outside the member's working hours and on holidays"),
        5: _("Accesses that nothing explains"),
        6: _("Break-glass uses and their reviews"),
        7: _("Openings after a referral was refused, taken back, completed or moved"),
        8: _("Openings before the agency accepted"),
        9: _("Accesses after leaving, suspension or another role"),
        10: _("What operators and administrators did"),
        12: _("Who was refused as standing on a conflict list"),
        13: _("Openings about children and protected cases"),
        14: _("Exports, prints and downloads by day"),
        15: _("Searches with no opening, in runs, or with many hits"),
        16: _("One member, many survivors in a day"),
        17: _("One survivor, many members or agencies in a day"),
        18: _("Refused attempts, and what was allowed afterwards"),
        19: _("Two sessions of one account at once"),
        20: _("Accounts that seem to be shared"),
        21: _("Changes of rights, and the first opening after them"),
        22: _("Sent but not received, received but not sent"),
        23: _("Openings under a purpose that does not fit"),
        24: _("Openings without consent, or after it was taken back"),
        25: _("Sections shown that the service does not need"),
        26: _("Openings that show where she is"),
        27: _("The 72 hours before a moment"),
        28: _("Accounts that slept, woke, or were never used"),
        29: _("How many entries are signed and witnessed?"),
        30: _("Does the log continue what I saw? Who cosigned, how late?"),
        31: _("Gaps between checkpoints, late witnesses, jumps of the clock"),
        32: _("Do the agencies' receipts match?"),
        33: _("What auditors and officers read"),
        34: _("Keys handed on, renewed or destroyed"),
        35: _("Findings: how many, how they ended, how fast"),
    }


def limits() -> dict[int, str]:
    """Return what the log cannot answer about a question, where there is something."""
    return {
        6: _("Who reports to whom is not in the hub: whether a reviewer is a subordinate, the roles tell."),
        10: _("Direct sessions with the database leave no entry here; the database's own log has them."),
        12: _("Only declared conflicts are known. Kinship and neighbourhood that nobody declared are not."),
        19: _("Devices are not in the log. Two sessions at once are told from their entries."),
        20: _("Devices are not in the log. Two sessions at once are told from their entries."),
        26: _("Which unit a case is about is sealed. Look at the kind of agency."),
        29: _("This counts. The proof of each entry is checked offline, with a bundle."),
        31: _("While the log was unavailable nothing was opened, and nothing could be recorded here."),
        34: _("Which key opened something is not in the log."),
    }


def groups() -> dict[str, str]:
    """Return the groups of questions."""
    return {
        "referral": _("About referrals"),
        "survivor": _("About survivors"),
        "member": _("About members"),
        "agency": _("About agencies"),
        "log": _("About the log itself"),
    }


def columns() -> dict[str, str]:
    """Return the heads of columns."""
    return {
        "entry": _("Entry"), "then": _("Then entry"), "earlier": _("Earlier entry"), "first_entry": _("First entry"), "last_entry": _("Last entry"),
        "time": _("Time"), "first": _("First"), "last": _("Last"), "ended": _("Ended"), "since": _("Since"), "signed": _("Signed"), "day": _("Day"),
        "member": _("Member"), "about": _("About whom"), "reviewer": _("Reviewed by"), "agency": _("Agency"), "recipient": _("Recipient"),
        "referral": _("Referral"), "subject": _("Survivor"), "action": _("Action"), "ending": _("Ended by"), "then_action": _("Then"), "roles": _("Roles"),
        "sections": _("Sections"), "purpose": _("Purpose"), "basis": _("Relation"), "outcome": _("Result"), "reason": _("Reason"), "reasons": _("Reasons"),
        "state": _("Standing"), "kind": _("Kind of agency"), "flags": _("Marked as"), "rule": _("Rule"), "witness": _("Witness"), "session": _("Session"),
        "other_session": _("Other session"), "object_kind": _("Object"), "days": _("Days"), "hours": _("Hours"), "minutes": _("Minutes"),
        "hours_before": _("Hours before"), "users": _("Members (number)"), "agencies": _("Agencies"), "entries": _("Entries"), "survivors": _("Survivors"),
        "usual": _("Usual for others"), "tries": _("Attempts"), "hits": _("Hits"), "searches": _("Searches"), "sessions": _("Sessions"), "switches": _("Changes"),
        "referrals": _("Referrals"), "opened": _("Opened"), "waiting": _("Waiting"), "explained": _("Explained"), "confirmed": _("Confirmed"), "closed": _("Closed"),
        "size": _("Size"), "compared": _("Compared"), "rows": _("Rows shown"), "opens": _("Opens"), "holds_key": _("Holds the key"), "cases": _("Cases"),
        "last_sign_in": _("Last sign-in"), "dormant": _("Dormant"), "remarks": _("Look at"),
    }  # fmt: skip


def states() -> dict[str, str]:
    """Return the standing of a row in words."""
    return {
        "reviewed": _("Reviewed"), "late": _("Reviewed late"), "same_person": _("Reviewed by the same person"), "overdue": _("Review overdue"), "waits": _("Waits for review"),
        "beyond_usual": _("More than usual was sent"), "not_needed": _("Shown, though the service does not need it"), "not_received": _("Sent, not received"), "not_sent": _("Received, not sent"), "no_basis": _("No consent named"), "withdrawn": _("After withdrawal"),
        "run": _("In a run"), "many_hits": _("Many hits"), "nothing_opened": _("Nothing opened"), "woke": _("Woke"), "never_used": _("Never used"),
        "dormant": _("Dormant"), "witnessed": _("Witnessed"), "signed": _("Signed"), "recorded": _("Recorded"), "continues": _("Continues what you saw"),
        "differs": _("Differs from what you saw"), "shorter": _("Shorter than what you saw"), "not_compared": _("Not compared: type size and root"),
        "cosigned": _("Cosigned"), "never_cosigned": _("Never cosigned"), "event": _("Recorded event"), "no_checkpoint": _("No checkpoint"),
        "not_witnessed": _("Witnessed late or not at all"), "backwards": _("Clock went back"),
    }  # fmt: skip


def rules() -> dict[str, str]:
    """Return what each rule looks for."""
    return {
        "R1": _("Nothing explains it"),
        "R2": _("Break-glass not reviewed within a day"),
        "R3": _("Outside working hours, and nobody on duty"),
        "R4": _("Many more survivors in a day than others open"),
        "R5": _("First opening of an agency's referral by somebody who does not handle it"),
        "R9": _("Opened after the end"),
        "R10": _("Access after leaving or suspension"),
        "R11": _("Ten searches in ten minutes and nothing opened"),
        "R12": _("Ten exports in an hour"),
        "R13": _("Two sessions at once"),
        "R14": _("Refused five times, then allowed"),
        "R15": _("Opened within an hour after a change of rights"),
        "R16": _("Five new viewers of one survivor in a day"),
        "R17": _("Her address opened outside a shelter"),
        "R18": _("The purpose does not fit"),
        "R19": _("Consent had been taken back"),
        "R20": _("The account woke after sixty days"),
        "R21": _("Content opened by an operator or a process"),
        "R22": _("Sent, and not received within a day"),
        "R23": _("Clock or checkpoint out of order"),
        "R24": _("A witness is late or refuses"),
    }


def bases() -> dict[str, str]:
    """Return what explains an entry, beyond the relation to a case."""
    return {
        "break_glass": _("break-glass"),
        "own_scope": _("list of the own work"),
        "own_account": _("own account"),
        "administration": _("administration"),
        "oversight": _("oversight"),
        "system": _("process of the system"),
        "refused": _("nothing was shown"),
        "none": _("nothing explains it"),
    }


def reach() -> dict[str, str]:
    """Return how far roles reach."""
    return {
        "all_cases": _("every case of the agency"),
        "own_case": _("cases assigned to them"),
        "granted": _("whatever was shared with the agency"),
        "granted_if_assigned": _("what was shared, if they handle it"),
        "granted_on_forensic_ver": _("requests for a medico-legal report"),
        "alerts": _("safety alerts only"),
        "safe_contact": _("safe contact"),
        "preview": _("previews"),
        "log": _("the log, without content"),
    }


def remarks() -> dict[str, str]:
    """Return what an access review should look at."""
    return {
        "key_without_role": _("holds the key without such a role"),
        "key_beside_administration": _("key and administration in one hand"),
        "key_unused": _("holds the key and has not signed in for long"),
        "work_lies": _("open work lies with somebody who does not come"),
    }


def member_states() -> dict[str, str]:
    """Return the states of a member."""
    return {"invited": _("Invited"), "waiting": _("Waiting for admission"), "active": _("Active"), "suspended": _("Suspended"), "left": _("Left")}


def finding_states() -> dict[str, str]:
    """Return the states of a finding."""
    return {
        "open": _("Open"), "assigned": _("Assigned"), "explained": _("Explained"), "confirmed": _("Confirmed"), "escalated": _("Escalated"), "closed": _("Closed"),
    }  # fmt: skip


def steps() -> dict[str, str]:
    """Return what was done at each step of a finding."""
    return {
        "open": _("Finding opened"), "assign": _("Assigned to somebody"), "explain": _("The agency explained"), "confirm": _("Confirmed"),
        "escalate": _("Escalated"), "close": _("Finding closed"),
    }  # fmt: skip


def verdicts() -> dict[str, str]:
    """Return how a finding may end."""
    return {"explained": _("Explained"), "improve": _("Needs improvement"), "escalated": _("Escalated")}
