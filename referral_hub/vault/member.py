"""A member's key pair: made at enrolment, opened at sign-in, kept wrapped in the member's row (whose columns `accounts` has)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from referral_hub import errors
from referral_hub.vault import aead, codes, formats
from referral_hub.vault.formats import Context, pack
from referral_hub.vault.hpke import PrivateKey
from referral_hub.vault.hub import Use

if TYPE_CHECKING:
    import uuid

    from referral_hub.vault.epochs import Bundle
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.kdf import Unlock

_KIND: Final = "member"


class MemberKey(PrivateKey):
    """The private key of a signed-in member. Lives for one request; `opened` holds the bundles it opened in it."""

    def __init__(self, private: bytes) -> None:
        super().__init__(private)
        self.opened: dict[object, Bundle] = {}

    def __repr__(self) -> str:
        return "<member key>"

    @classmethod
    def generate(cls) -> MemberKey:
        """Return a new key, for an enrolment."""
        return cls(PrivateKey.generate().raw())


def fingerprint(*, hub_id: bytes, member_id: uuid.UUID, public: bytes) -> str:
    """Return 24 digits in six groups, which the newcomer reads aloud and the admitting person types."""
    return codes.digits(pack("referral-hub member fingerprint 1", hub_id, member_id, public))


def wrap_key(hub: HubKeys, key: MemberKey, *, member_id: uuid.UUID, method: str, unlock: Unlock) -> bytes:
    """Return `key` wrapped for its row: under the wrap key of `unlock`, then under the hub key. `method` is the unlock method's name."""
    inner = aead.seal(unlock.wrap_key, key.raw(), _context(hub, member_id, method))
    return hub.lock(Use.ACCOUNT, inner, _KIND, member_id, "key", method)


def open_key(hub: HubKeys, wrap: bytes, *, member_id: uuid.UUID, method: str, unlock: Unlock, public: bytes) -> MemberKey:
    """Return the key that `wrap_key` wrapped.

    Raises:
        errors.CannotOpen: another member, method or passphrase, changed bytes, or a key that is not that of `public`, which is published.
    """
    inner = hub.unlock(Use.ACCOUNT, wrap, _KIND, member_id, "key", method)
    key = MemberKey(aead.open_sealed(unlock.wrap_key, inner, _context(hub, member_id, method)))
    if not hmac.compare_digest(key.public, public):
        raise errors.CannotOpen(what="public_key")
    return key


def lock_verifier(hub: HubKeys, *, member_id: uuid.UUID, unlock: Unlock) -> bytes:
    """Return the hash of the verifier of `unlock`, locked for the member's row."""
    return hub.lock(Use.ACCOUNT, _hashed(unlock), _KIND, member_id, "verifier")


def verifier_matches(hub: HubKeys, locked: bytes, *, member_id: uuid.UUID, unlock: Unlock) -> bool:
    """Return whether `unlock` came from the member's passphrase; raises errors.CannotOpen when the row was tampered with."""
    return hmac.compare_digest(hub.unlock(Use.ACCOUNT, locked, _KIND, member_id, "verifier"), _hashed(unlock))


def _hashed(unlock: Unlock) -> bytes:
    return hashlib.sha256(unlock.verifier).digest()


def _context(hub: HubKeys, member_id: uuid.UUID, method: str) -> Context:
    return formats.Context(purpose="member_key", hub_id=hub.hub_id, object_kind=_KIND, object_id=member_id, kind=method)
