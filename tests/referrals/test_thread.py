"""The thread from draft to completion, step by step: rows, clocks, keys, and exactly one entry for each act and each opening."""

from datetime import UTC, datetime

import pytest

from referral_hub import protocol
from referral_hub.referrals import rules
from tests.referrals.story import DAY, HOUR, IDENTITY, META, MINUTE, NEEDS, NOW, SECTIONS


def test_from_draft_to_completion(story):
    draft = story.draft()
    assert (draft.state, draft.business, draft.version, draft.sent_at) == ("draft", "drafting", 1, None)
    assert draft.number.startswith("RJ-")
    assert len(draft.number) == 12
    story.agree()

    sent = story.send()
    assert (sent.state, sent.sending, sent.sent_at) == ("requested", 1, NOW)
    assert sent.respond_by == datetime(2026, 11, 5, 9, 0, tzinfo=UTC)  # the third working day, at closing time
    assert sent.due_at == sent.respond_by

    opened = story.at(story.santi, HOUR).on("open_preview")
    assert (opened.state, opened.flags, opened.handler) == ("received", {"ever_opened"}, story.santi.id)
    assert opened.received_at == NOW + HOUR
    assert opened.recipient_no.startswith("RM-")
    assert opened.case_id is None

    accepted = story.at(story.santi, 2 * HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert (accepted.state, accepted.accepted_at, accepted.first_service_by) == ("accepted", NOW + 2 * HOUR, NOW + DAY)
    assert (accepted.flags, accepted.due_at, accepted.recipient_no) == ({"ever_opened", "ever_accepted"}, NOW + DAY, opened.recipient_no)

    started = story.at(story.santi, DAY).on("start")
    assert (started.state, started.started_at, started.update_by) == ("in-progress", NOW + DAY, NOW + 15 * DAY)
    noted = story.at(story.santi, 2 * DAY).on("progress", milestone="poa_signed", note="Surat kuasa sudah ada.")
    assert (noted.milestones, noted.update_by, noted.due_at) == (("poa_signed",), NOW + 16 * DAY, NOW + 16 * DAY)
    done = story.at(story.santi, 3 * DAY).on("complete", outcome="service_given", note="Selesai.")
    assert (done.state, done.outcome, done.ended_at, done.due_at) == ("completed", "service_given", NOW + 3 * DAY, None)
    assert [e.code for e in story.events()] == ["create", "send", "open_preview", "accept", "start", "progress", "complete"]


def test_each_act_leaves_one_entry_with_what_it_was_about(story):
    story.draft()
    before = len(story.entries())
    story.agree()
    story.send()
    story.at(story.santi, HOUR).on("open_preview")
    story.at(story.santi, HOUR).read("preview_page")
    story.at(story.santi, HOUR).on("claim")
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    story.at(story.santi, HOUR).section("safe_contact")
    story.at(story.santi, HOUR).section("identity")
    story.at(story.santi, HOUR).read("field", section="identity", field="nik")
    story.at(story.santi, HOUR).on("start")
    story.at(story.santi, HOUR).on("progress", milestone="contact_made", note="Sudah bertemu.")
    story.at(story.sari, HOUR).read("notes")
    story.at(story.santi, HOUR).on("complete", outcome="service_given")
    entries = story.entries()[before:]
    assert [e.action for e in entries] == [
        "consent.give", "referral.send", "referral.open_preview", "referral.preview_read", "referral.claim", "referral.accept",
        "section.safe_contact_read", "section.read", "field.reveal", "referral.start", "referral.progress", "message.read",
        "referral.complete",
    ]  # fmt: skip
    assert all(e.outcome == "allow" and e.policy_digest and e.rule_ids for e in entries)
    row = story.row()
    assert {e.referral_id for e in entries[1:]} == {row.id}
    assert {e.consent_id for e in entries} == {row.consent_id}
    assert {e.purpose for e in entries} == {"legal_aid"}
    assert {e.legal_basis for e in entries} == {"consent"}
    sending, reveal = entries[1], entries[8]
    assert (sending.sections, sending.recipient_agency, len(sending.manifest_digest)) == (tuple(sorted(SECTIONS)), story.lbh.id, 32)
    assert (reveal.object_kind, reveal.sections, reveal.fields) == ("field", ("identity",), ("identity.nik",))
    assert [e for e in entries if e.manifest_digest] == [sending]


def test_the_survivor_has_another_alias_at_each_agency(story):
    story.completed()
    entries = [e for e in story.entries() if e.referral_id == story.id]
    subjects = {e.agency_id: set() for e in entries}
    for entry in entries:
        subjects[entry.agency_id] |= set(entry.subjects)
    at_uptd, at_lbh = subjects[story.uptd.id], subjects[story.lbh.id]
    assert len(at_uptd) == len(at_lbh) == 1
    assert at_uptd != at_lbh
    meta = story.at(story.santi, 3 * DAY).section("meta").fields
    assert meta["alias"] == story.at(story.santi, 3 * DAY).detail().alias
    assert meta["alias"] != story.at(story.sari, 3 * DAY).detail().alias


def test_the_case_id_stands_in_no_entry_about_the_referral(story):
    story.completed()
    case_id = story.row().case_id
    assert all(case_id not in (e.object_id, e.referral_id, *e.subjects) for e in story.entries() if e.referral_id == story.id)


def test_both_sides_read_the_same_content(story):
    story.accepted()
    ours, theirs = story.at(story.sari, 3 * HOUR), story.at(story.santi, 3 * HOUR)
    for code in SECTIONS:
        assert ours.section(code).fields == theirs.section(code).fields
    assert theirs.section("identity").fields["full_name"] == IDENTITY["full_name"]
    assert theirs.section("needs").fields == {"wishes": NEEDS["wishes"]}
    meta = theirs.section("meta").fields
    assert meta["purpose"] == META["purpose"]
    assert (meta["service"], meta["from_agency"], meta["to_agency"]) == ("legal_consult", "uptd", "lbh")
    agreed = theirs.section("consent").fields
    assert (agreed["scope_purpose"], agreed["valid_until"], "restrictions" in agreed) == ("legal_aid", "2027-05-01", False)


def test_notes_are_read_by_both_agencies(story):
    story.started()
    story.at(story.santi, 2 * DAY).on("progress", milestone="session_held", note="Sesi pertama.")
    story.at(story.santi, 3 * DAY).on("progress", milestone="session_held", note="Sesi kedua.")
    story.at(story.santi, 4 * DAY).on("complete", outcome="service_given", note="Selesai.")
    for person in (story.sari, story.santi):
        notes = story.at(person, 5 * DAY).read("notes").notes
        assert [(n.event, n.text, n.actor_code) for n in notes] == [
            ("progress", "Sesi pertama.", "PS-01"), ("progress", "Sesi kedua.", "PS-01"), ("complete", "Selesai.", "PS-01"),
        ]  # fmt: skip
    assert all("Sesi" not in str(e.inputs) for e in story.events())


def test_history_keeps_codes_and_marks_what_is_sealed(story):
    story.accepted()
    create, send, _, accept = story.events()
    assert create.inputs == {"case": True, "service": "legal_consult", "recipient_agency": str(story.lbh.id)}
    assert send.inputs == {
        "basis": "consent", "safe_contact_read": True, "recipient_confirmed": True, "sections": sorted(SECTIONS),
    }  # fmt: skip
    assert accept.inputs == {"handler": str(story.santi.id), "first_contact_by": (NOW + DAY).isoformat()}
    assert [e.seq for e in story.events()] == [1, 3, 4, 5]  # giving consent is no event of the referral


@pytest.mark.parametrize("event", sorted(set(protocol.current().lifecycle.events) - set(rules.BUILT)))
def test_an_event_that_is_not_built_is_refused_by_name_and_changes_nothing(network, story, event):
    story.accepted()
    supervisor = network.member(story.uptd, "case_lead")
    people = [story.sari, supervisor, story.santi]
    codes = {story.refused(p, f"referral.{event}", lambda p=p: story.at(p).later_of(event)).code for p in people}
    by = protocol.current().event(event).by
    assert "not_built" in codes or by == {"clock"}
    assert codes <= {"not_built", "wrong_side", "role_lacks_ability", "not_found", "second_signer_needed"}


@pytest.mark.parametrize(
    ("stage", "side", "verb", "inputs", "action"),
    [
        ("draft", "sari", "edit_draft", {"parts": {"needs": NEEDS}}, "referral.edit"),
        ("draft", "sari", "refuse_consent", {"language": "id"}, "consent.refuse"),
        ("draft", "sari", "discard", {}, "referral.discard"),
        ("sent", "sari", "recall", {}, "referral.recall"),
        ("sent", "santi", "open_preview", {}, "referral.open_preview"),
        ("opened", "santi", "claim", {}, "referral.claim"),
        ("opened", "santi", "decline", {"reason": "duplicate", "note": "Sudah ada."}, "referral.decline"),
        ("accepted", "sari", "withdraw", {"reason": "need_gone", "note": "Ya."}, "referral.withdraw"),
        ("accepted", "santi", "start", {}, "referral.start"),
        ("started", "santi", "progress", {"milestone": "session_held", "note": "Ya."}, "referral.progress"),
        ("started", "santi", "complete", {"outcome": "service_given", "note": "Ya."}, "referral.complete"),
    ],
)
def test_every_act_leaves_exactly_one_entry(story, stage, side, verb, inputs, action):
    getattr(story, stage)()
    size, version = len(story.entries()), story.version()
    row = story.at(getattr(story, side), MINUTE).on(verb, **inputs)
    (entry,) = story.entries()[size:]
    assert (entry.action, entry.outcome, entry.request_id) == (action, "allow", "")
    assert len(entry.subjects) == 1
    assert row.version == version + 1
    if entry.object_kind == "referral":
        assert (entry.object_id, entry.object_version) == (story.id, row.version)
