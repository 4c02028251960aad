"""Sections copied into the recipient's own file: after acceptance, no more than was sent; a withdrawal reaches them, a law may keep them."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.cases import actions as cases
from referral_hub.cases import queries as case_queries
from referral_hub.cases import reading as case_reading
from referral_hub.db import transact
from referral_hub.referrals import actions
from referral_hub.vault import tombstones
from tests.referrals.story import DAY, HOUR, IDENTITY, Desk

LATER = 3 * HOUR


def copied(story, *sections, person=None, after=LATER, case_id=None, **more):
    """What the recipient copies; safe contact is read first."""
    person = person or story.santi
    story.at(person, after).section("safe_contact")
    return story.at(person, after).copy_sections(referral_id=story.id, sections=sections, case_id=case_id, **more)


@pytest.fixture
def accepted(story):
    story.accepted()
    return story


def own(story, copies, *sections, person=None, after=4 * HOUR, fields=(), copy_id=None):
    """Open sections of the recipient's own file."""
    desk = story.at(person or story.santi, after)
    opened = desk.do(case_reading.open_sections, case_id=copies.id, sections=sections, fields=fields, copy_id=copy_id)
    return {code: one.fields() for code, one in case_reading.reveal(opened).items()}


def found(story):
    made = case_queries.copies_of(story.session, referral_id=story.id)
    story.session.rollback()
    return {copy.section: copy for copy in made}


def test_a_new_file_holds_what_was_copied_and_nothing_else(accepted):
    done = copied(accepted, "identity", "needs")
    assert done.case.agency_id == accepted.lbh.id
    assert done.case.members == (accepted.santi.id,)
    desk = accepted.at(accepted.santi, 4 * HOUR)
    detail = desk.do(case_queries.detail, case_id=done.id)
    assert set(detail.sections) == {"identity"}
    assert [(copy.section, copy.referral_id, copy.revision, copy.held) for copy in detail.copies] == [
        ("identity", accepted.id, 1, False), ("needs", accepted.id, 1, False),
    ]  # fmt: skip
    assert detail.sections["identity"].copy == detail.copies[0]
    assert own(accepted, done, "identity")["identity"]["full_name"] == IDENTITY["full_name"]
    assert own(accepted, done, "identity", fields=["identity.nik"])["identity"] == {"nik": IDENTITY["nik"]}
    needs = own(accepted, done, "needs", copy_id=found(accepted)["needs"].id)["needs"]
    assert needs["wishes"] == "Ingin didampingi saat sidang."


def test_the_one_entry_is_for_the_sender_and_her_statement(accepted):
    before = len(accepted.entries())
    done = copied(accepted, "needs", "identity")
    entry = accepted.entries()[-1]
    assert len(accepted.entries()) == before + 2  # safe contact was read first
    assert (entry.action, entry.sections, entry.object_version) == ("case.copy_sections", ("identity", "needs"), 1)
    assert (entry.object_kind, entry.object_id, entry.referral_id) == ("case", done.case.subject, accepted.id)
    alias = accepted.at(accepted.santi).detail().alias
    known = accepted.session.execute(text("SELECT code FROM alias WHERE id = :id"), {"id": entry.subjects[0]}).scalar()
    accepted.session.rollback()
    assert known == alias
    seen = accepted.at(accepted.sari, DAY).detail().seen
    assert [one.sections for one in seen if one.action == "case.copy_sections"] == [("identity", "needs")]


def test_nothing_is_copied_before_acceptance_and_by_nobody_else(network, story):
    story.opened()
    other = network.member(network.agency("klinik", "health"), "doctor")
    colleague = network.member(story.lbh, "lawyer")
    copy = lambda who: story.at(who, LATER).copy_sections(referral_id=story.id, sections=["needs"])  # noqa: E731
    assert story.refused(story.santi, "case.copy_sections", lambda: copy(story.santi)).code == "section_not_granted"
    assert story.refused(other, "case.copy_sections", lambda: copy(other)).code == "not_found"
    story.at(story.santi, 2 * HOUR).on("accept", handler=story.santi.id, first_contact_by=story.clock + DAY)
    assert story.refused(other, "case.copy_sections", lambda: copy(other)).code == "not_found"
    assert story.refused(story.sari, "case.copy_sections", lambda: copy(story.sari)).code == "wrong_side"
    assert story.refused(colleague, "case.copy_sections", lambda: copy(colleague)).code == "wrong_side"
    assert found(story) == {}


def test_only_what_was_sent_is_copied(accepted):
    for sections in (["tip"], ["needs", "tip"], ["no_such_section"]):
        act = lambda sections=sections: accepted.at(accepted.santi, LATER).copy_sections(referral_id=accepted.id, sections=sections)  # noqa: E731
        assert accepted.refused(accepted.santi, "case.copy_sections", act).code in {"section_not_granted", "consent_scope"}
    with pytest.raises(errors.InputInvalid):
        accepted.at(accepted.santi, LATER).copy_sections(referral_id=accepted.id, sections=[])
    accepted.session.rollback()
    assert found(accepted) == {}


def test_after_a_withdrawal_nothing_is_copied_and_what_was_copied_is_closed(accepted):
    done = copied(accepted, "identity", "needs")
    accepted.at(accepted.sari, DAY).withdraw_consent(consent_id=accepted.row().consent_id)
    act = lambda: accepted.at(accepted.santi, DAY).copy_sections(referral_id=accepted.id, sections=["profile"], case_id=done.id)  # noqa: E731
    assert accepted.refused(accepted.santi, "case.copy_sections", act).code == "access_ended"
    assert {copy.held for copy in found(accepted).values()} == {True}
    for section, copy_id in (("identity", None), ("needs", found(accepted)["needs"].id)):
        with pytest.raises(errors.NotFound):
            own(accepted, done, section, copy_id=copy_id, after=DAY)
        accepted.session.rollback()
    assert accepted.at(accepted.santi, DAY).do(case_queries.detail, case_id=done.id).sections == {}


def test_copies_are_destroyed_in_the_act_that_says_so(accepted):
    done = copied(accepted, "identity", "needs")
    accepted.at(accepted.sari, DAY).withdraw_consent(consent_id=accepted.row().consent_id)
    purge = lambda **inputs: accepted.at(accepted.santi, 2 * DAY).on("confirm_purge", **inputs)  # noqa: E731
    kept = accepted.refused(accepted.santi, "referral.confirm_purge", lambda: purge(purge_statement="nothing_kept"))
    assert kept.code == "copies_remain"
    tombs = accepted.network.hub.tombstone_file.read_text()
    assert "purge_due" not in purge(purge_statement="destroyed").flags
    assert found(accepted) == {}
    entry = accepted.entries()[-1]
    assert (entry.action, entry.sections) == ("referral.confirm_purge", ("identity", "needs"))
    secrets = "SELECT count(*) FROM release r JOIN sealed_grant g ON g.id = r.grant_id WHERE g.object_kind = 'copy'"
    assert accepted.session.execute(text(secrets)).scalar() == 0
    assert accepted.session.execute(text("SELECT count(*) FROM case_index WHERE case_id = :id"), {"id": done.id}).scalar() == 0
    accepted.session.rollback()
    written = accepted.network.hub.tombstone_file.read_text().removeprefix(tombs)
    assert len(written.splitlines()) == 2
    tombstones.require_replayed(accepted.session, file=accepted.network.hub.tombstone_file)
    accepted.session.rollback()


@pytest.mark.parametrize("statement", ["kept_by_law", "kept_in_file"])
def test_what_a_law_keeps_opens_again(accepted, statement):
    done = copied(accepted, "identity")
    accepted.at(accepted.sari, DAY).withdraw_consent(consent_id=accepted.row().consent_id)
    accepted.at(accepted.santi, 2 * DAY).on("confirm_purge", purge_statement=statement, law_article="UU 17/2023 pasal 296")
    assert not found(accepted)["identity"].held
    assert own(accepted, done, "identity", after=2 * DAY)["identity"]["full_name"] == IDENTITY["full_name"]


def test_copies_outlive_the_window_of_a_completed_referral(accepted):
    done = copied(accepted, "identity")
    accepted.at(accepted.santi, DAY).on("start")
    accepted.at(accepted.santi, 2 * DAY).on("complete", outcome="service_given")
    assert own(accepted, done, "identity", after=60 * DAY)["identity"]["full_name"] == IDENTITY["full_name"]
    assert copied(accepted, "profile", case_id=done.id, after=3 * DAY).case.id == done.id  # inside the window it may still copy


def test_whoever_accepted_by_mistake_keeps_no_copy(accepted):
    copied(accepted, "identity")
    accepted.at(accepted.santi, 5 * HOUR).on("un_accept", reason="accepted_by_mistake")
    assert found(accepted) == {}


def test_what_is_written_on_a_copy_ends_with_it(accepted):
    done = copied(accepted, "identity")
    desk = accepted.at(accepted.santi, 4 * HOUR)
    desk.do(cases.edit_section, case_id=done.id, section="identity", values={"full_name": "Melati Baru"}, version=1)
    assert own(accepted, done, "identity")["identity"] == {"full_name": "Melati Baru"}
    state = desk.do(case_queries.detail, case_id=done.id).sections["identity"]
    assert (state.revision, state.copy.referral_id) == (2, accepted.id)
    accepted.at(accepted.sari, DAY).withdraw_consent(consent_id=accepted.row().consent_id)
    accepted.at(accepted.santi, 2 * DAY).on("confirm_purge", purge_statement="destroyed")
    with pytest.raises(errors.NotFound):
        own(accepted, done, "identity", after=2 * DAY)
    accepted.session.rollback()


def test_a_file_s_own_section_stays_beside_the_copy(accepted):
    desk = accepted.at(accepted.santi, LATER)
    mine = desk.do(cases.open_case)
    desk.do(cases.edit_section, case_id=mine.id, section="identity", values={"full_name": "Melati Sendiri"}, version=0)
    copied(accepted, "identity", case_id=mine.id)
    assert own(accepted, mine, "identity")["identity"] == {"full_name": "Melati Sendiri"}
    aside = own(accepted, mine, "identity", copy_id=found(accepted)["identity"].id)
    assert aside["identity"]["full_name"] == IDENTITY["full_name"]
    entry = accepted.entries()[-1]
    assert (entry.action, entry.referral_id, entry.subjects) == ("case.read", accepted.id, (mine.subject,))


def test_a_copied_section_is_sent_on_like_one_of_the_file(network, accepted):
    done = copied(accepted, "identity", "profile")
    clinic = network.agency("klinik", "health")
    network.offer(clinic, "medical_exam")
    gathered = accepted.at(accepted.santi, 4 * HOUR).do(
        case_reading.gather_for_sending, case_id=done.id, sections=["identity", "profile", "safety"]
    )
    assert set(gathered.values) == {"identity", "profile"}
    assert case_queries.sections_of(accepted.session, case_id=done.id).keys() == {"identity", "profile"}
    accepted.session.rollback()


def test_the_same_is_not_copied_twice_and_not_into_a_second_file(accepted):
    done = copied(accepted, "identity")
    again = lambda **more: accepted.at(accepted.santi, 4 * HOUR).copy_sections(referral_id=accepted.id, as_other=True, **more)  # noqa: E731
    for more in ({"sections": ["identity"], "case_id": done.id}, {"sections": ["needs"]}, {"sections": ["identity"]}):
        assert accepted.refused(accepted.santi, "case.copy_sections", lambda more=more: again(**more)).code == "wrong_state"
    assert again(sections=["needs"], case_id=done.id).case.id == done.id


def test_of_two_who_copy_at_once_one_file_comes_out(accepted, engine):
    accepted.at(accepted.santi, LATER).section("safe_contact")
    results, gate = [], threading.Barrier(2)

    def copy():
        with Session(engine) as own_session:
            gate.wait()
            who = {"actor": accepted.santi.actor, "keys": accepted.santi.keys, "now": accepted.clock + LATER}
            try:
                transact(own_session, lambda s: actions.copy_sections(s, referral_id=accepted.id, sections=["identity"], as_other=True, **who))
                results.append("copied")
            except errors.RuleBroken as late:
                results.append(late.code)

    threads = [threading.Thread(target=copy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["copied", "wrong_state"]
    assert set(found(accepted)) == {"identity"}


def test_a_new_file_is_not_opened_for_somebody_who_has_one(accepted):
    mine = accepted.at(accepted.santi, LATER).do(cases.open_case)
    accepted.at(accepted.santi, LATER).do(cases.edit_section, case_id=mine.id, section="identity", values=IDENTITY, version=0)
    done = copied(accepted, "identity")
    assert (done.case, [one.alias for one in done.alike]) == (None, [mine.alias])
    entry = accepted.entries()[-1]
    assert (entry.action, entry.hits, entry.sections) == ("case.duplicate_check", 1, ())
    assert mine.subject not in entry.subjects
    assert found(accepted) == {}
    assert copied(accepted, "identity", as_other=True).case.id != mine.id


def test_a_section_with_contacts_waits_for_safe_contact(network, story):
    service = network.agency("uptd-b", "social_services")
    network.offer(service, "case_management")
    worker = network.member(service, "social_worker")
    case = story.open_file()
    family = {"family_contact": {"name": "Bibi Contoh", "relation": "aunt", "phone": "+628111000000"}, "family_accept": "hesitant"}
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="family", values=family, version=0)
    story.draft(case=case, to=service, service="case_management")
    story.agree(sections=("meta", "profile", "safe_contact", "family", "needs", "consent"))
    story.send(recipient_code="uptd-b")
    desk = story.at(worker, HOUR)
    desk.on("accept", handler=worker.id, first_contact_by=story.clock + DAY)
    refused = story.refused(worker, "case.copy_sections", lambda: desk.copy_sections(referral_id=story.id, sections=["family"]))
    assert (refused.code, refused.facts["read_first"]) == ("section_not_granted", "safe_contact")
    assert set(found(story)) == set()
    assert copied(story, "family", person=worker).case


def test_a_child_stays_a_child_whatever_was_copied(accepted):
    accepted.session.execute(text("UPDATE case_file SET minor = true, protected = true"))
    accepted.session.commit()
    santi = accepted.santi.as_(strength="fresh")
    done = Desk(accepted, santi, accepted.clock + LATER).copy_sections(referral_id=accepted.id, sections=["needs"])
    assert (done.case.minor, done.case.protected) == (True, True)


def test_another_agency_s_file_is_no_place_for_a_copy(network, accepted):
    elsewhere = network.member(network.agency("klinik", "health"), "doctor")
    theirs = accepted.at(elsewhere).do(cases.open_case)
    senders = accepted.row().case_id
    for case_id in (theirs.id, senders):
        act = lambda case_id=case_id: accepted.at(accepted.santi, LATER).copy_sections(referral_id=accepted.id, sections=["needs"], case_id=case_id)  # noqa: E731
        assert accepted.refused(accepted.santi, "case.copy_sections", act).code == "not_found"
    colleague = network.member(accepted.lbh, "lawyer")
    hers = accepted.at(colleague).do(cases.open_case)
    act = lambda: accepted.at(accepted.santi, LATER).copy_sections(referral_id=accepted.id, sections=["needs"], case_id=hers.id)  # noqa: E731
    assert accepted.refused(accepted.santi, "case.copy_sections", act).code in {"not_found", "role_lacks_ability"}


# --- who must never meet her ------------------------------------------------------------------------------------------------


@pytest.fixture
def relative(network, accepted):
    """A lawyer of the recipient, with a way for the sender to say that she must never meet the survivor."""
    member, lead = network.member(accepted.lbh, "lawyer"), network.member(accepted.uptd, "case_lead")
    block = lambda: accepted.at(lead, HOUR).do(cases.conflict_add, case_id=accepted.row().case_id, member_id=member.id)  # noqa: E731
    return SimpleNamespace(member=member, block=block)


def assigned(story, member, copies):
    """A member's desk, once the file is assigned to her."""
    row = {"case": copies.id, "member": member.id}
    transact(story.session, lambda s: s.execute(text("INSERT INTO case_member (case_id, member_id) VALUES (:case, :member)"), row))
    return story.at(member, 5 * HOUR)


def never_meets(story, member, copies):
    """The file with copies does not exist for this member, whatever assignment says otherwise."""
    desk = assigned(story, member, copies)
    assert desk.do(case_queries.list_cases).lines == ()
    for act in (lambda: desk.do(case_queries.detail, case_id=copies.id), lambda: desk.do(case_reading.open_sections, case_id=copies.id, sections=["identity"])):
        with pytest.raises(errors.NotAllowed) as refused:
            act()
        assert refused.value.code == "conflict_of_interest"
        story.session.rollback()


def test_a_conflict_entry_of_the_sender_holds_in_a_file_that_is_made_of_copies(accepted, relative):
    relative.block()
    never_meets(accepted, relative.member, copied(accepted, "identity"))


def test_a_conflict_entry_that_comes_later_reaches_the_copies(accepted, relative):
    done = copied(accepted, "identity")
    relative.block()
    never_meets(accepted, relative.member, done)


def test_copies_into_a_file_that_was_there_bring_the_conflict_list_along_and_close_it_to_nobody_else(network, accepted, relative):
    free = network.member(accepted.lbh, "lawyer")
    mine = accepted.at(accepted.santi, HOUR).do(cases.open_case)
    relative.block()
    done = copied(accepted, "identity", case_id=mine.id)
    never_meets(accepted, relative.member, done)
    assert assigned(accepted, free, done).do(case_queries.detail, case_id=done.id).sections.keys() == {"identity"}
