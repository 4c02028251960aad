"""Seed the fictional network through the same actions that the pages call: invite, enrol, found, admit, confirm, activate."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from referral_hub.accounts import actions, enrolment, queries, sessions
from referral_hub.accounts.slots import DerivationSlots
from referral_hub.accounts.values import Next, Source
from referral_hub.cli.wiring import machine_actor
from referral_hub.db import transact
from referral_hub.directory import actions as directory
from referral_hub.directory import offering
from referral_hub.directory import queries as agencies
from referral_hub.directory.facts import NewAgency, NewService
from referral_hub.vault import totp
from referral_hub.vault.keyring import Keyring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.accounts.values import Caller, Link
    from referral_hub.directory.facts import Agency
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.kdf import KdfParameters
    from referral_hub.vault.sessions import ServerHalves

T = TypeVar("T")

SOURCE = Source(address="127.0.0.1", device="demo")
NETWORK_KIND = "network"
ADMINISTRATORS = {"network_admin", "agency_admin"}
GOVERNMENT = {"social_services", "police", "oversight", "witness_protection", "network"}
PASSPHRASE = "{given} menanam padi di sawah"  # noqa: S105 - told to everybody
"""Known on purpose: the demonstration says it to everybody. Fictional people, and a hub that listens on loopback only."""


@dataclass(frozen=True)
class Account:
    """One demonstration account, as it stands in `instance/demo.json`."""

    agency: str
    role: str
    email: str
    passphrase: str
    totp_secret: str


@dataclass
class Seeder:
    """Makes agencies and members. `moments` gives the time of each act: the held clock of the demonstration."""

    session: Session
    hub: HubKeys
    halves: ServerHalves
    kdf: KdfParameters
    now: Callable[[], datetime]
    accounts: list[Account] = field(default_factory=list)
    members: dict[tuple[str, str], uuid.UUID] = field(default_factory=dict)
    network: dict[str, Caller] = field(default_factory=dict)
    cookies: dict[uuid.UUID, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.slots = DerivationSlots()
        self.operator = machine_actor("operator")
        self.operator_keys = Keyring(self.hub, uuid.UUID(int=0), None)

    def seed(self, agencies: Sequence[Mapping[str, Any]], *, progress: Callable[[str], None]) -> None:
        """Make every agency of `agencies` (items of demo_agencies.yaml), the network's own first, and activate it."""
        for item in sorted(agencies, key=lambda a: a["kind"] != NETWORK_KIND):
            progress(item["name"])
            agency = self._register(item)
            callers = self._people(item, agency)
            if item["kind"] == NETWORK_KIND:
                self.network = {role: caller for caller in callers for role in caller.actor.roles}
            else:
                self._activate(agency, callers, item)

    def callers(self) -> dict[tuple[str, str], Caller]:
        """Return every member signed in, by agency code and given name, as things stand at the moment of the seeding."""
        return {key: self._caller(self.cookies[member]) for key, member in self.members.items()}

    def _register(self, item: Mapping[str, Any]) -> Agency:
        new = NewAgency(
            code=item["code"],
            name=item["name"],
            kind=item["kind"],
            region=item["region"],
            coverage=tuple(item["coverage"]),
            timezone=item["timezone"],
            hours=item["hours"],
            government=item["kind"] in GOVERNMENT,
            on_call_24h=item["on_call_24h"],
            languages=tuple(item["languages"]),
            access=tuple(item["access"]),
            email=item["email"],
        )
        services = [self._service(entry) for entry in item["services"]]
        return transact(
            self.session, lambda s: directory.create_agency(s, actor=self.operator, now=self.now(), agency=new, services=services)
        )

    def _service(self, entry: Mapping[str, Any]) -> NewService:
        eligibility = entry["eligibility"]
        sex = () if eligibility["sex"] == "any" else tuple(eligibility["sex"])
        return NewService(
            code=entry["code"],
            hours=entry["hours"],
            capacity=entry["capacity"]["status"],
            slots=entry["capacity"]["slots"],
            capacity_as_of=self.now() - _age(entry["capacity"]["as_of"]),
            sex=sex,
            age_min=eligibility["age_min"],
            age_max=eligibility["age_max"],
            bring=tuple(entry.get("bring", ())),
            note=eligibility.get("note_id", ""),
        )

    def _people(self, item: Mapping[str, Any], agency: Agency) -> list[Caller]:
        people = sorted(item["members"], key=lambda m: not ADMINISTRATORS & set(m["roles"]))
        inviter, keys = self.operator, self.operator_keys
        callers: list[Caller] = []
        founder: Caller | None = None
        for person in people:
            link = self._invited(inviter, keys, agency, item, person)
            caller, then = self._enrolled(link, item, person)
            if then is Next.FOUND:
                founder = caller = self._founded(caller)
            elif then is Next.WAIT and founder is not None:
                self._admit(founder, caller)
                caller = self._again(caller)
            if "agency_admin" in person["roles"]:
                inviter, keys = caller.actor, caller.keys
            callers.append(caller)
        return callers

    def _invited(self, inviter: Any, keys: Keyring, agency: Agency, item: Mapping[str, Any], person: Mapping[str, Any]) -> Link:
        return transact(
            self.session,
            lambda s: actions.invite(
                s,
                actor=inviter,
                keys=keys,
                now=self.now(),
                agency_id=agency.id,
                roles=person["roles"],
                name=person["given"],
                mail=f"{person['given'].lower()}@{item['code']}.rujukan.test",
                timezone=item["timezone"],
            ),
        )

    def _enrolled(self, link: Link, item: Mapping[str, Any], person: Mapping[str, Any]) -> tuple[Caller, Next]:
        session, hub, halves = self.session, self.hub, self.halves
        passphrase = PASSPHRASE.format(given=person["given"].lower())
        transact(session, lambda s: enrolment.accept_terms(s, token=link.token, now=self.now()))
        started = enrolment.choose_passphrase(
            session,
            hub=hub,
            halves=halves,
            kdf=self.kdf,
            slots=self.slots,
            token=link.token,
            passphrase=passphrase,
            source=SOURCE,
            now=self.now(),
        )
        setup = transact(session, lambda s: enrolment.second_factor(s, hub=hub, cookie=started.cookie, now=self.now()))
        before = self.now() - timedelta(seconds=totp.STEP)
        code = totp.code(
            base64.b32decode(setup.secret), now=before
        )  # the step before: a sign-in right after the seeding has a code of its own
        done = enrolment.confirm(session, hub=hub, halves=halves, cookie=started.cookie, code=code, source=SOURCE, now=self.now())
        self.members[item["code"], person["given"]] = done.member.id
        self.accounts.append(
            Account(item["code"], person["roles"][0], f"{person['given'].lower()}@{item['code']}.rujukan.test", passphrase, setup.secret)
        )
        return self._caller(done.cookie), done.next

    def _caller(self, cookie: str) -> Caller:
        caller = transact(self.session, lambda s: sessions.resume(s, hub=self.hub, halves=self.halves, cookie=cookie, now=self.now()))
        self.cookies[caller.member.id] = cookie
        return caller

    def _again(self, caller: Caller) -> Caller:
        """Return the caller anew, with what has changed since: a state, a share of the agency's key."""
        return self._caller(self.cookies[caller.member.id])

    def _do(self, verb: Callable[..., T], caller: Caller, **facts: Any) -> T:
        """Do one act as `caller`, whose session is looked up anew, in a transaction of its own."""
        now = self._again(caller)
        return transact(self.session, lambda s: verb(s, actor=now.actor, keys=now.keys, now=self.now(), **facts))

    def _founded(self, caller: Caller) -> Caller:
        made = self._do(actions.found, caller)
        self._do(actions.confirm_recovery, caller, last_four=made.recovery_code.replace(" ", "").replace("-", "")[-4:])
        return self._again(caller)

    def _admit(self, founder: Caller, newcomer: Caller) -> None:
        member = newcomer.member
        self._do(actions.admit, founder, member_id=member.id, fingerprint=member.fingerprint or "", version=member.version)

    def _activate(self, agency: Agency, callers: Iterable[Caller], item: Mapping[str, Any]) -> None:
        admin = self._again(next(c for c in callers if "agency_admin" in c.actor.roles))
        self._name_duties(agency, admin, item)
        if agency.active:
            return
        checklist = transact(self.session, lambda s: queries.checklist(s, hub=self.hub, agency_id=agency.id))
        for role in ("network_admin", "network_auditor"):
            self._do(actions.confirm_founding, self.network[role], agency_id=agency.id, fingerprint=checklist.fingerprint or "")
        self._do(actions.activate_agency, self.network["network_admin"], agency_id=agency.id)

    def _name_duties(self, agency: Agency, admin: Caller, item: Mapping[str, Any]) -> None:
        posts: dict[str, list[uuid.UUID]] = {}
        for person in item["members"]:
            for post in person["duties"]:
                posts.setdefault(post, []).append(self.members[item["code"], person["given"]])
        for post, members in sorted(posts.items()):
            transact(self.session, partial(self._name_duty, agency=agency, admin=admin, post=post, members=members))

    def _name_duty(self, session: Session, *, agency: Agency, admin: Caller, post: str, members: Sequence[uuid.UUID]) -> None:
        version = agencies.agency(session, agency.id).version
        now = self.now()
        offering.name_duty(session, actor=admin.actor, now=now, agency_id=agency.id, version=version, post=post, member_ids=members)


def _age(text: str) -> timedelta:
    """Return the age of a fact of demo_agencies.yaml, such as -P9D."""
    return timedelta(days=int(text.removeprefix("-P").removesuffix("D")))
