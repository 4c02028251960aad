"""Two agencies come to life in the browser: from the first invitation to activation, each person at a browser of their own."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import DESK, PHONE

NETWORK_ADMIN, AUDITOR = "zaki@sekretariat-jejaring.rujukan.test", "aida@sekretariat-jejaring.rujukan.test"


def enrol(demo, newcomer, link, mail):
    """Follow an invitation: terms, passphrase, second factor."""
    newcomer.mail, newcomer.passphrase = mail, "lima kata acak untuk uji"
    newcomer.go(link)
    newcomer.page.check("input[name=terms]")
    newcomer.press("Lanjut")
    newcomer.page.fill("input[name=passphrase]", newcomer.passphrase)
    newcomer.page.fill("input[name=passphrase_again]", newcomer.passphrase)
    newcomer.press("Lanjut")
    newcomer.secret = re.sub(r"\s", "", newcomer.page.inner_text("main .code.large"))
    newcomer.page.fill("input[name=one_time_code]", demo.code(newcomer.secret))
    newcomer.press("Lanjut")
    return newcomer


def invite(admin, mail, role, path="/anggota/undang"):
    """Invite somebody; return the link that is shown once."""
    admin.go(path)
    admin.page.fill("input[name=name]", "Uji")
    admin.page.fill("input[name=mail]", mail)
    admin.page.check(f"input[name=roles][value={role}]")
    admin.press("Undang")
    return admin.page.inner_text("main .card .code").strip()


@pytest.mark.parametrize(
    ("code", "kind", "role", "service", "viewport"),
    [("uptd-uji", "social_services", "social_worker", "case_management", PHONE), ("klinik-uji", "health", "midwife", "maternal_midwife", DESK)],
)
def test_an_agency_from_the_first_invitation_to_activation(demo, person, code, kind, role, service, viewport):
    network = person(NETWORK_ADMIN, viewport=viewport, scripts=False)
    network.go("/lembaga/baru")
    network.page.fill("input[name=name]", f"Lembaga {code} (simulasi)")
    network.page.fill("input[name=code]", code)
    network.page.select_option("select[name=kind]", kind)
    network.page.select_option("select[name=region]", "32.73")
    network.page.click("fieldset:has(input[name=coverage]) summary")
    network.page.check("input[name=coverage][value='32.73']")
    network.page.click("fieldset:has(input[name=services]) summary")
    network.page.check(f"input[name=services][value={service}]")
    network.press("Buat lembaga")

    admin = enrol(demo, person(viewport=viewport), invite(network, f"admin@{code}.rujukan.test", "agency_admin", f"/lembaga/{code}/undang"), f"admin@{code}.rujukan.test")
    first = enrol(demo, person(viewport=viewport), invite(admin, f"satu@{code}.rujukan.test", role), f"satu@{code}.rujukan.test")
    first.press("Buat kunci lembaga")
    recovery = re.sub(r"\s", "", first.page.inner_text("main .code.huge"))
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{28}", recovery)
    fingerprint = first.page.inner_text("main .code.large")
    first.follow("Lanjut")
    first.page.fill("input[name=last_four]", recovery[-4:])
    first.press("Lanjut")

    second = enrol(demo, person(viewport=viewport), invite(admin, f"dua@{code}.rujukan.test", role), f"dua@{code}.rujukan.test")
    assert "Hampir selesai" in second.text
    digits = re.search(r"((?:\d{4}\s){5}\d{4})", second.text).group(1)
    enrol(demo, person(viewport=viewport), invite(admin, f"ppd@{code}.rujukan.test", "data_protection_officer"), f"ppd@{code}.rujukan.test")

    first.go("/anggota").follow("02")
    first.page.fill("input[name=fingerprint]", "0000 0000 0000 0000 0000 0000")
    first.press("Akui anggota ini")
    assert first.page.title().startswith("Perlu dilengkapi")
    first.page.fill("input[name=fingerprint]", digits)
    first.press("Akui anggota ini")
    assert "Aktif" in first.text

    for witness in (network, person(AUDITOR, viewport=viewport)):
        witness.go(f"/lembaga/{code}")
        witness.page.fill("input[name=fingerprint]", fingerprint)
        witness.press("Pastikan")
    network.go(f"/lembaga/{code}").press("Aktifkan lembaga")
    assert "Aktif" in network.page.inner_text("main .acts .tag")
