"""Without consent, in pages: a page of its own, two people, the work lists, the review; and what a raw request cannot do."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from referral_hub.cases import actions as cases
from referral_hub.db import transact
from referral_hub.directory import queries as directory
from tests.web.stage import filled_buttons, keeps_rules

FACTS = "Wajib dilaporkan dalam tiga hari."
WHY_NOT = "Terlapor memegang ponselnya."
HARM = {"violence_types": ["sexual.rape"], "summary": "Tadi malam."}


@pytest.fixture
def unit(stage, network):
    """A police unit that takes reports."""
    unit = network.agency("unit-ppa", "police", roles=("police_investigator",), services=("police_report",))
    unit.id = directory.agency(stage.session, unit.code).id
    transact(stage.session, lambda s: s.execute(text("UPDATE agency SET state = 'active' WHERE state = 'founding'")))
    return unit


@pytest.fixture
def draft(stage, unit):
    story = stage.story()
    case = story.open_file()
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="incident", values=HARM, version=0)
    story.draft(case=case, service="police_report", to=unit)
    stage.uptd.admit_second("case_lead")
    return story, case, f"/rujukan/{stage.number(story)}/draf"


def filled(**changes):
    return {"ground": "report_sexual_violence", "sections": ["identity", "incident"], "facts": FACTS, "told": "no", "why_not": WHY_NOT} | changes


def test_the_way_there_is_folded_and_only_where_a_ground_fits(stage, draft):
    _, _, path = draft
    page = keeps_rules(stage.sari.get(f"{path}/persetujuan?sections=identity"))
    assert "Tidak mungkin meminta persetujuan?" in page.text
    assert filled_buttons(page) == 1
    page = keeps_rules(stage.sari.get(f"{path}/tanpa-persetujuan"))
    assert "Kewajiban melapor" in page.text
    assert "UU 12/2022 art. 41" in page.text
    assert "Perintah pengadilan" in page.text
    assert "Nyawa terancam" not in page.text
    assert filled_buttons(page) == 1
    story = stage.story()
    story.draft()
    other = f"/rujukan/{stage.number(story)}/draf"
    assert "Tidak mungkin meminta persetujuan?" not in stage.sari.get(f"{other}/persetujuan?sections=identity").text
    assert stage.sari.get(f"{other}/tanpa-persetujuan").heading == "Persetujuan"


def test_two_sign_and_it_is_reviewed(stage, draft, entries):
    story, case, path = draft
    stage.sari.get(f"{path}/tanpa-persetujuan")
    page = stage.sari.send("tanpa-persetujuan$", **filled())
    assert "Menunggu penanda tangan kedua" in page.text
    recorded = next(e for e in entries(2) if e.action == "consent.without")
    assert (recorded.outcome, recorded.legal_basis) == ("allow", "legal_obligation")

    lead = stage.uptd.second
    page = keeps_rules(lead.get("/tugas"))
    assert "menunggu tanda tangan kedua" in page.text
    assert case.alias in page.text
    sign = next(link for link in page.links if link.endswith("/tanda-tangan"))
    assert sign not in stage.sari.get("/tugas").links
    page = keeps_rules(lead.get(sign))
    assert [e.action for e in entries(1)] == ["case.read"]
    for said in (FACTS, WHY_NOT, "Kewajiban melapor", "UU 12/2022 art. 41"):
        assert said in page.text
    page = lead.send("tanda-tangan$")
    assert "Ditinjau paling lambat" in page.text
    assert "perlu ditinjau" in lead.get("/tugas").text

    page = keeps_rules(lead.get(sign))
    page = lead.send("/tinjau$", stands="yes", note="")
    assert page.status == 422
    page = lead.send("/tinjau$", stands="yes", note="Laporan diterima unit.")
    assert "consent.review" in [e.action for e in entries(2)]
    assert "Ditinjau" in page.text
    assert sign not in lead.get("/tugas").links
    assert "Laporan diterima unit." in lead.get(sign).text
    officer = stage.keyless(stage.uptd, "data_protection_officer")
    told = keeps_rules(officer.get(f"/subjek/{case.alias}")).text
    assert "Pengungkapan tanpa persetujuan (Kewajiban hukum: UU 12/2022 art. 41)" in told
    assert FACTS not in told
    assert "Tarik persetujuan" not in stage.sari.get(f"/kasus/{case.alias}/persetujuan").text
    assert story.row().state == "draft"


def test_the_officer_sees_it_at_once_without_the_law_or_the_reasons(stage, draft, entries):
    _, case, path = draft
    stage.sari.get(f"{path}/tanpa-persetujuan")
    stage.sari.send("tanpa-persetujuan$", **filled())
    officer = stage.keyless(stage.uptd, "data_protection_officer")
    page = keeps_rules(officer.get("/tugas"))
    assert "Diungkapkan tanpa persetujuan" in page.text
    assert case.alias in page.text
    assert "Kewajiban hukum" in page.text
    assert not any(word in page.html for word in (FACTS, WHY_NOT, "art. 41", "tanda-tangan"))
    assert (entries(1)[0].action, entries(1)[0].count) == ("audit.read", 1)
    elsewhere = stage.keyless(stage.lbh, "data_protection_officer")
    assert case.alias not in elsewhere.get("/tugas").text


def test_what_is_missing_comes_back_with_what_was_typed(stage, draft, entries):
    story, _, path = draft
    stage.sari.get(f"{path}/tanpa-persetujuan")
    page = keeps_rules(stage.sari.send("tanpa-persetujuan$", **filled(ground="court_order", sections=["identity"], told=[])))
    assert page.status == 422
    assert FACTS in page.text
    assert "#f-law_article" in page.links
    assert "#f-told" in page.links
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("consent.without", "deny")
    assert story.row().consent_id is None


def raw(person, path, data, *, version="1"):
    return person.browser.post(f"{path}/tanpa-persetujuan", {"act_id": str(uuid4()), "version": version} | data)


@pytest.mark.parametrize("changes", [{"ground": ""}, {"ground": "life_in_danger"}, {"sections": ["identity", "medical"]}, {"sections": ["soul"]}, {"ground": "court_order", "law_article": " "}])
def test_no_raw_form_goes_round_the_ground(stage, draft, entries, changes):
    story, _, path = draft
    assert raw(stage.sari, path, filled(**changes)).status == 422
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("consent.without", "deny")
    assert story.row().consent_id is None


def test_a_role_without_the_ability_and_another_agency_are_refused(stage, draft, entries):
    story, _, path = draft
    before = story.row().version
    for person, status in ((stage.keyless(stage.uptd, "agency_head"), {403, 404}), (stage.santi, {404})):
        assert raw(person, path, filled()).status in status
        entry = entries(1)[0]
        assert (entry.action, entry.outcome) == ("consent.without", "deny")
    assert story.row().version == before


def test_the_same_person_signs_once(stage, draft, entries):
    story, case, path = draft
    raw(stage.sari, path, filled())
    sign = f"/kasus/{case.alias}/persetujuan/{story.row().consent_id}/tanda-tangan"
    assert stage.sari.browser.post(sign, {"act_id": str(uuid4())}).status == 422
    assert (entries(1)[0].action, entries(1)[0].reason) == ("consent.without", "second_signer_needed")
