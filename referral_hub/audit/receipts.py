"""Receipts: what a member takes home of an access, so that a dropped entry can be shown by somebody else's paper. Pure.

A signed note of three facts and two that help a person: the log, the entry's index, its leaf hash; when, and which act. Its first
line is the log's name with `/receipt` behind it, and its key has that name: no receipt can be taken for a checkpoint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import note
from referral_hub.audit.submission import hash_line, hash_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX = "/receipt"
_LINES = re.compile(
    r"(?P<origin>[^\n]+)/receipt\nindex (?P<index>0|[1-9][0-9]{0,18})\nleaf (?P<leaf>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6})Z\nact (?P<act>[a-z0-9_.]{1,64})\n"
)


@dataclass(frozen=True)
class Receipt:
    """What a receipt says: the log, the index of the entry, its 32-byte leaf hash, when it was, and the act's code."""

    origin: str
    index: int
    leaf_hash: bytes
    occurred_at: datetime
    action: str


def signer(seed: bytes, *, origin: str) -> note.Signer:
    """Return the signer of receipts of the log `origin`; its verifier key is `.vkey()`."""
    return note.Signer(name=f"{origin}{SUFFIX}", seed=seed)


def make(receipt: Receipt, signing: note.Signer) -> str:
    """Return the signed note of a receipt.

    Raises:
        errors.BadNote: the signer is another log's.
    """
    if signing.name != f"{receipt.origin}{SUFFIX}":
        raise errors.BadNote(part="origin")
    moment = receipt.occurred_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    lines = (signing.name, f"index {receipt.index}", f"leaf {hash_line(receipt.leaf_hash)}", f"time {moment}Z", f"act {receipt.action}")
    return note.sign("\n".join(lines) + "\n", signing)


def verify(text: str, vkeys: Sequence[str]) -> Receipt:
    """Return what a receipt says, once one of the verifier keys `vkeys` is shown to have signed it.

    Raises:
        errors.BadNote: it is no receipt, or not signed by such a key, or the key is not that log's.
    """
    opened = note.open_note(text, list(vkeys))
    found = _LINES.fullmatch(opened.text)
    if found is None or any(signature.name != f"{found['origin']}{SUFFIX}" for signature in opened.signatures):
        raise errors.BadNote(part="receipt")
    try:
        moment = datetime.fromisoformat(found["time"]).replace(tzinfo=UTC)
    except ValueError as wrong:
        raise errors.BadNote(part="receipt") from wrong
    return Receipt(found["origin"], int(found["index"]), hash_of(found["leaf"]), moment, found["act"])


def together(notes: Sequence[str]) -> str:
    """Return several receipts in one text, an empty line between them."""
    return "\n".join(notes)


def apart(text: str) -> list[str]:
    """Return the receipts of a text that `together` made, or the one it holds; what is none is left for `verify` to name."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return [f"{body.lstrip(chr(10))}\n\n{lines.rstrip(chr(10))}\n" for body, lines in zip(blocks[::2], [*blocks[1::2], ""], strict=False)]
