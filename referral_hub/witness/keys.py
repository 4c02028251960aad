"""The key file of a witness, read-only for its owner (0400).

One line `witness <name>`, one `ed25519 <base64 of a 32-byte seed>` and, if wanted, one `ml-dsa-44 <base64 of a 32-byte seed>`.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import note
from referral_hub.vault import signing

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"ed25519": note.COSIGNATURE_V1, "ml-dsa-44": note.ML_DSA_44}
_SEED = 32


@dataclass(frozen=True)
class WitnessKeys:
    """A witness's keys: a signer for each type of cosignature, Ed25519 first."""

    signers: tuple[tuple[int, note.Signer], ...]

    @property
    def vkeys(self) -> list[str]:
        """The verifier keys, one for each type."""
        return [signer.vkey(kind) for kind, signer in self.signers]

    def cosign(self, text: str, timestamp: int) -> str:
        """Return the signature lines over checkpoint text `text` at `timestamp` (POSIX seconds)."""
        return "".join(note.signature_line(text, signer, timestamp=timestamp, kind=kind) for kind, signer in self.signers)


def make(name: str, path: Path, *, ml_dsa: bool = False) -> WitnessKeys:
    """Write a new key file at `path` and return its keys. Two keys of one name differ in type, and so in id.

    Raises:
        errors.BadNote: `name` cannot be the name of a key. errors.BadSettings: the file exists.
    """
    note.make_vkey(name, bytes(_SEED))
    kinds = _KINDS if ml_dsa else ("ed25519",)
    lines = [f"witness {name}", *(f"{kind} {base64.b64encode(signing.new_seed()).decode()}" for kind in kinds)]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    except OSError as taken:
        raise errors.BadSettings(name="key_file") from taken
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return load(path)


def load(path: Path) -> WitnessKeys:
    """Return the keys of the file at `path`.

    Raises:
        errors.BadSettings: the file is missing or is none of ours.
    """
    try:
        head, *rest = path.read_text(encoding="utf-8").splitlines()
        word, name = head.split(" ", 1)
        signers = tuple(_signer(name, line) for line in rest)
    except (OSError, ValueError, KeyError) as wrong:
        raise errors.BadSettings(name="key_file") from wrong
    if word != "witness" or not signers or len({kind for kind, _ in signers}) != len(signers):
        raise errors.BadSettings(name="key_file")
    return WitnessKeys(signers)


def _signer(name: str, line: str) -> tuple[int, note.Signer]:
    kind, encoded = line.split(" ")
    try:
        seed = base64.b64decode(encoded, validate=True)
    except binascii.Error as wrong:
        raise ValueError from wrong
    if len(seed) != _SEED:
        raise ValueError
    return _KINDS[kind], note.Signer(name=name, seed=seed)
