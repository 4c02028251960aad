"""Further sections, corrections and a survivor who changes her mind, as both sides see them on their pages."""

from __future__ import annotations

import re

import pytest

from referral_hub.cases import actions as cases
from referral_hub.referrals import actions
from referral_hub.referrals.actions import narrowing
from referral_hub.referrals.firing import Act
from tests.referrals.story import IDENTITY, NEEDS
from tests.web.stage import filled_buttons, keeps_rules, main_text

CHRONOLOGY = {"narrative": "Bekerja tanpa upah dua tahun.", "do_not_ask": "Jangan tanya anak."}


def fill(story, **sections):
    for section, values in sections.items():
        story.at(story.sari).do(cases.edit_section, case_id=story.row().case_id, section=section, values=values, version=0)


def alias_of(page):
    return re.search(r"SM-[0-9A-Z]{4}-[0-9A-Z]{4}", page.text).group()


def asking(page):
    return next(f for f in page.forms if f.action.endswith("/persetujuan") and "act_id" in dict(f.fields))


def asked(stage, *sections):
    story, number = stage.accepted()
    stage.santi.get(f"/rujukan/{number}")
    page = stage.santi.send("/langkah/ask_sections$", **{"ask_sections-sections": list(sections), "ask_sections-event_reason": "needed_for_service"})
    assert page.status == 200
    return story, number


def agreed(stage, number, *sections, what="tambahan"):
    query = "&".join(f"sections={code}" for code in sections)
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}/persetujuan?untuk={what}&{query}"))
    return stage.sari.browser.post(asking(page).action, asking(page).filled(answer="yes", language="su", method="written", copy_given="given"))


def test_asked_for_agreed_to_and_supplied(stage, entries):
    story, number = stage.accepted()
    sari, santi = stage.sari, stage.santi
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Penyintas akan ditanya lebih dulu" in page.text
    page = keeps_rules(santi.send("/langkah/ask_sections$", **{"ask_sections-event_reason": "needed_for_service", "ask_sections-note": "Untuk gugatan."}))
    assert page.status == 422
    assert "#f-ask_sections-sections" in page.links
    assert "Untuk gugatan." in page.html
    page = keeps_rules(
        santi.send("/langkah/ask_sections$", **{"ask_sections-sections": ["chronology"], "ask_sections-event_reason": "needed_for_service"})
    )
    assert "bertanya dulu kepada penyintas" in page.text
    tasks = keeps_rules(sari.get("/tugas")).text
    assert "menunggu jawaban Anda" in tasks
    assert "Bagian tambahan diminta" in tasks

    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert "meminta: Kronologi (Diperlukan untuk layanan)" in page.text
    assert filled_buttons(page) == 1
    assert "Tanyakan kepada penyintas" in main_text(page)
    link = next(one for one in page.links if "/persetujuan?untuk=tambahan" in one)
    page = keeps_rules(sari.get(link))
    assert "meminta bagian tambahan: Kronologi, karena: Diperlukan untuk layanan" in page.text
    page = keeps_rules(sari.browser.post(asking(page).action, asking(page).filled(answer="yes", language="su")))
    assert page.status == 422
    page = keeps_rules(sari.browser.post(asking(page).action, asking(page).filled(answer="yes", language="su", method="written", copy_given="given")))
    assert page.status == 200
    assert [e.action for e in entries(2)] == ["referral.list", "consent.give"]
    assert "/langkah/supply_sections" not in page.html  # the section is still empty in the file
    fill(story, chronology=CHRONOLOGY)
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert filled_buttons(page) == 1
    basis = re.search(r'name="supply_sections-new_basis".*?value="([0-9a-f-]{36})"', page.html, re.DOTALL).group(1)
    page = keeps_rules(sari.send("/langkah/supply_sections$", **{"supply_sections-new_basis": basis}))
    assert page.status == 422
    page = keeps_rules(sari.send("/langkah/supply_sections$", **{"supply_sections-sections": ["chronology"], "supply_sections-new_basis": basis}))
    assert page.status == 200
    assert "Kirim bagian tambahan: Kronologi" in page.text

    assert "Bagian tambahan, belum Anda baca" in keeps_rules(santi.get("/tugas")).text
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert f"/rujukan/{number}/bagian/chronology" in page.links
    assert CHRONOLOGY["narrative"] in santi.get(f"/rujukan/{number}/bagian/chronology").text
    assert "belum Anda baca" not in santi.get("/tugas").text


def test_not_yet_and_refused(stage, entries):
    story, number = asked(stage, "chronology")
    sari = stage.sari
    page = keeps_rules(sari.get(f"/rujukan/{number}/persetujuan"))
    assert "Yang sudah dibagikan tetap seperti semula" in page.text
    assert sari.browser.post(asking(page).action, asking(page).filled(answer="no", language="su")).status == 200
    assert [e.action for e in entries(2)] == ["referral.list", "consent.refuse"]
    page = keeps_rules(sari.send("/langkah/refuse_sections$"))
    assert page.status == 422
    page = keeps_rules(sari.send("/langkah/refuse_sections$", **{"refuse_sections-event_reason": "survivor_refuses"}))
    assert (page.status, "sections_requested" in story.row().flags) == (200, False)
    page = keeps_rules(stage.santi.get(f"/rujukan/{number}"))
    assert "Tolak bagian tambahan: Penyintas tidak menghendaki" in page.text
    assert stage.santi.get(f"/rujukan/{number}/bagian/chronology").status == 403


def test_more_than_usual_asks_for_a_reason_and_keeps_what_was_ticked(stage):
    _, number = asked(stage, "medical", "chronology")
    assert agreed(stage, number, "medical", "chronology").status == 200
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}"))
    assert "Masih kosong di berkas: Kronologi, Kesehatan" in page.text
    assert "/langkah/supply_sections" not in page.html


def test_a_reason_makes_more_than_usual_possible(stage):
    story, number = asked(stage, "medical")
    fill(story, medical={"pregnant": "no", "allergies": "udang"})
    assert agreed(stage, number, "medical").status == 200
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}"))
    assert "diminta · lebih dari biasanya" in page.text
    page = keeps_rules(stage.sari.send("/langkah/supply_sections$", **{"supply_sections-sections": ["medical"]}))
    assert page.status == 422
    assert "#f-supply_sections-note" in page.links
    assert re.search(r'value="medical"[^>]* checked', page.html)
    page = keeps_rules(stage.sari.send("/langkah/supply_sections$", **{"supply_sections-sections": ["medical"], "supply_sections-note": "Untuk visum."}))
    assert (page.status, story.row().sending) == (200, 2)
    assert "udang" in stage.santi.get(f"/rujukan/{number}/bagian/medical").text


def test_fields_are_chosen_within_a_section(stage):
    story, number = asked(stage, "chronology")
    fill(story, chronology=CHRONOLOGY)
    assert agreed(stage, number, "chronology").status == 200
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}"))
    assert 'name="supply_sections-fields" value="chronology.narrative" checked' in page.html.replace('id="f-supply_sections-fields" ', "")
    send = {"supply_sections-sections": ["chronology"]}
    page = keeps_rules(stage.sari.send("/langkah/supply_sections$", **send, **{"supply_sections-fields": []}))
    assert (page.status, "#f-supply_sections-fields" in page.links) == (422, True)
    assert not re.search(r'value="chronology.narrative"[^>]* checked', page.html)
    page = keeps_rules(stage.sari.send("/langkah/supply_sections$", **send, **{"supply_sections-fields": ["chronology.narrative"]}))
    assert page.status == 200
    page = stage.santi.get(f"/rujukan/{number}/bagian/chronology")
    assert CHRONOLOGY["narrative"] in page.text
    assert CHRONOLOGY["do_not_ask"] not in page.text


def test_the_consent_for_what_was_asked_is_chosen_beforehand(stage):
    story, number = stage.accepted()
    fill(story, chronology=CHRONOLOGY, medical={"pregnant": "no"})
    assert agreed(stage, number, "medical").status == 200
    stage.santi.get(f"/rujukan/{number}")
    stage.santi.send("/langkah/ask_sections$", **{"ask_sections-sections": ["chronology"], "ask_sections-event_reason": "needed_for_service"})
    assert agreed(stage, number, "chronology").status == 200
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}"))
    options = page.html.partition('name="supply_sections-new_basis"')[2].partition("</select>")[0]
    assert options.count("<option") == 3
    assert re.search(r"selected>[^<]*: Kronologi", options), options


def test_a_text_with_her_name_is_named_and_goes_only_knowingly(stage):
    story, number = asked(stage, "chronology")
    fill(story, chronology=CHRONOLOGY | {"narrative": "Melati bekerja tanpa upah."})
    assert agreed(stage, number, "chronology").status == 200
    stage.sari.get(f"/rujukan/{number}")
    page = keeps_rules(stage.sari.send("/langkah/supply_sections$", **{"supply_sections-sections": ["chronology"]}))
    assert page.status == 422
    assert "#f-supply_sections-go_on" in page.links
    assert "Kronologi: Kronologi tertulis" in page.text
    assert "Melati" not in page.html
    page = keeps_rules(stage.sari.send("/langkah/supply_sections$", **{"supply_sections-go_on": "yes"}))
    assert (page.status, story.row().sending) == (200, 2)


def test_whatever_the_recipient_sends_a_section_that_is_not_shared_stays_closed(stage):
    story, number = asked(stage, "chronology")
    fill(story, chronology=CHRONOLOGY)
    santi = stage.santi
    for path in (f"/rujukan/{number}/bagian/chronology", f"/rujukan/{number}/bagian/chronology?sending=1", f"/rujukan/{number}/bagian/preview"):
        assert santi.get(path).status in {403, 404}
    santi.get(f"/rujukan/{number}")
    form = next(f for f in santi.page.forms if "/langkah/" in f.action)
    for event in ("supply_sections", "refuse_sections", "revise", "renew_basis"):
        page = santi.browser.post(f"/rujukan/{number}/langkah/{event}", form.filled(**{f"{event}-sections": ["chronology"], f"{event}-new_basis": str(story.row().consent_id), f"{event}-event_reason": "correction"}))
        assert page.status in {403, 404, 409, 422}, event
    assert story.row().sending == 1
    assert santi.get(f"/rujukan/{number}/persetujuan").status == 404


def test_a_correction_is_seen_and_safe_contact_is_read_anew(stage):
    story, number = stage.accepted()
    sari, santi = stage.sari, stage.santi
    for section in ("safe_contact", "identity"):
        santi.get(f"/rujukan/{number}/bagian/{section}")
    assert "Baca kontak aman sekali lagi" in santi.get(f"/rujukan/{number}").text
    stage.clock.move(hours=1)
    row = story.row()
    story.at(story.sari).do(cases.edit_section, case_id=row.case_id, section="identity", values=IDENTITY | {"full_name": "Melati Sari"}, version=1)
    contact = {"method": ["companion"], "contact_allowed": True, "phone_shared": True, "must_not_know": "majikan", "code_word_ok": "semangka", "safe_times": "sore"}
    story.at(story.sari).do(cases.edit_section, case_id=row.case_id, section="safe_contact", values=contact, version=1)
    sari.sign_in()
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert filled_buttons(page) <= 1
    page = keeps_rules(sari.send("/langkah/revise$", **{"revise-sections": ["identity"]}))
    assert page.status == 422
    given = {"revise-sections": ["identity", "safe_contact"], "revise-event_reason": "safe_contact_changed"}
    page = keeps_rules(sari.send("/langkah/revise$", **given))
    assert page.status == 200
    assert "Kirim perbaikan: Kontak aman berubah, Identitas, Kontak aman" in page.text
    page = keeps_rules(sari.send("/langkah/revise$", **given))
    assert (page.status, "sama dengan yang sudah dikirim" in page.text) == (422, True)
    santi.sign_in()
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Anda membaca yang sebelumnya" in page.text
    assert "Nomor telepon di bagian lain tampil setelah ini dibaca" in page.text
    assert "Melati Sari" in santi.get(f"/rujukan/{number}/bagian/identity").text
    santi.get(f"/rujukan/{number}/bagian/safe_contact")
    page = santi.get(f"/rujukan/{number}")
    assert "Anda membaca yang sebelumnya" not in page.text
    assert "Baca kontak aman sekali lagi" in page.text


def test_what_is_needed_is_corrected_on_a_page_of_its_own(stage, entries):
    _, number = stage.accepted()
    sari, path = stage.sari, f"/rujukan/{number}/kebutuhan"
    assert path in keeps_rules(sari.get(f"/rujukan/{number}")).links
    page = keeps_rules(sari.get(path))
    assert NEEDS["wishes"] in page.text
    assert [(e.action, e.sections) for e in entries(1)] == [("section.read", ("needs",))]
    assert filled_buttons(page) == 1
    page = keeps_rules(sari.send("/kebutuhan$", **{"needs.wishes": "Ingin pendamping perempuan."}))
    assert (page.status, "#f-event_reason" in page.links) == (422, True)
    assert "Ingin pendamping perempuan." in page.text
    page = keeps_rules(sari.send("/kebutuhan$", event_reason="correction", **{"needs.wishes": "Melati ingin pendamping."}))
    assert (page.status, "Kebutuhan & layanan: Keinginan penyintas" in page.text) == (422, True)
    page = keeps_rules(sari.send("/kebutuhan$", go_on="yes"))
    assert page.status == 200
    assert [(e.action, e.sections) for e in entries(2)][1:] == [("referral.revise", ("needs",))]
    assert "Melati ingin pendamping." not in page.html
    assert "Diperbaiki, belum Anda baca" in stage.santi.get("/tugas").text
    assert "Melati ingin pendamping." in stage.santi.get(f"/rujukan/{number}/bagian/needs").text
    assert stage.santi.get(path).status == 404


def test_somebody_was_faster_and_what_was_typed_stays(stage):
    story, number = stage.accepted()
    stage.sari.get(f"/rujukan/{number}/kebutuhan")
    story.at(story.santi).on("start")
    page = stage.sari.send("/kebutuhan$", event_reason="correction", **{"needs.wishes": "Ingin pendamping perempuan."})
    assert (page.status, "Ingin pendamping perempuan." in page.text) == (409, True)
    assert stage.sari.send("/kebutuhan$").status == 200
    assert stage.santi.get(f"/rujukan/{number}/bagian/needs").text.count("Ingin pendamping perempuan.") == 1


def test_single_sections_are_taken_back(stage, entries):
    story, number = stage.accepted()
    sari, santi = stage.sari, stage.santi
    assert "Melati Contoh" in santi.get(f"/rujukan/{number}/bagian/identity").text
    alias = alias_of(sari.get(f"/rujukan/{number}"))
    page = keeps_rules(sari.get(f"/kasus/{alias}/persetujuan"))
    page = keeps_rules(sari.get(next(link for link in page.links if link.endswith("/tarik"))))
    assert "Tarik kembali beberapa bagian saja" in page.text
    page = keeps_rules(sari.send("/persempit$"))
    assert page.status == 422
    page = keeps_rules(sari.send("/persempit$", sections=["identity", "safe_contact", "needs"]))
    assert (page.status, "Itu semuanya" in page.text) == (422, True)
    page = keeps_rules(sari.send("/persempit$", sections=["identity"]))
    assert page.status == 200
    assert "Ditarik kembali" in page.text
    assert [e.action for e in entries(3)] == ["case.list", "referral.consent_narrowed", "consent.change"]
    assert "tidak terbuka lagi bagi" in sari.get(f"/rujukan/{number}").text

    assert santi.get(f"/rujukan/{number}/bagian/identity").status == 403
    assert "Melati" not in santi.page.html
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Penyintas menarik kembali: Identitas" in page.text
    assert "di luar hub (cetak, catatan, perangkat) dalam 3×24 jam: Identitas." in page.text
    assert "Apa yang terjadi dengan salinan Anda dari bagian ini: Identitas" in page.text
    assert "ditarik sebagian" in santi.get("/tugas").text
    santi.get(f"/rujukan/{number}")
    assert f"/rujukan/{number}/bagian/identity" not in page.links
    assert filled_buttons(page) == 1
    assert "Konfirmasi penghapusan" in main_text(page)
    page = keeps_rules(santi.send("/langkah/confirm_purge$", **{"confirm_purge-purge_statement": "destroyed"}))
    assert (page.status, "purge_due" in story.row().flags) == (200, False)
    assert "Penyintas menarik kembali" not in page.text
    assert santi.get(f"/rujukan/{number}/bagian/needs").status == 200


def test_what_a_review_closes_is_not_said_to_be_her_doing(stage):
    story, number = stage.accepted()
    consent_id = story.row().consent_id

    def closed(session, *, actor, keys, now):
        act = Act(actor, keys, now, "")
        return narrowing.follow(session, act, referral_id=story.id, consent_id=consent_id, taken=frozenset({"identity"}), reason="no_ground")

    stage.santi.get(f"/rujukan/{number}/bagian/safe_contact")
    story.at(story.sari).do(closed)
    for person in (stage.sari, stage.santi):
        page = keeps_rules(person.get(f"/rujukan/{number}"))
        assert "Tidak dibagikan lagi: Identitas" in page.text
        assert "Penyintas menarik kembali" not in page.text


def test_in_the_reading_window_the_page_names_what_to_delete_and_the_rest_stays_readable(stage):
    story, number = stage.accepted()
    sari, santi, desk = stage.sari, stage.santi, story.at(story.santi)
    desk.on("start")
    desk.do(actions.copy_sections, referral_id=story.id, sections=["identity", "needs"])
    desk.on("complete", outcome="service_given")
    story.at(story.sari).do(actions.narrow_consent, consent_id=story.row().consent_id, sections=("identity",))
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Penyintas menarik kembali: Identitas" in page.text
    assert "Dapat dibaca sampai" in page.text
    assert "di luar hub (cetak, catatan, perangkat) dalam 3×24 jam: Identitas." in page.text
    assert "dasar hukum untuk menyimpannya: Identitas." in page.text
    assert filled_buttons(page) == 1
    assert f"/rujukan/{number}/bagian/needs" in page.links
    assert "diminta menghapus salinan bagian ini dalam 3×24 jam: Identitas" in sari.get(f"/rujukan/{number}").text
    page = keeps_rules(santi.send("/langkah/confirm_purge$", **{"confirm_purge-purge_statement": "destroyed"}))
    assert (page.status, "purge_due" in story.row().flags) == (200, False)
    assert "Penyintas menarik kembali" not in page.text
    story.at(story.sari).do(actions.withdraw_consent, consent_id=story.row().consent_id)
    page = keeps_rules(santi.get(f"/rujukan/{number}"))
    assert "Penyintas menarik kembali:" not in page.text  # everything, no longer single sections
    assert "Mohon hapus salinan di luar hub" in page.text


def test_a_new_consent_after_the_old_one_has_ended(stage):
    _, number = stage.accepted()
    sari, santi = stage.sari, stage.santi
    stage.clock.move(days=200)
    santi.sign_in()
    assert santi.get(f"/rujukan/{number}/bagian/needs").status == 422
    sari.sign_in()
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert filled_buttons(page) == 1
    assert any("/persetujuan?untuk=lanjut" in link for link in page.links)
    assert agreed(stage, number, "safe_contact", "needs", what="lanjut").status == 200
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    basis = re.search(r'name="renew_basis-new_basis".*?value="([0-9a-f-]{36})"', page.html, re.DOTALL).group(1)
    page = keeps_rules(sari.send("/langkah/renew_basis$", **{"renew_basis-new_basis": basis}))
    assert page.status == 200
    assert "Perbarui dasar" in page.text
    assert santi.get(f"/rujukan/{number}/bagian/needs").status == 200
    assert santi.get(f"/rujukan/{number}/bagian/identity").status == 403


@pytest.mark.parametrize("path", ["/rujukan/{number}/persetujuan", "/rujukan/{number}"])
def test_a_stranger_finds_nothing(stage, path):
    _, number = stage.accepted()
    other = stage.network.agency("lkbh", "legal", roles=("lawyer",), services=("legal_consult",))
    assert other.founder.get(path.format(number=number)).status in {403, 404}


def test_what_has_ended_is_begun_anew_as_a_draft_of_its_own(stage, entries):
    story, number = stage.accepted()
    story.at(story.santi).on("start")
    story.at(story.santi).on("complete", outcome="service_given")
    sari = stage.sari
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert "Rujukan baru berdasarkan yang ini" in page.text
    page = keeps_rules(sari.send("/lagi$"))
    assert page.status == 200
    assert [e.action for e in entries(1)] == ["referral.create"]
    page = keeps_rules(sari.get(f"/rujukan/{number}"))
    assert "Dilanjutkan oleh RJ-" in page.text
    assert "Dilanjutkan oleh" not in stage.santi.get(f"/rujukan/{number}").text
