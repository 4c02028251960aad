"""How long the offline check of a whole log takes: `python -m benchmarks.log_check --entries 1000000`. No database.

A log is made of the formats alone, written as a bundle, and checked as an auditor would. Making it takes about 200 µs an entry and is not
counted. Wall time is what an auditor waits for; CPU time is what a busy machine does not falsify.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import resource
import tempfile
import time
import uuid
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from referral_hub.audit import bundle as bundles
from referral_hub.audit import bundle_form as form
from referral_hub.audit import checkpoint, merkle, note, signer, tiles
from referral_hub.audit.checkpoint import Tree
from referral_hub.audit.entry import Entry, Place, counted, payload
from referral_hub.audit.note import Signer
from referral_hub.cli.wiring import machine_actor
from referral_hub.db import transact
from referral_hub.db.server import WORKER
from referral_hub.verifier import whole
from referral_hub.verifier.check import Question, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.place import Place as Bench

KEY = Signer("hub.rujukan.test/log", bytes(range(32)))
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
MEMBERS, AGENCIES, SURVIVORS = ([uuid.uuid4() for _ in range(count)] for count in (500, 40, 20_000))


def entries(count: int) -> Iterator[bytes]:
    """Give the bytes of so many openings by 500 members of 40 agencies for 20,000 survivors."""
    stands: dict[tuple[str, str], tuple[int, int]] = {}
    for i in range(count):
        survivor = SURVIVORS[i * 7919 % len(SURVIVORS)]
        said = Entry(
            occurred_at=BEGIN + timedelta(seconds=i), action="section.read", actor_kind="member", actor_id=MEMBERS[i % 500], roles=("case_worker",),
            agency_id=AGENCIES[i % 40], session_digest="ab" * 16, auth_method="passphrase", auth_strength="full", object_kind="section",
            object_id=survivor, referral_id=survivor, sections=("identity", "needs"), subjects=(survivor,), purpose="service_delivery",
            basis="assigned", rule_ids=("open-own",), policy_digest="cd" * 32, request_id="0123456789abcdef",
        )  # fmt: skip
        marks = {}
        for pair in counted(said).items():
            seq, last = stands.get(pair, (0, None))
            marks |= {f"{pair[0]}_seq": seq + 1, f"{pair[0]}_prev": last}
            stands[pair] = (seq + 1, i)
        yield payload(said, Place(origin=KEY.name, idx=i, event_id=uuid.uuid4(), salt=os.urandom(16), software="0.1.0", **marks))


def make(folder: Path, count: int) -> Question:
    """Write a bundle of a log of `count` entries and a policy for it."""
    leaves, batch = [], []
    with zipfile.ZipFile(folder / "bundle.zip", "w") as archive:
        for i, one in enumerate(entries(count), start=1):
            leaves.append(merkle.leaf_hash(one))
            batch.append(one)
            if len(batch) == tiles.WIDTH or i == count:
                archive.writestr(tiles.entries_path((i - 1) // tiles.WIDTH, len(batch)), tiles.pack(batch))
                batch = []
        level, hashes = 0, leaves
        while hashes:
            groups = [hashes[i : i + tiles.WIDTH] for i in range(0, len(hashes), tiles.WIDTH)]
            for n, group in enumerate(groups):
                archive.writestr(tiles.path(level, n, len(group)), b"".join(group))
            level, hashes = level + 1, [merkle.root(group) for group in groups if len(group) == tiles.WIDTH]
        tree = Tree(KEY.name, count, merkle.root(leaves))
        archive.writestr(form.CHECKPOINT, note.sign(checkpoint.text_of(tree), KEY, timestamp=1))
        archive.writestr(form.MANIFEST, form.Manifest(form.WHOLE, tree.origin, tree.size, tree.root, count).write())
    (folder / "policy").write_text(f"log {KEY.vkey()}\nquorum none\n", encoding="utf-8")
    return Question(folder / "bundle.zip", folder / "policy")


def of_database(place: Bench, database: str) -> tuple[int, float, float]:
    """Sign the log in `database`, write the bundle of all of it, and check that; return its size, the seconds of the check and its CPU seconds."""
    origin = "hub.bench.test/log"
    signing = signer.CheckpointSigner(Signer(origin, bytes(range(32))), place.folder / f"last-checkpoint-{database}")
    now = datetime.now(UTC)
    with contextmanager(place.session)(database, role=WORKER) as session:
        signer.tend(session, signer=signing, now=now)
    bundle_path, policy = place.folder / f"{database}.zip", place.folder / f"{database}.policy"
    policy.write_text(f"log {signing.key.vkey()}\nquorum none\n", encoding="utf-8")
    with contextmanager(place.session)(database) as session, bundle_path.open("wb") as out:
        session.execute(text("SET statement_timeout = 0"))
        operator = dataclasses.replace(machine_actor("operator"), strength="fresh")
        planned = transact(session, lambda s: bundles.plan(s, actor=operator, now=now, wanted=bundles.Wanted()))
        bundles.write(session, planned, out)
        session.rollback()
    size = planned.manifest.size
    wall, cpu = measure(Question(bundle_path, policy), whole.MOST_PROCESSES)
    bundle_path.unlink()
    return size, wall, cpu


def measure(question: Question, processes: int) -> tuple[float, float]:
    """Check once with at most so many processes; return wall seconds and CPU seconds of all of them."""
    whole.MOST_PROCESSES = processes
    before, started = _cpu(), time.perf_counter()
    assert check(question).exit_code == 0
    return time.perf_counter() - started, _cpu() - before


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Measure in a folder that is removed at the end."""
    options = argparse.ArgumentParser()
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        question = make(Path(folder), given.entries)
        print(f"{given.entries} entries, {question.bundle.stat().st_size / 1e6:.0f} MB, load {os.getloadavg()[0]:.1f}")
        for processes in (1, len(os.sched_getaffinity(0))):
            found = [measure(question, processes) for _ in range(given.runs)]
            print(f"{processes} process(es): wall {min(w for w, _ in found):.2f} s (best of {given.runs}), CPU {min(c for _, c in found):.2f} s")


if __name__ == "__main__":
    main()
