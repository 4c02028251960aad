"""Agencies, members with real keys and running sessions, as sign-in and enrolment would leave them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from referral_hub import access
from referral_hub.accounts import entering, proving, sessions
from referral_hub.accounts.records import MemberRow
from referral_hub.audit.append import name_log
from referral_hub.db import transact
from referral_hub.directory.records import AgencyRow, ServiceRow
from referral_hub.vault import agency as agency_keys
from referral_hub.vault import hub as hub_keys
from referral_hub.vault import kdf, totp
from referral_hub.vault import member as member_keys
from referral_hub.vault.hub import Use
from referral_hub.vault.kdf import KdfParameters
from referral_hub.vault.keyring import Keyring
from referral_hub.vault.member import MemberKey
from referral_hub.vault.sessions import ServerHalves

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from referral_hub.accounts.values import Caller
    from referral_hub.settings import Settings

PASSPHRASE = "lima kata acak untuk diukur"  # noqa: S105 - of accounts that live as long as a measurement
TIMES = sessions.times


@dataclass(frozen=True)
class Agency:
    """One agency; `founder` holds its key and admits the others."""

    id: uuid.UUID
    code: str
    kind: str
    founder: Keyring


@dataclass(frozen=True)
class Member:
    """One member: session cookie, and what signing in asks for."""

    id: uuid.UUID
    agency: Agency
    mail: str
    secret: str
    cookie: str


class Founder:
    """Makes the hub, agencies and members in a migrated database. All accounts share one derivation, so that seeding takes seconds."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self.session = session
        hub_keys.create_key_folder(settings.key_folder)
        self.hub = transact(
            session,
            lambda s: hub_keys.bootstrap(
                s, folder=settings.key_folder, profile="test", now=self.now(), tombstone_file=settings.tombstone_file
            ),
        )
        self.halves = ServerHalves.load(settings.session_folder, require_tmpfs=False)
        self.salt, self.parameters = kdf.new_salt(), KdfParameters()
        self.unlock = kdf.unlock(PASSPHRASE, salt=self.salt, parameters=self.parameters)

    @staticmethod
    def now() -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)

    def agency(self, code: str, kind: str, *, role: str, services: tuple[str, ...] = ()) -> Agency:
        """Return a new active agency whose key was founded by a member with `role`; it offers `services`."""
        made = Agency(uuid.uuid4(), code, kind, Keyring(self.hub, uuid.uuid4(), MemberKey.generate()))

        def work(session: Session) -> None:
            session.add(_agency_row(made, self.now()))
            session.flush()
            session.add_all(_service_row(made, service, self.now()) for service in services)
            session.add(self._member_row(made.founder.member_id, made, made.founder.key(), "PS-00", role, ""))
            session.flush()
            agency_keys.found(session, keys=made.founder, agency_id=made.id, now=self.now())

        transact(self.session, work)
        return made

    def member(self, agency: Agency, number: int, role: str) -> Member:
        """Return a new active member of `agency`, admitted to its key, with a passphrase, an authenticator and a running session."""
        return transact(self.session, lambda s: self._member(s, agency, number, role))

    def _member(self, session: Session, agency: Agency, number: int, role: str) -> Member:
        member_id, key, secret = uuid.uuid4(), MemberKey.generate(), totp.new_secret()
        mail = f"anggota{number}@{agency.code}.test"
        row = self._member_row(member_id, agency, key, f"PS-{number:02}", role, mail)
        row.totp_locked = self.hub.lock(Use.ACCOUNT, secret, "member", member_id, "totp")
        session.add(row)
        session.flush()
        if access.gives_key(frozenset({role})):
            digits = member_keys.fingerprint(hub_id=self.hub.hub_id, member_id=member_id, public=key.public)
            agency_keys.admit(
                session, keys=agency.founder, agency_id=agency.id, member_id=member_id, public=key.public, typed_fingerprint=digits, now=self.now()
            )
        cookie = sessions.start(
            session, halves=self.halves, member_id=member_id, key=key, purpose=sessions.FULL, method="passphrase+totp", device="bench",
            lifetime=TIMES.LIMITS.lifetime, now=self.now(),
        )  # fmt: skip
        return Member(member_id, agency, mail, secret.hex(), cookie.text())

    def _member_row(self, member_id: uuid.UUID, agency: Agency, key: MemberKey, code: str, role: str, mail: str) -> MemberRow:
        row = MemberRow(
            id=member_id, agency_id=agency.id, code=code, state="active", roles=[role], name_locked=b"", invited_at=self.now(), language="id",
            timezone="Asia/Jakarta", version=1, public_key=key.public, mail_token=entering.mail_token(self.hub, mail) if mail else None,
        )  # fmt: skip
        proving.keep(row, hub=self.hub, key=key, unlock=self.unlock, salt=self.salt, parameters=self.parameters)
        return row

    def caller(self, member: Member) -> Caller:
        """Return who calls with the member's cookie."""
        return transact(
            self.session, lambda s: sessions.resume(s, hub=self.hub, halves=self.halves, cookie=member.cookie, now=self.now())
        )

    def do(self, verb: Any, caller: Caller, **inputs: Any) -> Any:
        """Do one act or opening as `caller`, in a transaction of its own."""
        facts = {"actor": caller.actor, "keys": caller.keys, "now": self.now(), **inputs}
        return transact(self.session, lambda s: verb(s, **facts))

    def name_log(self, origin: str) -> None:
        """Give the log its name."""
        transact(self.session, lambda s: name_log(s, origin=origin))


def _agency_row(agency: Agency, now: datetime) -> AgencyRow:
    return AgencyRow(
        id=agency.id, code=agency.code, name=f"Lembaga {agency.code} (simulasi)", kind=agency.kind, region="32.73", coverage=["32.73"],
        timezone="Asia/Jakarta", hours="office", government=False, on_call_24h=False, languages=["id"], access=[], disclosure="default", tiers={},
        sectors=[], state="active", created_at=now, version=1,
    )  # fmt: skip


def _service_row(agency: Agency, code: str, now: datetime) -> ServiceRow:
    return ServiceRow(
        id=uuid.uuid4(), agency_id=agency.id, code=code, hours="office", closed=False, capacity="available", slots=None, capacity_as_of=now,
        sex=[], age_min=0, age_max=None, bring=[], note="",
    )  # fmt: skip
