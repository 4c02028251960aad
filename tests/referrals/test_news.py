"""What the other side changed stands on the card of a work list until whoever handles the referral has read it."""

from referral_hub.referrals import actions
from tests.referrals.story import DAY, HOUR, IDENTITY
from tests.referrals.test_further import CHRONOLOGY, asked, correct, fill, supplied


def news(story, person, after=2 * DAY):
    work = story.at(person, after).ask("work_list")
    (line,) = (*work.needs_you, *work.waiting)
    return line.news


def test_a_correction_is_news_until_its_section_is_read(network, story):
    story.accepted()
    story.at(story.santi, 3 * HOUR).section("identity")
    assert news(story, story.santi) == ""
    correct(story, "identity", IDENTITY | {"full_name": "Melati Lain"})
    assert (news(story, story.santi), news(story, story.sari)) == ("revise", "")
    story.at(story.santi, DAY).section("needs")
    story.at(network.member(story.lbh, "lawyer"), DAY).section("identity")  # a colleague's reading is not hers
    assert news(story, story.santi) == "revise"
    story.at(story.santi, DAY).section("identity")
    assert news(story, story.santi) == ""
    assert story.at(story.santi, DAY).ask("work_list").needs_you[0].awaited == "start"


def test_what_was_corrected_before_acceptance_is_no_news(story):
    story.opened()
    correct(story, "identity", IDENTITY | {"full_name": "Melati Lain"})
    assert news(story, story.santi) == ""
    story.at(story.santi, 5 * HOUR).on("accept", handler=story.santi.id, first_contact_by=story.clock + DAY)
    assert news(story, story.santi) == ""


def test_further_sections_are_news_at_both_sides_in_turn(story):
    asked(story, "chronology")
    assert (news(story, story.sari), news(story, story.santi)) == ("ask_sections", "")
    fill(story, chronology=CHRONOLOGY)
    supplied(story, "chronology")
    assert (news(story, story.sari), news(story, story.santi)) == ("", "supply_sections")
    story.at(story.santi, 2 * DAY).detail()
    assert news(story, story.santi) == "supply_sections"  # the page alone shows nothing of it
    story.at(story.santi, 2 * DAY).section("chronology")
    assert news(story, story.santi) == ""


def test_a_refusal_is_news_until_the_referral_is_looked_at(story):
    asked(story, "chronology")
    story.at(story.sari, DAY).on("refuse_sections", reason="survivor_refuses")
    assert news(story, story.santi) == "refuse_sections"
    story.at(story.santi, 2 * DAY).detail()
    assert news(story, story.santi) == ""


def test_what_the_survivor_took_back_is_no_news_any_more(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis = supplied(story, "chronology")
    assert news(story, story.santi) == "supply_sections"
    story.at(story.sari, DAY).do(actions.withdraw_consent, consent_id=basis.id)
    assert news(story, story.santi) == ""
