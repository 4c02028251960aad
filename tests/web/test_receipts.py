"""Receipts of pages: in the head of each answer that left an entry, at the foot of the page, and as files of one's own."""

import base64

import pytest

from referral_hub.audit import queries, receipts
from referral_hub.vault import key_folder


@pytest.fixture
def vkeys(settings, hub_keys):
    seed = key_folder.signing_seed(settings.key_folder, "receipt")
    return [receipts.signer(seed, origin=settings.log_origin).vkey()]


def given(page, vkeys):
    return [receipts.verify(base64.b64decode(text).decode(), vkeys) for text in page.headers.getlist("Hub-Receipt")]


def stands(session, receipt):
    logged = queries.peek(session, receipt.index)
    session.rollback()
    return (logged.leaf_hash, logged.entry.action, logged.entry.occurred_at) == (receipt.leaf_hash, receipt.action, receipt.occurred_at)


def test_an_opening_an_act_and_a_refusal_each_give_a_receipt(network, vkeys, session):
    auditor = network.auditor()
    (read,) = given(auditor.get("/jejak"), vkeys)
    assert read.action == "audit.read"
    assert stands(session, read)
    (changed,) = given(auditor.browser.post("/akun/bahasa", auditor.get("/akun").form("/akun/bahasa").filled(language="en"), follow=False), vkeys)
    assert changed.action == "account.settings"
    refused = network.admin.get("/jejak")
    assert refused.status == 403
    (denied,) = given(refused, vkeys)
    assert denied.action == "audit.read"
    assert stands(session, denied)


def test_who_is_nobody_gets_none(network, client, vkeys):
    assert given(client.get("/masuk"), vkeys) == []
    form = {"sign_in-mail": "nobody@here.test", "sign_in-passphrase": "wrong wrong wrong"}
    answer = client.post("/masuk", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert given(answer, vkeys) == []


def test_the_foot_leads_to_the_receipt_of_the_page(network, vkeys, session):
    auditor = network.auditor()
    page = auditor.get("/jejak")
    (wanted,) = given(page, vkeys)
    assert f"/akun/tanda-terima/{wanted.index}" in page.links
    sent = auditor.get(f"/akun/tanda-terima/{wanted.index}")
    assert receipts.verify(sent.html, vkeys) == wanted
    assert sent.headers["Content-Disposition"] == f'attachment; filename="hub-{wanted.index}.receipt"'
    assert given(sent, vkeys) == []  # a receipt is no access


def test_only_ones_own(network, vkeys, session):
    auditor = network.auditor()
    auditor.get("/jejak")
    network.admin.get("/anggota")
    newest = queries.size(session) - 1
    session.rollback()
    for index in (0, newest + 5):
        assert auditor.get(f"/akun/tanda-terima/{index}").status == 404
    mine = [receipts.verify(text, vkeys) for text in receipts.apart(auditor.get("/akun/tanda-terima").html)]
    assert mine[0].action == "audit.read"
    assert [one.index for one in mine] == sorted((one.index for one in mine), reverse=True)
    rest = receipts.apart(auditor.get(f"/akun/tanda-terima?setelah={mine[0].index}").html)
    assert [receipts.verify(text, vkeys) for text in rest] == mine[1:]
    for strange in ("x", "-1", "9" * 30):
        assert auditor.get(f"/akun/tanda-terima?setelah={strange}").status in {200, 404}
    assert auditor.get("/akun/tanda-terima?setelah=0").status == 404


def test_without_the_receipt_key_pages_work_and_say_nothing(network, settings, session, app):
    auditor = network.auditor()
    (settings.key_folder / "receipt").rename(settings.key_folder / "elsewhere")
    app.extensions["referral_hub"]._receipt_signer = None
    page = auditor.get("/jejak")
    assert (page.status, page.headers.getlist("Hub-Receipt")) == (200, [])
    assert auditor.get("/akun/tanda-terima").status == 503
