"""What is sent to a witness: the request body of `add-checkpoint` (C2SP tlog-witness). Pure; both ends use it."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from referral_hub import errors
from referral_hub.audit import merkle

MAX_PROOF = 63
MAX_BYTES = 256 * 1024
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Submission:
    """A checkpoint for a witness, with the proof that it continues the tree of `old_size` leaves (0: a first contact, no proof)."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: str


def write(submission: Submission) -> bytes:
    """Return the request body."""
    lines = [f"old {submission.old_size}", *map(hash_line, submission.proof), "", submission.checkpoint]
    return "\n".join(lines).encode()


def read(raw: bytes) -> Submission:
    """Return what a request body says; the checkpoint is not looked into.

    Raises:
        errors.BadNote: it is not of the format.
    """
    try:
        head, separator, checkpoint = raw.decode().partition("\n\n")
    except UnicodeDecodeError as wrong:
        raise errors.BadNote(part="utf8") from wrong
    first, *rest = head.split("\n")
    old = _OLD.fullmatch(first)
    if old is None or not separator or not checkpoint or len(rest) > MAX_PROOF:
        raise errors.BadNote(part="submission")
    return Submission(int(old[1]), tuple(map(hash_of, rest)), checkpoint)


def hash_line(value: bytes) -> str:
    """Return a hash as it stands in a proof: base64, without the newline."""
    return base64.b64encode(value).decode()


def hash_of(line: str) -> bytes:
    """Return the 32-byte hash of a proof line.

    Raises:
        errors.BadNote: it is none.
    """
    try:
        value = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise errors.BadNote(part="hash") from wrong
    if len(value) != merkle.HASH_BYTES or hash_line(value) != line:
        raise errors.BadNote(part="hash")
    return value
