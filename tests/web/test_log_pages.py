"""The log's pages: who sees what of it, what a filter finds, how a proof is told, and that each look is itself an entry."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub.audit import policy as policies
from referral_hub.audit import signer, witnesses
from referral_hub.audit.append import name_log
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from tests.audit.standing import Standing
from tests.referrals.story import IDENTITY, META
from tests.web.stage import keeps_rules, main_text


@pytest.fixture
def named_log(afresh, session, settings):
    """The log has its name before its first entry, as `referral-hub db upgrade` gives it. Ask for it before `stage`."""
    transact(session, lambda s: name_log(s, origin=settings.log_origin))
    yield
    session.rollback()
    transact(session, lambda s: s.execute(text("UPDATE audit_head SET origin = '', size = 0, frontier = ''")))


@pytest.fixture
def sign(worker_url, settings, clock):
    """Sign a checkpoint as the worker does."""
    engine = make_engine(worker_url, pool_size=1)

    def now():
        with Session(engine, expire_on_commit=False) as opened:
            made = signer.tend(opened, signer=signer.load(settings.key_folder, origin=settings.log_origin), now=clock.now())
            assert made is not None
            return made

    yield now
    engine.dispose()


def rows(page):
    """The entries of a table by index, each as its words."""
    found = re.findall(r"<tr role=\"row\".*?</tr>", page.html.partition("<tbody")[2], re.DOTALL)
    return {int(re.search(r"/jejak/(\d+)", row).group(1)): " ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found}


def test_an_auditor_follows_a_referral_from_list_to_proof(named_log, stage, sign, entries):
    _, number = stage.accepted()
    stage.santi.get(f"/rujukan/{number}/bagian/identity")
    assert stage.lbh.admin.get(f"/rujukan/{number}/bagian/identity").status == 403
    for _ in range(20):
        stage.santi.get("/tugas")
    auditor = stage.network.auditor()
    sign()

    page = keeps_rules(auditor.get("/jejak"))
    assert page.title == "Jejak – Hub"
    assert "Titik periksa terbaru:" in page.text
    assert "Jejak ini belum disaksikan lembaga lain: pengelola sistem masih dapat menulis ulang." in page.text
    assert (entries(1)[0].action, entries(1)[0].count) == ("audit.read", 50)
    older = keeps_rules(auditor.get(next(link for link in page.links if "setelah=" in link)))
    assert max(rows(older)) < min(rows(page))

    page = keeps_rules(auditor.get(f"/jejak/rujukan/{number}"))
    assert page.title == "Siapa membuka rujukan ini? – Hub"
    assert f"Advokat, {stage.network_name('lbh')}" in page.text
    opened = next(idx for idx, words in rows(page).items() if "Buka bagian rujukan" in words and "Diizinkan" in words)
    refused = next(idx for idx, words in rows(page).items() if "Ditolak" in words)
    for word in (IDENTITY["full_name"], IDENTITY["nik"], META["purpose"], "Contoh", "SM-"):
        assert word not in main_text(page)

    page = keeps_rules(auditor.get(f"/jejak/{opened}"))
    assert "Identitas" in page.text
    assert f"rujukan {number}" in page.text
    assert "penerima rujukan" in page.text
    assert "frasa sandi dan kode" in page.text
    assert re.search(r"Masuk pohon\s*cocok", main_text(page))
    assert entries(1)[0].action == "audit.read"
    page = keeps_rules(auditor.get(f"/jejak/{refused}"))
    assert "mencoba: Buka bagian rujukan" in page.text
    assert "Peran Anda tidak boleh melakukan ini" in page.text

    auditor.get(f"/jejak/rujukan/{number}")
    page = keeps_rules(auditor.send("/periksa$"))
    assert page.heading == "Jejak cocok dengan yang ditandatangani"
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("audit.verify", "allow")
    auditor.get("/jejak")
    page = keeps_rules(auditor.send("/akun/bahasa"))
    assert page.heading == "Log"
    assert "No other agency witnesses this log yet" in page.text


def test_filters_find_just_what_was_asked(stage, entries):
    _, number = stage.accepted()
    stage.santi.get(f"/rujukan/{number}/bagian/needs")
    auditor = stage.network.auditor()
    code = re.search(r"Anda masuk sebagai ([A-Z]{2}-\d\d)", stage.santi.page.text).group(1)
    for query, wanted in (
        (f"agency=lbh&member={code}", {code}),
        (f"agency=lbh&member={code.lower()}&action=section.read", {"Buka bagian rujukan"}),
        (f"number={number}&action=referral.accept", {"Terima"}),
        ("action=key.found", {"Kunci lembaga dibuat"}),
    ):
        page = keeps_rules(auditor.get(f"/jejak?{query}"))
        assert rows(page), query
        for words in rows(page).values():
            assert all(word in words for word in wanted), (query, words)
        assert "Hapus saringan" in page.text
    for query in ("member=ZZ-99", "number=RJ-0000-0000", "agency=none", "outcome=error", "since=2030-01-01", "until=2020-01-01"):
        page = keeps_rules(auditor.get(f"/jejak?{query}"))
        assert "Tidak ada entri untuk pertanyaan ini. Pencarian tetap tercatat." in page.text, query
        assert (entries(1)[0].action, entries(1)[0].count) == ("audit.read", 0)
    assert rows(auditor.get("/jejak?since=2026-11-24&until=2026-11-24"))


def test_before_the_first_checkpoint_nothing_is_claimed(stage, entries):
    auditor = stage.network.auditor()
    assert "Belum ada titik periksa yang ditandatangani." in auditor.get("/jejak").text
    page = keeps_rules(auditor.send("/periksa$"))
    assert page.heading == "Belum semua dapat diperiksa"
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("audit.verify", "allow")
    page = auditor.get("/jejak/3")
    assert "Belum tercakup titik periksa." in page.text


def test_an_entry_that_was_changed_behind_our_back_is_named(named_log, stage, sign, owner_engine, entries):
    auditor = stage.network.auditor()
    sign()
    page = auditor.get("/jejak")
    victim = min(rows(page))
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET payload = replace(encode(payload, 'escape'), '\"allow\"', '\"error\"')::bytea WHERE idx = :i"), {"i": victim})
    page = keeps_rules(auditor.send("/periksa$"))
    assert page.heading == "Jejak tidak cocok dengan yang ditandatangani"
    assert f"Tidak cocok: {victim}." in page.text
    assert (entries(1)[0].action, entries(1)[0].outcome, entries(1)[0].reason) == ("audit.verify", "error", "bad_proof")
    assert "Tidak cocok." in auditor.get(f"/jejak/{victim}").text


def test_without_the_public_key_the_signature_is_not_claimed(named_log, stage, sign, settings):
    auditor = stage.network.auditor()
    sign()
    (settings.key_folder / "checkpoint.pub").unlink()
    auditor.get("/jejak")
    page = keeps_rules(auditor.send("/periksa$"))
    assert page.heading == "Belum semua dapat diperiksa"
    assert "jadi tanda tangan belum diperiksa" in page.text


def test_an_officer_sees_the_own_agency_and_what_was_disclosed_to_it(stage, entries):
    _, number = stage.sent()
    officer = stage.lbh.admin
    page = keeps_rules(officer.get("/jejak"))
    assert "Anda melihat entri lembaga Anda dan pengungkapan kepadanya." in page.text
    shown = rows(page)
    assert all(stage.network_name("lbh") in words or "Kirim" in words for words in shown.values())
    sending = next(words for words in shown.values() if "Kirim" in words and number in words)
    assert stage.network_name("uptd-ppa") in sending
    draft = next(idx for idx, words in rows(stage.uptd.admin.get("/jejak?action=referral.create")).items())
    assert officer.get(f"/jejak/{draft}").status == 404
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("audit.read", "deny")
    assert stage.uptd.admin.get(f"/jejak/{draft}").status == 200


def test_nobody_else_reads_the_log(stage, entries):
    for path in ("/jejak", "/jejak/1", "/jejak/rujukan/RJ-0000-0000"):
        assert stage.sari.get(path).status in {403, 404}, path
        assert (entries(1)[0].action, entries(1)[0].outcome) == ("audit.read", "deny")
    assert stage.sari.browser.post("/jejak/periksa", {}).status == 403
    assert (entries(1)[0].action, entries(1)[0].outcome) == ("audit.verify", "deny")


def test_of_many_agencies_the_code_is_typed(stage, monkeypatch):
    auditor = stage.network.auditor()
    assert '<select class="w-mid" id="f-agency"' in auditor.get("/jejak").html
    monkeypatch.setattr("referral_hub.web.log.LISTED", 1)
    page = keeps_rules(auditor.get("/jejak?agency=lbh"))
    assert '<input class="w-mid" id="f-agency" name="agency" type="text" value="lbh"' in page.html
    assert rows(page)


@pytest.fixture
def watch(worker_url, settings, clock, tmp_path):
    """Two witnesses at work, both needed; ask them as the worker does. The second has no address: it comes by itself, and does not."""
    engine = make_engine(worker_url, pool_size=1)
    standing = Standing(tmp_path, signer.public_vkeys(settings.key_folder, origin=settings.log_origin)[0])
    standing.witness("dinas", clock=clock.now)

    def ask(*, needs):
        if len(standing.lines) == 1:
            standing.witness("kampus", clock=clock.now, url=False)
        found = policies.parse(standing.text(f"group enough {needs} dinas kampus", "quorum enough").encode())
        with Session(engine, expire_on_commit=False) as opened:
            witnesses.collect(opened, policy=found, now=clock.now(), seconds=2.0)

    with standing.servers:
        yield ask
    engine.dispose()


def test_an_entry_is_witnessed_or_not_yet_and_late_after_a_quarter_of_an_hour(named_log, stage, sign, watch, clock):
    auditor = stage.network.auditor()
    sign()
    watch(needs="any")
    auditor.get("/temuan")  # an entry that nobody has signed yet
    page = keeps_rules(auditor.get("/jejak"))
    shown = rows(page)
    assert shown[min(shown)].endswith("Disaksikan 1/2")
    assert shown[max(shown)].endswith("Belum disaksikan")
    assert "belum disaksikan lembaga lain" not in page.text
    assert "Disaksikan sampai" in page.text
    page = keeps_rules(auditor.get(f"/jejak/{min(shown)}"))
    assert "1 dari 2 saksi menandatangani titik periksa yang mencakupnya" in page.text
    assert "0 dari 2 saksi sudah melihatnya. Sampai 15 menit itu biasa." in auditor.get(f"/jejak/{max(shown)}").text

    clock.move(minutes=16)
    auditor.sign_in()
    page = keeps_rules(auditor.get("/jejak"))
    assert rows(page)[max(shown)].endswith("Saksi terlambat")
    assert re.search(r"Selama 16 menit saksi yang mengesahkan entri terbaru belum cukup", page.text)
    for path in ("/jejak/pertanyaan", "/temuan", f"/jejak/{max(shown)}"):
        assert "belum cukup" in auditor.get(path).text, path

    page = keeps_rules(auditor.get("/bukti"))
    assert re.search(r"dinas\s+\d+ dari \d+ entri\s+.*setelah titik periksa", page.text)
    assert re.search(r"kampus\s+0 dari \d+ entri\s+Belum pernah\s+Lewat 16 menit", page.text)
    sign()
    watch(needs="any")
    assert "belum cukup" not in auditor.get("/temuan").text


@pytest.mark.parametrize("path", ["/jejak/pertanyaan", "/jejak/pertanyaan/5/isian", "/jejak/pertanyaan/33", "/jejak/tinjauan", "/jejak/0", "/temuan", "/temuan/baru?entry=0", "/bukti"])
def test_with_no_witness_every_page_says_that_the_operator_could_rewrite(stage, path):
    page = keeps_rules(stage.network.auditor().get(path))
    assert page.status == 200
    assert page.text.count("pengelola sistem masih dapat menulis ulang") == (2 if path == "/jejak/0" else 1)  # there it is the third step of the proof too
