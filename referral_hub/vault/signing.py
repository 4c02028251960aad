"""Ed25519 (RFC 8032) and ML-DSA-44 (FIPS 204) on plain bytes: no records, no state. The log signs and verifies through here too."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey


def new_seed() -> bytes:
    """Return a new random private key: the 32-byte seed of RFC 8032, section 5.1.5, or of FIPS 204, algorithm 1."""
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


def ml_dsa_public_of(seed: bytes) -> bytes:
    """Return the 1,312 public bytes of the ML-DSA-44 key that `seed` (32 bytes) makes."""
    return MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()


def ml_dsa_sign(seed: bytes, message: bytes) -> bytes:
    """Return the 2,420-byte ML-DSA-44 signature of `message`, with an empty context string."""
    return MLDSA44PrivateKey.from_seed_bytes(seed).sign(message)


def ml_dsa_verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether the ML-DSA-44 `signature` of `message` was made by the key of `public` (1,312 bytes)."""
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
