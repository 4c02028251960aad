"""AES-256-GCM: the symmetric half of every lock (NIST SP 800-38D)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from referral_hub import errors
from referral_hub.vault import formats

if TYPE_CHECKING:
    from referral_hub.vault.formats import Context


def new_key() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(formats.KEY)


def encrypt(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Return a random nonce (12 bytes), then ciphertext and tag of `plaintext` under `key` (32 bytes), bound to `aad`."""
    nonce = os.urandom(formats.NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def decrypt(key: bytes, data: bytes, aad: bytes, *, what: str) -> bytes:
    """Return the plaintext of what `encrypt` returned.

    Raises:
        errors.CannotOpen: another key, another `aad`, or changed bytes (fact: `what`).
    """
    return decrypt_with(key, data[: formats.NONCE], data[formats.NONCE :], aad, what=what)


def encrypt_with(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Return ciphertext and tag under a key and nonce that are used once."""
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def decrypt_with(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes, *, what: str) -> bytes:
    """Return the plaintext of what `encrypt_with` returned; raises errors.CannotOpen like `decrypt`."""
    if len(ciphertext) < formats.TAG:
        raise errors.CannotOpen(what=what)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except (InvalidTag, ValueError):
        raise errors.CannotOpen(what=what) from None


def seal(key: bytes, plaintext: bytes, context: Context) -> bytes:
    """Return `plaintext` sealed under a random `key`: header, nonce, ciphertext and tag, bound to `context`."""
    return formats.header(formats.SECRET) + encrypt(key, plaintext, context.bound(formats.SECRET))


def open_sealed(key: bytes, sealed: bytes, context: Context) -> bytes:
    """Return the plaintext of what `seal` returned.

    Raises:
        errors.CannotOpen: another key or context, or changed bytes.
    """
    body = formats.body_of(sealed, formats.SECRET, at_least=formats.NONCE + formats.TAG)
    return decrypt(key, body, context.bound(formats.SECRET), what=context.purpose)
