"""Recall, withdraw, consent taken back, the end of the window: what the recipient could open it opens no more, at once."""

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.cases import queries as cases
from referral_hub.consent import actions as consents
from referral_hub.db import transact
from referral_hub.referrals import actions, reading
from tests.referrals.story import DAY, HOUR, MINUTE, NOW, SECTIONS


def standings(story, agency_id):
    query = text("SELECT kind, standing FROM sealed_grant WHERE object_id = :r AND agency_id = :a")
    found = {tuple(row) for row in story.session.execute(query, {"r": story.id, "a": agency_id})}
    releases = text("SELECT count(*) FROM release r JOIN sealed_grant g ON g.id = r.grant_id WHERE g.object_id = :r AND g.agency_id = :a")
    left = story.session.scalar(releases, {"r": story.id, "a": agency_id})
    story.session.rollback()
    return found, left


def assert_recipient_opens_nothing(story, after=DAY, *, code="access_ended"):
    """By policy nothing is opened; and there is no release secret left, so that no program could."""
    desk = story.at(story.santi, after)
    for verb, call in (
        ("referral.preview_read", lambda: desk.read("preview_page")),
        ("section.read", lambda: desk.section("identity")),
        ("section.safe_contact_read", lambda: desk.section("safe_contact")),
        ("field.reveal", lambda: desk.read("field", section="identity", field="nik")),
        ("message.read", lambda: desk.read("notes")),
    ):
        assert story.refused(story.santi, verb, call).code == code
    assert standings(story, story.lbh.id)[1] == 0


# --- recall --------------------------------------------------------------------------------------------------------------


def test_a_recall_within_ten_minutes(story):
    story.sent()
    recalled = story.at(story.sari, 10 * MINUTE).on("recall")
    assert (recalled.state, recalled.business, recalled.flags) == ("cancelled", "recalled", frozenset())
    assert_recipient_opens_nothing(story)
    assert story.at(story.santi, HOUR).detail().grant == "revoked"


def test_after_ten_minutes_there_is_no_recall(story):
    story.sent()
    failure = story.refused(story.sari, "referral.recall", lambda: story.at(story.sari, 10 * MINUTE + MINUTE / 60).on("recall"))
    assert (failure.code, failure.facts["guard"]) == ("guard_failed", "within_10_minutes")


def test_what_was_opened_is_not_recalled(story):
    story.sent()
    story.at(story.santi, MINUTE).on("open_preview")
    failure = story.refused(story.sari, "referral.recall", lambda: story.at(story.sari, 2 * MINUTE).on("recall"))
    assert failure.code == "wrong_state"


# --- withdraw ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["sent", "opened", "accepted"])
def test_the_sender_withdraws_before_the_service(story, stage):
    getattr(story, stage)()
    withdrawn = story.at(story.sari, 3 * HOUR).on("withdraw", reason="need_gone", note="Sudah tertangani.")
    assert (withdrawn.state, withdrawn.business, withdrawn.event_reason) == ("cancelled", "withdrawn-by-sender", "need_gone")
    assert ("purge_due" in withdrawn.flags) == (stage != "sent")
    assert withdrawn.due_at is None
    assert_recipient_opens_nothing(story)
    assert story.at(story.sari, DAY).read("notes").notes[0].text == "Sudah tertangani."
    assert story.at(story.sari, DAY).section("identity").fields["full_name"]


def test_a_withdrawal_needs_a_reason_for_it(story):
    story.sent()
    for reason, code in (("", "required"), ("incomplete", "not_for_event"), ("whim", "not_a_code")):
        failure = story.refused(story.sari, "referral.withdraw", lambda r=reason: story.at(story.sari, HOUR).on("withdraw", reason=r))
        assert failure.fields == {"event_reason": (code,)}


def test_once_the_service_runs_there_is_no_withdrawing(story):
    story.started()
    failure = story.refused(story.sari, "referral.withdraw", lambda: story.at(story.sari, DAY).on("withdraw", reason="need_gone"))
    assert failure.code == "wrong_state"


def test_a_draft_is_discarded_not_withdrawn(story):
    story.draft()
    failure = story.refused(story.sari, "referral.withdraw", lambda: story.at(story.sari, DAY).on("withdraw", reason="need_gone"))
    assert failure.code == "wrong_state"


# --- declined ------------------------------------------------------------------------------------------------------------


def test_after_declining_nothing_opens(story):
    story.opened()
    story.at(story.santi, 2 * HOUR).on("decline", reason="survivor_declined", note="Tidak jadi.")
    assert_recipient_opens_nothing(story)
    found, _ = standings(story, story.lbh.id)
    assert found == {("preview", "revoked"), ("full", "revoked"), ("thread", "revoked")}


# --- consent taken back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["sent", "opened", "accepted", "started"])
def test_consent_taken_back_ends_access_at_once(story, stage):
    getattr(story, stage)()
    size = len(story.entries())
    (ended,) = story.at(story.sari, 2 * DAY).withdraw_consent(consent_id=story.row().consent_id)
    assert (ended.state, ended.business) == ("cancelled", "consent-withdrawn")
    assert ("purge_due" in ended.flags) == (stage != "sent")
    assert [e.action for e in story.entries()[size:]] == ["consent.withdraw", "referral.consent_withdrawn"]
    assert_recipient_opens_nothing(story, 2 * DAY)
    assert story.events()[-1].side == "survivor"


def test_consent_taken_back_inside_the_window_ends_it(story):
    story.completed()
    assert story.at(story.santi, 3 * DAY).section("identity").fields
    (ended,) = story.at(story.sari, 4 * DAY).withdraw_consent(consent_id=story.row().consent_id)
    assert (ended.state, ended.business, ended.outcome) == ("completed", "access-withdrawn", "service_given")
    assert "purge_due" in ended.flags
    assert story.entries()[-1].action == "referral.access_withdrawn"
    assert_recipient_opens_nothing(story, 4 * DAY)


def test_consent_taken_back_after_the_window_touches_no_referral(story):
    story.completed()
    size = len(story.entries())
    assert story.at(story.sari, 20 * DAY).withdraw_consent(consent_id=story.row().consent_id) == ()
    assert [e.action for e in story.entries()[size:]] == ["consent.withdraw"]


def test_a_consent_is_taken_back_once(story):
    story.accepted()
    consent_id = story.row().consent_id
    story.at(story.sari, DAY).withdraw_consent(consent_id=consent_id)
    failure = story.refused(story.sari, "consent.withdraw", lambda: story.at(story.sari, DAY).withdraw_consent(consent_id=consent_id))
    assert failure.code == "wrong_state"


def test_another_referral_on_another_consent_goes_on(story):
    story.accepted()
    first = story.id
    story.sent()
    (ended,) = story.at(story.sari, DAY).withdraw_consent(consent_id=story.row().consent_id)
    assert ended.id == story.id
    story.id = first
    assert story.row().state == "accepted"
    assert story.at(story.santi, 2 * DAY).section("identity").fields


def test_taking_back_needs_the_ability_and_the_agency(network, story):
    story.accepted()
    consent_id = story.row().consent_id
    failure = story.refused(story.santi, "consent.withdraw", lambda: story.at(story.santi, DAY).withdraw_consent(consent_id=consent_id))
    assert isinstance(failure, errors.NotFound)
    trainer = network.member(story.uptd, "agency_head")
    failure = story.refused(trainer, "consent.withdraw", lambda: story.at(trainer, DAY).withdraw_consent(consent_id=consent_id))
    assert failure.code in {"role_lacks_ability", "not_found"}


def test_a_ledger_row_withdrawn_alone_closes_the_openings_too(story):
    """Even if an event were missed: every opening asks the ledger itself."""
    story.accepted()
    desk = story.at(story.sari, DAY)
    desk.do(lambda s, *, actor, keys, now: consents.withdraw(
        s, actor=actor, about=cases.about(s, hub=keys.hub, actor=actor, case_id=story.row().case_id), consent_id=story.row().consent_id, now=now,
    ))  # fmt: skip
    failure = story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("identity"))
    assert failure.code == "no_consent"
    assert story.row().state == "accepted"


# --- ends by time --------------------------------------------------------------------------------------------------------


def test_when_consent_ends_openings_are_refused_and_the_referral_goes_on(story):
    story.draft()
    story.agree(until=(NOW + 3 * DAY).date())
    story.send()
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert story.at(story.santi, 3 * DAY).section("identity").fields
    failure = story.refused(story.santi, "section.read", lambda: story.at(story.santi, 4 * DAY).section("identity"))
    assert failure.code == "consent_expired"
    assert story.at(story.santi, 4 * DAY).on("start").state == "in-progress"


def test_the_window_of_a_completed_referral_closes_without_a_worker(story):
    story.completed()
    done = 2 * DAY
    assert story.at(story.santi, done).detail().grant == "read_only"
    assert story.at(story.santi, done + 14 * DAY - MINUTE).section("identity").fields
    for after in (done + 14 * DAY, done + 400 * DAY):
        failure = story.refused(story.santi, "section.read", lambda a=after: story.at(story.santi, a).section("identity"))
        assert failure.code == "access_ended"
    assert story.at(story.sari, done + 20 * DAY).section("identity").fields


def test_what_was_completed_takes_no_more_events(story):
    story.completed()
    for person, event, inputs in (
        (story.santi, "progress", {"milestone": "session_held", "note": "Lagi."}),
        (story.santi, "start", {}),
        (story.santi, "complete", {"outcome": "service_given"}),
        (story.sari, "withdraw", {"reason": "need_gone"}),
        (story.sari, "recall", {}),
    ):
        failure = story.refused(person, f"referral.{event}", lambda p=person, e=event, i=inputs: story.at(p, 3 * DAY).on(e, **i))
        assert failure.code == "wrong_state"


def test_the_keys_of_both_sides_after_each_end(story):
    story.completed()
    assert standings(story, story.lbh.id)[0] == {("preview", "read_only"), ("full", "read_only")}
    assert standings(story, story.uptd.id)[0] >= {("own", "live")}
    assert set(SECTIONS) == {s.code for s in story.at(story.santi, 3 * DAY).detail().sections if s.state == "open"}


# --- at the same moment ------------------------------------------------------------------------------------------------------


def meanwhile(story, engine, ending, call):
    """Hold `ending` uncommitted while `call` runs into its lock in another session; then commit it. Returns what became of `call`."""
    held, go, result = threading.Event(), threading.Event(), []

    def first():
        def work(session):
            made = ending(session)
            session.flush()
            held.set()
            assert go.wait(10)
            return made

        with Session(engine, expire_on_commit=False) as session:
            transact(session, work)

    def second():
        with Session(engine, expire_on_commit=False) as session:
            try:
                result.append(transact(session, call))
            except errors.HubError as refusal:
                result.append(refusal)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert held.wait(10)
    threads[1].start()
    time.sleep(0.3)
    assert result == []  # it waits for the row
    go.set()
    for thread in threads:
        thread.join()
    return result[0]


@pytest.mark.parametrize("way", ["consent", "withdraw"])
def test_an_opening_that_waited_for_an_end_shows_nothing(story, engine, way):
    story.accepted()
    version, consent_id = story.version(), story.row().consent_id
    sari = {"actor": story.sari.actor, "keys": story.sari.keys, "now": NOW + DAY}
    santi = {"actor": story.santi.actor, "keys": story.santi.keys, "now": NOW + DAY}
    endings = {
        "consent": lambda s: actions.withdraw_consent(s, **sari, consent_id=consent_id),
        "withdraw": lambda s: actions.withdraw(s, **sari, referral_id=story.id, version=version, reason="need_gone"),
    }
    refused = meanwhile(
        story, engine, endings[way], lambda s: reading.open_section(s, **santi, referral_id=story.id, section="identity")
    )
    assert refused.code == "access_ended"


def test_a_sending_that_waited_for_the_withdrawal_of_its_consent_is_not_sent(story, engine):
    story.draft()
    story.agree()
    version, consent_id = story.version(), story.row().consent_id
    sari = {"actor": story.sari.actor, "keys": story.sari.keys, "now": NOW + HOUR}
    refused = meanwhile(
        story, engine, lambda s: actions.withdraw_consent(s, **sari, consent_id=consent_id),
        lambda s: actions.send(s, **sari, referral_id=story.id, version=version, safe_contact_read=True, recipient_code="lbh"),
    )  # fmt: skip
    assert isinstance(refused, errors.StaleVersion)
    assert story.row().state == "cancelled"


def test_a_withdrawal_that_waited_for_the_sending_reaches_what_was_sent(story, engine):
    story.draft()
    story.agree()
    version, consent_id = story.version(), story.row().consent_id
    sari = {"actor": story.sari.actor, "keys": story.sari.keys, "now": NOW + HOUR}
    ended = meanwhile(
        story, engine,
        lambda s: actions.send(s, **sari, referral_id=story.id, version=version, safe_contact_read=True, recipient_code="lbh"),
        lambda s: actions.withdraw_consent(s, **sari, consent_id=consent_id),
    )  # fmt: skip
    assert [e.code for e in story.events()] == ["create", "send", "consent_withdrawn"]
    assert ended[0].state == "cancelled"
    assert_recipient_opens_nothing(story)
