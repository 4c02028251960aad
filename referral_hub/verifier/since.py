"""The last visit: is the log of today the one that was seen then, only longer?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import bundle_form as form
from referral_hub.audit import checkpoint, merkle, note, proof_text
from referral_hub.audit.submission import hash_of
from referral_hub.verifier import whole
from referral_hub.verifier.archive import Archive
from referral_hub.verifier.findings import Report, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from referral_hub.audit.checkpoint import Tree
    from referral_hub.audit.policy import Policy
    from referral_hub.verifier.whole import Hashes

_ZIP = b"PK\x03\x04"
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Earlier:
    """What an auditor kept of the last visit: the tree that was signed then, and the bundle where one was kept."""

    tree: Tree
    path: Path
    is_bundle: bool

    def leaves(self) -> dict[int, bytes]:
        """Return the leaf hashes that the kept bundle proves, by index; of a bare checkpoint none."""
        if not self.is_bundle:
            return {}
        scratch = Report()
        try:
            archive = Archive(self.path, scratch)
            try:
                return _proven(archive, self.tree)
            finally:
                archive.close()
        except Stop:
            return {}


def load(path: Path, policy: Policy, report: Report) -> Earlier:
    """Return what the file at `path` holds: a checkpoint, or a bundle with one; signed by a log of the policy."""
    text, is_bundle = _text(path, report)
    try:
        origin = text.partition("\n")[0]
        vkeys = policy.log_vkeys(origin)
        if not vkeys:
            report.add("since_unreadable", file=str(path))
            raise Stop
        return Earlier(checkpoint.parse(note.open_note(text, vkeys).text), path, is_bundle)
    except errors.BadNote as wrong:
        is_forged = wrong.facts["part"] in {"signature", "unknown_key"}
        report.add("since_forged" if is_forged else "since_unreadable", file=str(path))
        raise Stop from None


def compare_whole(earlier: Earlier, tree: Tree, hashes: Hashes, former: Mapping[str, int], report: Report) -> None:
    """Compare the whole log with the last visit; where it differs and a bundle was kept, name the entries."""
    then = earlier.tree
    if then.origin != tree.origin and then.origin not in former:
        report.add("since_unreadable", file=str(earlier.path))
        return
    kept = former.get(then.origin, then.size) if then.origin != tree.origin else then.size
    if then.size > kept:
        report.add("history_lost", kept, last=then.size - 1, log=then.origin)
    elif then.size > hashes.size:
        report.add("history_shorter", hashes.size, last=then.size - 1)
    elif hashes.root_at(then.size) != then.root:
        report.add("history_rewritten", size=then.size)
    else:
        report.facts["extends"] = then.size
    _name_rewritten(earlier, hashes.leaf, min(kept, hashes.size), report)


def compare_extract(earlier: Earlier, tree: Tree, archive: Archive, leaves: Mapping[int, bytes], report: Report) -> None:
    """Compare a part of the log with the last visit, by the proof that the bundle brings for it."""
    then = earlier.tree
    if then.origin != tree.origin:
        report.add("since_not_bridged", size=then.size)
        return
    if then.size > tree.size:
        report.add("history_shorter", tree.size, last=then.size - 1)
        return
    path = () if then.size == tree.size else _bridge(archive, then.size)
    if path is None:
        report.add("since_not_bridged", size=then.size)
        return
    try:
        if then.size:
            merkle.verify_consistency(old_size=then.size, new_size=tree.size, old_root=then.root, new_root=tree.root, proof=path)
        report.facts["extends"] = then.size
    except errors.BadProof:
        report.add("history_rewritten", size=then.size)
        _name_rewritten(earlier, leaves.get, tree.size, report)


def _name_rewritten(earlier: Earlier, leaf_at: Callable[[int], bytes | None], size: int, report: Report) -> None:
    if report.has("history_rewritten"):
        for index, leaf in sorted(earlier.leaves().items()):
            if index < size and leaf_at(index) not in {leaf, None}:
                report.add("entry_rewritten", index)


def _bridge(archive: Archive, size: int) -> tuple[bytes, ...] | None:
    """Return the consistency proof of the bundle, if it is one from `size`."""
    if form.SINCE not in archive or form.CONSISTENCY not in archive:
        return None
    try:
        text = archive.read(form.SINCE).decode()
        stated = checkpoint.parse(text.rpartition("\n\n")[0] + "\n")
        lines = archive.read(form.CONSISTENCY).decode().splitlines()
        return tuple(map(hash_of, lines)) if stated.size == size else None
    except (errors.BadNote, UnicodeDecodeError):
        return None


def _proven(archive: Archive, tree: Tree) -> dict[int, bytes]:
    if form.ENTRIES not in archive:
        hashes = whole.leaves_of(archive, tree)
        return {} if hashes is None else {index: hashes.leaf(index) for index in range(hashes.size)}
    found = {}
    for line in archive.lines(form.ENTRIES):
        try:
            payload, text = form.read_line(line)
            proof = proof_text.read(text)
            leaf = merkle.leaf_hash(payload)
            merkle.verify_inclusion(index=proof.index, size=tree.size, leaf=leaf, proof=proof.path, root=tree.root)
            found[proof.index] = leaf
        except (errors.BadNote, errors.BadProof):
            continue
    return found


def _text(path: Path, report: Report) -> tuple[str, bool]:
    try:
        with path.open("rb") as opened:
            raw = opened.read(_MOST_BYTES)
    except OSError:
        report.add("file_missing", file=str(path))
        raise Stop from None
    is_bundle = raw.startswith(_ZIP)
    if is_bundle:
        scratch = Report()
        try:
            archive = Archive(path, scratch)
            raw = archive.read(form.CHECKPOINT)
            archive.close()
        except Stop:
            report.add("since_unreadable", file=str(path))
            raise
    try:
        return raw.decode(), is_bundle
    except UnicodeDecodeError:
        report.add("since_unreadable", file=str(path))
        raise Stop from None
