"""What this room hands out: frozen values. The only text is that of a finding's steps, unlocked for whoever may read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from referral_hub.audit import Ticket


@dataclass(frozen=True)
class Finding:
    """Something that an agency should explain. `rule`: the rule whose hits it took up, or None."""

    id: uuid.UUID
    number: str
    rule: str | None
    agency_id: uuid.UUID
    state: str
    verdict: str | None
    opened_by: uuid.UUID
    opened_at: datetime
    answer_by: datetime
    assigned_to: uuid.UUID | None
    explained_at: datetime | None
    confirmed_at: datetime | None
    closed_by: uuid.UUID | None
    closed_at: datetime | None
    version: int


@dataclass(frozen=True)
class Step:
    """One step: what was done, by whom, of which agency, when, and what was written."""

    seq: int
    code: str
    actor_id: uuid.UUID
    agency_id: uuid.UUID
    at: datetime
    text: str = field(repr=False)


@dataclass(frozen=True)
class Opened:
    """A finding as its page shows it: its steps, its entries, and the steps that the reader may take now."""

    finding: Finding
    steps: tuple[Step, ...]
    entries: tuple[int, ...]
    may: tuple[str, ...]
    ticket: Ticket = field(repr=False)


@dataclass(frozen=True)
class Waiting:
    """Entries of one agency that met one rule and that no finding took up yet."""

    rule: str
    agency_id: uuid.UUID | None
    count: int
    first_idx: int
    last_idx: int
    oldest_at: datetime


@dataclass(frozen=True)
class Rate:
    """How often a rule is met and how often that was confirmed: of so many entries seen, so many hits; of these, so many settled and confirmed."""

    rule: str
    hits: int
    waiting: int
    settled: int
    confirmed: int


@dataclass(frozen=True)
class Emergency:
    """A break-glass opening that nobody else has reviewed yet: its entry, who, where, and by when it is to be reviewed."""

    idx: int
    at: datetime
    member: uuid.UUID | None
    agency_id: uuid.UUID | None
    review_by: datetime


@dataclass(frozen=True)
class Desk:
    """The page of findings: those still open, those closed last, what waits, break-glass without review, the rates, and how far the rules have read."""

    findings: tuple[Finding, ...]
    closed: tuple[Finding, ...]
    waiting: tuple[Waiting, ...]
    emergencies: tuple[Emergency, ...]
    rates: tuple[Rate, ...]
    read_until: int
    ticket: Ticket = field(repr=False)


def finding_of(row: Any) -> Finding:
    """Return a finding's row as a value."""
    return Finding(**{name: getattr(row, name) for name in Finding.__dataclass_fields__})
