"""Eight processes with a connection each: the same act with and without its entry, in alternating slices of one run."""

from __future__ import annotations

import multiprocessing
import time
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.slices import Ratio

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.place import Place

WRITERS = 8
BASE = 10**15  # beyond the numbers of the acts of one writer
EACH = 10**12


def race(place: Place, database: str, *, slices: int, seconds: float) -> tuple[Ratio, float]:
    """Return throughput with through throughput without the entry, and entries a second. Plain and logged slices alternate; the first pair warms."""
    context = multiprocessing.get_context("spawn")
    pipes, writers = [], []
    for number in range(WRITERS):
        ours, theirs = context.Pipe()
        writers.append(context.Process(target=_writer, args=(theirs, place, database, number), daemon=True))
        writers[-1].start()
        pipes.append(ours)
    try:
        for pipe in pipes:
            pipe.recv()
        rates: dict[bool, list[float]] = {False: [], True: []}
        for number in range(slices + 1):
            for logged in (False, True):
                rate = _slice(pipes, seconds, logged=logged)
                if number:
                    rates[logged].append(rate)
    finally:
        for pipe in pipes:
            pipe.send(None)
        for writer in writers:
            writer.join(timeout=10)
    return Ratio.of(rates[True], rates[False]), median(rates[True])


def _slice(pipes: list[Any], seconds: float, *, logged: bool) -> float:
    for pipe in pipes:
        pipe.send((seconds, logged))
    return sum(pipe.recv() for pipe in pipes) / seconds


def _writer(orders: Connection, place: Place, database: str, number: int) -> None:
    from benchmarks.log import act  # noqa: PLC0415 - that module starts this one

    i = BASE + number * EACH
    with contextmanager(place.session)(database) as session:
        orders.send("ready")
        while (order := orders.recv()) is not None:
            seconds, logged = order
            until, done = time.perf_counter() + seconds, 0
            while time.perf_counter() < until:
                i, done = i + 2, done + 1
                act(session, i, logged=logged)
            orders.send(done)
