"""Alternating slices: A B A B … in one run, so that whatever else the machine does meets both sides; ratios are told with their range."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Lane = dict[str, Any]


class Load:
    """The load generator's process."""

    def __init__(self) -> None:
        program = [sys.executable, str(Path(__file__).with_name("load.py"))]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, port: int, lanes: Sequence[Lane], seconds: float) -> dict[str, Any]:
        """Carry out one order; raises RuntimeError when an answer was not the expected one."""
        order = {"port": port, "seconds": seconds, "lanes": lanes}
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("no pipes")
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise RuntimeError("the load generator has ended")
        found: dict[str, Any] = json.loads(answer)
        if found["failed"]:
            msg = f"{found['failed']} unexpected answers, such as {found['failures'][0]}"
            raise RuntimeError(msg)
        return found

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(timeout=10)


@dataclass
class Side:
    """What was measured of one side: throughput of each slice, and every latency."""

    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    def add(self, found: dict[str, Any]) -> None:
        """Take in one slice."""
        self.rates.append(len(found["latencies"]) / found["seconds"])
        self.latencies += found["latencies"]
        self.refused += found["refused"]

    @property
    def rate(self) -> float:
        """Return the median throughput of the slices."""
        return median(self.rates)

    def quantile(self, part: float) -> float:
        """Return a quantile of the latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass(frozen=True)
class Ratio:
    """Median and range of one side through the other, slice by slice."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, upper: Sequence[float], lower: Sequence[float]) -> Ratio:
        """Return the ratio of two series of slices."""
        found = [a / b for a, b in zip(upper, lower, strict=True)]
        return cls(median(found), min(found), max(found))


def race(count: int, *contestants: Callable[[], dict[str, Any]]) -> list[Side]:
    """Run each contestant once to warm it, then `count` slices of each in turn; return what was measured of each."""
    sides = [Side() for _ in contestants]
    for number in range(count + 1):
        for side, slice_ in zip(sides, contestants, strict=True):
            found = slice_()
            if number:
                side.add(found)
    return sides
