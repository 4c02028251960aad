"""A bundle of a part of the log: each entry proven by itself, and no gap where the entries count on from each other."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import bundle_form as form
from referral_hub.audit import entry, merkle, proof_text
from referral_hub.verifier.shape import Sight, sight

if TYPE_CHECKING:
    from referral_hub.audit.bundle_form import Manifest
    from referral_hub.audit.checkpoint import Tree
    from referral_hub.audit.proof_text import Proof
    from referral_hub.verifier.archive import Archive
    from referral_hub.verifier.findings import Report


class Extract:
    """The entries of a part of the log as they are read, in order of their index."""

    def __init__(self, manifest: Manifest, tree: Tree, note: str, report: Report) -> None:
        self.leaves: dict[int, bytes] = {}
        self._manifest = manifest
        self._tree = tree
        self._note = note
        self._report = report
        self._of = str(manifest.of).encode()
        self._seq = 0
        self._last: int | None = None
        self._index = -1
        self._edges: list[tuple[int, Sight]] = []

    def read(self, archive: Archive) -> None:
        """Check every line, and at the end that their number is the one stated."""
        count = 0
        for count, line in enumerate(archive.lines(form.ENTRIES), start=1):
            self._line(count, line)
        if count != self._manifest.count:
            self._report.add("count_differs", is_count=count, be_count=self._manifest.count)
            archive.tell_damage(form.ENTRIES)
        if self._manifest.kind == form.PERIOD:
            self._period_ends()

    def _line(self, number: int, line: bytes) -> None:
        try:
            payload, text = form.read_line(line)
            proof = proof_text.read(text)
        except errors.BadNote:
            self._report.add("entry_malformed", None, line=number)
            return
        leaf = merkle.leaf_hash(payload)
        if proof.checkpoint != self._note or not self._is_proven(proof, leaf):
            self._report.add("entry_unproven", proof.index)
            return
        if proof.index <= self._index:
            self._report.add("entry_swapped", proof.index)
            return
        self.leaves[proof.index] = leaf
        try:
            self._seen(proof.index, sight(payload))
        except entry.BadEntry:
            self._report.add("entry_malformed", proof.index)
        self._index = proof.index

    def _is_proven(self, proof: Proof, leaf: bytes) -> bool:
        try:
            merkle.verify_inclusion(index=proof.index, size=self._tree.size, leaf=leaf, proof=proof.path, root=self._tree.root)
        except errors.BadProof:
            return False
        return True

    def _seen(self, index: int, seen: Sight) -> None:
        if int(seen.idx) != index:
            self._report.add("entry_misplaced", index, stated=int(seen.idx))
        kind = self._manifest.kind
        if kind == form.PERIOD:
            if self.leaves and self._index >= 0 and index != self._index + 1:
                self._report.add("entry_left_out", self._index + 1, last=index - 1, missing=index - self._index - 1, after=index)
            self._edges = [*self._edges[:1], (index, seen)]
        elif not self._belongs(seen):
            self._report.add("entry_foreign_question", index)
        elif counted := self._counted(seen):
            self._count_on(index, *counted)

    def _belongs(self, seen: Sight) -> bool:
        match self._manifest.kind:
            case form.SUBJECT:
                return self._of in (seen.subjects or b"")
            case form.ACTOR:
                return seen.actor_id == self._of
            case _:
                return self._of in {seen.agency_id, seen.recipient_agency}

    def _counted(self, seen: Sight) -> tuple[bytes | None, bytes | None] | None:
        """Return counter and predecessor of an entry that the counter in question counts."""
        match self._manifest.kind:
            case form.SUBJECT:
                return None if seen.page else (seen.subject_seq, seen.subject_prev)
            case form.ACTOR:
                return seen.actor_seq, seen.actor_prev
            case _:
                return (seen.agency_seq, seen.agency_prev) if seen.agency_id == self._of else None

    def _count_on(self, index: int, seq: bytes | None, prev: bytes | None) -> None:
        number = int(seq or 0)
        before = None if prev is None else int(prev)
        if number != self._seq + 1 or before != self._last:
            self._report.add("entry_left_out", before, last=before, missing=max(number - self._seq - 1, 0), after=index)
        self._seq, self._last = number, index

    def _period_ends(self) -> None:
        """The entry before the period and the one after it belong to the bundle: so nothing can be missing at its ends."""
        since, until = self._manifest.since, self._manifest.until
        ends = [(self._edges[0], 0), (self._edges[-1], self._tree.size - 1)] if self._edges else []
        if not ends and self._tree.size:
            self._report.add("entry_left_out", 0, last=self._tree.size - 1, missing=self._tree.size, after=self._tree.size)
        for (index, seen), end in ends:
            moment = datetime.fromisoformat(seen.occurred_at.decode())
            inside = (since is None or moment >= since) and (until is None or moment < until)
            if inside and index != end:
                gone = index + (1 if end else -1)
                self._report.add("entry_left_out", gone, last=gone, missing=1, after=gone + 1)
