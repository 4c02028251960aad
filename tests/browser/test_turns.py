"""What else a referral meets, in Chromium at 360 px, one story each: she takes something back and the file ends; what is passed on or given up;
what goes without her consent, by two, and was a mistake."""

from __future__ import annotations

import pytest

from tests.browser.colleague import Colleague

YUNI, RATNA = "yuni@uptd-ppa-bdg.rujukan.test", "ratna@uptd-ppa-bdg.rujukan.test"
CLOSED = {403, 404}


@pytest.fixture
def at_work(person):
    """Give `at_work(mail)`: a colleague at 360 px."""
    return lambda mail, language="id": Colleague(person(mail), language)


def test_she_takes_a_section_back_the_service_ends_by_agreement_and_the_file_is_closed(at_work):
    yuni, ratna, santi = at_work(YUNI), at_work(RATNA), at_work("santi@lbh-pasundan.rujukan.test")
    code = yuni.open_file("Dahlia", ages="25_44", sections=["safety", "incident", "legal"])
    ratna.assign(code, ratna.code)
    legal = yuni.draft(code, "LBH Pelita", "legal_consult")
    yuni.consent(legal)
    yuni.send(legal, "lbh-pasundan")
    santi.preview(legal)
    santi.accept(legal)
    assert "Ringkasan Dahlia" in santi.read(legal, "incident")
    santi.does(legal, "no_show", attempts="1", safe_contact_respected="yes", note="Tidak datang Dahlia.")
    assert santi.named("events", "no_show") in yuni.go(f"/rujukan/{legal}").text
    santi.go(f"/rujukan/{legal}").press("Start service").no_complaint()

    yuni.go(f"/kasus/{code}/persetujuan").page.click("li.card:has(h2:has-text('LBH Pelita')) a")
    yuni.unfold(yuni.say("Take back some sections only"))
    yuni.looks_well().page.check("input[name=sections][value=incident]")
    yuni.press("Take back these sections").no_complaint()
    assert santi.status(f"/rujukan/{legal}/bagian/incident") in CLOSED
    assert "Bukti Dahlia" in santi.read(legal, "legal"), "the rest goes on"
    santi.go(f"/rujukan/{legal}").looks_well().page.check("input[name=confirm_purge-purge_statement][value=kept_in_file]")
    santi.press_form("confirm_purge")
    assert santi.page.locator(".errors a[href='#f-confirm_purge-law_article']").count() == 1, santi.text
    assert santi.page.is_checked("input[name=confirm_purge-purge_statement][value=kept_in_file]"), "what was chosen is still there"
    santi.page.fill("[name=confirm_purge-law_article]", "UU 18/2003 pasal 19")
    santi.press_form("confirm_purge")
    santi.no_complaint()

    yuni.does(legal, "request_cancel", event_reason="need_gone", note="Sudah selesai Dahlia.")
    yuni.is_told("%(agency)s has been asked to end this service.")
    assert santi.say("The sender asks to end this service. Say what has been done and what is still open.") in santi.go(f"/rujukan/{legal}").next_step
    santi.does(legal, "confirm_cancel", hand_back_note="Surat sudah dibuat Dahlia.")
    santi.is_told("Ended by agreement. The content is closed.").looks_well()
    assert santi.status(f"/rujukan/{legal}/bagian/legal") in CLOSED
    santi.does(legal, "confirm_purge", purge_statement="nothing_kept")
    assert "Surat sudah dibuat Dahlia." in yuni.go(f"/rujukan/{legal}").follow("Open notes").text

    _file_is_closed(yuni, ratna, at_work("bayu@klinik-teduh.rujukan.test"), code, ended=legal)


def _file_is_closed(yuni, ratna, bayu, code, *, ended):
    """One referral still runs: while it goes on the file stays open; then both end."""
    care = yuni.draft(code, "Klinik Psikologi Teduh", "mental_health")
    yuni.consent(care)
    yuni.send(care, "klinik-teduh")
    bayu.preview(care)
    ratna.go(f"/kasus/{code}").follow("Finish helping").looks_well()
    assert care in ratna.text
    assert ended not in ratna.text, "what has ended is not asked about"
    ratna.page.select_option(f"select[name='{care}']", "keep")
    ratna.page.locator("input[name=reason]").first.check()
    ratna.page.fill("textarea[name=note]", "Sudah kuat Dahlia.")
    ratna.press("Close the file")
    assert ratna.page.locator(f".errors a[href='#f-{care}']").count() == 1, "while one goes on the file stays open"
    assert ratna.page.input_value("textarea[name=note]") == "Sudah kuat Dahlia."
    ratna.page.select_option(f"select[name='{care}']", "case_closed")
    ratna.press("Close the file").no_complaint()
    ratna.follow("How the file was closed").looks_well()
    assert "Sudah kuat Dahlia." in ratna.text
    assert ratna.entry
    bayu.go(f"/rujukan/{care}").is_told("Ended by the sender. The content is closed.")
    assert bayu.named("events", "close_upstream") in bayu.text
    assert yuni.go(f"/kasus/{code}").page.locator("main a:has-text('Rujukan baru')").count() == 0, "a closed file is read only"


def test_a_recipient_takes_it_back_proposes_another_and_cannot_go_on(at_work):
    yuni, santi = at_work(YUNI, "en"), at_work("santi@lbh-pasundan.rujukan.test", "en")
    code = yuni.open_file("Kemuning", ages="25_44", sections=["safety", "legal"])
    number = yuni.draft(code, "LBH Pelita", "restitution")
    yuni.consent(number)
    yuni.send(number, "lbh-pasundan")
    santi.preview(number)
    santi.accept(number)
    santi.read(number, "identity")
    santi.does(number, "un_accept", event_reason="accepted_by_mistake")
    assert "Kemuning" not in santi.go(f"/rujukan/{number}").text
    assert santi.status(f"/rujukan/{number}/bagian/identity") in CLOSED
    assert santi.named("events", "un_accept") in yuni.go(f"/rujukan/{number}").text

    santi.does(number, "propose_forward", target_agency="Kantor Perwakilan LPSK Jawa Barat (simulasi)", event_reason="better_placed")
    assert "Kantor Perwakilan LPSK Jawa Barat (simulasi)" in yuni.go(f"/rujukan/{number}").looks_well().text
    yuni.does(number, "refuse_forward", event_reason="survivor_refuses")
    santi.accept(number)
    santi.read(number, "safe_contact")
    santi.does(number, "request_transfer", event_reason="needed_for_service")
    assert yuni.say("If you agree, make a new referral of the type transfer, with its own consent.") in yuni.go(f"/rujukan/{number}").next_step
    yuni.does(number, "answer_transfer", agreed="no", note="She stays with us Kemuning.")
    assert "She stays with us Kemuning." in santi.go(f"/rujukan/{number}").follow("Open notes").text
    santi.does(number, "cannot_continue", outcome="lost_contact", hand_back_note="Two calls, no answer Kemuning.")
    santi.is_told("Readable until %(time)s. After that the content closes for your agency.").looks_well()
    assert "Penyintas Kemuning" in santi.read(number, "identity")
    assert "Two calls, no answer Kemuning." in yuni.go(f"/rujukan/{number}").follow("Open notes").text
    assert yuni.entry
    yuni.go(f"/rujukan/{number}").press("New referral based on this one").no_complaint()
    assert yuni.page.url.endswith("/draf"), "the way on stands where it ended"


def test_it_goes_without_her_consent_by_two_and_was_a_mistake(at_work):
    yuni, ratna, sinta = at_work(YUNI), at_work(RATNA), at_work("sinta@unit-ppa-bdg.rujukan.test")
    code = yuni.open_file("Kenanga", ages="25_44", sections=["safety", "legal"])
    yuni.fill(code, "incident", "Kenanga", violence_types=["sexual.rape"])
    ratna.assign(code, ratna.code)
    report = yuni.draft(code, "Unit PPA Polrestabes Bandung", "police_report", "urgent", leave_out=["safety", "legal", "needs"])
    yuni.go(f"/rujukan/{report}/draf/persetujuan").unfold(yuni.say("Cannot ask for consent?"))
    yuni.follow("Record why it goes without consent").looks_well()
    yuni.page.check("input[name=ground][value=report_sexual_violence]")
    for section in ("identity", "safe_contact", "incident"):
        yuni.page.check(f"input[name=sections][value={section}]")
    yuni.page.fill("textarea[name=facts]", "Wajib dilaporkan Kenanga.")
    yuni.page.check("input[name=told][value=no]")
    yuni.press("Record and sign as the first")
    assert yuni.page.locator(".errors a[href='#f-why_not']").count() == 1, "who is not told has a right to a reason"
    assert yuni.page.input_value("textarea[name=facts]") == "Wajib dilaporkan Kenanga."
    yuni.page.fill("textarea[name=why_not]", "Ponselnya dipegang terlapor Kenanga.")
    yuni.press("Record and sign as the first").no_complaint()
    assert yuni.say("Waits for the second signer") in yuni.text

    ratna.go("/tugas").page.click(f"#second-looks + ul a:has-text('{code}')")
    ratna.page.wait_for_load_state()
    assert "Wajib dilaporkan Kenanga." in ratna.looks_well().text
    assert ratna.entry
    ratna.press("Sign as the second person").no_complaint()
    yuni.submit(report)
    ratna.send(report, "unit-ppa-bdg")
    sinta.preview(report)
    sinta.accept(report)
    assert "keluarga Kenanga" in sinta.read(report, "safe_contact")

    sinta.does(report, "ask_sections", sections=["legal"], event_reason="needed_by_law")
    yuni.does(report, "refuse_sections", event_reason="survivor_refuses")
    assert sinta.named("event_reasons", "survivor_refuses") in sinta.go(f"/rujukan/{report}").text
    assert sinta.status(f"/rujukan/{report}/bagian/legal") in CLOSED
    sinta.go(f"/rujukan/{report}").press("Start service").no_complaint()
    sinta.complete(report, "lp_issued", "Sudah terbit Kenanga.")
    yuni.does(report, "dispute", event_reason="not_delivered")
    yuni.is_told("%(agency)s has been asked about the outcome.")
    sinta.does(report, "answer_dispute", answer="Suratnya terlampir di berkas Kenanga.")
    assert "Suratnya terlampir di berkas Kenanga." in yuni.go(f"/rujukan/{report}").follow("Open notes").text

    ratna.go(f"/kasus/{code}/persetujuan").follow("Read and review")
    ratna.page.check("input[name=stands][value=yes]")
    ratna.page.fill("textarea[name=note]", "Sesuai Kenanga.")
    ratna.press("Save the review").no_complaint()
    ratna.does(report, "mark_error", event_reason="duplicate")
    sinta.go(f"/rujukan/{report}").is_told("Marked as entered in error. The content is closed.").looks_well()
    assert sinta.status(f"/rujukan/{report}/bagian/identity") in CLOSED
    sinta.does(report, "confirm_purge", purge_statement="destroyed")
    assert sinta.page.locator("section[aria-labelledby=next] button").count() == 0, "nothing is left to do"
