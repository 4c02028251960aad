"""`python -m benchmarks [--quick] [--only NAME …]`: measure, print a table, write latest.json."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import chart, log, many, measures, plain, questions, report, serving
from benchmarks.browsing import Accounts
from benchmarks.measures import FULL, QUICK, Bench, Plan
from benchmarks.place import MANY, PRODUCT, TWIN, Place, prepare
from benchmarks.seed import Seeded, Seeding, Size
from benchmarks.slices import Load
from referral_hub.db.server import OWNER, create_database, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Row

LATEST = Path(__file__).with_name("latest.json")
CHART = Path(__file__).with_name("log.svg")
EVERYTHING = ("open", "create", "list", "sign-in", "mixed", "many", "log", "questions")
APART = ("log", "questions")  # they need no server
FEW_AGENCIES, MANY_AGENCIES, SHORT_LIST = 20, 1_000, 1_000


def main() -> None:
    """Measure what was asked for."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed beside the tuned twin (benchmarks/README.md).")
    options.add_argument("--quick", action="store_true", help="less than a minute, rough; writes nothing unless --output is given")
    options.add_argument("--only", nargs="+", choices=EVERYTHING, default=list(EVERYTHING), help="measure only these; writes nothing without --merge")
    options.add_argument("--merge", action="store_true", help="put the rows of a full run of these parts in the place of those in latest.json")
    options.add_argument("--output", type=Path, help="where the JSON goes (default: benchmarks/latest.json after a whole full run)")
    given = options.parse_args()
    began = time.monotonic()
    rows = measure(QUICK if given.quick else FULL, given.only)
    print(report.table(rows))
    print(f"{time.monotonic() - began:.0f} s, load of the machine {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores")
    whole = not given.quick and set(given.only) == set(EVERYTHING)
    output = given.output or (LATEST if whole else None)
    if output:
        report.write(rows, output)
    elif given.merge and not given.quick:
        report.merge(rows, LATEST)
    if not given.quick:
        chart.write(rows, CHART)


def measure(plan: Plan, wanted: list[str]) -> list[Row]:
    """Prepare a private place, run the measurements that are wanted, take everything down again."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder, ExitStack() as down:
        server, place = prepare(Path(folder))
        down.callback(server.cleanup)
        if set(wanted) - set(APART):
            rows += _beside_the_twin(place, plan, wanted, down)
        if "log" in wanted:
            rows += _told("log", lambda: log.measure(place, sizes=plan.log, slices=plan.slices, acts=40, seconds=plan.seconds))
        if "questions" in wanted:
            rows += _told("questions", lambda: questions.measure(place, size=plan.questions))
    return rows


def _beside_the_twin(place: Place, plan: Plan, wanted: list[str], down: ExitStack) -> list[Row]:
    rows: list[Row] = []
    seeded = _seed(place, plan, wanted)
    load = Load()
    down.callback(load.stop)
    with _serving(place, "product", PRODUCT) as product, _serving(place, "twin", TWIN) as twin:
        bench = Bench(place, plan, seeded, load, product, twin)
        accounts = Accounts(seeded.accounts)
        plain.compare(bench)
        for name, work in (
            ("open", lambda: measures.opens(bench)),
            ("create", lambda: measures.creates(bench)),
            ("list", lambda: measures.lists(bench)),
            ("sign-in", lambda: measures.sign_ins(bench, accounts)),
            ("mixed", lambda: measures.mixed(bench, accounts)),
            ("many", lambda: _long_lists(bench)),
        ):
            if name in wanted:
                rows += _told(name, work)
        return rows + measures.memory(bench)


def _told(name: str, work: Iterator[Row]) -> list[Row]:
    began = time.monotonic()
    rows = work()
    print(f"  {name}: {time.monotonic() - began:.0f} s", flush=True)
    return rows


def _seed(place: Place, plan: Plan, wanted: list[str]) -> Seeded:
    began = time.monotonic()
    sends = plan.sends * (plan.send_slices + 1)
    drafts = (sends // 8 + sends // 2) if "create" in wanted else 0
    size = Size(read=4, drafts=drafts, accounts=240 if {"sign-in", "mixed"} & set(wanted) else 0)
    create_database(place.admin_url, PRODUCT)
    migrate(place.url(PRODUCT, role=OWNER))
    with contextmanager(place.session)(PRODUCT, role=OWNER) as session:
        seeding = Seeding(session, place.settings(PRODUCT), size)
        seeded = seeding.fill()
    with contextmanager(place.session)(PRODUCT, role=None) as session:
        many.fill(session, first=1, last=SHORT_LIST, agencies=FEW_AGENCIES, seeded=seeded)
    for name in (TWIN, *([MANY] if "many" in wanted else [])):
        place.copy(name, of=PRODUCT)
    with contextmanager(place.session)(TWIN, role=None) as session:
        plain.fill(session, seeded, seeding.founder)
    print(f"  seeded in {time.monotonic() - began:.0f} s", flush=True)
    return seeded


def _long_lists(bench: Bench) -> list[Row]:
    began = time.monotonic()
    with contextmanager(bench.place.session)(MANY, role=None) as session:
        many.fill(session, first=SHORT_LIST + 1, last=bench.plan.rows, agencies=MANY_AGENCIES, seeded=bench.seeded)
    print(f"  {bench.plan.rows:,} referrals in {time.monotonic() - began:.0f} s", flush=True)
    with _serving(bench.place, "product", MANY) as long:
        return measures.long_lists(bench, long)


@contextmanager
def _serving(place: Place, target: str, database: str) -> Iterator[serving.Server]:
    server = serving.start(place, target, database=database)
    try:
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    main()
