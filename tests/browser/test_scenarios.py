"""The agreed walk-through cases in Chromium at 360 px, by real clicks through each role's pages: S1 without scripts, S2 in English, S4, S6."""

from __future__ import annotations

from functools import partial

import pytest

from tests.browser.colleague import Colleague

BDG = {name: f"{name}@uptd-ppa-bdg.rujukan.test" for name in ("asep", "yuni", "wulan", "ratna")}
RSUD = {name: f"{name}@rsud-kenanga.rujukan.test" for name in ("lina", "nurul", "gina")}
CLOSED = {403, 404}


@pytest.fixture
def at_work(person):
    """Give `at_work(mail)`: a colleague at 360 px."""
    return lambda mail, language="id", scripts=True: Colleague(person(mail, scripts=scripts), language)


def test_s6_guardian_is_suspect_and_a_relative_works_at_the_recipient(at_work):
    asep, ratna, lina = at_work(BDG["asep"]), at_work(BDG["ratna"]), at_work(RSUD["lina"])
    code = asep.open_file("Bunga", ages="6_12", sections=["safety"])
    asep.fill(code, "safety", "Bunga", risk_level=["extreme"])
    asep.fill(code, "child_guardian", "Bunga", guardian_relation=["father"], guardian_informed=["no_unsafe"], guardian_is_suspect=["yes"], bi_decided_by=[asep.code, ratna.code])
    number = asep.draft(code, "RSUD Kenanga", "medical_exam", "emergency")
    asep.consent_of_child(number, "guardian", "Ingin aman.")
    assert asep.named("refusals", "guardian_is_suspect") in asep.text
    asep.consent_of_child(number, "institution", "Ingin aman.", reason="Pengasuh terlibat.", weighed="Kerabat atau rumah aman.")
    assert asep.say("Waits for the second signer") in asep.go(f"/kasus/{code}/persetujuan").text

    ratna.assign(code, ratna.code)
    ratna.go(f"/kasus/{code}/persetujuan").follow("Read and sign")
    assert "Ingin aman." in ratna.text
    ratna.press("Sign as the second person")
    ratna.go(f"/kasus/{code}").unfold(ratna.say("Conflict of interest"))
    ratna.page.select_option("select[name=agency]", label="RSUD Kenanga — PPT/PKT (simulasi)")
    ratna.page.fill("input[name=member_code]", lina.code)
    ratna.page.click("form[action$='/konflik'] button")
    asep.submit(number)
    ratna.send(number, "rsud-kenanga")

    assert lina.status(f"/rujukan/{number}") == 404, "a relative is not told that there is anything"
    assert number not in lina.go("/rujukan?arah=masuk").text
    gina = at_work(RSUD["gina"])
    assert "UPTD PPA Kota Bandung" in gina.go("/tugas").text
    assert gina.status(f"/rujukan/{number}/bagian/identity") in CLOSED
    nurul = at_work(RSUD["nurul"])
    nurul.preview(number)
    assert "Bunga" not in nurul.text
    nurul.accept(number)
    assert "keluarga Bunga" in nurul.read(number, "safe_contact")
    assert "Penyintas Bunga" in nurul.read(number, "identity")


def test_s4_she_withdraws_consent_for_one_agency_and_the_other_goes_on(at_work, person):
    yuni, ratna, wulan = at_work(BDG["yuni"]), at_work(BDG["ratna"]), at_work(BDG["wulan"])
    code = yuni.open_file("Mawar", ages="18_24", sections=["safety", "incident", "tip", "medical", "legal"])
    ratna.assign(code, wulan.code)
    care = yuni.draft(code, "Puskesmas Cempaka Asri", "maternal_midwife")
    yuni.consent(care)
    yuni.send(care, "pkm-cempaka")
    ujang, imas = at_work("ujang@pkm-cempaka.rujukan.test"), at_work("imas@pkm-cempaka.rujukan.test")
    ujang.preview(care)
    imas.accept(care)
    assert "keluarga Mawar" in imas.read(care, "safe_contact")
    imas.read(care, "medical")
    assert "Ringkasan Mawar" not in imas.read(care, "incident"), "of what happened a midwife sees the kinds only"
    assert imas.status(f"/rujukan/{care}/bagian/tip") in CLOSED
    imas.does(care, "schedule", appointment="2027-01-04T09:00", note="Bawa buku KIA.")
    imas.is_told("There is an appointment. Its time stands under Notes.")
    imas.go(f"/rujukan/{care}").press("Start service").no_complaint()
    imas.progress(care, "examined", "Sudah diperiksa Mawar.")

    yuni.fill(code, "safe_contact", "Mawar", must_not_know="mertua {0}")
    yuni.does(care, "revise", sections=["safe_contact"], event_reason="safe_contact_changed")
    imas.from_tasks(care)
    assert imas.named("events", "revise") in imas.text
    assert "mertua Mawar" in imas.read(care, "safe_contact")
    assert "keluarga Mawar" not in imas.text

    skills = yuni.draft(code, "Saung Mandiri", "life_skills", "planned")
    yuni.consent(skills)
    yuni.send(skills, "balai-mandiri")
    jajang = at_work("jajang@balai-mandiri.rujukan.test")
    jajang.preview(skills)
    jajang.accept(skills)
    jajang.read(skills, "safe_contact")
    assert "Penyintas Mawar" in jajang.read(skills, "identity")
    assert jajang.status(f"/rujukan/{skills}/bagian/medical") in CLOSED
    own = _copied(jajang, yuni, skills)
    assert own != code

    wulan.go("/kasus")
    wulan.page.click(f"main a:has-text('{code}')")
    wulan.follow("The survivor's consents")
    wulan.page.click("li.card:has(h2:has-text('Saung Mandiri')) a")
    wulan.press("Withdraw consent")
    assert jajang.status(f"/rujukan/{skills}/bagian/identity") in CLOSED, "access ends at once"
    assert "Mawar" not in jajang.text
    _deleted(jajang, yuni, skills, own)
    assert "Ringkasan Mawar" not in imas.read(care, "incident")
    assert "Sudah diperiksa Mawar." in yuni.go(f"/rujukan/{care}").follow("Open notes").text


def _copied(recipient, sender, number):
    """Copy two sections into a new own file, and see that the sender is told which, not where; return the file's code."""
    recipient.go(f"/rujukan/{number}").unfold(recipient.say("Copy into your own file"))
    assert recipient.page.locator("input[name=copy][value=medical]").count() == 0
    for section in ("safety", "needs"):
        recipient.page.check(f"input[name=copy][value={section}]")
    own = recipient.press("Copy these sections").no_complaint().page.inner_text("h1 .id")
    assert recipient.text.count(recipient.say("copied from %(number)s", number=number)) == 2
    assert sender.say("Copied into the recipient's own file") in sender.go(f"/rujukan/{number}").text
    assert own not in sender.text
    return own


def _deleted(recipient, sender, number, own):
    """From the own file, where the copies are closed now, to the referral: nothing kept is not true while copies are there, destroyed is."""
    recipient.go(f"/kasus/{own}").page.click(f"main a:has-text('{number}') >> nth=0")
    recipient.page.wait_for_load_state()
    recipient.is_told("The survivor has withdrawn consent. The content is closed.")
    recipient.page.check("input[name=confirm_purge-purge_statement][value=nothing_kept]")
    recipient.press_form("confirm_purge")
    assert recipient.named("refusals", "copies_remain") in recipient.text
    recipient.does(number, "confirm_purge", purge_statement="destroyed")
    assert recipient.named("purge_statements", "destroyed") in recipient.text
    assert recipient.named("purge_statements", "destroyed") in sender.go(f"/rujukan/{number}").text
    assert number not in recipient.go(f"/kasus/{own}").text


def test_s1_a_child_is_sheltered_and_interviewed_with_her_companion(at_work):
    asep, ratna, wulan = (at_work(BDG[name], scripts=False) for name in ("asep", "ratna", "wulan"))
    code = asep.open_file("Melur", ages="13_17", sections=["safety", "child_guardian", "incident", "tip", "medical", "legal", "family", "chronology"])
    asep.fill(code, "safety", "Melur", risk_level=["extreme"], risk_flags=["organised_network"])
    ratna.assign(code, ratna.code)
    ratna.assign(code, wulan.code)
    sent = partial(sent_for_a_child, asep, ratna, code)
    shelter = sent("Rumah Aman Melati", "temporary_shelter", "emergency", "rumah-aman-melati")
    marni = at_work("marni@rumah-aman-melati.rujukan.test", scripts=False)
    assert marni.status(f"/rujukan/{shelter}/bagian/identity") in CLOSED
    marni.preview(shelter)
    assert "Melur" not in marni.text
    marni.accept(shelter)
    assert "keluarga Melur" in marni.read(shelter, "safe_contact")
    assert "Penyintas Melur" in marni.read(shelter, "identity")
    marni.read(shelter, "safety")
    marni.go(f"/rujukan/{shelter}").press("Start service").no_complaint()
    marni.progress(shelter, "admitted", "Sudah masuk Melur.")
    assert "Sudah masuk Melur." in asep.go(f"/rujukan/{shelter}").follow("Open notes").text

    care = sent("RSUD Kenanga", "clinical_sexual_violence", "emergency", "rsud-kenanga", never=("tip", "chronology"))
    nurul = at_work(RSUD["nurul"], scripts=False)
    _served(nurul, care, "examined")

    police = sent("Unit PPA Polrestabes Bandung", "police_report", "urgent", "unit-ppa-bdg")
    rizal = at_work("rizal@unit-ppa-bdg.rujukan.test", scripts=False)
    rizal.preview(police)
    rizal.accept(police)
    rizal.read(police, "safe_contact")
    assert rizal.status(f"/rujukan/{police}/bagian/medical") in CLOSED, "whether she is pregnant is not for the police"
    rizal.does(police, "ask_sections", sections=["chronology"], event_reason="needed_for_service")
    assert rizal.status(f"/rujukan/{police}/bagian/chronology") in CLOSED
    asep.ask_again(police, child_view="Boleh, asal satu kali.")
    asep.supply(police, "chronology", why="Supaya tidak ditanya dua kali.")
    assert "Kronologi Melur" in rizal.read(police, "chronology")
    rizal.go(f"/rujukan/{police}").press("Start service").no_complaint()
    rizal.progress(police, "lp_issued", "Laporan diterima Melur.")
    rizal.does(police, "request_interview", appointment="2027-01-05T10:00", note="Ruang ramah anak.")
    wulan.does(police, "answer_interview", readiness="with_companion", note="Didampingi Melur.")
    assert "Didampingi Melur." in rizal.go(f"/rujukan/{police}").follow("Open notes").text
    rizal.progress(police, "temp_protection_given", "Dilindungi Melur.")
    rizal.progress(police, "lpsk_requested", "Diminta Melur.")
    rizal.writes(police, rizal.say("Write to %(agency)s", agency="UPTD PPA Kota Bandung (simulasi)"), "message", "Terima kasih Melur.", "Send message")
    assert "Terima kasih Melur." in asep.go(f"/rujukan/{police}").follow("Open notes").text
    rizal.writes(police, rizal.say("Write a note"), "internal_note", "Catatan sendiri Melur.", "Save note")
    assert "Catatan sendiri Melur." not in asep.go(f"/rujukan/{police}").follow("Open notes").text

    tracing = sent("UPTD PPA Kabupaten Indramayu", "family_tracing", "planned", "uptd-ppa-imy")
    wahyu = _served(at_work("wahyu@uptd-ppa-imy.rujukan.test", scripts=False), tracing, "family_assessed")
    wahyu.complete(tracing, "family_accepts", "Selesai Melur.")
    wahyu.is_told("Readable until %(time)s. After that the content closes for your agency.")
    assert wahyu.named("outcomes", "family_accepts") in asep.go(f"/rujukan/{tracing}").text


def _served(somebody, number, *steps):
    """Open, accept, read safe contact, start, and report each step."""
    somebody.preview(number)
    somebody.accept(number)
    assert "keluarga Melur" in somebody.read(number, "safe_contact")
    somebody.go(f"/rujukan/{number}").press("Start service").no_complaint()
    for step in steps:
        somebody.progress(number, step, f"Sudah {step} Melur.")
    return somebody


def sent_for_a_child(worker, lead, code, place, service, urgency, recipient, *, never=()):
    """Prepare a referral for a child, ask guardian and child, hand it to the supervisor, who sends; `never`: sections that are not offered at all."""
    number = worker.draft(code, place, service, urgency)
    worker.go(f"/rujukan/{number}/draf/isi")
    for section in never:
        assert worker.page.locator(f"input[name=fields][value^='{section}.']").count() == 0
    worker.consent_of_child(number, "child_with_guardian", "Ingin aman, ditemani Kakak.").no_complaint()
    assert worker.check(number).page.locator("input[name=read_block]").count() == 0, "two people look at it"
    worker.submit(number)
    lead.send(number, recipient)
    return number


def test_s2_help_without_a_police_report(at_work):
    yuni = at_work(BDG["yuni"], "en")
    code = yuni.open_file("Sekar", ages="25_44", sections=["incident", "tip"])
    yuni.fill(code, "legal", "Sekar", wants_report=["no"])
    yuni.fill(code, "safety", "Sekar", blocked_kinds=["police"])
    police = yuni.draft(code, "Unit PPA Polrestabes Bandung", "police_report", "urgent")
    yuni.consent(police, "Not yet, or no")
    assert yuni.say("Not yet, or no") in yuni.go(f"/kasus/{code}/persetujuan").text
    yuni.go(f"/rujukan/{police}/draf").unfold(yuni.say("Not referring after all"))
    yuni.press("Delete the draft")
    assert yuni.status(f"/rujukan/{police}/draf/isi") in CLOSED

    legal = yuni.draft(code, "LBH Pelita", "legal_consult", "urgent")
    yuni.consent(legal)
    yuni.send(legal, "lbh-pasundan")
    santi = at_work("santi@lbh-pasundan.rujukan.test", "en")
    santi.preview(legal)
    santi.accept(legal)
    assert "keluarga Sekar" in santi.read(legal, "safe_contact")
    assert "Bukti Sekar" in santi.read(legal, "legal")

    care = yuni.draft(code, "Klinik Psikologi Teduh", "mental_health", leave_out=["incident"])
    yuni.consent(care)
    yuni.send(care, "klinik-teduh")
    amel = at_work("amel@klinik-teduh.rujukan.test", "en")
    amel.preview(care)
    amel.does(care, "ask_information", question="Does a woman have to do it Sekar?")
    assert "Does a woman have to do it Sekar?" in yuni.go(f"/rujukan/{care}").follow("Open notes").text
    yuni.does(care, "answer", answer="Yes, please Sekar.")
    amel.accept(care)
    assert "Yes, please Sekar." in amel.go(f"/rujukan/{care}").follow("Open notes").text
    amel.read(care, "safe_contact")

    amel.does(care, "ask_sections", sections=["chronology", "incident"], event_reason="needed_for_service")
    assert amel.status(f"/rujukan/{care}/bagian/incident") in CLOSED
    assert "asks for further sections: Incident summary, because" in yuni.ask_again(care, leave_out=["chronology"])
    assert yuni.page.locator("input[name=supply_sections-sections][value=chronology]").count() == 0, "she did not agree to this one"
    yuni.looks_well().supply(care, "incident")
    assert "Ringkasan Sekar" in amel.read(care, "incident")
    assert amel.status(f"/rujukan/{care}/bagian/chronology") in CLOSED

    amel.does(care, "waitlist", review_on="2027-01-11", interim_safety_plan="Her sister knows.")
    amel.does(care, "resume")
    amel.go(f"/rujukan/{care}").press("Start service").no_complaint()
    amel.progress(care, "session_held", "First session Sekar.")

    _reports_after_all(yuni, at_work("dian@unit-ppa-bdg.rujukan.test", "en"), code)
    yuni.ask_again(care, "lanjut")
    yuni.does(care, "renew_basis", new_basis=1)
    assert "Ringkasan Sekar" in amel.read(care, "incident"), "a renewed basis keeps open what was open"


def _reports_after_all(worker, police, code):
    """Weeks later she wants the police after all: the block is lifted in her file, she is asked, the head of the unit accepts."""
    worker.fill(code, "safety", "Sekar", blocked_kinds=[])
    worker.fill(code, "legal", "Sekar", wants_report=["yes"])
    report = worker.draft(code, "Unit PPA Polrestabes Bandung", "police_report", "normal")
    worker.consent(report)
    worker.send(report, "unit-ppa-bdg")
    police.preview(report)
    police.accept(report)
    assert "keluarga Sekar" in police.read(report, "safe_contact")
