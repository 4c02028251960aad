"""The directory: agencies by service and region, contact by tier, no address and no shelter's town."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.web.stage import keeps_rules, main_text


@pytest.fixture
def shelter(stage, owner_engine):
    """A shelter whose phone is told only to those whose referral it accepted."""
    stage.network.agency("melati", "shelter", roles=("shelter_manager",), services=("temporary_shelter",))
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE agency SET state = 'active', email = code || '@rujukan.test', phone = '0812' || '0000000'"))
    return "melati"


def test_agencies_are_found_by_service_and_region(stage, shelter, entries):
    before = len(entries())
    page = keeps_rules(stage.sari.get("/direktori"))
    assert page.title == "Direktori – Hub"
    assert {"/direktori/lbh", f"/direktori/{shelter}"} <= set(page.links)
    assert len(re.findall(r"Bantuan hukum\s*· Kapasitas", main_text(page))) == 1, "two services of one short name stand once"
    assert "Belum diketahui" in page.text or "Kapasitas belum diketahui" in page.text
    page = keeps_rules(stage.sari.get("/direktori?layanan=temporary_shelter"))
    assert f"/direktori/{shelter}" in page.links
    assert "/direktori/lbh" not in page.links
    page = keeps_rules(stage.sari.get("/direktori?layanan=restitution&wilayah=81"))
    assert "Belum ada layanan yang cocok." in page.text
    page = keeps_rules(stage.sari.get("/direktori?layanan=none&wilayah="))
    assert "/direktori/lbh" in page.links
    assert len(entries()) == before, "directory facts are no content"


def test_a_shelter_shows_its_province_and_no_phone(stage, shelter):
    page = keeps_rules(stage.santi.get(f"/direktori/{shelter}"))
    assert "Jawa Barat" in page.text
    assert "Kota Bandung" not in page.text
    assert "melati@rujukan.test" in page.text
    assert "0812" not in page.html
    assert "Sebagian kontak hanya tampil" in page.text
    assert not [form for form in page.forms if form.action.endswith("/kontak")]
    assert stage.santi.get("/direktori/none").status == 404


def test_a_restricted_phone_opens_to_whose_referral_was_accepted_and_is_recorded(stage, shelter, owner_engine, entries):
    refused = stage.sari.browser.post(f"/direktori/{shelter}/kontak", {"act_id": "11111111-2222-4333-8444-555555555555"})
    assert refused.status in {403, 404}
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("directory.reveal_contact", "deny")
    stage.accepted()
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE agency SET disclosure = 'shelter' WHERE code = 'lbh'"))
    stage.clock.move(seconds=1)
    page = keeps_rules(stage.sari.get("/direktori/lbh"))
    assert "0812" not in page.html
    page = keeps_rules(stage.sari.send("/kontak$"))
    assert "08120000000" in page.text
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("directory.reveal_contact", "allow")
    assert stage.santi.get(f"/direktori/{shelter}").status == 200


def test_hours_and_capacity_carry_their_age(stage, owner_engine, clock):
    with owner_engine.begin() as connection:
        connection.execute(
            text("UPDATE agency_service SET capacity = 'limited', capacity_as_of = :at, bring = ARRAY['referral_letter'] WHERE code = 'legal_consult'"), {"at": clock.now() - timedelta(days=8, hours=-8)}
        )
    page = keeps_rules(stage.sari.get("/direktori/lbh"))
    assert "Belum diketahui (terakhir 16 Nov 2026)" in page.text
    assert "Buka lagi 08.00 WIB" in page.text
    assert "Dibawa: " in page.text


def test_what_does_not_fit_stays_in_sight_at_the_end_with_its_reason(stage, shelter, owner_engine):
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE agency_service SET sex = '{P}', age_min = 18 WHERE code = 'temporary_shelter'"))
        connection.execute(text("UPDATE agency SET coverage = '{81}' WHERE code = 'lbh'"))
    page = keeps_rules(stage.sari.get("/direktori?wilayah=32.73&sex=L&age=6_12&language=sign"))
    assert "Bukan untuk jenis kelamin ini, Bukan untuk umur ini, Belum melayani bahasa ini" in main_text(page)
    assert "Di luar wilayah layanan" in main_text(page)
    assert len(re.findall(r'class="item dim"', page.html)) == len(re.findall(r'class="item', page.html)) == 2
    assert "Belum ada layanan yang cocok." in page.text
    assert 'value="6_12" selected' in page.html
    page = keeps_rules(stage.sari.get("/direktori?wilayah=32.73&sex=P&age=25_44"))
    assert len(re.findall(r'class="item dim"', page.html)) == 1


def test_the_directory_comes_page_by_page(stage, monkeypatch):
    monkeypatch.setattr("referral_hub.web.directory.CARDS", 1)
    stage.network.agency("klinik", "psychosocial", roles=("psychologist",), services=("mental_health",))
    stage.session.execute(text("UPDATE agency SET state = 'active'"))
    stage.session.commit()
    first = keeps_rules(stage.sari.get("/direktori?wilayah="))
    (onward,) = {link for link in first.links if "setelah=" in link}
    second = keeps_rules(stage.sari.get(onward.replace("&amp;", "&")))
    shown = [{link for link in page.links if re.fullmatch(r"/direktori/[\w-]+", link)} for page in (first, second)]
    assert shown[0] | shown[1] == {"/direktori/lbh", "/direktori/klinik"}
    assert not shown[0] & shown[1]
    assert not [link for link in second.links if "setelah=" in link]
