"""What stands in the database before anything is measured: files, drafts ready to send, referrals sent and accepted; all through real actions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.people import Founder
from referral_hub import protocol
from referral_hub.cases import actions as cases
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import Giving, Shown
from referral_hub.db import transact
from referral_hub.referrals import actions, reading
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind

if TYPE_CHECKING:
    import uuid

    from sqlalchemy.orm import Session

    from benchmarks.people import Member
    from referral_hub.accounts.values import Caller
    from referral_hub.cases.facts import Case
    from referral_hub.settings import Settings

SERVICE = "legal_consult"
SECTIONS = ("meta", "profile", "identity", "safe_contact", "needs", "consent")
OPENED = ("needs", "identity", "profile")
LANES = 8
SENTENCE = "Penyintas contoh ini tidak ada; teks ini hanya dibuat supaya panjangnya seperti yang ditulis petugas sungguhan. "

PROFILE = {"age_band": "25_44", "sex": "P", "languages": ["su", "id"], "nationality_group": "WNI", "access_needs": ["none"]}
IDENTITY = {"full_name": "Melati Simulasi", "nik": "3273015503900000", "birth_date": "1990-03-15", "birth_place": "Bandung", "occupation": "other"}
SAFE_CONTACT = {
    "method": ["companion"], "contact_allowed": True, "phone_shared": False, "must_not_know": "majikan", "code_word_ok": "melon",
    "safe_times": SENTENCE, "unsafe_times": SENTENCE, "say_if_other_answers": SENTENCE,
}  # fmt: skip
BLOCKED = {"blocked_people": "mantan majikan"}
BLOCKED_FIELDS = ("blocked_people", "blocked_agencies", "blocked_kinds")
META = {"purpose": SENTENCE * 2}
NEEDS = {
    "wishes": SENTENCE * 3, "services_given": ["case_management"], "current_state": SENTENCE * 10, "service_notes": SENTENCE * 32,
    "expected_result": SENTENCE * 30,
}  # fmt: skip
RESTRICTIONS = SENTENCE * 2


@dataclass(frozen=True)
class Size:
    """How much is seeded."""

    read: int  # referrals sent and accepted, for each recipient
    drafts: int  # drafts ready to send, for each sender
    accounts: int  # accounts that sign in


@dataclass
class Seeded:
    """What the measurements work with."""

    readers: list[Member] = field(default_factory=list)
    senders: list[Member] = field(default_factory=list)
    accounts: list[Member] = field(default_factory=list)
    lists: list[Member] = field(default_factory=list)  # of the busy and of the ten-row agency
    parts: dict[str, Any] = field(default_factory=dict)  # the six parts of one sending, as they were sealed
    numbers: dict[uuid.UUID, list[str]] = field(default_factory=dict)  # reader → numbers of referrals
    drafts: dict[uuid.UUID, list[tuple[str, int]]] = field(default_factory=dict)  # sender → number and version of drafts
    shown: list[dict[str, Any]] = field(default_factory=list)  # what opens to the recipients, for the twin's plain table
    written: list[dict[str, Any]] = field(default_factory=list)  # what the drafts would send
    content_bytes: int = 0  # of the six parts of one sending

    @property
    def busy(self) -> Member:
        """Return a member of the agency with many referrals."""
        return self.lists[0]

    @property
    def small(self) -> Member:
        """Return a member of the agency that has ten."""
        return self.lists[1]


class Seeding:
    """Fills a migrated database."""

    def __init__(self, session: Session, settings: Settings, size: Size) -> None:
        self.size = size
        self.founder = Founder(session, settings)
        self.founder.name_log(settings.log_origin)
        self.uptd = self.founder.agency("uptd-ukur", "social_services", role="social_worker")
        self.lbh = self.founder.agency("lbh-ukur", "legal", role="lawyer", services=(SERVICE,))
        self.made = Seeded()

    def fill(self) -> Seeded:
        """Seed everything and return it."""
        made, founder = self.made, self.founder
        made.senders = [founder.member(self.uptd, n, "social_worker") for n in range(1, LANES + 1)]
        made.readers = [founder.member(self.lbh, n, "lawyer") for n in range(1, LANES + 1)]
        made.accounts = [founder.member(self.uptd, n, "social_worker") for n in range(100, 100 + self.size.accounts)]
        made.lists = [founder.member(founder.agency(code, "legal", role="lawyer"), 1, "lawyer") for code in ("lbh-sibuk", "lbh-kecil")]
        for sender, reader in zip(made.senders, made.readers, strict=True):
            self._pair(founder.caller(sender), founder.caller(reader), sender, reader)
        return made

    def _pair(self, sending: Caller, reading_: Caller, sender: Member, reader: Member) -> None:
        case = self._file(sending)
        self.made.numbers[reader.id] = [self._accepted(sending, reading_, case) for _ in range(self.size.read)]
        self.made.drafts[sender.id] = [self._ready(sending, case)[1:] for _ in range(self.size.drafts)]

    def _file(self, caller: Caller) -> Case:
        case: Case = self.founder.do(cases.open_case, caller)
        for section, values in (("profile", PROFILE), ("identity", IDENTITY), ("safe_contact", SAFE_CONTACT)):
            self.founder.do(cases.edit_section, caller, case_id=case.id, section=section, values=values, version=0, as_other=True)
        self.founder.do(cases.edit_section, caller, case_id=case.id, section="safety", values=BLOCKED, version=0, only=BLOCKED_FIELDS)
        return case

    def _ready(self, caller: Caller, case: Case) -> tuple[uuid.UUID, str, int]:
        """Return id, number and version of a draft that only waits to be sent."""
        made = self.founder.do(
            actions.create, caller, case_id=case.id, service=SERVICE, recipient_agency=self.lbh.id, parts={"meta": META, "needs": NEEDS}
        )
        agreed = self.founder.do(actions.give_consent, caller, referral_id=made.id, version=made.version, giving=self._giving())
        self.made.written.append({"owner": made.id, "number": made.number})
        return made.id, made.number, agreed.version

    def _accepted(self, sending: Caller, reading_: Caller, case: Case) -> str:
        referral_id, number, version = self._ready(sending, case)
        self.made.written.pop()
        do = self.founder.do
        sent = do(
            actions.send, sending, referral_id=referral_id, version=version, safe_contact_read=True, recipient_code=self.lbh.code, phoned=True
        )
        opened = do(actions.open_preview, reading_, referral_id=referral_id, version=sent.version)
        promise = self.founder.now() + timedelta(days=1)
        do(
            actions.accept, reading_, referral_id=referral_id, version=opened.version, handler=reading_.member.id, first_contact_by=promise
        )
        for section in OPENED:
            content = reading.reveal(do(reading.open_section, reading_, referral_id=referral_id, section=section)).sections[0]
            self.made.shown.append({"owner": referral_id, "section": section, "content": content})
        if not self.made.parts:
            self._keep_parts(reading_, referral_id)
        return number

    def _keep_parts(self, caller: Caller, referral_id: uuid.UUID) -> None:
        sealed = transact(
            self.founder.session,
            lambda s: opening.gather(
                s, member_id=caller.member.id, agency_id=caller.agency.id, object_kind=ObjectKind.REFERRAL, object_id=referral_id,
                kind=GrantKind.FULL, now=self.founder.now(),
            ),
        )  # fmt: skip
        plain = opening.unseal(caller.keys.hub, caller.keys.member_key, sealed)
        self.made.parts = {name: content.fields() for name, content in plain.items()}
        self.made.content_bytes = sum(len(content.value()) for content in plain.values())

    def _giving(self) -> Giving:
        now = self.founder.now()
        purpose = protocol.current().service(SERVICE).purpose
        until = now.date() + timedelta(days=90)
        shown = Shown(
            form="adult_release", text_language="id", from_agency=self.uptd.code, to_agency=self.lbh.code, agency_id=self.lbh.id, purpose=purpose,
            sections=SECTIONS, valid_until=until, onward=False, contact=True, stats=False, blocked="mantan majikan",
        )  # fmt: skip
        return Giving(
            agency_id=self.lbh.id, service=SERVICE, purpose=purpose, sections=frozenset(SECTIONS), excluded_fields=(), restrictions=RESTRICTIONS,
            use_limits=frozenset({"no_media"}), onward_allowed=False, contact_allowed=True, stats_allowed=False, valid_until=until, given_by="self",
            method="written", language="id", given_at=now, copy_given="given", witness=(), shown=shown, text_shown=consents.wording(shown).shown,
        )  # fmt: skip
