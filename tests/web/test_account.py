"""The member's own account, and what an administrator does with those of others."""

from __future__ import annotations

import re

import pytest

from tests.gate.network import Person


@pytest.fixture
def agency(network):
    return network.agency()


def code_of(page):
    return re.search(r'class="id">([A-Z]{2}-[0-9]+)<', page.html).group(1)


def test_language_and_zone_are_kept(network, entries):
    network.admin.get("/akun")
    page = network.admin.send("akun/setelan", language="en", timezone="Asia/Jayapura")
    assert page.heading == "Account"
    assert "The session ends at" in page.text
    assert "WIT" in page.text
    assert entries(1)[0].action == "account.settings"


def test_the_passphrase_is_changed_after_the_present_one(network, entries):
    admin = network.admin
    other = Person(network, admin.mail)
    other.passphrase, other.secret = admin.passphrase, admin.secret
    other.sign_in()
    assert other.get("/akun").heading == "Akun"
    admin.get("/akun/frasa")
    page = admin.send("akun/frasa", present_passphrase="ganz falsch hier drin", passphrase="lima kata baru yang panjang", passphrase_again="lima kata baru yang panjang")
    assert page.status == 422
    page = admin.send("akun/frasa", present_passphrase=admin.passphrase, passphrase="lima kata baru yang panjang", passphrase_again="lima kata lain yang panjang")
    assert page.status == 422
    assert "Keduanya belum sama" in page.text
    page = admin.send("akun/frasa", present_passphrase=admin.passphrase, passphrase="pendek", passphrase_again="pendek")
    assert page.status == 422
    page = admin.send("akun/frasa", present_passphrase=admin.passphrase, passphrase="lima kata baru yang panjang", passphrase_again="lima kata baru yang panjang")
    assert page.heading == "Akun"
    assert "account.passphrase_change" in [entry.action for entry in entries(3)]
    assert other.get("/akun").heading == "Masuk"


def test_sessions_are_listed_and_ended(network, entries):
    admin = network.admin
    other = Person(network, admin.mail)
    other.browser.agent = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
    other.passphrase, other.secret = admin.passphrase, admin.secret
    other.sign_in()
    page = admin.get("/akun")
    assert "Firefox · Android · yang ini" in page.text
    assert "Chrome · Windows" in page.text
    page = admin.send("akun/sesi$")
    assert "Chrome · Windows" not in page.text
    assert entries(1)[0].action == "session.end"
    assert other.get("/akun").heading == "Masuk"
    other.sign_in()
    admin.get("/akun")
    admin.send("sesi/lain")
    assert other.get("/akun").heading == "Masuk"
    assert admin.get("/akun").status == 200


def test_a_suspended_member_is_out_at_once_and_learns_no_more(agency, entries):
    agency.admit_second()
    code = code_of(agency.second.get("/akun"))
    agency.admin.get(f"/anggota/{code}")
    page = agency.admin.send("tangguhkan")
    assert "Ditangguhkan" in page.text
    assert entries(1)[0].action == "member.suspend"
    assert agency.second.get("/akun").heading == "Masuk"
    page = agency.second.send("/masuk", **{"sign_in-mail": agency.second.mail, "sign_in-passphrase": agency.second.passphrase})
    assert page.status == 422
    assert "Surel dan frasa sandi belum cocok" in page.text


def test_a_lost_passphrase_is_replaced_and_the_key_does_not_come_back(agency, network):
    agency.admit_second()
    code = code_of(agency.second.get("/akun"))
    agency.admin.get(f"/anggota/{code}")
    page = agency.admin.send("atur-ulang")
    assert "mengakui anggota ini kembali" in page.text
    link = re.search(r"http://hub\.test(/undangan/[^<\s]+)", page.html).group(1)
    page = agency.second.enrol(link)
    assert page.heading == "Hampir selesai"


def test_a_membership_ends(agency, entries):
    agency.admit_second()
    code = code_of(agency.second.get("/akun"))
    agency.admin.get(f"/anggota/{code}")
    page = agency.admin.send("akhiri")
    assert page.status == 200
    assert "Selesai" in page.text
    assert entries(1)[0].action == "member.disable"
    agency.founder.get("/anggota")
    assert "Ada pemegang kunci yang sudah pergi." in agency.founder.page.text
    agency.founder.sign_in_again("/lembaga/kunci/ganti")
    page = agency.founder.send("kunci/ganti")
    assert re.search(r'class="code huge">([0-9A-Z ]+)<', page.html)
    assert "Ada pemegang kunci" not in agency.founder.get("/anggota").text


def test_roles_that_need_a_second_person(agency, network, entries):
    agency.admit_second()
    code = code_of(agency.second.get("/akun"))
    agency.admin.get(f"/anggota/{code}")
    page = agency.admin.send("peran", roles=["social_worker", "agency_admin"])
    assert "Diusulkan: Admin lembaga, Pekerja sosial (peksos)" in page.text
    head = Person(network, "kepala@uptd-ppa.test")
    head.enrol(agency.admin.invite(head.mail, "agency_head"))
    head.get(f"/anggota/{code}")
    page = head.send("setujui")
    assert "Diusulkan" not in page.text
    assert entries(1)[0].action == "member.second_approval"


def test_a_link_is_shown_once(agency, entries):
    agency.admin.get("/anggota/undang")
    form = agency.admin.page.form("undang").filled(name="Contoh Tiga", mail="tiga@uptd-ppa.test", roles=["companion"])
    first = agency.admin.browser.post("/anggota/undang", form)
    count = len(entries())
    again = agency.admin.browser.post("/anggota/undang", form)
    assert "/undangan/" in first.text
    assert "/undangan/" not in again.text
    assert "alamatnya sudah tampil satu kali" in again.text
    assert len(entries()) == count


def test_an_invitation_that_is_not_complete_comes_back_filled_in(agency):
    agency.admin.get("/anggota/undang")
    page = agency.admin.send("undang", name="Contoh Tiga", mail="no-address", roles=["companion"])
    assert page.status == 422
    assert 'value="Contoh Tiga"' in page.html
    assert re.search(r'value="companion" checked', page.html)
    page = agency.admin.send("undang", name="Contoh Tiga", mail=agency.founder.mail, roles=["companion"])
    assert "Ini sudah dipakai." in page.text


def test_a_case_worker_who_cannot_admit_sees_no_members(agency, network, entries):
    third = Person(network, "tiga@uptd-ppa.test")
    third.enrol(agency.admin.invite(third.mail, "companion"))
    assert third.get("/anggota").status == 403
    assert agency.founder.get("/lembaga/lain").status == 403
    assert entries(1)[0].outcome == "deny"


def test_the_fingerprint_is_typed_from_paper_and_by_two(network):
    auditor = network.auditor()
    agency = network.agency()
    agency.admit_second()
    network.admin.get(f"/lembaga/{agency.code}")
    assert agency.fingerprint not in network.admin.page.text
    page = network.admin.send("sidik", fingerprint="1" * 24)
    assert page.status == 422
    network.admin.send("sidik", fingerprint=agency.fingerprint)
    page = network.admin.send("sidik", fingerprint=agency.fingerprint)
    assert page.status in {409, 422}
    assert auditor.get(f"/lembaga/{agency.code}").status == 200


def test_an_unfinished_enrolment_says_how_to_go_on(network):
    person = Person(network, "auditor@sekretariat.test")
    link = network.admin.invite(person.mail, "network_auditor")
    person.get(link)
    page = person.send("ketentuan")
    assert page.status == 422
    assert "Belum dicentang." in page.text
    person.send("ketentuan", terms="yes")
    person.send("frasa", passphrase=person.passphrase, passphrase_again=person.passphrase)
    network.clock.move(hours=2)
    page = person.get("/undangan/kode")
    assert (page.status, page.heading) == (401, "Menyiapkan akun")
    page = person.get(link)
    assert page.heading == "Buat frasa sandi"
    network.clock.move(days=8)
    page = person.get(link)
    assert page.status == 404
    assert "Undangan ini sudah tidak berlaku." in page.text
