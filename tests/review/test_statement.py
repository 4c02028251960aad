"""A survivor's disclosure statement: who saw and received what, as the log says; released after a safety check, printed as released."""

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.review import statement
from referral_hub.review.rules import trail
from referral_hub.review.rules.explain import Basis, explain
from tests.review.conftest import NOW, session_of

WIB = ZoneInfo("Asia/Jakarta")


@pytest.fixture
def life(story):
    """0 sent, 1 and 2 read by Budi, 3 read by Sari, 4 refused, 5 a list, 6 accepted; of somebody else: 7. Then her officer looks."""
    story.sends(at=0)
    story.reads(story.budi, at=1, sections=("needs",))
    story.reads(story.budi, at=2, sections=("identity",))
    story.reads(story.sari, at=3, sections=("identity",))
    story.reads(story.tono, at=4, outcome="deny", reason="not_found")
    story.add("referral.list", by=story.sari, at=5, page=True, count=1)
    story.event("accept", story.budi, at=6)
    other = story.another()
    other.reads(other.budi, at=7)
    story.home_officer = session_of(story.network.member(story.raised, "data_protection_officer"), 7)
    return story


def do(story, verb, who, **asked):
    story.session.rollback()
    return transact(story.session, lambda s: verb(s, actor=who.actor, now=NOW, alias=story.alias, **asked))


def released(story, **asked):
    known = {"handed_by": story.sari.id, "names_staff": False, "asked_alone": True, "is_safe": True}
    return do(story, statement.release, story.home_officer, **(known | asked))


def test_who_saw_and_received_what(life):
    found = do(life, statement.preview, life.home_officer)
    assert [(line.action, line.agency, line.member, line.recipient, line.sections, line.entries) for line in found.seen] == [
        ("referral.send", life.raised.id, life.sari.id, life.legal.id, (), (0,)),
        ("section.read", life.legal.id, None, None, ("needs", "identity"), (1, 2)),
        ("section.read", life.raised.id, life.sari.id, None, ("identity",), (3,)),
    ]  # fmt: skip
    assert [(line.action, line.entries) for line in found.done] == [("referral.accept", (6,))]
    assert (found.refused, found.alias, found.size) == (1, life.alias, 8)
    said = life.entries()[0]
    assert (said.action, said.subjects, said.purpose) == ("audit.read", (life.subject,), "subject_request")


def test_it_is_released_after_a_safety_check(life):
    made = released(life)
    said = life.entries()[0]
    assert (said.action, said.subjects, said.object_id, said.actor_id) == ("subject.statement", (life.subject,), made.id, life.home_officer.id)
    assert do(life, statement.preview, life.home_officer).released == (made,)
    for missing, field in (({"asked_alone": False}, "asked_alone"), ({"is_safe": False}, "is_safe"), ({"handed_by": None}, "handed_by"), ({"handed_by": life.budi.id}, "handed_by")):
        with pytest.raises(errors.InputInvalid) as refused:
            released(life, **missing)
        assert set(refused.value.fields) == {field}


def test_it_is_printed_as_it_was_released(life, owner_engine):
    made = released(life)
    late = life.reads(life.budi, at=500, sections=("medical",))
    found = do(life, statement.printed, life.home_officer, statement_id=made.id)
    assert found.size == made.log_size
    assert late not in {idx for line in found.seen for idx in line.entries}
    assert life.entries()[0].action == "document.print"
    assert explain(life.entries()[0]) is Basis.OVERSIGHT
    assert statement.signed(life.session, size=made.log_size) is None
    with owner_engine.begin() as connection:
        insert = "INSERT INTO audit_checkpoint (id, origin, size, root, note, signed_at) VALUES (:id, 'o', :size, :root, 'n', :at)"
        for size in (made.log_size - 1, made.log_size + 5, made.log_size + 2):
            connection.execute(text(insert), {"id": uuid.uuid4(), "size": size, "root": bytes([size]) * 32, "at": NOW})
    assert statement.signed(life.session, size=made.log_size).size == made.log_size + 2


def test_only_the_officer_of_her_agency(life):
    for who in (life.sari, life.auditor):
        with pytest.raises(errors.NotAllowed):
            do(life, statement.preview, who)
    with pytest.raises(errors.NotFound):  # the other agency knows no such alias
        do(life, statement.preview, life.officer)
    known = {"handed_by": life.sari.id, "names_staff": False, "asked_alone": True, "is_safe": True}
    with pytest.raises(errors.NotAllowed):
        do(life, statement.release, life.sari, **known)
    made = released(life)
    with pytest.raises(errors.NotFound):
        do(life, statement.printed, life.home_officer, statement_id=uuid.uuid4())
    assert do(life, statement.printed, life.home_officer, statement_id=made.id)


def test_an_agency_that_received_tells_its_own_part(life):
    life.session.execute(text("INSERT INTO alias (id, case_id, agency_id, code) VALUES (:id, :case, :agency, 'SM-AAAA-0001')"), {"id": uuid.uuid4(), "case": life.case_id, "agency": life.legal.id})
    life.session.commit()
    life.session.rollback()
    found = transact(life.session, lambda s: statement.preview(s, actor=life.officer.actor, now=NOW, alias="SM-AAAA-0001"))
    assert [line.entries for line in found.seen] == [(0,), (1, 2)]
    assert [line.entries for line in found.done] == [(6,)]


def test_lines_are_of_one_local_day():
    person, agency = uuid.uuid4(), uuid.uuid4()

    def seen(idx, at):
        return trail.Seen(idx, at, "case.read", "allow", "member", person, agency, ("doctor",), ("identity",), None)

    midnight = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # 00.00 on the 25th in Jakarta
    entries = [seen(1, midnight - timedelta(minutes=1)), seen(2, midnight), seen(3, midnight + timedelta(hours=9))]
    lines, done, refused = trail.told(entries, own_agency=agency, zone=WIB)
    assert [line.entries for line in lines] == [(1,), (2, 3)]
    assert (done, refused) == ((), 0)
