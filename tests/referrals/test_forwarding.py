"""The recipient knows a better place: proposed, refused, or agreed to on a consent of its own; what is passed on never grows."""

from dataclasses import replace

import pytest

from referral_hub import errors
from referral_hub.referrals import actions
from tests.referrals.story import DAY, HOUR, NOW


@pytest.fixture
def other(network):
    house = network.agency("lkbh", "legal")
    network.offer(house, "legal_consult")
    return house


def proposed(story, other, *, stage="accepted", **more):
    getattr(story, stage)(**more)
    return story.at(story.santi, DAY).on("propose_forward", target_agency=other.id, reason="better_placed", note="Mereka punya ahlinya.")


def consent_for(story, house, **changes):
    """The survivor agrees to the other agency, in her file."""
    giving = story.giving(**changes)
    giving = replace(giving, agency_id=house.id, shown=replace(giving.shown, agency_id=house.id))
    from referral_hub.consent import rules

    giving = replace(giving, text_shown=rules.wording(giving.shown).shown)
    return story.at(story.sari, DAY).do(actions.record_consent, case_id=story.row().case_id, giving=giving)


def test_agreed_to_and_sent_on(network, story, other):
    dewi = network.member(other, "lawyer")
    row = proposed(story, other)
    assert (row.state, "forward_proposed" in row.flags, row.redirect_agency) == ("accepted", True, other.id)
    assert [line.awaited for line in story.at(story.sari, DAY).ask("work_list").needs_you] == ["answer"]
    consent = consent_for(story, other)
    old, size = story.id, len(story.entries())
    draft = story.at(story.sari, 2 * DAY).on("approve_forward", consent_id=consent.id)
    assert [e.action for e in story.entries()[size:]] == ["referral.approve_forward", "referral.create"]
    ended = story.row()
    assert (ended.state, ended.business, "purge_due" in ended.flags) == ("cancelled", "referred-elsewhere", True)
    assert (draft.state, draft.part_of, draft.to_agency, draft.consent_id) == ("draft", old, other.id, consent.id)
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, 2 * DAY).section("identity")).code == "access_ended"
    story.id, story.clock = draft.id, NOW + 2 * DAY
    story.send(recipient_code="lkbh")
    story.at(dewi, HOUR).on("accept", handler=dewi.id, first_contact_by=story.clock + DAY)
    assert story.at(dewi, HOUR).section("identity").fields["full_name"] == "Melati Contoh"


def test_what_is_passed_on_never_grows(network, story, other):
    """The first sending left the name out; the second cannot bring it, whatever the draft says."""
    network.member(other, "lawyer")
    story.draft(choice={"identity": ["birth_date"], "needs": ["wishes"]})
    story.agree()
    story.send()
    story.at(story.santi, HOUR).on("open_preview")
    story.at(story.santi, HOUR).on("propose_forward", target_agency=other.id, reason="capacity_lost")
    draft = story.at(story.sari, DAY).on("approve_forward", consent_id=consent_for(story, other).id)
    story.id, story.clock = draft.id, NOW + DAY
    story.at(story.sari).on("edit_draft", choice={"identity": ["birth_date", "full_name"]})
    failure = story.refused(story.sari, "referral.send", lambda: story.send(recipient_code="lkbh"))
    assert (failure.code, failure.facts["fields"]) == ("beyond_matrix", ["identity.full_name"])
    story.at(story.sari).on("edit_draft", choice={"identity": ["birth_date"]})
    assert story.send(recipient_code="lkbh").state == "requested"


def test_without_her_consent_nothing_is_passed_on(story, other):
    proposed(story, other)
    mine = story.row().consent_id
    for consent_id in (mine, story.id):
        act = lambda c=consent_id: story.at(story.sari, DAY).on("approve_forward", consent_id=c)  # noqa: E731
        assert story.refused(story.sari, "referral.approve_forward", act).code == "no_consent"


def test_refused_and_served_on(story, other):
    proposed(story, other)
    back = story.at(story.sari, 2 * DAY).on("refuse_forward", reason="survivor_refuses")
    assert (back.state, "forward_proposed" in back.flags) == ("accepted", False)
    assert story.at(story.santi, 2 * DAY).section("identity").fields
    again = lambda: story.at(story.sari, 2 * DAY).on("refuse_forward", reason="survivor_refuses")  # noqa: E731
    assert story.refused(story.sari, "referral.refuse_forward", again).code == "wrong_state"


def test_only_who_offers_the_service_is_proposed(network, story):
    story.accepted()
    clinic = network.agency("klinik", "psychosocial")
    for target in (clinic.id, story.uptd.id, story.lbh.id, story.id):
        act = lambda t=target: story.at(story.santi, DAY).on("propose_forward", target_agency=t, reason="better_placed")  # noqa: E731
        assert story.refused(story.santi, "referral.propose_forward", act).fields == {"target_agency": ("not_known",)}


def test_a_stranger_decides_nothing(network, story, other):
    proposed(story, other)
    stranger = network.member(other, "lawyer")
    act = lambda: story.at(stranger, DAY).on("refuse_forward", reason="survivor_refuses")  # noqa: E731
    assert isinstance(story.refused(stranger, "referral.refuse_forward", act), errors.NotFound)
