"""A child's referral: guardian and child, or two workers where no guardian can be asked; every answer one entry."""

import dataclasses

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from referral_hub import errors
from referral_hub.cases import actions as cases
from referral_hub.consent import rules as consents
from tests.referrals.story import HOUR, PROFILE

CHILD = PROFILE | {"age_band": "6_12"}
IDENTITY = {"full_name": "Bunga Contoh", "birth_date": "2017-03-15"}
VIEW = "Ingin sekolah lagi."
GUARDIAN = {"guardian_informed": "yes", "guardian_is_suspect": False, "best_interest": "Contoh.", "guardian_relation": "mother"}
SUSPECT = GUARDIAN | {"guardian_informed": "no_unsafe", "guardian_is_suspect": True}


@pytest.fixture
def ratna(network, story):
    """The supervisor, who signs second."""
    return network.member(story.uptd, "case_lead")


def child_file(story, ratna, guardian):
    case = story.open_file(profile=CHILD, identity=IDENTITY)
    decided = {"bi_decided_by": [str(story.sari.id), str(ratna.id)]} if guardian["guardian_is_suspect"] else {}
    known = {"user": [str(story.sari.id), str(ratna.id)]}
    story.at(story.sari).do(
        cases.edit_section, case_id=case.id, section="child_guardian", values=guardian | decided, version=0, known=known
    )
    return case


def giving(story, *, form="guardian_consent", given_by="guardian", assent="yes"):
    plain = story.giving()
    shown = dataclasses.replace(plain.shown, form=form, guardian_relation="mother", child_view=VIEW, reason="terduga pelaku", options=VIEW)
    return dataclasses.replace(plain, shown=shown, given_by=given_by, assent=assent, text_shown=consents.wording(shown).shown)


def test_guardian_and_child_agree_and_it_is_sent(story, ratna):
    story.draft(case=child_file(story, ratna, GUARDIAN))
    story.at(story.sari).on("give_consent", giving=giving(story))
    assert story.send().state == "requested"
    assert [e.action for e in story.entries()[-2:]] == ["consent.give", "referral.send"]
    assert story.entries()[-1].subject_flags == ("minor",)


def test_what_the_child_said_lies_sealed_and_is_not_sent(story, ratna):
    story.draft(case=child_file(story, ratna, GUARDIAN))
    story.at(story.sari).on("give_consent", giving=giving(story))
    story.send()
    sealed = story.at(story.sari).section("consent").fields
    assert not {"child_view", "assent"} & set(sealed)
    stored = story.session.scalars(text("SELECT to_jsonb(t)::text FROM consent t UNION ALL SELECT to_jsonb(e)::text FROM audit_entry e")).all()
    assert not any(VIEW in line for line in stored)


def test_a_suspect_guardian_is_refused_and_two_workers_decide(story, ratna):
    story.draft(case=child_file(story, ratna, SUSPECT))
    refusal = story.refused(story.sari, "consent.give", lambda: story.at(story.sari).on("give_consent", giving=giving(story)))
    assert refusal.code == "guardian_is_suspect"
    record = giving(story, form="best_interest_record", given_by="institution")
    made = story.at(story.sari).on("give_consent", giving=record)
    refusal = story.refused(story.sari, "referral.send", story.send)
    assert refusal.code == "no_consent"
    signed = story.at(ratna, HOUR).countersign_consent(consent_id=made.consent_id)
    assert signed.signers == (story.sari.id, ratna.id)
    assert story.send().state == "requested"
    acts = [e.action for e in story.entries() if e.action.startswith("consent.")]
    assert acts.count("consent.best_interest") == 2


def test_the_same_person_does_not_sign_twice(story, network, ratna):
    case = child_file(story, ratna, SUSPECT)
    story.draft(case=case)
    record = giving(story, form="best_interest_record", given_by="institution")
    made = story.at(story.sari).record_consent(case_id=case.id, giving=record)
    sign = lambda who: lambda: story.at(who).countersign_consent(consent_id=made.id)  # noqa: E731
    assert story.refused(story.sari, "consent.best_interest", sign(story.sari)).code == "second_signer_needed"
    lead = network.member(story.uptd, "case_lead")
    own = story.at(lead).record_consent(case_id=case.id, giving=record)
    again = lambda: story.at(lead).countersign_consent(consent_id=own.id)  # noqa: E731
    assert story.refused(lead, "consent.best_interest", again).code == "second_signer_needed"
    sign(ratna)()
    assert story.refused(ratna, "consent.best_interest", sign(ratna)).code == "wrong_state"


def test_the_second_signer_is_a_supervisor(story, network, ratna):
    case = child_file(story, ratna, SUSPECT)
    story.draft(case=case)
    made = story.at(story.sari).record_consent(case_id=case.id, giving=giving(story, form="best_interest_record", given_by="institution"))
    colleague = network.member(story.uptd, "social_worker")
    with pytest.raises(errors.NotAllowed):
        story.at(colleague).countersign_consent(consent_id=made.id)


def test_a_draft_takes_a_consent_of_the_file_and_of_no_other(story, ratna):
    case = child_file(story, ratna, GUARDIAN)
    story.draft(case=case)
    made = story.at(story.sari).record_consent(case_id=case.id, giving=giving(story))
    other = story.draft(case=story.open_file())
    refusal = story.refused(story.sari, "referral.edit", lambda: story.at(story.sari).on("rest_on", consent_id=made.id))
    assert refusal.code == "not_found"
    assert other.consent_id is None
    story.draft(case=case)
    assert story.at(story.sari).on("rest_on", consent_id=made.id).consent_id == made.id
    assert story.send().state == "requested"


def test_the_database_lets_nobody_take_a_signature_away(story, ratna):
    case = child_file(story, ratna, SUSPECT)
    story.draft(case=case)
    made = story.at(story.sari).record_consent(case_id=case.id, giving=giving(story, form="best_interest_record", given_by="institution"))
    for signers in ([], [ratna.id], [story.sari.id, story.sari.id], [ratna.id, story.sari.id]):
        with pytest.raises(DatabaseError):
            story.session.execute(text("UPDATE consent SET signers = :signers WHERE id = :id"), {"signers": signers, "id": made.id})
        story.session.rollback()
