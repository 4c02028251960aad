"""The hub's own keys: one ring of generations in a file, a key per use, and the secrets that tokens are made with."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from referral_hub import errors
from referral_hub.vault import aead, formats, kdf, key_folder
from referral_hub.vault.formats import LOCKED, NONCE, TAG, Field, pack
from referral_hub.vault.records import HubSecretRow, HubStateRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from referral_hub.vault.key_folder import Ring

TOKEN: Final = 16
HUB_ID: Final = 16
FIRST: Final = 1


class Use(StrEnum):
    """What a key derived from the hub key is for."""

    RELEASE = "release"
    ACCOUNT = "account"
    STATS = "stats"
    DETAIL = "detail"
    NAMES = "names"
    SECRETS = "secrets"


class HubSecret(StrEnum):
    """Secrets that stay the same for ever, because what is made with them cannot be made again."""

    INDEX = "index"
    CONFLICT = "conflict"
    PSEUDO_SALT = "pseudo_salt"
    ACT = "act"


@dataclass(frozen=True)
class HubState:
    """Which hub a database belongs to."""

    hub_id: bytes
    profile: str
    made_at: datetime


class UseKey:
    """The key of one use in all its generations."""

    def __init__(self, ring: Ring, *, use: Use, hub_id: bytes) -> None:
        self._ring = ring
        self._use = use
        self._hub_id = hub_id

    def __repr__(self) -> str:
        return f"<hub key for {self._use}>"

    def lock(self, plaintext: bytes, *place: Field) -> bytes:
        """Return `plaintext` locked to `place`: header, generation, nonce, ciphertext and tag."""
        generation = self._ring.current
        key = self._ring.keys[generation]
        return formats.header(LOCKED) + bytes((generation,)) + aead.encrypt(key, plaintext, self._aad(generation, place))

    def unlock(self, locked: bytes, *place: Field) -> bytes:
        """Return what was locked to `place`.

        Raises:
            errors.CannotOpen: another place or hub, or changed bytes. errors.Unavailable: its generation is not in the ring.
        """
        body = formats.body_of(locked, LOCKED, at_least=1 + NONCE + TAG)
        generation = body[0]
        if generation not in self._ring.keys:
            raise errors.Unavailable("key_unavailable")
        return aead.decrypt(self._ring.keys[generation], body[1:], self._aad(generation, place), what=self._use)

    def _aad(self, generation: int, place: tuple[Field, ...]) -> bytes:
        return pack(formats.FORMAT, LOCKED, generation, self._use.value, self._hub_id, *place)


class NamesKey:
    """The one sub-key that the worker has: it reads names and mail, nothing else."""

    def __init__(self, ring: Ring, *, hub_id: bytes) -> None:
        self._key = UseKey(ring, use=Use.NAMES, hub_id=hub_id)

    def __repr__(self) -> str:
        return "<names key>"

    @classmethod
    def load(cls, folder: Path, *, hub_id: bytes) -> NamesKey:
        """Return the key of the file `names`; raises errors.Unavailable (`key_unavailable`) without it."""
        return cls(key_folder.read_ring(folder / key_folder.NAMES), hub_id=hub_id)

    def unlock(self, locked: bytes, *place: Field) -> bytes:
        """Return what the web locked for `Use.NAMES` at `place`; raises errors.CannotOpen."""
        return self._key.unlock(locked, *place)


class HubKeys:
    """What the web process holds of the hub: a key per use, and the hub secrets. Loaded once, shared by all requests."""

    def __init__(self, ring: Ring, *, hub_id: bytes, profile: str, secrets: Mapping[str, bytes], tombstone_file: Path | None = None) -> None:
        self.hub_id = hub_id
        self.profile = profile
        self.tombstone_file = tombstone_file
        self.month_keys: dict[date, bytes] = {}  # opened keys of log detail, kept by audit.whence for this process
        self._uses = _use_keys(ring, hub_id)
        if set(secrets) != set(HubSecret):
            raise errors.Unavailable("key_unavailable")
        opened = {s: self._uses[Use.SECRETS].unlock(secrets[s.value], "hub_secret", s.value) for s in HubSecret}
        self._secrets: Mapping[HubSecret, bytes] = opened

    def __repr__(self) -> str:
        return f"<hub keys of {self.hub_id.hex()[:8]}>"

    @classmethod
    def load(cls, folder: Path, session: Session, *, profile: str | None = None, tombstone_file: Path | None = None) -> HubKeys:
        """Return the keys of `folder` for the hub of this database; two reads.

        Raises:
            errors.Unavailable: `key_unavailable`, the ring is missing, unreadable, or not this hub's.
            errors.BadSettings: the database was made with another `profile`, or for no hub yet (facts: `name`).
        """
        ring = key_folder.read_ring(folder / key_folder.HUB_RING)
        state = hub_state(session)
        if profile is not None and profile != state.profile:
            raise errors.BadSettings(name="profile")
        secrets = {row.name: row.locked for row in session.execute(select(HubSecretRow.name, HubSecretRow.locked))}
        try:
            return cls(ring, hub_id=state.hub_id, profile=state.profile, secrets=secrets, tombstone_file=tombstone_file)
        except errors.CannotOpen:
            raise errors.Unavailable("key_unavailable") from None

    def lock(self, use: Use, plaintext: bytes, *place: Field) -> bytes:
        """Return `plaintext` locked for `use`; `place` names what it belongs to, e.g. `"member", member_id, "name"`."""
        return self._uses[use].lock(plaintext, *place)

    def unlock(self, use: Use, locked: bytes, *place: Field) -> bytes:
        """Return what was locked for `use` at `place`; raises errors.CannotOpen, or errors.Unavailable without its generation."""
        return self._uses[use].unlock(locked, *place)

    def token(self, secret: HubSecret, label: str, *fields: Field) -> bytes:
        """Return a 128-bit token of `fields`: equal fields give equal tokens, and nobody without the secret tells which they are."""
        return hmac.digest(self._secrets[secret], pack(label, *fields), hashlib.sha256)[:TOKEN]

    def pseudo_salt(self, name: str) -> bytes:
        """Return the 16-byte salt that an unknown account derives with, always the same for the same `name`."""
        return self.token(HubSecret.PSEUDO_SALT, "salt", name)

    def index_key(self, agency_index_key: bytes) -> bytes:
        """Return the key of an agency's search tokens; neither the agency nor the hub has it alone."""
        return kdf.hkdf(agency_index_key + self._secrets[HubSecret.INDEX], info=b"referral-hub index 1")


def create_key_folder(folder: Path) -> None:
    """Make the key files of a new hub; see `key_folder`.

    Raises:
        errors.BadSettings: the folder holds a key already.
    """
    ring = key_folder.Ring(keys={FIRST: aead.new_key()}, current=FIRST)
    key_folder.make(folder, ring=ring, names=_derived(ring, Use.NAMES))


def bootstrap(session: Session, *, folder: Path, profile: str, now: datetime, tombstone_file: Path | None = None) -> HubKeys:
    """Make this database a hub's: its random id, its profile, its secrets, locked under the ring in `folder`. Once per database.

    Raises:
        errors.BadSettings: the database belongs to a hub already. errors.Unavailable: no ring in `folder`.
    """
    if session.scalar(select(HubStateRow.id)) is not None:
        raise errors.BadSettings(name="hub_state")
    hub_id = os.urandom(HUB_ID)
    key = _use_keys(key_folder.read_ring(folder / key_folder.HUB_RING), hub_id)[Use.SECRETS]
    session.execute(insert(HubStateRow).values(id=1, hub_id=hub_id, profile=profile, made_at=now))
    rows = [{"name": s.value, "locked": key.lock(aead.new_key(), "hub_secret", s.value)} for s in HubSecret]
    session.execute(insert(HubSecretRow), rows)
    return HubKeys.load(folder, session, profile=profile, tombstone_file=tombstone_file)


def hub_state(session: Session) -> HubState:
    """Return which hub this database belongs to.

    Raises:
        errors.BadSettings: it was made for none yet (fact: `name`).
    """
    row = session.execute(select(HubStateRow.hub_id, HubStateRow.profile, HubStateRow.made_at)).one_or_none()
    if row is None:
        raise errors.BadSettings(name="hub_state")
    return HubState(hub_id=row.hub_id, profile=row.profile, made_at=row.made_at)


def _use_keys(ring: Ring, hub_id: bytes) -> dict[Use, UseKey]:
    return {use: UseKey(_derived(ring, use), use=use, hub_id=hub_id) for use in Use}


def _derived(ring: Ring, use: Use) -> Ring:
    keys = {number: kdf.hkdf(key, info=pack("referral-hub hub key 1", use.value)) for number, key in ring.keys.items()}
    return key_folder.Ring(keys=keys, current=ring.current)
