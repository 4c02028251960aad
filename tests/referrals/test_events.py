"""The events around the thread: questions, appointments, waiting, giving back, ending by agreement, disputes and deletions.

Each is fired by the side that may, refused to the other, leaves one entry and its words sealed for both agencies.
"""

from datetime import date, timedelta

import pytest

from referral_hub import errors
from tests.referrals.story import DAY, HOUR, MINUTE, NOW

SECRET = "Apakah ia aman malam ini?"


def texts(story, person, after):
    return [(n.event, n.text) for n in story.at(person, after).read("notes").notes]


# --- a second person -----------------------------------------------------------------------------------------------------


@pytest.fixture
def extreme(story):
    """A draft about a survivor at extreme risk: nobody sends it alone."""
    case = story.open_file()
    story.draft(case=case)
    story.agree()
    story.session.connection().exec_driver_sql("UPDATE case_file SET second_person_needed = true WHERE id = %s", (case.id,))
    story.session.commit()
    return story


def test_extreme_risk_is_sent_by_a_second_person(network, extreme):
    story, sari = extreme, extreme.sari
    lead = network.member(story.uptd, "case_lead")
    assert story.refused(sari, "referral.send", story.send).code == "second_signer_needed"
    check = story.at(sari).ask("check", referral_id=story.id)
    assert (check.second_person_needed, check.awaiting, "submit" in check.acts) == (True, False, True)
    submitted = story.at(sari).on("submit")
    assert (submitted.state, submitted.business, submitted.flags) == ("draft", "awaiting-approval", frozenset({"awaiting_approval"}))
    assert story.refused(sari, "referral.send", story.send).code == "second_signer_needed"
    (card,) = story.at(lead).ask("work_list").needs_you
    assert card.awaited == "approve"
    mine = story.at(sari).ask("work_list")
    assert (mine.needs_you, [line.awaited for line in mine.waiting]) == ((), ["approval"])
    assert not story.at(lead).ask("check", referral_id=story.id).second_person_needed
    sent = story.at(lead).on("send", safe_contact_read=True, recipient_code="lbh", phoned=True)
    assert (sent.state, sent.flags) == ("requested", frozenset())
    assert [e.side for e in story.events()] == ["sender", "sender", "sender_supervisor"]
    assert [e.code for e in story.at(story.santi, HOUR).detail().history] == ["send"]
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert story.at(story.santi, HOUR).section("identity").fields


def test_the_supervisor_sends_it_back(network, extreme):
    story = extreme
    lead = network.member(story.uptd, "case_lead")
    story.at(story.sari).on("submit")
    assert story.refused(story.sari, "referral.send_back", lambda: story.at(story.sari).on("send_back", reason="incomplete")).code == "role_lacks_ability"
    failure = story.refused(lead, "referral.send_back", lambda: story.at(lead).on("send_back", reason="duplicate"))
    assert failure.fields == {"event_reason": ("not_for_event",)}
    back = story.at(lead).on("send_back", reason="incomplete")
    assert (back.state, back.flags, back.event_reason) == ("draft", frozenset(), "incomplete")
    assert [line.awaited for line in story.at(story.sari).ask("work_list").needs_you] == ["sent_back"]
    assert story.refused(lead, "referral.send_back", lambda: story.at(lead).on("send_back", reason="incomplete")).code == "wrong_state"


def test_whoever_submits_does_not_approve(network, story):
    story.sari = lead = network.member(story.uptd, "case_lead")
    case = story.open_file()
    story.draft(case=case)
    story.agree()
    story.session.connection().exec_driver_sql("UPDATE case_file SET second_person_needed = true WHERE id = %s", (case.id,))
    story.session.commit()
    story.at(lead).on("submit")
    assert story.refused(lead, "referral.send", story.send).code == "second_signer_needed"
    back = lambda: story.at(lead).on("send_back", reason="incomplete")  # noqa: E731
    assert story.refused(lead, "referral.send_back", back).code in {"second_signer_needed", "not_found"}


def test_nothing_is_submitted_without_consent(story):
    story.draft()
    assert story.refused(story.sari, "referral.submit", lambda: story.at(story.sari).on("submit")).code == "no_consent"


# --- questions -----------------------------------------------------------------------------------------------------------


def test_a_question_from_the_preview_stops_the_clock(story):
    opened = story.opened()
    asked = story.at(story.santi, 2 * HOUR).on("ask_information", question=SECRET)
    assert (asked.state, asked.previous_state, asked.flags) == ("on-hold", "received", {"ever_opened", "info_requested"})
    assert asked.due_at == NOW + 2 * HOUR + 3 * DAY
    (card,) = story.at(story.sari, 3 * HOUR).ask("work_list").needs_you
    assert card.awaited == "answer"
    assert [c.state for c in story.at(story.santi, 3 * HOUR).detail().clocks] == ["paused"]
    assert texts(story, story.sari, 3 * HOUR) == [("ask_information", SECRET)]
    assert story.refused(story.santi, "referral.answer", lambda: story.at(story.santi, DAY).on("answer", answer="Ya.")).code == "wrong_side"
    answered = story.at(story.sari, DAY).on("answer", answer="Ya, aman.")
    assert (answered.state, answered.flags, answered.paused_at) == ("received", {"ever_opened"}, None)
    assert answered.respond_by == opened.respond_by + DAY - 2 * HOUR == answered.due_at
    assert answered.paused_for == 22 * 3600
    assert answered.received_at == opened.received_at
    assert texts(story, story.santi, DAY) == [("ask_information", SECRET), ("answer", "Ya, aman.")]
    assert all(SECRET not in str(e.inputs) for e in story.events())


def test_a_question_during_the_service_goes_back_to_it(story):
    started = story.started()
    story.at(story.santi, 2 * DAY).on("ask_information", question=SECRET)
    answered = story.at(story.sari, 3 * DAY).on("answer", answer="Ya.")
    assert (answered.state, answered.started_at, answered.update_by) == ("in-progress", started.started_at, started.update_by + DAY)
    assert story.refused(story.sari, "referral.answer", lambda: story.at(story.sari, 3 * DAY).on("answer", answer="Lagi.")).code == "wrong_state"


def test_it_may_be_accepted_while_the_answer_is_awaited(story):
    story.opened()
    story.at(story.santi, 2 * HOUR).on("ask_information", question=SECRET)
    accepted = story.at(story.santi, 3 * HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert (accepted.state, accepted.flags, accepted.paused_at) == ("accepted", {"ever_opened", "ever_accepted"}, None)
    assert accepted.due_at == NOW + DAY


@pytest.mark.parametrize(("question", "code"), [(" ", "required"), ("x" * 2001, "too_long")])
def test_a_question_has_words(story, question, code):
    story.opened()
    failure = story.refused(
        story.santi, "referral.ask_information", lambda: story.at(story.santi, 2 * HOUR).on("ask_information", question=question)
    )
    assert failure.fields == {"question": (code,)}


# --- arranging the service -----------------------------------------------------------------------------------------------


def test_the_time_of_an_appointment_is_sealed(story):
    story.accepted()
    when = NOW + 3 * DAY
    row = story.at(story.santi, 3 * HOUR).on("schedule", appointment=when, note="Di kantor.")
    assert (row.state, row.has_appointment) == ("accepted", True)
    assert story.events()[-1].inputs == {"appointment": True, "note": True}
    (note,) = story.at(story.sari, DAY).read("notes").notes
    assert (note.appointment, note.text) == (when, "Di kantor.")
    failure = story.refused(story.santi, "referral.schedule", lambda: story.at(story.santi, DAY).on("schedule", appointment=NOW))
    assert failure.fields == {"appointment": ("in_past",)}
    missed = story.at(story.santi, 4 * DAY).on("no_show", attempts=2, safe_contact_respected=True)
    assert (missed.state, missed.has_appointment) == ("accepted", False)
    assert story.events()[-1].inputs == {"attempts": 2, "safe_contact_respected": True}


@pytest.mark.parametrize(
    ("inputs", "fields"),
    [
        ({"attempts": 0, "safe_contact_respected": True}, {"attempts": ("too_small",)}),
        ({"attempts": 100, "safe_contact_respected": True}, {"attempts": ("too_large",)}),
        ({"attempts": 1, "safe_contact_respected": None}, {"safe_contact_respected": ("required",)}),
    ],
)
def test_who_did_not_come_was_reached_for_in_a_safe_way(story, inputs, fields):
    story.accepted()
    failure = story.refused(story.santi, "referral.no_show", lambda: story.at(story.santi, DAY).on("no_show", **inputs))
    assert failure.fields == fields


def test_a_waiting_list_stops_no_clock(story):
    accepted = story.accepted()
    waiting = story.at(story.santi, 3 * HOUR).on("waitlist", review_on=date(2026, 11, 9), interim_safety_plan="Tinggal di rumah bibi.")
    assert (waiting.state, waiting.review_on, waiting.due_at, waiting.paused_at) == ("on-hold", date(2026, 11, 9), accepted.due_at, None)
    assert [line.awaited for line in story.at(story.santi, DAY).ask("work_list").needs_you] == ["resume"]
    assert [line.awaited for line in story.at(story.sari, DAY).ask("work_list").waiting] == ["resume"]
    assert [c.state for c in story.at(story.sari, 3 * HOUR).detail().clocks][1] != "paused"
    resumed = story.at(story.santi, DAY).on("resume")
    assert (resumed.state, resumed.review_on, resumed.accepted_at, resumed.flags) == (
        "accepted", None, accepted.accepted_at, {"ever_opened", "ever_accepted"},
    )  # fmt: skip
    assert texts(story, story.sari, DAY) == [("waitlist", "Tinggal di rumah bibi.")]


def test_what_is_urgent_waits_on_no_list(story):
    story.accepted(urgency="urgent")
    assert "waitlist" not in story.at(story.santi, 3 * HOUR).detail().acts
    act = lambda: story.at(story.santi, 3 * HOUR).on("waitlist", review_on=date(2026, 11, 9), interim_safety_plan="x")  # noqa: E731
    failure = story.refused(story.santi, "referral.waitlist", act)
    assert (failure.code, failure.facts["guard"]) == ("guard_failed", "not_time_critical")


def test_an_acceptance_is_given_back_within_a_day(network, story):
    other = network.member(story.lbh, "lawyer")
    story.accepted()
    assert story.at(story.santi, 3 * HOUR).section("identity").fields
    back = story.at(story.santi, 4 * HOUR).on("un_accept", reason="conflict_found", note="Saya mengenalnya.")
    assert (back.state, back.accepted_at, back.first_service_by, back.handler) == ("received", None, None, None)
    assert back.flags == {"ever_opened"}
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, 5 * HOUR).section("identity")).code == "section_not_granted"
    assert story.at(other, 5 * HOUR).read("preview_page").sections
    again = story.at(other, 6 * HOUR).on("accept", handler=other.id, first_contact_by=NOW + DAY)
    assert (again.state, again.accepted_at) == ("accepted", NOW + 6 * HOUR)
    assert story.at(other, 7 * HOUR).section("identity").fields


def test_after_a_day_an_acceptance_stands(story):
    story.accepted()
    late = lambda: story.at(story.santi, 26 * HOUR + MINUTE).on("un_accept", reason="accepted_by_mistake")  # noqa: E731
    failure = story.refused(story.santi, "referral.un_accept", late)
    assert (failure.code, failure.facts["guard"]) == ("guard_failed", "within_24_hours")


def test_what_cannot_go_on_is_handed_back(story):
    story.started()
    ended = story.at(story.santi, 2 * DAY).on("cannot_continue", outcome="lost_contact", hand_back_note="Nomornya mati.")
    assert (ended.state, ended.outcome) == ("failed", "lost_contact")
    assert story.at(story.santi, 4 * DAY).section("identity").fields
    assert texts(story, story.sari, 3 * DAY) == [("cannot_continue", "Nomornya mati.")]
    over = lambda: story.at(story.santi, 5 * DAY + MINUTE).section("identity")  # noqa: E731
    assert story.refused(story.santi, "section.read", over).code == "access_ended"
    notes = lambda: story.at(story.santi, 5 * DAY + MINUTE).read("notes")  # noqa: E731
    assert story.refused(story.santi, "message.read", notes).code == "access_ended"


# --- ends ----------------------------------------------------------------------------------------------------------------


def test_a_running_service_ends_by_agreement(story):
    story.started()
    asked = story.at(story.sari, 2 * DAY).on("request_cancel", reason="need_gone")
    assert (asked.state, "cancel_requested" in asked.flags) == ("in-progress", True)
    assert [line.awaited for line in story.at(story.santi, 2 * DAY).ask("work_list").needs_you] == ["confirm_cancel"]
    ended = story.at(story.santi, 3 * DAY).on("confirm_cancel", hand_back_note="Berkas dikembalikan.")
    assert (ended.state, ended.flags) == ("cancelled", {"ever_opened", "ever_accepted", "purge_due"})
    assert story.refused(story.santi, "message.read", lambda: story.at(story.santi, 4 * DAY).read("notes")).code == "access_ended"
    assert texts(story, story.sari, 4 * DAY) == [("confirm_cancel", "Berkas dikembalikan.")]


def test_copies_are_accounted_for(story):
    story.accepted()
    story.at(story.sari, DAY).on("withdraw", reason="need_gone")
    by_law = {"purge_statement": "kept_by_law"}
    failure = story.refused(story.santi, "referral.confirm_purge", lambda: story.at(story.santi, 2 * DAY).on("confirm_purge", **by_law))
    assert failure.fields == {"law_article": ("required",)}
    done = story.at(story.santi, 2 * DAY).on("confirm_purge", law_article="UU 17/2023 pasal 296", **by_law)
    assert ("purge_due" in done.flags, done.state) == (False, "cancelled")
    assert story.events()[-1].inputs == {"purge_statement": "kept_by_law", "law_article": True, "note": True}
    assert texts(story, story.sari, 3 * DAY) == [("confirm_purge", "UU 17/2023 pasal 296")]
    again = lambda: story.at(story.santi, 3 * DAY).on("confirm_purge", purge_statement="destroyed")  # noqa: E731
    assert story.refused(story.santi, "referral.confirm_purge", again).code == "wrong_state"
    live = "SELECT count(*) FROM release r JOIN sealed_grant g ON g.id = r.grant_id WHERE g.object_id = %s AND g.agency_id = %s"
    assert story.session.connection().exec_driver_sql(live, (story.id, story.lbh.id)).scalar() == 0


@pytest.mark.parametrize("stage", ["draft", "sent", "accepted", "started"])
def test_a_case_that_closes_ends_its_referrals(story, stage):
    getattr(story, stage)()
    ended = story.at(story.sari, 2 * DAY).on("close_upstream", reason="case_closed")
    assert (ended.state, ended.business, ended.event_reason) == ("cancelled", "closed-upstream", "case_closed")
    assert ("purge_due" in ended.flags) == (stage in {"accepted", "started"})
    if stage == "draft":
        with pytest.raises(errors.NotFound):
            story.at(story.sari, 2 * DAY).read("draft", parts=("needs",))
    else:
        assert story.at(story.santi, 2 * DAY).detail().grant == "revoked"


@pytest.mark.parametrize("stage", ["draft", "sent", "started", "completed"])
def test_only_a_supervisor_marks_an_error(network, story, stage):
    getattr(story, stage)()
    lead = network.member(story.uptd, "case_lead")
    before = story.row().ended_at
    act = lambda: story.at(story.sari, 3 * DAY).on("mark_error", reason="wrong_person")  # noqa: E731
    assert story.refused(story.sari, "referral.mark_error", act).code == "role_lacks_ability"
    marked = story.at(lead, 3 * DAY).on("mark_error", reason="wrong_person")
    assert (marked.state, marked.ended_at) == ("entered-in-error", before or NOW + 3 * DAY)
    if stage == "completed":
        assert [line.awaited for line in story.at(story.santi, 3 * DAY).ask("work_list").needs_you] == ["confirm_purge"]
        assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, 4 * DAY).section("identity")).code == "access_ended"


def test_an_outcome_is_questioned_and_answered(story):
    story.completed()
    asked = story.at(story.sari, 3 * DAY).on("dispute", reason="not_delivered", note="Ia belum dihubungi.")
    assert (asked.state, "disputed" in asked.flags) == ("completed", True)
    assert [line.awaited for line in story.at(story.santi, 3 * DAY).ask("work_list").needs_you] == ["answer_dispute"]
    answered = story.at(story.santi, 4 * DAY).on("answer_dispute", answer="Sudah, tanggal 4.")
    assert "disputed" not in answered.flags
    assert texts(story, story.sari, 5 * DAY) == [("dispute", "Ia belum dihubungi."), ("answer_dispute", "Sudah, tanggal 4.")]
    late = lambda: story.at(story.sari, 16 * DAY + MINUTE).on("dispute", reason="not_delivered")  # noqa: E731
    assert story.refused(story.sari, "referral.dispute", late).facts["guard"] == "within_14_days"


# --- interview and transfer ----------------------------------------------------------------------------------------------


def test_police_ask_for_an_interview(network, story):
    police = network.agency("polres", "police")
    network.offer(police, "police_report")
    bram = network.member(police, "police_investigator")
    story.draft(service="police_report", to=police)
    story.agree()
    story.send(recipient_code="polres")
    story.at(bram, HOUR).on("open_preview")
    story.at(bram, HOUR).on("accept", handler=bram.id, first_contact_by=NOW + DAY)
    asked = story.at(bram, 2 * HOUR).on("request_interview", appointment=NOW + 2 * DAY)
    assert "interview_requested" in asked.flags
    assert [line.awaited for line in story.at(story.sari, DAY).ask("work_list").needs_you] == ["answer"]
    answered = story.at(story.sari, DAY).on("answer_interview", readiness="with_companion", note="Didampingi.")
    assert "interview_requested" not in answered.flags
    assert story.events()[-1].inputs == {"readiness": "with_companion", "note": True}


def test_nobody_but_the_police_asks_for_an_interview(story):
    story.accepted()
    act = lambda: story.at(story.santi, DAY).on("request_interview", appointment=NOW + 2 * DAY)  # noqa: E731
    assert story.refused(story.santi, "referral.request_interview", act).code == "role_lacks_ability"
    assert "request_interview" not in story.at(story.santi, DAY).detail().acts


@pytest.mark.parametrize("agreed", [True, False])
def test_taking_the_case_over(story, agreed):
    story.accepted()
    asked = story.at(story.santi, DAY).on("request_transfer", reason="better_placed")
    assert "transfer_requested" in asked.flags
    answered = story.at(story.sari, 2 * DAY).on("answer_transfer", agreed=agreed)
    assert "transfer_requested" not in answered.flags
    assert story.events()[-1].inputs == {"agreed": agreed}
    silent = lambda: story.at(story.sari, 2 * DAY).on("answer_transfer", agreed=None)  # noqa: E731
    assert story.refused(story.sari, "referral.answer_transfer", silent).fields == {"agreed": ("required",)}


# --- every event ---------------------------------------------------------------------------------------------------------

EVENTS = [
    ("opened", "santi", "ask_information", {"question": "?"}),
    ("accepted", "santi", "schedule", {"appointment": NOW + 9 * DAY}),
    ("accepted", "santi", "no_show", {"attempts": 1, "safe_contact_respected": True}),
    ("accepted", "santi", "waitlist", {"review_on": date(2026, 12, 1), "interim_safety_plan": "x"}),
    ("accepted", "santi", "un_accept", {"reason": "capacity_lost"}),
    ("started", "santi", "cannot_continue", {"outcome": "lost_contact", "hand_back_note": "x"}),
    ("accepted", "santi", "request_transfer", {"reason": "better_placed"}),
    ("started", "sari", "request_cancel", {"reason": "need_gone"}),
    ("started", "sari", "close_upstream", {"reason": "case_closed"}),
    ("completed", "sari", "dispute", {"reason": "not_delivered"}),
]


@pytest.mark.parametrize(("stage", "side", "event", "inputs"), EVENTS, ids=[e[2] for e in EVENTS])
def test_each_event_leaves_one_entry_and_is_told_to_nobody_else(network, story, stage, side, event, inputs):
    getattr(story, stage)()
    stranger = network.member(network.agency("klinik", "psychosocial"), "psychologist")
    person, other = getattr(story, side), story.santi if side == "sari" else story.sari
    after = timedelta(hours=20) if event == "un_accept" else 3 * DAY
    verb = f"referral.{event}"
    assert isinstance(story.refused(stranger, verb, lambda: story.at(stranger, after).on(event, **inputs)), errors.NotFound)
    assert story.refused(other, verb, lambda: story.at(other, after).on(event, **inputs)).code in {"wrong_side", "role_lacks_ability"}
    assert event in story.at(person, after).detail().acts
    size, version = len(story.entries()), story.version()
    row = story.at(person, after).on(event, **inputs)
    (entry,) = story.entries()[size:]
    assert (entry.action, entry.outcome, row.version) == (verb, "allow", version + 1)
