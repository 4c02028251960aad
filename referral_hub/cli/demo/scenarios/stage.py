"""Where a scenario is played: the fictional network seeded once, and a copy of its database for each scenario."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import yaml
from sqlalchemy.orm import Session

from referral_hub.accounts import sessions
from referral_hub.audit.append import name_log
from referral_hub.cli.demo.people import Seeder
from referral_hub.cli.demo.place import CHEAP
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from referral_hub.db.server import OWNER, WEB, create_database, drop_database, ensure_roles, migrate, url_for
from referral_hub.settings import ROOT
from referral_hub.vault import hub as hub_keys
from referral_hub.vault.sessions import ServerHalves

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator
    from pathlib import Path

    from referral_hub.accounts.values import Caller
    from referral_hub.vault.hub import HubKeys

LISTS = ROOT / "config" / "protocol"
SEEDED_AT = datetime(2026, 7, 6, 0, 0, tzinfo=UTC)  # before the first scenario begins


@dataclass
class HeldClock:
    """A clock that stands still until it is set."""

    at: datetime

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.at


@dataclass(frozen=True)
class People:
    """The demo agencies and their members as the list names them."""

    items: tuple[dict[str, Any], ...]

    def first(self, agency: str, role: str) -> str:
        """Return the given name of the first member of an agency with a role, by code or by the short names of the list."""
        long = {"dpo": "data_protection_officer"}.get(role, role)
        return str(next(m["given"] for m in self._agency(agency)["members"] if long in m["roles"]))

    def services(self, agency: str) -> tuple[str, ...]:
        """Return the codes of the services that an agency offers."""
        return tuple(entry["code"] for entry in self._agency(agency)["services"])

    def codes(self) -> tuple[str, ...]:
        """Return the codes of all agencies."""
        return tuple(item["code"] for item in self.items)

    def _agency(self, code: str) -> dict[str, Any]:
        return next(item for item in self.items if item["code"] == code)


@dataclass
class Stage:
    """One copy of the seeded network: its session, its hub, and every member signed in."""

    session: Session
    hub: HubKeys
    people: People
    callers: dict[tuple[str, str], Caller] = field(repr=False)

    def caller(self, agency: str, given: str) -> Caller:
        """Return a member by agency code and given name."""
        return self.callers[agency, given]


@dataclass
class Template:
    """A seeded database that scenarios are copied from, and the keys in a folder beside it."""

    admin_url: str
    folder: Path
    name: str = field(default_factory=lambda: f"hub_scenarios_{uuid4().hex[:8]}")
    people: People = field(init=False)
    members: dict[tuple[str, str], uuid.UUID] = field(init=False, repr=False)
    cookies: dict[uuid.UUID, str] = field(init=False, repr=False)
    hub: HubKeys = field(init=False, repr=False)
    halves: ServerHalves = field(init=False, repr=False)

    def seed(self) -> None:
        """Make the database, the keys and the whole network of demo_agencies.yaml."""
        self.people = People(tuple(yaml.safe_load((LISTS / "demo_agencies.yaml").read_text(encoding="utf-8"))["items"]))
        ensure_roles(self.admin_url)
        create_database(self.admin_url, self.name)
        migrate(url_for(self.admin_url, role=OWNER, database=self.name))
        keys = self.folder / "keys"
        hub_keys.create_key_folder(keys)
        (self.folder / "sessions").mkdir(mode=0o700)
        self.halves = ServerHalves.load(self.folder / "sessions", require_tmpfs=False)
        engine = make_engine(url_for(self.admin_url, role=OWNER, database=self.name))
        with Session(engine, expire_on_commit=False) as session:
            transact(session, lambda s: name_log(s, origin="scenarios.rujukan.test"))
            self.hub = transact(
                session,
                lambda s: hub_keys.bootstrap(
                    s, folder=keys, profile="demo", now=SEEDED_AT, tombstone_file=self.folder / "tombstones"
                ),
            )
            seeder = Seeder(session=session, hub=self.hub, halves=self.halves, kdf=CHEAP, now=HeldClock(SEEDED_AT).now)
            seeder.seed(self.people.items, progress=lambda _: None)
        engine.dispose()
        self.members, self.cookies = seeder.members, seeder.cookies

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """Give a fresh copy of the seeded network, dropped afterwards."""
        name = f"{self.name}_{uuid4().hex[:6]}"
        create_database(self.admin_url, name, template=self.name)
        engine = make_engine(url_for(self.admin_url, role=WEB, database=name))
        try:
            with Session(engine, expire_on_commit=False) as session:
                yield Stage(session, self.hub, self.people, {key: self._caller(session, member) for key, member in self.members.items()})
        finally:
            engine.dispose()
            drop_database(self.admin_url, name)

    def _caller(self, session: Session, member: uuid.UUID) -> Caller:
        cookie = self.cookies[member]
        return transact(session, lambda s: sessions.resume(s, hub=self.hub, halves=self.halves, cookie=cookie, now=SEEDED_AT))

    def drop(self) -> None:
        """Forget the seeded database."""
        drop_database(self.admin_url, self.name)
