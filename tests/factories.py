"""Agencies and active members with real keys, as rows: what sign-in and enrolment would leave behind, without their cost.

    network = Network(session, tmp_path, now=NOW)
    uptd = network.agency("UPTD", "social_services")
    sari = network.member(uptd, "case_lead")            # a Person: .actor, .keys, .id
    actor, keys = sari.actor, sari.keys

The journeys of accounts and directory have tests of their own; everything else may begin here. Members with a key role hold a share of their
agency's key; the first one founds it.
"""

import dataclasses
import uuid
from dataclasses import dataclass, field

from referral_hub import access
from referral_hub.access import Actor
from referral_hub.accounts.records import MemberRow
from referral_hub.db import transact
from referral_hub.directory.records import AgencyRow, ServiceRow
from referral_hub.vault.hub import Use
from referral_hub.vault.keyring import Keyring
from tests.vault.world import World


@dataclass
class House:
    """An agency of a test."""

    id: uuid.UUID
    code: str
    kind: str
    people: list = field(default_factory=list)
    vault: object = None


@dataclass(frozen=True)
class Person:
    """A member of a test, signed in: `actor` for the policy, `keys` for the vault."""

    actor: Actor
    keys: Keyring
    agency_id: uuid.UUID

    @property
    def id(self):
        return self.actor.member_id

    def as_(self, **changes):
        """The same member with other facts of the session, e.g. strength="fresh"."""
        return dataclasses.replace(self, actor=dataclasses.replace(self.actor, **changes))


class Network:
    """Everything a test of the upper rooms starts from."""

    def __init__(self, session, folder, *, now):
        self.session, self.now = session, now
        self.world = transact(session, lambda s: World(s, folder, now))
        self.hub = self.world.hub

    def agency(self, code, kind, *, state="active", timezone="Asia/Jakarta", hours="office"):
        """A new agency of `kind` (agency_kinds.yaml)."""
        house = House(uuid.uuid4(), code, kind)
        row = AgencyRow(
            id=house.id, code=code, name=f"Lembaga {code}", kind=kind, region="32.73", coverage=["32.73"], timezone=timezone, hours=hours,
            government=False, on_call_24h=False, languages=["id"], access=[], disclosure="default", tiers={}, sectors=[], state=state,
            created_at=self.now, version=1,
        )  # fmt: skip
        transact(self.session, lambda s: s.add(row))
        return house

    def offer(self, house, *services):
        """Let an agency offer these services (service_types.yaml), to anybody, at its own hours."""
        rows = [
            ServiceRow(
                id=uuid.uuid4(), agency_id=house.id, code=code, hours="office", closed=False, capacity="available", slots=None,
                capacity_as_of=self.now, sex=[], age_min=0, age_max=None, bring=[], note="",
            )
            for code in services
        ]  # fmt: skip
        transact(self.session, lambda s: s.add_all(rows))

    def member(self, house, *roles, code=None):
        """A new active member of an agency with these roles (agency_roles.yaml)."""
        member_id, code = uuid.uuid4(), code or f"PS-{len(house.people) + 1:02}"
        row = MemberRow(
            id=member_id, agency_id=house.id, code=code, state="active", roles=sorted(roles), invited_at=self.now,
            name_locked=self.hub.lock(Use.NAMES, b"Contoh", "member", member_id, "name"), language="id", timezone="Asia/Jakarta", version=1,
        )  # fmt: skip
        transact(self.session, lambda s: s.add(row))
        holds_key = access.gives_key(frozenset(roles))
        keys = transact(self.session, lambda _: self._keys(house, member_id)) if holds_key else Keyring(self.hub, member_id, None)
        person = Person(_actor(house, member_id, roles, code, holds_key=holds_key), keys, house.id)
        house.people.append(person)
        return person

    def _keys(self, house, member_id):
        if house.vault is None:
            house.vault = self.world.agency(house.id, member_id)
            return house.vault.keys
        return self.world.member(house.vault, member_id)


def _actor(house, member_id, roles, code, *, holds_key):
    return Actor(
        kind="member", member_id=member_id, agency_id=house.id, agency_kind=house.kind, agency_code=house.code, code=code,
        roles=frozenset(roles), state="active", holds_key=holds_key, strength="full", auth_method="passphrase_totp",
        session_digest="0" * 32, language="id", timezone="Asia/Jakarta",
    )  # fmt: skip
