"""A bundle of the whole log: every entry hashed, every tile compared, the root built anew."""

from __future__ import annotations

import contextlib
import itertools
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import entry, merkle, tiles
from referral_hub.verifier.archive import Archive
from referral_hub.verifier.entries import Walk
from referral_hub.verifier.findings import Report, Stop
from referral_hub.verifier.shape import sight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from referral_hub.audit.checkpoint import Tree

PART_TILES = 64
MOST_PROCESSES = 8


class Hashes:
    """The hashes of a tree by level, as tiles have them: leaf hashes, roots of full tiles, roots of 256 of those, and so on."""

    def __init__(self, leaves: bytes) -> None:
        self.levels = [leaves]
        while len(below := self.levels[-1]) >= tiles.WIDTH * merkle.HASH_BYTES:
            self.levels.append(b"".join(_roots(below)))

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self.levels[0]) // merkle.HASH_BYTES

    def leaf(self, index: int) -> bytes:
        """Return the leaf hash at `index`."""
        return self.levels[0][index * merkle.HASH_BYTES : (index + 1) * merkle.HASH_BYTES]

    def root_at(self, size: int) -> bytes:
        """Return the root of the first `size` leaves."""
        return merkle.root_at(size, self._node)

    def _node(self, height: int, number: int) -> bytes:
        level, n, first, count = tiles.locate(height, number)
        start = (n * tiles.WIDTH + first) * merkle.HASH_BYTES
        return merkle.root(tiles.split(self.levels[level][start : start + count * merkle.HASH_BYTES]))


def _roots(level: bytes) -> list[bytes]:
    full = tiles.WIDTH * merkle.HASH_BYTES
    return [merkle.root(tiles.split(level[at : at + full])) for at in range(0, len(level) - full + 1, full)]


@dataclass
class Part:
    """What one process read: the hashes of its tiles as they are stored, the walk over its entries, and what it found."""

    stored: bytes
    walk: Walk
    report: Report
    has_stopped: bool = False


def check(archive: Archive, tree: Tree, report: Report) -> tuple[Hashes, dict[str, int]]:
    """Check all entries and tiles against the signed `tree`.

    Returns the hashes of the tree as stored, and former names of the log with the size that each was kept to.
    """
    walk, stored = Walk(report), []
    for part in _parts(archive.path, tree.size):
        report.join(part.report)
        if part.has_stopped:
            raise Stop
        walk = part.walk.follow(walk, report)
        stored.append(part.stored)
    hashes = Hashes(b"".join(stored))
    _compare_tiles(archive, hashes, tree, report)
    if hashes.size != tree.size or hashes.root_at(tree.size) != tree.root:
        report.add("root_contradicted", size=tree.size)
    return hashes, walk.names(tree.origin)


def _parts(path: Path, size: int) -> Iterator[Part]:
    """Read the log in as many processes as there are cores; a small one, or where no process can be had, in this one."""
    count = (size + tiles.WIDTH - 1) // tiles.WIDTH
    processes = max(1, min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST_PROCESSES, count // PART_TILES))
    if processes == 1:
        yield read_part(path, size, range(count))
        return
    bounds = [count * i // processes for i in range(processes + 1)]
    with ProcessPoolExecutor(processes) as pool:
        waiting = [pool.submit(read_part, path, size, range(low, high)) for low, high in itertools.pairwise(bounds)]
        for part in waiting:
            yield part.result()


def read_part(path: Path, size: int, numbers: range) -> Part:
    """Read the tiles and entry bundles with these numbers of a tree of `size` leaves."""
    report = Report()
    part = Part(b"", Walk(report, numbers.start), report)
    stored: list[bytes] = []
    try:
        archive = Archive(path, report)
        try:
            stored.extend(_read_tile(archive, n, tiles.width_of(0, n, size), part) for n in numbers)
        finally:
            archive.close()
    except Stop:
        part.has_stopped = True
    part.stored = b"".join(stored)
    return part


def _read_tile(archive: Archive, n: int, width: int, part: Part) -> bytes:
    """Hash the entries of a bundle, compare them with the tile, and read them where they are the same; return the tile."""
    payloads = _unpacked(archive, tiles.entries_path(n, width), part.report)
    leaves = [sha256(b"\x00" + payload).digest() for payload in payloads]
    stored = archive.read(tiles.path(0, n, width))
    if len(payloads) == width and b"".join(leaves) == stored:
        part.walk.over(n * tiles.WIDTH, payloads)
        return stored
    part.walk.skip()
    if len(stored) != width * merkle.HASH_BYTES:
        _name_missing(n * tiles.WIDTH, width, payloads, part.report)
    else:
        _compare(n, leaves, tiles.split(stored), archive, part.report)
    return stored


def leaves_of(archive: Archive, tree: Tree) -> Hashes | None:
    """Return the leaf hashes of an earlier bundle, if they are those of its own checkpoint."""
    parts = [archive.read(tiles.path(0, n, tiles.width_of(0, n, tree.size))) for n in range((tree.size + tiles.WIDTH - 1) // tiles.WIDTH)]
    found = Hashes(b"".join(parts))
    return found if found.size == tree.size and found.root_at(tree.size) == tree.root else None


def _unpacked(archive: Archive, name: str, report: Report) -> list[bytes]:
    content = archive.read(name)
    try:
        return tiles.unpack(content)
    except errors.BadProof:
        report.add("bundle_truncated", file=name)
        archive.tell_damage(name)
        return []


def _name_missing(first: int, width: int, payloads: list[bytes], report: Report) -> None:
    """Name the entries of a tile that has lost both entries and hashes, by what those that are left say of their place."""
    stated = set()
    for payload in payloads:
        with contextlib.suppress(entry.BadEntry):
            stated.add(int(sight(payload).idx))
    for index in range(first, first + width):
        if index not in stated:
            report.add("entry_removed", index)


def _compare(n: int, is_hashes: list[bytes], be_hashes: list[bytes], archive: Archive, report: Report) -> None:
    """Name what differs between the entries of a bundle and the hashes of its tile: changed, removed, added or swapped."""
    first = n * tiles.WIDTH
    there, wanted = set(is_hashes), set(be_hashes)
    lost = [i for i, leaf in enumerate(be_hashes) if leaf not in there]
    extra = [i for i, leaf in enumerate(is_hashes) if leaf not in wanted]
    for i in sorted(set(lost) & set(extra)):
        report.add("entry_changed", first + i)
    for i in sorted(set(lost) - set(extra)):
        report.add("entry_removed", first + i)
    for i in sorted(set(extra) - set(lost)):
        report.add("entry_added", first + i)
    if not lost and not extra:
        moved = [i for i, leaf in enumerate(is_hashes) if leaf != be_hashes[min(i, len(be_hashes) - 1)]]
        code = "entry_swapped" if len(is_hashes) == len(be_hashes) else "entry_added"
        for i in moved[:2] if code == "entry_swapped" else moved[:1]:
            report.add(code, first + i)
    for name in (tiles.entries_path(n, len(be_hashes)), tiles.path(0, n, len(be_hashes))):
        archive.tell_damage(name)


def _compare_tiles(archive: Archive, stated: Hashes, tree: Tree, report: Report) -> None:
    """Compare the upper tiles with the roots of the tiles below them; a difference names the entries that it is about."""
    for level, made in enumerate(stated.levels[1:], start=1):
        for n in range((len(made) // merkle.HASH_BYTES + tiles.WIDTH - 1) // tiles.WIDTH):
            name = tiles.path(level, n, tiles.width_of(level, n, tree.size))
            stored = archive.read(name)
            wanted = made[n * tiles.WIDTH * merkle.HASH_BYTES :][: len(stored)]
            for i, (is_hash, be_hash) in enumerate(zip(tiles.split(stored), tiles.split(wanted), strict=False)):
                if is_hash != be_hash:
                    span = tiles.WIDTH**level
                    first = (n * tiles.WIDTH + i) * span
                    report.add("tile_changed", first, last=first + span - 1, file=name)
                    archive.tell_damage(name)
