"""The ledger on a real database: giving, refusing, withdrawing, each with one entry; nothing else of a row ever changes."""

import dataclasses
import threading
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.audit import queries as log
from referral_hub.cases import actions as cases
from referral_hub.cases import queries as case_queries
from referral_hub.consent import actions, queries, rules
from referral_hub.consent.facts import Standing
from referral_hub.consent.records import ConsentRow
from referral_hub.db import transact
from tests.factories import Network

from .giving import NOW, SHOWN, TODAY, giving


class Story:
    """A case manager, a case, and an agency that may get something of it."""

    def __init__(self, session, folder):
        self.session, self.network = session, Network(session, folder, now=NOW)
        self.uptd = self.network.agency("UPTD", "social_services")
        self.clinic = self.network.agency("KLINIK", "psychosocial")
        self.sari = self.network.member(self.uptd, "case_lead")
        self.case = self.do(cases.open_case, keys=self.sari.keys)

    def do(self, verb, *, person=None, now=NOW, **inputs):
        return transact(self.session, lambda s: verb(s, actor=(person or self.sari).actor, now=now, **inputs))

    def about(self, person=None, case=None):
        who = (person or self.sari).actor
        return case_queries.about(self.session, hub=self.network.hub, actor=who, case_id=(case or self.case).id, lock="update")

    def answer(self, **changes):
        shown = dataclasses.replace(SHOWN, agency_id=self.clinic.id)
        return giving(shown=shown, agency_id=self.clinic.id, **({"method": "written", "witness": ()} | changes))

    def give(self, person=None, now=NOW, **changes):
        return self.do(actions.give, person=person, now=now, about=self.about(person), giving=self.answer(**changes))

    def standing(self, consent_id, **asked):
        facts = {"agency_id": self.clinic.id, "purpose": "psychosocial_care", "sections": {"identity"}, "on": TODAY}
        return queries.standing_for(self.session, consent_id=consent_id, **(facts | asked))

    def entries(self):
        return [logged.entry for logged in reversed(log.latest(self.session))]


@pytest.fixture
def story(session, tmp_path):
    return Story(session, tmp_path)


def test_a_consent_is_a_row_and_one_entry(story):
    given = story.give()
    assert given.signers == (story.sari.id,)
    assert (given.scope_agency, given.case_id, given.withdrawn_at) == (story.clinic.id, story.case.id, None)
    assert queries.by_id(story.session, given.id) == given
    entry = story.entries()[-1]
    assert (entry.action, entry.object_id, entry.consent_id, entry.legal_basis) == ("consent.give", given.id, given.id, "consent")
    assert (entry.subjects, entry.purpose, entry.sections) == ((story.case.subject,), "psychosocial_care", tuple(sorted(given.sections)))
    assert entry.recipient_agency is None
    assert story.standing(given.id) is Standing.COVERS


def test_nothing_that_only_a_seal_may_hold_is_kept(story):
    story.give()
    with story.session.get_bind().connect() as connection:
        for table in ("consent", "audit_entry"):
            rows = " ".join(str(dict(row)) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings())
            assert "pagi" not in rows
            assert "majikan" not in rows
            assert "identity.nik" not in rows


def test_a_refused_answer_leaves_no_row(story):
    before = len(story.entries())
    with pytest.raises(errors.InputInvalid):
        story.give(method="")
    assert queries.of_case(story.session, story.case.id) == ()
    assert len(story.entries()) == before


def test_a_child_case_records_no_consent_of_the_childs_own(story):
    profile = {"age_band": "13_17", "sex": "P"}
    story.do(cases.edit_section, keys=story.sari.keys, case_id=story.case.id, section="profile", values=profile, version=0)
    with pytest.raises(errors.RuleBroken, match="no_consent"):
        story.give()


@pytest.mark.parametrize(("role", "code"), [("agency_admin", "role_lacks_ability"), ("social_worker", "not_found")])
def test_who_may_not_record_is_refused(story, role, code):
    other = story.network.member(story.uptd, role)
    with pytest.raises(errors.HubError) as refused:
        story.give(person=other)
    assert getattr(refused.value, "reason", refused.value.code) == code
    assert queries.of_case(story.session, story.case.id) == ()


def test_no_is_recorded_and_blocks_nothing(story):
    inputs = {"agency_id": story.clinic.id, "purpose": "psychosocial_care", "language": "su"}
    said_no = story.do(actions.refuse, about=story.about(), **inputs)
    assert said_no.is_refusal
    assert (said_no.sections, said_no.valid_until) == (frozenset(), None)
    assert story.standing(said_no.id) is Standing.LACKS
    assert story.entries()[-1].action == "consent.refuse"
    given = story.give(now=NOW + timedelta(minutes=1))
    assert story.standing(given.id) is Standing.COVERS
    assert [c.id for c in queries.of_case(story.session, story.case.id)] == [given.id, said_no.id]


def test_a_no_carries_codes_only(story):
    with pytest.raises(errors.InputInvalid) as refused:
        story.do(actions.refuse, about=story.about(), agency_id=story.clinic.id, purpose="because", language="takut")
    assert refused.value.fields == {"consent.scope_purpose": ("not_a_code",), "consent.language": ("not_a_code",)}


def test_what_is_taken_back_covers_nothing_from_then_on(story):
    given = story.give()
    later = NOW + timedelta(days=3)
    taken = story.do(actions.withdraw, now=later, about=story.about(), consent_id=given.id)
    assert taken.withdrawn_at == later
    assert rules.digest(taken) == rules.digest(given)
    assert story.standing(given.id) is Standing.WITHDRAWN
    assert (story.entries()[-1].action, story.entries()[-1].consent_id) == ("consent.withdraw", given.id)


def test_taking_back_twice_says_when(story):
    given = story.give()
    story.do(actions.withdraw, about=story.about(), consent_id=given.id)
    with pytest.raises(errors.RuleBroken) as again:
        story.do(actions.withdraw, now=NOW + timedelta(days=1), about=story.about(), consent_id=given.id)
    assert (again.value.code, again.value.facts) == ("wrong_state", {"when": NOW})
    assert queries.by_id(story.session, given.id).withdrawn_at == NOW


def test_a_refusal_is_nothing_to_take_back(story):
    said_no = story.do(actions.refuse, about=story.about(), agency_id=story.clinic.id, purpose="psychosocial_care", language="id")
    with pytest.raises(errors.RuleBroken, match="wrong_state"):
        story.do(actions.withdraw, about=story.about(), consent_id=said_no.id)


def test_the_consent_of_another_case_is_not_found(story):
    given = story.give()
    other = story.do(cases.open_case, keys=story.sari.keys)
    with pytest.raises(errors.NotFound):
        story.do(actions.withdraw, about=story.about(case=other), consent_id=given.id)
    with pytest.raises(errors.NotFound):
        queries.by_id(story.session, other.id)


def test_any_colleague_who_records_consents_takes_one_back(story):
    given = story.give()
    budi = story.network.member(story.uptd, "social_worker")
    taken = story.do(actions.withdraw, person=budi, about=story.about(budi), consent_id=given.id)
    assert taken.withdrawn_at == NOW
    assert story.entries()[-1].basis == "none"


def test_two_at_once_take_it_back_once(story, engine):
    given, results, gate = story.give(), [], threading.Barrier(2)
    about = story.about()
    story.session.rollback()

    def take_back():
        with Session(engine) as own:
            gate.wait()
            try:
                transact(own, lambda s: actions.withdraw(s, actor=story.sari.actor, now=NOW, about=about, consent_id=given.id))
                results.append("done")
            except errors.RuleBroken as second:
                results.append(second.code)

    threads = [threading.Thread(target=take_back) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "wrong_state"]


def test_another_consent_may_still_cover(story):
    first, second = story.give(), story.give(valid_until=TODAY + timedelta(days=30))
    asked = {"case_id": story.case.id, "agency_id": story.clinic.id, "purpose": "psychosocial_care", "sections": {"identity"}, "on": TODAY}
    assert queries.other_standing(story.session, but=first.id, **asked) == second
    assert queries.other_standing(story.session, but=second.id, **asked) == first
    story.do(actions.withdraw, about=story.about(), consent_id=second.id)
    assert queries.other_standing(story.session, but=first.id, **asked) is None
    assert queries.other_standing(story.session, but=second.id, **(asked | {"sections": {"medical"}})) is None


def test_a_missing_consent_covers_nothing(story):
    assert story.standing(None) is Standing.LACKS
    assert story.standing(story.case.id) is Standing.LACKS


def test_the_web_role_changes_nothing_but_the_withdrawal(story, engine):
    story.give()
    for refused in ("UPDATE consent SET valid_until = now()", "UPDATE consent SET sections = '{medical}'", "DELETE FROM consent"):
        with engine.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(refused))
    with engine.begin() as connection:
        connection.execute(text("UPDATE consent SET withdrawn_at = now()"))


def test_the_worker_sees_dates_only(story, worker_url):
    given = story.give()
    engine = create_engine(worker_url)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT id, case_id, scope_agency, valid_until, withdrawn_at FROM consent")).one()
        assert (row.id, row.valid_until) == (given.id, given.valid_until)
    for refused in (
        "SELECT sections FROM consent",
        "SELECT given_by FROM consent",
        "SELECT * FROM consent",
        "UPDATE consent SET withdrawn_at = now()",
    ):
        with engine.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(refused))
    engine.dispose()


@pytest.mark.parametrize("changes", [{"sections": []}, {"valid_until": None}, {"form": "refusal"}])
def test_the_database_itself_tells_a_refusal_from_a_consent(story, changes):
    row = story.session.scalars(select(ConsentRow).where(ConsentRow.id == story.give().id)).one()
    facts = {column.key: getattr(row, column.key) for column in ConsentRow.__table__.columns} | changes | {"id": story.case.id}
    with pytest.raises(IntegrityError):
        transact(story.session, lambda s: s.add(ConsentRow(**facts)))
    assert story.session.scalar(select(func.count()).select_from(ConsentRow)) == 1
