"""A file closes with a coded reason, never over an open referral; from then on it is read only, and whoever still reads it is seen."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.cases import actions as cases
from referral_hub.cases import queries as case_queries
from referral_hub.cases import reading as case_reading
from referral_hub.db import transact
from referral_hub.referrals import actions
from tests.referrals.story import DAY, PROFILE


@pytest.fixture
def lead(network, story):
    """The case manager, who alone closes."""
    return network.member(story.uptd, "case_lead")


def assigned(story, lead, case_id):
    """Let the case manager work on the file; return its version."""
    version = story.at(lead).do(case_queries.detail, case_id=case_id).case.version
    return story.at(lead).do(cases.assign, case_id=case_id, member=lead, version=version).version


def close(story, person, case_id, version, after=2 * DAY, **inputs):
    return story.at(person, after).close_case(case_id=case_id, version=version, **({"reason": "goals_met"} | inputs))


def test_a_file_without_referrals_closes_and_says_why_only_under_seal(story, lead):
    case = story.open_file()
    version = assigned(story, lead, case.id)
    closed = close(story, lead, case.id, version, note="Tujuan tercapai, dipantau enam bulan.")
    assert (closed.closed_at, closed.stage, closed.version) == (story.clock + 2 * DAY, "termination", version + 1)
    entry = story.entries()[-1]
    assert (entry.action, entry.object_id, entry.subjects, entry.sections) == ("case.close", case.subject, (case.subject,), ())
    opened = story.at(lead, 3 * DAY).do(case_reading.open_part, case_id=case.id, part="closing")
    assert case_reading.reveal(opened)["closing"].fields() == {"reason": "goals_met", "note": "Tujuan tercapai, dipantau enam bulan."}
    rows = story.session.execute(text("SELECT to_jsonb(c)::text FROM case_file c")).scalars().all()
    story.session.rollback()
    assert not any("goals_met" in row for row in rows)


def test_an_open_referral_must_be_decided_on(story, lead):
    story.started()
    case_id = story.row().case_id
    version = assigned(story, lead, case_id)
    for endings in (None, {}):
        refused = story.refused(lead, "case.close", lambda endings=endings: close(story, lead, case_id, version, endings=endings))
        assert (refused.code, refused.facts["referrals"]) == ("guard_failed", [str(story.id)])
    with pytest.raises(errors.InputInvalid) as amiss:
        close(story, lead, case_id, version, endings={story.id: "no_such_reason"})
    assert amiss.value.fields == {"event_reason": ("not_a_code",)}
    story.session.rollback()
    closed = close(story, lead, case_id, version, endings={story.id: "case_closed"})
    assert closed.closed_at
    ended = story.row()
    assert (ended.state, ended.business, ended.event_reason, "purge_due" in ended.flags) == ("cancelled", "closed-upstream", "case_closed", True)
    assert [(e.action, e.referral_id) for e in story.entries()[-2:]] == [("referral.close_upstream", story.id), ("case.close", None)]


def test_a_draft_is_an_open_referral_too(story, lead):
    case = story.open_file()
    story.draft(case=case)
    version = assigned(story, lead, case.id)
    assert story.refused(lead, "case.close", lambda: close(story, lead, case.id, version)).code == "guard_failed"
    close(story, lead, case.id, version, endings={story.id: "need_gone"})
    assert story.row().state == "cancelled"


@pytest.mark.parametrize(("inputs", "fields"), [({"reason": ""}, {"reason": ("required",)}), ({"reason": "bored"}, {"reason": ("not_a_code",)}), ({"note": "x" * 2001}, {"note": ("too_long",)})])
def test_a_reason_is_asked_for(story, lead, inputs, fields):
    case = story.open_file()
    version = assigned(story, lead, case.id)
    with pytest.raises(errors.InputInvalid) as amiss:
        close(story, lead, case.id, version, **inputs)
    assert amiss.value.fields == fields
    story.session.rollback()
    assert story.at(lead).do(case_queries.detail, case_id=case.id).case.closed_at is None


def test_who_may_not_close_is_refused(network, story, lead):
    case = story.open_file()
    assert story.refused(story.sari, "case.close", lambda: close(story, story.sari, case.id, case.version)).code == "role_lacks_ability"
    assert story.refused(lead, "case.close", lambda: close(story, lead, case.id, case.version)).code == "not_found"  # not assigned
    assert story.refused(story.santi, "case.close", lambda: close(story, story.santi, case.id, case.version)).code == "not_found"


def test_a_closed_file_is_read_only(story, lead):
    case = story.open_file()
    version = assigned(story, lead, case.id)
    closed = close(story, lead, case.id, version)
    desk = story.at(story.sari, 3 * DAY)
    again = story.refused(lead, "case.close", lambda: close(story, lead, case.id, closed.version))
    assert again.code == "wrong_state"
    for verb, act in (
        ("case.edit", lambda: desk.do(cases.edit_section, case_id=case.id, section="profile", values=PROFILE, version=1)),
        ("case.stage", lambda: desk.do(cases.set_stage, case_id=case.id, stage="evaluation", version=closed.version)),
        ("referral.create", lambda: desk.create(case_id=case.id, service="legal_consult", recipient_agency=story.lbh.id)),
    ):
        assert story.refused(story.sari, verb, act).code == "wrong_state", verb
    opened = desk.do(case_reading.open_sections, case_id=case.id, sections=["profile"])
    assert case_reading.reveal(opened)["profile"].fields()["sex"] == "P"


def test_consent_can_be_taken_back_after_the_end_but_not_given(story, lead):
    story.draft()
    giving, case_id = story.giving(), story.row().case_id
    consent = story.at(story.sari).record_consent(case_id=case_id, giving=giving)
    version = assigned(story, lead, case_id)
    close(story, lead, case_id, version, endings={story.id: "case_closed"})
    act = lambda: story.at(story.sari, 3 * DAY).record_consent(case_id=case_id, giving=giving)  # noqa: E731
    assert story.refused(story.sari, "consent.give", act).code == "wrong_state"
    story.at(story.sari, 3 * DAY).withdraw_consent(consent_id=consent.id)
    assert story.entries()[-1].action == "consent.withdraw"


def test_of_two_who_close_at_once_one_is_told(story, lead, network, engine):
    case = story.open_file()
    second = network.member(story.uptd, "case_lead")
    assigned(story, lead, case.id)
    version = assigned(story, second, case.id)
    results, gate = [], threading.Barrier(2)

    def run(person):
        with Session(engine) as own:
            gate.wait()
            who = {"actor": person.actor, "keys": person.keys, "now": story.clock + DAY}
            try:
                transact(own, lambda s: actions.close_case(s, case_id=case.id, version=version, reason="goals_met", **who))
                results.append("closed")
            except errors.StaleVersion as late:
                results.append(late.facts["who"])

    threads = [threading.Thread(target=run, args=(person,)) for person in (lead, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "closed" in results
    assert len(set(results) & {lead.actor.code, second.actor.code}) == 1


def test_of_a_closing_and_a_new_draft_at_once_no_referral_is_left_open(story, lead, engine):
    case = story.open_file()
    version = assigned(story, lead, case.id)
    gate, refused = threading.Barrier(2), []

    def run(person, verb, **inputs):
        with Session(engine) as own:
            gate.wait()
            who = {"actor": person.actor, "keys": person.keys, "now": story.clock + DAY}
            try:
                transact(own, lambda s: verb(s, case_id=case.id, **who, **inputs))
            except errors.RuleBroken as late:
                refused.append(late.code)

    made = {"service": "legal_consult", "recipient_agency": story.lbh.id}
    threads = [
        threading.Thread(target=run, args=(lead, actions.close_case), kwargs={"version": version, "reason": "goals_met"}),
        threading.Thread(target=run, args=(story.sari, actions.create), kwargs=made),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused in (["wrong_state"], ["guard_failed"])
    closed = story.at(lead).do(case_queries.detail, case_id=case.id).case.closed_at is not None
    drafts = story.session.execute(text("SELECT count(*) FROM referral WHERE state = 'draft'")).scalar()
    story.session.rollback()
    assert (closed, drafts) in {(True, 0), (False, 1)}


def test_nothing_is_copied_into_a_closed_file(network, story):
    story.accepted()
    santi = story.at(story.santi, DAY)
    mine = santi.do(cases.open_case)
    story.session.execute(text("UPDATE case_file SET closed_at = opened_at WHERE id = :id"), {"id": mine.id})
    story.session.commit()
    act = lambda: santi.copy_sections(referral_id=story.id, sections=["needs"], case_id=mine.id)  # noqa: E731
    santi.section("safe_contact")
    assert story.refused(story.santi, "case.copy_sections", act).code == "wrong_state"
