"""What a witness remembers: the newest checkpoint of each log that it cosigned, and what it refused. One SQLite file.

Comparing with the memory and writing it is one transaction that begins with the write lock, so that of two submissions at the
same moment one sees what the other left; and it is on disk before anything is answered.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_BUSY = 5.0
_MOST_REFUSALS = 10_000
_TABLES = """
CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, origin TEXT NOT NULL, status INTEGER NOT NULL, old_size INTEGER NOT NULL,
    note TEXT NOT NULL, UNIQUE (origin, status, old_size, note));
"""


@dataclass(frozen=True)
class Seen:
    """The newest checkpoint of a log that was cosigned: size, root, and the note with the log's signatures and ours."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True)
class Refusal:
    """A validly signed checkpoint that was not cosigned: evidence against its log. `at` is in POSIX seconds."""

    at: int
    origin: str
    status: int
    old_size: int
    note: str


class Memory:
    """The file at `path`; made when it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with closing(self._open()) as opened:
                opened.executescript(_TABLES)
        except sqlite3.Error as wrong:
            raise errors.BadSettings(name="state_file") from wrong

    def advance(self, origin: str, decide: Callable[[Seen | None], Seen]) -> Seen:
        """Replace what is remembered of `origin` by `decide(remembered)`; what `decide` raises leaves everything as it was.

        Raises:
            errors.Unavailable: the file is busy or cannot be written.
        """
        with self._at_work() as opened:
            opened.execute("BEGIN IMMEDIATE")
            new = decide(_seen(opened, origin))
            opened.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", (origin, new.size, new.root, new.note))
            opened.execute("COMMIT")
        return new

    def seen(self, origin: str) -> Seen | None:
        """Return what is remembered of `origin`, or None: never cosigned. Raises errors.Unavailable."""
        with self._at_work() as opened:
            return _seen(opened, origin)

    def keep(self, refusal: Refusal) -> None:
        """Keep a refusal, once each, and no more than ten thousand in all. Raises errors.Unavailable."""
        with self._at_work() as opened:
            opened.execute(
                "INSERT OR IGNORE INTO refused (at, origin, status, old_size, note)"
                " SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM refused) < ?",
                (refusal.at, refusal.origin, refusal.status, refusal.old_size, refusal.note, _MOST_REFUSALS),
            )

    def refusals(self) -> list[Refusal]:
        """Return what was refused, oldest first. Raises errors.Unavailable."""
        with self._at_work() as opened:
            return [Refusal(*row) for row in opened.execute("SELECT at, origin, status, old_size, note FROM refused ORDER BY id")]

    def _open(self) -> sqlite3.Connection:
        opened = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None)
        opened.execute("PRAGMA synchronous = FULL")
        return opened

    @contextmanager
    def _at_work(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._open()) as opened:
                yield opened
        except sqlite3.Error as failure:
            raise errors.Unavailable("state_unavailable") from failure


def _seen(opened: sqlite3.Connection, origin: str) -> Seen | None:
    row = opened.execute("SELECT size, root, note FROM seen WHERE origin = ?", (origin,)).fetchone()
    return None if row is None else Seen(*row)
