"""A member key between requests: sealed under two halves, the secret in her cookie and one that this host keeps in memory (tmpfs).

The row with the sealed key belongs to `accounts`. A full stop loses the server half and signs everybody out.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from referral_hub import errors
from referral_hub.vault import aead, formats, kdf
from referral_hub.vault.formats import NONCE, SESSION, TAG, pack
from referral_hub.vault.member import MemberKey

if TYPE_CHECKING:
    import uuid

HALF: Final = 32
HALF_ID: Final = 8
SLOTS: Final = ("half-a", "half-b")

_MOUNTS: Final = Path("/proc/self/mounts")
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


class ServerHalves:
    """The one or two server halves of this host; new sessions are sealed under the last of them."""

    def __init__(self, halves: list[bytes], *, on_tmpfs: bool) -> None:
        self._halves = {_half_id(half): half for half in halves}
        self._current = _half_id(halves[-1])
        self.on_tmpfs = on_tmpfs

    def __repr__(self) -> str:
        return f"<server halves: {len(self._halves)}>"

    @classmethod
    def load(cls, folder: Path, *, require_tmpfs: bool) -> ServerHalves:
        """Return the halves in `folder`; without any, one is made (exclusive, 0600), so that workers of one host agree.

        Raises:
            errors.BadSettings: the folder is not in memory though it must be. errors.Unavailable: `key_unavailable`, it cannot be used.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            on_tmpfs = is_in_memory(folder)
            if require_tmpfs and not on_tmpfs:
                raise errors.BadSettings(name="session_folder")
            if not any((folder / slot).exists() for slot in SLOTS):
                _make(folder / SLOTS[0])
            halves = [(folder / slot).read_bytes() for slot in SLOTS if (folder / slot).exists()]
        except OSError:
            raise errors.Unavailable("key_unavailable") from None
        if any(len(half) != HALF for half in halves):
            raise errors.Unavailable("key_unavailable")
        return cls(halves, on_tmpfs=on_tmpfs)

    def seal(self, member_key: MemberKey, *, cookie_secret: bytes, session_id: uuid.UUID, member_id: uuid.UUID) -> bytes:
        """Return the member key sealed for its session row: header, id of the half (8 bytes), nonce, ciphertext and tag."""
        key = _session_key(cookie_secret, self._halves[self._current])
        sealed = aead.encrypt(key, member_key.raw(), _bound(self._current, session_id, member_id))
        return formats.header(SESSION) + self._current + sealed

    def open(self, sealed: bytes, *, cookie_secret: bytes, session_id: uuid.UUID, member_id: uuid.UUID) -> MemberKey:
        """Return the member key of a session.

        Raises:
            errors.NotSignedIn: the server half is gone, another cookie, session or member, or changed bytes.
        """
        try:
            body = formats.body_of(sealed, SESSION, at_least=HALF_ID + NONCE + TAG)
            half_id = body[:HALF_ID]
            key = _session_key(cookie_secret, self._halves[half_id])
            return MemberKey(aead.decrypt(key, body[HALF_ID:], _bound(half_id, session_id, member_id), what="session"))
        except (errors.CannotOpen, KeyError):
            raise errors.NotSignedIn from None


def new_secret() -> bytes:
    """Return a new cookie secret: 32 random bytes."""
    return secrets.token_bytes(HALF)


def secret_digest(secret: bytes) -> bytes:
    """Return the SHA-256 by which a row knows a secret that it does not keep."""
    return hashlib.sha256(secret).digest()


def is_in_memory(folder: Path) -> bool:
    """Return whether `folder` lies on tmpfs or ramfs, by the longest mount point above it."""
    best, kind = "", ""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    for line in lines:
        _, point, fs, *_ = line.split(" ")
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, fs
    return kind in _IN_MEMORY


def _make(path: Path) -> None:
    """Place a new half at `path` in one step; if another worker was faster, its half stands."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(HALF))
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _half_id(half: bytes) -> bytes:
    return hashlib.sha256(pack("referral-hub server half 1", half)).digest()[:HALF_ID]


def _session_key(cookie_secret: bytes, half: bytes) -> bytes:
    return kdf.hkdf(cookie_secret + half, info=b"referral-hub session 1")


def _bound(half_id: bytes, session_id: uuid.UUID, member_id: uuid.UUID) -> bytes:
    return pack(formats.FORMAT, SESSION, "session", half_id, session_id, member_id)
