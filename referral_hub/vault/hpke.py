"""HPKE (RFC 9180) to the keys of members, agency epochs and recovery codes.

Suite 1 is the hybrid of ML-KEM-768 and X25519; suite 2 uses the X25519 half of the same key and stands by in case the hybrid has to be
left. The library cannot export hybrid keys, so the raw halves are kept: 64 + 32 bytes private, 1184 + 32 bytes public.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from referral_hub import errors
from referral_hub.vault import formats
from referral_hub.vault.formats import CLASSIC, HYBRID, Context

SEED: Final = 64
PRIVATE: Final = 96
MLKEM_PUBLIC: Final = 1184
PUBLIC: Final = 1216

_SUITES: Final = {
    HYBRID: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
    CLASSIC: Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
}


class PrivateKey:
    """The private half of a key pair, kept as 96 bytes and rebuilt once when it is first used (134 µs)."""

    def __init__(self, private: bytes) -> None:
        if len(private) != PRIVATE:
            raise errors.CannotOpen(what="key")
        self._private = bytes(private)

    def __repr__(self) -> str:
        return "<private key>"

    @classmethod
    def generate(cls) -> PrivateKey:
        """Return a new random key."""
        return cls(MLKEM768PrivateKey.generate().private_bytes_raw() + X25519PrivateKey.generate().private_bytes_raw())

    def raw(self) -> bytes:
        """Return the 96 private bytes (ML-KEM seed, X25519 scalar); only for wrapping them."""
        return self._private

    @cached_property
    def public(self) -> bytes:
        """Return the 1,216 public bytes (ML-KEM-768, X25519)."""
        return self._mlkem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()

    @cached_property
    def _mlkem(self) -> MLKEM768PrivateKey:
        return MLKEM768PrivateKey.from_seed_bytes(self._private[:SEED])

    @cached_property
    def _x25519(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self._private[SEED:])

    @cached_property
    def _hybrid(self) -> MLKEM768X25519PrivateKey:
        return MLKEM768X25519PrivateKey(self._mlkem, self._x25519)

    def open(self, sealed: bytes, context: Context) -> bytes:
        """Return the plaintext of what `seal` returned for this key's public half.

        Raises:
            errors.CannotOpen: sealed to another key or context, or changed bytes.
        """
        body = formats.body_of(sealed, HYBRID, CLASSIC)
        suite = sealed[1]
        key = self._hybrid if suite == HYBRID else self._x25519
        try:
            return _SUITES[suite].decrypt(body, key, info=context.bound(suite))
        except (InvalidTag, ValueError):
            raise errors.CannotOpen(what=context.purpose) from None


def seal(public: bytes, plaintext: bytes, context: Context, *, suite: int = HYBRID) -> bytes:
    """Return `plaintext` sealed to `public` (1,216 bytes): header, encapsulation, ciphertext and tag, bound to `context`.

    Raises:
        errors.CannotOpen: `public` is not a public key.
    """
    if len(public) != PUBLIC:
        raise errors.CannotOpen(what="public_key")
    try:
        return formats.header(suite) + _SUITES[suite].encrypt(plaintext, _public_key(public, suite), info=context.bound(suite))
    except ValueError:
        raise errors.CannotOpen(what="public_key") from None


def _public_key(public: bytes, suite: int) -> MLKEM768X25519PublicKey | X25519PublicKey:
    classic = X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC:])
    if suite == CLASSIC:
        return classic
    return MLKEM768X25519PublicKey(MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC]), classic)
