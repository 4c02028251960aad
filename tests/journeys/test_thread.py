"""A survivor is referred to legal aid: the whole story through the actions, in the order people live it.

Sari works at the social-services agency; Melati is 36 and wants legal help. Santi is a lawyer at legal aid; Andi, her colleague, knows the
suspect. The clinic's psychologist has nothing to do with it.
"""

from datetime import date

import pytest

from referral_hub import errors
from referral_hub.cases import actions as cases
from referral_hub.referrals.reading import reveal
from tests.referrals.story import DAY, HOUR, MINUTE, NOW


def test_from_the_file_to_the_outcome(network, story):
    sari, santi = story.sari, story.santi
    andi, lead = network.member(story.lbh, "lawyer"), network.member(story.uptd, "case_lead")
    clinic = network.member(network.agency("klinik", "psychosocial"), "psychologist")

    # The file, and a draft that nobody else sees.
    case = story.open_file()
    story.at(lead).do(cases.conflict_add, case_id=case.id, member_id=andi.id)
    story.draft(case=case)
    assert [line.awaited for line in story.at(sari).ask("work_list").needs_you] == ["send"]
    assert story.at(santi).ask("work_list").needs_you == ()

    # She is asked. Not everything may go along.
    assert story.refused(sari, "referral.send", story.send).code == "no_consent"
    story.agree(until=date(2027, 5, 1), excluded=("identity.birth_date",))
    check = story.at(sari).ask("check", referral_id=story.id)
    assert (check.code_needed, check.blocked_people) == (True, 1)
    sent = story.send(recipient_code="lbh")
    assert (sent.state, sent.respond_by > NOW) == ("requested", True)

    # Legal aid decides on the preview alone.
    (card,) = story.at(santi, HOUR).ask("work_list").needs_you
    assert (card.awaited, card.service) == ("accept", "legal_consult")
    assert story.at(andi, HOUR).ask("work_list").needs_you == ()
    story.at(santi, HOUR).on("open_preview")
    preview = story.at(santi, HOUR).read("preview_page")
    assert {s.code for s in preview.sections} == {"meta", "profile", "consent"}
    assert story.refused(santi, "section.read", lambda: story.at(santi, HOUR).section("identity")).code == "section_not_granted"
    story.at(santi, 2 * HOUR).on("accept", handler=santi.id, first_contact_by=NOW + DAY)

    # Now it opens: first how to reach her, then the rest; what she left out is not there.
    assert not story.at(santi, 3 * HOUR).detail().safe_contact_read
    contact = story.at(santi, 3 * HOUR).section("safe_contact")
    assert contact.fields["must_not_know"] == "majikan"
    identity = story.at(santi, 3 * HOUR).section("identity")
    assert identity.fields == {"full_name": "Melati Contoh"}
    assert story.at(santi, 3 * HOUR).detail().safe_contact_read

    # Nobody else.
    assert isinstance(story.refused(clinic, "section.read", lambda: story.at(clinic, DAY).section("identity")), errors.NotFound)
    assert story.refused(andi, "section.read", lambda: story.at(andi, DAY).section("identity")).code == "conflict_of_interest"

    # The service, and how it ended.
    story.at(santi, DAY).on("start")
    story.at(santi, 5 * DAY).on("progress", milestone="poa_signed", note="Surat kuasa ditandatangani.")
    done = story.at(santi, 9 * DAY).on("complete", outcome="poa_signed", note="Pendampingan selesai.")
    assert (done.state, done.milestones, done.outcome) == ("completed", ("poa_signed",), "poa_signed")
    notes = story.at(sari, 10 * DAY).read("notes").notes
    assert [n.text for n in notes] == ["Surat kuasa ditandatangani.", "Pendampingan selesai."]
    assert story.at(santi, 20 * DAY).section("identity").fields
    assert story.refused(santi, "section.read", lambda: story.at(santi, 23 * DAY + HOUR).section("identity")).code == "access_ended"

    # What Sari can tell Melati: who saw what, and that two attempts were refused.
    seen = story.at(sari, 24 * DAY).detail()
    assert {(s.code, s.sections) for s in seen.seen if s.agency_id == story.lbh.id} >= {
        ("PS-01", ("identity",)), ("PS-01", ("safe_contact",)),
    }  # fmt: skip
    assert seen.refused_attempts == 5


def test_she_changes_her_mind(story):
    """Consent is taken back while the service runs: access ends in the same moment, also for a page that is being opened."""
    story.started()
    opened = story.at(story.santi, DAY).opened("section", section="identity")
    (ended,) = story.at(story.sari, DAY).withdraw_consent(consent_id=story.row().consent_id)
    assert (ended.state, "purge_due" in ended.flags) == ("cancelled", True)
    assert reveal(opened).sections  # the opening came first, and stands in the log before the withdrawal
    actions = [e.action for e in story.entries()]
    assert actions.index("section.read") < actions.index("consent.withdraw")
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("identity")).code == "access_ended"
    assert [line.awaited for line in story.at(story.santi, DAY).ask("work_list").needs_you] == ["confirm_purge"]
    assert story.at(story.sari, DAY).section("identity").fields


def test_legal_aid_is_full(network, story):
    """Declined with another agency named; the sender asks her again and refers there, on a consent of its own."""
    other = network.agency("lkbh", "legal")
    network.offer(other, "legal_consult")
    dewi = network.member(other, "lawyer")
    story.opened()
    story.at(story.santi, 2 * HOUR).on("decline", reason="no_capacity", redirect_agency=other.id, note="Penuh sampai Desember.")
    (card,) = story.at(story.sari, DAY).ask("work_list").needs_you
    assert (card.awaited, card.state) == ("choose_other", "rejected")
    assert story.at(story.sari, DAY).read("notes").notes[0].text == "Penuh sampai Desember."
    case = story.row()
    story.clock = NOW + DAY
    story.draft(case=Named(case.case_id), to=other)
    story.agree()
    story.send(recipient_code="lkbh")
    story.at(dewi, HOUR).on("accept", handler=dewi.id, first_contact_by=story.clock + DAY)
    assert story.at(dewi, HOUR).section("identity").fields
    assert isinstance(story.refused(story.santi, "section.read", lambda: story.at(story.santi, HOUR).section("identity")), errors.NotFound)


class Named:
    """A case by its id."""

    def __init__(self, case_id):
        self.id = case_id


def test_sent_to_the_wrong_place(story):
    """Noticed within ten minutes, before anybody opened it."""
    story.sent()
    story.at(story.sari, 3 * MINUTE).on("recall")
    page = story.at(story.santi, HOUR).detail()
    assert (page.referral.state, page.grant, page.acts) == ("cancelled", "revoked", ())
    with pytest.raises(errors.NotAllowed):
        story.at(story.santi, HOUR).read("preview_page")
    assert story.at(story.santi, HOUR).ask("work_list").needs_you == ()
