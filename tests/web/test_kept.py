"""A session that ended while typing: what was typed comes back after signing in, on every form of files, drafts, events and messages."""

from __future__ import annotations

import html
import io
import re
from contextlib import redirect_stderr

import pytest

from referral_hub import protocol
from referral_hub.gate import kept
from tests.referrals.story import NEEDS

ROOMS = {"cases", "case_acts", "drafts", "consents", "second_signer", "referrals", "copies", "without", "asking_again", "further_steps", "subject"}
TYPED = [("act_id", "11111111-2222-4333-8444-555555555555"), ("version", "7"), ("needs.wishes", 'Baris satu\r\nbaris dua <dan> "tiga"'), ("fields", "profile.sex"), ("fields", "needs.wishes"), ("note", "  tepi  ")]
WORD = "Baris satu"


def posts(app):
    """Every address that these rooms take forms at, filled with something."""
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods and rule.endpoint.partition(".")[0] in ROOMS:
            values = {name: {"uuid": "11111111-2222-4333-8444-555555555555"}.get(rule._converters[name].__class__.__name__.removesuffix("Converter").lower(), "x") for name in rule.arguments}
            with app.test_request_context():
                yield rule.endpoint, app.url_map.bind("hub.test").build(rule.endpoint, values, method="POST")


def carried(page):
    """The hidden fields of the sign-in form, in order, but for its own."""
    form = page.html.partition('action="/masuk')[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return [(html.unescape(name), html.unescape(value)) for name, value in found if not name.startswith("sign_in-")]


def test_every_form_gives_back_what_was_typed_and_leaves_it_nowhere_else(stage, app, entries):
    stage.sari.sign_in()
    addresses = dict(posts(app))
    assert len(addresses) > 30
    before = entries(1)[0]
    stage.clock.move(hours=2)
    written, data = io.StringIO(), {}
    for name, value in TYPED:
        data.setdefault(name, []).append(value)
    lost = []
    with redirect_stderr(written):
        for endpoint, path in sorted(addresses.items()):
            page = stage.sari.browser.post(path, data, follow=False)
            if page.status != 401 or sorted(carried(page)) != sorted(TYPED) or f'name="sign_in-to" value="{path}"' not in page.html:
                lost.append((endpoint, page.status))
    assert lost == []
    assert WORD not in written.getvalue()
    assert entries(1)[0] == before, "nobody did anything"


def test_no_field_of_any_form_is_taken_for_a_secret():
    book = protocol.current()
    named = {f.name for s in book.sections.values() for f in s.fields.values()} | {item.code for item in book.codelist("inputs")}
    assert not [name for name in named if kept.SECRET.search(name) or kept.SECRET.search(f"progress-{name}")]


def come_back(stage, person, path, form, **typed):
    """Send a form after the session ended, sign in, and follow the browser, which sends it again."""
    stage.clock.move(hours=2)
    page = person.browser.post(form.action, form.filled(**typed), follow=False)
    assert page.status == 401
    assert "Yang Anda ketik masih ada." in page.text
    person.send("/masuk$", **{"sign_in-mail": person.mail, "sign_in-passphrase": person.passphrase})
    code = person.page.form("/masuk/kode$").filled(**{"sign_in-code": person.code()})
    last = person.browser.post("/masuk/kode", code, follow=False)
    assert (last.status, last.headers["Location"]) == (307, path)
    return person.browser.post(last.headers["Location"], code)


def test_what_was_typed_into_a_draft_is_saved_after_signing_in(stage):
    story = stage.story()
    story.draft()
    path = f"/rujukan/{stage.number(story)}/draf/kebutuhan"
    form = stage.sari.get(path).form("/kebutuhan$")
    assert come_back(stage, stage.sari, path, form, **{"needs.wishes": "Ditulis sebelum sesi berakhir."}).status == 200
    found = story.at(stage.hand(stage.sari)).read("draft", parts=("needs",)).sections[0].fields
    assert found["wishes"] == "Ditulis sebelum sesi berakhir."
    assert found["services_given"] == NEEDS["services_given"]


def test_what_was_typed_into_a_section_of_the_file_is_saved_after_signing_in(stage):
    story = stage.story()
    case = story.open_file()
    path = f"/kasus/{case.alias}/bagian/safe_contact"
    form = stage.sari.get(f"{path}/ubah").form("safe_contact$")
    assert come_back(stage, stage.sari, path, form, **{"safe_contact.must_not_know": "tetangga"}).status == 200
    assert "tetangga" in stage.sari.get(path).text


@pytest.mark.parametrize(
    ("end", "typed", "shown"),
    [
        ("pesan", {"message": "Pesan yang belum terkirim."}, "catatan"),
        ("perkembangan", {"milestone": "session_held", "note": "Kemajuan yang belum tersimpan."}, "catatan"),
        ("catatan-lembaga", {"internal_note": "Catatan sendiri yang belum tersimpan."}, "catatan-lembaga"),
    ],
)
def test_messages_events_and_notes_come_back_too(stage, end, typed, shown):
    story, number = stage.accepted()
    story.at(story.santi).on("start")
    path = f"/rujukan/{number}/{end}"
    stage.santi.sign_in()
    form = stage.santi.get(f"/rujukan/{number}").form(f"/{end}$")
    assert come_back(stage, stage.santi, path, form, **typed).status == 200
    assert next(text for text in typed.values() if " " in text) in stage.santi.get(f"/rujukan/{number}/{shown}").text


def test_another_persons_sign_in_changes_nothing_that_is_not_theirs(stage):
    story = stage.story()
    story.draft()
    path = f"/rujukan/{stage.number(story)}/draf/kebutuhan"
    form = stage.sari.get(path).form("/kebutuhan$")
    stage.clock.move(hours=2)
    stage.sari.browser.post(form.action, form.filled(**{"needs.wishes": "Bukan milik orang lain."}), follow=False)
    stranger, there = stage.santi, stage.sari.browser
    there.send("/masuk$", **{"sign_in-mail": stranger.mail, "sign_in-passphrase": stranger.passphrase})
    code = there.page.form("/masuk/kode$").filled(**{"sign_in-code": stranger.code()})
    assert there.post("/masuk/kode", code, follow=False).status == 307
    page = there.post(path, code)
    assert page.status == 404
    assert story.row().version == 1
