"""Step 3: who can help this survivor. What does not fit stands greyed with its reason; what is asked about her stands in no address."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from referral_hub.cases import actions as cases_actions
from referral_hub.web.files import service_token
from tests.referrals.story import IDENTITY, PROFILE
from tests.web.stage import keeps_rules, main_text


@pytest.fixture
def shelters(stage, owner_engine):
    """A shelter for grown women only, one for everybody, one that is closed for the time being."""
    for code in ("dewasa", "semua", "tutup"):
        stage.network.agency(code, "shelter", roles=("shelter_manager",), services=("temporary_shelter",))
    with owner_engine.begin() as connection:
        for code, change in (
            ("dewasa", "age_min = 18, sex = '{P}', capacity = 'none', capacity_as_of = now_"), ("semua", "hours = 'always', bring = '{ktp_kk}'"), ("tutup", "closed = true"),
        ):  # fmt: skip
            connection.execute(
                text(f"UPDATE agency_service s SET {change.replace('now_', ':now')} FROM agency a WHERE a.id = s.agency_id AND a.code = :code"),
                {"code": code, "now": stage.clock.now()} if ":now" in change.replace("now_", ":now") else {"code": code},
            )
        connection.execute(text("UPDATE agency SET state = 'active'"))


def cards(page):
    """Each card as (is it greyed, its words, may it be chosen)."""
    found = re.findall(r'<li class="card( dim)?">(.*?)</li>', page.html, re.DOTALL)
    return {
        re.search(r"Lembaga (\w+)", body).group(1): (bool(dim), " ".join(re.sub(r"<[^>]+>", " ", body).split()), "<form" in body) for dim, body in found
    }


def address(case=None):
    return f"/rujukan/baru/penerima?layanan={service_token('temporary_shelter')}&urgensi=normal" + (f"&kasus={case.alias}" if case else "")


def a_file(stage, *, child=False):
    story = stage.story()
    grown = {"profile": PROFILE, "identity": IDENTITY}
    young = {"profile": PROFILE | {"age_band": "6_12"}, "identity": {"full_name": "Bunga Contoh", "birth_date": "2017-03-15"}}
    return story.open_file(**(young if child else grown))


def test_unfit_ones_are_greyed_with_the_reason_and_cannot_be_chosen(stage, shelters, entries):
    page = keeps_rules(stage.sari.get(address(a_file(stage))))
    found = cards(page)
    assert found["semua"][0] is False
    assert found["semua"][2] is True
    assert "Dibawa: KTP / KK / akta lahir" in found["semua"][1]
    assert found["tutup"] == (True, found["tutup"][1], False)
    assert "Tutup sementara" in found["tutup"][1]
    assert found["dewasa"][0] is True
    assert found["dewasa"][2] is True, "full and closed at this hour: to look at twice, not to refuse"
    assert "Saat ini tidak ada tempat" in found["dewasa"][1]
    assert "Buka lagi" in found["dewasa"][1]
    last, before = entries(2)
    assert (last.action, last.hits, last.outcome) == ("directory.find", 3, "allow")
    assert before.action == "case.edit", "one page, one entry"


def test_a_childs_file_greys_the_shelter_for_grown_people(stage, shelters):
    page = keeps_rules(stage.sari.get(address(a_file(stage, child=True))))
    found = cards(page)
    assert found["dewasa"][0] is True
    assert found["dewasa"][2] is False
    assert "Bukan untuk umur ini" in found["dewasa"][1]
    assert found["semua"][2] is True
    assert "Berkas ini milik anak" in page.text


def test_what_is_asked_about_her_travels_in_the_body_and_stays_on_the_page(stage, shelters, entries):
    stage.sari.get(address(a_file(stage)))
    page = keeps_rules(stage.sari.send("/penerima$", sex="L", age="25_44", language=["sign"], open_now="yes"))
    found = cards(page)
    assert found["semua"] == (True, found["semua"][1], False)
    assert "Belum melayani bahasa ini" in found["semua"][1]
    assert "Bukan untuk jenis kelamin ini" in found["dewasa"][1]
    assert "Sedang tutup" in found["dewasa"][1]
    assert 'value="L" checked' in page.html
    assert page.response.request.path == "/rujukan/baru/penerima"
    assert page.response.request.query_string == b""
    assert (entries(1)[0].action, entries(1)[0].hits) == ("directory.find", 3)


def test_pages_go_on_by_a_form_and_skip_nobody(stage, shelters, monkeypatch):
    monkeypatch.setattr("referral_hub.directory.rules.PAGE", 1)
    page, seen = stage.sari.get(address(a_file(stage))), []
    while True:
        seen += cards(page)
        onward = re.search(r'name="setelah" value="([^"]+)"', page.html)
        if onward is None:
            break
        page = keeps_rules(stage.sari.send("/penerima$", setelah=onward.group(1)))
    assert sorted(seen) == ["dewasa", "semua", "tutup"]


def test_old_capacity_is_not_known_and_says_since_when(stage, shelters, owner_engine):
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE agency_service SET capacity = 'none', capacity_as_of = :at"), {"at": stage.clock.now() - timedelta(days=8)})
    found = cards(stage.sari.get(address()))
    assert all("Belum diketahui (terakhir" in words for _, words, _ in found.values())
    assert not any("Saat ini tidak ada tempat" in words for _, words, _ in found.values())


def test_the_send_form_says_what_to_bring_and_how_much_room_there_is(stage, owner_engine):
    story = stage.story()
    story.draft()
    with owner_engine.begin() as connection:
        connection.execute(
            text("UPDATE agency_service SET bring = '{ktp_kk}', capacity = 'none', capacity_as_of = :at WHERE code = 'legal_consult'"), {"at": stage.clock.now()}
        )
    page = keeps_rules(stage.sari.get(f"/rujukan/{stage.number(story)}/draf/periksa"))
    assert "KTP / KK / akta lahir" in main_text(page)
    assert "Saat ini tidak ada tempat" in main_text(page)


def blocking(story, case, **named):
    story.at(story.sari).do(
        cases_actions.edit_section, case_id=case.id, section="safety", values={"blocked_people": "mantan majikan"} | named, version=1,
        only=("blocked_people", "blocked_agencies", "blocked_kinds"),
    )  # fmt: skip


@pytest.mark.parametrize("named", [{"blocked_agencies": ["semua"]}, {"blocked_kinds": ["shelter"]}])
def test_whom_she_asked_not_to_choose_is_marked_after_an_opening(stage, shelters, entries, named):
    story = stage.story()
    case = story.open_file()
    blocking(story, case, **named)
    page = keeps_rules(stage.sari.get(address(case)))
    assert "Diminta penyintas" not in page.text
    assert cards(page)["semua"][2] is True
    page = keeps_rules(stage.sari.send("/tidak-dipilih$"))
    greyed, words, can_choose = cards(page)["semua"]
    assert (greyed, can_choose) == (True, False)
    assert "Diminta penyintas untuk tidak dipilih" in words
    assert cards(page)["dewasa"][2] is ("blocked_agencies" in named)
    assert "majikan" not in page.html
    assert [(e.action, e.sections) for e in entries(1)] == [("case.read", ("safety",))]
    page = keeps_rules(stage.sari.send("/tidak-dipilih$", age="6_12"))
    assert "Bukan untuk umur ini" in cards(page)["dewasa"][1] or "Diminta penyintas" in cards(page)["dewasa"][1]
    assert "Diminta penyintas untuk tidak dipilih" in cards(page)["semua"][1]


def test_where_she_named_none_the_page_says_so(stage, shelters):
    stage.sari.get(address(a_file(stage)))
    page = keeps_rules(stage.sari.send("/tidak-dipilih$"))
    assert "Tidak ada di daftar ini yang diminta penyintas untuk tidak dipilih" in page.text
    assert "Diminta penyintas untuk" not in " ".join(words for _, words, _ in cards(page).values())


def test_only_whoever_may_open_her_file_is_offered_the_marks(stage, shelters, entries):
    case = a_file(stage)
    assert "/tidak-dipilih" not in stage.sari.get(address()).html
    stage.uptd.admit_second("case_lead")
    lead = stage.uptd.second
    assert "/tidak-dipilih" not in lead.get(address(case)).html  # sees the file in lists, is not assigned to it
    data = {"layanan": service_token("temporary_shelter"), "kasus": case.alias}
    assert lead.browser.post("/rujukan/baru/penerima/tidak-dipilih", data).status == 404
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("case.read", "deny")


def test_the_last_look_says_that_she_asked_for_nothing_to_reach_the_recipient(stage):
    story = stage.story()
    case = story.open_file()
    story.draft(case=case)
    story.agree()
    path = f"/rujukan/{stage.number(story)}/draf/periksa"
    assert "Penyintas meminta agar tidak ada yang sampai" not in stage.sari.get(path).text
    blocking(story, case, blocked_agencies=["lbh"])
    page = keeps_rules(stage.sari.get(path))
    assert "Penyintas meminta agar tidak ada yang sampai ke lembaga ini" in page.text
    stage.sari.send("/kirim$", read_block="yes", confirm_recipient="lbh")
    assert story.row().state == "draft"


def test_a_case_is_handed_over_from_the_pages_with_the_consent_for_it(stage, shelters):
    case = a_file(stage)
    page = keeps_rules(stage.sari.get(f"/rujukan/baru?kasus={case.alias}"))
    assert re.search(r'name="jenis" value="referral"[^>]* checked', page.html)
    assert "Pelimpahan kasus" in main_text(page)
    page = keeps_rules(stage.sari.get(address(case) + "&jenis=transfer"))
    card = re.search(r'<li class="card">(?:(?!</li>).)*Lembaga semua.*?</li>', page.html, re.DOTALL).group()
    form = next(f for f in page.forms if dict(f.fields).get("penerima") and dict(f.fields)["penerima"] in card)
    page = keeps_rules(stage.sari.browser.post(form.action, form.filled()))
    number = re.search(r"RJ-[0-9A-Z]{4}-[0-9A-Z]{4}", page.html).group()
    page = keeps_rules(stage.sari.get(f"/rujukan/{number}/draf/persetujuan?sections=identity"))
    assert "Saya setuju penanganan kasus saya beralih dari" in main_text(page)
