"""What a survivor asks about her data: the clock of three days, answered by the statement or by a correction, refused for a reason, overdue on the desk."""

from datetime import timedelta

import pytest

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.review import requests, statement
from referral_hub.review.rules import subject as rules
from tests.review.conftest import NOW, session_of

HOUR = timedelta(hours=1)


@pytest.fixture
def life(story):
    story.sends(at=0)
    story.home_officer = session_of(story.network.member(story.raised, "data_protection_officer"), 7)
    return story


def do(story, verb, who=None, *, now=NOW, **asked):
    story.session.rollback()
    return transact(story.session, lambda s: verb(s, actor=(who or story.home_officer).actor, now=now, **asked))


def recorded(story, **asked):
    known = {"alias": story.alias, "kind": rules.ACCESS, "asked_at": NOW - HOUR}
    return do(story, requests.record, **(known | asked))


def test_it_is_due_three_times_24_hours_after_she_asked(life):
    made = recorded(life)
    assert (made.state, made.subject, made.agency_id) == ("open", life.subject, life.raised.id)
    assert (made.due_at, made.soon_at) == (NOW + 71 * HOUR, NOW + 47 * HOUR)
    said = life.entries()[0]
    assert (said.action, said.subjects, said.object_id, said.purpose) == ("subject.request", (life.subject,), made.id, "subject_request")
    found = do(life, requests.desk)
    assert (found.open, found.ended, found.aliases) == ((made,), (), {life.subject: life.alias})
    assert life.entries()[0].action == "audit.read"


def test_the_statement_answers_it(life):
    made = recorded(life)
    released = do(life, statement.release, alias=life.alias, handed_by=life.sari.id, names_staff=False, asked_alone=True, is_safe=True)
    found = do(life, requests.desk)
    assert found.open == ()
    assert [(one.number, one.state, one.ended_by, one.ended_at) for one in found.ended] == [(made.number, "answered", life.home_officer.id, NOW)]
    assert [one.action for one in life.entries()[:3]] == ["audit.read", "subject.statement", "subject.request"]
    assert released.subject == made.subject


def test_a_correction_is_answered_by_saying_so(life):
    made = recorded(life, kind=rules.CORRECT)
    with pytest.raises(errors.RuleBroken):
        do(life, requests.answer, number=recorded(life).number)
    ended = do(life, requests.answer, number=made.number)
    assert (ended.state, ended.ended_at, life.entries()[0].action) == ("answered", NOW, "subject.answer")
    for verb, asked in ((requests.answer, {}), (requests.refuse, {"reason": "endangers"})):
        with pytest.raises(errors.RuleBroken) as again:
            do(life, verb, number=made.number, **asked)
        assert again.value.code == "wrong_state"


def test_a_refusal_has_a_reason_of_the_list(life):
    made = recorded(life)
    for reason, code in (("", "required"), ("because", "not_a_code")):
        with pytest.raises(errors.InputInvalid) as refused:
            do(life, requests.refuse, number=made.number, reason=reason)
        assert refused.value.fields == {"reason": (code,)}
    ended = do(life, requests.refuse, number=made.number, reason="endangers")
    assert (ended.state, ended.reason, life.entries()[0].action) == ("refused", "endangers", "subject.refuse")
    assert recorded(life).state == "open"  # she may ask again


@pytest.mark.parametrize(("asked", "field"), [({"kind": "erase"}, "kind"), ({"asked_at": None}, "asked_at"), ({"asked_at": NOW + HOUR}, "asked_at"), ({"asked_at": NOW - 31 * 24 * HOUR}, "asked_at")])
def test_what_is_missing_is_named(life, asked, field):
    with pytest.raises(errors.InputInvalid) as refused:
        recorded(life, **asked)
    assert set(refused.value.fields) == {field}


def test_the_same_is_not_recorded_twice(life):
    recorded(life)
    with pytest.raises(errors.RuleBroken) as refused:
        recorded(life)
    assert refused.value.code == "wrong_state"


def test_only_the_officer_of_her_agency(life):
    made = recorded(life)
    for who in (life.sari, life.auditor):
        with pytest.raises(errors.NotAllowed):
            do(life, requests.desk, who)
    for verb, asked in ((requests.answer, {"number": made.number}), (requests.refuse, {"number": made.number, "reason": "endangers"}), (requests.record, {"alias": life.alias, "kind": "access", "asked_at": NOW})):
        with pytest.raises(errors.NotFound):
            do(life, verb, life.officer, **asked)


def test_what_is_overdue_shows_on_the_desk(life):
    made = recorded(life)
    for who, moment, found in (
        (life.auditor, made.due_at, {}), (life.auditor, made.due_at + HOUR, {life.raised.id: 1}), (life.home_officer, made.due_at + HOUR, {life.raised.id: 1}), (life.officer, made.due_at + HOUR, {}),
    ):  # fmt: skip
        assert requests.overdue(life.session, actor=who.actor, now=moment) == found
        life.session.rollback()
