"""One referral through its pages: what each side sees at each point, what each request records, and what comes back when something is missing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.referrals.story import IDENTITY, META, NEEDS, SAFE_CONTACT
from tests.web.stage import filled_buttons, keeps_rules, main_text
from tests.web.test_frame import HARM

NUMBER = re.compile(r"RJ-[0-9A-Z]{4}-[0-9A-Z]{4}")
SECRET = (IDENTITY["full_name"], IDENTITY["nik"], META["purpose"], NEEDS["wishes"], SAFE_CONTACT["must_not_know"])


def says_nothing(page):
    """No content of any section stands in the page."""
    assert not [word for word in SECRET if word in page.html]


def actions(entries, count):
    return [entry.action for entry in reversed(entries(count))]


def test_the_recipient_opens_and_decides_without_a_name(stage, entries):
    story, number = stage.sent(urgency="urgent")
    santi = stage.santi

    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert actions(entries, 1) == ["referral.list"]
    assert "Terkirim, belum dibuka." in page.text
    assert "25–44" not in page.text
    assert filled_buttons(page) == 1
    says_nothing(page)

    page = keeps_rules(santi.send("/buka$"))
    assert actions(entries, 2) == ["referral.open_preview", "referral.preview_read"]
    assert page.title == "Rujukan untuk dijawab – Hub"
    assert "25–44 · Perempuan" in page.text
    assert "Ada, untuk lembaga Anda, sampai 1 Mei 2027" in page.text
    assert story.row().recipient_no in page.text
    assert filled_buttons(page) == 1
    says_nothing(page)

    page = keeps_rules(santi.send("/terima$", first_contact_by=""))
    assert page.status == 422
    assert page.title == "Perlu dilengkapi: Rujukan untuk dijawab – Hub"
    assert "#f-first_contact_by" in page.links
    assert actions(entries, 2) == ["referral.accept", "referral.preview_read"]
    assert [entry.outcome for entry in entries(2)] == ["allow", "deny"]

    page = keeps_rules(santi.send("/terima$"))
    assert "Diterima" in page.text
    assert "Mulai layanan" in page.text
    assert filled_buttons(page) == 1
    assert "Nomor telepon di bagian lain tampil setelah ini dibaca." in page.text
    assert f"/rujukan/{number}/bagian/identity" in page.links
    assert f"/rujukan/{number}/bagian/medical" not in page.links
    assert "Tidak dibagikan: " in page.text
    says_nothing(page)


def test_each_section_and_each_sensitive_field_is_an_opening_of_its_own(stage, entries):
    _, number = stage.accepted()
    santi = stage.santi
    page = keeps_rules(santi.get(f"/rujukan/{number}/bagian/safe_contact"))
    assert page.title == "Hub"
    assert SAFE_CONTACT["must_not_know"] in page.text
    assert SAFE_CONTACT["code_word_ok"] not in page.html
    assert actions(entries, 1) == ["section.safe_contact_read"]

    page = keeps_rules(santi.get(f"/rujukan/{number}/bagian/identity"))
    assert IDENTITY["full_name"] in page.text
    assert IDENTITY["nik"] not in page.html
    assert "•••• 0000" in page.text
    page = keeps_rules(santi.send("/tampilkan$"))
    assert IDENTITY["nik"] in page.text
    assert IDENTITY["full_name"] not in page.html
    assert actions(entries, 2) == ["section.read", "field.reveal"]


def test_the_recipient_serves_and_both_sides_see_how_it_went(stage, entries):
    _, number = stage.accepted()
    santi = stage.santi
    santi.get(f"/rujukan/{number}/bagian/safe_contact")
    santi.get(f"/rujukan/{number}")
    page = keeps_rules(santi.send("/mulai$"))
    assert filled_buttons(page) == 1
    page = keeps_rules(santi.send("/perkembangan$", milestone="contact_made", note=""))
    assert page.status == 422
    page = keeps_rules(santi.send("/perkembangan$", milestone="contact_made", note="Sudah bertemu, ia tenang."))
    assert "Catat perkembangan: Kontak pertama dilakukan" in page.text
    assert "Sudah bertemu" not in page.html
    assert '<option value="contact_made"' not in page.html
    page = keeps_rules(santi.get(f"/rujukan/{number}/catatan"))
    assert "Sudah bertemu, ia tenang." in page.text
    assert actions(entries, 1) == ["message.read"]

    santi.get(f"/rujukan/{number}")
    page = keeps_rules(santi.send("/selesai$", outcome="service_given", closing_note=""))
    assert "Dapat dibaca sampai" in page.text
    assert f"/rujukan/{number}/bagian/needs" in page.links
    stage.sari.sign_in()
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}"))
    assert "Penerima dapat membaca sampai" in page.text
    assert "Advokat AD-01" in page.text
    assert "Kontak aman" in page.text


def test_each_page_speaks_english_as_well(stage):
    _, number = stage.sent()
    santi, sari = stage.santi, stage.sari
    santi.get("/tugas")
    santi.send("/akun/bahasa")
    sari.get("/tugas")
    sari.send("/akun/bahasa")
    assert "Open preview" in keeps_rules(santi.get(f"/rujukan/{number}")).text
    assert keeps_rules(santi.send("/buka$")).title == "Referral to answer – Hub"
    page = keeps_rules(santi.send("/terima$"))
    assert "Start service" in page.text
    assert "Safe contact: read before any contact" in page.text
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert "Who has seen this" in page.text
    assert "Withdraw this referral" in page.text
    assert "1 refused" not in page.text
    for path in ("/rujukan?arah=masuk", "/rujukan?arah=keluar", "/direktori", "/direktori/lbh", f"/rujukan/{number}/bagian/needs"):
        page = keeps_rules(sari.get(path))
        assert 'lang="en"' in page.html[:200]
        assert not re.search(r"\b(Penyintas|Rujukan|Siapa|Belum)\b", page.heading + page.title)


def test_of_two_colleagues_one_has_it_and_the_other_is_told_who(stage, entries):
    gilang = stage.colleague()
    _, number = stage.sent()
    gilang.sign_in()
    gilang.get(f"/rujukan/{number}")
    stage.santi.get(f"/rujukan/{number}")
    gilang.send("/tangani$")
    page = stage.santi.send("/tangani$", follow=False)
    assert page.status == 409
    assert page.title == "Hub"
    assert "Ada yang lebih dulu" in page.heading
    code = re.search(r"[A-Z]{2}-0\d", page.text).group()
    assert entries(1)[0].outcome == "deny"
    page = keeps_rules(stage.santi.get(f"/rujukan/{number}"))
    assert f"Ditangani {code}." in page.text
    assert not [form for form in page.forms if re.search("/(buka|tangani|terima)$", form.action)]
    gilang.get(f"/rujukan/{number}")
    page = keeps_rules(gilang.send("/buka$"))
    assert "Terima rujukan" in page.text


def test_who_comes_too_late_keeps_what_was_typed(stage):
    story, number = stage.sent()
    santi = stage.santi
    santi.get(f"/rujukan/{number}")
    santi.send("/buka$")
    story.at(story.sari).on("withdraw", reason="need_gone")
    page = santi.send("/tolak$", decline_reason="other", note="Mohon coba lagi minggu depan.")
    assert page.status == 409
    assert "Mohon coba lagi minggu depan." in page.text
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Dibatalkan oleh pengirim. Isinya tertutup." in page.text
    assert "Mohon hapus salinan di luar hub" in page.text
    assert not [link for link in page.links if "/bagian/" in link]


def test_declining_asks_for_a_reason_and_for_another_agency_where_it_must(stage, entries):
    _, number = stage.sent()
    santi, sari = stage.santi, stage.sari
    santi.get(f"/rujukan/{number}")
    page = santi.send("/buka$")
    order = re.findall(r'name="decline_reason" value="([a-z_]+)"', page.html)
    assert order[:4] == ["no_capacity", "out_of_scope", "out_of_jurisdiction", "conflict_of_interest"]
    assert "Alasan ini hanya terlihat oleh pengawas kedua lembaga." in page.text
    page = keeps_rules(santi.send("/tolak$"))
    assert page.status == 422
    assert "#f-decline_reason" in page.links
    assert re.search(r'<details class="fold" open>\s*<summary>Tidak dapat menerima', page.html)
    page = keeps_rules(santi.send("/tolak$", decline_reason="no_capacity", note="Penuh sampai Desember."))
    assert page.status == 422
    assert "#f-redirect_agency" in page.links
    assert "Penuh sampai Desember." in page.html
    page = keeps_rules(santi.send("/tolak$", decline_reason="incomplete"))
    assert "Terima kasih sudah menjawab." in page.text
    assert entries(2)[1].action == "referral.decline"
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert "Ditolak. Cari jalan lain bersama penyintas." in page.text
    assert f"/rujukan/{number}/catatan" in page.links
    assert "Penuh sampai Desember." in sari.get(f"/rujukan/{number}/catatan").text
    assert "ditolak: cari jalan lain bersama" in sari.get("/tugas").text


def test_the_sender_recalls_at_once_or_withdraws_with_a_reason(stage, entries, clock):
    _, number = stage.sent()
    sari = stage.sari
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert "Tarik rujukan" in page.text
    assert "menjawab sebelum" in page.text
    page = keeps_rules(sari.send("/tarik$"))
    assert "Rujukan ditarik. Lembaga lbh (simulasi) tidak dapat membukanya." in page.text
    assert entries(2)[1].action == "referral.recall"

    _, number = stage.sent()
    stage.santi.get(f"/rujukan/{number}")
    stage.santi.send("/buka$")
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert "Tarik rujukan" not in page.text
    assert "Baca pratinjau" in page.text
    page = keeps_rules(sari.send("/batal$"))
    assert page.status == 422
    assert "#f-event_reason" in page.links
    page = keeps_rules(sari.send("/batal$", event_reason="served_elsewhere"))
    assert "Sudah dilayani di tempat lain" in page.text
    assert stage.santi.get(f"/rujukan/{number}/bagian/identity").status == 404


def test_when_the_survivor_takes_consent_back_nothing_opens_any_more(stage, entries):
    story, number = stage.accepted()
    santi = stage.santi
    santi.get(f"/rujukan/{number}/bagian/identity")
    story.at(story.sari).withdraw_consent(consent_id=story.row().consent_id)
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Persetujuan ditarik penyintas. Isinya tertutup." in page.text
    assert not [link for link in page.links if "/bagian/" in link]
    assert santi.get(f"/rujukan/{number}/bagian/identity").status == 404
    assert (entries(1)[0].outcome, entries(1)[0].reason) == ("deny", "access_ended")
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}"))
    assert "diminta menghapus salinannya" in page.text
    assert "Percobaan yang ditolak: 1. Diperiksa PPD." in page.text


def test_the_same_form_twice_is_one_act(stage, entries):
    _, number = stage.sent()
    santi = stage.santi
    page = santi.get(f"/rujukan/{number}")
    form = page.form("/buka$")
    first = santi.browser.post(form.action, form.filled(), follow=False)
    count = len(entries())
    again = santi.browser.post(form.action, form.filled(), follow=False)
    assert (first.status, again.status) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]
    assert len(entries()) == count


def test_a_draft_of_the_own_side_leads_to_its_steps_and_is_nothing_to_others(stage):
    story = stage.story()
    story.draft()
    number = stage.number(story)
    page = stage.sari.get(f"/rujukan/{number}", follow=False)
    assert page.headers["Location"] == f"/rujukan/{number}/draf"
    assert stage.santi.get(f"/rujukan/{number}").status == 404


def test_strangers_and_keyless_members_open_nothing(stage, entries):
    _, number = stage.accepted()
    admin = stage.lbh.admin
    for path, verb in (
        (f"/rujukan/{number}", "referral.list"),
        (f"/rujukan/{number}/bagian/identity", "section.read"),
        (f"/rujukan/{number}/bagian/safe_contact", "section.safe_contact_read"),
        (f"/rujukan/{number}/catatan", "message.read"),
    ):
        page = admin.get(path)
        assert page.status in {403, 404}, path
        says_nothing(page)
        entry = entries(1)[0]
        assert (entry.action, entry.outcome, entry.referral_id is None) == (verb, "deny", False)
    assert stage.santi.get("/rujukan/RJ-0000-0000").status == 404
    assert stage.santi.get(f"/rujukan/{number}/bagian/none").status == 404
    assert stage.santi.get(f"/rujukan/{number}/catatan").status == 404


@pytest.mark.parametrize("side", ["masuk", "keluar"])
def test_lists_show_clear_facts_and_their_filter_stays(stage, entries, side):
    _, accepted = stage.accepted(urgency="emergency")
    _, sent = stage.sent()
    person = stage.santi if side == "masuk" else stage.sari
    page = keeps_rules(person.get(f"/rujukan?arah={side}"))
    assert page.title == "Rujukan – Hub"
    assert {f"/rujukan/{accepted}", f"/rujukan/{sent}"} <= set(page.links)
    assert "Rujukan masuk (2)" in page.text or "Rujukan keluar (2)" in page.text
    assert "Bantuan hukum" in page.text
    assert "Konsultasi hukum" not in page.text
    assert not HARM.search(main_text(page))
    says_nothing(page)
    assert (entries(1)[0].action, entries(1)[0].count) == ("referral.list", 2)
    page = keeps_rules(person.get(f"/rujukan?arah={side}&urgency=emergency"))
    assert f"/rujukan/{accepted}" in page.links
    assert f"/rujukan/{sent}" not in page.links
    assert '<option value="emergency" selected>' in page.html
    page = keeps_rules(person.get(f"/rujukan?arah={side}&number={sent.lower().replace('-', '')}"))
    assert f"/rujukan/{accepted}" not in page.links
    page = keeps_rules(person.get(f"/rujukan?arah={side}&state=completed"))
    assert "Tidak ada yang cocok dengan saringan ini." in page.text
    assert f"/rujukan?arah={side}" in page.links


def test_long_lists_are_paged_by_key_and_keep_the_filter(stage):
    story = stage.story()
    case = story.open_file()
    numbers = {story.draft(case=case).number for _ in range(27)}
    page = keeps_rules(stage.sari.get("/rujukan?arah=keluar&state=draft"))
    seen = set(NUMBER.findall(page.text))
    assert len(seen) == 25
    following = next(link for link in page.links if "setelah=" in link)
    assert "state=draft" in following
    rest = keeps_rules(stage.sari.get(following.replace("&amp;", "&")))
    assert len(NUMBER.findall(rest.text)) == 2
    assert seen | set(NUMBER.findall(rest.text)) == numbers
    assert not [link for link in rest.links if "setelah=" in link]


def test_incoming_empty_list_says_so(stage):
    assert "Belum ada rujukan untuk lembaga Anda." in keeps_rules(stage.santi.get("/rujukan")).text
    assert "Belum ada rujukan keluar." in keeps_rules(stage.sari.get("/rujukan?arah=keluar")).text


def test_the_promise_of_first_contact_is_read_in_the_readers_zone(stage, clock):
    story, number = stage.sent()
    stage.santi.get(f"/rujukan/{number}")
    page = stage.santi.send("/buka$")
    promised = (clock.now() + timedelta(hours=5)).replace(second=0, microsecond=0)
    local = promised + timedelta(hours=7)
    stage.santi.send("/terima$", first_contact_by=local.strftime("%Y-%m-%dT%H:%M"))
    assert story.row().first_service_by == promised
    assert "Batas untuk Biasa:" in page.text
