"""One agency with one of everything: a file, a draft, a referral it sent, one that came in; and anybody can sit down at a browser.

Made through the rooms' own actions by colleagues who may; the tests then let others try the same addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from referral_hub.accounts import sessions
from referral_hub.accounts.rules import times
from referral_hub.cases import queries as cases
from referral_hub.db import transact
from referral_hub.referrals import actions
from referral_hub.vault.member import MemberKey
from referral_hub.web.files import service_token
from tests.factories import Network
from tests.gate.browser import Browser
from tests.referrals.story import DAY, HOUR, Story

# What a survivor may ask of each kind of agency here.
SERVICES = {
    "social_services": "case_management", "police": "police_report", "health": "medical_exam", "legal": "legal_consult",
    "shelter": "temporary_shelter", "psychosocial": "mental_health", "reintegration": "family_tracing", "witness_protection": "witness_protection",
}  # fmt: skip
COLLEAGUE = "XZ-77"  # a member's code that no other agency uses


@dataclass(frozen=True)
class Things:
    """What there is to try: the codes and numbers that stand in addresses."""

    alias: str
    consent_id: str
    draft: str
    outgoing: str
    incoming: str
    served: str
    colleague_id: str
    copy: str


class Scene:
    """An agency of `kind`, its things, and a second agency of the same kind that has nothing to do with them."""

    def __init__(self, app, session, folder, *, kind, now):
        self.app, self.session, self.now = app, session, now
        self.network, self.lead = Network(session, folder, now=now), None
        self.ours = self.network.agency("kita", kind)
        self.theirs = self.network.agency("lain", kind)
        self.network.offer(self.ours, SERVICES[kind])

    def furnish(self):
        """Make the things, each by somebody who may."""
        lead = self.lead = self.network.member(self.ours, *worker_roles(self.ours.kind), code=COLLEAGUE)
        legal, sender = self.network.agency("lbh-lain", "legal"), self.network.agency("uptd-lain", "social_services")
        self.network.offer(legal, "legal_consult")
        lawyer, peksos = self.network.member(legal, "lawyer"), self.network.member(sender, "social_worker")
        away = _Story(self.session, self.network, self.ours, legal, lead, lawyer, self.now)
        case = away.open_file()
        outgoing, number = away.sent(case=case), {}
        consent_id = away.row().consent_id
        number["draft"] = away.draft(case=case).number
        away.agree()
        here = _Story(self.session, self.network, sender, self.ours, peksos, lead, self.now)
        service = SERVICES[self.ours.kind]
        number["incoming"] = here.sent(service=service).number
        number["served"] = here.served(service=service).number
        here.at(lead, 5 * HOUR).do(actions.copy_sections, referral_id=here.id, sections=["needs"], case_id=case.id)
        copy = cases.copies_of(self.session, referral_id=here.id)[0].id
        self.session.rollback()
        return Things(case.alias, str(consent_id), number["draft"], outgoing.number, number["incoming"], number["served"], str(lead.id), str(copy))

    def browser(self, person, *, now):
        """A browser in which this person has just signed in, both factors shown."""
        halves = self.app.extensions["referral_hub"].halves
        key = person.keys.member_key or MemberKey.generate()
        cookie = transact(
            self.session,
            lambda s: sessions.start(
                s, halves=halves, member_id=person.id, key=key, purpose=sessions.FULL, method="passphrase_totp", device="test",
                lifetime=times.LIMITS.lifetime, now=now, fresh=True,
            ),
        )  # fmt: skip
        browser = Browser(self.app)
        browser.client.set_cookie("hub", cookie.text())
        return browser


class _Story(Story):
    """The story of the referral tests between any two agencies."""

    def __init__(self, session, network, uptd, lbh, sari, santi, clock):
        super().__init__(session, network, uptd, lbh, sari, santi, clock=clock)

    def send(self, **inputs):
        return super().send(**({"recipient_code": self.lbh.code} | inputs))

    def served(self, **draft):
        """A referral that is being served, with a note on it."""
        self.sent(**draft)
        self.at(self.santi, HOUR).on("open_preview")
        self.at(self.santi, 2 * HOUR).on("accept", handler=self.santi.id, first_contact_by=self.clock + DAY)
        self.at(self.santi, 3 * HOUR).on("start")
        self.at(self.santi, 4 * HOUR).do(actions.write_note, referral_id=self.id, note="Contoh catatan sendiri.")
        return self.at(self.santi, 4 * HOUR).on("progress", milestone="session_held", note="Contoh catatan.")


def worker_roles(kind):
    """The roles that together do all casework at an agency of `kind`."""
    return {
        "social_services": ("case_lead", "social_worker"), "police": ("police_investigator", "police_head"), "health": ("doctor", "nurse"),
        "legal": ("lawyer", "paralegal"), "shelter": ("shelter_manager",), "psychosocial": ("psychologist", "counsellor"),
        "reintegration": ("reintegration_officer",), "witness_protection": ("lpsk_officer",),
    }[kind]  # fmt: skip


def calls(things):
    """Every content route, as a person would call it on these things: endpoint → (path, form or None, whether it names a thing of the agency)."""
    file, consent = f"/kasus/{things.alias}", f"/kasus/{things.alias}/persetujuan"
    draft, outgoing = f"/rujukan/{things.draft}", f"/rujukan/{things.outgoing}"
    incoming, served, member = f"/rujukan/{things.incoming}", f"/rujukan/{things.served}", f"/anggota/{COLLEAGUE}"
    invitation = {"name": "Contoh", "mail": f"{uuid4().hex[:8]}@kita.test", "roles": ["agency_head"], "language": "id", "timezone": "Asia/Jakarta"}
    offer = service_token("legal_consult")
    moment = {"first_contact_by": "2026-11-25T09:00", "handler": things.colleague_id}
    agency = {"name": "Baru", "code": "baru", "kind": "legal", "region": "32.73", "coverage": ["32.73"], "timezone": "Asia/Jakarta", "hours": "office"}
    return {
        "agency.activate": ("/lembaga/kita/aktifkan", {}, False),
        "agency.confirm_founding": ("/lembaga/kita/sidik", {"fingerprint": "1" * 24}, False),
        "agency.confirm_recovery": ("/lembaga/kunci/kode", {"last_four": "ABCD"}, False),
        "agency.create": ("/lembaga/baru", agency, False),
        "agency.found": ("/lembaga/kunci", {}, False),
        "agency.invite": ("/lembaga/kita/undang", invitation, False),
        "agency.renew": ("/lembaga/kunci/ganti", {}, False),
        "asking_again.answer": (f"{outgoing}/persetujuan", {"answer": "no", "language": "id", "untuk": "lanjut", "sections": ["identity"]}, True),
        "cases.close": (f"{file}/selesai", {"reason": "goals_met", things.outgoing: "case_closed", things.draft: "case_closed"}, True),
        "cases.close_form": (f"{file}/selesai", None, True),
        "cases.copied": (f"{file}/salinan/{things.copy}", None, True),
        "cases.count": (f"{file}/persetujuan/hitung", {"allowed": "yes", "language": "id", "given_by": "self"}, True),
        "cases.rights_page": (f"{file}/hak", None, True),
        "cases.save_rights": (f"{file}/hak", {"rights.counsel": "unmet"}, True),
        "cases.search": ("/kasus/cari", {"words": "Contoh Nama"}, False),
        "cases.assign": (f"{file}/petugas", {"member": things.colleague_id}, True),
        "cases.conflict": (f"{file}/konflik", {"agency": str(uuid4()), "member_code": COLLEAGUE}, True),
        "cases.edit": (f"{file}/bagian/identity/ubah", None, True),
        "cases.lists": ("/kasus", None, False),
        "cases.open_file": ("/kasus", {}, False),
        "cases.protect": (f"{file}/lindungi", {"protected": "yes"}, True),
        "cases.reveal": (f"{file}/bagian/identity/tampilkan", {"field": "nik"}, True),
        "cases.save": (f"{file}/bagian/identity", {"identity.full_name": "Contoh"}, True),
        "cases.section": (f"{file}/bagian/identity", None, True),
        "cases.show": (file, None, True),
        "cases.stage": (f"{file}/tahap", {"stage": "assessment"}, True),
        "consents.answer": (f"{draft}/draf/persetujuan", {"answer": "no", "language": "id", "sections": ["identity"]}, True),
        "consents.ask": (f"{draft}/draf/persetujuan", None, True),
        "consents.narrow": (f"{consent}/{things.consent_id}/persempit", {"sections": ["identity"]}, True),
        "consents.of_case": (consent, None, True),
        "second_signer.show": (f"{consent}/{things.consent_id}/tanda-tangan", None, True),
        "second_signer.sign": (f"{consent}/{things.consent_id}/tanda-tangan", {}, True),
        "second_signer.review": (f"{consent}/{things.consent_id}/tinjau", {"stands": "yes", "note": "Contoh"}, True),
        "consents.withdraw": (f"{consent}/{things.consent_id}/tarik", {}, True),
        "consents.withdraw_form": (f"{consent}/{things.consent_id}/tarik", None, True),
        "directory.reveal": ("/direktori/kita/kontak", {}, False),
        "drafts.begin": (f"/rujukan/baru?kasus={things.alias}", None, True),
        "drafts.check": (f"{draft}/draf/periksa", None, True),
        "drafts.choose_recipient": (f"{draft}/draf/penerima", {"penerima": str(uuid4())}, True),
        "drafts.create": ("/rujukan/baru", {"kasus": things.alias, "layanan": "legal_consult", "urgensi": "normal", "penerima": str(uuid4())}, True),
        "drafts.discard": (f"{draft}/draf/hapus", {}, True),
        "correcting.form": (f"{outgoing}/kebutuhan", None, False),
        "correcting.correct": (f"{outgoing}/kebutuhan", {"needs.wishes": "Contoh", "event_reason": "correction"}, True),
        "drafts.mark": ("/rujukan/baru/penerima/tidak-dipilih", {"layanan": service_token("legal_consult"), "kasus": things.alias}, True),
        "drafts.narrow": ("/rujukan/baru/penerima", {"layanan": service_token("legal_consult"), "sex": "P", "language": ["sign"]}, False),
        "drafts.needs": (f"{draft}/draf/kebutuhan", None, True),
        "drafts.package": (f"{draft}/draf/isi", None, True),
        "drafts.recipients": (f"/rujukan/baru/penerima?layanan={service_token('legal_consult')}", None, False),
        "drafts.returned": (f"{draft}/draf/dikembalikan", None, False),
        "drafts.save_blocked": (f"{draft}/draf/jangan-tahu", {"safety.blocked_people": "Contoh"}, True),
        "drafts.save_needs": (f"{draft}/draf/kebutuhan", {"urgency": "normal", "needs.wishes": "Contoh"}, True),
        "drafts.save_package": (f"{draft}/draf/isi", {}, True),
        "drafts.send": (f"{draft}/kirim", {"read_block": "yes", "called": "yes", "confirm_recipient": "lbh-lain"}, True),
        "log.access_review": ("/jejak/tinjauan", None, False),
        "log.ask": ("/jejak/pertanyaan/2?subject=kita/" + things.alias, None, False),
        "log.assign_finding": ("/temuan/TM-AAAA-AAAA/tugaskan", {"member_id": things.colleague_id}, False),
        "log.finding": ("/temuan/TM-AAAA-AAAA", None, False),
        "log.findings": ("/temuan", None, False),
        "log.open_finding": ("/temuan", {"entry": "1", "text": "Mengapa entri ini ada?"}, False),
        "log.questions": ("/jejak/pertanyaan", None, False),
        "log.step_finding": ("/temuan/TM-AAAA-AAAA/langkah/tutup", {"close-text": "Sudah jelas semuanya.", "close-verdict": "explained"}, False),
        "log.entry": ("/jejak/1", None, False),
        "log.of_referral": (f"/jejak/rujukan/{things.outgoing}", None, False),
        "log.table": ("/jejak", None, False),
        "log.verify": ("/jejak/periksa", {"entry": "1"}, False),
        "members.admit": (f"{member}/akui", {"fingerprint": "1" * 24}, True),
        "members.approve_roles": (f"{member}/setujui", {}, True),
        "members.change_roles": (f"{member}/peran", {"roles": ["agency_head"]}, True),
        "members.invite": ("/anggota/undang", invitation, False),
        "members.leave": (f"{member}/akhiri", {}, True),
        "members.reset": (f"{member}/atur-ulang", {}, True),
        "members.suspend": (f"{member}/tangguhkan", {}, True),
        "offers.add": ("/lembaga/layanan", {"code": "legal_consult"}, False),
        "offers.capacity": (f"/lembaga/layanan/{offer}/tempat", {"capacity": "none"}, False),
        "offers.change": (f"/lembaga/layanan/{offer}", {"hours": "office"}, False),
        "offers.profile": ("/lembaga/jam", {"hours": "office", "languages": ["id"]}, False),
        "offers.remove": (f"/lembaga/layanan/{offer}/hapus", {}, False),
        "offers.verify": ("/lembaga/benar", {}, False),
        "proofs.entries": ("/log/tile/entries/000.p/1", None, False),
        "referrals.accept": (f"{incoming}/terima", moment, True),
        "referrals.claim": (f"{incoming}/tangani", {}, True),
        "referrals.complete": (f"{served}/selesai", {"outcome": "service_given"}, True),
        "referrals.decline": (f"{incoming}/tolak", {"decline_reason": "duplicate"}, True),
        "referrals.lists": ("/rujukan", None, False),
        "referrals.notes": (f"{served}/catatan", None, True),
        "referrals.open_preview": (f"{incoming}/buka", {}, True),
        "referrals.progress": (f"{served}/perkembangan", {"milestone": "session_held", "note": "Contoh"}, True),
        "referrals.recall": (f"{outgoing}/tarik", {}, True),
        "referrals.reveal": (f"{served}/bagian/identity/tampilkan", {"field": "nik"}, True),
        "referrals.section": (f"{served}/bagian/identity", None, True),
        "referrals.show": (served, None, True),
        "referrals.copy": (f"{served}/salin", {"copy": ["profile"], "file": things.alias}, True),
        "referrals.start_anew": (f"{outgoing}/lagi", {}, True),
        "referrals.start": (f"{served}/mulai", {}, True),
        "referrals.message": (f"{served}/pesan", {"message": "Contoh"}, True),
        "referrals.own_notes": (f"{served}/catatan-lembaga", None, True),
        "referrals.why": (f"{outgoing}/alasan", None, False),
        "referrals.step": (f"{served}/langkah/resume", {}, True),
        "referrals.write_note": (f"{served}/catatan-lembaga", {"internal_note": "Contoh"}, True),
        "referrals.withdraw": (f"{outgoing}/batal", {"event_reason": "sent_by_mistake"}, True),
        "subject.answer_request": ("/subjek/permintaan/PD-AAAA-AAAA/selesai", {}, False),
        "subject.paper_file": (f"/subjek/{things.alias}/lembar/{uuid4()}.pdf", None, False),
        "subject.record_request": (f"/subjek/{things.alias}/permintaan", {"kind": "access", "asked_at": "2026-11-24T01:00"}, True),
        "subject.refuse_request": ("/subjek/permintaan/PD-AAAA-AAAA/tolak", {"reason": "endangers"}, False),
        "subject.requests_desk": ("/subjek/permintaan", None, False),
        "subject.paper": (f"/subjek/{things.alias}/lembar/{uuid4()}", None, False),
        "subject.release": (f"/subjek/{things.alias}/terbitkan", {"asked_alone": "yes", "is_safe": "yes", "handed_by": things.colleague_id}, True),
        "subject.show": (f"/subjek/{things.alias}", None, True),
        "tasks.show": ("/tugas", None, False),
        "without.record": (f"{draft}/draf/tanpa-persetujuan", {"ground": "court_order", "sections": ["identity"], "facts": "Contoh", "told": "yes"}, True),
    }  # fmt: skip
