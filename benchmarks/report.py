"""What was measured, as a table to read and as `latest.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.slices import Ratio, Side


@dataclass(frozen=True)
class Row:
    """One line. The first six facts are those of every row; a row that is no throughput has `value` with its `unit` instead."""

    name: str
    connections: int = 1
    requests_per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    ratio_to_plain: float | None = None
    ratio_range: tuple[float, float] | None = None
    plain_requests_per_second: float | None = None
    plain_p99_ms: float | None = None
    refused: int | None = None
    value: float | None = None
    value_range: tuple[float, float] | None = None
    unit: str = ""
    goal: str = ""
    reached: bool | None = None

    def item(self) -> dict[str, Any]:
        """Return the row for JSON: the six facts always, of the others those that say something."""
        facts = {name: _rounded(value) for name, value in vars(self).items()}
        always = ("name", "connections", "requests_per_second", "p50_ms", "p99_ms", "ratio_to_plain")
        return {name: value for name, value in facts.items() if name in always or value not in (None, "")}


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def verb(name: str, connections: int, product: Side, plain: Side, ratio: Ratio, *, goal: str = "", reached: bool | None = None) -> Row:
    """Return the row of a verb beside its twin."""
    return Row(
        name, connections, product.rate, product.quantile(0.5), product.quantile(0.99), ratio.middle, (ratio.low, ratio.high), plain.rate,
        plain.quantile(0.99), product.refused or None, goal=goal, reached=reached,
    )  # fmt: skip


def value(name: str, number: float, unit: str, *, goal: str = "", reached: bool | None = None, connections: int = 1, ratio: Ratio | None = None) -> Row:
    """Return a row that is one number."""
    spread = (ratio.low, ratio.high) if ratio else None
    return Row(name, connections, value=number, value_range=spread, unit=unit, goal=goal, reached=reached)


def table(rows: Iterable[Row]) -> str:
    """Return the rows as text."""
    lines = [f"{'':46} {'conn':>4} {'req/s':>8} {'p50 ms':>7} {'p99 ms':>7} {'/ plain':>22}  goal"]
    for row in rows:
        if row.requests_per_second is None:
            spread = f" ({row.value_range[0]:.2f}-{row.value_range[1]:.2f})" if row.value_range else ""
            numbers = f"{row.value:24,.2f} {row.unit}{spread}".ljust(47)
        else:
            spread = f"{row.ratio_to_plain:.2f} ({row.ratio_range[0]:.2f}-{row.ratio_range[1]:.2f})" if row.ratio_range else ""
            numbers = f"{row.requests_per_second:8,.1f} {row.p50_ms:7.1f} {row.p99_ms:7.1f} {spread:>22}"
        if row.refused:
            numbers += f"  {row.refused} told to come back (503)"
        mark = {True: "yes", False: "NO", None: ""}[row.reached]
        lines.append(f"{row.name:46} {row.connections:4} {numbers}  {row.goal} {mark}".rstrip())
    return "\n".join(lines)


def merge(rows: Iterable[Row], path: Path) -> None:
    """Put the rows in the place of those of the same parts (what stands before the colon of a name)."""
    rows = list(rows)
    parts = {row.name.partition(":")[0] for row in rows}
    kept = [item for item in json.loads(path.read_text(encoding="utf-8")) if item["name"].partition(":")[0] not in parts]
    path.write_text(json.dumps(kept + [row.item() for row in rows], indent=1) + "\n", encoding="utf-8")


def write(rows: Iterable[Row], path: Path) -> None:
    """Write the rows as a list of JSON objects."""
    path.write_text(json.dumps([row.item() for row in rows], indent=1) + "\n", encoding="utf-8")
