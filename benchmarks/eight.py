"""Eight processes with a connection each: the same act with and without its entry, in alternating slices of one run.

Throughput depends on the disk (entries are flushed one after the other, plain commits together) and on what else runs: a busy machine takes
the processor from whoever holds the log's lock. CPU time of writers and of their database processes is what it does not falsify.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.slices import Ratio

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.place import Place

WRITERS = 8
BASE = 10**15  # beyond the numbers of the acts of one writer
EACH = 10**12


@dataclass(frozen=True)
class Eight:
    """Throughput with through throughput without the entry, entries a second, and CPU time of an act without through that of one with its entry."""

    audited: Ratio
    rate: float
    work: Ratio


def race(place: Place, database: str, *, slices: int, seconds: float) -> Eight:
    """Measure: plain and logged slices alternate, the first pair warms."""
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
        costs: dict[bool, list[float]] = {False: [], True: []}
        for number in range(slices + 1):
            for logged in (False, True):
                done, cpu = _slice(pipes, seconds, logged=logged)
                if number:
                    rates[logged].append(done / seconds)
                    costs[logged].append(cpu / done)
    finally:
        for pipe in pipes:
            pipe.send(None)
        for writer in writers:
            writer.join(timeout=10)
    return Eight(Ratio.of(rates[True], rates[False]), median(rates[True]), Ratio.of(costs[False], costs[True]))


def _slice(pipes: list[Any], seconds: float, *, logged: bool) -> tuple[int, float]:
    for pipe in pipes:
        pipe.send((seconds, logged))
    found = [pipe.recv() for pipe in pipes]
    return sum(done for done, _ in found), sum(cpu for _, cpu in found)


def _cpu(backend: int) -> float:
    """Return CPU seconds of this process and of its database process (Linux tells them in /proc)."""
    fields = Path(f"/proc/{backend}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _writer(orders: Connection, place: Place, database: str, number: int) -> None:
    from benchmarks.log import act  # noqa: PLC0415 - that module starts this one

    i = BASE + number * EACH
    with contextmanager(place.session)(database) as session:
        backend = session.connection().connection.driver_connection.info.backend_pid
        session.rollback()
        orders.send("ready")
        while (order := orders.recv()) is not None:
            seconds, logged = order
            until, done, before = time.perf_counter() + seconds, 0, _cpu(backend)
            while time.perf_counter() < until:
                i, done = i + 2, done + 1
                act(session, i, logged=logged)
            orders.send((done, _cpu(backend) - before))
