"""The rules that run over every new entry: what each concerns, what else it needs to know, when it is met. Pure.

`concerns` reads the entry alone and keeps most entries away; `meets` decides from the entry and what was found out around it
(`Around`). A rule that waits (`after`) looks at an entry once it is that old. Numbers are the network's to change, here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from referral_hub.protocol import deadlines
from referral_hub.review.rules import kinds
from referral_hub.review.rules.explain import needs_explanation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from referral_hub.audit import Entry

AT_ONCE, DAY = "at_once", "day"  # paces: each has its own cursor
PACES: Final = {AT_ONCE: timedelta(0), DAY: timedelta(hours=24)}

PEERS_AT_LEAST = 20
READ_ON = timedelta(days=30)
TRAWL, TRAWL_WITHIN = 10, timedelta(minutes=10)
BURST, BURST_WITHIN = 10, timedelta(hours=1)
TWO_PLACES_WITHIN = timedelta(minutes=10)
DENIALS, DENIALS_WITHIN = 5, timedelta(minutes=10)
GRANT_WITHIN = timedelta(hours=1)
VIEWERS, VIEWERS_WITHIN = 5, timedelta(hours=24)
DORMANT = timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class Around:
    """What was found out around an entry. Each rule reads what it names; the rest stays at its neutral value."""

    calendar: deadlines.Calendar | None = None  # working hours of the actor's agency, in the actor's zone; None where unknown
    just_before: bool = False  # the actor opened something in the hour before: one hit is enough for an evening
    on_duty: bool = False  # agency on call by day and night, or the actor holds a duty post
    urgent: bool = False  # the referral cannot wait
    survivors: int = 0  # different survivors whose content the actor opened within a day, counted when one is added; else 0
    usual: int = 0  # the 99th percentile of that over the other members' days
    first_of_sender: bool = False  # never before opened anything from this sending agency
    answers_for: bool = False  # the actor handles, claimed or accepted this referral
    ended_at: datetime | None = None
    ended_by: str = ""
    left_at: datetime | None = None
    searches: int = 0  # within ten minutes, with this one
    opened_between: bool = False
    exports: int = 0  # within an hour, with this one
    sessions: tuple[str, ...] = ()  # session digests of the actor's entries just before, newest first
    denials: int = 0  # refusals just before, since the actor last opened something
    granted_at: datetime | None = None  # a right or a reset just before, and nothing opened since
    viewers: int = 0  # members who opened something of hers for the first time within a day, counted at such a first time; else 0
    agency_kind: str = ""
    purpose_kinds: frozenset[str] | None = None  # kinds of agency that a purpose fits; None: any
    purpose_opens: bool = True  # content may be opened under the purpose
    consent_withdrawn_at: datetime | None = None
    seen_before: datetime | None = None
    reviewed: bool = False
    received: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule: its code, at which pace it runs, which entries it concerns, and when it is met."""

    code: str
    concerns: Callable[[Entry], bool]
    meets: Callable[[Entry, Around], bool]
    needs: frozenset[str] = frozenset()  # the fields of `Around` that it reads
    pace: str = AT_ONCE


def _opened(entry: Entry) -> bool:
    return entry.outcome == "allow" and entry.action in kinds.OPENINGS


def _by_member(entry: Entry) -> bool:
    return _opened(entry) and entry.actor_id is not None


def _at_recipient(entry: Entry) -> bool:
    return _by_member(entry) and entry.basis == "recipient" and entry.referral_id is not None


def _of_referral(entry: Entry) -> bool:
    return _by_member(entry) and (entry.referral_id is not None or entry.object_kind == "case")


def _did(*actions: str) -> Callable[[Entry], bool]:
    return lambda entry: entry.action in actions and entry.outcome == "allow"


def _happened(*actions: str) -> Callable[[Entry], bool]:
    return lambda entry: entry.action in actions


def _always(_entry: Entry, _around: Around) -> bool:
    return True


def outside_hours(entry: Entry, around: Around) -> bool:
    """R3: outside the working hours of the actor's agency, in the actor's zone, and nobody on duty or in a hurry explains it."""
    outside = around.calendar is not None and not deadlines.is_open(around.calendar, entry.occurred_at)
    return outside and not (around.on_duty or around.urgent or around.just_before)


def over_peers(_entry: Entry, around: Around) -> bool:
    """R4: with this survivor, more in a day than 99 of 100 days of the others, and at least 20. Met once, when the line is crossed."""
    return around.survivors == max(PEERS_AT_LEAST, around.usual + 1)


def after_end(entry: Entry, around: Around) -> bool:
    """R9: opened after the referral was refused or taken back, or more than 30 days after it was completed or the file was closed.

    Who stays on the home side reads on what a referral left, but not a file that was closed.
    """
    if around.ended_at is None or (entry.basis == "assigned" and around.ended_by != kinds.CLOSED):
        return False
    allowance = READ_ON if around.ended_by in kinds.COMPLETED else timedelta(0)
    return entry.occurred_at - around.ended_at > allowance


def two_places(entry: Entry, around: Around) -> bool:
    """R13: one session, another, and the first again within ten minutes."""
    before = around.sessions
    return bool(before) and before[0] != entry.session_digest and entry.session_digest in before


def reads_a_place(entry: Entry) -> bool:
    """Return whether an entry shows where she is: such a field by name, or such a section."""
    return bool(set(entry.fields) & set(kinds.PLACE_FIELDS)) or (not entry.fields and bool(set(entry.sections) & set(kinds.PLACE_SECTIONS)))


def does_not_fit(_entry: Entry, around: Around) -> bool:
    """R18: a purpose that this kind of agency does not have, or under which nothing may be opened."""
    fits = around.purpose_kinds is None or around.agency_kind in around.purpose_kinds
    return not (fits and around.purpose_opens)


RULES: Final = (
    Rule("R1", needs_explanation, _always),
    Rule("R2", _did("break_glass.open"), lambda _, a: not a.reviewed, frozenset({"reviewed"}), DAY),
    Rule("R3", _by_member, outside_hours, frozenset({"calendar", "just_before", "on_duty", "urgent"})),
    Rule("R4", _by_member, over_peers, frozenset({"survivors", "usual"})),
    Rule("R5", _at_recipient, lambda _, a: a.first_of_sender and not a.answers_for, frozenset({"first_of_sender", "answers_for"})),
    Rule("R9", _of_referral, after_end, frozenset({"ended_at"})),
    Rule("R10", lambda e: e.outcome == "allow" and e.actor_id is not None, lambda _, a: a.left_at is not None, frozenset({"left_at"})),
    Rule("R11", _did(*kinds.SEARCHES), lambda _, a: a.searches > 0 and a.searches % TRAWL == 0 and not a.opened_between, frozenset({"searches"})),
    Rule("R12", _did(*kinds.EXPORTS), lambda _, a: a.exports > 0 and a.exports % BURST == 0, frozenset({"exports"})),
    Rule("R13", lambda e: e.actor_id is not None and bool(e.session_digest), two_places, frozenset({"sessions"})),
    Rule("R14", _by_member, lambda _, a: a.denials >= DENIALS, frozenset({"denials"})),
    Rule("R15", _by_member, lambda _, a: a.granted_at is not None, frozenset({"granted_at"})),
    Rule("R16", lambda e: _by_member(e) and bool(e.subjects), lambda _, a: a.viewers >= VIEWERS, frozenset({"viewers"})),
    Rule("R17", lambda e: _at_recipient(e) and bool(set(e.fields) & set(kinds.PLACE_FIELDS)), lambda _, a: a.agency_kind != "shelter", frozenset({"agency_kind"})),
    Rule("R18", _at_recipient, does_not_fit, frozenset({"agency_kind", "purpose_kinds"})),
    Rule("R19", _by_member, lambda _, a: a.consent_withdrawn_at is not None, frozenset({"consent_withdrawn_at"})),
    Rule("R20", _did("session.sign_in"), lambda e, a: a.seen_before is not None and e.occurred_at - a.seen_before > DORMANT, frozenset({"seen_before"})),
    Rule("R21", lambda e: _opened(e) and e.actor_kind != "member", _always),
    Rule("R22", lambda e: e.recipient_agency is not None and e.manifest_digest is not None and e.outcome == "allow", lambda _, a: not a.received, frozenset({"received"}), DAY),
    Rule("R23", _happened("checkpoint.fork_refused", "checkpoint.gap", "clockwork.jump"), _always),
    Rule("R24", _happened("checkpoint.witness_late", "checkpoint.witness_refused"), _always),
)  # fmt: skip
CODES: Final = tuple(rule.code for rule in RULES)


def of_pace(pace: str) -> tuple[Rule, ...]:
    """Return the rules of a pace."""
    return tuple(rule for rule in RULES if rule.pace == pace)


def concerned(entry: Entry, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules that concern `entry`."""
    return tuple(rule for rule in rules if rule.concerns(entry))


