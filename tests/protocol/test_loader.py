"""The lists load, fit each other, and every kind of mistake stops the start with its place."""

from __future__ import annotations

import shutil
from dataclasses import FrozenInstanceError

import pytest
import yaml

from referral_hub import errors, protocol
from referral_hub.protocol.loader import FILES, FOLDER, assemble, read

FORBIDDEN_IN_LISTS = ("korban", "kekerasan", "seksual", "perkosaan", "perdagangan", "tppo", "tpks", "kdrt", "pelaku", "visum", "hiv")
REWORDED = ("decline_reasons", "outcomes", "safe_contact_methods", "break_glass_reasons", "milestones", "service_types", "urgency_sla")


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "protocol")


@pytest.fixture(scope="module")
def files():
    return {name: read(FOLDER, name) for name in sorted(FILES)}


def test_the_protocol_loads_once():
    first = protocol.load(FOLDER)
    assert protocol.current() is protocol.current()
    assert first.digest == protocol.current().digest
    assert len(first.digest) == 64


def test_every_file_of_the_folder_is_known():
    apart = {"demo_agencies", "scenarios"}  # the demonstration network and its stories: read by seeding and by tests
    assert {path.stem for path in FOLDER.glob("*.yaml")} == FILES | apart


def test_nothing_can_be_changed_afterwards():
    book = protocol.current()
    with pytest.raises(FrozenInstanceError):
        book.section("meta").code = "x"
    with pytest.raises(TypeError):
        book.sections["meta"] = None
    with pytest.raises(TypeError):
        book.item("simfoni_age_bands", "0_5").facts["min"] = 3


def test_accessors_answer_and_refuse_the_unknown():
    book = protocol.current()
    assert book.field("identity.nik").type == "nik"
    assert book.label("sexes", "P", "id") == "Perempuan"
    assert book.label("sexes", "P", "en") == "Female"
    assert book.label("sexes", "gone", "en") == "gone"
    assert book.short_label("clinical_sexual_violence", "id") == "Layanan medis segera"
    assert book.short_label("case_management", "en") == "Case management"
    assert book.codelist("violence_types").is_under("sexual.rape", "sexual")
    assert not book.codelist("violence_types").is_under("sexual", "sexual.rape")
    assert book.item("clocks", "ack").label("en") == "Respond by"
    for ask in (book.section, book.kind, book.service, book.role, book.ability, book.refusal, book.urgency, book.event, book.state, book.codelist):
        with pytest.raises(errors.NotFound):
            ask("no_such_code")
    for name in ("identity", "identity.none", "none.nik", ""):
        with pytest.raises(errors.NotFound):
            book.field(name)


def test_every_label_stands_in_both_languages():
    for codelist in protocol.current().codelists.values():
        for item in codelist:
            assert item.id.strip(), f"{codelist.name}.{item.code}"
            assert item.en.strip(), f"{codelist.name}.{item.code}"


def test_short_names_say_nothing_of_what_happened():
    for service in protocol.current().services.values():
        said = f"{service.short_id} {service.short_en}".lower()
        assert not [word for word in (*FORBIDDEN_IN_LISTS, "rape", "violence", "trafficking", "victim") if word in said]


def test_screens_say_penyintas():
    book = protocol.current()
    for name in (*REWORDED, "sections"):
        for item in book.codelist(name):
            assert "korban" not in item.id.lower(), f"{name}.{item.code}"
    small = yaml.safe_load((FOLDER / "field_codes.yaml").read_text("utf-8"))["lists"]
    for name in (*small, "fields"):
        for item in book.codelist(name):
            assert "korban" not in item.id.lower(), f"{name}.{item.code}"
            assert "pelaku" not in item.id.lower().replace("terduga pelaku", ""), f"{name}.{item.code}"
    assert book.section("perpetrator").id == "Terduga pelaku / terlapor"
    assert book.field("perpetrator.p_relationship").id == "Hubungan dengan penyintas"
    assert book.label("decline_reasons", "conflict_of_interest", "id") == "Konflik kepentingan (kenal pihak terkait)"
    assert book.label("decline_reasons", "survivor_declined", "id") == "Penyintas memilih tidak memakai layanan ini"
    assert book.label("outcomes", "no_show", "id") == "Belum hadir"


def test_comments_do_not_change_the_digest_and_labels_do(folder):
    before = protocol.load(folder).digest
    path = folder / "outcomes.yaml"
    path.write_text("# said otherwise\n" + path.read_text("utf-8"), "utf-8")
    assert protocol.load(folder).digest == before
    path.write_text(path.read_text("utf-8").replace("Belum hadir", "Belum datang"), "utf-8")
    assert protocol.load(folder).digest != before


MISTAKES = [
    ("outcomes", "list: outcomes", "list: other", "outcomes", "wrong_name"),
    ("outcomes", "- code: goal_achieved", "- code: service_given", "outcomes.service_given", "duplicate"),
    ("outcomes", "  en: Goal achieved\n", "", "outcomes.goal_achieved.en", "missing"),
    ("outcomes", "code: no_show", "code: no", "outcomes.False.code", "not_str"),
    ("outcomes", "list: outcomes", "list: [", "outcomes", "not_yaml"),
    ("outcomes", "version: 2", "version: 2026-01-01", "outcomes", "not_plain"),
    ("violence_types", "parent: sexual\n", "parent: nothing\n", "violence_types.sexual.rape", "unknown_parent"),
    ("sections", "codelist: sexes", "codelist: genders", "sections.profile.sex.codelist: genders", "unknown_name"),
    ("sections", "type: nik", "type: ktp", "sections.identity.nik.type", "unknown_type"),
    ("sections", "warn_only: true", "warns: true", "sections.identity.nik.warns", "unknown_entry"),
    ("sections", "  - code: birth_place", "  - code: full_name", "sections.identity.full_name", "duplicate"),
    ("sections", "field: medical.pregnant", "field: medical.expecting", "sections.medical.gestation_weeks: medical.expecting", "unknown_name"),
    ("sections", "      - 'yes'\n", "      - maybe\n", "sections.medical.gestation_weeks: maybe", "unknown_name"),
    ("sections", "      service: forensic_ver", "      service: autopsy", "sections.medical.spv_no: autopsy", "unknown_name"),
    ("sections", "      rule: lacks", "      rule: guess", "sections.profile.interpreter_needed.derive: guess", "unknown_name"),
    ("sections", "    type: longtext\n    required: true\n    max: 300\n", "    type: longtext\n    preview: true\n", "sections.meta.purpose", "type_never_in_preview"),
    ("sections", "    pdp: specific\n    codelist: disabilities\n", "    pdp: specific\n    preview: true\n    codelist: disabilities\n", None, None),
    ("sections", "  written_for: case\n", "  written_for: ever\n", "sections.profile.written_for", "unknown"),
    ("sections", "    type: nik\n", "    type: nik\n    store: clear\n", "sections.identity.nik", "type_never_clear"),
    ("sections", "    codelist: languages\n  - code: disability", "    store: clear\n    codelist: languages\n  - code: disability", "clear_metadata.profile.languages", "clear_but_not_listed"),
    ("section_matrix", "      - nik\n", "      - ktp\n", "section_matrix.matrix.police.identity: ktp", "unknown_name"),
    ("section_matrix", "  police:\n    meta:", "  guards:\n    meta:", "section_matrix.matrix: guards", "unknown_name"),
    ("section_matrix", "      level: on_request", "      level: sometimes", "section_matrix.matrix.police.chronology", "level_and_fields"),
    ("section_matrix", "- safe_contact.phone\n", "- safe_contact.fax\n", "section_matrix.contact_off: safe_contact.fax", "unknown_name"),
    ("agency_kinds", "  - tip\n", "  - tips\n", "section_matrix.matrix.social_services: tips", "unknown_name"),
    ("service_types", "purpose: intake", "purpose: taking", "service_types.complaint_intake.purpose: taking", "unknown_name"),
    ("service_types", "needs_document: spv", "needs_document: letter", "service_types.forensic_ver.document: letter", "unknown_name"),
    ("agency_roles", "can: [meta_only, attendance]", "can: [meta_only, presence]", "agency_roles.trainer.can: presence", "unknown_name"),
    ("agency_roles", "events: [recall]", "events: [recalled]", "agency_roles.abilities.recall.events: recalled", "unknown_name"),
    ("agency_roles", "actions: [stats.view]", "actions: [stats.look]", "agency_roles.abilities.report.actions: stats.look", "unknown_name"),
    ("agency_roles", "holds_key: false, can: [aggregates]", "holds_key: true, can: [aggregates]", "agency_roles.policy_analyst", "key_without_case_data"),
    ("audit_events", "code: referral.recall,", "code: referral.pull,", "audit_events: referral.recall", "unknown_name"),
    ("lifecycle", "to: received,", "to: reading,", "lifecycle.events.open_preview.to: reading", "unknown_name"),
    ("lifecycle", "guards: [some_basis_left]", "guards: [some_basis]", "lifecycle.events.consent_narrowed.guards: some_basis", "unknown_name"),
    ("lifecycle", "sets: [waitlisted]", "sets: [waiting]", "lifecycle.events.waitlist.flags: waiting", "unknown_name"),
    ("lifecycle", "needs: [milestone, note]", "needs: [milestone, memo]", "lifecycle.events.progress.needs: memo", "unknown_name"),
    ("lifecycle", "by: [recipient],                 needs: [handler", "by: [receiver],                 needs: [handler", "lifecycle.events.accept.by: receiver", "unknown_name"),
    ("lifecycle", "grant: narrow", "grant: narrower", "lifecycle.events.consent_narrowed.grant: narrower", "unknown_name"),
    ("lifecycle", "clock: pause}", "clock: hold}", "lifecycle.events.ask_information.clock: hold", "unknown_name"),
    ("lifecycle", "refusal: no_consent", "refusal: nope", "lifecycle.guards.basis_stands.refusal: nope", "unknown_name"),
    ("lifecycle", "from: [completed],                        to: same,        business: disputed", "from: [completed],   to: accepted,   business: disputed", "lifecycle.events.dispute", "leaves_terminal_state"),
    ("lifecycle", "guards: [within_10_minutes, not_opened], grant: revoked", "guards: [within_10_minutes, not_opened], grant: keep", "lifecycle.events.recall", "grant_outlives_end"),
    ("lifecycle", "codelist: outcomes", "codelist: results", "lifecycle.inputs.outcome.codelist: results", "unknown_name"),
    ("event_reasons", "for: [revise]", "for: [rewrite]", "event_reasons.correction.for: rewrite", "unknown_name"),
    ("urgency_sla", "to: on_call", "to: anyone", "urgency_sla.emergency.escalate: anyone", "unknown_name"),
    ("consent_forms", "  includes: adult_release", "  includes: guardian_consent", "consent_forms.guardian_consent.includes", "unknown_or_circular"),
    ("consent_forms", "  - worker\n  - witness", "  - clerk\n  - witness", "consent_forms.adult_release.signatures: clerk", "unknown_name"),
    ("consent_forms", ", Desember]", "]", "consent_forms.months", "twelve_months"),
    ("consent_rules", "sections_always: [meta, profile, consent]", "sections_always: [meta, face]", "consent_rules.limits.sections_always: face", "unknown_name"),
    ("business_hours", "fri: '08:00-11:00'", "fri: '11:00-08:00'", "business_hours.clinic.days", "not_hours"),
    ("clear_metadata", "codelist: decline_reasons", "codelist: refusal_reasons", "clear_metadata.decline_reason.codelist: refusal_reasons", "unknown_name"),
    ("wording_hints", "legal.lp_no", "legal.lp_number", "wording_hints.own_place: legal.lp_number", "unknown_name"),
    ("statutory_clocks", "class: report_72h", "class: report_96h", "statutory_clocks.tpks_report_police.class: report_96h", "unknown_name"),
]


@pytest.mark.parametrize(("name", "before", "after", "place", "fault"), MISTAKES, ids=[f"{m[0]}-{m[2][:24]}" for m in MISTAKES])
def test_a_mistake_stops_the_start_with_its_place(tmp_path, files, name, before, after, place, fault):
    text = (FOLDER / f"{name}.yaml").read_text("utf-8")
    assert before in text
    (tmp_path / f"{name}.yaml").write_text(text.replace(before, after, 1), "utf-8")
    with pytest.raises(errors.BadSettings) as refused:
        assemble(files | {name: read(tmp_path, name)})
    if place:
        assert place in str(refused.value.facts["place"])
    if fault:
        assert refused.value.facts["fault"] == fault


def test_a_missing_file_stops_the_start(folder):
    (folder / "purposes.yaml").unlink()
    with pytest.raises(errors.BadSettings) as refused:
        protocol.load(folder)
    assert refused.value.facts == {"place": "purposes", "fault": "missing"}


def test_the_demonstration_network_fits_the_lists():
    book = protocol.current()
    network = yaml.safe_load((FOLDER / "demo_agencies.yaml").read_text("utf-8"))["items"]
    assert len(network) == 15
    for agency in network:
        kind = book.kind(agency["kind"])
        assert agency["hours"] in book.hours
        assert {*agency["coverage"], agency["region"]} <= set(book.codelist("regions").items)
        for service in agency.get("services") or ():
            assert kind.code in book.service(service["code"]).kinds
            assert service["hours"] in book.hours
            assert set(service.get("bring") or ()) <= set(book.codelist("document_types").items)
        for member in agency["members"]:
            assert {book.role(code).kind for code in member["roles"]} <= {kind.code, "any"}
            assert set(member["duties"]) <= set(book.codelist("duty_posts").items)
