"""What an entry and a proof cost as the log grows, drawn: one small SVG out of the rows of the report, without a library."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.report import Row

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 52, 150, 20, 44
SERIES = (("entry", "#1f5fa8", "act with its entry"), ("proof", "#a8501f", "proof from tiles"))
POINT = re.compile(r"log: (entry|proof) in a log of ([\d,]+)")


def write(rows: Iterable[Row], path: Path) -> None:
    """Draw the log's rows into the file at `path`; nothing where they are not among the rows."""
    found: dict[str, list[tuple[int, float]]] = {name: [] for name, _, _ in SERIES}
    for row in rows:
        if (named := POINT.fullmatch(row.name)) and row.value is not None:
            found[named[1]].append((int(named[2].replace(",", "")), row.value))
    if all(found.values()):
        path.write_text(draw(found), encoding="utf-8")


def draw(found: dict[str, list[tuple[int, float]]]) -> str:
    """Return the picture: sizes on a logarithmic axis, milliseconds on a straight one from nought."""
    sizes = [size for size, _ in found["entry"]]
    most = max(value for points in found.values() for _, value in points)
    step = 10 ** math.floor(math.log10(most))
    step = next(part * step for part in (0.2, 0.5, 1.0, 2.0) if most / (part * step) <= 6)  # some six lines
    top = math.ceil(most / step) * step
    low, high = math.log10(min(sizes)), math.log10(max(sizes))

    def x(size: int) -> float:
        return LEFT + (math.log10(size) - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    told = "Milliseconds of an act with its entry and of a proof, by the size of the log"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="{told}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for number in range(round(top / step) + 1):
        at = y(number * step)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/><text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{number * step:g}</text>')
    parts += [f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,}</text>' for size in sizes]
    parts.append(f'<text x="{(WIDTH - RIGHT + LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">entries in the log</text><text x="6" y="12">ms</text>')
    for name, colour, label in SERIES:
        places = [(x(size), y(value)) for size, value in found[name]]
        parts.append(f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in places)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in places]
        parts.append(f'<text x="{places[-1][0] + 8:.1f}" y="{places[-1][1] + 4:.1f}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])
