"""A proof that stands alone: index, path and checkpoint in one text (C2SP tlog-proof). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from referral_hub import errors
from referral_hub.audit.submission import hash_line, hash_of

FIRST_LINE = "c2sp.org/tlog-proof@v1"
MAX_PATH = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Proof:
    """The audit path of the entry at `index` in the tree of `checkpoint`, a signed note that is not looked into here."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str


def write(proof: Proof) -> str:
    """Return the text of a proof, without extra data."""
    return "\n".join([FIRST_LINE, f"index {proof.index}", *map(hash_line, proof.path), "", proof.checkpoint])


def read(text: str) -> Proof:
    """Return what a proof says; extra data is passed over, as nothing vouches for it.

    Raises:
        errors.BadNote: it is not of the format.
    """
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if len(lines) > 1 and lines[1].startswith("extra "):
        del lines[1]
    index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if lines[0] != FIRST_LINE or index is None or not separator or not checkpoint or len(lines) - 2 > MAX_PATH:
        raise errors.BadNote(part="proof")
    return Proof(int(index[1]), tuple(map(hash_of, lines[2:])), checkpoint)
