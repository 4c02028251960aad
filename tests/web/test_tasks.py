"""The work list: late first, drafts to go on with, what waits for others; numbers alone to heads."""

from __future__ import annotations

import re

from referral_hub.access import acts_allowed
from referral_hub.web.lines import FURTHER
from tests.web.stage import filled_buttons, keeps_rules, main_text
from tests.web.test_frame import HARM


def cards(page):
    return re.findall(r'<li class="item">.*?</li>', page.html, re.DOTALL)


def test_each_side_sees_what_is_next(stage, entries):
    _, accepted = stage.accepted(urgency="emergency")
    _, sent = stage.sent()
    draft = stage.story()
    draft.draft()

    page = keeps_rules(stage.sari.get("/tugas"))
    assert (page.title, page.heading) == ("Tugas Anda – Hub", "Tugas Anda")
    assert "Lanjutkan draf: Penyintas SM-" in page.text
    assert f"/rujukan/{stage.number(draft)}/draf" in page.links
    assert {f"/rujukan/{sent}", f"/rujukan/{accepted}"} <= set(page.links)
    assert "terkirim, belum dibuka" in page.text
    assert "diterima, layanan belum dimulai" in page.text
    assert "/rujukan/baru" in page.links
    assert filled_buttons(page) == 1
    assert not HARM.search(main_text(page))
    assert entries(1)[0].action == "referral.list"
    assert entries(1)[0].count == 3
    assert entries(1)[0].page

    page = keeps_rules(stage.santi.get("/tugas"))
    assert len(cards(page)) == 2
    assert "menunggu jawaban Anda" in page.text
    assert "Kontak pertama sebelum" in page.text
    assert stage.number(draft) not in page.html

    page = keeps_rules(stage.santi.send("/akun/bahasa"))
    assert (page.title, page.heading) == ("Your tasks – Hub", "Your tasks")
    assert "First contact by" in page.text
    assert "your answer is awaited" in page.text
    assert "Needs you" in page.text


def test_what_is_late_stands_first_and_says_by_how_much(stage, clock):
    _, late = stage.sent(urgency="emergency")
    clock.move(hours=3)
    stage.sari.sign_in()
    stage.santi.sign_in()
    stage.sent(urgency="planned")
    page = stage.santi.get("/tugas")
    assert late in cards(page)[0]
    assert "Lewat 1 jam" in page.text
    assert 'class="due late"' in cards(page)[0]


def test_heads_see_numbers_and_officers_nothing_yet(stage, entries):
    stage.accepted()
    _, number = stage.sent()
    head = stage.keyless(stage.lbh, "agency_head")
    page = keeps_rules(head.get("/tugas"))
    assert "Rujukan yang menunggu lembaga Anda 2" in main_text(page)
    assert number not in page.html
    assert "SM-" not in page.html
    assert entries(1)[0].action == "stats.view"
    assert head.get(f"/rujukan/{number}").status == 403
    before = len(entries())
    page = keeps_rules(stage.uptd.admin.get("/tugas"))
    assert "Tidak ada yang menunggu Anda." in page.text
    assert "/jejak" in page.links
    assert len(entries()) == before


def test_who_sees_lists_only_is_led_no_further():
    assert not FURTHER & acts_allowed(frozenset({"trainer"}))
    assert FURTHER & acts_allowed(frozenset({"registrar"}))


def test_nothing_waiting_is_said_kindly(stage):
    page = keeps_rules(stage.sari.get("/tugas"))
    assert "Tidak ada yang menunggu Anda. Yang sudah dikirim ada di Rujukan." in page.text
