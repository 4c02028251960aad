"""What a sending refuses, and what it seals."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.audit import queries as log
from referral_hub.cases import actions as cases
from referral_hub.db import transact
from tests.referrals.story import DAY, HOUR, MINUTE, NEEDS, NOW, PROFILE, SECTIONS

CHILD = PROFILE | {"age_band": "13_17"}


def refused_send(story, **inputs):
    return story.refused(story.sari, "referral.send", lambda: story.send(**inputs))


# --- basis ---------------------------------------------------------------------------------------------------------------


def test_without_consent_nothing_is_sent(story):
    story.draft()
    assert refused_send(story).code == "no_consent"
    assert story.row().state == "draft"


def test_a_refusal_of_the_survivor_is_no_consent(story):
    story.draft()
    answered = story.at(story.sari).on("refuse_consent", language="su")
    assert (answered.state, answered.consent_id) == ("draft", None)
    assert refused_send(story).code == "no_consent"
    assert story.entries()[-2].action == "consent.refuse"


def test_a_refusal_after_a_consent_leaves_the_draft_resting_on_nothing(story):
    story.draft()
    story.agree()
    story.at(story.sari).on("refuse_consent", language="id")
    assert refused_send(story).code == "no_consent"


def test_an_adults_consent_sends_no_childs_referral(story):
    story.draft(case=story.open_file(profile=CHILD, identity={"full_name": "Melati Contoh", "birth_date": "2012-03-15"}))
    assert story.refused(story.sari, "consent.give", story.agree).fields == {"child_guardian": ("required",)}
    assert refused_send(story).code == "no_consent"


def test_a_consent_that_has_ended_sends_nothing(story):
    story.draft()
    story.agree(until=date(2026, 11, 3))
    story.clock = NOW + DAY + HOUR
    assert story.at(story.sari).ask("draft", referral_id=story.id).consent == "covers"
    story.clock = NOW + 2 * DAY
    assert refused_send(story).code == "consent_expired"


def test_a_consent_taken_back_ends_the_draft_that_rests_on_it(story):
    story.draft()
    agreed = story.agree()
    (ended,) = story.at(story.sari, HOUR).withdraw_consent(consent_id=agreed.consent_id)
    assert (ended.state, ended.business) == ("cancelled", "consent-withdrawn")
    assert refused_send(story).code == "wrong_state"
    with pytest.raises(errors.NotFound):
        story.at(story.sari, HOUR).read("draft", parts=("needs",))


def test_a_choice_beyond_consent_is_refused(story):
    story.draft(choice={"identity": ["full_name"], "safe_contact": ["method"]})
    story.agree(sections=("meta", "profile", "safe_contact", "consent"))
    refusal = refused_send(story)
    assert (refusal.code, refusal.facts["sections"]) == ("consent_scope", ("identity",))


def test_without_a_choice_only_what_consent_covers_is_sent(story):
    story.draft()
    story.agree(sections=("meta", "profile", "safe_contact", "consent"))
    story.send()
    assert story.entries()[-1].sections == ("consent", "meta", "profile", "safe_contact")


def test_a_field_that_the_survivor_left_out_is_not_sent(story):
    story.draft()
    story.agree(excluded=("identity.nik", "safe_contact.code_word_ok"))
    story.send()
    assert "nik" not in story.at(story.sari).section("identity").fields
    masked = story.at(story.sari).section("identity").masked | story.at(story.sari).section("safe_contact").masked
    assert masked == frozenset()


def test_without_leave_to_contact_the_way_to_her_is_left_out(story):
    story.draft()
    story.agree(contact=False)
    story.send()
    fields = story.at(story.sari).section("safe_contact").fields
    assert "safe_times" not in fields
    assert fields["must_not_know"] == "majikan"


def test_a_consent_for_another_recipient_never_carries_over(network, story):
    other = network.agency("lkbh", "legal")
    network.offer(other, "legal_consult")
    story.draft()
    story.agree()
    moved = story.at(story.sari).on("edit_draft", recipient_agency=other.id)
    assert (moved.to_agency, moved.consent_id) == (other.id, None)
    assert refused_send(story, recipient_code="lkbh").code == "no_consent"


def test_extreme_risk_waits_for_a_second_person(story, session):
    story.draft()
    story.agree()
    transact(session, lambda s: s.execute(text("UPDATE case_file SET second_person_needed = true")))
    assert refused_send(story).code == "second_signer_needed"


# --- recipient -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [{"blocked_agencies": ["lbh"]}, {"blocked_kinds": ["legal"]}])
def test_a_blocked_recipient_gets_nothing(story, blocks):
    story.draft(case=story.open_file(safety={"blocked_people": "tidak ada"} | blocks))
    story.agree()
    assert refused_send(story).code == "blocked_by_survivor"


def test_an_agency_that_is_not_active_gets_nothing(story, session):
    story.draft()
    story.agree()
    transact(session, lambda s: s.execute(text("UPDATE agency SET state = 'disabled' WHERE code = 'lbh'")))
    assert refused_send(story).code == "guard_failed"


def test_a_draft_goes_to_active_agencies_that_offer_the_service(network, story):
    case = story.open_file()
    closed, other = network.agency("tutup", "legal", state="disabled"), network.agency("lkbh", "legal")
    for to, code in ((closed, "guard_failed"), (other, "service_not_allowed")):
        with pytest.raises(errors.RuleBroken) as refused:
            story.at(story.sari).create(case_id=case.id, service="legal_consult", recipient_agency=to.id)
        assert refused.value.code == code
    with pytest.raises(errors.InputInvalid) as refused:
        story.at(story.sari).create(case_id=case.id, service="legal_consult", recipient_agency=story.uptd.id)
    assert refused.value.fields == {"recipient_agency": ("own_agency",)}


def test_a_recipient_without_keys_gets_nothing(network, story):
    bare = network.agency("baru", "legal")
    network.offer(bare, "legal_consult")
    story.draft(to=bare)
    story.agree()
    assert refused_send(story, recipient_code="baru").code == "no_agency_key"


def test_a_service_may_be_for_some_senders_only(network, story):
    hospital = network.agency("rsud", "health")
    network.offer(hospital, "forensic_ver")
    network.member(hospital, "doctor")
    story.draft(to=hospital, service="forensic_ver")
    story.agree()
    assert refused_send(story, recipient_code="rsud").code == "service_not_allowed"


def test_the_first_referral_to_an_agency_is_confirmed_by_its_code(story):
    story.draft()
    story.agree()
    assert refused_send(story, recipient_code="").fields == {"recipient_code": ("required",)}
    assert refused_send(story, recipient_code="lbx").fields == {"recipient_code": ("code_mismatch",)}
    story.send(recipient_code=" LBH ")
    story.draft()
    assert story.at(story.sari).ask("check", referral_id=story.id).code_needed is False
    story.agree()
    assert story.send(recipient_code="").state == "requested"


def test_police_are_confirmed_by_code_every_time(network, story):
    police = network.agency("ppa", "police")
    network.offer(police, "police_report")
    network.member(police, "police_investigator")
    for _ in range(2):
        story.draft(to=police, service="police_report")
        story.agree()
        assert story.at(story.sari).ask("check", referral_id=story.id).code_needed is True
        assert refused_send(story, recipient_code="").fields == {"recipient_code": ("required",)}
        story.send(recipient_code="ppa")


def test_an_emergency_asks_for_the_phone_call(story):
    story.draft(urgency="emergency")
    story.agree()
    assert refused_send(story, phoned=False).fields == {"phoned": ("required",)}
    sent = story.send(phoned=True)
    assert sent.respond_by == NOW + 2 * HOUR


# --- what must be there --------------------------------------------------------------------------------------------------


def test_who_must_not_know_is_read_first(story):
    story.draft()
    story.agree()
    assert refused_send(story, safe_contact_read=False).fields == {"safe_contact_read": ("required",)}


def test_a_sending_needs_profile_safe_contact_and_the_blocked_fields(story):
    desk = story.at(story.sari)
    case = desk.do(cases.open_case)
    desk.do(cases.edit_section, case_id=case.id, section="profile", values=PROFILE, version=0)
    story.draft(case=case)
    story.agree()
    assert refused_send(story).fields == {"safe_contact": ("required",), "safety": ("required",)}


def test_a_draft_may_be_unfinished_but_not_sent(story):
    story.draft(meta={}, needs={"service_notes": "menyusul"})
    story.agree()
    assert set(refused_send(story).fields) == {"meta.purpose", "needs.wishes"}
    story.at(story.sari).on("edit_draft", parts={"meta": {"purpose": "Pendampingan."}, "needs": NEEDS})
    assert story.send().state == "requested"


def test_urgency_asks_for_its_reason(story):
    story.draft()
    story.at(story.sari).on("edit_draft", urgency="urgent")
    story.agree()
    assert set(refused_send(story).fields) == {"meta.urgency_reason"}


def test_a_draft_refuses_values_of_the_wrong_kind(story):
    case = story.open_file()
    with pytest.raises(errors.InputInvalid) as refused:
        story.draft(case=case, needs={"services_given": ["magic"], "wishes": "x" * 401})
    assert set(refused.value.fields) == {"needs.services_given", "needs.wishes"}


# --- the package ---------------------------------------------------------------------------------------------------------


def test_less_is_free(story):
    story.draft(choice={"identity": ["full_name"], "safe_contact": ["method", "must_not_know"]})
    story.agree()
    story.send()
    desk = story.at(story.sari)
    assert desk.section("identity").fields == {"full_name": "Melati Contoh"}
    assert set(desk.section("safe_contact").fields) == {"method", "must_not_know"}
    assert "needs" not in story.entries()[-3].sections


def test_more_than_matrix_and_service_give_cannot_even_be_chosen(story):
    case = story.open_file()
    for choice, sections, fields in (
        ({"medical": ["injuries"]}, ["medical"], ["medical.injuries"]),
        ({"identity": ["address_now"]}, [], ["identity.address_now"]),
        ({"consent": ["restrictions"]}, [], ["consent.restrictions"]),
    ):
        with pytest.raises(errors.RuleBroken) as refused:
            story.draft(case=case, choice=choice)
        assert (refused.value.code, refused.value.facts["sections"], refused.value.facts["fields"]) == ("beyond_matrix", sections, fields)


def test_a_choice_made_for_another_service_does_not_cut_the_sending(story):
    story.draft(service="restitution", choice={"identity": ["full_name"]})
    story.at(story.sari).on("edit_draft", service="legal_consult")
    story.agree()
    story.send()
    assert set(story.at(story.sari).section("identity").masked) == {"nik"}


def test_the_preview_holds_codes_and_no_free_text(story):
    story.opened()
    content = story.at(story.santi, HOUR).read("preview_page")
    shown = {s.code: dict(s.fields) for s in content.sections}
    assert set(shown) == {"meta", "profile", "consent"}
    assert shown["profile"] == {"age_band": "25_44", "sex": "P", "is_child": False, "access_needed": False, "interpreter_needed": True}
    assert shown["consent"] == {"scope_purpose": "legal_aid"}
    assert set(shown["meta"]) == {"alias", "service", "referral_type", "urgency", "respond_by"}
    text_of_it = json.dumps(shown)
    for word in ("Melati", "majikan", "Pendampingan", "sidang", "Tenang", "melon"):
        assert word not in text_of_it


def test_the_log_names_the_digest_of_the_signed_manifest(story, session):
    story.sent()
    entry = story.entries()[-1]
    body = session.scalar(text("SELECT body FROM manifest"))
    last = log.last_sending(session, referral_id=story.id)
    assert entry.manifest_digest == last.manifest_digest
    named = json.loads(body)
    assert (named["service"], named["urgency"], named["purpose"], named["sending"]) == ("legal_consult", "normal", "legal_aid", 1)
    assert set(named["parts"]) == {*SECTIONS, "preview"}
    session.rollback()


def test_nothing_written_stands_in_clear_after_a_sending(story, owner_engine):
    story.completed()
    marks = ("Melati", "3273015503900000", "majikan", "melon", "Pendampingan hukum", "didampingi", "Tenang", "hanya pagi")
    with owner_engine.connect() as connection:
        for table in connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all():
            for row in connection.scalars(text(f"SELECT t::text FROM {table} t")):
                found = [mark for mark in marks if mark in row or mark.encode().hex() in row]
                assert found == [], table


# --- drafts --------------------------------------------------------------------------------------------------------------


def test_a_draft_is_invisible_to_the_recipient(story):
    story.draft()
    failure = story.refused(story.santi, "referral.list", lambda: story.at(story.santi).detail())
    assert isinstance(failure, errors.NotFound)
    assert story.at(story.santi).ask("incoming").lines == ()


def test_a_discarded_draft_opens_no_more_and_stays_invisible(story):
    story.draft()
    gone = story.at(story.sari).on("discard")
    assert (gone.state, gone.business) == ("cancelled", "discarded")
    with pytest.raises(errors.NotFound):
        story.at(story.sari).read("draft", parts=("meta", "needs"))
    with pytest.raises(errors.NotFound):
        story.at(story.santi).detail()


def test_drafts_parts_come_back_and_are_recorded(story):
    story.draft(choice={"identity": ["full_name"]})
    story.agree(excluded=("identity.nik",))
    content = story.at(story.sari).read("draft", parts=("meta", "needs", "consent", "choice"))
    parts = {s.code: s.fields for s in content.sections}
    assert parts["needs"] == NEEDS
    assert parts["consent"]["restrictions"] == "hanya pagi hari"
    assert parts["consent"]["scope_excluded_fields"] == ["identity.nik"]
    assert parts["choice"]["fields"] == {"identity": ["full_name"]}
    entry = story.entries()[-1]
    assert (entry.action, entry.sections) == ("section.read", ("consent", "meta", "needs"))


def test_a_form_shown_before_a_colleagues_edit_is_refused_with_who_and_when(network, story):
    story.draft()
    colleague = network.member(story.uptd, "social_worker")
    transact(story.session, lambda s: s.execute(text("INSERT INTO case_member SELECT id, :m FROM case_file"), {"m": colleague.id}))
    story.at(colleague, MINUTE).on("edit_draft", parts={"needs": NEEDS})
    failure = story.refused(
        story.sari, "referral.edit", lambda: story.at(story.sari, 2 * MINUTE).on("edit_draft", version=1, parts={"needs": NEEDS})
    )
    assert isinstance(failure, errors.StaleVersion)
    assert failure.facts == {"who": "PS-02", "when": NOW + MINUTE, "event": "edit"}


def test_a_sent_referral_is_no_draft_any_more(story):
    story.sent()
    for call in (
        lambda: story.at(story.sari).on("edit_draft", parts={"needs": NEEDS}),
        story.agree,
        lambda: story.at(story.sari).on("discard"),
        story.send,
    ):
        with pytest.raises(errors.RuleBroken) as refused:
            call()
        assert refused.value.code == "wrong_state"


def test_the_same_form_sent_twice_sends_once(story):
    story.draft()
    story.agree()
    version = story.version()
    first = story.send(version=version)
    size = len(story.entries())
    again = story.send(version=version)
    assert again == first
    assert len(story.entries()) == size
    assert len(story.events()) == 2


def test_somebody_who_is_not_assigned_cannot_send(network, story):
    story.draft()
    story.agree()
    colleague = network.member(story.uptd, "social_worker")
    ready = {"safe_contact_read": True, "recipient_code": "lbh"}
    failure = story.refused(colleague, "referral.send", lambda: story.at(colleague).on("send", **ready))
    assert failure.code == "not_found"


def test_a_supervisor_may_send_what_another_prepared(network, story):
    story.draft()
    story.agree()
    supervisor = network.member(story.uptd, "case_lead")
    sent = story.at(supervisor).on("send", safe_contact_read=True, recipient_code=" LBH ")
    assert sent.state == "requested"
    assert story.events()[-1].side == "sender_supervisor"
    assert story.entries()[-1].basis == "supervisor"


def test_numbers_are_drawn_again_when_taken(story, monkeypatch):
    story.draft()
    taken = story.row().number.removeprefix("RJ-")
    drawn = iter([taken, taken, "0000-0001"])
    monkeypatch.setattr("referral_hub.vault.codes.short_code", lambda: next(drawn))
    assert story.draft(case=None or story_case(story)).number == "RJ-0000-0001"


def story_case(story):
    """The case there is: opening another would draw an alias."""
    row = story.session.execute(text("SELECT id FROM case_file")).one()
    story.session.rollback()
    return row


def test_units_belong_to_the_recipient(story):
    case = story.open_file()
    with pytest.raises(errors.InputInvalid) as refused:
        story.draft(case=case, unit=case.id)
    assert refused.value.fields == {"unit": ("not_known",)}


def test_codes_of_a_draft_are_codes(story):
    case = story.open_file()
    with pytest.raises(errors.InputInvalid) as refused:
        story.at(story.sari).create(case_id=case.id, service="legal_consult", recipient_agency=story.lbh.id, urgency="soon", type="gift")
    assert set(refused.value.fields) == {"urgency", "type"}


def test_create_takes_everything_at_once(story):
    made = story.draft(choice={"identity": ["full_name"]})
    assert story.at(story.sari).ask("draft", referral_id=made.id).parts == {"meta", "needs", "choice"}
    entry = story.entries()[-2 if story.entries()[-1].action != "referral.create" else -1]
    assert (entry.action, entry.sections) == ("referral.create", ("meta", "needs"))


def test_a_deadline_in_a_holiday_week_counts_working_days(story):
    story.clock = NOW + timedelta(days=50)  # 22 December
    story.draft()
    story.agree(until=date(2027, 5, 1))
    sent = story.send()
    assert sent.respond_by.date() > (story.clock + timedelta(days=3)).date()


def test_everything_a_sending_opens_is_named_by_its_entry_alone(story):
    story.draft()
    story.agree()
    before = len(story.entries())
    story.send()
    assert [e.action for e in story.entries()[before:]] == ["referral.send"]

