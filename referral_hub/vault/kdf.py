"""From a passphrase to keys: Argon2id (RFC 9106), then HKDF-SHA-256 (RFC 5869) with a label per use."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from referral_hub import errors

ITERATIONS: Final = 3
MEMORY_KIB: Final = 65536
LANES: Final = 1       # more lanes hang when two threads of a process derive at once
SALT: Final = 16

_TEXT: Final = re.compile(r"argon2id\$m=(\d{1,8}),t=(\d{1,3}),p=1")


def hkdf(secret: bytes, *, info: bytes, salt: bytes = b"", length: int = 32) -> bytes:
    """Return `length` bytes derived from `secret` for the use that `info` names (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=info).derive(secret)


@dataclass(frozen=True)
class KdfParameters:
    """Cost of Argon2id; one lane. Below the floor (3 passes over 64 MiB) it cannot be made.

    Raises:
        errors.BadSettings: a cost below the floor (fact: `name`).
    """

    iterations: int = ITERATIONS
    memory_kib: int = MEMORY_KIB

    def __post_init__(self) -> None:
        for name, value, floor in (("argon2_iterations", self.iterations, ITERATIONS), ("argon2_memory_kib", self.memory_kib, MEMORY_KIB)):
            if value < floor:
                raise errors.BadSettings(name=name)

    @property
    def text(self) -> str:
        """Return the parameters as a row keeps them, e.g. `argon2id$m=65536,t=3,p=1`."""
        return f"argon2id$m={self.memory_kib},t={self.iterations},p={LANES}"

    @classmethod
    def parse(cls, text: str) -> KdfParameters:
        """Return the parameters a row was made with. Nothing new is made with them: they are raised at the next sign-in.

        Raises:
            errors.CannotOpen: another form.
        """
        found = _TEXT.fullmatch(text)
        if found is None:
            raise errors.CannotOpen(what="kdf")
        return below_floor(memory_kib=int(found[1]), iterations=int(found[2]))


def below_floor(*, iterations: int, memory_kib: int) -> KdfParameters:
    """Return parameters that the floor does not hold for: those of stored rows, of the tests and of the demo."""
    made = object.__new__(KdfParameters)
    object.__setattr__(made, "iterations", iterations)
    object.__setattr__(made, "memory_kib", memory_kib)
    return made


@dataclass(frozen=True, repr=False)
class Unlock:
    """What a passphrase gives: a key that unwraps the member key, and a verifier of which only a hash is kept."""

    wrap_key: bytes
    verifier: bytes

    def __repr__(self) -> str:
        return "<unlock keys>"


def new_salt() -> bytes:
    """Return 16 random bytes."""
    return os.urandom(SALT)


def unlock(passphrase: str, *, salt: bytes, parameters: KdfParameters) -> Unlock:
    """Return the keys of `passphrase` (any length; normalised to NFC) with its row's `salt` and `parameters`.

    Takes about 180 ms with production parameters and holds no database connection.
    """
    argon = Argon2id(
        salt=salt, length=32, iterations=parameters.iterations, lanes=LANES, memory_cost=parameters.memory_kib,
    )  # fmt: skip
    root = argon.derive(unicodedata.normalize("NFC", passphrase).encode())
    return Unlock(wrap_key=hkdf(root, info=b"referral-hub unlock wrap key 1"), verifier=hkdf(root, info=b"referral-hub unlock verifier 1"))
