"""The administrator keeps what the agency offers: room, hours, for whom, what to bring; and a shelter's place never gets in."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from referral_hub.web.files import service_token
from tests.web.stage import filled_buttons, keeps_rules, main_text

COUNSEL = f"/lembaga/layanan/{service_token('legal_consult')}"


@pytest.fixture
def admin(stage):
    stage.lbh.admin.sign_in()
    return stage.lbh.admin


def stored(engine, code="legal_consult"):
    with engine.connect() as connection:
        query = "SELECT s.* FROM agency_service s JOIN agency a ON a.id = s.agency_id WHERE a.code IN ('lbh', 'melati') AND s.code = :code"
        return connection.execute(text(query), {"code": code}).mappings().one()


def test_the_agencys_page_leads_to_its_services_and_only_the_keeper_gets_there(stage, admin, entries):
    assert "/lembaga/layanan" in keeps_rules(admin.get("/lembaga")).links
    page = keeps_rules(admin.get("/lembaga/layanan"))
    assert page.heading == "Layanan dan jam"
    assert "Ketersediaan belum diperbarui lebih dari tujuh hari" in page.text
    assert filled_buttons(page) == 1
    assert stage.santi.get("/lembaga/layanan").status == 403
    assert (entries(1)[0].outcome, entries(1)[0].reason) == ("deny", "role_lacks_ability")
    assert stage.santi.browser.post(COUNSEL + "/tempat", {"act_id": "11111111-2222-4333-8444-555555555555", "capacity": "none"}).status == 403


def test_no_place_is_said_once_and_warns_whoever_looks(stage, admin, owner_engine, entries):
    admin.get("/lembaga/layanan")
    page = keeps_rules(admin.send(f"{COUNSEL}/tempat$", capacity="none", slots="0"))
    assert "Pengirim melihat bahwa tempat penuh" in page.text
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("directory.capacity", "allow")
    row = stored(owner_engine)
    assert (row["capacity"], row["slots"], row["capacity_as_of"]) == ("none", 0, stage.clock.now())
    looked = stage.sari.get(f"/rujukan/baru/penerima?layanan={service_token('legal_consult')}")
    assert "Saat ini tidak ada tempat" in looked.text
    stage.clock.move(days=8)
    admin.sign_in()
    assert "Ketersediaan belum diperbarui" in admin.get("/lembaga/layanan").text


@pytest.mark.parametrize(("typed", "sentence"), [({"slots": "banyak"}, "angka"), ({"capacity": "x"}, "pilih satu dari daftar")])
def test_what_cannot_be_read_comes_back(admin, owner_engine, typed, sentence):
    admin.get("/lembaga/layanan")
    page = keeps_rules(admin.send(f"{COUNSEL}/tempat$", **({"capacity": "limited"} | typed)))
    assert page.status == 422
    assert sentence in page.text
    assert stored(owner_engine)["capacity_as_of"] is None
    if "slots" in typed:
        assert 'value="banyak"' in page.html


def test_hours_and_for_whom_are_changed_on_the_services_own_page(stage, admin, owner_engine, entries):
    keeps_rules(admin.get(COUNSEL))
    page = admin.send(f"{COUNSEL}$", hours="clinic", sex=["P"], age_min="15", age_max="60", bring=["ktp_kk"], note="Perempuan pekerja", closed="yes")
    assert page.heading == "Layanan dan jam"
    row = stored(owner_engine)
    assert {name: row[name] for name in ("hours", "sex", "age_min", "age_max", "bring", "note", "closed")} == {
        "hours": "clinic", "sex": ["P"], "age_min": 15, "age_max": 60, "bring": ["ktp_kk"], "note": "Perempuan pekerja", "closed": True,
    }  # fmt: skip
    assert entries(1)[0].action == "agency.change"
    page = keeps_rules(admin.get(COUNSEL))
    assert 'value="15"' in page.html
    assert "Tutup sementara" in main_text(stage.sari.get(f"/rujukan/baru/penerima?layanan={service_token('legal_consult')}"))
    page = keeps_rules(admin.send(f"{COUNSEL}$", age_min="60", age_max="15"))
    assert page.status == 422
    assert "Tulis umur dalam tahun penuh" in page.text
    assert 'value="60"' in page.html
    assert stored(owner_engine)["age_min"] == 15


def test_two_windows_do_not_overwrite_each_other(admin, owner_engine):
    old = admin.get(COUNSEL).form(f"{COUNSEL}$")
    admin.get(COUNSEL)
    admin.send(f"{COUNSEL}$", note="Yang pertama")
    page = admin.browser.post(old.action, old.filled(note="Yang kedua"))
    assert page.status == 409, page.text
    assert "Yang kedua" in page.html
    assert stored(owner_engine)["note"] == "Yang pertama"


def test_a_service_is_added_and_taken_out_and_the_facts_are_said_to_hold(admin, owner_engine, entries):
    admin.get("/lembaga/layanan")
    page = keeps_rules(admin.send("/lembaga/layanan$", code="legal_representation"))
    assert page.status == 200
    assert stored(owner_engine, "legal_representation")["capacity"] == "unknown"
    assert admin.send("/hapus$").heading == "Layanan dan jam"
    with owner_engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM agency_service WHERE code = 'legal_representation'")).scalar() == 0
    page = admin.send("/lembaga/jam$", hours="clinic", languages=["id", "sign"], access=["sign_interpreter"], on_call_24h="yes")
    with owner_engine.connect() as connection:
        row = connection.execute(text("SELECT hours, languages, access, on_call_24h FROM agency WHERE code = 'lbh'")).one()
    assert tuple(row) == ("clinic", ["id", "sign"], ["sign_interpreter"], True)
    assert "belum pernah dipastikan" in page.text
    assert "belum pernah dipastikan" not in admin.send("/lembaga/benar$").text
    assert entries(1)[0].action == "directory.verify"


@pytest.mark.parametrize(("note", "sentence"), [("Jl. Contoh 7", "ada alamat"), ("rt 3 rw 4", "ada alamat"), ("Telepon 0812-0000-0000", "nomor telepon")])
def test_a_shelters_place_does_not_get_into_its_note(stage, owner_engine, note, sentence):
    shelter = stage.network.agency("melati", "shelter", roles=("shelter_manager",), services=("temporary_shelter",))
    shelter.admin.sign_in()
    place = f"/lembaga/layanan/{service_token('temporary_shelter')}"
    shelter.admin.get(place)
    page = shelter.admin.send(f"{place}$", note=note)
    assert page.status == 422
    assert sentence in page.text
    assert stored(owner_engine, "temporary_shelter")["note"] == ""


def test_the_administrators_first_page_says_that_room_is_not_known(admin):
    page = keeps_rules(admin.get("/anggota"))
    assert "Ketersediaan 1 layanan belum diperbarui selama tujuh hari." in page.text or "Ketersediaan 2 layanan belum diperbarui selama tujuh hari." in page.text
    assert "/lembaga/layanan" in page.links
    for token in {form.action for form in admin.get("/lembaga/layanan").forms if form.action.endswith("/tempat")}:
        admin.get("/lembaga/layanan")
        admin.send(f"{token}$", capacity="available")
    assert "belum diperbarui" not in admin.get("/anggota").text


def test_the_officers_first_page_leads_to_what_an_auditor_asks(stage, entries):
    auditor = stage.network.auditor()
    officer = stage.keyless(stage.lbh, "data_protection_officer")
    assert "Tidak ada yang menunggu Anda." in keeps_rules(officer.get("/tugas")).text
    auditor.sign_in()
    stage.santi.sign_in()
    stage.santi.get("/tugas")
    about = entries(1)[0]
    assert about.agency_id == stage.lbh.id
    auditor.sign_in()
    auditor.get("/jejak?agency=lbh")
    number = next(link.rpartition("/")[2] for link in auditor.page.links if link.startswith("/jejak/") and link.rpartition("/")[2].isdigit())
    auditor.get(f"/temuan/baru?entry={number}")
    assert auditor.send("/temuan$", text="Mengapa entri ini ada?").status == 200
    officer.sign_in()
    page = keeps_rules(officer.get("/tugas"))
    assert "1 temuan menunggu lembaga Anda" in page.text
    assert "/temuan" in page.links
