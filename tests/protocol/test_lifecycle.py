"""The life of a referral: each rule by itself, then ten thousand random lives that keep every invariant."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from referral_hub import errors, protocol
from referral_hub.protocol.lifecycle import WORKED_OUT, Fired, Life, available, choices, replay, step

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
MET = dict.fromkeys(
    ("basis_stands", "not_blocked", "service_allowed", "two_person_rule", "no_conflict", "not_time_critical", "no_other_basis", "some_basis_left", "basis_over"),
    True,
)
INPUTS = {
    "case": "c1", "service": "mental_health", "recipient_agency": "klinik-teduh", "basis": "consent", "safe_contact_read": True,
    "recipient_confirmed": True, "handler": "m1", "first_contact_by": "sealed", "decline_reason": "duplicate", "outcome": "service_given",
    "milestone": "session_held", "question": "sealed", "answer": "sealed", "note": "sealed", "hand_back_note": "sealed",
    "interim_safety_plan": "sealed", "review_on": "2026-12-01", "appointment": "sealed", "attempts": 2, "safe_contact_respected": False,
    "target_agency": "lbh-pasundan", "new_basis": "b2", "withdrawal_record": "w1", "purge_statement": "nothing_kept", "agreed": False,
    "readiness": "ready", "clock": "ack", "escalation_step": "head", "sections": ["needs"],
}  # fmt: skip
LIFE = protocol.current().lifecycle


def inputs_for(event, **given):
    reasons = choices(event, "event_reason")
    outcomes = choices(event, "outcome")
    fitting = {"event_reason": reasons[0].code if reasons else "", "outcome": outcomes[0].code if outcomes else ""}
    return INPUTS | {name: code for name, code in fitting.items() if code} | given


SERVICE = {"police": "police_report", "health": "medical_exam", "psychosocial": "mental_health"}


def fire(life, event, *, side=None, now=NOW, guards=MET, **given):
    found = protocol.current().event(event)
    return step(life, event, side=side or min(found.by), inputs=inputs_for(event, **({"service": SERVICE[life.recipient_kind or "police"]} | given)), guards=guards, now=now)


def lived(*events, kind="psychosocial", now=NOW):
    life = Life(recipient_kind=kind)
    for event in events:
        life = fire(life, event, now=now)
    return life


ACCEPTED = ("create", "send", "open_preview", "accept")
STARTED = (*ACCEPTED, "start")


def refused(code, act):
    with pytest.raises(errors.RuleBroken) as broken:
        act()
    assert broken.value.code == code
    return broken.value


def test_the_plain_way_from_draft_to_the_end_of_access():
    life = lived("create")
    assert (life.state, life.grant, life.clock) == ("draft", "none", "")
    life = fire(life, "send", sections=["profile", "needs"])
    assert (life.state, life.grant, life.clock, life.clock_from, life.sent_at) == ("requested", "preview", "ack", NOW, NOW)
    assert life.sections == {"profile", "needs"}
    life = fire(life, "open_preview")
    assert (life.state, life.grant, life.flags) == ("received", "preview", {"ever_opened"})
    life = fire(life, "accept", now=NOW + timedelta(hours=1))
    assert (life.state, life.grant, life.clock) == ("accepted", "full", "first_service")
    assert life.flags == {"ever_opened", "ever_accepted"}
    life = fire(life, "start")
    assert (life.state, life.clock) == ("in-progress", "update_every")
    life = fire(life, "complete", now=NOW + timedelta(days=5))
    assert (life.state, life.business, life.grant, life.clock) == ("completed", "outcome", "read_only", "")
    assert life.window_until == NOW + timedelta(days=19)
    refused("guard_failed", lambda: fire(life, "access_ends", now=life.window_until - timedelta(seconds=1)))
    life = fire(life, "access_ends", now=life.window_until)
    assert (life.state, life.grant, life.window_until) == ("completed", "revoked", None)


def test_each_guard_refuses_with_its_own_code():
    codes = {
        "basis_stands": "no_consent", "not_blocked": "blocked_by_survivor", "service_allowed": "service_not_allowed", "two_person_rule": "second_signer_needed",
    }  # fmt: skip
    for guard, code in codes.items():
        broken = refused(code, lambda guard=guard: fire(lived("create"), "send", guards=MET | {guard: False}))
        assert broken.facts["guard"] == guard
    refused("conflict_of_interest", lambda: fire(lived("create", "send"), "open_preview", guards={}))
    refused("guard_failed", lambda: fire(replace(lived("create", "send"), flags=frozenset({"ever_opened"})), "recall"))
    refused("guard_failed", lambda: fire(lived("create", "send"), "recall", now=NOW + timedelta(minutes=10, seconds=1)))
    refused("guard_failed", lambda: fire(lived(*ACCEPTED), "un_accept", now=NOW + timedelta(hours=25)))
    refused("guard_failed", lambda: fire(lived(*STARTED, "complete"), "dispute", now=NOW + timedelta(days=15)))
    refused("guard_failed", lambda: fire(lived(*ACCEPTED), "waitlist", guards=MET | {"not_time_critical": False}))


def test_a_guard_that_is_worked_out_cannot_be_claimed():
    claimed = MET | dict.fromkeys(WORKED_OUT, True)
    refused("guard_failed", lambda: fire(lived("create", "send"), "recall", guards=claimed, now=NOW + timedelta(hours=1)))
    refused("guard_failed", lambda: fire(lived(*ACCEPTED), "request_interview", guards=claimed | {"kind_is_police": True}))
    assert {code for code, guard in LIFE.guards.items() if guard.worked_out} == set(WORKED_OUT)


def test_only_a_given_true_counts_as_met():
    for amiss in ({}, {"no_conflict": None}, {"no_conflict": 1}, {"no_conflict": "yes"}):
        refused("conflict_of_interest", lambda amiss=amiss: fire(lived("create", "send"), "claim", guards=amiss))


def test_the_wrong_side_and_the_wrong_state():
    refused("wrong_side", lambda: fire(lived("create", "send"), "accept", side="sender"))
    refused("wrong_side", lambda: fire(lived("create", "send"), "recall", side="recipient"))
    refused("wrong_state", lambda: fire(lived("create"), "accept"))
    refused("wrong_state", lambda: fire(lived("create"), "create"))
    refused("wrong_state", lambda: fire(Life(), "send"))
    refused("wrong_state", lambda: fire(lived(*ACCEPTED), "answer_interview"))
    with pytest.raises(errors.NotFound):
        step(Life(), "vanish", side="sender", inputs={}, guards={}, now=NOW)


def test_missing_and_unfit_inputs_are_named():
    with pytest.raises(errors.InputInvalid) as broken:
        fire(lived("create"), "send", safe_contact_read=False, basis="", recipient_confirmed="yes")
    assert broken.value.code == "missing_input"
    assert broken.value.fields == {"basis": ("required",), "safe_contact_read": ("required",), "recipient_confirmed": ("required",)}
    unfit = {
        ("withdraw", "event_reason"): [("correction", "not_for_event"), ("no_such", "not_a_code"), (None, "required"), (3, "not_a_code")],
        ("revise", "sections"): [(["soul"], "not_a_code"), ([], "required"), ("needs", "not_a_code"), ([["needs"]], "not_a_code")],
    }
    for (event, name), tries in unfit.items():
        for value, code in tries:
            with pytest.raises(errors.InputInvalid) as broken:
                fire(lived("create", "send"), event, **{name: value})
            assert broken.value.fields == {name: (code,)}, (event, value)
    for milestone, code in (("p21", "not_for_kind"), ("arrested", "not_a_code")):
        with pytest.raises(errors.InputInvalid) as broken:
            fire(lived(*STARTED), "progress", milestone=milestone)
        assert broken.value.fields == {"milestone": (code,)}
    with pytest.raises(errors.InputInvalid) as broken:
        fire(lived(*STARTED), "complete", outcome="no_show")
    assert broken.value.fields == {"outcome": ("not_for_event",)}
    with pytest.raises(errors.InputInvalid) as broken:
        fire(lived(*ACCEPTED, "request_transfer"), "answer_transfer", agreed="no")
    assert broken.value.fields == {"agreed": ("bad_type",)}


def test_declining_names_another_agency_where_the_reason_says_so():
    life = lived("create", "send")
    refused("redirect_needed", lambda: fire(life, "decline", decline_reason="no_capacity"))
    assert fire(life, "decline", decline_reason="no_capacity", redirect_agency="x").state == "rejected"
    assert fire(life, "decline", decline_reason="duplicate").grant == "revoked"
    with pytest.raises(errors.InputInvalid):
        fire(life, "decline", decline_reason="")


def test_keeping_after_a_withdrawal_needs_its_article():
    life = lived(*ACCEPTED, "consent_withdrawn")
    assert "purge_due" in life.flags
    with pytest.raises(errors.InputInvalid) as broken:
        fire(life, "confirm_purge", purge_statement="kept_by_law")
    assert broken.value.fields == {"law_article": ("required",)}
    assert fire(life, "confirm_purge", purge_statement="kept_by_law", law_article="x").flags == {"ever_opened", "ever_accepted"}
    assert "purge_due" not in fire(life, "confirm_purge").flags


@pytest.mark.parametrize("event", ["withdraw", "consent_withdrawn", "close_upstream", "mark_error"])
def test_nothing_is_due_for_deletion_where_nothing_was_opened(event):
    assert "purge_due" not in fire(lived("create", "send"), event).flags
    assert "purge_due" in fire(lived("create", "send", "open_preview"), event).flags


def test_asking_pauses_and_whatever_leaves_on_hold_resumes():
    life = fire(lived("create", "send", "open_preview"), "ask_information", now=NOW + timedelta(hours=1))
    assert (life.state, life.previous, life.paused_at) == ("on-hold", "received", NOW + timedelta(hours=1))
    answered = fire(life, "answer", now=NOW + timedelta(hours=4))
    assert (answered.state, answered.previous, answered.paused_at, answered.paused_for) == ("received", "", None, timedelta(hours=3))
    assert (answered.clock, answered.clock_from) == ("ack", NOW)
    again = fire(fire(answered, "ask_information", now=NOW + timedelta(hours=5)), "answer", now=NOW + timedelta(hours=7))
    assert again.paused_for == timedelta(hours=5)
    accepted = fire(life, "accept", now=NOW + timedelta(hours=6))
    assert (accepted.state, accepted.clock, accepted.paused_at, accepted.paused_for) == ("accepted", "first_service", None, timedelta())
    started = fire(lived(*STARTED), "ask_information", now=NOW + timedelta(days=1))
    assert started.previous == "in-progress"
    assert fire(started, "answer", now=NOW + timedelta(days=2)).paused_for == timedelta(days=1)


def test_waiting_keeps_the_clock_and_goes_back_to_accepted():
    life = lived(*ACCEPTED, "waitlist")
    assert (life.state, life.paused_at, life.flags) == ("on-hold", None, {"waitlisted", "ever_accepted", "ever_opened"})
    refused("wrong_state", lambda: fire(life, "answer"))
    refused("guard_failed", lambda: fire(life, "accept"))
    back = fire(life, "resume")
    assert (back.state, back.previous, "waitlisted" in back.flags) == ("accepted", "", False)


def test_a_pause_ends_with_on_hold_even_where_the_event_says_nothing_of_clocks():
    life = replace(lived(*ACCEPTED, "waitlist"), paused_at=NOW + timedelta(hours=1))
    back = fire(life, "resume", now=NOW + timedelta(hours=3))
    assert (back.state, back.paused_at, back.paused_for) == ("accepted", None, timedelta(hours=2))
    kept = fire(life, "propose_forward", now=NOW + timedelta(hours=3))
    assert (kept.state, kept.paused_at, kept.previous) == ("on-hold", life.paused_at, "accepted")


def test_the_first_end_is_the_end():
    done = fire(lived(*STARTED), "complete", now=NOW + timedelta(days=1))
    wrong = fire(done, "mark_error", now=NOW + timedelta(days=2))
    assert (wrong.state, wrong.ended_at, wrong.since, wrong.grant, wrong.window_until) == (
        "entered-in-error", NOW + timedelta(days=1), NOW + timedelta(days=2), "revoked", None,
    )  # fmt: skip


def test_accepting_by_mistake_goes_back_to_the_preview():
    life = fire(lived(*ACCEPTED), "un_accept", now=NOW + timedelta(hours=2))
    assert (life.state, life.grant, life.clock, life.clock_from, life.accepted_at) == ("received", "preview", "ack", NOW + timedelta(hours=2), None)
    assert life.flags == {"ever_opened"}
    assert fire(life, "accept").grant == "full"


def test_a_suspended_grant_is_restored_and_never_by_another_event():
    life = fire(lived("create", "send", "open_preview"), "basis_ended")
    assert (life.grant, life.restores, "basis_needed" in life.flags) == ("suspended", "preview", True)
    accepted = fire(life, "accept")
    assert (accepted.grant, accepted.restores) == ("suspended", "full")
    assert fire(accepted, "renew_basis").grant == "full"
    assert fire(fire(accepted, "un_accept"), "renew_basis").grant == "preview"
    done = fire(fire(accepted, "start"), "complete")
    assert (done.grant, done.restores, done.window_until) == ("revoked", "", None)
    untouched = fire(lived(*ACCEPTED), "renew_basis")
    assert (untouched.grant, untouched.restores) == ("full", "")


def test_seven_days_without_a_basis_end_the_grant_for_good():
    ended = NOW + timedelta(days=1)
    life = fire(lived(*STARTED), "basis_ended", now=ended)
    assert fire(life, "basis_ended", now=ended + timedelta(days=2)).basis_ended_at == ended
    refused("guard_failed", lambda: fire(life, "basis_lapsed", now=ended + timedelta(days=6)))
    lapsed = fire(life, "basis_lapsed", now=ended + timedelta(days=7))
    assert (lapsed.state, lapsed.grant, "purge_due" in lapsed.flags, lapsed.basis_ended_at) == ("in-progress", "revoked", True, None)
    assert fire(lapsed, "renew_basis").grant == "revoked"
    assert fire(lapsed, "complete").grant == "revoked"


def test_sections_widen_only_by_supplying_and_narrow_by_the_survivor():
    life = fire(lived("create"), "send", sections=["needs"])
    life = fire(fire(life, "accept"), "ask_sections", sections=["chronology"])
    assert life.sections == {"needs"}
    life = fire(life, "supply_sections", sections=["chronology", "incident"])
    assert life.sections == {"needs", "chronology", "incident"}
    life = fire(fire(life, "revise", sections=["needs", "tip"]), "consent_narrowed", sections=["incident"])
    assert life.sections == {"needs", "chronology"}


def test_what_a_page_may_offer():
    def offered(life, side, **given):
        return {event.code for event in available(life, side, **given)}

    assert offered(Life(), "sender") == {"create"}
    assert offered(lived("create"), "sender") == {"submit", "discard", "send", "close_upstream"}
    assert offered(lived("create"), "recipient") == set()
    sent = lived("create", "send")
    assert offered(sent, "recipient") == {"open_preview", "claim", "accept", "decline", "propose_forward"}
    assert "recall" in offered(sent, "sender", now=NOW)
    assert "recall" not in offered(sent, "sender", now=NOW + timedelta(minutes=11))
    assert "recall" in offered(sent, "sender")
    assert "recall" not in offered(lived("create", "send", "open_preview"), "sender", now=NOW)
    assert "request_interview" in offered(lived(*ACCEPTED, kind="police"), "recipient")
    assert "request_interview" not in offered(lived(*ACCEPTED), "recipient")
    assert "cannot_continue" not in offered(lived("create", "send", "open_preview", "ask_information"), "recipient")
    assert offered(lived(*STARTED, "complete"), "recipient") == set()
    assert offered(lived(*STARTED, "complete"), "clock") == {"access_ends"}
    assert offered(lived(*STARTED, "complete"), "clock", now=NOW) == set()


def test_choices_fit_event_and_kind():
    assert [item.code for item in choices("send_back", "event_reason")] == ["incomplete", "wrong_recipient", "too_much_data"]
    police = {item.code for item in choices("complete", "outcome", recipient_kind="police")}
    assert "lp_issued" in police
    assert not {"ver_done", "no_show"} & police
    assert len(choices("decline", "decline_reason")) == len(protocol.current().codelist("decline_reasons"))
    for event, name in (("vanish", "outcome"), ("send", "handler"), ("send", "no_such")):
        with pytest.raises(errors.NotFound):
            choices(event, name)


def test_replay_refuses_an_impossible_order():
    with pytest.raises(errors.RuleBroken):
        replay([Fired("create", NOW), Fired("accept", NOW)])
    assert replay([]) == Life()


SIDES = sorted(LIFE.sides)
ENDS = {code for code, state in LIFE.states.items() if state.terminal}


def random_life(dice, length):
    """Live on by chance, some lives from an accepted or started one. Yields what was fired, and the life before and after it."""
    life, now = Life(recipient_kind=dice.choice(["police", "health", "psychosocial"])), NOW
    events = list(LIFE.events.values())
    begins = [(min(LIFE.events[code].by), LIFE.events[code]) for code in dice.choice([(), ACCEPTED, STARTED])][::-1]
    for _ in range(length):
        now += timedelta(seconds=dice.choice([0, 60, 3600, 86400, 8 * 86400]))
        likely = [(side, event) for side in SIDES for event in available(life, side) if event.to not in ENDS or dice.random() < 0.2]
        side, event = begins.pop() if begins else dice.choice(likely) if likely and dice.random() < 0.9 else (dice.choice(SIDES), dice.choice(events))
        guards = {guard: dice.random() < 0.9 for guard in MET}
        inputs = inputs_for(event.code, service=SERVICE[life.recipient_kind], sections=dice.sample(["needs", "incident", "tip", "medical"], dice.randint(1, 3)))
        codes = choices(event.code, "outcome", recipient_kind=life.recipient_kind)
        inputs |= {"outcome": dice.choice(codes).code} if codes else {}
        try:
            after = step(life, event.code, side=side, inputs=inputs, guards=guards, now=now)
        except errors.RuleBroken:
            continue
        yield event, side, inputs, now, life, after
        life = after
        if life.state in ENDS and dice.random() < 0.4:
            return


def keeps_the_invariants(event, side, before, after, now):
    ended = before.state and LIFE.states[before.state].terminal
    assert side in event.by
    assert not ended or after.state == before.state or event.code == "mark_error"
    assert before.grant != "revoked" or after.grant == "revoked"
    if LIFE.states[after.state].terminal:
        assert after.grant in {"none", "revoked", "read_only"}
        assert (after.grant == "read_only") == (after.window_until is not None)
        assert after.clock == ""
    if after.grant == "read_only":
        assert after.state in LIFE.read_only_window
        assert after.window_until <= after.ended_at + timedelta(days=14)
    assert (after.grant == "suspended") == bool(after.restores)
    assert after.grant != "full" or "ever_accepted" in after.flags
    assert "purge_due" not in after.flags - before.flags or "ever_opened" in before.flags
    assert not after.sections - before.sections or event.code in {"send", "supply_sections"}
    assert before.grant != "suspended" or after.grant in {"suspended", "revoked"} or event.code == "renew_basis"
    assert (after.state == "on-hold") == bool(after.previous)
    assert after.paused_at is None or after.state == "on-hold"
    assert after.paused_for >= timedelta()
    assert after.flags <= LIFE.flags


def test_ten_thousand_random_lives_keep_every_invariant_and_replay_to_the_same_row():
    dice = random.Random(20261124)  # noqa: S311 - chance for a test
    passed, seen, states = 0, set(), set()
    for _ in range(10_000):
        fired, last, kind = [], Life(), ""
        for event, side, inputs, now, before, after in random_life(dice, 12):
            keeps_the_invariants(event, side, before, after, now)
            fired.append(Fired(event.code, now, {"sections": inputs["sections"]}))
            last, kind, passed = after, after.recipient_kind, passed + 1
            seen.add(event.code)
            states.add(after.state)
        assert replay(fired, start=Life(recipient_kind=kind)) == last
    assert passed > 50_000
    assert seen == set(LIFE.events)
    assert states == set(LIFE.states)
