"""How far the log is signed and witnessed, and since when something waits: what every page of the log tells beside its entries.

An entry is recorded when its access is; signed within seconds; witnessed when a checkpoint with a quorum covers it. A missing quorum
stops no help. After a quarter of an hour it is shown as late, and the worker leaves an entry for each witness that is behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from referral_hub.audit import queries
from referral_hub.audit.records import AuditEntry

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.audit.queries import Checkpoint, Witnesses

LATE = timedelta(minutes=15)
Covered = Literal["witnessed", "signed", "recorded"]


@dataclass(frozen=True)
class Coverage:
    """How the log stands: its size, the newest checkpoint, its witnesses, and when the oldest entry that no quorum covers was recorded."""

    size: int
    checkpoint: Checkpoint | None
    witnesses: Witnesses
    waits_since: datetime | None

    @property
    def is_watched(self) -> bool:
        """Say whether any witness is configured. Where none is, whoever runs the system could rewrite the log."""
        return bool(self.witnesses.rows)

    @property
    def witnessed(self) -> int:
        """Return how many entries a checkpoint with a quorum covers."""
        return self.witnesses.quorum.size if self.witnesses.quorum else 0

    def of(self, idx: int) -> Covered:
        """Return how far entry `idx` has come."""
        if self.witnesses.is_witnessed(idx):
            return "witnessed"
        return "signed" if self.checkpoint is not None and idx < self.checkpoint.size else "recorded"

    def late_by(self, now: datetime) -> timedelta | None:
        """Return how long the oldest entry without a quorum has waited, once that is too long; None before, and where nobody witnesses."""
        if not self.is_watched or self.waits_since is None or now - self.waits_since < LATE:
            return None
        return now - self.waits_since


def read(session: Session) -> Coverage:
    """Return how the log stands now. No entry: it tells nothing about anybody."""
    size, found = queries.size(session), queries.witnesses(session)
    covered = found.quorum.size if found.quorum else 0
    waits_since = session.scalar(select(AuditEntry.occurred_at).where(AuditEntry.idx == covered))
    return Coverage(size, queries.latest_checkpoint(session), found, waits_since)
