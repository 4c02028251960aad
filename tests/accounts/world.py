"""A network that comes to life through the actions alone: links, passphrases, codes, fingerprints read over the phone."""

import dataclasses
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from referral_hub.access import Actor
from referral_hub.accounts import actions, bootstrap, enrolment, sessions, signin
from referral_hub.accounts.slots import DerivationSlots
from referral_hub.accounts.values import Next, Source
from referral_hub.db import transact
from referral_hub.directory import actions as directory
from referral_hub.directory.facts import NewAgency
from referral_hub.vault import hub as hub_keys
from referral_hub.vault import totp
from referral_hub.vault.keyring import Keyring
from referral_hub.vault.sessions import ServerHalves
from tests.vault.cheap import CHEAP

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
OFFICE = Source(address="198.51.100.7", device="Firefox · Linux")
PASSPHRASE = "lima kata acak untuk {}"
OPERATOR = Actor(
    kind="operator", member_id=None, agency_id=None, agency_kind="", agency_code="", code="", roles=frozenset(), state="active", holds_key=False,
    strength="full", auth_method="command", session_digest="", language="id", timezone="Asia/Jakarta",
)  # fmt: skip


class Clock:
    """A held clock: the time moves when the story says so."""

    def __init__(self, now=NOW):
        self.now = now

    def pass_(self, **span):
        self.now += timedelta(**span)
        return self.now


@dataclasses.dataclass
class Person:
    """Somebody with a browser: what she knows, and the cookies she holds."""

    network: object
    mail: str
    member: object
    token: str
    passphrase: str
    secret: bytes | None = None
    cookie: str | None = None
    device: str | None = None

    @property
    def id(self):
        return self.member.id

    def caller(self):
        n = self.network
        return transact(n.session, lambda s: sessions.resume(s, hub=n.hub, halves=n.halves, cookie=self.cookie, now=n.clock.now))

    def act(self, verb, **inputs):
        """Do `verb` in a request of one's own: resumed, one transaction."""
        n, caller = self.network, self.caller()
        return transact(n.session, lambda s: verb(s, actor=caller.actor, keys=caller.keys, now=n.clock.now, **inputs))

    def enrol(self):
        n = self.network
        transact(n.session, lambda s: enrolment.accept_terms(s, token=self.token, now=n.clock.now))
        self.cookie = enrolment.choose_passphrase(n.session, token=self.token, passphrase=self.passphrase, source=OFFICE, **n.slow()).cookie
        setup = transact(n.session, lambda s: enrolment.second_factor(s, hub=n.hub, cookie=self.cookie, now=n.clock.now))
        self.secret = secret_of(setup)
        done = enrolment.confirm(n.session, cookie=self.cookie, code=self.code(), source=OFFICE, **n.quick())
        self.cookie, self.device, self.member = done.cookie, done.device_cookie, done.member
        return done

    def code(self):
        return totp.code(self.secret, now=self.network.clock.now)

    def begin(self, *, passphrase=None, source=OFFICE, device=None):
        n = self.network
        return signin.begin_sign_in(
            n.session, mail=self.mail, passphrase=passphrase or self.passphrase, source=source, device_cookie=device, **n.slow()
        )

    def finish(self, cookie, *, code=None, source=OFFICE, device=None):
        n = self.network
        return signin.finish_sign_in(n.session, cookie=cookie, code=code or self.code(), source=source, device_cookie=device, **n.quick())

    def sign_in(self, *, device=None):
        """Sign in after the next code has come (each is good once)."""
        self.network.clock.pass_(seconds=60)
        done = self.finish(self.begin(device=device).cookie, device=device)
        self.cookie, self.device, self.member = done.cookie, done.device_cookie, done.member
        return done


def secret_of(setup):
    import base64

    return base64.b32decode(setup.secret + "=" * (-len(setup.secret) % 8))


class Network:
    def __init__(self, session, folder):
        self.session, self.clock = session, Clock()
        hub_keys.create_key_folder(folder / "keys")
        self.hub = transact(session, lambda s: hub_keys.bootstrap(s, folder=folder / "keys", profile="test", now=NOW))
        self.halves = ServerHalves.load(folder / "halves", require_tmpfs=False)
        self.slots = DerivationSlots(workers=1, cores=2)
        self.operator_keys = Keyring(self.hub, self.hub_member(), None)

    @staticmethod
    def hub_member():
        import uuid

        return uuid.UUID(int=0)

    def slow(self):
        return self.quick() | {"kdf": CHEAP, "slots": self.slots}

    def quick(self):
        return {"hub": self.hub, "halves": self.halves, "now": self.clock.now}

    def operator(self, verb, **inputs):
        return transact(self.session, lambda s: verb(s, actor=OPERATOR, now=self.clock.now, **inputs))

    def secretariat(self):
        """Make the network's agency; return its administrator, enrolled."""
        new = agency_input("sekretariat", "network")
        _, link = self.operator(
            bootstrap.found_network, keys=self.operator_keys, agency=new, name="Zaki", mail="zaki@jejaring.rujukan.test"
        )
        zaki = self.person(link, "zaki@jejaring.rujukan.test")
        zaki.enrol()
        return zaki

    def agency(self, code, kind="social_services"):
        return self.operator(directory.create_agency, agency=agency_input(code, kind))

    def first_administrator(self, agency, given="hendra"):
        mail = f"{given}@{agency.code}.rujukan.test"
        link = self.operator(
            actions.invite, keys=self.operator_keys, agency_id=agency.id, roles=["agency_admin"], name=given.title(), mail=mail
        )
        person = self.person(link, mail)
        person.enrol()
        return person

    def invited(self, by, agency, given, *roles, **more):
        mail = f"{given}@{agency.code}.rujukan.test"
        link = by.act(actions.invite, agency_id=agency.id, roles=roles, name=given.title(), mail=mail, **more)
        return self.person(link, mail)

    def person(self, link, mail):
        return Person(self, mail, link.member, link.token, PASSPHRASE.format(mail.partition("@")[0]))

    def founded(self, code, kind="social_services", roles=("case_lead", "social_worker")):
        """An agency with an administrator, a founder and one admitted colleague; not yet active."""
        agency = self.agency(code, kind)
        admin = self.first_administrator(agency, f"admin{code}")
        lead = self.invited(admin, agency, f"ratna{code}", roles[0])
        assert lead.enrol().next is Next.FOUND
        made = lead.act(actions.found)
        lead.act(actions.confirm_recovery, last_four=made.recovery_code[-4:])
        worker = self.invited(admin, agency, f"asep{code}", roles[1])
        assert worker.enrol().next is Next.WAIT
        lead.act(actions.admit, member_id=worker.id, fingerprint=worker.member.fingerprint)
        return House(agency, admin, lead, worker, made)

    def entries(self, *actions_):
        """The log so far, as (action, outcome, actor, object, count), of some actions or all."""
        query = "SELECT action, outcome, actor_id, object_id, payload FROM audit_entry ORDER BY idx"
        rows = self.session.execute(text(query)).all()
        self.session.rollback()
        return [row for row in rows if not actions_ or row.action in actions_]


@dataclasses.dataclass
class House:
    agency: object
    admin: Person
    lead: Person
    worker: Person
    made: object


def agency_input(code, kind):
    return NewAgency(
        code=code,
        name=f"Lembaga {code} (simulasi)",
        kind=kind,
        region="32.73",
        coverage=("32.73",),
        timezone="Asia/Jakarta",
        hours="office",
    )
