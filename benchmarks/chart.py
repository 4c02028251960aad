"""What an entry and a proof cost as the log grows, as a multiple of the same in a log of 1,000 at the same time: one small SVG.

Drawn out of the rows of the report, without a library. The bars are the range of the slices.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.report import Row

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 52, 150, 20, 44
SERIES = (("entry", "#1f5fa8", "act with its entry"), ("proof", "#a8501f", "proof from tiles"))
POINT = re.compile(r"log: (entry|proof) at ([\d,]+) / 1,000")


class Spot(NamedTuple):
    """One size, the median of the slices, their lowest and highest."""

    size: int
    value: float
    low: float
    high: float


def write(rows: Iterable[Row], path: Path) -> None:
    """Draw the log's rows into the file at `path`; nothing where they are not among the rows."""
    found: dict[str, list[Spot]] = {name: [] for name, _, _ in SERIES}
    for row in rows:
        if (named := POINT.fullmatch(row.name)) and row.value is not None and row.value_range is not None:
            found[named[1]].append(Spot(int(named[2].replace(",", "")), row.value, *row.value_range))
    if all(found.values()):
        path.write_text(draw(found), encoding="utf-8")


def draw(found: dict[str, list[Spot]]) -> str:
    """Return the picture: sizes on a logarithmic axis, multiples on a straight one from nought."""
    sizes = [spot.size for spot in found["entry"]]
    most = max(spot.high for spots in found.values() for spot in spots)
    step = 10 ** math.floor(math.log10(most))
    step = next(part * step for part in (0.2, 0.5, 1.0, 2.0) if most / (part * step) <= 6)  # some six lines
    top = math.ceil(most / step) * step
    low, high = math.log10(min(sizes)), math.log10(max(sizes))

    def x(size: int) -> float:
        return LEFT + (math.log10(size) - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    told = "Cost of an act with its entry and of a proof, by the size of the log, as a multiple of that in a log of 1,000"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="{told}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for number in range(round(top / step) + 1):
        at = y(number * step)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/><text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{number * step:g}</text>')
    parts += [f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,}</text>' for size in sizes]
    parts.append(f'<text x="{(WIDTH - RIGHT + LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">entries in the log</text><text x="6" y="12">× that of 1,000</text>')
    for place, (name, colour, label) in enumerate(SERIES):
        spots = [(x(spot.size) + 3 * place, spot) for spot in found[name]]
        parts.append(f'<polyline points="{" ".join(f"{a:.1f},{y(spot.value):.1f}" for a, spot in spots)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for a, spot in spots:
            parts.append(f'<path d="M{a:.1f} {y(spot.low):.1f}V{y(spot.high):.1f}" stroke="{colour}" stroke-opacity=".5"/>')
            parts.append(f'<circle cx="{a:.1f}" cy="{y(spot.value):.1f}" r="3" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 14}" y="{TOP + 16 + 18 * place}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])
