"""Findings: every step an act with its entry, the agency explains, a second auditor closes; texts are locked and name nobody."""

import dataclasses
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.review import actions, queries
from referral_hub.review.rules import moves
from tests.review.conftest import NOW, START

WORDS = "Mengapa bagian identitas dibuka pada jam dua pagi?"
ANSWER = "Petugas piket menerima rujukan darurat dari rumah sakit."


@pytest.fixture
def night(story):
    """Two entries at night by Budi that met R3, one by Sari that met R1."""
    story.event("accept", story.budi, at=1)
    story.first = story.reads(story.budi, at=START + timedelta(hours=12))
    story.second = story.reads(story.budi, at=START + timedelta(hours=14))
    story.bare = story.reads(story.sari, at=5, basis="")
    assert story.scan() == [("R3", story.first), ("R3", story.second), ("R1", story.bare)]
    return story


def do(story, verb, who, **asked):
    story.session.rollback()
    return transact(story.session, lambda s: verb(s, actor=who.actor, keys=who.keys, now=NOW, **asked))


def opened(story, **asked):
    return do(story, actions.open_finding, story.auditor, **({"text": WORDS, "entries": (story.first, story.second), "rule": "R3"} | asked))


def step(story, who, finding, code, *, words=ANSWER, **asked):
    return do(story, actions.take_step, who, **({"finding_id": finding.id, "step": code, "text": words, "version": finding.version} | asked))


def read(story, who, finding):
    return do(story, queries.opened, who, number=finding.number)


def desk(story, who):
    story.session.rollback()
    return transact(story.session, lambda s: queries.desk(s, actor=who.actor, now=NOW))


def test_a_finding_from_opening_to_closing(night):
    finding = opened(night)
    assert (finding.state, finding.rule, finding.agency_id) == ("open", "R3", night.legal.id)
    assert finding.answer_by == NOW + timedelta(days=7)
    finding = do(night, actions.assign, night.auditor, finding_id=finding.id, member_id=night.officer.id, version=1)
    assert (finding.state, finding.assigned_to) == ("assigned", night.officer.id)
    finding = step(night, night.officer, finding, "explain")
    finding = step(night, night.auditor, finding, "confirm", words="Piket tidak dicatat dalam jadwal.")
    finding = step(night, night.second_auditor, finding, "escalate", words="Diteruskan ke pimpinan lembaga.")
    finding = step(night, night.second_auditor, finding, "close", words="Jadwal piket kini dicatat.", verdict="improve")
    assert (finding.state, finding.verdict, finding.closed_by, finding.closed_at) == ("closed", "improve", night.second_auditor.id, NOW)
    assert finding.version == 6
    said = [(e.action, e.actor_id, e.recipient_agency, e.object_version) for e in reversed(night.entries()) if e.action.startswith("finding.")]
    assert said == [
        ("finding.open", night.auditor.id, night.legal.id, 1), ("finding.assign", night.auditor.id, night.legal.id, 2),
        ("finding.explain", night.officer.id, night.legal.id, 3), ("finding.confirm", night.auditor.id, night.legal.id, 4),
        ("finding.escalate", night.second_auditor.id, night.legal.id, 5), ("finding.close", night.second_auditor.id, night.legal.id, 6),
    ]  # fmt: skip
    page = read(night, night.auditor, finding)
    assert [(s.code, s.actor_id, s.text) for s in page.steps][:3] == [("open", night.auditor.id, WORDS), ("assign", night.auditor.id, ""), ("explain", night.officer.id, ANSWER)]
    assert (page.entries, page.may) == ((night.first, night.second), ())


def test_who_opened_it_does_not_close_it(night):
    finding = step(night, night.officer, opened(night), "explain")
    with pytest.raises(errors.NotAllowed) as refused:
        step(night, night.auditor, finding, "close", verdict="explained")
    assert (refused.value.code, refused.value.rule_ids) == ("second_signer_needed", ("second-person",))
    assert "close" not in read(night, night.auditor, finding).may
    assert "close" in read(night, night.second_auditor, finding).may
    assert step(night, night.second_auditor, finding, "close", verdict="explained").state == "closed"


def test_the_database_refuses_it_too(night, owner_engine):
    finding = opened(night)
    with pytest.raises(IntegrityError, match="second_person"), owner_engine.begin() as connection:
        connection.execute(text("UPDATE finding SET state = 'closed', closed_at = now(), closed_by = opened_by WHERE id = :id"), {"id": finding.id})


def test_the_agency_explains_and_judges_nothing(night):
    finding = opened(night)
    with pytest.raises(errors.NotAllowed) as refused:
        step(night, night.auditor, finding, "explain")
    assert refused.value.code == "wrong_side"
    finding = step(night, night.officer, finding, "explain")
    for code in ("confirm", "close"):
        with pytest.raises(errors.NotAllowed) as refused:
            step(night, night.officer, finding, code, verdict="explained")
        assert refused.value.code == "wrong_side"
    assert read(night, night.officer, finding).may == ("assign", "explain", "escalate")


def test_an_officer_opens_one_on_the_own_agency_only(night):
    assert opened(night)
    finding = do(night, actions.open_finding, night.officer, text=WORDS, entries=(night.first,))
    assert finding.rule is None
    with pytest.raises(errors.NotFound):
        do(night, actions.open_finding, night.officer, text=WORDS, entries=(night.bare,))


def test_a_stranger_sees_no_finding(night):
    other = do(night, actions.open_finding, night.auditor, text=WORDS, entries=(night.bare,), rule="R1")
    with pytest.raises(errors.NotFound):
        read(night, night.officer, other)
    with pytest.raises(errors.NotFound):
        step(night, night.officer, other, "explain")
    with pytest.raises(errors.NotAllowed):
        desk(night, night.sari)


def test_the_desk_shows_what_waits_and_rates(night):
    before = desk(night, night.auditor)
    assert [(w.rule, w.agency_id, w.count, w.first_idx, w.last_idx) for w in before.waiting] == [
        ("R1", night.raised.id, 1, night.bare, night.bare), ("R3", night.legal.id, 2, night.first, night.second),
    ]  # fmt: skip
    assert before.read_until == 4
    finding = step(night, night.auditor, opened(night), "confirm")
    after = desk(night, night.auditor)
    assert [w.rule for w in after.waiting] == ["R1"]
    assert [f.number for f in after.findings] == [finding.number]
    assert {r.rule: (r.hits, r.waiting, r.settled, r.confirmed) for r in after.rates if r.hits} == {"R1": (1, 1, 0, 0), "R3": (2, 0, 0, 2)}
    step(night, night.second_auditor, finding, "close", verdict="improve")
    assert {r.rule: (r.settled, r.confirmed) for r in desk(night, night.auditor).rates if r.hits} == {"R1": (0, 0), "R3": (2, 2)}
    own = desk(night, night.officer)
    assert (own.waiting, [r.rule for r in own.rates if r.hits]) == ((), ["R3"])


def test_what_waits_is_taken_up_once(night):
    found = do_waiting(night, night.auditor, "R3", night.legal.id)
    assert found == (night.first, night.second)
    opened(night, entries=found)
    assert do_waiting(night, night.auditor, "R3", night.legal.id) == ()
    with pytest.raises(errors.NotFound):
        do_waiting(night, night.officer, "R1", night.raised.id)


def do_waiting(story, who, rule, agency_id):
    story.session.rollback()
    return queries.waiting_entries(story.session, actor=who.actor, rule=rule, agency_id=agency_id)


def test_entries_of_two_agencies_are_two_findings(night):
    with pytest.raises(errors.InputInvalid) as refused:
        opened(night, entries=(night.first, night.bare))
    assert refused.value.fields == {"entries": ("several_agencies",)}
    with pytest.raises(errors.NotFound):
        opened(night, entries=(999,))
    with pytest.raises(errors.InputInvalid):
        opened(night, entries=())


def test_a_stale_form_and_a_wrong_step_are_refused(night):
    finding = opened(night)
    with pytest.raises(errors.StaleVersion):
        step(night, night.auditor, dataclasses.replace(finding, version=7), "confirm")
    with pytest.raises(errors.RuleBroken) as refused:
        step(night, night.second_auditor, finding, "close", verdict="improve")
    assert refused.value.code == "wrong_state"
    with pytest.raises(errors.NotFound):
        step(night, night.auditor, finding, "open")
    with pytest.raises(errors.InputInvalid):
        do(night, actions.assign, night.auditor, finding_id=finding.id, member_id=night.budi.id, version=1)


@pytest.mark.parametrize(
    ("verdict", "explained", "confirmed", "codes"),
    [
        ("explained", True, False, None), ("explained", False, False, ("does_not_fit",)), ("explained", True, True, ("does_not_fit",)),
        ("improve", False, True, None), ("guilty", True, False, ("not_a_code",)),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_the_steps(verdict, explained, confirmed, codes):
    if codes is None:
        moves.check_verdict(verdict, explained=explained, confirmed=confirmed)
        return
    with pytest.raises(errors.InputInvalid) as refused:
        moves.check_verdict(verdict, explained=explained, confirmed=confirmed)
    assert refused.value.fields == {"verdict": codes}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "required"), ("  \n ", "required"), ("pendek", "too_short"), ("x" * 2001, "too_long"), ("Lihat NIK 3273 0101 0101 0001 itu", "names_somebody"),
        ("Telepon 0812-3456-7890 dihubungi", "names_somebody"), ("Tulis ke sari@uptd.test segera", "names_somebody"),
    ],
)  # fmt: skip
def test_a_text_names_nobody(typed, code):
    with pytest.raises(errors.InputInvalid) as refused:
        moves.check_text(typed)
    assert refused.value.fields == {"text": (code,)}


def test_plain_words_pass():
    assert moves.check_text("  Entri 12.345 dan 12.346, pukul 02.14 WIB, 24-11-2026.  ") == "Entri 12.345 dan 12.346, pukul 02.14 WIB, 24-11-2026."


def test_no_text_lies_open_and_none_is_moved(night, owner_engine):
    finding = step(night, night.officer, opened(night), "explain")
    with owner_engine.begin() as connection:
        rows = connection.execute(text("SELECT seq, text_locked FROM finding_step ORDER BY seq")).all()
        everything = b"".join(bytes(row.text_locked) for row in rows)
        assert b"identitas" not in everything
        assert b"darurat" not in everything
        connection.execute(text("UPDATE finding_step SET text_locked = :other WHERE seq = 1"), {"other": rows[1].text_locked})
    with pytest.raises(errors.CannotOpen):
        read(night, night.auditor, finding)


def test_reading_a_finding_is_an_entry(night):
    finding = opened(night)
    read(night, night.officer, finding)
    said = night.entries()[0]
    assert (said.action, said.object_kind, said.object_id, said.actor_id) == ("audit.read", "finding", finding.id, night.officer.id)
    desk(night, night.auditor)
    assert night.entries()[0].object_kind == "finding"


@pytest.mark.parametrize("state", moves.STATES)
def test_offered_steps_are_those_that_lead_somewhere(state):
    for step_code in moves.STEPS:
        offered = step_code in moves.steps_from(state, auditor=True, own_agency=True, opened_it=False)
        try:
            moves.after(step_code, state)
        except errors.RuleBroken:
            assert not offered
        else:
            assert offered


def test_break_glass_stands_at_the_desk_until_somebody_else_reviewed_it(story):
    def used(at):
        grant = uuid.uuid4()
        index = story.add("break_glass.open", by=story.sari, at=at, object_kind="grant", object_id=grant, basis="break_glass", purpose="break_glass")
        return grant, index

    def desk(who):
        story.session.rollback()
        return transact(story.session, lambda s: queries.desk(s, actor=who.actor, now=NOW)).emergencies

    (own, first), (others, second) = used(0), used(60)
    story.add("break_glass.review", by=story.sari, at=70, object_kind="grant", object_id=own, subject=None)
    assert [(one.idx, one.member, one.agency_id, one.review_by) for one in desk(story.auditor)] == [
        (first, story.sari.id, story.raised.id, START + timedelta(hours=24)), (second, story.sari.id, story.raised.id, START + timedelta(hours=25)),
    ]  # fmt: skip
    assert desk(story.officer) == ()  # another agency's
    story.add("break_glass.review", by=story.tono, at=80, object_kind="grant", object_id=others, subject=None)
    assert [one.idx for one in desk(story.auditor)] == [first]
