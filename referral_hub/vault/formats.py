"""How sealed bytes are laid out: header, context, padding (docs/formats.md).

Every sealed value begins with two bytes, format version and suite. What it belongs to is bound as context: length-prefixed
fields that never change. Nothing here is secret.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from referral_hub import errors

FORMAT: Final = 1

HYBRID: Final = 1      # HPKE, ML-KEM-768 + X25519, HKDF-SHA-256, AES-256-GCM
CLASSIC: Final = 2     # HPKE, X25519, HKDF-SHA-256, AES-256-GCM
SECRET: Final = 3      # AES-256-GCM under a random or derived key
SHARE: Final = 4       # AES-256-GCM, key and nonce derived (a section key in a share)
LOCKED: Final = 5      # AES-256-GCM under a use of the hub key, with its generation
SESSION: Final = 6     # AES-256-GCM under the two session halves
OWN: Final = 7         # AES-256-GCM under a key derived from an epoch's private key (own grants)

HEADER: Final = 2
NONCE: Final = 12
TAG: Final = 16
KEY: Final = 32

KIB: Final = 1024
BUCKETS: Final = (KIB, 2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB)
STEP: Final = 32 * KIB
LENGTH: Final = 4

NOBODY: Final = uuid.UUID(int=0)

Field = bytes | str | int | uuid.UUID


def pack(*fields: Field) -> bytes:
    """Return `fields` as one unambiguous byte string: for each, its type, its length (4 bytes), its bytes.

    Integers are 8 bytes, unsigned; text is UTF-8; UUIDs are 16 bytes. No two different lists give the same bytes.
    """
    out = bytearray()
    for field in fields:
        tag, data = _tagged(field)
        out += tag + len(data).to_bytes(4) + data
    return bytes(out)


def _tagged(field: Field) -> tuple[bytes, bytes]:
    if isinstance(field, uuid.UUID):
        return b"u", field.bytes
    if isinstance(field, str):
        return b"s", field.encode()
    if isinstance(field, int):
        return b"i", field.to_bytes(8)
    return b"b", field


@dataclass(frozen=True)
class Context:
    """What a sealed value belongs to. Every field is bound; those that do not apply keep their neutral value.

    `purpose` is what the value is (part, grant, share, bundle, link …); `grant_id` the grant whose key or share it is.
    """

    purpose: str
    hub_id: bytes
    object_kind: str
    object_id: uuid.UUID
    part: str = ""
    revision: int = 0
    agency_id: uuid.UUID = NOBODY
    epoch: int = 0
    kind: str = ""
    grant_id: uuid.UUID = NOBODY

    def bound(self, suite: int) -> bytes:
        """Return the context as bytes, beginning with format and suite: `info` of HPKE and HKDF, associated data of AES-GCM."""
        return pack(
            FORMAT, suite, self.purpose, self.hub_id, self.object_kind, self.object_id, self.part, self.revision,
            self.agency_id, self.epoch, self.kind, self.grant_id,
        )  # fmt: skip


def header(suite: int) -> bytes:
    """Return the two bytes that a sealed value of `suite` begins with."""
    return bytes((FORMAT, suite))


def body_of(sealed: bytes, *suites: int, at_least: int = 0) -> bytes:
    """Return what follows the header of `sealed`.

    Raises:
        errors.CannotOpen: another format, a suite that is not among `suites`, or fewer than `at_least` bytes behind the header.
    """
    if len(sealed) < HEADER + at_least or sealed[0] != FORMAT or sealed[1] not in suites:
        raise errors.CannotOpen(what="format")
    return bytes(sealed[HEADER:])


def bucket_of(length: int) -> int:
    """Return the padded size (bytes) of content of `length` bytes: 1, 2, 4, 8, 16, 32 KiB, then multiples of 32 KiB."""
    needed = length + LENGTH
    for bucket in BUCKETS:
        if needed <= bucket:
            return bucket
    return -(-needed // STEP) * STEP


def pad(content: bytes) -> bytes:
    """Return `content` behind its length (4 bytes), filled with zeros up to its bucket."""
    return (len(content).to_bytes(LENGTH) + content).ljust(bucket_of(len(content)), b"\0")


def unpad(padded: bytes) -> bytes:
    """Return the content of `padded`.

    Raises:
        errors.CannotOpen: the length does not fit the bucket, or the filling is not zeros.
    """
    length = int.from_bytes(padded[:LENGTH])
    filling = padded[LENGTH + length :]
    if len(padded) < LENGTH or len(padded) != bucket_of(length) or filling.count(0) != len(filling):
        raise errors.CannotOpen(what="padding")
    return padded[LENGTH : LENGTH + length]
