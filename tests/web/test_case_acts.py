"""A file through the pages: copied into, found, its rights, its end. What was typed comes back; one press never does two things."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from referral_hub.cases import actions as cases
from referral_hub.cases import queries
from tests.referrals.story import IDENTITY
from tests.web.stage import filled_buttons, keeps_rules, main_text

ALIAS = re.compile(r"SM-[0-9A-Z]{4}-[0-9A-Z]{4}")


@pytest.fixture
def told(stage):
    """A referral that legal aid has accepted, and safe contact read."""
    story, number = stage.accepted()
    stage.santi.get(f"/rujukan/{number}/bagian/safe_contact")
    return story, number


def copy(stage, number, *sections, **fields):
    stage.santi.get(f"/rujukan/{number}")
    return stage.santi.send("/salin$", copy=list(sections), **fields)


# --- copies ------------------------------------------------------------------------------------------------------------------


def test_the_recipient_copies_what_it_may_open_into_a_new_file(stage, told, entries):
    _, number = told
    page = keeps_rules(stage.santi.get(f"/rujukan/{number}"))
    assert "Salin ke berkas sendiri" in page.text
    offered = set(re.findall(r'name="copy" value="([a-z_]+)"', page.html))
    assert {"identity", "needs", "safe_contact"} <= offered
    assert "tip" not in offered
    page = keeps_rules(copy(stage, number, "identity", "needs"))
    assert (page.status, entries(2)[1].action) == (200, "case.copy_sections")
    assert page.text.count(f"disalin dari {number}") == 2
    assert IDENTITY["full_name"] not in page.html
    identity = keeps_rules(stage.santi.get(next(link for link in page.links if link.endswith("/bagian/identity"))))
    assert IDENTITY["full_name"] in identity.text
    assert IDENTITY["nik"] not in identity.html
    needs = keeps_rules(stage.santi.get(next(link for link in page.links if "/salinan/" in link)))
    assert "Ingin didampingi saat sidang." in needs.text
    assert f"Disalin dari rujukan {number}." in needs.text
    page = keeps_rules(stage.santi.get(f"/rujukan/{number}"))
    assert "Disalin ke berkas sendiri" in page.text
    assert "identity" not in set(re.findall(r'name="copy" value="([a-z_]+)"', page.html))
    page = keeps_rules(copy(stage, number, "profile"))
    assert page.text.count(f"disalin dari {number}") == 3  # the further one goes into the same file


def test_the_sender_sees_what_was_copied_and_never_where(stage, told):
    _, number = told
    own = ALIAS.search(main_text(copy(stage, number, "identity"))).group()
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}"))
    assert "Disalin ke berkas penerima" in page.text
    assert "Salin bagian ke kasus sendiri" in main_text(page)
    assert own not in page.html
    assert "/salin" not in page.html
    assert stage.sari.get(f"/kasus/{own}").status == 404


def test_nothing_chosen_and_an_unknown_file_come_back(stage, told, entries):
    _, number = told
    page = keeps_rules(copy(stage, number))
    assert page.status == 422
    assert "#f-copy" in page.links
    page = keeps_rules(copy(stage, number, "needs", file="SM-0000-0000"))
    assert page.status == 422
    assert "#f-file" in page.links
    assert 'value="SM-0000-0000"' in page.html
    assert re.search(r'value="needs" (?:id="f-copy" )?checked|id="f-copy" checked', page.html) or 'value="needs" checked' in page.html


def test_a_file_of_somebody_who_is_known_is_offered_instead(stage, told, entries):
    _, number = told
    stage.santi.get("/kasus")
    mine = ALIAS.search(main_text(stage.santi.send("/kasus$"))).group()
    stage.santi.get(f"/kasus/{mine}/bagian/identity/ubah")
    stage.santi.send("bagian/identity$", **{"identity.full_name": IDENTITY["full_name"], "identity.nik": IDENTITY["nik"]})
    page = keeps_rules(copy(stage, number, "identity"))
    assert page.status == 422
    assert mine in main_text(page)
    assert "case.duplicate_check" in [entry.action for entry in entries(3)]
    page = keeps_rules(stage.santi.send("/salin$", copy=["identity"], file=mine))
    assert page.status == 200
    assert f"/kasus/{mine}" in stage.santi.page.html
    assert f"disalin dari {number}" in main_text(page)


def test_after_a_withdrawal_the_copies_are_closed_until_somebody_says(stage, told):
    story, number = told
    own = ALIAS.search(main_text(copy(stage, number, "identity", "needs"))).group()
    story.at(story.sari).withdraw_consent(consent_id=story.row().consent_id)
    page = keeps_rules(stage.santi.get(f"/kasus/{own}"))
    assert "Nyatakan kelanjutannya" in page.text
    assert "/salinan/" not in page.html
    assert stage.santi.get(f"/kasus/{own}/bagian/identity").status == 404
    page = keeps_rules(stage.santi.get(f"/rujukan/{number}"))
    assert filled_buttons(page) == 1
    page = stage.santi.send("/langkah/confirm_purge$", **{"confirm_purge-purge_statement": "nothing_kept"})
    assert page.status == 409
    assert "Salinan di kasus sendiri belum dimusnahkan" in page.text
    assert 'value="nothing_kept"' in page.html
    assert stage.santi.send("/langkah/confirm_purge$", **{"confirm_purge-purge_statement": "destroyed"}).status == 200
    page = keeps_rules(stage.santi.get(f"/kasus/{own}"))
    assert number not in page.html


# --- duplicates and search -----------------------------------------------------------------------------------------------------


def test_a_second_file_of_the_same_person_is_told_before_saving(stage, entries):
    sari, story = stage.sari, stage.story()
    there = story.open_file().alias
    sari.get("/kasus")
    mine = ALIAS.search(main_text(sari.send("/kasus$"))).group()
    sari.get(f"/kasus/{mine}/bagian/identity/ubah")
    typed = {"identity.full_name": "Contoh Melati", "identity.birth_place": "Garut"}
    page = keeps_rules(sari.send("bagian/identity$", **typed))
    assert page.status == 422
    assert there in main_text(page)
    assert f"/kasus/{there}" in page.links
    assert 'value="Garut"' in page.html
    assert filled_buttons(page) == 1
    assert (entries(1)[0].action, entries(1)[0].hits) == ("case.duplicate_check", 1)
    form = next(f for f in page.forms if f.action.endswith("bagian/identity"))
    page = sari.browser.post(form.action, form.filled(as_other="yes"))
    assert page.status == 200
    assert entries(2)[1].action == "case.edit"


def test_a_file_is_found_by_its_words_and_the_words_are_nowhere(stage, entries):
    sari, story = stage.sari, stage.story()
    there = story.open_file().alias
    sari.get("/kasus")
    page = keeps_rules(sari.send("/kasus/cari$", words=IDENTITY["nik"]))
    assert there in main_text(page)
    assert (entries(1)[0].action, entries(1)[0].hits, entries(1)[0].subjects) == ("case.search", 1, ())
    page = keeps_rules(sari.send("/kasus/cari$", words="Tidak Ada"))
    assert "Tidak ada berkas yang cocok" in page.text
    assert 'value="Tidak Ada"' in page.html
    assert IDENTITY["nik"] not in page.html


# --- rights, counted, closed --------------------------------------------------------------------------------------------------


def test_rights_are_filled_and_the_unmet_ones_told(stage, entries):
    sari, alias = stage.sari, stage.story().open_file().alias
    page = keeps_rules(sari.get(f"/kasus/{alias}"))
    page = keeps_rules(sari.get(next(link for link in page.links if link.endswith("/hak"))))
    assert entries(1)[0].action == "case.list"
    assert filled_buttons(page) == 1
    page = sari.send("/hak$", **{"rights.counsel": "unmet", "rights.health": "met"})
    assert page.status == 200
    page = keeps_rules(sari.get(f"/kasus/{alias}/hak"))
    assert (entries(1)[0].action, entries(1)[0].sections) == ("case.read", ("rights",))
    assert "Belum terpenuhi: Pendampingan dan bantuan hukum" in main_text(page)
    page = keeps_rules(sari.send("/hak$", **{"rights.counsel": "maybe", "rights.restitution": "unmet"}))
    assert page.status == 422
    assert 'value="unmet" selected' in page.html


def test_she_says_whether_she_may_be_counted(stage, entries):
    sari, alias = stage.sari, stage.story().open_file().alias
    keeps_rules(sari.get(f"/kasus/{alias}/persetujuan"))
    page = keeps_rules(sari.send("/hitung$", allowed="yes"))
    assert (entries(2)[1].action, entries(1)[0].action) == ("consent.give", "case.list")
    assert "Boleh dihitung ·" in main_text(page)
    page = keeps_rules(sari.send("/hitung$", allowed="no"))
    assert entries(2)[1].action == "consent.refuse"
    assert sari.send("/hitung$", allowed="yes", language="xx").status == 422


def test_a_file_closes_once_each_open_referral_is_decided_on(stage, session, entries):
    story, number = stage.accepted()
    sari = stage.sari
    alias = story.at(story.sari).detail().alias
    page = keeps_rules(sari.get(f"/kasus/{alias}/selesai"))
    assert "Masih ada 1 rujukan terbuka" in page.text
    assert number in main_text(page)
    typed = {"reason": "goals_met", "note": "Dipantau enam bulan."}
    for choice, told in (("", "Belum diisi"), ("keep", "Selama ini berlanjut, berkas tetap terbuka.")):
        page = keeps_rules(sari.send("/selesai$", **typed, **{number: choice}))
        assert page.status == 422
        assert told in page.text
        assert f"#f-{number}" in page.links
        assert "Dipantau enam bulan." in page.html
        assert re.search(r'value="goals_met"[^>]* checked', page.html)
    page = keeps_rules(sari.send("/selesai$", **typed, **{number: "case_closed"}))
    assert page.status == 200
    assert [entry.action for entry in entries(3)] == ["case.list", "case.close", "referral.close_upstream"]
    assert "Ditutup" in page.text
    assert not [link for link in page.links if link.endswith(("/ubah", "/selesai")) and "bagian" in link]
    assert "/rujukan/baru" not in main_text(page)
    closed = keeps_rules(sari.get(f"/kasus/{alias}/selesai"))
    assert "Dipantau enam bulan." in closed.text
    assert "Tujuan pertolongan tercapai" in closed.text
    section = keeps_rules(sari.get(f"/kasus/{alias}/bagian/profile"))
    assert not [link for link in section.links if link.endswith("/ubah")]
    assert session.scalar(text("SELECT state FROM referral WHERE number = :n"), {"n": number}) == "cancelled"
    session.rollback()


def test_files_are_counted_and_ordered(stage):
    story = stage.story()
    first = story.open_file()
    stage.clock.move(seconds=5)
    second = story.open_file(identity=IDENTITY | {"full_name": "Bunga Contoh", "nik": "3273015503910000"})
    story.at(story.sari).do(cases.set_stage, case_id=second.id, stage="assessment", version=queries.case(stage.session, hub=story.sari.keys.hub, actor=story.sari.actor, case_id=second.id).version)
    page = keeps_rules(stage.sari.get("/kasus"))
    assert "2 dari 2" in page.text
    orders = {sort: ALIAS.findall(main_text(stage.sari.get(f"/kasus?urutan={sort}"))) for sort in ("newest", "stage", "…")}
    assert orders["newest"] == [second.alias, first.alias]
    assert orders["stage"] == [first.alias, second.alias]
    assert set(orders["…"]) == {first.alias, second.alias}
    page = keeps_rules(stage.sari.get("/kasus?urutan=stage&tahap=assessment"))
    assert ALIAS.findall(main_text(page)) == [second.alias]
    assert "1 dari 1" in page.text
    assert re.search(r'value="stage" selected', page.html)
    page = keeps_rules(stage.sari.get("/kasus?tahap=planning"))
    assert "Hapus saringan" in page.text


def test_whoever_cannot_close_a_file_is_told_whom_to_ask(stage):
    story = stage.story()
    case = story.open_file()
    lead = re.search(r"Anda masuk sebagai ([A-Z]{2}-\d+)", stage.sari.get("/tugas").text).group(1)
    assert f"/kasus/{case.alias}/selesai" in stage.sari.get(f"/kasus/{case.alias}").links
    stage.uptd.admit_second("social_worker")
    worker = stage.uptd.second
    worker.get("/kasus")
    page = keeps_rules(worker.browser.send("/kasus$"))
    assert f"Selesai menangani: {lead} dapat menutup berkas" in page.text
    assert not [link for link in page.links if link.endswith("/selesai")]
    alias = ALIAS.search(page.text).group()
    page = keeps_rules(stage.sari.get(f"/kasus/{alias}"))
    assert "tugaskan diri Anda dulu" in page.text


def test_where_no_role_closes_files_the_page_says_so(stage):
    stage.santi.get("/kasus")
    page = keeps_rules(stage.santi.browser.send("/kasus$"))
    assert "tidak ada yang menutup berkas di lembaga Anda" in page.text


def test_a_closed_file_answers_no_form(stage):
    story = stage.story()
    case = story.open_file()
    sari = stage.sari
    sari.get(f"/kasus/{case.alias}/bagian/profile/ubah")
    form = next(f for f in sari.page.forms if f.action.endswith("bagian/profile"))
    sari.get(f"/kasus/{case.alias}/selesai")
    assert sari.send("/selesai$", reason="client_request").status == 200
    assert sari.browser.post(form.action, form.filled()).status == 409
    assert sari.browser.post(f"/kasus/{case.alias}/hak", form.filled()).status == 409
