"""Receipts against a log: does the log still hold what it once gave a receipt for? Pure; the log is a function from index to leaf hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import note, receipts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from referral_hub.audit.receipts import Receipt

KEY_FILE = "receipt.vkey"
ENDINGS = frozenset({".receipt", ".receipts"})
MOST_BYTES = 64 * 1024 * 1024

CONTRADICTED, MISSING, LOST, UNCOVERED, LATER, INVALID, FOREIGN = (
    "receipt_contradicted",  # the log holds another entry there
    "receipt_missing",  # the log is shorter than the receipt says it was
    "receipt_lost",  # in the range that a new log names as lost
    "receipt_uncovered",  # what is looked at does not reach there
    "receipt_later",  # given after the checkpoint that is looked at
    "receipt_invalid",
    "receipt_foreign",
)
EVIDENCE = frozenset({CONTRADICTED, MISSING, LOST})


@dataclass(frozen=True)
class Held:
    """A receipt as it was found: in which file, and which of the receipts in it (from 1)."""

    file: str
    number: int
    text: str


@dataclass(frozen=True)
class Compared:
    """What a receipt came to: an empty code when the log holds its entry."""

    held: Held
    code: str
    receipt: Receipt | None = None


@dataclass(frozen=True)
class Log:
    """What receipts are held against.

    `origin` is the log's name, `former` earlier names of it with the size up to which each was kept; `leaf_at` gives the leaf hash at an
    index or None; `is_whole` says whether every entry below `size` is there, `is_live` whether no entry can be beyond `size`.
    """

    origin: str
    size: int
    leaf_at: Callable[[int], bytes | None]
    former: Mapping[str, int]
    is_whole: bool
    is_live: bool


def read_folder(folder: Path) -> list[Held]:
    """Return the receipts of the files `*.receipt` and `*.receipts` in a folder, by name.

    Raises:
        errors.BadSettings: no such folder, or files of more than 64 MB.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in ENDINGS)
        if sum(path.stat().st_size for path in files) > MOST_BYTES:
            raise errors.BadSettings(name="receipts")
        texts = [(path.name, path.read_bytes().decode("utf-8", "replace")) for path in files]
    except OSError as wrong:
        raise errors.BadSettings(name="receipts") from wrong
    return [Held(name, number, text) for name, whole in texts for number, text in enumerate(receipts.apart(whole), start=1)]


def key_in(folder: Path) -> list[str]:
    """Return the verifier keys in the folder's `receipt.vkey`, one a line; empty where there is none.

    Raises:
        errors.BadNote: a line is no verifier key.
    """
    path = folder / KEY_FILE
    keys = path.read_text(encoding="utf-8", errors="replace").split() if path.is_file() else []
    for key in keys:
        note.parse_vkey(key)
    return keys


def compare(held: Iterable[Held], log: Log, vkeys: Sequence[str]) -> list[Compared]:
    """Return what each receipt came to."""
    return [_compared(one, log, vkeys) for one in held]


def _compared(held: Held, log: Log, vkeys: Sequence[str]) -> Compared:
    try:
        receipt = receipts.verify(held.text, vkeys)
    except errors.BadNote as wrong:
        return Compared(held, FOREIGN if wrong.facts.get("part") == "unknown_key" else INVALID)
    return Compared(held, _code(receipt, log), receipt)


def _code(receipt: Receipt, log: Log) -> str:
    if receipt.origin != log.origin and receipt.origin not in log.former:
        return FOREIGN
    leaf = log.leaf_at(receipt.index) if receipt.index < log.size else None
    if leaf == receipt.leaf_hash:
        return ""
    if receipt.origin != log.origin and receipt.index >= log.former[receipt.origin]:
        return LOST
    if leaf is not None:
        return CONTRADICTED
    if receipt.index >= log.size:
        return MISSING if log.is_live else LATER
    return MISSING if log.is_whole else UNCOVERED
