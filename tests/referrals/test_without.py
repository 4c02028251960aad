"""Without consent: a typed ground and article, two people, the minimum, told or why not, looked at again."""

from datetime import date

import pytest
from sqlalchemy import text

from referral_hub import errors, protocol
from referral_hub.cases import actions as cases
from referral_hub.cases import queries as case_queries
from referral_hub.cases import reading as case_reading
from referral_hub.consent import queries as ledger
from referral_hub.consent import without
from referral_hub.consent.facts import Consent, Disclosure
from referral_hub.protocol.deadlines import duration
from referral_hub.referrals import actions
from tests.referrals.story import DAY, HOUR, NOW
from tests.referrals.test_further import reopened

FACTS = "Laporan wajib dalam tiga hari."
HARM = {"violence_types": ["sexual.rape"], "summary": "Tadi malam."}
SECTIONS = ("identity", "safe_contact", "incident", "perpetrator")


@pytest.fixture
def ratna(network, story):
    """The supervisor, who signs second and sends."""
    return network.member(story.uptd, "case_lead")


@pytest.fixture
def unit(network):
    house = network.agency("unit", "police")
    network.offer(house, "police_report", "police_protection", "rescue")
    network.member(house, "police_investigator")
    return house


@pytest.fixture
def draft(story, unit, ratna):
    """A draft to the police about sexual violence; nobody asked the survivor."""
    case = story.open_file()
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="incident", values=HARM, version=0)
    version = story.session.scalar(text("SELECT version FROM case_file WHERE id = :id"), {"id": case.id})
    story.session.rollback()
    story.at(ratna).do(cases.assign, case_id=case.id, member=ratna, version=version)
    return story.draft(case=case, service="police_report", to=unit)


def disclosure(story, **changes):
    row = story.row()
    given = {
        "agency_id": row.to_agency, "service": row.service, "recipient_kind": "police", "ground": "report_sexual_violence", "law_article": "",
        "sections": frozenset(SECTIONS), "contact_allowed": False, "facts": FACTS, "told": True, "why_not": "",
    }  # fmt: skip
    return Disclosure(**(given | changes))


def disclosed(story, **changes):
    return story.at(story.sari).on("disclose", disclosure=disclosure(story, **changes))


def refused(story, **changes):
    return story.refused(story.sari, "consent.without", lambda: disclosed(story, **changes))


def signed(story, ratna, **changes):
    made = disclosed(story, **changes)
    return story.at(ratna, HOUR).countersign_consent(consent_id=made.consent_id)


def submitted(story):
    story.at(story.sari).on("submit")


def send(story, ratna, after=2 * HOUR):
    return story.at(ratna, after).on("send", safe_contact_read=True, recipient_code="unit", phoned=True)


def test_two_sign_and_a_second_person_sends_just_the_minimum(story, draft, ratna):
    signed(story, ratna)
    submitted(story)
    assert send(story, ratna).state == "requested"
    entries = story.entries()
    acts = [e for e in entries if e.action.startswith("consent.")]
    assert [(e.action, e.actor_id, e.legal_basis) for e in acts] == [
        ("consent.without", story.sari.id, "legal_obligation"), ("consent.without", ratna.id, "legal_obligation"),
    ]  # fmt: skip
    sent = entries[-1]
    assert (sent.action, sent.legal_basis, sent.consent_id) == ("referral.send", "legal_obligation", story.row().consent_id)
    assert set(sent.sections) <= {*SECTIONS, *protocol.current().matrix.always}
    assert "needs" not in sent.sections
    assert "phone" not in story.at(story.sari).section("safe_contact").fields


def test_the_recipient_reads_on_which_basis_and_not_why(story, unit, draft, ratna):
    signed(story, ratna)
    submitted(story)
    send(story, ratna)
    budi = unit.people[0]
    story.at(budi, 3 * HOUR).on("open_preview")
    story.at(budi, 4 * HOUR).on("accept", handler=budi.id, first_contact_by=story.clock + DAY)
    read = story.at(budi, 5 * HOUR).section("consent").fields
    assert (read["legal_basis"], read["given_by"]) == ("legal_obligation", "none_by_law")
    assert not {"facts", "law_article", "ground", "told", "why_not"} & set(read)


def test_one_signature_sends_nothing(story, draft, ratna):
    disclosed(story)
    assert story.refused(story.sari, "referral.submit", lambda: submitted(story)).code == "no_consent"
    assert story.refused(story.sari, "referral.send", lambda: story.send(recipient_code="unit")).code == "second_signer_needed"


def test_the_same_person_does_not_sign_twice(story, draft, ratna):
    made = disclosed(story)
    again = lambda: story.at(story.sari).countersign_consent(consent_id=made.consent_id)  # noqa: E731
    assert story.refused(story.sari, "consent.without", again).code == "second_signer_needed"
    own = story.at(ratna).do(actions.record_disclosure, case_id=story.row().case_id, disclosure=disclosure(story))
    twice = lambda: story.at(ratna).countersign_consent(consent_id=own.id)  # noqa: E731
    assert story.refused(ratna, "consent.without", twice).code == "second_signer_needed"


def test_the_second_signer_is_a_supervisor(story, draft, network):
    made = disclosed(story)
    colleague = network.member(story.uptd, "social_worker")
    with pytest.raises(errors.NotAllowed):
        story.at(colleague).countersign_consent(consent_id=made.consent_id)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"ground": ""}, {"consent.ground": ("required",)}),
        ({"ground": "because"}, {"consent.ground": ("not_a_code",)}),
        ({"ground": "health_duty"}, {"consent.ground": ("not_of_the_service",)}),  # the sender is no health service
        ({"ground": "life_in_danger"}, {"consent.ground": ("not_of_the_service",)}),  # a report saves nobody tonight
        ({"ground": "court_order"}, {"consent.law_article": ("required",)}),
        ({"facts": " - "}, {"consent.facts": ("required",)}),
        ({"told": None}, {"consent.told": ("required",)}),
        ({"told": False}, {"consent.why_not": ("required",)}),
        ({"sections": frozenset()}, {"consent.sections": ("required",)}),
    ],
)
def test_what_is_missing_is_asked(story, draft, changes, fields):
    sections = {"sections": frozenset({"identity"})} if changes.get("ground") == "court_order" else {}
    assert refused(story, **(sections | changes)).fields == fields


def test_a_ground_allows_its_sections_and_no_other(story, draft):
    for section in ("medical", "needs", "safety", "chronology"):
        refusal = refused(story, sections=frozenset({"identity", section}))
        assert (refusal.code, refusal.facts["sections"]) == ("consent_scope", (section,))


def test_the_file_must_say_that_the_duty_applies(story, unit, ratna):
    case = story.open_file()
    story.draft(case=case, service="police_report", to=unit)
    assert refused(story).fields == {"incident": ("required",)}
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="incident", values=HARM | {"violence_types": ["trafficking"]}, version=0)
    assert refused(story).fields == {"consent.ground": ("does_not_apply",)}


def test_no_choice_widens_it_and_no_reason_does(story, draft, ratna):
    story.at(story.sari).on("edit_draft", choice={"identity": ["full_name"], "medical": ["ver_needed"]})
    signed(story, ratna)
    submitted(story)
    refusal = story.refused(ratna, "referral.send", lambda: send(story, ratna))
    assert refusal.code == "consent_scope"
    story.at(story.sari).on("edit_draft", choice={"identity": ["full_name", "marital"]}, reason="Diminta.")
    refusal = story.refused(ratna, "referral.send", lambda: send(story, ratna))
    assert (refusal.code, refusal.facts["fields"]) == ("consent_scope", ["identity.marital"])


def test_what_was_written_lies_sealed_and_the_law_is_locked(story, draft, ratna):
    made = disclosed(story, told=False, why_not="Belum aman.")
    stored = story.session.scalars(text("SELECT to_jsonb(t)::text FROM consent t UNION ALL SELECT to_jsonb(e)::text FROM audit_entry e")).all()
    assert not any(word in line for word in (FACTS, "Belum aman", "art. 41", "sexual") for line in stored)
    locked = story.session.scalar(text("SELECT law FROM consent WHERE id = :id"), {"id": made.consent_id})
    assert without.unlock(story.network.hub, consent_id=made.consent_id, locked=bytes(locked)) == "UU 12/2022 art. 41"


def test_it_is_reviewed_by_another_and_on_time(story, draft, ratna, network):
    made = signed(story, ratna)
    assert made.review_on == date(2026, 11, 5)
    review = lambda who, **given: lambda: story.at(who, DAY).review_consent(consent_id=made.id, **({"stands": True, "note": "Laporan sudah diterima."} | given))  # noqa: E731
    assert story.refused(ratna, "consent.review", review(ratna, stands=None)).fields == {"stands": ("required",)}
    assert story.refused(ratna, "consent.review", review(ratna, note="…")).fields == {"note": ("required",)}
    with pytest.raises(errors.NotAllowed):
        review(story.sari)()
    reviewed = review(ratna)()
    assert (reviewed.reviewer, reviewed.withdrawn_at) == (ratna.id, None)
    assert story.entries()[-1].action == "consent.review"
    assert story.refused(ratna, "consent.review", review(ratna)).code == "wrong_state"
    stored = story.session.scalars(text("SELECT to_jsonb(t)::text FROM sealed_part t UNION ALL SELECT to_jsonb(t)::text FROM consent t")).all()
    assert not any("Laporan sudah" in line for line in stored)


def test_whoever_recorded_it_does_not_review_it(story, draft, ratna, network):
    own = story.at(ratna).do(actions.record_disclosure, case_id=story.row().case_id, disclosure=disclosure(story))
    other = network.member(story.uptd, "case_lead")
    story.at(other, HOUR).countersign_consent(consent_id=own.id)
    again = lambda: story.at(ratna, DAY).review_consent(consent_id=own.id, stands=True, note="Contoh.")  # noqa: E731
    assert story.refused(ratna, "consent.review", again).code == "second_signer_needed"


def test_a_review_that_finds_no_ground_ends_it_at_once(story, unit, draft, ratna):
    made = signed(story, ratna)
    submitted(story)
    send(story, ratna)
    budi = unit.people[0]
    story.at(budi, 3 * HOUR).on("open_preview")
    story.at(budi, 4 * HOUR).on("accept", handler=budi.id, first_contact_by=story.clock + DAY)
    copied = copies(story, budi)
    size = len(story.entries())
    story.at(ratna, DAY).review_consent(consent_id=made.id, stands=False, note="Tidak ada kewajiban.")
    assert [entry.action for entry in story.entries()[size:]] == ["consent.review", "referral.mark_error"]
    row = story.row()
    assert (row.state, row.event_reason, "purge_due" in row.flags) == ("entered-in-error", "no_ground", True)
    assert story.refused(budi, "section.read", lambda: story.at(budi, DAY + HOUR).section("identity")).code == "access_ended"
    with pytest.raises(errors.CannotOpen):
        reopened(story, part="identity", person=budi)
    story.session.rollback()
    assert [copy.held for copy in case_queries.copies_of(story.session, referral_id=story.id)] == [True]
    story.session.rollback()
    with pytest.raises(errors.NotFound):
        story.at(budi, DAY + HOUR).do(case_reading.open_sections, case_id=copied.id, sections=["identity"])
    story.session.rollback()


def another_record(story, unit, ratna):
    """A referral on one record, accepted, and another record, signed by two; returns that."""
    signed(story, ratna, sections=frozenset({"identity", "safe_contact"}))
    submitted(story)
    send(story, ratna)
    budi = unit.people[0]
    story.at(budi, 3 * HOUR).on("open_preview")
    story.at(budi, 4 * HOUR).on("accept", handler=budi.id, first_contact_by=story.clock + DAY)
    more = story.at(story.sari).do(actions.record_disclosure, case_id=story.row().case_id, disclosure=disclosure(story, sections=frozenset(SECTIONS)))
    story.at(ratna, HOUR).countersign_consent(consent_id=more.id)
    return more


def supplied_on(story, unit, ratna):
    """A referral on one record, accepted, with a further section on another; returns the other and whoever received it."""
    more, budi = another_record(story, unit, ratna), unit.people[0]
    story.at(story.sari, 5 * HOUR).on("supply_sections", sections=("incident",), new_basis=more.id)
    story.at(budi, 6 * HOUR).section("safe_contact")
    assert story.at(budi, 6 * HOUR).section("incident").fields
    return more, budi


def test_a_review_that_finds_no_ground_closes_what_was_given_further_with_its_keys(story, unit, draft, ratna):
    more, budi = supplied_on(story, unit, ratna)
    size = len(story.entries())
    story.at(ratna, DAY).review_consent(consent_id=more.id, stands=False, note="Tidak ada kewajiban.")
    reviewed, narrowed = story.entries()[size:]
    assert (reviewed.action, narrowed.action, narrowed.sections) == ("consent.review", "referral.consent_narrowed", ("incident",))
    row = story.row()
    assert (row.state, row.business, row.event_reason, "purge_due" in row.flags) == ("accepted", "consent-narrowed", "no_ground", True)
    assert story.refused(budi, "section.read", lambda: story.at(budi, DAY + HOUR).section("incident")).code == "section_not_granted"
    for revision in (None, *range(1, row.sending + 1)):
        with pytest.raises(errors.CannotOpen):
            reopened(story, part="incident", person=budi, revision=revision)
        story.session.rollback()
    assert story.at(budi, DAY + HOUR).section("identity").fields
    story.check_replay()


def test_a_review_that_lets_it_stand_closes_nothing(story, unit, draft, ratna):
    more, budi = supplied_on(story, unit, ratna)
    story.at(ratna, DAY).review_consent(consent_id=more.id, stands=True, note="Sudah diterima.")
    assert story.at(budi, DAY + HOUR).section("incident").fields


def copies(story, person):
    """What the recipient copied into a file of its own."""
    story.at(person, 5 * HOUR).section("safe_contact")
    return story.at(person, 5 * HOUR).copy_sections(referral_id=story.id, sections=["identity"])


def test_past_its_review_nothing_new_goes_and_nobody_signs(story, draft, ratna, network):
    made = disclosed(story)
    sign = lambda: story.at(ratna, 4 * DAY).countersign_consent(consent_id=made.consent_id)  # noqa: E731
    assert story.refused(ratna, "consent.without", sign).code == "consent_expired"
    story.at(ratna, HOUR).countersign_consent(consent_id=made.consent_id)
    submitted(story)
    refusal = story.refused(ratna, "referral.send", lambda: send(story, ratna, after=4 * DAY))
    assert refusal.code == "consent_expired"
    story.at(ratna, 4 * DAY).review_consent(consent_id=made.consent_id, stands=True, note="Masih berlaku.")
    assert send(story, ratna, after=4 * DAY).state == "requested"


def test_past_its_review_it_is_no_new_basis_for_what_runs(story, unit, draft, ratna):
    more = another_record(story, unit, ratna)
    late = story.at(story.sari, 4 * DAY)
    supply = lambda: late.on("supply_sections", sections=("incident",), new_basis=more.id)  # noqa: E731
    assert story.refused(story.sari, "referral.supply_sections", supply).code == "consent_expired"
    assert story.refused(story.sari, "referral.renew_basis", lambda: late.on("renew_basis", new_basis=more.id)).code == "consent_expired"
    story.at(ratna, 4 * DAY).review_consent(consent_id=more.id, stands=True, note="Masih berlaku.")
    assert late.on("supply_sections", sections=("incident",), new_basis=more.id).state == "accepted"


def test_a_law_is_not_taken_back_by_saying_so(story, draft, ratna):
    made = signed(story, ratna)
    take_back = lambda: story.at(story.sari, DAY).withdraw_consent(consent_id=made.id)  # noqa: E731
    assert story.refused(story.sari, "consent.withdraw", take_back).code == "wrong_state"


def test_life_in_danger_is_reviewed_after_a_day(story, unit, ratna):
    story.draft(service="rescue", to=unit, urgency="emergency")
    sections = frozenset({"identity", "safe_contact", "safety", "needs"})
    made = disclosed(story, ground="life_in_danger", sections=sections, contact_allowed=True)
    consent = ledger.by_id(story.session, made.consent_id)
    story.session.rollback()
    assert (consent.basis, consent.given_by, consent.review_on) == ("vital_interest", "none_vital", date(2026, 11, 3))


def test_the_periods_are_those_of_the_list():
    for ground in protocol.current().grounds.values():
        given = dict.fromkeys(Consent.__dataclass_fields__) | {"form": ground.form, "basis": ground.basis, "given_at": NOW}
        assert Consent(**given).review_on == duration(ground.review).after(NOW.date())
        assert ground.signers == 2
        assert protocol.current().item("legal_bases", ground.basis).facts["signers"] == 2


def test_nothing_is_shown_of_what_was_written():
    given = Disclosure(None, "police_report", "police", "court_order", "123/Pid", frozenset(), False, FACTS, None, "x")
    assert FACTS not in repr(given)
    assert repr(given) == "<Disclosure court_order>"
