"""A small network made through the pages themselves: the secretariat, an agency with two holders of its key, activated."""

from __future__ import annotations

import base64
import re
import secrets

from referral_hub.access import Actor
from referral_hub.accounts import bootstrap
from referral_hub.db import transact
from referral_hub.directory.facts import NewAgency
from referral_hub.vault import totp
from referral_hub.vault.keyring import Keyring
from tests.gate.browser import Browser

OPERATOR = Actor(
    kind="operator", member_id=None, agency_id=None, agency_kind="", agency_code="", code="", roles=frozenset(), state="active", holds_key=False,
    strength="full", auth_method="console", session_digest="", language="id", timezone="Asia/Jakarta",
)  # fmt: skip
SECRETARIAT = NewAgency(code="sekretariat", name="Sekretariat (simulasi)", kind="network", region="32", coverage=("32",), timezone="Asia/Jakarta", hours="office")


class Person:
    """Someone with a browser, a passphrase and an authenticator app."""

    def __init__(self, network, mail):
        self.network, self.mail = network, mail
        self.passphrase = " ".join(secrets.token_hex(3) for _ in range(5))
        self.browser = Browser(network.app)
        self.secret = b""

    page = property(lambda self: self.browser.page)
    get = property(lambda self: self.browser.get)
    send = property(lambda self: self.browser.send)

    def code(self):
        """The next code of the app: time moves on first, because a code counts once."""
        self.network.clock.move(seconds=31)
        return totp.code(self.secret, now=self.network.clock.now())

    def enrol(self, link):
        """Follow an invitation to the end; return the page that comes then."""
        self.get("/" + link.split("/", 3)[-1] if "://" in link else link)
        if "/ketentuan" in self.page.html:
            self.send("ketentuan", terms="yes")
        self.send("frasa", passphrase=self.passphrase, passphrase_again=self.passphrase)
        text = re.search(r'class="code large">([A-Z2-7 ]+)<', self.page.html).group(1).replace(" ", "")
        self.secret = base64.b32decode(text + "=" * (-len(text) % 8))
        return self.send("kode", one_time_code=self.code())

    def sign_in(self, path="/masuk"):
        self.get(path)
        self.send("/masuk", **{"sign_in-mail": self.mail, "sign_in-passphrase": self.passphrase})
        return self.send("/masuk/kode", **{"sign_in-code": self.code()})

    def sign_in_again(self, to="/"):
        self.get(f"/masuk/lagi?ke={to}")
        return self.send("/masuk/lagi", **{"sign_in-passphrase": self.passphrase, "sign_in-code": self.code()})

    def invite(self, mail, *roles, path="/anggota/undang", **more):
        """Invite someone and return the link that the page shows once."""
        self.get(path)
        self.send("undang", name="Contoh " + mail.partition("@")[0], mail=mail, roles=list(roles), **more)
        return re.search(r"http://hub\.test(/undangan/[^<\s]+)", self.page.html).group(1)


class Network:
    """The secretariat with an administrator and an auditor; agencies are added."""

    def __init__(self, app, session, clock):
        self.app, self.session, self.clock = app, session, clock
        hub = app.extensions["referral_hub"].hub
        _, link = transact(
            session,
            lambda s: bootstrap.found_network(
                s, actor=OPERATOR, keys=Keyring(hub, None, None), now=clock.now(), agency=SECRETARIAT, name="Contoh Admin", mail="admin@sekretariat.test"
            ),
        )
        self.admin = Person(self, "admin@sekretariat.test")
        self.admin.enrol("/undangan/" + link.token)

    def auditor(self):
        """Invite and enrol the network's auditor."""
        person = Person(self, "auditor@sekretariat.test")
        person.enrol(self.admin.invite(person.mail, "network_auditor"))
        return person

    def agency(self, code="uptd-ppa", kind="social_services", *, roles=("case_lead", "social_worker"), services=()):
        """Register an agency with an administrator, a founder and a second holder of its key; it is not yet active."""
        self.admin.get("/lembaga/baru")
        page = self.admin.send(
            "lembaga/baru", name=f"Lembaga {code} (simulasi)", code=code, kind=kind, region="32.73", coverage=["32.73"], hours="office",
            services=list(services),
        )  # fmt: skip
        assert page.heading == "Undang anggota", page.text
        made = Agency(self, code)
        made.admin = Person(self, f"admin@{code}.test")
        link = self._link(self.admin.send("undang", name="Contoh Admin", mail=made.admin.mail, roles=["agency_admin", "data_protection_officer"]))
        made.admin.enrol(link)
        made.founder, made.second = Person(self, f"satu@{code}.test"), Person(self, f"dua@{code}.test")
        made.founder.enrol(made.admin.invite(made.founder.mail, roles[0]))
        made.founder.send("lembaga/kunci")
        made.recovery_code = re.search(r'class="code huge">([0-9A-Z ]+)<', made.founder.page.html).group(1).replace(" ", "")
        made.fingerprint = re.search(r'class="code large">([0-9 ]+)<', made.founder.page.html).group(1)
        made.founder.get("/lembaga/kunci/kode")
        made.founder.send("kunci/kode", last_four=made.recovery_code[-4:])
        return made

    @staticmethod
    def _link(page):
        return re.search(r"http://hub\.test(/undangan/[^<\s]+)", page.html).group(1)


class Agency:
    """An agency of the network and its people."""

    def __init__(self, network, code):
        self.network, self.code = network, code

    def admit_second(self, role="social_worker"):
        """Let the second holder enrol, read out the digits, and be admitted."""
        waiting = self.second.enrol(self.admin.invite(self.second.mail, role))
        digits = re.search(r'class="code large">([0-9 ]+)<', waiting.html).group(1)
        code = re.search(r'class="id">([A-Z]{2}-[0-9]+)<', waiting.html).group(1)
        self.founder.sign_in_again(f"/anggota/{code}")
        return self.founder.send("akui", fingerprint=digits)

    def activate(self, auditor):
        """Have the founding confirmed by two network persons, and activate."""
        for person in (self.network.admin, auditor):
            person.get(f"/lembaga/{self.code}")
            person.send("sidik", fingerprint=self.fingerprint)
        self.network.admin.get(f"/lembaga/{self.code}")
        return self.network.admin.send("aktifkan")
