"""An agency's keys in one epoch: the private bundle, its public record, and the way to it through shares and links.

A member holds a share of some epoch, the bundle sealed to her key. Each epoch after the first carries a link: the bundle before it, sealed
to the new one, so whoever opens an epoch opens all earlier ones and none later.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from referral_hub import errors
from referral_hub.vault import aead, codes, hpke, kdf, signing
from referral_hub.vault.formats import Context, pack
from referral_hub.vault.hpke import PRIVATE, PrivateKey

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from referral_hub.vault.member import MemberKey

BUNDLE: Final = 160
FOUNDING: Final = 1
NO_DIGEST: Final = b""


class Bundle:
    """The private keys of one epoch: HPKE (96 bytes), Ed25519 seed (32), index key (32)."""

    def __init__(self, raw: bytes, *, agency_id: uuid.UUID, epoch: int) -> None:
        if len(raw) != BUNDLE:
            raise errors.CannotOpen(what="bundle")
        self._raw = bytes(raw)
        self.agency_id = agency_id
        self.epoch = epoch
        self.key = PrivateKey(raw[:PRIVATE])

    def __repr__(self) -> str:
        return f"<bundle of epoch {self.epoch}>"

    @classmethod
    def generate(cls, *, agency_id: uuid.UUID, epoch: int, index_key: bytes | None = None) -> Bundle:
        """Return a new bundle; the `index_key` of the epoch before goes on, because tokens made with it stay."""
        raw = PrivateKey.generate().raw() + signing.new_seed() + (index_key or aead.new_key())
        return cls(raw, agency_id=agency_id, epoch=epoch)

    def raw(self) -> bytes:
        """Return the 160 bytes; only for sealing them."""
        return self._raw

    @property
    def index_key(self) -> bytes:
        """Return the agency's half of the key of its search tokens."""
        return self._raw[PRIVATE + 32 :]

    @cached_property
    def own_key(self) -> bytes:
        """Return the key under which the agency keeps the keys of its own grants: 60 bytes each where a sealing to itself takes 1,170."""
        return kdf.hkdf(self.key.raw(), info=pack("referral-hub own grants 1", self.agency_id, self.epoch))

    @cached_property
    def signing_public(self) -> bytes:
        """Return the 32 public bytes of the signing key."""
        return signing.public_of(self._seed)

    @property
    def _seed(self) -> bytes:
        return self._raw[PRIVATE : PRIVATE + 32]

    def sign(self, message: bytes) -> bytes:
        """Return the agency's signature (64 bytes) of `message`."""
        return signing.sign(self._seed, message)

    @property
    def key_digest(self) -> bytes:
        """Return the digest by which manifests name this epoch's public keys."""
        return key_digest(self.agency_id, self.epoch, self.key.public, self.signing_public)


@dataclass(frozen=True)
class EpochPublic:
    """The public record of an epoch, signed by the signing key of the epoch before (the first by its own)."""

    agency_id: uuid.UUID
    epoch: int
    public: bytes
    signing_public: bytes
    recovery_public: bytes
    previous_digest: bytes
    signature: bytes = b""

    def body(self, hub_id: bytes) -> bytes:
        """Return the bytes that are signed."""
        return pack(
            "referral-hub epoch 1", hub_id, self.agency_id, self.epoch, self.public, self.signing_public, self.recovery_public,
            self.previous_digest,
        )  # fmt: skip

    def digest(self, hub_id: bytes) -> bytes:
        """Return the SHA-256 of the record; the next epoch names it."""
        return hashlib.sha256(self.body(hub_id)).digest()

    def fingerprint(self, hub_id: bytes) -> str:
        """Return the record's 24 digits; those of epoch 1 are the founding fingerprint."""
        return codes.digits(self.body(hub_id))

    @property
    def key_digest(self) -> bytes:
        """Return the digest by which manifests name the public keys."""
        return key_digest(self.agency_id, self.epoch, self.public, self.signing_public)


@dataclass(frozen=True, repr=False)
class SealedChain:
    """A member's way to the bundle of one epoch: her share of `epoch`, then links downwards, `(n, bundle n - 1 sealed to n)`."""

    agency_id: uuid.UUID
    member_id: uuid.UUID
    epoch: int
    share: bytes
    links: tuple[tuple[int, bytes], ...] = ()


def key_digest(agency_id: uuid.UUID, epoch: int, public: bytes, signing_public: bytes) -> bytes:
    """Return the SHA-256 of an epoch's public keys."""
    return hashlib.sha256(pack("referral-hub epoch keys 1", agency_id, epoch, public, signing_public)).digest()


def verify_records(hub_id: bytes, records: Sequence[EpochPublic]) -> None:
    """Check that `records`, epoch 1 first, are one unbroken chain of signatures.

    Raises:
        errors.CannotOpen: a record is missing, changed, or signed by another key.
    """
    before: EpochPublic | None = None
    for number, record in enumerate(records, start=FOUNDING):
        signer = record.signing_public if before is None else before.signing_public
        previous = NO_DIGEST if before is None else before.digest(hub_id)
        sound = record.epoch == number and record.previous_digest == previous and (before is None or before.agency_id == record.agency_id)
        if not sound or not _verified(signer, record.signature, record.body(hub_id)):
            raise errors.CannotOpen(what="epoch_record")
        before = record
    if before is None:
        raise errors.CannotOpen(what="epoch_record")


@lru_cache(maxsize=1024)
def _verified(public: bytes, signature: bytes, body: bytes) -> bool:
    return signing.verify(public, signature, body)


def share_context(hub_id: bytes, *, agency_id: uuid.UUID, epoch: int, member_id: uuid.UUID) -> Context:
    """Return what a holder's share is bound to."""
    return Context(purpose="bundle", hub_id=hub_id, object_kind="member", object_id=member_id, agency_id=agency_id, epoch=epoch)


def link_context(hub_id: bytes, *, agency_id: uuid.UUID, epoch: int) -> Context:
    """Return what the link in `epoch`, to the epoch before, is bound to."""
    return Context(purpose="link", hub_id=hub_id, object_kind="agency", object_id=agency_id, revision=epoch - 1, agency_id=agency_id, epoch=epoch)


def recovery_context(hub_id: bytes, *, agency_id: uuid.UUID, epoch: int) -> Context:
    """Return what the share for the recovery code is bound to."""
    return Context(purpose="recovery", hub_id=hub_id, object_kind="agency", object_id=agency_id, agency_id=agency_id, epoch=epoch)


def seal_share(hub_id: bytes, bundle: Bundle, *, member_id: uuid.UUID, public: bytes) -> bytes:
    """Return `bundle` sealed to the member's public key."""
    context = share_context(hub_id, agency_id=bundle.agency_id, epoch=bundle.epoch, member_id=member_id)
    return hpke.seal(public, bundle.raw(), context)


def open_chain(hub_id: bytes, member_key: MemberKey, chain: SealedChain) -> Bundle:
    """Return the bundle that `chain` leads to. What `member_key` opened once in a request it does not open again.

    Raises:
        errors.CannotOpen: not this member's share, another agency or epoch, or changed bytes.
    """
    bundle = _open_share(hub_id, member_key, chain)
    for number, link in chain.links:
        raw = bundle.key.open(link, link_context(hub_id, agency_id=chain.agency_id, epoch=number))
        bundle = Bundle(raw, agency_id=chain.agency_id, epoch=number - 1)
    return bundle


def _open_share(hub_id: bytes, member_key: MemberKey, chain: SealedChain) -> Bundle:
    place = share_context(hub_id, agency_id=chain.agency_id, epoch=chain.epoch, member_id=chain.member_id)
    opened: dict[object, Bundle] = member_key.opened
    found = opened.get((place, chain.share))
    if found is None:
        found = Bundle(member_key.open(chain.share, place), agency_id=chain.agency_id, epoch=chain.epoch)
        opened[(place, chain.share)] = found
    return found


def open_chains(hub_id: bytes, member_key: MemberKey, chains: Mapping[int, SealedChain]) -> dict[int, Bundle]:
    """Return the bundle of each epoch in `chains`."""
    return {epoch: open_chain(hub_id, member_key, chain) for epoch, chain in chains.items()}


def recovery_key(code: str, *, hub_id: bytes, agency_id: uuid.UUID) -> PrivateKey:
    """Return the key pair of a recovery code (HKDF; a code has 130 bits, so no slow derivation is needed).

    Raises:
        errors.RuleBroken: `recovery_code_wrong`, a typing mistake.
    """
    entropy = codes.recovery_entropy(code)
    return PrivateKey(kdf.hkdf(entropy, salt=pack(hub_id, agency_id), info=b"referral-hub recovery key 1", length=PRIVATE))
