"""What those who watch do in Chromium at 360 px: filters, one referral, a question with picture and file, the proof of an entry, a finding from
its opening to the second auditor who closes it, the access review, a survivor's statement on paper. No page with content opens for them."""

from __future__ import annotations

import csv

import pytest

from referral_hub import protocol
from tests.browser.colleague import Colleague

AIDA, INDRA = "aida@sekretariat-jejaring.rujukan.test", "indra@sekretariat-jejaring.rujukan.test"
OFFICER, WORKER = "bagus@uptd-ppa-bdg.rujukan.test", "asep@uptd-ppa-bdg.rujukan.test"
HERE = "UPTD PPA Kota Bandung (simulasi)"
CLOSED = {403, 404}
THREE = "/jejak/pertanyaan/3/isian"
ROWS = "table.log tbody tr"


@pytest.fixture
def at_work(person):
    """Give `at_work(mail)`: a colleague at 360 px."""
    return lambda mail, language="id": Colleague(person(mail), language)


@pytest.fixture
def known(at_work):
    """Return number of a referral that a colleague sent, and the survivor's alias at the colleague's agency."""
    worker = at_work(WORKER)
    number = worker.go("/rujukan?arah=keluar").page.inner_text(f"{ROWS} a >> nth=-1").strip()
    alias = worker.go(f"/rujukan/{number}").page.inner_text("h1 .id").strip()
    return number, alias


def show(auditor, **asked):
    """Narrow the log: lists by their words, other fields by what is typed."""
    auditor.go("/jejak").unfold(auditor.say("Filter"))
    for name, value in asked.items():
        if auditor.page.locator(f"select[name={name}]").count():
            auditor.page.select_option(f"select[name={name}]", label=value)
        else:
            auditor.page.fill(f"input[name={name}]", value)
    auditor.press("Show")
    return auditor.page.locator(ROWS)


def closed_to(somebody, number, alias):
    """Return the pages with content that open for somebody who watches: none."""
    pages = (f"/rujukan/{number}", f"/rujukan/{number}/bagian/identity", f"/rujukan/{number}/catatan", f"/kasus/{alias}", f"/kasus/{alias}/bagian/identity")
    return [page for page in pages if somebody.status(page) not in CLOSED]


def test_an_auditor_asks_the_log_and_checks_its_proof(at_work, known):
    number, alias = known
    indra = at_work(INDRA, "en")
    rows = show(indra, action=indra.named("audit_events", "referral.accept"))
    assert rows.count() >= 1
    assert rows.filter(has_text=indra.named("audit_events", "referral.accept")).count() == rows.count()
    assert show(indra, number=number).count() >= 3
    rows.locator("a").first.click()
    indra.page.click(f"main a:has-text('{number}')")
    assert indra.page.locator(ROWS).count() >= 3

    indra.go("/jejak/pertanyaan").page.click("main ul.tasks:not(.plain) a >> nth=0")
    indra.page.fill("input[name=referral]", number)
    indra.press("Ask")
    assert indra.page.locator(ROWS).count() >= 3
    with indra.page.expect_download() as file:
        indra.follow("As a table file (CSV)")
    lines = list(csv.DictReader(file.value.path().read_text().splitlines()))
    assert len(lines) >= 3
    assert "section.read" in {line["action"] for line in lines}
    indra.go("/jejak/pertanyaan").page.click(f"main a[href='{THREE}']")
    indra.page.fill("input[name=member]", "uptd-ppa-bdg/PS-01")
    indra.press("Ask")
    assert indra.page.locator("figure.picture svg[aria-label]").count() == 1, indra.text[:600]

    indra.go("/jejak/5").press("Check this entry")
    assert indra.say("The log matches what was signed") in indra.text
    for address in ("/log/checkpoint", "/log/proof/5"):  # what a witness, or whoever holds a receipt, fetches
        assert indra.page.context.request.get(indra.base + address).status == 200
    assert closed_to(indra, number, alias) == []


def test_a_finding_is_explained_by_the_agency_and_closed_by_another_auditor(at_work):
    aida, indra, bagus = at_work(AIDA), at_work(INDRA), at_work(OFFICER)
    show(aida, agency=HERE).locator("a").last.click()
    aida.follow("Ask the agency to explain it")
    aida.page.fill("textarea[name=text]", "Mohon dijelaskan.")
    aida.press("Send the finding").no_complaint()
    finding = aida.page.inner_text("h1").strip()
    aida.unfold(aida.say("Name who looks after it"))
    aida.page.select_option("select[name=member_id]", label=f"{bagus.code} · {HERE}")
    aida.press("Assign").no_complaint()

    bagus.go("/temuan").page.click(f"main a:has-text('{finding}')")
    bagus.unfold(bagus.say("Explain, for the agency"))
    bagus.page.fill("textarea[name=explain-text]", "Tugas jaga malam.")
    bagus.press("Send the explanation").no_complaint()

    aida.go(f"/temuan/{finding}")
    assert "Tugas jaga malam." in aida.text
    assert aida.page.locator("form[action$='/langkah/tutup']").count() == 0, "who opened it does not close it"
    indra.go(f"/temuan/{finding}").unfold(indra.say("Close the finding"))
    indra.page.locator("input[name=close-verdict]").first.check()
    indra.page.fill("textarea[name=close-text]", "Terjelaskan.")
    indra.page.click("form[action$='/langkah/tutup'] button")
    indra.page.wait_for_load_state()
    assert indra.page.locator("form[action*='/langkah/']").count() == 0
    assert finding in indra.go("/temuan").page.content()


def test_the_officer_reviews_who_opens_what_and_releases_a_statement(at_work, known):
    number, alias = known
    bagus = at_work(OFFICER)
    bagus.go("/jejak/pertanyaan").follow("Access review: who can open what, and why")
    assert bagus.page.locator(ROWS).count() >= 5
    assert protocol.current().role("case_lead").label("id") in bagus.text
    bagus.go("/jejak/pertanyaan").follow("A survivor's disclosure statement")
    bagus.page.fill("input[name=kode]", alias)
    bagus.press("Show")
    assert bagus.page.locator(ROWS).count() >= 1
    bagus.page.select_option("select[name=handed_by]", index=1)
    bagus.press("Release and print")
    assert bagus.page.locator(".errors a").count() == 2, "nothing is released before somebody asked her alone and whether it is safe"
    for name in ("asked_alone", "is_safe"):
        bagus.page.check(f"input[name={name}]")
    bagus.press("Release and print").no_complaint()
    assert bagus.say("Who saw and received your data") in bagus.text
    assert HERE in bagus.text
    assert closed_to(bagus, number, alias) == []
