"""Failures as people see them, and what each leaves in the log."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import text

from referral_hub.logs import configure_logs
from tests.gate import trial as trial_routes

pytestmark = pytest.mark.usefixtures("trial")

SECRET = "Sari Wulandari"


@pytest.fixture
def admin(network):
    return network.admin


def in_english(person):
    person.get("/akun")
    person.send("akun/bahasa", language="en")


CASES = [
    # how, status, heading in Indonesian, in English, reason in the log (None: no entry of a refusal)
    ("not_allowed", 403, "Tidak terbuka untuk peran Anda", "Not open to your role", "role_lacks_ability"),
    ("reauth", 403, "Mohon masuk lagi untuk ini", "Please sign in again for this", "reauth_needed"),
    ("not_found", 404, "Tidak ditemukan", "Not found", "not_found"),
    ("conflict", 404, "Tidak ditemukan", "Not found", "conflict_of_interest"),
    ("race", 409, "Ada yang lebih dulu", "Someone was first", "lost_race"),
    ("stale", 409, "Ada yang lebih dulu", "Someone was first", "stale_version"),
    ("wrong_state", 409, "Tidak mungkin pada status ini", "Not possible in this state", "wrong_state"),
    ("not_built", 409, "Belum tersedia", "Not available yet", "not_built"),
    ("no_consent", 422, "Belum ada persetujuan untuk penerima ini", "No consent for this recipient", "no_consent"),
    ("unavailable", 503, "Belum bisa dibuka", "Cannot open it yet", None),
    ("outage", 503, "Belum bisa dibuka", "Cannot open it yet", None),
    ("at_capacity", 503, "Belum bisa dibuka", "Cannot open it yet", None),
    ("throttled", 429, "Mohon tunggu sebentar", "Please wait a moment", None),
    ("fault", 500, "Ada yang perlu diperbaiki di Hub", "Something in the Hub needs repair", None),
]


@pytest.mark.parametrize("method", ["get", "post"])
def test_each_failure_has_its_page_in_both_languages_and_its_entry(admin, entries, method):
    for how, status, indonesian, _english, reason in CASES:
        before = len(entries())
        page = getattr(admin.browser, method)(f"/trial/fail/{how}", **({"data": {}} if method == "post" else {}))
        assert (page.status, page.heading) == (status, indonesian), how
        new = entries()[: len(entries()) - before]
        assert [(e.action, e.outcome, e.reason) for e in new] == ([("referral.accept", "deny", reason)] if reason else []), how
        if reason:
            assert (new[0].object_id, new[0].referral_id, new[0].actor_kind) == (trial_routes.OBJECT, trial_routes.OBJECT, "member")
            assert new[0].subjects == (trial_routes.DONE,)
        assert page.links, how
        assert page.title == "Hub"
    in_english(admin)
    for how, status, _, english, _reason in CASES:
        page = getattr(admin.browser, method)(f"/trial/fail/{how}", **({"data": {}} if method == "post" else {}))
        assert (page.status, page.heading) == (status, english), how
        assert '<html lang="en">' in page.html


def test_a_refusal_finds_what_it_is_about_only_then(admin, entries):
    """A view that opens by number looks for the id in no other case; a number that nobody has names nothing."""
    for which, found in (("somebody", trial_routes.OBJECT), ("nobody", None)):
        assert admin.get(f"/trial/named/{which}").status == 404
        assert (entries(1)[0].object_id, entries(1)[0].reason) == (found, "not_found")


def test_a_stranger_and_a_person_on_the_conflict_list_see_the_same_page(admin):
    pages = [admin.get(f"/trial/fail/{how}").html for how in ("not_found", "conflict")]
    changing = re.compile(r"entri [0-9.]+|/tanda-terima/[0-9]+|[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f-]{27}|/fail/[a-z_]+")
    assert changing.sub("", pages[0]) == changing.sub("", pages[1])
    assert "konflik" not in pages[1].lower()


def test_the_refusal_names_the_rules_and_the_verb_that_was_tried(admin, entries):
    admin.get("/trial/fail/not_allowed?verb=decline")
    refusal = entries(1)[0]
    assert (refusal.action, refusal.rule_ids) == ("referral.decline", ("needs-the-ability",))
    assert refusal.policy_digest


def test_a_refusal_on_a_route_without_content_is_access_denied(admin, entries):
    assert admin.get("/trial/form").status == 403
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("access.denied", "deny")


def test_a_refusal_that_cannot_be_logged_is_not_told(admin, owner_engine, entries):
    with owner_engine.connect() as other:
        other.execute(text("LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE"))
        page = admin.get("/trial/fail/not_allowed")
        other.rollback()
    assert (page.status, page.heading) == (503, "Belum bisa dibuka")
    assert page.headers["Retry-After"].isdecimal()
    assert entries(1)[0].outcome != "deny"


def test_who_was_first_and_when_is_said_and_the_typed_text_is_kept(admin):
    typed = "Mohon petugas perempuan; datang pagi."
    page = admin.browser.post("/trial/fail/race", {"act_id": "x", "purpose": typed, "urgency": "emergency", "passphrase": "correct horse battery staple"})
    assert "Perawat PR-07: “Terima”, 02.01 WIB." in page.text
    assert f"{typed}</textarea>" in page.html
    assert "emergency" not in page.html
    assert "battery" not in page.html


def test_an_outage_gives_the_form_back_to_be_sent_again_as_the_same_act(admin):
    page = admin.browser.post("/trial/fail/unavailable", {"act_id": "abc", "purpose": "Dua kalimat <tebal>.", "code": "PS-02", "passphrase": "geheim geheim geheim"})
    assert page.status == 503
    assert page.headers["Retry-After"] == "7"
    again = page.form("/trial/fail/unavailable")
    assert again.fields == [("act_id", "abc"), ("purpose", "Dua kalimat <tebal>."), ("code", "PS-02")]
    assert "daftar cetak" in page.text
    assert "geheim" not in page.html


def test_tampered_content_is_reported_and_not_shown(admin, entries):
    page = admin.get("/trial/tampered")
    assert (page.status, page.heading) == (500, "Ini tidak dapat dibuka")
    assert [(e.action, e.outcome) for e in entries(2)] == [("key.tampered", "error"), ("section.read", "allow")]


@pytest.mark.parametrize(("how", "status"), [("fault", 500), ("outage", 503)])
def test_a_fault_while_a_form_is_given_back_is_written_like_any_other(app, admin, how, status, caplog):
    """Its message and the path, which may hold a number, are written nowhere; not by Flask itself either."""
    written = io.StringIO()
    configure_logs(written)
    app.config["PROPAGATE_EXCEPTIONS"] = False  # as it is outside of tests
    page = admin.browser.post(f"/trial/again/{how}", data={})
    assert page.status == status
    assert f'"status": {status}' in written.getvalue()
    assert not any(text in page.html + written.getvalue() + caplog.text for text in (SECRET, "Traceback", "/trial/again"))


def test_a_fault_after_the_opening_is_an_entry_and_its_message_is_written_nowhere(admin, entries):
    written = io.StringIO()
    configure_logs(written)
    page = admin.get("/trial/broken")
    assert page.status == 500
    assert [(e.action, e.outcome) for e in entries(2)] == [("access.error", "error"), ("section.read", "allow")]
    page = admin.get("/trial/fail/fault")
    assert SECRET not in page.html + written.getvalue()
    assert "ZeroDivisionError" in written.getvalue()


def test_a_form_comes_back_with_its_summary(admin, entries):
    page = admin.browser.post("/trial/act", {"act_id": "5b2c7a52-0c53-4a7c-9f0a-3d8f1b8c7d11", "reason": ""})
    assert page.status == 422
    assert page.title.startswith("Perlu dilengkapi: Contoh")
    assert 'role="alert"' in page.html
    assert (entries(1)[0].action, entries(1)[0].reason) == ("referral.decline", "missing_input")
    page = admin.browser.post("/trial/act", {"act_id": "5b2c7a52-0c53-4a7c-9f0a-3d8f1b8c7d11", "reason": "consent"})
    assert page.status == 422
    assert "Belum ada persetujuan untuk penerima ini" in page.text


def test_an_act_is_done_once(admin, entries):
    data = {"act_id": "6f9619ff-8b86-4d01-b42d-00c04fc964ff", "reason": "no_capacity"}
    first = admin.browser.post("/trial/act", data, follow=False)
    count = len(entries())
    again = admin.browser.post("/trial/act", data, follow=False)
    assert first.headers["Location"] == f"/trial/done/{trial_routes.DONE}?repeated=False"
    assert again.headers["Location"] == f"/trial/done/{trial_routes.DONE}?repeated=True"
    assert len(entries()) == count
    other = admin.browser.post("/trial/act", data | {"reason": "out_of_scope"})
    assert other.status == 422
    assert entries(1)[0].reason == "key_reused"


def test_an_act_that_was_refused_may_be_tried_again_with_the_same_form(admin):
    data = {"act_id": "0d7c1b1e-55d1-4c3e-8a52-0e1f4b9f1a10", "reason": "race"}
    assert admin.browser.post("/trial/act", data).status == 409
    assert admin.browser.post("/trial/act", data | {"reason": "other"}, follow=False).status == 303


def test_a_form_without_an_act_id_does_nothing(admin, entries):
    count = len(entries())
    page = admin.browser.post("/trial/act", {"reason": "no_capacity"})
    assert page.status == 422
    assert [e.outcome for e in entries()[: len(entries()) - count]] == ["deny"]


def test_more_than_fits(admin):
    page = admin.browser.post("/trial/act", {"act_id": "x", "reason": "a" * 300_000})
    assert (page.status, page.heading) == (413, "Lebih dari yang muat dalam satu formulir")
    in_english(admin)
    assert admin.browser.post("/trial/act", {"reason": "a" * 300_000}).heading == "More than fits in one form"


def test_an_address_that_does_not_exist(admin, client, entries):
    count = len(entries())
    assert admin.get("/nowhere").heading == "Tidak ditemukan"
    assert client.get("/nowhere").status_code == 404
    assert len(entries()) == count
    assert admin.browser.post("/trial/open", {}).status == 405
