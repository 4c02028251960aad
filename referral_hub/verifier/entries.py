"""The entries of a whole log in their order: each in its place, of this log, and counted on from the one before.

A log is read in parts, in processes of their own where there are several cores. What a part cannot know (the counters and the name of
the log where it begins) it takes as stated, and `follow` checks it once the part before is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from referral_hub.audit import entry, shard
from referral_hub.verifier.shape import sight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referral_hub.audit.shard import NewShard
    from referral_hub.verifier.findings import Report

JUMP = timedelta(minutes=1)
"""Entries are written in the order of their ends and dated by their beginnings: within a minute their times may cross."""
KINDS = ("actor", "agency", "subject")
_SEAM = shard.ACTION.encode()
_NOBODY = (0, -1)

Stand = tuple[int, int]  # how many entries somebody has, and where the newest of them is (-1: nowhere)


@dataclass
class Counters:
    """The counters of one kind: how each stands, and what the first entry of each in this part states, for the part before."""

    kind: str
    stands: dict[bytes, Stand] = field(default_factory=dict)
    opens: dict[bytes, tuple[int, int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """Entries one after the other that name the same log: the first of them, and its bytes where it begins a new log."""

    first: int
    origin: bytes | None
    seam: bytes


class Walk:
    """What a reader of entries remembers: the counters, the names of the log, the latest moment."""

    def __init__(self, report: Report, first: int = 0) -> None:
        self._report = report
        self._is_later = first > 0
        self._has_gap = False
        self._counters = tuple(Counters(kind) for kind in KINDS)
        self._runs: list[Run] = []
        self._origin: bytes | None = None
        self._begins: tuple[int, bytes] | None = None
        self._latest = b""

    def over(self, first: int, payloads: Sequence[bytes]) -> None:
        """Read the entries from index `first` on; what is amiss goes to the report."""
        actors, agencies, subjects = self._counters
        for idx, payload in enumerate(payloads, start=first):
            try:
                seen = sight(payload)
            except entry.BadEntry:
                self._report.add("entry_malformed", idx)
                continue
            action, actor, kind, actor_prev, actor_seq, agency, agency_prev, agency_seq, stated, moment, origin, page, _, prev, seq, subject = seen
            if int(stated) != idx:
                self._report.add("entry_misplaced", idx, stated=int(stated))
            if origin != self._origin or not self._runs:
                self._runs.append(Run(idx, origin, payload if action == _SEAM else b""))
                self._origin = origin
            self._count(actors, actor or kind, actor_seq, actor_prev, idx)
            if agency:
                self._count(agencies, agency, agency_seq, agency_prev, idx)
            if subject and not page:
                self._count(subjects, subject, seq, prev, idx)
            if moment < self._latest:
                self._back(idx, moment)
            else:
                self._latest = moment
            if self._begins is None:
                self._begins = (idx, moment)

    def skip(self) -> None:
        """Pass over entries that are not what was signed: after them counters are taken as stated."""
        self._has_gap = True
        for counters in self._counters:
            counters.stands.clear()

    def follow(self, before: Walk, report: Report) -> Walk:
        """Return this walk as the continuation of the part `before`: what it took as stated is checked, what that one knew is taken over."""
        self._report = report
        for mine, theirs in zip(self._counters, before._counters, strict=True):
            for key, (number, prev, idx) in mine.opens.items():
                if key in theirs.stands or not before._has_gap:
                    self._compare(mine.kind, (number, prev), theirs.stands.get(key, _NOBODY), idx)
            if not self._has_gap:
                mine.stands = theirs.stands | mine.stands
        if before._runs and self._runs and before._origin == self._runs[0].origin:
            del self._runs[0]
        self._runs = before._runs + self._runs
        self._origin = self._origin or before._origin
        self._has_gap = self._has_gap or before._has_gap
        latest, self._latest = self._latest, before._latest
        if self._begins is not None and self._begins[1] < self._latest:
            self._back(*self._begins)
        self._latest = max(latest, self._latest) if self._begins is None else latest
        return self

    def names(self, origin: str) -> dict[str, int]:
        """Return the former names of the log with the size that each was kept to; entries of other logs than `origin` and these are named."""
        former: dict[str, int] = {}
        present: bytes | None = None
        for number, run in enumerate(self._runs):
            name = (run.origin or b"").decode()
            begun = _begun(run, present)
            if begun is not None:
                former[begun.former] = begun.lost_from
                facts = {"former": begun.former, "lost_from": begun.lost_from, "lost_until": begun.lost_until}
                self._report.add("shard_begins", run.first, log=name, **facts)
            elif number and run.origin != present:
                self._report.add("entry_foreign_log", run.first, log=name)
                continue
            present = run.origin
        if self._runs and present != origin.encode():
            self._report.add("entry_foreign_log", self._runs[-1].first, log=(present or b"").decode())
        return former

    def _count(self, counters: Counters, key: bytes, seq: bytes | None, prev: bytes | None, idx: int) -> None:
        number, last = int(seq or 0), -1 if prev is None else int(prev)
        stands = counters.stands.get(key)
        if stands is not None:
            self._compare(counters.kind, (number, last), stands, idx)
        elif not self._has_gap:
            if self._is_later:
                counters.opens[key] = (number, last, idx)
            else:
                self._compare(counters.kind, (number, last), _NOBODY, idx)
        counters.stands[key] = (number, idx)

    def _compare(self, kind: str, stated: Stand, before: Stand, idx: int) -> None:
        if stated != (before[0] + 1, before[1]):
            self._report.add("counter_broken", idx, kind=kind)

    def _back(self, idx: int, moment: bytes) -> None:
        latest, now = (datetime.fromisoformat(one.decode()) for one in (self._latest, moment))
        if latest - now > JUMP:
            self._report.add("clock_backwards", idx, seconds=int((latest - now).total_seconds()))
            self._latest = moment


def _begun(run: Run, present: bytes | None) -> NewShard | None:
    """Return what a run's first entry names, if it begins a new log after the present one."""
    if not run.seam or present is None:
        return None
    try:
        found = shard.read(entry.parse(run.seam)[0])
    except entry.BadEntry:
        return None
    return found if found.former.encode() == present and run.origin != present else None
