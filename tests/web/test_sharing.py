"""Step 4 in pages: what is usual, what may be added with a reason, and what no form can bring in."""

import re
from uuid import uuid4

import pytest

from referral_hub.cases import actions as cases
from tests.referrals.story import SECTIONS
from tests.web.stage import filled_buttons, keeps_rules

REASON = "Hakim meminta riwayat penyakit."
USUAL = ["identity.full_name", "safe_contact.method", "safe_contact.must_not_know", "needs.wishes"]


@pytest.fixture
def draft(stage):
    """A draft to legal aid whose survivor's file holds a health section; the story and the address of step 4."""
    story = stage.story()
    case = story.open_file()
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="medical", values={"injuries": "Memar di lengan."}, version=0)
    story.draft(case=case)
    return story, f"/rujukan/{stage.number(story)}/draf/isi"


def saved(story):
    """What the draft holds of the choice, as the sender opens it."""
    content = story.at(story.sari).read("draft", parts=("choice",))
    return {part.code: dict(part.fields) for part in content.sections}["choice"]


def test_what_is_not_usual_stands_folded_with_why(stage, draft):
    _, path = draft
    page = keeps_rules(stage.sari.get(path))
    assert filled_buttons(page) == 1
    assert re.search(r'<details class="fold">\s*<summary>Tidak dibagikan: \d+ isian dari \d+ bagian', page.html)
    assert "Jenis lembaga ini memintanya bila diperlukan." in page.text  # medical, for legal aid
    assert 'value="medical.injuries"' in page.html
    assert 'value="consent.restrictions"' not in page.html
    assert "Memar" not in page.html


def test_more_is_kept_with_its_reason_and_the_text_names_it(stage, draft, entries):
    story, path = draft
    stage.sari.get(path)
    page = stage.sari.send("draf/isi$", fields=[*USUAL, "profile.disability", "medical.injuries"], reason=REASON)
    assert page.status == 200
    assert [e.action for e in entries(2)] == ["section.read", "referral.edit"]
    assert "Kesehatan" in page.text
    assert "Profil samaran (termasuk: Disabilitas)" in page.text
    assert saved(story)["further"] == {"profile": ["disability"], "medical": ["injuries"]}
    assert saved(story)["reason"] == REASON
    page = stage.sari.get(path)
    assert REASON in page.text  # nothing is lost
    assert re.search(r'<details class="fold" open>\s*<summary>Tidak dibagikan', page.html)


def test_more_without_a_reason_comes_back_with_everything_ticked(stage, draft, entries):
    story, path = draft
    stage.sari.get(path)
    page = keeps_rules(stage.sari.send("draf/isi$", fields=["identity.full_name", "medical.injuries"], reason=""))
    assert page.status == 422
    refused = entries(1)[0]
    assert (refused.action, refused.outcome, refused.reason) == ("referral.edit", "deny", "beyond_matrix")
    assert 'value="medical.injuries" checked' in page.html
    assert 'value="identity.nik" checked' not in page.html
    assert "Melebihi data minimum tanpa alasan" in page.text
    assert story.row().version == 1


def test_the_whole_way_to_the_recipient(stage, draft, entries):
    story, path = draft
    sari, santi = stage.sari, stage.santi
    sari.get(path)
    page = sari.send("draf/isi$", fields=[*USUAL, "medical.injuries"], reason=REASON)
    form = next(f for f in page.forms if f.action.endswith("draf/persetujuan") and "act_id" in dict(f.fields))
    sari.browser.post(form.action, form.filled(answer="yes", language="id", method="written", copy_given="given"))
    sari.get(path.replace("/draf/isi", "/draf/periksa"))
    page = sari.send("/kirim$", read_block="yes", confirm_recipient="lbh")
    sent = next(e for e in entries(3) if e.action == "referral.send")
    assert (sent.outcome, sent.fields) == ("allow", ("medical.injuries",))
    number = stage.number(story)
    assert "Lebih dari biasanya: Kesehatan: Keluhan / luka." in page.text
    assert REASON not in page.html
    page = keeps_rules(sari.get(next(link for link in page.links if link.endswith("/alasan"))))
    assert REASON in page.text
    assert [(e.action, e.outcome, e.sections) for e in entries(1)] == [("section.read", "allow", ())]
    assert santi.get(f"/rujukan/{number}/alasan").status == 403
    santi.get(f"/rujukan/{number}")
    santi.send("/buka$")
    santi.send("/terima$")
    page = santi.get(f"/rujukan/{number}/bagian/medical")
    assert "Memar di lengan." in page.text
    assert REASON not in page.html
    assert "/alasan" not in santi.get(f"/rujukan/{number}").html
    assert santi.get(f"/rujukan/{number}/alasan").status == 404
    assert REASON not in santi.get(f"/rujukan/{number}/bagian/consent").html


def test_whoever_signs_second_reads_why_before_it_is_sent(stage, draft, entries):
    story, path = draft
    sari, check = stage.sari, path.replace("/draf/isi", "/draf/periksa")
    sari.get(path)
    sari.send("draf/isi$", fields=USUAL, reason="")
    story.agree(sections=(*SECTIONS, "medical"))
    assert "Lebih dari biasanya" not in sari.get(check).text
    story.at(story.sari).on("edit_draft", choice={"identity": ["full_name"], "medical": ["injuries"]}, reason=REASON)
    stage.uptd.admit_second("case_lead")
    lead = stage.uptd.second
    assert lead.get(check).status == 404  # not before it is submitted
    story.at(story.sari).on("submit")
    page = keeps_rules(lead.get(check))
    assert "Kesehatan: Keluhan / luka" in page.text
    assert REASON in page.text
    assert [e.action for e in entries(1)] == ["section.safe_contact_read"]


def test_where_no_more_than_usual_was_sent_there_is_no_why(stage):
    _, number = stage.sent()
    assert "/alasan" not in stage.sari.get(f"/rujukan/{number}").html
    assert stage.sari.get(f"/rujukan/{number}/alasan").status == 404


def test_a_consent_given_before_is_asked_again(stage, draft):
    story, path = draft
    stage.sari.get(path)
    stage.sari.send("draf/isi$", fields=USUAL)
    story.agree()
    stage.sari.get(path)
    page = stage.sari.send("draf/isi$", fields=[*USUAL, "profile.disability"], reason=REASON)
    assert "Yang dibagikan berubah. Tanyakan lagi untuk bagian: Profil samaran." in page.text
    stage.sari.get(path.replace("/draf/isi", "/draf/periksa"))
    page = stage.sari.send("/kirim$", read_block="yes", confirm_recipient="lbh")
    assert page.status == 422
    assert "Persetujuan tidak mencakup bagian ini" in page.text
    assert story.row().state == "draft"


NEVER = ("legal.lp_no.x", "soul.body", "identity", ".", "identity.", "consent.restrictions", "consent.method", "choice.reason", "preview.sex", "identity.address_now")


@pytest.mark.parametrize("name", NEVER)
def test_no_form_brings_in_what_is_never_given(stage, draft, entries, name):
    story, path = draft
    stage.sari.get(path)
    page = stage.sari.send("draf/isi$", fields=["identity.full_name", name], reason=REASON)
    assert page.status == 422
    assert entries(1)[0].outcome == "deny"
    assert "choice" not in story.at(story.sari).ask("draft", referral_id=story.id).parts


def test_a_field_named_twice_is_one_field(stage, draft):
    story, path = draft
    stage.sari.get(path)
    stage.sari.send("draf/isi$", fields=["identity.full_name"] * 3 + ["medical.injuries"] * 2, reason=REASON)
    assert (saved(story)["fields"], saved(story)["further"]) == ({"identity": ["full_name"]}, {"medical": ["injuries"]})


def test_nobody_writes_into_another_agencys_draft(stage, draft, entries):
    story, path = draft
    page = stage.santi.browser.post(path, {"act_id": str(uuid4()), "version": "1", "fields": ["medical.injuries"], "reason": REASON})
    assert page.status == 404
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("referral.edit", "deny")
    assert "choice" not in story.at(story.sari).ask("draft", referral_id=story.id).parts


@pytest.mark.parametrize(("version", "act"), [("0", True), ("7", True), ("x", True), ("1", False)])
def test_a_stale_or_half_form_changes_nothing(stage, draft, version, act):
    story, path = draft
    before = story.row().version
    data = {"version": version, "fields": ["medical.injuries"], "reason": REASON} | ({"act_id": str(uuid4())} if act else {})
    assert stage.sari.browser.post(path, data).status in {409, 422}
    assert story.row().version == before


def test_a_sent_referral_takes_no_more(stage):
    story, number = stage.sent()
    data = {"act_id": str(uuid4()), "version": str(story.row().version), "fields": ["medical.injuries"], "reason": REASON}
    assert stage.sari.browser.post(f"/rujukan/{number}/draf/isi", data).status in {404, 409}
    assert story.row().state == "requested"
