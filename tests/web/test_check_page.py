"""Check and send: texts that may tell who she is are named by field, corrected or sent knowingly; the second signer gets there unassigned."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr

import pytest

from tests.referrals.story import NEEDS
from tests.web.stage import filled_buttons, keeps_rules, main_text

TELLING = NEEDS | {"wishes": "Melati ingin dihubungi di 0812-0000-0000"}
READY = {"read_block": "yes", "called": "yes", "confirm_recipient": "lbh"}


@pytest.fixture
def telling(stage):
    story = stage.story()
    story.draft(needs=TELLING)
    story.agree()
    return story, f"/rujukan/{stage.number(story)}/draf/periksa"


def test_the_field_is_named_and_never_what_stands_in_it(stage, telling, entries):
    _, path = telling
    written = io.StringIO()
    with redirect_stderr(written):
        page = keeps_rules(stage.sari.get(path))
    text = main_text(page)
    assert "1 teks mungkin membuka siapa penyintas" in text
    assert "Kebutuhan" in text
    assert "Tampaknya ada nomor telepon di sini" in text
    assert path.replace("periksa", "kebutuhan") in page.links
    assert "Melati" not in page.html
    assert "0812" not in page.html + written.getvalue()
    entry = entries(1)[0]
    assert (entry.action, entry.fields) == ("section.safe_contact_read", ())
    assert "identity" in entry.sections
    assert "0812" not in json.dumps(entry, default=str)


def test_it_is_not_sent_unseen_and_the_tick_sends_it(stage, telling):
    story, path = telling
    stage.sari.get(path)
    page = keeps_rules(stage.sari.send("/kirim$", **READY))
    assert page.status == 422
    assert "Mohon lihat teks yang disebut di bawah" in page.text
    assert 'name="read_block" id="f-read_block" value="yes" checked' in page.html, "what was ticked stays"
    assert story.row().state == "draft"
    assert stage.sari.send("/kirim$", go_on="yes", **READY).status == 200
    assert story.row().state == "requested"


def test_a_text_that_changed_meanwhile_is_looked_at_anew(stage, telling):
    story, path = telling
    form = stage.sari.get(path).form("/kirim$")
    story.at(story.sari).on("edit_draft", parts={"meta": {"purpose": "Melati perlu pendamping"}, "needs": TELLING})
    data = form.filled(go_on="yes", **READY) | {"version": [str(story.version())]}
    page = keeps_rules(stage.sari.browser.post(form.action, data))
    assert page.status == 422
    assert "2 teks mungkin membuka" in page.text
    assert story.row().state == "draft"


def test_corrected_nothing_is_said_any_more(stage, telling):
    story, path = telling
    story.at(story.sari).on("edit_draft", parts={"needs": NEEDS})
    page = keeps_rules(stage.sari.get(path))
    assert "mungkin membuka" not in page.text
    assert 'name="go_on"' not in page.html
    assert stage.sari.send("/kirim$", **READY).status == 200
    assert story.row().state == "requested"


def test_the_supervisor_signs_without_being_assigned_and_sees_what_she_must(stage, telling, entries):
    story, path = telling
    stage.session.connection().exec_driver_sql("UPDATE case_file SET second_person_needed = true")
    stage.session.commit()
    stage.uptd.admit_second("case_lead")
    lead = stage.uptd.second
    lead.sign_in()
    assert lead.get(path).status == 404, "not before it was submitted"
    stage.sari.sign_in()
    stage.sari.get(path)
    stage.sari.send("/langkah/submit$")
    lead.sign_in()
    page = lead.get("/tugas")
    assert path in page.links, "the line leads to what is to be signed"
    assert "Draf untuk ditandatangani: Penyintas" in page.text
    page = keeps_rules(lead.get(path))
    assert page.status == 200
    assert filled_buttons(page) == 1
    assert "majikan" in page.text
    assert "kembalikan dengan catatan" in page.text
    assert f"{path.replace('periksa', 'kebutuhan')}" not in [link for link in page.links if "bagian" in link]
    entry = entries(1)[0]
    assert (entry.basis, entry.rule_ids) == ("supervisor", ("supervisor-looks",))
    lead.send("/kirim$", go_on="yes", **READY)
    assert story.row().state == "requested"


def test_the_author_is_told_who_sent_it_back_and_reads_the_note(stage, telling, entries):
    story, path = telling
    stage.uptd.admit_second("case_lead")
    lead = stage.uptd.second
    story.at(stage.hand(stage.sari)).on("submit")
    lead.sign_in()
    lead.get(path)
    reason = lead.page.html.partition('name="send_back-event_reason" value="')[2].partition('"')[0]
    assert lead.send("/langkah/send_back$", **{"send_back-event_reason": reason, "send_back-note": "Tulis dulu jam amannya."}).status == 200
    code = stage.hand(lead).actor.code
    stage.sari.sign_in()
    assert "dikembalikan kepada Anda" in stage.sari.get("/tugas").text
    page = keeps_rules(stage.sari.get(path.replace("periksa", "").rstrip("/")))
    assert f"{code} mengembalikan draf ini" in page.text
    assert "Tulis dulu" not in page.html
    page = keeps_rules(stage.sari.get(path.replace("periksa", "dikembalikan")))
    assert "Tulis dulu jam amannya." in page.text
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("section.read", "allow")
    assert stage.santi.get(path.replace("periksa", "dikembalikan")).status == 404
