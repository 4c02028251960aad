"""The recipient answers: who may, what it needs, and what happens when two answer at once."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.accounts import repeats
from referral_hub.cases import actions as cases
from referral_hub.db import transact
from referral_hub.referrals import actions
from tests.referrals.story import DAY, HOUR, MINUTE, NOW


def accept(story, person, after=HOUR, **inputs):
    ready = {"handler": person.id, "first_contact_by": NOW + DAY}
    return story.at(person, after).on("accept", **(ready | inputs))


@pytest.fixture
def andi(network, story):
    """A second lawyer at the recipient."""
    return network.member(story.lbh, "lawyer")


# --- preview and claim -----------------------------------------------------------------------------------------------------


def test_a_preview_is_opened_once(story):
    story.opened()
    failure = story.refused(story.santi, "referral.open_preview", lambda: story.at(story.santi).on("open_preview"))
    assert failure.code == "wrong_state"


def test_who_may_only_open_previews_is_not_assigned_by_it(network, story):
    police = network.agency("ppa", "police")
    network.offer(police, "police_report")
    desk, investigator = network.member(police, "police_spkt"), network.member(police, "police_investigator")
    story.draft(to=police, service="police_report")
    story.agree()
    story.send(recipient_code="ppa")
    assert story.at(desk, MINUTE).on("open_preview").handler is None
    accepted = story.at(investigator, HOUR).on("accept", handler=investigator.id, first_contact_by=NOW + DAY)
    assert accepted.handler == investigator.id
    failure = story.refused(desk, "section.read", lambda: story.at(desk, 2 * HOUR).section("meta"))
    assert failure.code in {"role_lacks_ability", "not_found", "wrong_side"}


def test_a_colleague_takes_over_from_whoever_merely_opened(story, andi):
    story.opened()
    assert story.at(andi, HOUR).on("claim").handler == andi.id
    assert accept(story, andi, 2 * HOUR).handler == andi.id


def test_one_claim_wins(story, andi):
    story.opened()
    story.at(andi, HOUR).on("claim")
    failure = story.refused(story.santi, "referral.claim", lambda: story.at(story.santi, 2 * HOUR).on("claim"))
    assert isinstance(failure, errors.LostRace)
    assert failure.facts == {"who": "PS-02", "when": NOW + HOUR, "event": "claim"}


def test_what_a_colleague_claimed_is_hers_to_accept(network, story, andi):
    paralegal = network.member(story.lbh, "paralegal")
    story.opened()
    story.at(andi, HOUR).on("claim")
    failure = story.refused(paralegal, "referral.accept", lambda: accept(story, paralegal))
    assert isinstance(failure, errors.LostRace)
    assert accept(story, paralegal, handler=andi.id).handler == andi.id


def test_who_shares_out_the_work_may_accept_over_a_claim(network, story):
    police = network.agency("ppa", "police")
    network.offer(police, "police_report")
    one, head = network.member(police, "police_investigator"), network.member(police, "police_head")
    story.draft(to=police, service="police_report")
    story.agree()
    story.send(recipient_code="ppa")
    story.at(one, MINUTE).on("claim")
    assert accept(story, head, handler=head.id).handler == head.id


# --- accept --------------------------------------------------------------------------------------------------------------


def test_accepting_without_opening_first_is_possible(story):
    story.sent()
    accepted = accept(story, story.santi)
    assert accepted.flags == {"ever_opened", "ever_accepted"}


def test_the_handler_is_a_member_of_the_recipient_who_may_handle(network, story):
    story.opened()
    admin = network.member(story.lbh, "agency_admin")
    for handler in (story.sari.id, admin.id, uuid.uuid4()):
        failure = story.refused(story.santi, "referral.accept", lambda h=handler: accept(story, story.santi, handler=h))
        assert failure.fields == {"handler": ("not_known",)}


def test_somebody_on_the_conflict_list_is_no_handler_and_nobody_is_told_why(network, story, andi):
    story.opened()
    lead = network.member(story.uptd, "case_lead")
    story.at(lead).do(cases.conflict_add, case_id=story.row().case_id, member_id=andi.id)
    failure = story.refused(story.santi, "referral.accept", lambda: accept(story, story.santi, handler=andi.id))
    assert failure.fields == {"handler": ("not_known",)}
    assert {m.id for m in story.at(story.santi).ask("handlers", referral_id=story.id)} == {story.santi.id}


def test_the_promised_contact_is_bounded_by_the_urgency(story):
    story.opened(urgency="urgent")
    failure = story.refused(story.santi, "referral.accept", lambda: accept(story, story.santi, first_contact_by=NOW))
    assert failure.fields == {"first_contact_by": ("in_past",)}
    accepted = accept(story, story.santi, first_contact_by=NOW + 30 * DAY)
    assert accepted.first_service_by == NOW + HOUR + 3 * DAY


def test_nothing_is_accepted_on_a_consent_that_has_ended(story):
    story.draft()
    story.agree(until=(NOW + DAY).date())
    story.send()
    failure = story.refused(story.santi, "referral.accept", lambda: accept(story, story.santi, 3 * DAY, first_contact_by=NOW + 4 * DAY))
    assert failure.code == "consent_expired"


def test_a_role_without_the_ability_accepts_nothing(network, story):
    police = network.agency("ppa", "police")
    network.offer(police, "police_report")
    desk = network.member(police, "police_spkt")
    story.draft(to=police, service="police_report")
    story.agree()
    story.send(recipient_code="ppa")
    assert story.refused(desk, "referral.accept", lambda: accept(story, desk)).code == "role_lacks_ability"


def test_the_sender_cannot_answer_for_the_recipient(story):
    story.sent()
    desk = story.at(story.sari, HOUR)
    for event, inputs in (
        ("open_preview", {}),
        ("claim", {}),
        ("accept", {"handler": story.sari.id, "first_contact_by": NOW + DAY}),
        ("decline", {"reason": "duplicate"}),
    ):
        failure = story.refused(story.sari, f"referral.{event}", lambda e=event, i=inputs: desk.on(e, **i))
        assert failure.code == "wrong_side"


def test_the_recipient_cannot_act_for_the_sender(story):
    story.opened()
    desk = story.at(story.santi, HOUR)
    for event, inputs in (("recall", {}), ("withdraw", {"reason": "need_gone"}), ("discard", {})):
        failure = story.refused(story.santi, f"referral.{event}", lambda e=event, i=inputs: desk.on(e, **i))
        assert failure.code in {"wrong_side", "wrong_state"}


def test_a_third_agency_finds_nothing_by_any_verb(network, story):
    other = network.agency("klinik", "psychosocial")
    stranger = network.member(other, "psychologist")
    story.accepted()
    desk = story.at(stranger, DAY)
    version = story.version()
    calls = {
        "referral.open_preview": lambda: desk.on("open_preview", version=version),
        "referral.claim": lambda: desk.on("claim", version=version),
        "referral.accept": lambda: desk.on("accept", version=version, handler=stranger.id, first_contact_by=NOW + 2 * DAY),
        "referral.decline": lambda: desk.on("decline", version=version, reason="duplicate"),
        "referral.start": lambda: desk.on("start", version=version),
        "referral.progress": lambda: desk.on("progress", version=version, milestone="contact_made", note="x"),
        "referral.complete": lambda: desk.on("complete", version=version, outcome="service_given"),
        "referral.withdraw": lambda: desk.on("withdraw", version=version, reason="need_gone"),
        "referral.recall": lambda: desk.on("recall", version=version),
        "referral.discard": lambda: desk.on("discard", version=version),
        "referral.edit": lambda: desk.on("edit_draft", version=version),
        "referral.send": lambda: desk.on("send", version=version, safe_contact_read=True),
        "referral.preview_read": lambda: desk.read("preview_page"),
        "section.read": lambda: desk.section("identity"),
        "section.safe_contact_read": lambda: desk.section("safe_contact"),
        "field.reveal": lambda: desk.read("field", section="identity", field="nik"),
        "message.read": lambda: desk.read("notes"),
        "referral.list": desk.detail,
        "consent.withdraw": lambda: desk.withdraw_consent(consent_id=story.row().consent_id),
    }
    for verb, call in calls.items():
        assert isinstance(story.refused(stranger, verb, call), errors.NotFound), verb


# --- decline -------------------------------------------------------------------------------------------------------------


def test_declining_needs_a_reason_of_the_list(story):
    story.opened()
    for reason, code in (("", "required"), ("too_late", "not_a_code")):
        failure = story.refused(story.santi, "referral.decline", lambda r=reason: story.at(story.santi, HOUR).on("decline", reason=r))
        assert failure.fields == {"decline_reason": (code,)}


def test_some_reasons_name_another_agency(network, story):
    story.opened()
    desk = story.at(story.santi, HOUR)
    assert story.refused(story.santi, "referral.decline", lambda: desk.on("decline", reason="no_capacity")).code == "redirect_needed"
    for wrong in (uuid.uuid4(), story.lbh.id, network.agency("gugus", "oversight").id, network.agency("tutup", "legal", state="disabled").id):
        failure = story.refused(
            story.santi, "referral.decline", lambda w=wrong: desk.on("decline", reason="no_capacity", redirect_agency=w)
        )
        assert failure.fields == {"redirect_agency": ("not_known",)}
    other = network.agency("lkbh", "legal")
    declined = desk.on("decline", reason="no_capacity", redirect_agency=other.id, note="Penuh sampai Desember.")
    assert (declined.state, declined.decline_reason, declined.redirect_agency) == ("rejected", "no_capacity", other.id)
    assert declined.due_at is None
    notes = story.at(story.sari, DAY).read("notes").notes
    assert [(n.event, n.text) for n in notes] == [("decline", "Penuh sampai Desember.")]


def test_a_conflict_of_interest_is_for_supervisors_to_know(network, story):
    paralegal = network.member(story.lbh, "paralegal")
    worker = story.sari
    story.opened()
    story.at(story.santi, HOUR).on("decline", reason="conflict_of_interest", redirect_agency=story_other(network).id)
    lead = network.member(story.uptd, "case_lead")
    seen = {p: story.at(p, DAY).detail() for p in (worker, paralegal, lead, story.santi)}
    assert {p: d.referral.decline_reason for p, d in seen.items()} == {
        worker: "", paralegal: "", lead: "conflict_of_interest", story.santi: "conflict_of_interest",
    }  # fmt: skip
    assert {d.history[-1].inputs["decline_reason"] for p, d in seen.items() if p in {worker, paralegal}} == {""}


def story_other(network):
    return network.agency("lkbh", "legal")


def test_after_accepting_there_is_no_declining(story):
    story.accepted()
    failure = story.refused(story.santi, "referral.decline", lambda: story.at(story.santi, DAY).on("decline", reason="duplicate"))
    assert failure.code == "wrong_state"


# --- two at once -----------------------------------------------------------------------------------------------------------


def race(engine, calls):
    """Run calls at once, each in a thread with a connection of its own; return their results or refusals."""
    gate, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number, call):
        with Session(engine, expire_on_commit=False) as session:
            gate.wait()
            try:
                results[number] = transact(session, call)
            except errors.HubError as refusal:
                results[number] = refusal

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("event", ["accept", "claim"])
def test_of_two_at_once_one_wins_and_the_other_is_told_who_and_when(story, andi, engine, event):
    story.sent()
    version, size = story.version(), len(story.entries())

    def call(person, after):
        inputs = {"handler": person.id, "first_contact_by": NOW + DAY} if event == "accept" else {}
        who = {"actor": person.actor, "keys": person.keys, "now": NOW + after}
        return lambda s: getattr(actions, event)(s, **who, referral_id=story.id, version=version, **inputs)

    results = race(engine, [call(story.santi, HOUR), call(andi, HOUR)])
    lost = [r for r in results if isinstance(r, errors.LostRace)]
    won = [r for r in results if not isinstance(r, errors.HubError)]
    assert len(won) == len(lost) == 1
    winner = story.santi if won[0].handler == story.santi.id else andi
    assert lost[0].facts == {"who": winner.actor.code, "when": NOW + HOUR, "event": event}
    assert story.row().handler == winner.id
    assert [e.code for e in story.events()].count(event) == 1
    assert len(story.entries()) == size + 1


def test_accept_and_recall_at_once_never_both_succeed(story, engine):
    story.sent()
    version = story.version()
    santi = {"actor": story.santi.actor, "keys": story.santi.keys, "now": NOW + MINUTE}
    sari = {"actor": story.sari.actor, "keys": story.sari.keys, "now": NOW + MINUTE}
    results = race(engine, [
        lambda s: actions.accept(s, **santi, referral_id=story.id, version=version, handler=story.santi.id, first_contact_by=NOW + DAY),
        lambda s: actions.recall(s, **sari, referral_id=story.id, version=version),
    ])  # fmt: skip
    refused = [r for r in results if isinstance(r, errors.HubError)]
    assert len(refused) == 1
    assert refused[0].code in {"stale_version", "wrong_state"}
    assert story.row().state in {"accepted", "cancelled"}


# --- versions and repetitions ------------------------------------------------------------------------------------------------


def test_a_form_that_is_out_of_date_is_refused_with_who_when_and_what(story, andi):
    story.sent()
    version = story.version()
    story.at(andi, HOUR).on("open_preview")
    failure = story.refused(story.santi, "referral.claim", lambda: story.at(story.santi, 2 * HOUR).on("claim", version=version))
    assert isinstance(failure, errors.StaleVersion)
    assert failure.facts == {"who": "PS-02", "when": NOW + HOUR, "event": "open_preview"}


def test_ones_own_repetition_changes_nothing_and_leaves_no_entry(story):
    story.opened()
    version = story.version()
    first = accept(story, story.santi, version=version)
    size = len(story.entries())
    assert accept(story, story.santi, version=version) == first
    assert len(story.entries()) == size
    assert len(story.events()) == 4


def test_a_second_progress_is_never_taken_for_a_repetition(story):
    story.started()
    version = story.version()
    story.at(story.santi, DAY).on("progress", version=version, milestone="session_held", note="Pertama.")
    failure = story.refused(
        story.santi, "referral.progress",
        lambda: story.at(story.santi, DAY).on("progress", version=version, milestone="session_held", note="Kedua."),
    )  # fmt: skip
    assert isinstance(failure, errors.StaleVersion)


def test_the_same_act_id_is_one_act(story, network):
    """As the front does it: the repetition's key stands in the act's own transaction."""
    story.opened()
    version, size = story.version(), len(story.entries())
    who = {"actor": story.santi.actor, "keys": story.santi.keys, "now": NOW + HOUR}

    def once(session, after=DAY):
        inputs = {"handler": str(story.santi.id), "first_contact_by": (NOW + after).isoformat()}
        key = {"actor": story.santi.actor, "key": "act-1", "route": "accept"}
        earlier = repeats.once(session, hub=network.hub, digest_of=inputs, now=NOW, **key)
        if earlier is not None:
            return earlier
        made = actions.accept(
            session, **who, referral_id=story.id, version=version, handler=story.santi.id, first_contact_by=NOW + after
        )
        repeats.settle(session, actor=story.santi.actor, key="act-1", result_id=made.id)
        return made.id

    assert transact(story.session, once) == story.id
    assert transact(story.session, once) == story.id
    assert len(story.entries()) == size + 1
    with pytest.raises(errors.KeyReused):
        transact(story.session, lambda s: once(s, after=2 * DAY))


def test_the_recipients_number_is_made_once(story):
    story.sent()
    assert story.row().recipient_no is None
    opened = story.at(story.santi, MINUTE).on("open_preview")
    assert story.at(story.santi, HOUR).on("claim").recipient_no == opened.recipient_no


def test_a_taken_recipients_number_is_drawn_again(story, monkeypatch, session):
    story.opened()
    taken = story.row().recipient_no.removeprefix("RM-")
    story.sent()
    drawn = iter([taken, "0000-0002"])
    monkeypatch.setattr("referral_hub.vault.codes.short_code", lambda: next(drawn))
    assert story.at(story.santi, HOUR).on("open_preview").recipient_no == "RM-0000-0002"
    assert session.scalar(text("SELECT count(DISTINCT recipient_no) FROM referral")) == 2
    session.rollback()


def test_progress_needs_a_milestone_of_this_kind_of_agency_and_a_note(story):
    story.started()
    desk = story.at(story.santi, 2 * DAY)
    for milestone, note, fields in (
        ("", "Catatan.", {"milestone": ("required",)}),
        ("admitted", "Catatan.", {"milestone": ("not_for_kind",)}),
        ("danced", "Catatan.", {"milestone": ("not_a_code",)}),
        ("poa_signed", " ", {"note": ("required",)}),
        ("poa_signed", "x" * 2001, {"note": ("too_long",)}),
    ):
        failure = story.refused(
            story.santi, "referral.progress", lambda m=milestone, n=note: desk.on("progress", milestone=m, note=n)
        )
        assert failure.fields == fields


def test_a_milestone_is_reported_once_unless_it_repeats(story):
    story.started()
    desk = story.at(story.santi, 2 * DAY)
    desk.on("progress", milestone="poa_signed", note="Ada.")
    failure = story.refused(story.santi, "referral.progress", lambda: desk.on("progress", milestone="poa_signed", note="Lagi."))
    assert failure.fields == {"milestone": ("reported_before",)}


def test_completion_needs_an_outcome_of_this_kind_and_event(story):
    story.started()
    desk = story.at(story.santi, 2 * DAY)
    for outcome, code in (("", "required"), ("sheltered", "not_for_kind"), ("survivor_refused", "not_for_event"), ("gold", "not_a_code")):
        failure = story.refused(story.santi, "referral.complete", lambda o=outcome: desk.on("complete", outcome=o))
        assert failure.fields == {"outcome": (code,)}


def test_only_the_handler_serves(story, andi):
    story.accepted()
    assert story.refused(andi, "referral.start", lambda: story.at(andi, DAY).on("start")).code in {"wrong_side", "not_found", "role_lacks_ability"}


def test_a_late_promise_counts_from_acceptance(story):
    story.opened()
    accepted = accept(story, story.santi, 2 * HOUR, first_contact_by=NOW + timedelta(days=60))
    assert accepted.first_service_by == NOW + 2 * HOUR + 7 * DAY
