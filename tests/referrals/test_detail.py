"""The page of one referral without its content, and the facts for form pages."""

import pytest

from referral_hub import errors
from referral_hub.cases import actions as cases
from referral_hub.referrals import noticing, queries, values
from tests.referrals.story import DAY, HOUR, MINUTE, NOW, SECTIONS


def acts(story, person, after=HOUR):
    return story.at(person, after).detail().acts


ENDS = ("revise", "renew_basis", "close_upstream", "withdraw")
ACCEPTED = (
    "start", "ask_information", "ask_sections", "waitlist", "schedule", "no_show", "request_transfer", "cannot_continue", "un_accept", "propose_forward",
)  # fmt: skip
SERVING = ("progress", "complete", "ask_information", "ask_sections", "schedule", "no_show", "request_transfer", "cannot_continue")


def test_which_acts_are_offered_to_whom_in_which_state(network, story):
    lead = network.member(story.uptd, "case_lead")
    story.draft()
    assert (acts(story, story.sari), acts(story, lead)) == (("send", "submit", "close_upstream", "discard"), ("send", "mark_error"))
    story.agree()
    story.send()
    assert acts(story, story.sari, 5 * MINUTE) == ("revise", "renew_basis", "close_upstream", "recall", "withdraw")
    assert acts(story, story.sari, 11 * MINUTE) == ENDS
    assert acts(story, story.santi) == ("open_preview", "claim", "accept", "decline", "propose_forward")
    story.at(story.santi, HOUR).on("open_preview")
    assert (acts(story, story.santi), acts(story, story.sari)) == (("claim", "accept", "decline", "ask_information", "propose_forward"), ENDS)
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert (acts(story, story.santi), acts(story, story.sari), acts(story, lead)) == (ACCEPTED, ("supply_sections", *ENDS), ("mark_error", "withdraw"))
    story.at(story.santi, HOUR).on("start")
    assert (acts(story, story.santi), acts(story, story.sari)) == (SERVING, ("supply_sections", "revise", "renew_basis", "request_cancel", "close_upstream"))
    story.at(story.santi, HOUR).on("complete", outcome="service_given")
    assert (acts(story, story.santi), acts(story, story.sari)) == ((), ("dispute",))


def test_what_is_offered_can_be_done(network, story):
    """Every act that the page offers goes through; none that it does not offer does."""
    story.sent()
    inputs = {
        "accept": {"handler": story.santi.id, "first_contact_by": NOW + DAY}, "decline": {"reason": "duplicate"},
        "withdraw": {"reason": "need_gone"}, "progress": {"milestone": "contact_made", "note": "Ya."}, "complete": {"outcome": "service_given"},
    }  # fmt: skip
    every = ("recall", "open_preview", "claim", "accept", "decline", "start", "progress", "complete", "withdraw", "discard")
    for person, step in ((story.santi, "open_preview"), (story.santi, "claim"), (story.santi, "accept"), (story.santi, "start"), (story.santi, "complete")):
        for who in (story.sari, story.santi):
            for event in set(every) - set(acts(story, who, MINUTE)):
                with pytest.raises(errors.HubError):
                    story.at(who, MINUTE).on(event, **inputs.get(event, {}))
        assert step in acts(story, person, MINUTE)
        story.at(person, MINUTE).on(step, **inputs.get(step, {}))


def test_sections_open_with_acceptance_and_close_with_the_end(story):
    def states(person, after=HOUR):
        return {s.code: s.state for s in story.at(person, after).detail().sections}

    story.opened()
    before = states(story.santi)
    assert {code for code, state in before.items() if state == "later"} == set(SECTIONS)
    assert {code for code, state in before.items() if state == "not_shared"} >= {"medical", "incident"}
    assert {code for code, state in states(story.sari).items() if state == "open"} == set(SECTIONS)
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert {code for code, state in states(story.santi).items() if state == "open"} == set(SECTIONS)
    story.at(story.sari, HOUR).on("withdraw", reason="need_gone")
    assert {code for code, state in states(story.santi).items() if state == "closed"} == set(SECTIONS)


def test_who_has_seen_this(network, story):
    story.accepted()
    stranger = network.member(network.agency("klinik", "psychosocial"), "psychologist")
    story.at(story.santi, 3 * HOUR).section("identity")
    story.refused(stranger, "section.read", lambda: story.at(stranger, DAY).section("identity"))
    for person in (story.sari, story.santi):
        page = story.at(person, DAY).detail()
        first = page.seen[0]
        assert (first.at, first.role, first.code, first.action, first.sections) == (NOW + 3 * HOUR, "lawyer", "PS-01", "section.read", ("identity",))
        assert first.agency_id == story.lbh.id
        assert page.refused_attempts == 1
    assert {s.code for s in story.at(story.santi, DAY).detail().sections if s.read_by_actor} == {"identity"}
    assert not any(s.read_by_actor for s in story.at(story.sari, DAY).detail().sections)


def test_what_the_sender_looked_at_before_sending_is_not_what_was_sent(story):
    story.draft()
    story.agree()
    noticing.reveal(story.at(story.sari).do(noticing.open_look, referral_id=story.id))
    story.send()
    assert not any(s.read_by_actor for s in story.at(story.sari, HOUR).detail().sections)
    story.at(story.sari, HOUR).section("identity")
    assert {s.code for s in story.at(story.sari, DAY).detail().sections if s.read_by_actor} == {"identity"}


def test_the_recipient_sees_the_history_from_the_sending_on(story):
    story.accepted()
    ours, theirs = story.at(story.sari, DAY).detail(), story.at(story.santi, DAY).detail()
    assert [e.code for e in ours.history] == ["create", "send", "open_preview", "accept"]
    assert [e.code for e in theirs.history] == ["send", "open_preview", "accept"]
    assert (ours.side, theirs.side) == ("sender", "recipient")
    assert (ours.grant, theirs.grant) == ("own", "full")
    assert ours.referral.case_id is not None
    assert theirs.referral.case_id is None


def test_the_page_is_one_entry_about_one_survivor(story):
    story.accepted()
    size = len(story.entries())
    page = story.at(story.santi, DAY).detail()
    (entry,) = story.entries()[size:]
    assert (entry.action, entry.object_id, entry.count, len(entry.subjects)) == ("referral.list", story.id, 1, 1)
    assert page.ticket.index == size


def test_clocks_of_the_thread(story):
    story.sent()
    assert [(c.kind, c.state) for c in story.at(story.sari, HOUR).detail().clocks] == [("ack", "calm")]
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + 2 * DAY)
    assert [(c.kind, c.state) for c in story.at(story.sari, 3 * DAY).detail().clocks] == [("ack", "done"), ("first_service", "late")]
    story.at(story.santi, 3 * DAY).on("start")
    story.at(story.santi, 10 * DAY).on("progress", milestone="session_held", note="Ya.")
    shown = story.at(story.sari, 11 * DAY).detail().clocks
    assert [(c.kind, c.state, c.due) for c in shown][-1] == ("update", "calm", NOW + 24 * DAY)
    story.at(story.santi, 12 * DAY).on("complete", outcome="service_given")
    page = story.at(story.santi, 13 * DAY).detail()
    assert [(c.kind, c.state) for c in page.clocks][-1] == ("read_only", "calm")
    assert page.read_until == NOW + 26 * DAY


# --- facts for form pages ----------------------------------------------------------------------------------------------------


def test_the_task_list_of_a_draft(story):
    story.draft()
    size = len(story.entries())
    page = story.at(story.sari).ask("draft", referral_id=story.id)
    assert (page.parts, page.consent) == ({"meta", "needs"}, "lacks")
    assert page.own_sections == {"profile", "identity", "safe_contact", "safety"}
    assert page.alias == story.at(story.sari).ask("work_list").needs_you[0].alias
    story.agree()
    page = story.at(story.sari).ask("draft", referral_id=story.id)
    assert (page.parts, page.consent) == ({"meta", "needs", "consent"}, "covers")
    assert len(story.entries()) == size + 2  # the list above, and the consent; form pages leave none


def test_what_check_and_send_asks(network, story):
    andi = network.member(story.lbh, "lawyer")
    lead = network.member(story.uptd, "case_lead")
    story.draft(urgency="emergency")
    assert story.at(story.sari).ask("check", referral_id=story.id) == values.Check(
        code_needed=True, recipient_code="lbh", phone_needed=True, second_person_needed=False, minor=False, recipient_active=True, blocked_people=0,
        awaiting=False, acts=("send", "submit", "close_upstream", "discard"),
    )  # fmt: skip
    story.at(lead).do(cases.conflict_add, case_id=story.row().case_id, member_id=andi.id)
    assert story.at(story.sari).ask("check", referral_id=story.id).blocked_people == 1


def test_what_may_be_shared(story):
    story.draft()
    page = story.at(story.sari).ask("choice", referral_id=story.id)
    assert "address_now" not in page.ceiling["identity"]
    assert set(page.ticked["identity"]) <= set(page.ceiling["identity"])
    assert "profile.sex" in page.preview
    assert page.always == {"meta", "profile", "consent"}
    assert page.filled == {"meta", "needs", "profile", "identity", "safe_contact", "safety"}
    assert "medical" not in page.ceiling
    assert set(page.ticked["safe_contact"]) >= {"phone", "safe_times"}
    story.agree(contact=False)
    assert set(story.at(story.sari).ask("choice", referral_id=story.id).ticked["safe_contact"]).isdisjoint({"phone", "safe_times"})


def test_form_pages_of_a_draft_are_the_senders(story):
    story.draft()
    for name in ("draft", "check", "choice", "referral"):
        with pytest.raises(errors.NotFound):
            story.at(story.santi).ask(name, referral_id=story.id)
    story.agree()
    story.send()
    for name in ("draft", "check", "choice"):
        with pytest.raises(errors.NotFound):
            story.at(story.sari).ask(name, referral_id=story.id)
        with pytest.raises(errors.NotFound):
            story.at(story.santi).ask(name, referral_id=story.id)
    assert story.at(story.santi).ask("referral", referral_id=story.id).state == "requested"


def test_only_the_recipient_names_a_handler(network, story):
    admin, andi = network.member(story.lbh, "agency_admin"), network.member(story.lbh, "paralegal")
    story.sent()
    able = {m.id for m in story.at(story.santi).ask("handlers", referral_id=story.id)}
    assert able == {story.santi.id, andi.id}
    assert admin.id not in able
    with pytest.raises(errors.RuleBroken):
        story.at(story.sari).ask("handlers", referral_id=story.id)


def test_what_was_read_is_not_crowded_out_by_pages_looked_at(network, story):
    andi = network.member(story.lbh, "paralegal")
    story.accepted()
    story.at(story.santi, 3 * HOUR).section("safe_contact")
    desk = story.at(story.santi, DAY)
    for _ in range(60):
        desk.detail()
    page = desk.detail()
    assert page.safe_contact_read
    assert [s.action for s in page.seen] == ["section.safe_contact_read"]
    assert not story.at(andi, DAY).detail().safe_contact_read


def test_a_glance_before_anything_is_opened(network, story):
    story.opened()
    desk = story.at(story.santi, HOUR)
    size = len(story.entries())
    before = desk.ask("glance", referral_id=story.id)
    assert (before.side, before.grant, before.may_preview, before.may_open) == ("recipient", "preview", True, frozenset())
    assert (before.consent, before.acts, set(before.granted)) == ("covers", ("claim", "accept", "decline", "ask_information", "propose_forward"), set(SECTIONS))
    assert before.codes == {story.santi.id: "PS-01", story.sari.id: "PS-01"}
    assert len(story.entries()) == size
    desk.on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert desk.ask("glance", referral_id=story.id).may_open == set(SECTIONS)
    stranger = network.member(network.agency("klinik", "psychosocial"), "psychologist")
    with pytest.raises(errors.NotFound):
        story.at(stranger, DAY).ask("glance", referral_id=story.id)


def test_a_glance_at_what_was_not_opened_shows_no_preview(story):
    story.sent()
    assert not story.at(story.santi, HOUR).ask("glance", referral_id=story.id).may_preview


def test_who_may_see_a_restricted_contact(network, story):
    colleague = network.member(story.uptd, "social_worker")

    def may(person):
        found = queries.has_accepted_referral(story.session, actor=person.actor, to_agency=story.lbh.id)
        story.session.rollback()
        return found

    story.opened()
    assert not may(story.sari)
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert (may(story.sari), may(colleague), may(story.santi)) == (True, False, False)
    assert queries.numbers(story.session, referral_ids=[story.id]) == {story.id: story.row().number}
