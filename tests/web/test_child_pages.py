"""Consent of a child in pages: guardian and child on one page, and two people where no guardian can be asked."""

from referral_hub.cases import actions as cases
from tests.referrals.story import PROFILE

VIEW = "Ingin sekolah lagi."


def child(stage, *, suspect=False):
    """A child's draft, the story and the path of its consent page."""
    story = stage.story()
    case = story.open_file(profile=PROFILE | {"age_band": "6_12"}, identity={"full_name": "Bunga Contoh", "birth_date": "2017-03-15"})
    guardian = {
        "guardian_informed": "no_unsafe" if suspect else "yes", "guardian_is_suspect": suspect, "best_interest": "Contoh.",
        "guardian_relation": "mother",
    }  # fmt: skip
    known = {"user": [str(story.sari.id), str(story.santi.id)]}
    if suspect:
        guardian["bi_decided_by"] = known["user"]
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="child_guardian", values=guardian, version=0, known=known)
    story.draft(case=case)
    return story, case, f"/rujukan/{stage.number(story)}/draf/persetujuan"


def answered(stage, path, **said):
    """Send the answer twice: the first page comes back with the text that holds what was written."""
    page = stage.sari.get(f"{path}?contact=yes&sections=identity&sections=safe_contact&sections=needs&given_by={said.get('given_by', 'guardian')}")
    answer = {"answer": "yes", "language": "id", "method": "written", "copy_given": "given", "assent": "yes", "child_view": VIEW} | said
    for _ in range(2):
        form = next(f for f in page.forms if f.action.endswith("draf/persetujuan") and "act_id" in dict(f.fields))
        page = stage.sari.browser.post(form.action, form.filled(**answer))
    return page


def test_the_page_reads_to_the_child_in_simple_words_and_keeps_the_view_out_of_the_address(stage):
    _, _, path = child(stage)
    page = stage.sari.get(f"{path}?sections=identity")
    assert "Aku boleh bilang tidak, bertanya, atau minta ditemani." in page.text
    assert "child_view" not in [name for form in page.forms if "act_id" not in dict(form.fields) for name, _ in form.fields]


def test_the_text_comes_back_with_what_the_child_said_and_is_saved_then(stage):
    story, _, path = child(stage)
    page = stage.sari.get(f"{path}?contact=yes&sections=identity&sections=safe_contact&sections=needs")
    form = next(f for f in page.forms if f.action.endswith("draf/persetujuan") and "act_id" in dict(f.fields))
    page = stage.sari.browser.post(
        form.action, form.filled(answer="yes", language="id", method="written", copy_given="given", assent="yes", child_view=VIEW)
    )
    assert page.status == 422
    assert f"Pendapat anak telah ditanyakan dan dicatat: {VIEW}." in page.text
    assert story.row().consent_id is None
    answered(stage, path)
    assert story.row().consent_id is not None


def test_a_childs_no_stands(stage):
    story, _, path = child(stage)
    page = answered(stage, path, assent="no")
    assert page.status == 422
    assert "Jawaban anak adalah tidak, dan itu berlaku." in page.text
    assert story.row().consent_id is None


def test_a_suspect_guardian_cannot_consent_and_two_people_sign(stage, entries):
    story, case, path = child(stage, suspect=True)
    page = answered(stage, path)
    assert "Pengasuh terduga tidak dapat menyetujui" in page.text
    assert story.row().consent_id is None
    answered(stage, path, given_by="institution", reason="Pengasuh terlibat.", weighed="Rumah aman atau kerabat.")
    assert story.row().consent_id is not None
    consent = f"/kasus/{case.alias}/persetujuan"
    assert "Menunggu penanda tangan kedua" in stage.sari.get(consent).text
    sign = f"{consent}/{story.row().consent_id}/tanda-tangan"
    page = stage.sari.get(sign)
    assert "Pengasuh terlibat." in page.text
    assert "Orang kedua menandatangani dalam sesinya sendiri." in page.text
    stage.uptd.admit_second("case_lead")
    lead = stage.uptd.second
    assert "Ingin sekolah lagi." in lead.get(sign).text
    assert entries(1)[0].action == "case.read"
    lead.send("tanda-tangan$")
    assert entries(1)[0].action == "case.list"
    assert [e.action for e in entries(2)][1] == "consent.best_interest"
    assert "Ditinjau paling lambat" in lead.get(consent).text
