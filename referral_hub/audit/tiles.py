"""Where the hashes of the tree stand: tiles of 256 hashes (C2SP tlog-tiles).

Level 0 holds leaf hashes; each hash of level l + 1 is the root of a full tile of level l. Pure: names and arithmetic only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.audit import merkle

if TYPE_CHECKING:
    from collections.abc import Sequence

HEIGHT = 8
WIDTH = 1 << HEIGHT


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
