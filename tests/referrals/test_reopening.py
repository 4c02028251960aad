"""What has ended stays ended; a new referral is based on it."""

import pytest

from referral_hub import errors
from referral_hub.referrals import actions
from tests.referrals.story import DAY, META, NEEDS


def anew(story, *, after=3 * DAY, person=None):
    return story.at(person or story.sari, after).on("start_anew")


def test_a_new_draft_is_linked_and_the_old_one_stays_closed(story):
    story.completed()
    old, size = story.id, len(story.entries())
    made = anew(story)
    assert [e.action for e in story.entries()[size:]] == ["referral.create"]
    assert (made.state, made.part_of, made.to_agency, made.service, made.consent_id) == ("draft", old, story.lbh.id, "legal_consult", None)
    assert story.row().state == "completed"
    assert story.at(story.sari, 3 * DAY).ask("chain", referral_id=old) == ("", (made.number,))
    assert story.at(story.sari, 3 * DAY).ask("chain", referral_id=made.id) == (story.row().number, ())
    story.id, story.clock = made.id, story.clock + 3 * DAY
    written = {part.code: part.fields for part in story.at(story.sari).read("draft", parts=("meta", "needs")).sections}
    assert (written["meta"]["purpose"], written["needs"]["wishes"]) == (META["purpose"], NEEDS["wishes"])
    assert story.refused(story.sari, "referral.send", story.send).code == "no_consent"
    story.agree()
    assert story.send().state == "requested"


def test_it_may_share_more_than_the_old_one_on_a_consent_of_its_own(story):
    story.completed_with(choice={"identity": ["birth_date"], "needs": ["wishes"]})
    made = anew(story)
    story.id, story.clock = made.id, story.clock + 3 * DAY
    story.agree()
    assert story.send().state == "requested"
    assert story.at(story.sari).section("identity").fields["full_name"] == "Melati Contoh"


@pytest.mark.parametrize("stage", ["sent", "accepted", "started"])
def test_only_what_has_ended_is_begun_anew(story, stage):
    getattr(story, stage)()
    assert story.refused(story.sari, "referral.create", lambda: anew(story)).code == "wrong_state"


def test_only_by_the_sending_side(network, story):
    story.completed()
    stranger = network.member(network.agency("lain", "legal"), "lawyer")
    version = story.version()
    for person in (story.santi, stranger):
        refused = story.refused(person, "referral.create", lambda p=person: story.at(p, 3 * DAY).on("start_anew", version=version))
        assert refused.code in {"wrong_side", "not_found", "not_allowed", "role_lacks_ability"}
    with pytest.raises(errors.RuleBroken):
        story.at(story.santi, 3 * DAY).ask("chain", referral_id=story.id)


def test_a_discarded_draft_is_no_base(story):
    story.draft()
    story.at(story.sari).on("discard")
    assert story.refused(story.sari, "referral.create", lambda: anew(story)).code == "wrong_state"
    assert callable(actions.start_anew)
