"""Where the hashes of the tree stand: tiles of 256 hashes (C2SP tlog-tiles).

Level 0 holds leaf hashes; each hash of level l + 1 is the root of a full tile of level l. Pure: names and arithmetic only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import merkle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEIGHT = 8
WIDTH = 1 << HEIGHT
_PLACE = re.compile(r"(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?")


def path(level: int, n: int, width: int = WIDTH) -> str:
    """Return the C2SP resource name of tile `n` at `level`, e.g. `tile/0/x001/x234/067` or `tile/1/000.p/17`."""
    groups = [f"{n % 1000:03d}"]
    while n := n // 1000:
        groups.append(f"x{n % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def width_of(level: int, n: int, size: int) -> int:
    """Return how many hashes tile `n` at `level` has in a tree of `size` leaves: 0 (no such tile) to 256 (full)."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - n * WIDTH))


def locate(height: int, number: int) -> tuple[int, int, int, int]:
    """Return where node (height, number) comes from: tile level and number, first hash and count of hashes to fold."""
    level, above = divmod(height, HEIGHT)
    n, first = divmod(number << above, WIDTH)
    return level, n, first, 1 << above


def split(hashes: bytes) -> list[bytes]:
    """Return the single hashes of a tile."""
    return [hashes[at : at + merkle.HASH_BYTES] for at in range(0, len(hashes), merkle.HASH_BYTES)]


def filled(size: int, made: Sequence[tuple[int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Return the tiles that the append which made the tree `size` large filled, as (level, n, root), lowest level first.

    `made` is what `merkle.append` returned for the last leaf.
    """
    return [(height // HEIGHT - 1, (size >> height) - 1, node) for height, node in made if height % HEIGHT == 0]


def entries_path(n: int, width: int = WIDTH) -> str:
    """Return the C2SP resource name of entry bundle `n`, e.g. `tile/entries/x001/x234/067`."""
    return path(0, n, width).replace("tile/0/", "tile/entries/", 1)


def parse_path(place: str) -> tuple[int, int] | None:
    """Return number and width of the tile or bundle that `place` names (`x001/x234/067` or `067.p/17`), or None when it names none."""
    found = _PLACE.fullmatch(place)
    if found is None:
        return None
    number = int("".join(part.removeprefix("x") for part in found["number"].split("/")))
    width = int(found["width"] or WIDTH)
    named = path(0, number, width).removeprefix("tile/0/")
    return (number, width) if named == place else None


def pack(entries: Iterable[bytes]) -> bytes:
    """Return the entry bundle of `entries`: each with its length in two bytes before it (C2SP tlog-tiles, Log entries)."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def unpack(bundle: bytes) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        errors.BadProof: the bundle ends within an entry.
    """
    entries = []
    at, end = 0, len(bundle)
    while at < end:
        start = at + 2
        at = start + (bundle[at] << 8) + (bundle[at + 1] if start <= end else 0)
        if at > end:
            raise errors.BadProof(part="entries")
        entries.append(bundle[start:at])
    return entries
