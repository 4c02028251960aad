"""Law 5: an act, an opening, a page of a list leaves exactly one entry, under a verb that its route declares.

The routes are asked of the program, not written down here: the people of this story use every content route there is, and a new route
that nobody uses fails the test. A watch stands in front of the application and counts the log before and after each request.
"""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from sqlalchemy import text

from referral_hub.db import transact
from referral_hub.gate.admits import CONTENT, PUBLIC, SIGNED_IN, routes_by_admission
from tests.gate.network import Person
from tests.house.story import offered
from tests.house.watch import verbs_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Where nobody is signed in yet, coming in is the entry: terms, keys and sessions of the person who comes.
COMING_IN = {"enrolment.terms", "enrolment.passphrase", "enrolment.confirm", "sign_in.begin", "sign_in.finish", "leaving.quick_exit"}
# What the survivor takes back ends everything that rests on it: an entry for the consent, one for each referral (here a completed one).
CASCADES = {
    "consents.withdraw": ("consent.withdraw", "referral.access_withdrawn"),
    "consents.narrow": ("consent.change", "referral.consent_narrowed"),
}
# The task list of somebody who sees neither referrals nor counts says just that, and reads nothing.
NOTHING_TO_SEE = {"tasks.show"}
ERROR = 400
CODE = re.compile(r"(SM|RJ)-[0-9A-Z]{4}-[0-9A-Z]{4}")  # of a survivor or a referral: no title shows it, so no tab and no history of the browser


def answered(seen, kind, lists):
    return [one for one in seen if one.endpoint in lists[kind] and one.status < ERROR]


def test_every_content_route_leaves_exactly_one_entry(app, watch, told):
    use_everything(told)
    lists = routes_by_admission(app)
    used = answered(watch.seen, CONTENT, lists)
    assert set(lists[CONTENT]) - {one.endpoint for one in used} == set(), "content routes that this story does not use"
    for one in used:
        actions = tuple(action for action, _, _ in one.entries)
        assert all(outcome == "allow" for _, outcome, _ in one.entries), str(one)
        if one.endpoint in CASCADES:
            assert actions == CASCADES[one.endpoint], str(one)
        elif (one.endpoint in NOTHING_TO_SEE or (one.method, one.status) == ("GET", 303)) and not one.entries:
            continue  # says that there is nothing to see, or leads on to the page that shows it
        else:
            assert len(actions) == 1, str(one)
            assert actions[0] in verbs_of(app, one.endpoint), str(one)
    assert not [str(one) for one in watch.seen if one.status >= 500]
    assert not [one.title for one in watch.seen if CODE.search(one.title)]
    for one in answered(watch.seen, SIGNED_IN, lists):
        assert one.entries == (), str(one)
    for one in answered(watch.seen, PUBLIC, lists):
        assert len(one.entries) <= (one.endpoint in COMING_IN), str(one)


def use_everything(told):
    """Use every content route once or more, as people would."""
    the_referral(told)
    other_endings(told)
    the_file(told)
    two_people_decide(told)
    without_her_consent(told)
    the_accounts(told)
    the_directory(told)
    the_log(told)


def the_referral(told):
    sari, santi = told.sari, told.santi
    told.sign_in(sari)
    sari.get("/tugas")
    sari.get("/rujukan/baru")
    told.open_file()
    told.fill_file()
    told.draft()
    told.write_needs()
    told.choose_package()
    told.agree()
    page = told.send()
    assert page.status == 200, page.text
    assert told.marks.typed["choice.reason"] in sari.get(f"/rujukan/{told.number}/alasan").text
    assert told.marks.typed["needs.wishes"] in sari.get(f"/rujukan/{told.number}/kebutuhan").text
    corrected = sari.send("/kebutuhan$", event_reason="correction", **{"needs.wishes": told.marks.word("needs.wishes anew")})
    assert corrected.status == 200, corrected.text
    sari.get("/rujukan?arah=keluar")
    told.sign_in(santi)
    santi.get(f"/rujukan/{told.number}")
    santi.send("/tangani$")
    told.open_preview()
    assert told.accept().status == 200
    pages = told.read_all(santi)
    assert all(page.status == 200 for page in pages.values())
    santi.get(f"/rujukan/{told.number}/bagian/identity")
    santi.send("/tampilkan$")
    what_she_thinks_better_of(told)
    told.sign_in(santi)
    copies(told)
    told.serve()
    santi.get(f"/rujukan/{told.number}/catatan")
    told.sign_in(sari)
    sari.get(f"/rujukan/{told.number}")
    assert sari.send("/pesan$", message=told.marks.word("message")).status == 200
    sari.get(f"/rujukan/{told.number}")
    assert sari.send("/catatan-lembaga$", internal_note=told.marks.word("own.note")).status == 200
    sari.get(f"/rujukan/{told.number}")
    assert sari.send("/langkah/dispute$", **{"dispute-event_reason": "not_delivered"}).status == 200
    sari.get(f"/rujukan/{told.number}")
    assert sari.send("/lagi$").status == 200
    sari.get("/direktori/lbh")
    reveal_contact(told)
    assert told.withdraw_consent().status == 200


def what_she_thinks_better_of(told):
    """Asked whether it goes on, she says not yet; then she takes one section back."""
    told.sign_in(told.sari)
    page = told.sari.get(f"/rujukan/{told.number}/persetujuan?untuk=lanjut")
    form = next(f for f in page.forms if f.action.endswith("/persetujuan") and "act_id" in dict(f.fields))
    assert told.sari.browser.post(form.action, form.filled(answer="no", language="su")).status == 200
    page = told.sari.get(f"/kasus/{told.alias}/persetujuan")
    told.sari.get(next(link for link in page.links if link.endswith("/tarik")))
    assert told.sari.send("/persempit$", sections=["chronology"]).status == 200


def copies(told):
    """The recipient copies into a file of its own, one section that is written for the person and one that is not; and reads them there."""
    santi = told.santi
    santi.get(f"/rujukan/{told.number}")
    page = santi.send("/salin$", copy=["profile", "needs"])
    assert page.status == 200, page.text
    assert santi.get(next(link for link in page.links if "/salinan/" in link)).status == 200
    santi.get("/kasus")
    assert santi.send("/kasus/cari$", words=told.marks.word("search")).status == 200


def reveal_contact(told):
    """Whoever referred here and was accepted sees how to reach them."""
    page = told.sari.browser.post("/direktori/lbh/kontak", {"act_id": str(uuid4())})
    assert page.status == 200, page.text


def other_endings(told):
    """A draft given up, a sending recalled, one withdrawn, one declined; and a file whose safety is asked at the last step."""
    sari, santi = told.sari, told.santi
    told.open_file()
    for section in ("profile", "identity", "safe_contact"):
        told.fill(section)
    ready_draft(told)
    sari.get(f"/rujukan/{told.number}/draf/periksa")
    sari.send("jangan-tahu$", **{"safety.blocked_people": told.marks.word("blocked")})
    told.send()
    sari.get(f"/rujukan/{told.number}")
    assert sari.send("/tarik$").status == 200
    ready_draft(told)
    told.send()
    sari.get(f"/rujukan/{told.number}")
    reason = re.search(r'name="event_reason" value="([^"]+)"', sari.page.html).group(1)
    assert sari.send("/batal$", event_reason=reason, note=told.marks.word("withdraw.note")).status == 200
    ready_draft(told)
    told.send()
    told.sign_in(santi)
    told.open_preview()
    assert santi.send("/tolak$", decline_reason="duplicate", note=told.marks.word("decline.note")).status == 200
    told.sign_in(sari)
    told.draft()
    sari.get(f"/rujukan/{told.number}/draf/persetujuan")
    refuse_consent(told)
    another_recipient(told)
    sari.get(f"/rujukan/{told.number}/draf")
    assert sari.send("/hapus$").status == 200


def ready_draft(told):
    told.draft()
    told.write_needs()
    told.choose_package()
    told.agree()


def refuse_consent(told):
    page = told.sari.page
    form = next(f for f in page.forms if f.action.endswith("draf/persetujuan") and "act_id" in dict(f.fields))
    assert told.sari.browser.post(form.action, form.filled(answer="no", language="su")).status == 200


def another_recipient(told):
    page = told.sari.get(f"/rujukan/{told.number}/draf")
    told.sari.get(next(link for link in page.links if "/rujukan/baru/penerima" in link).replace("&amp;", "&"))
    assert told.sari.send("/tidak-dipilih$").status == 200
    assert told.sari.send("/draf/penerima$").status == 200


def the_file(told):
    """What a case lead does with a file, and the one field that shows only on demand."""
    sari, lead = told.sari, told.lead
    sari.get("/kasus")
    sari.get(f"/kasus/{told.alias}/bagian/identity")
    assert sari.send("/tampilkan$").status == 200
    sari.get(f"/kasus/{told.alias}")
    assert sari.send("/tahap$", stage=offered(sari.page, "stage")[1]).status == 200, sari.page.text
    sari.get(f"/kasus/{told.alias}/hak")
    assert sari.send("/hak$", **{"rights.counsel": "unmet"}).status == 200
    sari.get(f"/kasus/{told.alias}/persetujuan")
    assert sari.send("/hitung$", allowed="no").status == 200
    told.sign_in(lead)
    lead.get(f"/kasus/{told.alias}")
    for member in offered(lead.page, "member"):
        assert lead.send("/petugas$", member=member).status == 200, lead.page.text
    assert lead.send("/konflik$", member_code="AL-01").status == 200, lead.page.text
    lead.get(f"/kasus/{told.alias}")
    assert lead.send("/lindungi$").status == 200
    lead.get(f"/kasus/{told.alias}/selesai")
    assert lead.send("/selesai$", reason="goals_met", note=told.marks.word("closing.note")).status == 200, lead.page.text
    assert "Ditutup" in lead.page.text


def two_people_decide(told):
    """A child whose guardian is a suspect: the worker records, the case lead reads it and signs in her own session."""
    told.sign_in(told.sari)
    told.open_file()
    told.fill("profile", age_band="6_12", is_child="yes")
    told.fill("identity", birth_date="2017-03-15")
    told.fill("safe_contact")
    told.fill("safety")
    told.fill("child_guardian", guardian_is_suspect="yes", guardian_informed="no_unsafe")
    told.draft()
    page = told.sari.get(f"/rujukan/{told.number}/draf/persetujuan?sections=identity&given_by=institution")
    said = {name: told.marks.word(f"consent.{name}") for name in ("child_view", "reason", "weighed")}
    for _ in range(2):
        form = next(f for f in page.forms if f.action.endswith("draf/persetujuan") and "act_id" in dict(f.fields))
        answer = {"answer": "yes", "language": "id", "method": "written", "copy_given": "given", "assent": "yes"}
        page = told.sari.browser.post(form.action, form.filled(**answer, **said))
    assert page.status == 200, page.text
    told.sign_in(told.lead)
    page = told.lead.get(f"/kasus/{told.alias}/persetujuan")
    page = told.lead.get(next(link for link in page.links if link.endswith("/tanda-tangan")))
    assert said["reason"] in page.text
    assert told.lead.send("/tanda-tangan$").status == 200
    sent_back(told)


def without_her_consent(told):
    """The law asks for a report: the worker records why, the case lead signs in her own session and looks at it again."""
    told.network.agency("unit-ppa", "police", roles=("police_investigator",), services=("police_report",))
    transact(told.network.session, lambda s: s.execute(text("UPDATE agency SET state = 'active' WHERE code = 'unit-ppa'")))
    told.sign_in(told.sari, told.lead)
    told.open_file()
    told.fill("profile")
    told.fill("incident", violence_types=["sexual.rape"])
    told.draft("police_report")
    told.sari.get(f"/rujukan/{told.number}/draf/tanpa-persetujuan")
    said = {name: told.marks.word(f"consent.{name}") for name in ("facts", "why_not")}
    page = told.sari.send("/tanpa-persetujuan$", ground="report_sexual_violence", sections=["identity", "incident"], told="no", **said)
    assert page.status == 200, page.text
    page = told.lead.get("/tugas")
    path = next(link for link in page.links if link.endswith("/tanda-tangan") and told.alias in link)
    assert said["facts"] in told.lead.get(path).text
    assert told.lead.send("/tanda-tangan$").status == 200
    told.lead.get(path)
    assert told.lead.send("/tinjau$", stands="yes", note=told.marks.word("consent.note")).status == 200


def sent_back(told):
    """The worker submits the draft; the case lead, who is not assigned, looks and gives it back with a note."""
    sari, lead, check = told.sari, told.lead, f"/rujukan/{told.number}/draf/periksa"
    told.sign_in(sari)
    version = dict(sari.get(check).form("/kirim$").fields)["version"]
    submitted = sari.browser.post(f"/rujukan/{told.number}/langkah/submit", {"act_id": str(uuid4()), "version": version}, follow=False)
    assert submitted.status == 303, submitted.text
    told.sign_in(lead)
    assert lead.get(check).status == 200
    reason = re.search(r'name="send_back-event_reason" value="(\w+)"', lead.page.html).group(1)
    said = {"send_back-event_reason": reason, "send_back-note": told.marks.word("sent_back.note")}
    assert lead.browser.send("/langkah/send_back$", follow=False, **said).status == 303
    told.sign_in(sari)
    assert sari.get(f"/rujukan/{told.number}/draf/dikembalikan").status == 200


def the_accounts(told):
    """Members come, change and go; the key is renewed; a member looks after the own account."""
    admin, network = told.uptd.admin, told.network
    told.sign_in(admin)
    head, third = Person(network, "kepala@uptd-ppa.test"), Person(network, "tiga@uptd-ppa.test")
    head.enrol(admin.invite(head.mail, "agency_head"))
    waiting = third.enrol(admin.invite(third.mail, "social_worker"))
    code = re.search(r'class="id">([A-Z]{2}-[0-9]+)<', waiting.html).group(1)
    steps = [("peran", {"roles": ["companion"]}), ("peran", {"roles": ["companion", "agency_admin"]})]
    for action, fields in steps:
        admin.get(f"/anggota/{code}")
        assert admin.send(f"{action}$", **fields).status == 200, admin.page.text
    head.get(f"/anggota/{code}")
    assert head.send("setujui$").status == 200, head.page.text
    for action in ("tangguhkan", "atur-ulang", "akhiri"):
        admin.get(f"/anggota/{code}")
        assert admin.send(f"{action}$").status == 200, admin.page.text
    told.lead.sign_in_again("/lembaga/kunci/ganti")
    assert told.lead.send("ganti$").status == 200, told.lead.page.text
    own_account(told)


def the_directory(told):
    """The administrator of legal aid keeps what it offers."""
    admin = told.legal.admin
    told.sign_in(admin)
    admin.get("/lembaga/layanan")
    assert admin.send("/tempat$", capacity="limited", slots="3").status == 200
    assert admin.send("/lembaga/jam$", hours="office").status == 200
    assert admin.send("/lembaga/benar$").status == 200
    page = admin.send("/lembaga/layanan$", code=offered(admin.page, "code")[0])
    assert admin.send(f"{page.response.request.path}$", note="Contoh").status == 200, admin.page.text
    admin.get(page.response.request.path)
    assert admin.send("/hapus$").status == 200


def own_account(told):
    sari = told.sari
    told.sign_in(sari)
    sari.get("/akun")
    sari.send("setelan$", language="en", timezone="Asia/Jakarta")
    sari.get("/akun")
    sari.send("akun/bahasa$", language="id")
    elsewhere = Person(told.network, sari.mail)
    elsewhere.passphrase, elsewhere.secret = sari.passphrase, sari.secret
    elsewhere.sign_in()
    sari.get("/akun")
    sari.send("/akun/sesi$")
    sari.send("/akun/sesi/lain$")
    sari.get("/akun/frasa")
    new = sari.passphrase + " baru"
    sari.send("frasa$", present_passphrase=sari.passphrase, passphrase=new, passphrase_again=new)
    sari.passphrase = new
    sari.get("/akun")
    sari.send("/keluar$")


def the_log(told):
    auditor = told.auditor
    told.sign_in(auditor)
    auditor.get(f"/jejak/rujukan/{told.number}")
    auditor.get("/jejak")
    assert auditor.send("/jejak/periksa$").status == 200
    assert auditor.get("/jejak/3").status == 200
    assert auditor.get("/log/tile/entries/000.p/3").status == 200
    the_desk(told)


def the_desk(told):
    """Questions, the access sheet, a finding from opening to closing, and a survivor's statement on paper."""
    auditor, officer = told.auditor, told.uptd.admin
    auditor.get("/jejak/pertanyaan")
    assert auditor.get(f"/jejak/pertanyaan/1?referral={told.number}").status == 200
    assert auditor.get("/jejak/tinjauan").status == 200
    auditor.get("/jejak?agency=uptd-ppa&action=case.read")
    about = next(link.rpartition("/")[2] for link in auditor.page.links if re.fullmatch(r"/jejak/\d+", link))
    auditor.get(f"/temuan/baru?entry={about}")
    page = auditor.send("/temuan$", text="Mengapa bagian ini dibuka?")
    assert page.status == 200, page.text
    finding = page.heading
    told.sign_in(officer)
    officer.get("/temuan")
    officer.get(f"/temuan/{finding}")
    me = re.search(r'<option value="([0-9a-f-]{36})"', officer.page.html).group(1)
    assert officer.send("/tugaskan$", member_id=me).status == 200
    assert officer.send("/jelaskan$", **{"explain-text": "Petugas ini menangani kasusnya."}).status == 200
    officer.get(f"/subjek/{told.alias}")
    assert officer.send("/permintaan$", kind="correct").status == 200
    assert officer.send("/selesai$").status == 200
    officer.get(f"/subjek/{told.alias}")
    assert officer.send("/permintaan$", kind="access").status == 200
    asked = re.search(r'name="(PD-[^"]+-reason)"', officer.page.html).group(1)
    assert officer.send("/tolak$", **{asked: "taken_back"}).status == 200
    officer.get(f"/subjek/{told.alias}")
    hand = re.search(r'<option value="([0-9a-f-]{36})"', officer.page.html).group(1)
    page = officer.send("/terbitkan$", asked_alone="yes", is_safe="yes", handed_by=hand)
    assert page.status == 200
    assert officer.get(next(link for link in page.links if link.endswith(".pdf"))).status == 200
