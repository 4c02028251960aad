"""Before sending: free text that names her or holds a number is noticed once, in whichever section; and the second signer may look."""

import pytest

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.referrals import noticing
from tests.referrals.story import HOUR, NEEDS

TELLING = NEEDS | {"wishes": "Melati ingin dihubungi di 0812-0000-0000"}


def look(story, person):
    desk = story.at(person)
    return noticing.reveal(desk.do(noticing.open_look, referral_id=story.id))


def ready(story, **draft):
    story.draft(**({"needs": TELLING} | draft))
    story.agree()


def test_a_text_that_names_her_is_not_sent_unseen_and_goes_knowingly(story):
    ready(story)
    with pytest.raises(errors.InputInvalid) as refused:
        story.send()
    assert refused.value.fields == {"needs.wishes": ("holds_name", "looks_like_phone")}
    assert "Melati" not in repr(refused.value) + str(refused.value)
    assert story.row().state == "draft"
    with pytest.raises(errors.InputInvalid):
        story.send(looked_at=("needs.current_state",))
    assert story.send(looked_at=("needs.wishes",)).state == "requested"


def test_the_look_before_sending_is_one_opening_that_names_what_was_compared(story):
    ready(story)
    before = len(story.entries())
    found = look(story, story.sari)
    assert (found.must_not_know, found.may_correct) == ("majikan", True)
    assert found.noticed == {"needs.wishes": ("holds_name", "looks_like_phone")}
    assert "Melati" not in repr(found) + repr(story.at(story.sari).do(noticing.open_look, referral_id=story.id))
    (entry,) = story.entries()[before : before + 1]
    assert (entry.action, entry.outcome, entry.object_kind) == ("section.safe_contact_read", "allow", "section")
    assert {"identity", "needs", "safe_contact"} <= set(entry.sections)


def test_what_is_not_shared_is_not_noticed(story):
    ready(story, choice={"profile": ["languages"]})
    assert look(story, story.sari).noticed == {}
    assert story.send().state == "requested"


def test_sections_of_the_file_are_looked_at_whichever_page_is_open(story, case_with_story):
    story.draft(case=case_with_story("Contohnya Melati sendiri"))
    story.agree(sections=("meta", "profile", "identity", "safe_contact", "needs", "consent", "incident"))
    assert look(story, story.sari).noticed == {"incident.summary": ("holds_name",)}
    with pytest.raises(errors.InputInvalid) as refused:
        story.send()
    assert set(refused.value.fields) == {"incident.summary"}


@pytest.fixture
def case_with_story(story):
    from referral_hub.cases import actions as cases

    def made(text):
        case = story.open_file()
        story.at(story.sari).do(cases.edit_section, case_id=case.id, section="incident", values={"summary": text}, version=0, only={"summary"})
        return case

    return made


# --- the second signer


@pytest.fixture
def head(story):
    """A case lead who is not assigned to the file."""
    return story.network.member(story.uptd, "case_lead")


def test_who_signs_second_reads_who_must_not_know_once_it_was_submitted(story, head):
    ready(story)
    with pytest.raises(errors.NotFound):
        look(story, head)
    story.at(story.sari, HOUR).on("submit")
    found = look(story, head)
    assert (found.must_not_know, found.may_correct, set(found.noticed)) == ("majikan", False, {"needs.wishes"})
    entry = story.entries()[-1]
    assert (entry.basis, entry.rule_ids) == ("supervisor", ("supervisor-looks",))
    sent = story.at(head, HOUR).on("send", safe_contact_read=True, recipient_code="lbh", phoned=True, looked_at=("needs.wishes",))
    assert sent.state == "requested"
    with pytest.raises(errors.HubError):
        look(story, head)


def test_a_colleague_who_does_not_approve_and_a_stranger_see_nothing(story):
    ready(story)
    story.at(story.sari, HOUR).on("submit")
    peer = story.network.member(story.uptd, "social_worker")
    for person in (peer, story.santi):
        with pytest.raises(errors.HubError) as refused:
            transact(story.session, lambda s, p=person: noticing.open_look(s, actor=p.actor, keys=p.keys, now=story.clock, referral_id=story.id))
        assert refused.value.code in {"not_found", "not_assigned", "role_lacks_ability"}
