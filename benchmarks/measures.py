"""The measurements one after the other; each returns rows."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from benchmarks import report
from benchmarks.browsing import TWIN, Accounts, Drafts, listing, opening
from benchmarks.people import PASSPHRASE
from benchmarks.place import PRODUCT
from benchmarks.slices import Ratio, Side, race
from referral_hub.vault import kdf

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.place import Place
    from benchmarks.report import Row
    from benchmarks.seed import Seeded
    from benchmarks.serving import Server
    from benchmarks.slices import Lane, Load

EIGHT = 8
AT_REST = ("sealed_part", "sealed_share", "sealed_grant", "release", "manifest", "audit_entry", "audit_tile")


@dataclass(frozen=True)
class Plan:
    """How long everything runs."""

    slices: int
    seconds: float
    sends: int  # of one slice of sending
    send_slices: int
    sign_in_slices: int
    sign_in_seconds: float
    rows: int  # of the long list
    log: tuple[int, ...]  # sizes of the growing log
    questions: int  # entries of the log that is asked


QUICK = Plan(slices=3, seconds=0.7, sends=8, send_slices=2, sign_in_slices=1, sign_in_seconds=1.5, rows=20_000, log=(1_000, 3_000, 10_000), questions=20_000)
FULL = Plan(slices=6, seconds=1.5, sends=24, send_slices=7, sign_in_slices=3, sign_in_seconds=3.0, rows=1_000_000, log=(1_000, 10_000, 100_000, 1_000_000), questions=1_000_000)


@dataclass(frozen=True)
class Bench:
    """What the measurements need."""

    place: Place
    plan: Plan
    seeded: Seeded
    load: Load
    product: Server
    plain: Server

    def pair(self, lanes: Callable[..., list[Lane]], *, seconds: float, count: int) -> tuple[Side, Side, Ratio]:
        """Race the product against the twin with `lanes(prefix=…)`."""
        both = ((self.product, ""), (self.plain, TWIN))
        product, plain = race(count, *(partial(self._slice, server, lanes, prefix, seconds) for server, prefix in both))
        return product, plain, Ratio.of(product.rates, plain.rates)

    def _slice(self, server: Server, lanes: Callable[..., list[Lane]], prefix: str, seconds: float) -> dict[str, Any]:
        return self.load.run(server.port, lanes(prefix=prefix), seconds)


def opens(bench: Bench) -> list[Row]:
    """Measure opening a section: eight recipients read their referrals."""
    rows = []
    for connections in (1, EIGHT):
        product, plain, ratio = bench.pair(partial(opening, bench.seeded, connections), seconds=bench.plan.seconds, count=bench.plan.slices)
        slower = product.quantile(0.99) / plain.quantile(0.99)
        if connections == 1:
            rows.append(report.verb("open", 1, product, plain, ratio))
            continue
        rows.append(report.verb("open", connections, product, plain, ratio, goal="≥ 0.55 of plain (stretch 0.65)", reached=ratio.middle >= 0.55))
        rows.append(report.value("open: p99 / p99 of plain", slower, "×", goal="≤ 1.5", reached=slower <= 1.5, connections=connections))
        rows.append(report.value("open: requests a second", product.rate, "/s", goal="≥ 300", reached=product.rate >= 300, connections=connections))
    return rows


def creates(bench: Bench) -> list[Row]:
    """Measure sending: six parts sealed under own, preview and full grant; then what the sendings take at rest."""
    rows: list[Row] = []
    drafts = {prefix: Drafts(bench.seeded) for prefix in ("", TWIN)}
    before, sent = _bytes_at_rest(bench.place), 0
    for connections in (1, EIGHT):
        count = bench.plan.sends if connections == EIGHT else bench.plan.sends // 2
        lanes = partial(_sending, drafts, connections, count)
        product, plain, ratio = bench.pair(lanes, seconds=30, count=bench.plan.send_slices)
        goal = {"goal": "≥ 0.40 of plain (stretch 0.50)", "reached": ratio.middle >= 0.4} if connections == EIGHT else {}
        rows.append(report.verb("create", connections, product, plain, ratio, **goal))  # type: ignore[arg-type]
        sent += count * (bench.plan.send_slices + 1)
    each = (_bytes_at_rest(bench.place) - before) / sent / bench.seeded.content_bytes
    name = f"bytes at rest / content ({bench.seeded.content_bytes:,} bytes)"
    return [*rows, report.value(name, each, "×", goal="≤ 2.5", reached=each <= 2.5)]


def _sending(drafts: dict[str, Drafts], connections: int, count: int, *, prefix: str) -> list[Lane]:
    return drafts[prefix].sending(connections, count, prefix=prefix)


def _bytes_at_rest(place: Place) -> int:
    """Return the bytes of every table that a sending fills, with indexes and large values."""
    query = text("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(CAST(:names AS text[])) AS name")
    with contextmanager(place.session)(PRODUCT) as session:
        return int(session.scalar(query, {"names": list(AT_REST)}) or 0)


def lists(bench: Bench) -> list[Row]:
    """Measure the incoming list of a busy agency, a page of 25 lines."""
    rows = []
    for connections in (1, EIGHT):
        product, plain, ratio = bench.pair(partial(listing, bench.seeded.busy, connections), seconds=bench.plan.seconds, count=bench.plan.slices)
        rows.append(report.verb("list", connections, product, plain, ratio))
    return rows


def long_lists(bench: Bench, many: Server) -> list[Row]:
    """Measure lists at a thousand and at many referrals: the busy agency's, then a ten-row agency's on connections that the busy one warmed."""
    rows = []
    for name, member in (("busy agency", bench.seeded.busy), ("ten-row agency", bench.seeded.small)):
        slices = [partial(_warmed, bench, server, member) for server in (bench.product, many)]
        short, long = race(bench.plan.slices, *slices)
        ratio = Ratio.of(short.rates, long.rates)
        title = f"list, {name}: time at {bench.plan.rows:,} / 1,000"
        rows.append(report.value(title, ratio.middle, "×", goal="≤ 1.2", reached=ratio.middle <= 1.2, connections=EIGHT, ratio=ratio))
    return rows


def _warmed(bench: Bench, server: Server, member: Any) -> dict[str, Any]:
    bench.load.run(server.port, listing(bench.seeded.busy, EIGHT), 0.3)
    return bench.load.run(server.port, listing(member, EIGHT), bench.plan.seconds / 2)


def sign_ins(bench: Bench, accounts: Accounts) -> list[Row]:
    """Measure signing in, both pages, and one derivation between the slices."""
    rows: list[Row] = []
    derivations: list[float] = []
    for connections in (1, EIGHT):
        lanes = partial(_signing_in, bench, accounts, connections, derivations)
        product, plain, ratio = bench.pair(lanes, seconds=bench.plan.sign_in_seconds, count=bench.plan.sign_in_slices)
        rows.append(report.verb("sign-in", connections, product, plain, ratio))
    one, both = median(derivations), rows[0].p50_ms or 0.0
    rows.append(report.value("one Argon2id derivation (3 passes, 64 MiB)", one, "ms"))
    return [*rows, report.value("sign-in: p50 / one derivation", both / one, "×", goal="≤ 1.3", reached=both / one <= 1.3)]


def _signing_in(bench: Bench, accounts: Accounts, connections: int, derivations: list[float], *, prefix: str) -> list[Lane]:
    for _ in range(2):
        started = time.perf_counter()
        kdf.unlock(PASSPHRASE, salt=kdf.new_salt(), parameters=kdf.KdfParameters())
        derivations.append((time.perf_counter() - started) * 1000)
    each = int(bench.plan.sign_in_seconds * (6 if connections == 1 else 12 / connections))
    return accounts.signing_in(connections, each, prefix=prefix)


def mixed(bench: Bench, accounts: Accounts) -> list[Row]:
    """Measure opening while two members a second sign in, beside opening in quiet."""
    seconds = bench.plan.seconds * 2

    def slice_(*, busy: bool) -> dict[str, Any]:
        lanes = opening(bench.seeded, EIGHT)
        if busy:
            lanes += accounts.signing_in(2, int(seconds), every=1.0, counted=False)
        return bench.load.run(bench.product.port, lanes, seconds)

    quiet, busy = race(max(2, bench.plan.slices // 2), partial(slice_, busy=False), partial(slice_, busy=True))
    ratio = busy.quantile(0.99) / quiet.quantile(0.99)
    return [
        report.value("open while two sign-ins a second: p99", busy.quantile(0.99), "ms", connections=EIGHT),
        report.value("open while two sign-ins a second: p99 / quiet", ratio, "×", goal="≤ 2", reached=ratio <= 2, connections=EIGHT),
    ]


def memory(bench: Bench) -> list[Row]:
    """Measure what each worker takes after all that."""
    most = max(bench.product.worker_memory())
    return [report.value("memory of a worker", most, "MB PSS", goal="≤ 120", reached=most <= 120)]
