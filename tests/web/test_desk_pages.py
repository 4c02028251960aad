"""The auditors' desk as pages: questions and answers, findings from opening to closing, the access sheet, a survivor's statement."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub.db.engine import make_engine
from referral_hub.review import questions, scanning
from tests.gate.network import Person
from tests.web.stage import filled_buttons, keeps_rules, main_text

WORDS = "Mengapa bagian ini dibuka pada malam hari?"


@pytest.fixture
def run_rules(worker_url, clock):
    """Run the rules as the worker does."""
    engine = make_engine(worker_url, pool_size=1)

    def now():
        with Session(engine, expire_on_commit=False) as opened:
            return scanning.scan(opened, now=clock.now())

    yield now
    engine.dispose()


@pytest.fixture
def second_auditor(stage):
    def made():
        person = Person(stage.network, "auditor-dua@sekretariat.test")
        person.enrol(stage.network.admin.invite(person.mail, "network_auditor"))
        return person

    return made


def told(page):
    """The rows of the first table, each as its words."""
    body = page.html.partition("<tbody")[2].partition("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr role=\"row\".*?</tr>", body, re.DOTALL)]


def night(stage, clock):
    """A referral that legal aid accepted by day and reads at night, when nobody is on duty."""
    story, number = stage.accepted()
    while not 17 <= clock.now().hour < 20:
        clock.move(hours=1)
    stage.santi.sign_in()
    assert stage.santi.get(f"/rujukan/{number}/bagian/identity").status == 200
    return story, number


def test_the_questions_in_their_groups(stage, entries):
    auditor = stage.network.auditor()
    page = keeps_rules(auditor.get("/jejak/pertanyaan"))
    assert page.heading == "Pertanyaan"
    assert {link for link in page.links if link.endswith("/isian")} == {f"/jejak/pertanyaan/{q.number}/isian" for q in questions.every()}
    assert "Perlu penjelasan" in page.text
    assert (entries(1)[0].action, entries(1)[0].object_kind) == ("audit.read", "finding")


def test_every_question_has_a_form_and_an_answer(stage, clock):
    _, referral = stage.accepted()
    auditor = stage.network.auditor()
    given = {"referral": referral, "subject": subject_of(stage, referral), "member": f"{stage.lbh.code}/{stage.hand(stage.santi).actor.code}", "moment": f"{clock.now():%Y-%m-%dT%H:%M}"}
    for number in [q.number for q in questions.every()]:
        form = keeps_rules(auditor.get(f"/jejak/pertanyaan/{number}/isian"))
        fields = dict(next(f for f in form.forms if f.action == f"/jejak/pertanyaan/{number}").fields)
        asked = fields | {name: value for name, value in given.items() if name in fields}
        answer = keeps_rules(auditor.get(f"/jejak/pertanyaan/{number}?" + "&".join(f"{name}={value}" for name, value in asked.items())))
        assert (number, answer.status) == (number, 200)
        assert f"Pertanyaan {number}" in answer.text
        assert (number, filled_buttons(answer)) == (number, 1)


def subject_of(stage, number):
    row = stage.session.execute(text("SELECT a.code FROM alias a JOIN referral r ON r.case_id = a.case_id AND r.from_agency = a.agency_id WHERE r.number = :n"), {"n": number})
    code = row.scalar_one()
    stage.session.rollback()
    return f"{stage.uptd.code}/{code}"


def test_who_opened_a_referral_as_page_and_as_file(stage, clock, entries):
    _, number = night(stage, clock)
    auditor = stage.network.auditor()
    page = auditor.get(f"/jejak/pertanyaan/1?referral={number}")
    row = next(one for one in told(page) if "Identitas" in one)
    assert "Advokat" in row
    assert stage.network_name("lbh") in row
    assert "penerima rujukan" in row
    said = entries(1)[0]
    assert (said.action, said.fields) == ("audit.ask", ("question.1",))
    link = next(one for one in page.links if "bentuk=csv" in one)
    file = auditor.get(link)
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    found = list(csv.DictReader(io.StringIO(file.html)))
    assert [row["sections"] for row in found if row["action"] == "section.read" and row["basis"] == "recipient"] == ["identity"]
    assert entries(1)[0].action == "audit.ask"


def test_a_missing_or_unknown_thing_is_told_at_its_field(stage):
    auditor = stage.network.auditor()
    page = auditor.get("/jejak/pertanyaan/1")
    assert (page.status, page.title.startswith("Perlu dilengkapi")) == (422, True)
    page = keeps_rules(auditor.get("/jejak/pertanyaan/3?member=lbh/PS-77"))
    assert page.status == 422
    assert "Silakan pilih salah satu dari daftar" in page.text or page.text.count("Petugas")
    assert auditor.get("/jejak/pertanyaan/11/isian").status == 404


def test_a_picture_where_there_are_several_moments(stage, clock):
    _, number = night(stage, clock)
    clock.move(hours=3)
    stage.santi.sign_in()
    stage.santi.get(f"/rujukan/{number}/bagian/needs")
    stage.network.admin.sign_in()
    page = stage.network.auditor().get(f"/jejak/pertanyaan/1?referral={number}")
    assert '<svg viewBox="0 0 640 120"' in page.html
    assert re.search(r'aria-label="\d+ akses dari ', page.html)


def test_a_finding_through_the_pages(stage, clock, run_rules, second_auditor, entries):
    night(stage, clock)
    run_rules()
    auditor = stage.network.auditor()
    page = keeps_rules(auditor.get("/temuan"))
    assert "Di luar jam kerja, dan bukan petugas piket" in page.text
    form = keeps_rules(auditor.get(next(link for link in page.links if link.startswith("/temuan/baru?") and "R3" in link)))
    assert filled_buttons(form) == 1
    page = auditor.send("/temuan$", text="Hubungi 081234567890 soal ini")
    assert page.status == 422
    assert "dapat menunjuk orang" in page.text
    page = keeps_rules(auditor.send("/temuan$", text=WORDS))
    assert page.status == 200, page.text
    finding = page.heading
    assert re.fullmatch(r"TM-[0-9A-Z]{4}-[0-9A-Z]{4}", finding)
    assert WORDS in page.text
    assert "Anda yang membuka temuan ini; auditor lain yang menutupnya." not in page.text  # nothing to close yet
    officer = stage.lbh.admin
    officer.sign_in()
    page = keeps_rules(officer.get(f"/temuan/{finding}"))
    page = officer.send("/jelaskan$", **{"explain-text": "Petugas piket menerima rujukan darurat malam itu."})
    assert (page.status, "Terjelaskan" in page.text) == (200, True)
    assert entries(3)[1].action == "finding.explain"
    page = keeps_rules(auditor.get(f"/temuan/{finding}"))
    assert "Anda yang membuka temuan ini; auditor lain yang menutupnya." in page.text
    assert not any(f.action.endswith("/tutup") for f in page.forms)
    closer = second_auditor()
    closer.get(f"/temuan/{finding}")
    page = closer.send("/tutup$", **{"close-text": "Jadwal piket kini dicatat di Hub.", "close-verdict": "explained"})
    assert (page.status, "Ditutup" in page.text or "Temuan ditutup" in page.text) == (200, True)
    assert "Berakhir sebagai: Terjelaskan" in page.text
    page = keeps_rules(closer.get("/temuan"))
    assert "Tidak ada temuan terbuka." in page.text


def test_a_finding_about_one_entry_starts_at_the_entry(stage, clock):
    night(stage, clock)
    auditor = stage.network.auditor()
    page = auditor.get("/jejak/3")
    link = next(one for one in page.links if one.startswith("/temuan/baru?"))
    auditor.get(link)
    page = auditor.send("/temuan$", text=WORDS)
    assert page.status == 200
    assert "Entri tertentu" in page.text


def test_the_sheet_shows_who_opens_what(stage):
    auditor = stage.network.auditor()
    page = keeps_rules(auditor.get("/jejak/tinjauan"))
    assert "/jejak/tinjauan?agency=uptd-ppa" in page.links, "one line an agency: a network of many stays light"
    page = keeps_rules(auditor.get("/jejak/tinjauan?agency=uptd-ppa"))
    assert "semua kasus lembaga" in page.text
    found = list(csv.DictReader(io.StringIO(auditor.get("/jejak/tinjauan?bentuk=csv").html)))
    assert {row["agency"] for row in found} == {"sekretariat", "uptd-ppa", "lbh"}
    own = list(csv.DictReader(io.StringIO(stage.lbh.admin.get("/jejak/tinjauan?bentuk=csv").html)))
    assert {row["agency"] for row in own} == {"lbh"}
    assert stage.santi.get("/jejak/tinjauan").status == 403


def test_a_statement_from_alias_to_paper(stage, clock, entries):
    _, number = night(stage, clock)
    alias = subject_of(stage, number).partition("/")[2]
    officer = stage.uptd.admin
    officer.sign_in()
    keeps_rules(officer.get("/subjek"))
    page = keeps_rules(officer.get(f"/subjek?kode={alias}"))
    assert page.status == 200
    assert stage.network_name("lbh") in page.text
    page = officer.send("/terbitkan$")
    assert page.status == 422
    assert page.text.count("Belum dicentang") >= 2 or "Perlu" in page.title
    hand = re.search(r'<option value="([0-9a-f-]{36})"', page.html).group(1)
    page = keeps_rules(officer.send("/terbitkan$", asked_alone="yes", is_safe="yes", handed_by=hand))
    assert page.status == 200, page.text
    assert page.heading == "Siapa yang melihat dan menerima data Anda"
    assert 'class="wide sheet"' in page.html
    words = main_text(page)
    assert "Advokat, " + stage.network_name("lbh") in words
    assert "PS-02" not in words.partition("Diterbitkan oleh")[0]
    assert [one.action for one in entries(2)] == ["document.print", "subject.statement"]
    assert all(len(one.subjects) == 1 for one in entries(2))
    clock.move(minutes=5)
    again = officer.get(page.response.request.path)
    assert main_text(again).partition("Dicetak")[0] == words.partition("Dicetak")[0]


def test_the_statement_is_indonesian_whoever_prints_it(stage, clock):
    _, number = night(stage, clock)
    alias = subject_of(stage, number).partition("/")[2]
    officer = stage.uptd.admin
    officer.sign_in()
    officer.get("/akun")
    officer.send("/bahasa", language="en")
    page = officer.get(f"/subjek/{alias}")
    assert "Release on paper" in page.text
    hand = re.search(r'<option value="([0-9a-f-]{36})"', page.html).group(1)
    page = officer.send("/terbitkan$", asked_alone="yes", is_safe="yes", handed_by=hand)
    assert page.heading == "Siapa yang melihat dan menerima data Anda"
    assert "Buka bagian rujukan" in page.text


def test_no_stranger_comes_near(stage, clock):
    _, number = stage.accepted()
    alias = subject_of(stage, number).partition("/")[2]
    assert stage.lbh.admin.get(f"/subjek/{alias}").status == 404
    for path in ("/jejak/pertanyaan", "/jejak/pertanyaan/5?since=2026-11-01&until=2026-11-30", "/temuan", f"/subjek/{alias}"):
        assert stage.santi.get(path).status == 403, path


def test_an_officer_asks_about_the_own_agency(stage, clock):
    night(stage, clock)
    clock.move(minutes=1)
    stage.lbh.admin.sign_in()
    page = keeps_rules(stage.lbh.admin.get("/jejak/pertanyaan/4"))
    assert len(told(page)) == 1
    assert "Lembaga" not in [name for form in page.forms for name, _ in form.fields]
    assert timedelta(0) < clock.now() - clock.now().replace(hour=0)


def test_the_statement_as_pdf_with_its_proofs(stage, clock, entries):
    _, number = night(stage, clock)
    alias = subject_of(stage, number).partition("/")[2]
    officer = stage.uptd.admin
    officer.sign_in()
    page = officer.get(f"/subjek/{alias}")
    hand = re.search(r'<option value="([0-9a-f-]{36})"', page.html).group(1)
    page = officer.send("/terbitkan$", asked_alone="yes", is_safe="yes", handed_by=hand)
    link = next(one for one in page.links if one.endswith(".pdf"))
    answers = [officer.browser.get(link).response for _ in range(2)]
    assert [(one.status_code, one.content_type) for one in answers] == [(200, "application/pdf")] * 2
    assert answers[0].headers["Content-Disposition"] == 'attachment; filename="riwayat-akses.pdf"'
    assert "no-store" in answers[0].headers["Cache-Control"]
    assert answers[0].data.startswith(b"%PDF-")
    assert answers[0].data == answers[1].data
    assert [one.action for one in entries(3)] == ["document.print"] * 3
    assert stage.sari.get(link).status in {403, 404}


def test_a_request_runs_for_three_days_and_shows_when_it_is_late(stage, clock, entries):
    _, number = night(stage, clock)
    alias = subject_of(stage, number).partition("/")[2]
    officer = stage.uptd.admin
    officer.sign_in()
    page = keeps_rules(officer.get(f"/subjek/{alias}"))
    page = keeps_rules(officer.send("/permintaan$"))
    assert (page.status, page.heading.startswith("Riwayat akses")) == (422, True), page.text
    page = keeps_rules(officer.send("/permintaan$", kind="access"))
    assert page.heading == "Permintaan subjek data"
    assert alias in page.text
    assert entries(2)[1].action == "subject.request"
    officer.get(f"/subjek/{alias}")
    officer.send("/permintaan$", kind="correct")

    clock.move(hours=73)
    officer.sign_in()
    assert "2 melewati batas" in keeps_rules(officer.get("/jejak/pertanyaan")).text
    stage.network.admin.sign_in()
    assert "2 melewati batas" in keeps_rules(stage.network.auditor().get("/jejak/pertanyaan")).text
    page = keeps_rules(officer.get("/subjek/permintaan"))
    assert page.text.count("Lewat 1 jam") == 2
    page = keeps_rules(officer.send("/selesai$"))
    assert "dijawab" in page.text
    page = keeps_rules(officer.send("/tolak$"))
    assert page.status == 422
    asked = re.search(r'name="(PD-[^"]+-reason)"', page.html).group(1)
    page = keeps_rules(officer.send("/tolak$", **{asked: "endangers"}))
    assert "ditolak: Membahayakan keselamatan" in page.text
    assert "melewati batas" not in officer.get("/jejak/pertanyaan").text
