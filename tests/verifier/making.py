"""Bundles made of nothing but the formats: what an honest hub writes, and what anybody could do to it."""

import os
import uuid
import zipfile
from datetime import UTC, datetime, timedelta

from referral_hub.audit import bundle_form as form
from referral_hub.audit import checkpoint, merkle, note, proof_text, shard, tiles
from referral_hub.audit.checkpoint import Tree
from referral_hub.audit.entry import Entry, Place, counted, payload
from referral_hub.audit.note import Signer
from referral_hub.audit.proof_text import Proof
from referral_hub.audit.shard import NewShard
from referral_hub.audit.submission import hash_line

ORIGIN = "hub.rujukan.test/log"
KEY = Signer(ORIGIN, bytes(range(32)))
WITNESSES = [Signer(f"w{i}.witness.test", bytes([100 + i]) * 32) for i in (1, 2, 3)]
BEGIN = datetime(2026, 11, 2, 1, tzinfo=UTC)
SARI, BUDI, RAISED, LEGAL, SURVIVOR, OTHER = (uuid.UUID(int=i) for i in (1, 2, 11, 12, 21, 22))


def said(i, **facts):
    """The i-th access: two members of two agencies, two survivors, now and then a list page and a disclosure."""
    known = {
        "occurred_at": BEGIN + timedelta(seconds=10 * i),
        "action": "section.read",
        "actor_kind": "member",
        "actor_id": (SARI, BUDI)[i % 2],
        "agency_id": (RAISED, LEGAL)[i % 2],
        "subjects": ((SURVIVOR, OTHER)[i % 3 == 0],),
        "roles": ("case_worker",),
        "basis": "assigned",
        "request_id": f"r-{i}",
    }
    if i % 11 == 5:
        known |= {"action": "case.list", "subjects": (SURVIVOR, OTHER), "page": True, "count": 2}
    if i % 13 == 6:
        known |= {"action": "referral.send", "recipient_agency": LEGAL, "manifest_digest": bytes(32)}
    return Entry(**(known | facts))


class MadeLog:
    """A log of `count` entries. `facts(i)` changes what the i-th says; `seam` begins a new log at an index."""

    def __init__(self, count, *, facts=lambda _: {}, origin=ORIGIN, key=KEY, seam=None, skip_count=()):
        self.origin, self.key = origin, key
        self.payloads, counters, name = [], {}, origin
        for i in range(count):
            entry = said(i, **facts(i))
            if seam is not None and i == seam[0]:
                begun = NewShard(name, *seam[1:])
                name = f"{name}/2"
                entry = said(i, action="checkpoint.new_shard", actor_kind="operator", actor_id=None, agency_id=None, subjects=(), fields=shard.fields_of(begun))
            self.payloads.append(payload(entry, self._place(i, entry, counters, name, i in skip_count)))
        self.origin = name
        self.key = key if seam is None else Signer(name, bytes([9]) * 32)
        self.leaves = [merkle.leaf_hash(one) for one in self.payloads]

    def _place(self, i, entry, counters, name, skip):
        marks = {}
        for kind, key in counted(entry).items():
            seq, last = counters.get((kind, key), (0, None))
            marks |= {f"{kind}_seq": seq + 1, f"{kind}_prev": last}
            if not skip:
                counters[kind, key] = (seq + 1, i)
        return Place(idx=i, event_id=uuid.UUID(int=1000 + i), salt=bytes([i % 256]) * 16, software="0.1.0", origin=name, **marks)

    def nodes(self, height, number):
        return merkle.root(self.leaves[number << height : (number + 1) << height])

    def tree(self, size=None):
        size = len(self.leaves) if size is None else size
        return Tree(self.origin, size, merkle.root(self.leaves[:size]))

    def note(self, size=None, witnesses=WITNESSES, **stated):
        tree = self.tree(size)
        text = checkpoint.text_of(Tree(**({"origin": tree.origin, "size": tree.size, "root": tree.root} | stated)))
        return note.sign(text, self.key, timestamp=1793583000) + "".join(note.signature_line(text, w, timestamp=1793583007) for w in witnesses)

    def whole(self, size=None, **options):
        """The files of a bundle of the whole log, by name."""
        tree = self.tree(size)
        files = self._front(form.Manifest(form.WHOLE, tree.origin, tree.size, tree.root, tree.size), tree.size, **options)
        for n in range((tree.size + 255) // 256):
            part = self.payloads[n * 256 : min(tree.size, (n + 1) * 256)]
            files[tiles.entries_path(n, len(part))] = tiles.pack(part)
        level, hashes = 0, self.leaves[: tree.size]
        while hashes:
            groups = [hashes[i : i + 256] for i in range(0, len(hashes), 256)]
            files |= {tiles.path(level, n, len(group)): b"".join(group) for n, group in enumerate(groups)}
            level, hashes = level + 1, [merkle.root(group) for group in groups if len(group) == 256]
        return files

    def extract(self, kind, indices, *, of=None, since=None, until=None, **options):
        """The files of a bundle of a part."""
        tree = self.tree()
        files = self._front(form.Manifest(kind, tree.origin, tree.size, tree.root, len(indices), of, since, until), tree.size, **options)
        signed = files[form.CHECKPOINT].decode()
        lines = []
        for i in indices:
            path = merkle.inclusion_proof(i, tree.size, self.nodes)
            lines.append(form.entry_line(self.payloads[i], proof_text.write(Proof(i, tuple(path), signed))))
        files[form.ENTRIES] = b"".join(lines)
        return files

    def of_subject(self, subject=SURVIVOR, **options):
        hers = [i for i, one in enumerate(self.payloads) if str(subject).encode() in one]
        return self.extract(form.SUBJECT, hers, of=subject, **options)

    def _front(self, manifest, size, *, earlier=None, witnesses=WITNESSES):
        files = {form.MANIFEST: manifest.write(), form.CHECKPOINT: self.note(size, witnesses).encode()}
        if earlier is not None:
            files[form.SINCE] = self.note(earlier).encode()
            proof = merkle.consistency_proof(earlier, size, self.nodes)
            files[form.CONSISTENCY] = "".join(f"{hash_line(one)}\n" for one in proof).encode()
        return files


def zipped(path, files, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, compression)
    return path


def policy(folder, *rest, key=KEY, logs=None, witnesses=WITNESSES):
    """A policy file: the log, three witnesses, two of which are enough."""
    names = [f"w{i}" for i, _ in enumerate(witnesses, start=1)]
    lines = [f"log {vkey}" for vkey in (logs if logs is not None else [key.vkey()])]
    lines += [f"witness {name} {witness.vkey(note.COSIGNATURE_V1)}" for name, witness in zip(names, witnesses, strict=True)]
    lines += list(rest) or [f"group most 2 {' '.join(names)}", "quorum most"]
    path = folder / f"policy-{os.urandom(4).hex()}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
