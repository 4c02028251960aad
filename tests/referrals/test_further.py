"""Further sections: asked for by name, agreed to, supplied or refused; a correction; what was shared before stays as it was."""

from dataclasses import replace

import pytest

from referral_hub import errors, protocol
from referral_hub.cases import actions as cases
from referral_hub.cases import queries as case_queries
from referral_hub.consent import rules as consents
from referral_hub.db import transact
from referral_hub.referrals import actions, kept_reading, reading, rules
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind
from tests.referrals.story import DAY, HOUR, IDENTITY, NEEDS, SECTIONS

CHRONOLOGY = {"narrative": "Bekerja tanpa upah dua tahun.", "do_not_ask": "Jangan tanya anak."}
INCIDENT = {"violence_types": ["trafficking"], "summary": "Upah ditahan."}
MEDICAL = {"pregnant": "no", "allergies": "udang"}


def fill(story, **sections):
    """Fill sections of the own file."""
    desk = story.at(story.sari, 2 * HOUR)
    for section, values in sections.items():
        desk.do(cases.edit_section, case_id=story.row().case_id, section=section, values=values, version=0)


def agree_more(story, *sections, after=2 * HOUR, **changes):
    """The survivor agrees to further sections, in her file."""
    giving = story.giving(sections=sections, **changes)
    giving = replace(giving, shown=replace(giving.shown, form="supplement", reason="Diperlukan untuk layanan."), given_at=story.clock + after)
    giving = replace(giving, text_shown=consents.wording(giving.shown).shown)
    return story.at(story.sari, after).do(actions.record_consent, case_id=story.row().case_id, giving=giving)


def supplied(story, *sections, note=""):
    """Everything up to and including further sections, on a consent of their own."""
    basis = agree_more(story, *sections)
    story.at(story.sari, DAY).on("supply_sections", sections=sections, new_basis=basis.id, note=note)
    return basis


def asked(story, *sections, stage="accepted"):
    getattr(story, stage)()
    return story.at(story.santi, 3 * HOUR).on("ask_sections", sections=sections, reason="needed_for_service", note="Untuk gugatan.")


def reopened(story, *, part, kind=GrantKind.FULL, person=None, revision=None):
    """Go round the rules: whatever the database still releases to somebody of the recipient."""
    person = person or story.santi
    sealed = transact(story.session, lambda s: opening.gather(
        s, member_id=person.id, agency_id=person.agency_id, object_kind=ObjectKind.REFERRAL, object_id=story.id, kind=kind, now=story.clock + DAY,
        parts=(part,), revision=revision,
    ))  # fmt: skip
    return opening.unseal(person.keys.hub, person.keys.member_key, sealed)[part].fields()


# --- asking --------------------------------------------------------------------------------------------------------------


def test_asking_names_sections_and_the_sender_is_to_answer(story):
    row = asked(story, "chronology", "incident")
    assert (row.state, row.business, "sections_requested" in row.flags) == ("accepted", "sections-requested", True)
    assert story.events()[-1].inputs == {"sections": ["chronology", "incident"], "event_reason": "needed_for_service", "note": True}
    entry = story.entries()[-1]
    assert (entry.action, entry.sections, entry.manifest_digest) == ("referral.ask_sections", ("chronology", "incident"), None)
    assert [line.awaited for line in story.at(story.sari, DAY).ask("work_list").needs_you] == ["answer"]
    assert set(story.at(story.sari, DAY).detail().acts) >= {"supply_sections", "refuse_sections", "revise"}


@pytest.mark.parametrize(
    ("sections", "code"),
    [((), "required"), (("identity",), "not_known"), (("profile",), "not_known"), (("child",), "not_known"), (("preview",), "not_known")],
)
def test_only_what_is_not_shared_and_may_ever_come_can_be_asked_for(story, sections, code):
    story.accepted()
    refused = story.refused(
        story.santi, "referral.ask_sections",
        lambda: story.at(story.santi, 3 * HOUR).on("ask_sections", sections=sections, reason="needed_for_service"),
    )  # fmt: skip
    assert refused.fields == {"sections": (code,)}


def test_a_refusal_is_coded_and_leaves_everything_as_it_was(story):
    asked(story, "chronology")
    row = story.at(story.sari, DAY).on("refuse_sections", reason="survivor_refuses", note="Belum siap.")
    assert ("sections_requested" in row.flags, row.business, row.sending) == (False, "sections-refused", 1)
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("chronology")).code == "section_not_granted"
    assert story.refused(story.sari, "referral.refuse_sections", lambda: story.at(story.sari, DAY).on("refuse_sections", reason="not_necessary")).code == "wrong_state"
    for note in story.at(story.santi, DAY).read("notes").notes[-1:]:
        assert note.text == "Belum siap."


# --- supplying -----------------------------------------------------------------------------------------------------------


def test_what_she_agreed_to_opens_and_the_rest_stays_as_it_was(story):
    asked(story, "chronology", "incident")
    fill(story, chronology=CHRONOLOGY, incident=INCIDENT)
    basis = supplied(story, "chronology")
    row = story.row()
    assert (row.state, "sections_requested" in row.flags, row.sending, row.business) == ("accepted", False, 2, "sections-supplied")
    assert row.consent_id != basis.id
    entry = story.entries()[-1]
    assert (entry.action, entry.sections, entry.consent_id) == ("referral.supply_sections", ("chronology",), basis.id)
    assert (entry.recipient_agency, len(entry.manifest_digest)) == (story.lbh.id, 32)
    santi = story.at(story.santi, DAY)
    assert santi.section("chronology").fields["narrative"] == CHRONOLOGY["narrative"]
    assert story.entries()[-1].consent_id == basis.id
    assert (santi.section("identity").fields["full_name"], santi.section("identity").revision) == ("Melati Contoh", 1)
    assert story.entries()[-1].consent_id == row.consent_id
    assert story.at(story.sari, DAY).section("chronology").fields == CHRONOLOGY
    refused = story.refused(story.santi, "section.read", lambda: santi.section("incident"))
    assert refused.code == "section_not_granted"
    states = {one.code: one.state for one in santi.detail().sections}
    assert (states["chronology"], states["incident"]) == ("open", "not_shared")


def test_no_more_than_she_agreed_to(story):
    asked(story, "chronology", "incident")
    fill(story, chronology=CHRONOLOGY, incident=INCIDENT)
    basis = agree_more(story, "incident")
    desk = story.at(story.sari, DAY)

    def tried(**inputs):
        return story.refused(story.sari, "referral.supply_sections", lambda: desk.on("supply_sections", **inputs))

    assert tried(sections=["chronology", "incident"], new_basis=basis.id).code == "consent_scope"
    assert tried(sections=["chronology"], new_basis=story.row().consent_id).code == "consent_scope"
    assert tried(sections=["incident"], new_basis=story.id).code == "no_consent"
    assert tried(sections=[], new_basis=basis.id).fields == {"sections": ("required",)}
    assert tried(sections=["identity"], new_basis=basis.id).fields == {"sections": ("not_known",)}
    story.at(story.sari, DAY).do(actions.withdraw_consent, consent_id=basis.id)
    assert tried(sections=["incident"], new_basis=basis.id).code == "consent_expired"


def test_a_consent_of_somebody_else_or_for_somebody_else_is_none(network, story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    first = story.id
    story.sent(case=story.open_file())
    foreign = agree_more(story, "chronology")
    story.id = first
    refused = story.refused(
        story.sari, "referral.supply_sections",
        lambda: story.at(story.sari, DAY).on("supply_sections", sections=["chronology"], new_basis=foreign.id),
    )  # fmt: skip
    assert refused.code == "no_consent"


def test_beyond_the_matrix_only_with_a_written_reason(story):
    story.accepted()
    fill(story, medical=MEDICAL)
    basis = agree_more(story, "medical")
    desk = story.at(story.sari, DAY)
    refused = story.refused(story.sari, "referral.supply_sections", lambda: desk.on("supply_sections", sections=["medical"], new_basis=basis.id))
    assert refused.code == "beyond_matrix"
    desk.on("supply_sections", sections=["medical"], new_basis=basis.id, note="Diminta hakim untuk visum.")
    assert story.at(story.santi, DAY).section("medical").fields == MEDICAL
    assert story.at(story.santi, DAY).read("notes").notes[-1].text == "Diminta hakim untuk visum."


def test_fields_that_she_left_out_stay_with_the_sender(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis = agree_more(story, "chronology", excluded=("chronology.do_not_ask",))
    story.at(story.sari, DAY).on("supply_sections", sections=["chronology"], new_basis=basis.id)
    assert story.at(story.santi, DAY).section("chronology").fields == {"narrative": CHRONOLOGY["narrative"]}


def test_less_of_a_section_is_free_and_a_correction_brings_no_more(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY, incident=INCIDENT)
    basis = agree_more(story, "chronology", "incident")
    desk, inputs = story.at(story.sari, DAY), {"sections": ["chronology"], "new_basis": basis.id}
    for fields, code in (([], "required"), (["incident.summary"], "required"), (["chronology.narrative", "chronology.x"], "not_known")):
        refused = story.refused(story.sari, "referral.supply_sections", lambda f=fields: desk.on("supply_sections", fields=f, **inputs))
        assert refused.fields == {"fields": (code,)}
    desk.on("supply_sections", fields=["chronology.narrative", "incident.summary"], **inputs)
    assert story.at(story.santi, DAY).section("chronology").fields == {"narrative": CHRONOLOGY["narrative"]}
    correct(story, "chronology", CHRONOLOGY | {"narrative": "Bekerja tanpa upah tiga tahun."})
    assert story.at(story.santi, DAY).section("chronology").fields == {"narrative": "Bekerja tanpa upah tiga tahun."}
    story.at(story.sari, DAY).on("supply_sections", sections=["incident"], new_basis=basis.id)
    correct(story, "chronology", CHRONOLOGY | {"narrative": "Empat tahun."}, version=2)
    assert story.at(story.santi, DAY).section("chronology").fields == {"narrative": "Empat tahun."}
    assert story.at(story.santi, DAY).section("incident").fields["summary"] == INCIDENT["summary"]


def test_less_of_what_is_more_than_usual_too(story):
    story.accepted()
    fill(story, medical=MEDICAL)
    basis = agree_more(story, "medical")
    story.at(story.sari, DAY).on("supply_sections", sections=["medical"], new_basis=basis.id, note="Diminta hakim.", fields=["medical.pregnant"])
    assert story.at(story.santi, DAY).section("medical").fields == {"pregnant": "no"}


def test_texts_that_may_tell_who_she_is_go_only_knowingly(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY | {"narrative": "Melati bekerja tanpa upah."})
    basis = agree_more(story, "chronology")
    desk, inputs = story.at(story.sari, DAY), {"sections": ["chronology"], "new_basis": basis.id}
    refused = story.refused(story.sari, "referral.supply_sections", lambda: desk.on("supply_sections", **inputs))
    assert refused.fields == {"chronology.narrative": ("holds_name",)}
    desk.on("supply_sections", looked_at=["chronology.narrative"], **inputs)
    values = CHRONOLOGY | {"narrative": "Melati bekerja tanpa upah tiga tahun."}
    with pytest.raises(errors.InputInvalid) as again:
        correct(story, "chronology", values)
    assert again.value.fields == {"chronology.narrative": ("holds_name",)}
    story.at(story.sari, DAY).on("revise", sections=["chronology"], reason="correction", looked_at=["chronology.narrative"])
    assert "tiga tahun" in story.at(story.santi, DAY).section("chronology").fields["narrative"]


def test_an_empty_section_is_no_section(story):
    story.accepted()
    basis = agree_more(story, "chronology")
    refused = story.refused(
        story.sari, "referral.supply_sections",
        lambda: story.at(story.sari, DAY).on("supply_sections", sections=["chronology"], new_basis=basis.id),
    )  # fmt: skip
    assert refused.fields == {"sections": ("nothing_filled",)}


def test_whom_she_blocked_gets_nothing_more(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis = agree_more(story, "chronology")
    story.at(story.sari, DAY).do(
        cases.edit_section, case_id=story.row().case_id, section="safety", values={"blocked_people": "mantan majikan", "blocked_kinds": ["legal"]}, version=1,
        only=("blocked_people", "blocked_kinds"),
    )  # fmt: skip
    refused = story.refused(
        story.sari, "referral.supply_sections",
        lambda: story.at(story.sari, DAY).on("supply_sections", sections=["chronology"], new_basis=basis.id),
    )  # fmt: skip
    assert refused.code == "blocked_by_survivor"


def test_taking_the_further_consent_back_closes_just_its_sections(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis = supplied(story, "chronology")
    size = len(story.entries())
    story.at(story.sari, DAY).do(actions.withdraw_consent, consent_id=basis.id)
    assert [(e.action, e.sections) for e in story.entries()[size:]][1:] == [("referral.consent_narrowed", ("chronology",))]
    row = story.row()
    assert (row.state, row.business, "purge_due" in row.flags, row.sending) == ("accepted", "consent-narrowed", True, 3)
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("chronology")).code == "section_not_granted"
    assert story.at(story.santi, DAY).section("identity").revision == 1
    for revision in (None, 2):
        with pytest.raises(errors.CannotOpen):
            reopened(story, part="chronology", revision=revision)


def test_a_further_consent_that_ends_closes_its_sections_and_no_others(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis = agree_more(story, "chronology", until=story.clock.date())
    story.at(story.sari, 3 * HOUR).on("supply_sections", sections=["chronology"], new_basis=basis.id)
    late = story.at(story.santi, 2 * DAY)
    assert story.refused(story.santi, "section.read", lambda: late.section("chronology")).code == "consent_expired"
    assert late.section("identity").revision == 1


# --- the manifest of a supply --------------------------------------------------------------------------------------------


TAMPERING = {
    "the manifest before": "UPDATE manifest SET body = old.body, signature = old.signature FROM manifest old WHERE manifest.object_id = old.object_id AND old.revision = 1 AND manifest.revision = 2",
    "a word of the manifest": "UPDATE manifest SET body = replace(encode(body, 'escape'), 'legal_consult', 'restitution')::bytea WHERE revision = 2",
    "the signature": "UPDATE manifest SET signature = set_byte(signature, 9, get_byte(signature, 9) # 1) WHERE revision = 2",
    "the sealed section": "UPDATE sealed_part SET head = set_byte(head, 20, get_byte(head, 20) # 1) WHERE part = 'chronology' AND object_kind = 'referral'",
    "the whole supply": "UPDATE sealed_grant SET revision = 7 WHERE revision = 2",
}


@pytest.mark.parametrize("change", TAMPERING, ids=lambda name: name)
def test_a_supply_that_was_tampered_with_opens_nothing(story, spoil, change):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    supplied(story, "chronology")
    spoil(TAMPERING[change])
    with pytest.raises((errors.CannotOpen, errors.NotAllowed)):
        story.at(story.santi, DAY).section("chronology")


def test_a_supply_that_was_taken_out_of_the_database_is_noticed_by_both_sides(story, spoil):
    """The sending before would open to its sender; the log knows a later one, and nothing is built on the earlier."""
    story.accepted()
    fill(story, chronology=CHRONOLOGY, incident=INCIDENT)
    supplied(story, "chronology")
    basis = agree_more(story, "incident", after=DAY)
    spoil(
        "DELETE FROM release WHERE grant_id IN (SELECT id FROM sealed_grant WHERE revision = 2)",
        "DELETE FROM sealed_share WHERE grant_id IN (SELECT id FROM sealed_grant WHERE revision = 2)",
        "DELETE FROM sealed_grant WHERE revision = 2",
        "DELETE FROM manifest WHERE revision = 2",
        "UPDATE sealed_grant SET standing = 'live' WHERE revision = 1",
        "UPDATE referral SET sending = 1 WHERE sending = 2",
    )
    with pytest.raises(errors.CannotOpen):
        story.at(story.sari, DAY).on("supply_sections", sections=["incident"], new_basis=basis.id)
    with pytest.raises(errors.CannotOpen):
        story.at(story.santi, DAY).section("identity")


# --- a correction --------------------------------------------------------------------------------------------------------


def correct(story, section, values, *, version=1, **inputs):
    story.at(story.sari, 3 * HOUR).do(cases.edit_section, case_id=story.row().case_id, section=section, values=values, version=version)
    inputs = {"reason": "correction"} | inputs
    return story.at(story.sari, 4 * HOUR).on("revise", sections=[section], **inputs)


@pytest.mark.parametrize("stage", ["sent", "opened", "accepted", "started"])
def test_a_correction_takes_the_place_of_what_was_sent(story, stage):
    getattr(story, stage)()
    state, grant = story.row().state, story.at(story.santi, DAY).detail().grant
    row = correct(story, "identity", IDENTITY | {"full_name": "Melati Sari Contoh"})
    assert (row.state, row.sending, row.business) == (state, 2, "revised")
    assert story.at(story.santi, DAY).detail().grant == grant
    entry = story.entries()[-2]
    assert (entry.action, entry.sections, entry.recipient_agency) == ("referral.revise", ("identity",), story.lbh.id)
    if stage in {"accepted", "started"}:
        part = story.at(story.santi, 2 * DAY).section("identity")
        assert (part.fields["full_name"], part.revision) == ("Melati Sari Contoh", 2)
        assert story.at(story.santi, 2 * DAY).section("needs").revision == 1
        with pytest.raises(errors.CannotOpen):
            reopened(story, part="identity", revision=1)
        return
    with pytest.raises(errors.CannotOpen):
        reopened(story, part="identity")  # not before acceptance, corrected or not


def test_a_correction_of_the_preview_reaches_the_preview(story):
    story.opened()
    correct(story, "profile", {"age_band": "18_24", "sex": "P", "languages": ["su"], "nationality_group": "WNI", "access_needs": ["none"]})
    profile = next(part for part in story.at(story.santi, DAY).read("preview_page").sections if part.code == "profile")
    assert profile.fields["age_band"] == "18_24"
    with pytest.raises(errors.CannotOpen):
        reopened(story, part="preview", kind=GrantKind.PREVIEW, revision=1)


def test_a_correction_brings_no_further_field(story):
    story.accepted(choice={"identity": ["birth_date"], "needs": ["wishes"], "safe_contact": ["method"]})
    correct(story, "identity", IDENTITY | {"birth_date": "1990-03-16", "full_name": "Melati Lain"})
    assert story.at(story.santi, DAY).section("identity").fields == {"birth_date": "1990-03-16"}


@pytest.mark.parametrize(
    ("sections", "reason", "fields"),
    [
        (["chronology"], "correction", {"sections": ("not_known",)}),
        (["needs"], "correction", {"sections": ("not_known",)}),
        ([], "correction", {"sections": ("required",)}),
        (["identity"], "correction", {"sections": ("unchanged",)}),
        (["identity", "safe_contact"], "correction", {"sections": ("unchanged",)}),
    ],
)
def test_what_a_correction_cannot_be(story, sections, reason, fields):
    story.accepted()
    refused = story.refused(
        story.sari, "referral.revise", lambda: story.at(story.sari, DAY).on("revise", sections=sections, reason=reason)
    )  # fmt: skip
    assert refused.fields == fields


def needed(story, person=None, **changes):
    """What is needed, written anew; it was sent as `NEEDS` says."""
    desk = story.at(person or story.sari, 4 * HOUR)
    return desk.on("revise", sections=["needs"], reason="correction", needs=NEEDS | changes)


def test_what_was_written_for_the_referral_is_corrected_too(story):
    story.accepted()
    row = needed(story, wishes="Ingin didampingi pendamping perempuan.")
    assert (row.sending, row.business) == (2, "revised")
    assert (story.entries()[-1].action, story.entries()[-1].sections) == ("referral.revise", ("needs",))
    part = story.at(story.santi, DAY).section("needs")
    assert (part.fields["wishes"], part.revision) == ("Ingin didampingi pendamping perempuan.", 2)
    assert story.at(story.santi, DAY).section("identity").revision == 1
    with pytest.raises(errors.CannotOpen):
        reopened(story, part="needs", revision=1)
    kept = reading.reveal(story.at(story.sari, DAY).do(kept_reading.open_needs, referral_id=story.id)).sections[0]
    assert kept.fields == NEEDS | {"wishes": "Ingin didampingi pendamping perempuan."}
    correct(story, "identity", IDENTITY | {"full_name": "Melati Lain"})
    assert story.at(story.santi, DAY).section("needs").fields["wishes"] == "Ingin didampingi pendamping perempuan."


def test_a_correction_of_what_is_needed_brings_no_further_field_and_is_checked_as_before(story):
    story.accepted(choice={"identity": ["birth_date"], "needs": ["wishes"], "safe_contact": ["method"]})
    needed(story, wishes="Ingin sidang tertutup.", current_state="Lelah.")
    assert story.at(story.santi, DAY).section("needs").fields == {"wishes": "Ingin sidang tertutup."}

    def tried(**changes):
        return story.refused(story.sari, "referral.revise", lambda: needed(story, **changes)).fields

    assert tried(wishes="") == {"needs.wishes": ("required",)}
    assert tried(wishes="Ingin sidang tertutup.") == {"sections": ("unchanged",)}
    assert tried(wishes="Hubungi 0812-0000-0000 saja.") == {"needs.wishes": ("looks_like_phone",)}


def companion_of_accepted(network, story):
    """An accepted referral, and a companion whom the lead assigned to its file; both."""
    ani = network.member(story.uptd, "companion")
    case = story.open_file()
    story.accepted(case=case)
    lead = network.member(story.uptd, "case_lead")
    version = case_queries.case(story.session, hub=network.hub, actor=lead.actor, case_id=case.id).version
    story.at(lead).do(cases.assign, case_id=case.id, member=ani, version=version)
    return ani, lead


def test_who_only_keeps_safe_contact_writes_nothing_of_what_is_needed(network, story):
    ani, lead = companion_of_accepted(network, story)
    assert story.refused(ani, "referral.revise", lambda: needed(story, ani, wishes="Lain.")).code == "role_lacks_ability"
    assert story.at(ani, DAY).ask("further", referral_id=story.id).written == ()
    assert story.at(story.sari, DAY).ask("further", referral_id=story.id).written == ("needs",)
    for person in (story.santi, lead):
        with pytest.raises((errors.NotFound, errors.NotAllowed)):
            story.at(person, DAY).do(kept_reading.open_needs, referral_id=story.id)
        story.session.rollback()


def test_a_companion_corrects_safe_contact_and_nothing_else(network, story):
    ani, _ = companion_of_accepted(network, story)
    desk = story.at(ani, 3 * HOUR)
    values = {"method": ["companion"], "contact_allowed": True, "phone_shared": True, "must_not_know": "majikan", "code_word_ok": "semangka", "safe_times": "sore"}
    desk.do(cases.edit_section, case_id=story.row().case_id, section="safe_contact", values=values, version=1)
    assert story.refused(ani, "referral.revise", lambda: desk.on("revise", sections=["identity"], reason="correction")).code == "role_lacks_ability"
    desk.on("revise", sections=["safe_contact"], reason="safe_contact_changed")
    assert story.at(story.santi, DAY).section("safe_contact").fields["safe_times"] == "sore"


def test_a_supplied_section_is_corrected_on_its_own_consent(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY, medical=MEDICAL)
    basis = supplied(story, "chronology", "medical", note="Diminta hakim.")
    correct(story, "medical", MEDICAL | {"allergies": "udang, kacang"})
    assert story.at(story.santi, DAY).section("medical").fields["allergies"] == "udang, kacang"
    assert story.at(story.santi, DAY).section("chronology").revision == 2
    story.at(story.sari, DAY).do(actions.withdraw_consent, consent_id=basis.id)
    assert story.at(story.santi, DAY).section("identity").revision == 1
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("medical")).code == "section_not_granted"


# --- races and repeats ---------------------------------------------------------------------------------------------------


def test_a_stale_form_is_refused_and_the_own_repetition_is_not(story):
    asked(story, "chronology")
    fill(story, chronology=CHRONOLOGY)
    basis = agree_more(story, "chronology")
    before = story.version()
    desk = story.at(story.sari, DAY)
    inputs = {"sections": ["chronology"], "new_basis": basis.id, "version": before}
    desk.on("supply_sections", **inputs)
    size = len(story.entries())
    assert desk.on("supply_sections", **inputs).version == before + 1
    assert len(story.entries()) == size
    stale = story.refused(story.sari, "referral.refuse_sections", lambda: desk.on("refuse_sections", reason="not_necessary", version=before))
    assert (stale.code, stale.facts["event"]) == ("stale_version", "supply_sections")


def test_a_stranger_and_the_other_side_supply_nothing(network, story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis = agree_more(story, "chronology")
    stranger = network.member(network.agency("lain", "legal"), "lawyer")
    inputs = {"sections": ["chronology"], "new_basis": basis.id}
    version = story.version()
    for person, code in ((stranger, "not_found"), (story.santi, "not_allowed")):
        refused = story.refused(person, "referral.supply_sections", lambda p=person: story.at(p, DAY).on("supply_sections", version=version, **inputs))
        assert refused.code in {code, "wrong_side", "role_lacks_ability"}


def test_nothing_is_supplied_or_corrected_once_access_has_ended(story):
    story.completed()
    fill(story, chronology=CHRONOLOGY)
    basis = agree_more(story, "chronology", after=2 * DAY)
    desk = story.at(story.sari, 3 * DAY)
    for verb, inputs in (("supply_sections", {"sections": ["chronology"], "new_basis": basis.id}), ("revise", {"sections": ["identity"], "reason": "correction"})):
        assert story.refused(story.sari, f"referral.{verb}", lambda v=verb, i=inputs: desk.on(v, **i)).code == "wrong_state"


def test_what_is_offered_to_ask_for():
    granted = set(SECTIONS)
    possible = rules.askable(protocol.current().sections, kind="legal", granted=granted)
    assert {"chronology", "incident", "medical"} <= set(possible)
    assert not set(possible) & (granted | {"profile", "meta", "consent"})


def test_the_opening_of_an_act_says_nothing_of_its_content(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    supplied(story, "chronology")
    assert "Bekerja" not in repr(story.entries()[-1]) + str([e.inputs for e in story.events()])
    assert isinstance(reading.reveal(story.at(story.santi, DAY).opened("section", section="chronology")).entry_index, int)
