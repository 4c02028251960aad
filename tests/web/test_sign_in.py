"""Signing in, being signed out while typing, signing in again, leaving."""

from __future__ import annotations

import re

import pytest

from tests.gate import trial as trial_routes
from tests.gate.browser import SAME, Browser


@pytest.fixture
def admin(network):
    return network.admin


def cookies(person):
    return {c.key: c.value for c in person.browser.client._cookies.values()}


def test_two_pages_and_a_new_session(admin, entries):
    admin.get("/akun")
    admin.browser.client.delete_cookie("hub")
    page = admin.sign_in()
    assert page.heading == "Anggota"
    assert entries(1)[0].action == "session.sign_in"


def test_the_session_changes_between_the_pages(admin):
    admin.browser.client.delete_cookie("hub")
    admin.get("/masuk")
    admin.send("/masuk", **{"sign_in-mail": admin.mail, "sign_in-passphrase": admin.passphrase})
    assert admin.page.heading == "Kode 6 angka"
    pending = cookies(admin)["hub"]
    assert admin.get("/anggota").heading == "Masuk"
    admin.get("/masuk/kode")
    admin.send("/masuk/kode", **{"sign_in-code": admin.code()})
    assert cookies(admin)["hub"] != pending
    assert cookies(admin)["hub-device"]


def test_whichever_was_wrong_the_answer_is_the_same(admin):
    pages = []
    for mail, passphrase in ((admin.mail, "lima kata yang lain sekali"), ("nobody@elsewhere.test", admin.passphrase)):
        other = Browser(admin.network.app)
        other.get("/masuk")
        pages.append(other.send("/masuk", **{"sign_in-mail": mail, "sign_in-passphrase": passphrase}))
    assert [page.status for page in pages] == [422, 422]
    assert "Surel dan frasa sandi belum cocok" in pages[0].text
    assert admin.passphrase not in pages[1].html
    assert pages[0].html.replace(admin.mail, "") == pages[1].html.replace("nobody@elsewhere.test", "")


def test_a_wrong_code_says_how_to_go_on(admin):
    admin.browser.client.delete_cookie("hub")
    admin.get("/masuk")
    admin.send("/masuk", **{"sign_in-mail": admin.mail, "sign_in-passphrase": admin.passphrase})
    page = admin.send("/masuk/kode", **{"sign_in-code": "000000"})
    assert page.status == 422
    assert "Kode belum cocok. Tunggu kode berikutnya" in page.text
    assert page.title.startswith("Perlu dilengkapi:")


def test_too_many_attempts_say_how_long_to_wait(network):
    stranger = Browser(network.app)
    for _ in range(40):
        stranger.get("/masuk")
        page = stranger.send("/masuk", **{"sign_in-mail": "nobody@elsewhere.test", "sign_in-passphrase": "lima kata yang lain sekali"})
        if page.status == 429:
            break
    assert page.status == 429
    assert f"Coba lagi dalam {page.headers['Retry-After']} detik. Ini melindungi akun Anda." in page.text
    assert "nobody@elsewhere.test" in page.html


def test_a_page_that_needs_a_member_leads_back_after_signing_in(admin):
    admin.browser.client.delete_cookie("hub")
    answer = admin.get("/anggota/undang", follow=False)
    assert answer.status == 303
    page = admin.sign_in(answer.headers["Location"])
    assert page.heading == "Undang anggota"


@pytest.mark.usefixtures("trial")
def test_what_was_typed_is_carried_through_signing_in_and_sent_again(admin, network, entries):
    admin.get("/akun")
    network.clock.move(minutes=20)
    typed = {"act_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "reason": "Datang <pagi>", "passphrase": "nicht mitnehmen bitte"}
    page = admin.browser.post("/trial/act", typed)
    assert (page.status, page.heading) == (401, "Masuk")
    assert "Masuk lagi untuk menyimpan. Yang Anda ketik masih ada." in page.text
    assert "nicht mitnehmen" not in page.html
    assert page.headers["Cache-Control"] == "no-store"

    page = admin.send("/masuk", **{"sign_in-mail": admin.mail, "sign_in-passphrase": "eine ganz andere sache hier"})
    assert page.status == 422
    page = admin.send("/masuk", **{"sign_in-mail": admin.mail, "sign_in-passphrase": admin.passphrase})
    assert (page.status, page.heading) == (200, "Kode 6 angka")
    assert page.form("/masuk/kode").filled()["reason"] == ["Datang <pagi>"]

    form = page.form("/masuk/kode")
    last = admin.browser.post(form.action, form.filled(**{"sign_in-code": admin.code()}), follow=False)
    assert (last.status, last.headers["Location"]) == (307, "/trial/act")
    done = admin.browser.post(last.headers["Location"], form.filled(), follow=False)
    assert done.headers["Location"] == f"/trial/done/{trial_routes.DONE}?repeated=False"
    assert entries(1)[0].action == "referral.decline"


def test_a_carried_form_leads_nowhere_else(admin):
    admin.browser.client.delete_cookie("hub")
    for to in ("https://elsewhere.test/x", "//elsewhere.test", "/bantuan", "/nowhere"):
        admin.browser.post("/masuk", {"sign_in-mail": admin.mail, "sign_in-passphrase": admin.passphrase, "sign_in-to": to, "reason": "x"})
        form = admin.page.form("/masuk/kode")
        page = admin.browser.post(form.action, form.filled(**{"sign_in-code": admin.code()}), follow=False)
        assert page.headers["Location"] == "/", to


def test_signing_in_again_makes_the_session_fresh(admin, entries):
    admin.get("/akun")
    before = cookies(admin)["hub"]
    admin.network.clock.move(minutes=11)
    page = admin.sign_in_again("/akun")
    assert page.heading == "Akun"
    assert cookies(admin)["hub"] != before
    assert entries(1)[0].action == "session.reauth"


def test_an_act_that_asks_for_a_fresh_sign_in_leads_there_and_back(network):
    agency = network.agency()
    waiting = agency.second.enrol(agency.admin.invite(agency.second.mail, "social_worker"))
    code = re.search(r'class="id">([A-Z]{2}-[0-9]+)<', waiting.html).group(1)
    network.clock.move(minutes=11)
    agency.founder.get(f"/anggota/{code}")
    page = agency.founder.browser.post(f"/anggota/{code}/akui", agency.founder.page.form("akui").filled(fingerprint="1" * 24), headers=SAME | {"Referer": f"http://localhost/anggota/{code}"})
    assert (page.status, page.heading) == (403, "Mohon masuk lagi untuk ini")
    agency.founder.get(next(link for link in page.links if "/masuk/lagi" in link))
    page = agency.founder.send("/masuk/lagi", **{"sign_in-passphrase": agency.founder.passphrase, "sign_in-code": agency.founder.code()})
    assert page.heading == code
    page = agency.founder.send("akui", fingerprint="1" * 24)
    assert page.status == 422
    assert "Belum sama" in page.text


def test_signing_out(admin, entries):
    admin.get("/akun")
    page = admin.send("/keluar$", follow=False)
    assert (page.status, page.headers["Location"]) == (303, "/masuk")
    assert page.headers["Clear-Site-Data"] == '"cache"'
    assert "hub" not in cookies(admin)
    assert entries(1)[0].action == "session.sign_out"
    assert admin.get("/anggota").heading == "Masuk"


def test_quick_exit_leads_out_and_ends_the_session(admin, entries):
    admin.get("/akun")
    kept = cookies(admin)["hub"]
    page = admin.get("/keluar-cepat", follow=False)
    assert (page.status, page.headers["Location"]) == (303, "https://www.bmkg.go.id/")
    assert "Clear-Site-Data" not in page.headers
    assert "hub" not in cookies(admin)
    assert entries(1)[0].action == "session.sign_out"
    admin.browser.client.set_cookie("hub", kept)
    assert admin.get("/akun").heading == "Masuk"


def test_a_page_of_another_site_ends_nobodys_session(admin):
    page = admin.get("/keluar-cepat", follow=False, **{"Sec-Fetch-Site": "cross-site"})
    assert page.status == 303
    assert "Set-Cookie" not in page.headers
    assert admin.get("/anggota", follow=False).status == 200


def test_the_language_of_a_browser_and_of_a_member(admin):
    stranger = Browser(admin.network.app)
    stranger.get("/masuk")
    page = stranger.send("/bahasa", language="en")
    assert page.heading == "Sign in"
    assert 'lang="en"' in page.html
    admin.get("/akun")
    page = admin.send("akun/bahasa", language="en")
    assert page.heading == "Account"
    assert admin.get("/bantuan").heading == "Help"
