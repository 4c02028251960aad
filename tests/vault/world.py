"""A small world for tests that need real keys: a hub, agencies, and members who hold shares.

    world = World(session, folder, now)
    a = world.agency()                      # founded by a first member
    keys = a.keys                           # Keyring of the founder
    other = world.member(a)                 # Keyring of a second, admitted member
"""

import uuid
from dataclasses import dataclass, field

from referral_hub.vault import agency, hub, key_folder, member
from referral_hub.vault.keyring import Keyring
from referral_hub.vault.member import MemberKey


@dataclass
class Agency:
    id: uuid.UUID
    keys: Keyring
    founded: agency.Founded
    members: dict[uuid.UUID, MemberKey] = field(default_factory=dict)


class World:
    def __init__(self, session, folder, now):
        self.session, self.folder, self.now = session, folder, now
        hub.create_key_folder(folder / "keys")
        self.hub = hub.bootstrap(session, folder=folder / "keys", profile="test", now=now, tombstone_file=folder / "tombstones")

    @staticmethod
    def ring(folder, of):
        """Return hub keys for the hub of `of` with a ring of somebody else's, made in `folder`."""
        hub.create_key_folder(folder)
        ring = key_folder.read_ring(folder / key_folder.HUB_RING)
        secrets = hub._use_keys(ring, of.hub_id)[hub.Use.SECRETS]
        return hub.HubKeys(
            ring, hub_id=of.hub_id, profile=of.profile, secrets={s.value: secrets.lock(bytes(32), "hub_secret", s.value) for s in hub.HubSecret}
        )

    def agency(self, agency_id=None, member_id=None):
        """Return a new agency with its founding member."""
        agency_id, member_id = agency_id or uuid.uuid4(), member_id or uuid.uuid4()
        keys = Keyring(self.hub, member_id, MemberKey.generate())
        founded = agency.found(self.session, keys=keys, agency_id=agency_id, now=self.now)
        return Agency(agency_id, keys, founded, {member_id: keys.member_key})

    def member(self, of, member_id=None):
        """Return the keyring of a new member of agency `of`, admitted by its founder."""
        member_id, key = member_id or uuid.uuid4(), MemberKey.generate()
        typed = member.fingerprint(hub_id=self.hub.hub_id, member_id=member_id, public=key.public)
        agency.admit(
            self.session, keys=of.keys, agency_id=of.id, member_id=member_id, public=key.public, typed_fingerprint=typed, now=self.now
        )
        of.members[member_id] = key
        return Keyring(self.hub, member_id, key)

    def fresh(self, keys):
        """Return a new keyring of the same member, as in her next request: nothing opened yet."""
        return Keyring(keys.hub, keys.member_id, MemberKey(keys.member_key.raw()))
