"""What a witness answers: the checks of C2SP tlog-witness in their order, each with its status."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import checkpoint, merkle, note, submission
from referral_hub.witness.memory import Refusal, Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referral_hub.audit.checkpoint import Tree
    from referral_hub.audit.submission import Submission
    from referral_hub.witness.keys import WitnessKeys
    from referral_hub.witness.memory import Memory

OK, MALFORMED, FORBIDDEN, UNKNOWN, CONFLICT, UNPROVEN = 200, 400, 403, 404, 409, 422
TEXT = "text/plain; charset=utf-8"
_UNSIGNED = frozenset({"signature", "unknown_key", "timestamp"})


@dataclass(frozen=True)
class Answer:
    """A status of the protocol with the body that goes with it."""

    status: int
    body: str
    content_type: str = TEXT


class _Refused(Exception):
    """`is_evidence`: a log that only grows does not come to this."""

    def __init__(self, status: int, body: str, content_type: str = TEXT, *, is_evidence: bool = False) -> None:
        super().__init__(status)
        self.answer = Answer(status, body, content_type)
        self.is_evidence = is_evidence


class Witness:
    """Keys, memory, and the logs that are witnessed: their verifier keys, of which each names its log's origin.

    Raises:
        errors.BadNote: a verifier key of a log is none.
    """

    def __init__(self, keys: WitnessKeys, memory: Memory, logs: Sequence[str]) -> None:
        self._keys = keys
        self._memory = memory
        self._logs: dict[str, list[str]] = {}
        for vkey in logs:
            self._logs.setdefault(note.parse_vkey(vkey).name, []).append(vkey)

    @property
    def vkeys(self) -> list[str]:
        """The witness's own verifier keys."""
        return self._keys.vkeys

    def log_vkeys(self, origin: str) -> list[str]:
        """Return the verifier keys of a log; empty when it is not witnessed."""
        return self._logs.get(origin, [])

    def seen(self, origin: str) -> Seen | None:
        """Return the newest checkpoint of `origin` that was cosigned. Raises errors.Unavailable."""
        return self._memory.seen(origin)

    def refuse(self, refusal: Refusal) -> None:
        """Keep what a log showed and was not cosigned, as evidence. Raises errors.Unavailable."""
        self._memory.keep(refusal)

    def add_checkpoint(self, body: bytes, *, now: int) -> Answer:
        """Return the cosignatures of the checkpoint in a request body at `now` (POSIX seconds), or why there are none.

        Raises:
            errors.Unavailable: the memory cannot be read or written; nothing was signed.
        """
        try:
            asked = _parsed(body)
            tree, signed = self._signed(asked)
            seen = self._memory.advance(tree.origin, lambda before: self._next(asked, tree, signed, before, now))
        except _Refused as refused:
            if refused.is_evidence:
                self._memory.keep(Refusal(now, tree.origin, refused.answer.status, asked.old_size, signed))
            return refused.answer
        return Answer(OK, seen.note.removeprefix(signed))

    def newest(self, origin_hash: str) -> Answer:
        """Return the newest cosigned checkpoint of the log whose origin has this SHA-256 in hex (monitors ask for it)."""
        for origin in self._logs:
            if hashlib.sha256(origin.encode()).hexdigest() == origin_hash:
                seen = self._memory.seen(origin)
                if seen is not None:
                    return Answer(OK, seen.note)
        return Answer(UNKNOWN, "no checkpoint of this log was cosigned here\n")

    def _signed(self, asked: Submission) -> tuple[Tree, str]:
        """Return the tree, and the note with the log's verified signatures and no other."""
        text = asked.checkpoint.rpartition("\n\n")[0] + "\n"
        try:
            tree = checkpoint.parse(text)
        except errors.BadNote as wrong:
            raise _Refused(MALFORMED, "not a checkpoint\n") from wrong
        vkeys = self._logs.get(tree.origin)
        if vkeys is None:
            raise _Refused(UNKNOWN, "this log is not witnessed here\n")
        try:
            opened = note.open_note(asked.checkpoint, vkeys)
        except errors.BadNote as wrong:
            if wrong.facts["part"] in _UNSIGNED:
                raise _Refused(FORBIDDEN, "no valid signature by a key of this log\n") from wrong
            raise _Refused(MALFORMED, "not a signed note\n") from wrong
        return tree, f"{opened.text}\n{''.join(signature.line for signature in opened.signatures)}"

    def _next(self, asked: Submission, tree: Tree, signed: str, before: Seen | None, now: int) -> Seen:
        """Return what is to be remembered: the checkpoint with our cosignatures, once it is proven to continue `before`."""
        if asked.old_size > tree.size:
            raise _Refused(MALFORMED, "the old size is larger than the checkpoint's\n")
        known = before.size if before else 0
        if asked.old_size != known:
            forked = before is not None and (tree.size < known or (tree.size == known and tree.root != before.root))
            raise _Refused(CONFLICT, f"{known}\n", submission.SIZE_TYPE, is_evidence=forked)
        if tree.size == 0 and tree.root != merkle.EMPTY_ROOT:
            raise _Refused(UNPROVEN, "the root of an empty tree is another\n", is_evidence=True)
        if not (_continues(before, tree, asked.proof) if known else not asked.proof):
            raise _Refused(UNPROVEN, "the checkpoint does not continue what was cosigned before\n", is_evidence=True)
        text = note_text(signed)
        return Seen(tree.size, tree.root, signed + self._keys.cosign(text, now))


def note_text(signed: str) -> str:
    """Return the text of a signed note, without its signatures. Only for notes that were opened before."""
    return signed.rpartition("\n\n")[0] + "\n"


def _parsed(body: bytes) -> Submission:
    try:
        return submission.read(body)
    except errors.BadNote as wrong:
        raise _Refused(MALFORMED, "not a submission\n") from wrong


def _continues(before: Seen | None, tree: Tree, proof: Sequence[bytes]) -> bool:
    if before is None:
        return False
    try:
        merkle.verify_consistency(
            old_size=before.size, new_size=tree.size, old_root=before.root, new_root=tree.root, proof=proof
        )
    except errors.BadProof:
        return False
    return True
