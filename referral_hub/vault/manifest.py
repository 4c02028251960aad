"""The manifest of a sending: what the sending agency signs, so that nothing that decides can be exchanged (pure)."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from referral_hub import errors
from referral_hub.vault import signing

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1
_PREFIX: Final = b"referral-hub manifest 1\n"


@dataclass(frozen=True)
class Manifest:
    """Everything that decides about one sending. Ids are UUIDs as text, digests base 64 (`text_of`); `parts` maps a part to its digest."""

    hub: str
    referral: str
    sending: int
    member: str
    from_agency: str
    from_epoch: int
    from_keys: str
    to_agency: str
    to_epoch: int
    to_keys: str
    consent: str
    service: str
    urgency: str
    purpose: str
    parts: Mapping[str, str]
    version: int = VERSION

    def body(self) -> bytes:
        """Return the canonical bytes: JSON, ASCII, keys sorted, no blanks, no fractions (a subset of RFC 8785)."""
        return json.dumps(vars(self) | {"parts": dict(self.parts)}, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @classmethod
    def parse(cls, body: bytes) -> Manifest:
        """Return the manifest in `body`.

        Raises:
            errors.CannotOpen: not the canonical bytes of a manifest of this version.
        """
        try:
            found = json.loads(body)
        except ValueError:
            raise errors.CannotOpen(what="manifest") from None
        if not isinstance(found, dict) or set(found) != _NAMES or not isinstance(found["parts"], dict):
            raise errors.CannotOpen(what="manifest")
        manifest = cls(**found)
        if manifest.version != VERSION or manifest.body() != body:
            raise errors.CannotOpen(what="manifest")
        return manifest


_NAMES: Final = frozenset(f.name for f in fields(Manifest))


def text_of(data: bytes) -> str:
    """Return `data` as a manifest writes it: base64url without filling (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest(body: bytes) -> bytes:
    """Return the SHA-256 of a manifest's bytes; the log's entry of the sending names it."""
    return hashlib.sha256(body).digest()


def signed_bytes(body: bytes) -> bytes:
    """Return what is signed for `body`: it with a line before it that no other signature begins with."""
    return _PREFIX + body


@lru_cache(maxsize=256)
def verified(body: bytes, signature: bytes, *, signing_public: bytes) -> Manifest:
    """Return the manifest in `body` after its Ed25519 signature was found to be the sending agency's.

    What was found for the same bytes is remembered: whoever reads one section of a sending reads the next. A manifest holds no content.

    Raises:
        errors.CannotOpen: another key signed, or something changed.
    """
    if not signing.verify(signing_public, signature, signed_bytes(body)):
        raise errors.CannotOpen(what="manifest")
    return Manifest.parse(body)


def expect(manifest: Manifest, **facts: str | int | uuid.UUID) -> None:
    """Check that the manifest names each of `facts`.

    Raises:
        errors.CannotOpen: it names another (fact: `what`, the first that differs).
    """
    for name, value in facts.items():
        named = str(value) if isinstance(value, uuid.UUID) else value
        if getattr(manifest, name) != named:
            raise errors.CannotOpen(what=f"manifest.{name}")
