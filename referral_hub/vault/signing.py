"""Ed25519 (RFC 8032) on plain bytes: no records, no state. The log signs and verifies through here too."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def new_seed() -> bytes:
    """Return a new random private key: the 32-byte seed of RFC 8032, section 5.1.5."""
    return os.urandom(32)


def public_of(seed: bytes) -> bytes:
    """Return the 32 public bytes that belong to `seed`."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the 64-byte signature of `message` by `seed`."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` (64 bytes) of `message` was made by the key of `public` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
