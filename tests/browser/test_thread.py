"""The main job in real Chromium, on a phone: send, preview, accept, read, progress, complete; decline; withdraw; the auditor finds all of it."""

from __future__ import annotations

import pytest

from tests.browser.acting import WORDS, file_of, prepare, send
from tests.browser.colleague import number_of
from tests.browser.conftest import DESK, PHONE

WORKER, NURSE, LAWYER = "yuni@uptd-ppa-bdg.rujukan.test", "lina@rsud-kenanga.rujukan.test", "santi@lbh-pasundan.rujukan.test"
AUDITOR = "indra@sekretariat-jejaring.rujukan.test"
MEDICAL = {"id": "Pemeriksaan & perawatan medis", "en": "Medical examination and treatment"}
LEGAL = {"id": "Konsultasi hukum", "en": "Legal consultation"}


def speak(somebody, language):
    """Choose the language in the foot, as a person does."""
    if somebody.page.get_attribute("html", "lang") != language:
        somebody.page.click(f"footer button[lang={language}]")
        somebody.page.wait_for_load_state()
    return somebody


@pytest.mark.parametrize(("language", "scripts", "viewport"), [("id", False, PHONE), ("en", True, DESK)])
def test_a_referral_from_draft_to_completion(person, language, scripts, viewport):
    words, mark = WORDS[language], f"TANDA{language.upper()}77"
    worker = speak(person(WORKER, scripts=scripts, viewport=viewport), language)
    code = file_of(worker, mark, words=words)
    number = prepare(worker, code, agency="RSUD Kenanga", service=MEDICAL[language], words=words)
    send(worker, "rsud-kenanga", words=words)
    assert worker.page.url.endswith(f"/rujukan/{number}"), worker.text

    nurse = speak(person(NURSE, scripts=scripts, viewport=viewport), language)
    nurse.go("/tugas")
    assert number[:7] in nurse.page.content()
    nurse.go(f"/rujukan/{number}").press(words["open"])
    assert mark not in nurse.page.content(), "the preview tells no free text and no name"
    refused = nurse.page.goto(f"{nurse.demo.base}/rujukan/{number}/bagian/identity")
    assert refused.status in {403, 404}
    nurse.go(f"/rujukan/{number}").press(words["accept"])
    nurse.go(f"/rujukan/{number}/bagian/safe_contact")
    assert f"keluarga {mark}" in nurse.text
    nurse.go(f"/rujukan/{number}/bagian/identity")
    assert f"Penyintas {mark}" in nurse.text
    assert number_of(mark) not in nurse.page.content()
    entry = nurse.page.inner_text("footer p >> nth=0")
    assert any(ch.isdigit() for ch in entry.split(":")[-1]), entry
    nurse.go(f"/rujukan/{number}").press(words["start"])
    nurse.page.select_option("select[name=milestone]", "examined")
    nurse.page.fill("textarea[name=note]", f"Sudah diperiksa {mark}")
    nurse.press(words["progress"])
    nurse.page.click("section.card summary >> nth=0")
    nurse.page.check("input[name=outcome] >> nth=0")
    nurse.page.click(f"section.card details button:has-text('{words['complete']}')")
    nurse.page.wait_for_load_state()

    worker.go(f"/rujukan/{number}/catatan")
    assert f"Sudah diperiksa {mark}" in worker.text
    auditor = speak(person(AUDITOR, viewport=DESK), language)
    auditor.go(f"/jejak/rujukan/{number}")
    log = auditor.page.content()
    assert mark not in log
    assert auditor.page.locator("table.log tbody tr").count() >= 10
    assert auditor.page.goto(f"{auditor.demo.base}/rujukan/{number}").status in {403, 404}
    assert auditor.page.goto(f"{auditor.demo.base}/rujukan/{number}/bagian/identity").status in {403, 404}


def test_declined_then_withdrawn(person):
    words = WORDS["id"]
    worker = speak(person(WORKER), "id")
    code = file_of(worker, "TANDA88", words=words)
    number = prepare(worker, code, agency="LBH Pelita", service=LEGAL["id"], words=words)
    send(worker, "lbh-pasundan", words=words)
    lawyer = speak(person(LAWYER), "id")
    lawyer.go(f"/rujukan/{number}").press(words["open"])
    lawyer.page.click("#cannot summary >> nth=0")
    lawyer.page.check("input[name=decline_reason][value=no_capacity]")
    lawyer.press(words["decline"])
    assert lawyer.page.title().startswith("Perlu dilengkapi"), "this reason asks for another agency"
    assert lawyer.page.is_checked("input[name=decline_reason][value=no_capacity]"), "what was chosen is still there"
    lawyer.page.select_option("select[name=redirect_agency]", index=1)
    lawyer.press(words["decline"])
    assert lawyer.page.goto(f"{lawyer.demo.base}/rujukan/{number}/bagian/identity").status in {403, 404}

    again = prepare(worker, code, agency="LBH Pelita", service=LEGAL["id"], words=words)
    send(worker, "lbh-pasundan", words=words)
    lawyer.go(f"/rujukan/{again}").press(words["open"]).press(words["accept"])
    lawyer.go(f"/rujukan/{again}/bagian/safe_contact")
    assert "keluarga TANDA88" in lawyer.text
    worker.go(f"/kasus/{code}/persetujuan").follow("Tarik persetujuan")
    worker.press("Tarik persetujuan")
    after = lawyer.page.goto(f"{lawyer.demo.base}/rujukan/{again}/bagian/safe_contact")
    assert after.status in {403, 404}
    assert "TANDA88" not in lawyer.page.content()


def test_quick_exit_leaves_at_once_and_the_back_button_shows_nothing(person):
    worker = person(WORKER, scripts=False, alone=True)
    worker.go("/kasus")
    with worker.page.expect_request(lambda request: request.url.startswith("https://")) as left:
        worker.page.click("a.exit")
    assert left.value.redirected_from.url.endswith("/keluar-cepat")
    worker.go("/kasus")
    assert worker.page.url.split("?")[0].endswith("/masuk"), "the session is over"
