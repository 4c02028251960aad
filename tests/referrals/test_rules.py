"""Rules of a referral, without a database."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from referral_hub import errors, protocol
from referral_hub.referrals import records, rules
from tests.referrals.story import DAY, HOUR, NOW

LIVE = {"preview": "live", "full": "suspended"}


@dataclass
class Row:
    state: str = "draft"
    flags: frozenset = frozenset()
    urgency: str = "normal"
    sent_at: object = None
    accepted_at: object = None
    started_at: object = None
    ended_at: object = None
    respond_by: object = None
    first_service_by: object = None
    update_by: object = None
    extra: dict = field(default_factory=dict)


def test_every_event_of_the_lifecycle_is_built_or_refused_by_its_own_code():
    for code in protocol.current().lifecycle.events:
        if code not in rules.BUILT:
            refusal = rules.later_event(code)
            assert (refusal.code, refusal.facts["event"]) == ("not_built", code)
    assert set(rules.BUILT) <= set(protocol.current().lifecycle.events)
    with pytest.raises(errors.NotFound):
        rules.later_event("teleport")


@pytest.mark.parametrize(
    ("state", "standings", "grant"),
    [
        ("requested", LIVE, "preview"),
        ("accepted", {"preview": "live", "full": "live"}, "full"),
        ("completed", {"preview": "read_only", "full": "read_only"}, "read_only"),
        ("rejected", {"preview": "revoked", "full": "revoked"}, "revoked"),
        ("in-progress", {"preview": "suspended", "full": "suspended"}, "suspended"),
        ("requested", {}, "revoked"),
    ],
)
def test_the_recipients_grant_follows_its_standings(state, standings, grant):
    assert rules.lifecycle_grant(state=state, sent=True, standings=standings) == grant
    assert rules.lifecycle_grant(state=state, sent=False, standings={}) == "none"


def test_a_state_that_ends_access_wins_over_a_standing_read_too_early():
    stale = {"preview": "live", "full": "live"}
    for state in ("rejected", "cancelled", "entered-in-error"):
        assert rules.grant_fact(state=state, ended_at=NOW, sent=True, standings=stale, now=NOW) == "revoked"


def test_the_read_only_window_closes_by_itself():
    def grant(after):
        standings = {"preview": "read_only", "full": "read_only"}
        return rules.grant_fact(state="completed", ended_at=NOW, sent=True, standings=standings, now=NOW + after)

    assert rules.read_until("completed", NOW) == NOW + 14 * DAY
    assert rules.read_until("failed", NOW) == NOW + 3 * DAY
    assert rules.read_until("rejected", NOW) is None
    assert grant(14 * DAY - timedelta(microseconds=1)) == "read_only"
    assert grant(14 * DAY) == "revoked"


@pytest.mark.parametrize(
    ("state", "ended", "standing", "event"),
    [
        ("draft", None, "", "consent_withdrawn"),
        ("requested", None, "live", "consent_withdrawn"),
        ("in-progress", None, "live", "consent_withdrawn"),
        ("completed", NOW, "read_only", "access_withdrawn"),
        ("completed", NOW - 14 * DAY, "read_only", ""),
        ("completed", NOW, "revoked", ""),
        ("cancelled", NOW, "live", ""),
        ("rejected", NOW, "revoked", ""),
    ],
)
def test_which_event_ends_a_referral_when_its_consent_goes(state, ended, standing, event):
    standings = {"full": standing, "preview": standing}
    assert rules.event_of_withdrawal(state, ended_at=ended, standings=standings, now=NOW) == event


def test_a_recipient_is_confirmed_by_typing_the_first_time_and_always_for_police():
    assert rules.confirmation_needed(first_time=True, recipient_kind="legal")
    assert rules.confirmation_needed(first_time=False, recipient_kind="police")
    assert not rules.confirmation_needed(first_time=False, recipient_kind="legal")
    assert rules.confirm_recipient(typed="", code="lbh", needed=False)
    assert rules.confirm_recipient(typed=" lbh ", code="lbh", needed=True)
    for typed, code in (("", "required"), ("  ", "required"), ("LBB", "code_mismatch"), ("LBH-2", "code_mismatch")):
        with pytest.raises(errors.InputInvalid) as refused:
            rules.confirm_recipient(typed=typed, code="lbh", needed=True)
        assert refused.value.fields == {"recipient_code": (code,)}


def test_ticks_of_check_and_send():
    rules.check_ticks(urgency="normal", safe_contact_read=True, phoned=False)
    rules.check_ticks(urgency="emergency", safe_contact_read=True, phoned=True)
    with pytest.raises(errors.InputInvalid) as refused:
        rules.check_ticks(urgency="emergency", safe_contact_read=False, phoned=False)
    assert set(refused.value.fields) == {"safe_contact_read", "phoned"}


def test_a_blocked_agency_is_known_by_code_id_or_kind():
    agency = {"agency_code": "lbh", "agency_id": uuid.UUID(int=9), "kind": "legal"}
    assert rules.is_blocked({"blocked_agencies": ["lbh"]}, **agency)
    assert rules.is_blocked({"blocked_agencies": [str(uuid.UUID(int=9))]}, **agency)
    assert rules.is_blocked({"blocked_kinds": ["police", "legal"]}, **agency)
    assert not rules.is_blocked({"blocked_agencies": ["uptd"], "blocked_kinds": ["police"]}, **agency)
    assert not rules.is_blocked({"blocked_people": "lbh"}, **agency)


@pytest.mark.parametrize(
    ("row", "side", "awaited"),
    [
        (Row("draft"), "sender", "send"),
        (Row("requested"), "recipient", "accept"),
        (Row("received"), "sender", "accept"),
        (Row("accepted"), "recipient", "start"),
        (Row("in-progress"), "recipient", "update"),
        (Row("in-progress", frozenset({"sections_requested"})), "sender", "answer"),
        (Row("rejected", ended_at=NOW - DAY), "sender", "choose_other"),
        (Row("rejected", ended_at=NOW - DAY), "recipient", ""),
        (Row("rejected", ended_at=NOW - 7 * DAY), "sender", ""),
        (Row("cancelled", frozenset({"purge_due"}), ended_at=NOW - DAY), "recipient", "confirm_purge"),
        (Row("cancelled", frozenset({"purge_due"}), ended_at=NOW - DAY), "sender", ""),
        (Row("completed", ended_at=NOW), "recipient", ""),
    ],
)
def test_what_a_work_list_says_is_awaited(row, side, awaited):
    assert rules.awaited(row, side=side, now=NOW) == awaited


def test_whose_turn_it_is():
    assert rules.needs("accept", side="recipient")
    assert not rules.needs("accept", side="sender")
    assert rules.needs("choose_other", side="sender")
    assert not rules.needs("", side="sender")


def test_clocks_are_calm_soon_late_and_done():
    def ack(now, **row):
        sent = Row("requested", sent_at=NOW, respond_by=NOW + 4 * DAY)
        for name, value in row.items():
            setattr(sent, name, value)
        return rules.clocks(sent, updated_at=None, now=now)[0]

    assert ack(NOW + DAY).state == "calm"
    assert ack(NOW + 3 * DAY).state == "soon"
    assert ack(NOW + 4 * DAY).state == "soon"
    assert ack(NOW + 4 * DAY + HOUR).state == "late"
    done = ack(NOW + DAY, state="accepted", accepted_at=NOW + HOUR)
    assert (done.state, done.met_at) == ("done", NOW + HOUR)
    assert ack(NOW + DAY, state="on-hold").state == "paused"


def test_four_hours_are_soon_however_long_the_span():
    assert rules.clock_state(NOW + 4 * HOUR, since=NOW - 100 * DAY, now=NOW) == "soon"
    assert rules.clock_state(NOW + 5 * HOUR, since=NOW, now=NOW + HOUR) == "soon"
    assert rules.clock_state(NOW + 5 * HOUR, since=NOW, now=NOW) == "calm"


def test_the_window_of_a_completed_referral_is_a_clock():
    row = Row("completed", sent_at=NOW, respond_by=NOW + DAY, accepted_at=NOW, started_at=NOW, ended_at=NOW, update_by=NOW + DAY)
    shown = rules.clocks(row, updated_at=None, now=NOW + 13 * DAY)
    assert [(c.kind, c.state) for c in shown] == [("ack", "done"), ("update", "done"), ("read_only", "soon")]


def test_a_note_has_no_outer_blanks_and_an_end():
    assert rules.checked_note("  ya ") == "ya"
    assert len(rules.checked_note("x" * 2000)) == 2000
    with pytest.raises(errors.InputInvalid):
        rules.checked_note("x" * 2001)


def test_a_milestone_is_reported_once_unless_it_may_repeat():
    rules.check_milestone("session_held", reached=["session_held"])
    rules.check_milestone("poa_signed", reached=[])
    rules.check_milestone("unknown", reached=["unknown"])  # the lifecycle names what is no code
    with pytest.raises(errors.InputInvalid):
        rules.check_milestone("poa_signed", reached=["poa_signed"])


def test_the_index_of_what_waits_for_the_sender_names_the_same_flags():
    assert frozenset(records.SENDERS_TURN) == rules.SENDERS_TURN
