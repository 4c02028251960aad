"""The further events through the pages: what each side is offered, what comes back when something is missing, one filled button a page."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import text

from referral_hub import protocol
from referral_hub.consent import queries as ledger
from referral_hub.db import transact
from referral_hub.directory import queries as directory
from referral_hub.web.referral_steps import ASKS
from tests.web.stage import filled_buttons, keeps_rules, main_text

SECRET = "Apakah ia aman malam ini?"


def test_the_recipient_asks_first_and_the_sender_answers(stage, entries):
    story, number = stage.sent()
    story.at(story.santi).on("open_preview")
    sari, santi = stage.sari, stage.santi
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Tanya dulu kepada pengirim" in page.text
    page = keeps_rules(santi.send("/langkah/ask_information$"))
    assert page.status == 422
    assert "#f-ask_information-question" in page.links
    assert [(e.action, e.outcome) for e in entries(2)] == [("referral.preview_read", "allow"), ("referral.ask_information", "deny")]
    page = keeps_rules(santi.send("/langkah/ask_information$", **{"ask_information-question": SECRET}))
    assert page.status == 200
    assert SECRET not in page.html
    assert "menunggu jawaban Anda" in sari.get("/tugas").text
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert filled_buttons(page) == 1
    assert "Pertanyaannya ada di Catatan" in page.text
    assert SECRET in sari.get(f"/rujukan/{number}/catatan").text
    sari.get(f"/rujukan/{number}")
    assert sari.send("/langkah/answer$", **{"answer-answer": "Ya, aman."}).status == 200
    assert story.row().state == "received"
    assert "Ya, aman." in santi.get(f"/rujukan/{number}/catatan").text


def test_appointments_wait_for_safe_contact(stage):
    story, number = stage.accepted()
    santi = stage.santi
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Tindakan lain" in page.text
    assert "/langkah/schedule" not in page.html
    santi.get(f"/rujukan/{number}/bagian/safe_contact")
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert filled_buttons(page) == 1
    page = keeps_rules(santi.send("/langkah/schedule$", **{"schedule-appointment": "kapan saja", "schedule-note": "Di kantor."}))
    assert page.status == 422
    assert "Di kantor." in page.html
    when = (stage.clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    page = keeps_rules(santi.send("/langkah/schedule$", **{"schedule-appointment": when}))
    assert page.status == 200
    assert "Ada janji temu" in page.text
    assert story.row().has_appointment


def test_a_service_that_runs_ends_by_agreement_and_copies_are_accounted_for(stage):
    story, number = stage.accepted()
    story.at(story.santi).on("start")
    sari, santi = stage.sari, stage.santi
    sari.get(f"/rujukan/{number}")
    page = keeps_rules(sari.send("/langkah/request_cancel$"))
    assert page.status == 422
    page = keeps_rules(sari.send("/langkah/request_cancel$", **{"request_cancel-event_reason": "need_gone"}))
    assert "diminta mengakhiri" in page.text
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert filled_buttons(page) == 1
    page = keeps_rules(santi.send("/langkah/confirm_cancel$", **{"confirm_cancel-hand_back_note": "Sudah dikembalikan."}))
    assert (page.status, story.row().state) == (200, "cancelled")
    page = keeps_rules(santi.send("/langkah/confirm_purge$", **{"confirm_purge-purge_statement": "kept_in_file"}))
    assert page.status == 422
    assert "#f-confirm_purge-law_article" in page.links
    page = keeps_rules(
        santi.send("/langkah/confirm_purge$", **{"confirm_purge-purge_statement": "kept_in_file", "confirm_purge-law_article": "Pasal 1"})
    )
    assert page.status == 200
    assert "Sudah menjadi bagian berkas" in page.text
    assert "purge_due" not in story.row().flags


def test_a_second_person_sends(stage, session):
    story = stage.story()
    story.draft()
    story.agree()
    session.connection().exec_driver_sql("UPDATE case_file SET second_person_needed = true")
    session.commit()
    number = story.row().number
    stage.uptd.admit_second("case_lead")
    sari, lead = stage.sari, stage.uptd.second
    page = keeps_rules(sari.get(f"/rujukan/{number}/draf/periksa"))
    assert "/kirim" not in main_text(page)
    assert filled_buttons(page) == 1
    assert "Kirim ke atasan untuk disetujui" in page.text
    sari.send("/langkah/submit$")
    assert "awaiting_approval" in story.row().flags
    assert "persetujuan penyelia ditunggu" in sari.get("/tugas").text
    lead.sign_in()
    assert "persetujuan Anda ditunggu" in lead.get("/tugas").text
    alias = re.search(r"SM-[0-9A-Z]{4}-[0-9A-Z]{4}", lead.page.text).group()
    lead.get(f"/kasus/{alias}")
    assert lead.send("/petugas$", member=str(stage.hand(lead).id)).status == 200
    page = keeps_rules(lead.get(f"/rujukan/{number}/draf/periksa"))
    assert "Kembalikan draf" in page.text
    page = lead.send("/kirim$", read_block="yes", called="yes", confirm_recipient="lbh")
    assert (page.status, story.row().state) == (200, "requested")


def test_an_unknown_step_leads_nowhere(stage):
    _, number = stage.sent()
    stage.sari.get(f"/rujukan/{number}")
    form = next(f for f in stage.sari.page.forms if "/langkah/" in f.action or f.action.endswith("/tarik"))
    assert stage.sari.browser.post(f"/rujukan/{number}/langkah/teleport", form.filled()).status == 404


def test_every_form_asks_for_what_its_event_needs():
    for event, asks in ASKS.items():
        needs = set(protocol.current().event(event).needs) - {"basis"}
        assert needs <= {ask.name for ask in asks}, event


def test_messages_and_own_notes(stage, entries):
    _, number = stage.accepted()
    sari, santi = stage.sari, stage.santi
    keeps_rules(santi.get(f"/rujukan/{number}"))
    page = keeps_rules(santi.send("/pesan$"))
    assert page.status == 422
    assert "#f-message" in page.links
    page = keeps_rules(santi.send("/pesan$", message="Boleh datang Senin?"))
    assert "Boleh datang Senin?" in page.text
    assert [e.action for e in entries(2)] == ["message.read", "message.send"]
    assert "Boleh datang Senin?" in sari.get(f"/rujukan/{number}/catatan").text
    santi.get(f"/rujukan/{number}")
    page = keeps_rules(santi.send("/catatan-lembaga$", internal_note="Berkas di lemari."))
    assert "Berkas di lemari." in page.text
    assert [e.action for e in entries(2)] == ["note.read", "note.write"]
    assert sari.get(f"/rujukan/{number}/catatan-lembaga").status == 404
    assert "Berkas di lemari." not in sari.get(f"/rujukan/{number}/catatan").text


def test_passing_on_is_proposed_and_refused(stage):
    story, number = stage.accepted()
    other = stage.network.agency("lkbh", "legal", roles=("lawyer",), services=("legal_consult",))
    transact(stage.session, lambda s: s.execute(text("UPDATE agency SET state = 'active' WHERE state = 'founding'")))
    sari, santi = stage.sari, stage.santi
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Usul dialihkan" in page.text
    agency_id = str(directory.agency(stage.session, other.code).id)
    given = {"propose_forward-target_agency": agency_id, "propose_forward-event_reason": "better_placed"}
    page = keeps_rules(santi.send("/langkah/propose_forward$", **given))
    assert (page.status, "forward_proposed" in story.row().flags) == (200, True)
    sari.sign_in()
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert filled_buttons(page) == 1
    assert "/langkah/approve_forward" not in page.html, "there is no consent to choose yet: she is asked first"
    assert f"/rujukan/{number}/persetujuan?untuk=alih" in page.links
    page = keeps_rules(sari.send("/langkah/refuse_forward$", **{"refuse_forward-event_reason": "not_necessary"}))
    assert (page.status, "forward_proposed" in story.row().flags) == (200, False)


def test_passing_on_is_asked_about_and_agreed_to(stage, entries):
    story, number = stage.accepted()
    other = stage.network.agency("lkbh", "legal", roles=("lawyer",), services=("legal_consult",))
    transact(stage.session, lambda s: s.execute(text("UPDATE agency SET state = 'active' WHERE state = 'founding'")))
    sari, santi = stage.sari, stage.santi
    santi.get(f"/rujukan/{number}")
    agency_id = directory.agency(stage.session, other.code).id
    santi.send("/langkah/propose_forward$", **{"propose_forward-target_agency": str(agency_id), "propose_forward-event_reason": "better_placed"})
    sari.sign_in()
    for answer, action in (("no", "consent.refuse"), ("yes", "consent.give")):
        page = keeps_rules(sari.get(f"/rujukan/{number}/persetujuan?untuk=alih"))
        assert stage.network_name("lkbh") in main_text(page)
        form = next(f for f in page.forms if f.action.endswith("/persetujuan") and "act_id" in dict(f.fields))
        assert sari.browser.post(form.action, form.filled(answer=answer, language="su", method="written", copy_given="given")).status == 200
        assert action in [e.action for e in entries(3)]
        assert agency_id in {one.scope_agency for one in ledger.of_case(stage.session, story.row().case_id) if one.is_refusal == (answer == "no")}
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert filled_buttons(page) == 1
    page = keeps_rules(sari.send("/langkah/approve_forward$"))
    assert page.heading == "Rujukan baru"
    assert story.row().state == "cancelled"
