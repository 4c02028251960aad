"""The folder of key files, outside the database and its backups (docs/keys.md).

    hub-ring                      generations of the hub key            web, operator's commands
    names                         derived: names and mail only          worker
    receipt                       Ed25519 seed, signs receipts          web
    checkpoint/key                Ed25519 seed, signs checkpoints       signer
    checkpoint/last-checkpoint    what was signed last                  written by the signer
    checkpoint.pub                the public half of checkpoint/key     web, whoever checks the log

A log that begins anew gets a new checkpoint key; the former files stay beside it with a mark behind their names (`renew_checkpoint`).

Key files are read-only for their owner (0400), folders 0700. A key is one line of base 64; a ring has a line for each generation:
number, `current` or `reading`, key.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from referral_hub import errors
from referral_hub.vault import formats, signing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HUB_RING: Final = "hub-ring"
NAMES: Final = "names"
RECEIPT: Final = "receipt"
CHECKPOINT_FOLDER: Final = "checkpoint"
CHECKPOINT: Final = "checkpoint/key"
LAST_CHECKPOINT: Final = "checkpoint/last-checkpoint"
CHECKPOINT_PUBLIC: Final = "checkpoint.pub"

_SIGNING_FILES: Final = {"receipt": RECEIPT, "checkpoint": CHECKPOINT}


@dataclass(frozen=True, repr=False)
class Ring:
    """Generations of a key. New values are locked under `current`; the others only read."""

    keys: Mapping[int, bytes]
    current: int

    def __repr__(self) -> str:
        return f"<ring at generation {self.current}>"


def make(folder: Path, *, ring: Ring, names: Ring) -> None:
    """Write the layout with `ring`, its derived `names` keys, and new signing keys.

    Raises:
        errors.BadSettings: the folder holds a key already (fact: `name`).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / CHECKPOINT_FOLDER).mkdir(mode=0o700, exist_ok=True)
    write_new(folder / HUB_RING, _text_of(ring))
    write_new(folder / NAMES, _text_of(names))
    for name in _SIGNING_FILES.values():
        write_new(folder / name, _line(signing.new_seed()))
    write_new(folder / CHECKPOINT_PUBLIC, _line(signing.public_of(signing_seed(folder, "checkpoint"))))


def write_new(path: Path, text: str) -> None:
    """Write a key file that does not exist yet: exclusive, 0400, on disk before it returns."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    except FileExistsError:
        raise errors.BadSettings(name="key_folder") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_ring(path: Path) -> Ring:
    """Return the ring in the file at `path`.

    Raises:
        errors.Unavailable: `key_unavailable`, the file is missing, unreadable or not a ring.
    """
    keys: dict[int, bytes] = {}
    current = []
    for line in _read(path).splitlines():
        number, _, rest = line.partition(" ")
        standing, _, encoded = rest.partition(" ")
        if not number.isdecimal() or standing not in {"current", "reading"} or not 1 <= int(number) < 256:  # noqa: PLR2004 - one byte
            raise errors.Unavailable("key_unavailable")
        keys[int(number)] = _key(encoded)
        if standing == "current":
            current.append(int(number))
    if len(current) != 1:
        raise errors.Unavailable("key_unavailable")
    return Ring(keys=keys, current=current[0])


def signing_seed(folder: Path, name: str) -> bytes:
    """Return the 32-byte Ed25519 seed of `receipt` or `checkpoint`; raises errors.Unavailable like `read_ring`."""
    return _key(_read(folder / _SIGNING_FILES[name]).strip())


def checkpoint_public(folder: Path, mark: str = "") -> bytes:
    """Return the 32-byte Ed25519 public key that checks checkpoints, or with `mark` the one put away under it.

    Raises:
        errors.Unavailable: as `read_ring`.
    """
    return _key(_read(_marked(folder / CHECKPOINT_PUBLIC, mark)).strip())


def renew_checkpoint(folder: Path, mark: str) -> None:
    """Put the checkpoint key, its public half and the last checkpoint away under `mark`, and make a new key.

    A log that begins anew has a key of its own (C2SP tlog-policy knows a log by its key). Done in steps that may be repeated: what an
    interruption left undone the next call does, and a finished one changes nothing.

    Raises:
        errors.Unavailable: as `read_ring`.
    """
    key, public = folder / CHECKPOINT, folder / CHECKPOINT_PUBLIC
    seed = signing_seed(folder, "checkpoint")
    former = _marked(key, mark)
    if not former.exists():
        write_new(former, _line(seed))
    if _key(_read(former).strip()) == seed:
        seed = signing.new_seed()
        fresh = key.with_name(f"{key.name}.new")
        fresh.unlink(missing_ok=True)
        write_new(fresh, _line(seed))
        fresh.replace(key)
    if not _marked(public, mark).exists():
        public.replace(_marked(public, mark))
    public.unlink(missing_ok=True)
    write_new(public, _line(signing.public_of(seed)))
    last = folder / LAST_CHECKPOINT
    if last.exists() and not _marked(last, mark).exists():
        last.replace(_marked(last, mark))


def _marked(path: Path, mark: str) -> Path:
    return path.with_name(f"{path.name}.{mark}") if mark else path


def _line(key: bytes) -> str:
    return base64.b64encode(key).decode() + "\n"


def _text_of(ring: Ring) -> str:
    lines = []
    for number, key in sorted(ring.keys.items()):
        standing = "current" if number == ring.current else "reading"
        lines.append(f"{number} {standing} {base64.b64encode(key).decode()}\n")
    return "".join(lines)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise errors.Unavailable("key_unavailable") from None


def _key(encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise errors.Unavailable("key_unavailable") from None
    if len(key) != formats.KEY:
        raise errors.Unavailable("key_unavailable")
    return key
