"""Checkpoints: the note text that states how large the tree is and what its root is (C2SP tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from referral_hub import errors
from referral_hub.audit import merkle

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_FIXED_LINES = 3


@dataclass(frozen=True)
class Tree:
    """What a checkpoint states: the log's origin, the tree's size in leaves and its 32-byte root."""

    origin: str
    size: int
    root: bytes


def text_of(tree: Tree) -> str:
    """Return the note text of a checkpoint of `tree`, without extension lines."""
    return f"{tree.origin}\n{tree.size}\n{base64.b64encode(tree.root).decode()}\n"


def parse(text: str) -> Tree:
    """Return what the checkpoint text states; extension lines are allowed and have no meaning here.

    Raises:
        errors.BadNote: fewer than three lines, an empty line, a size with leading zeroes, or a root that is no hash.
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _FIXED_LINES or not text.endswith("\n") or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise errors.BadNote(part="checkpoint")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise errors.BadNote(part="root") from wrong
    if len(root) != merkle.HASH_BYTES or base64.b64encode(root).decode() != lines[2]:
        raise errors.BadNote(part="root")
    return Tree(origin=lines[0], size=int(lines[1]), root=root)
