"""What a survivor is told of the log: entries of one day by the same people become one line, with all their numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub.review.rules import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo
    from uuid import UUID


@dataclass(frozen=True)
class Seen:
    """One entry about her, as far as she is told. `basis`: the legal basis that it rested on, by the record `consent`."""

    idx: int
    at: datetime
    action: str
    outcome: str
    kind: str
    member: UUID | None
    agency: UUID | None
    roles: tuple[str, ...]
    sections: tuple[str, ...]
    recipient: UUID | None
    basis: str = ""
    consent: UUID | None = None

    @property
    def without(self) -> UUID | None:
        """Return the record by which it was done without her consent, or None."""
        return self.consent if self.basis not in {"", "consent"} else None


@dataclass(frozen=True)
class Line:
    """One line: first and last moment, who (`member` only of the own agency), what, which sections, to whom it was sent, entry numbers.

    `basis` and `without`, its record, where it was done without her consent.
    """

    first: datetime
    last: datetime
    action: str
    kind: str
    member: UUID | None
    agency: UUID | None
    roles: tuple[str, ...]
    sections: tuple[str, ...]
    recipient: UUID | None
    entries: tuple[int, ...]
    basis: str = ""
    without: UUID | None = None


def told(entries: Iterable[Seen], *, own_agency: UUID | None, zone: tzinfo) -> tuple[tuple[Line, ...], tuple[Line, ...], int]:
    """Return who saw or received something, what else was done, and how many attempts were refused.

    Days are those of `zone`. Of another agency's staff she is told the agency and the role, never a code.
    """
    groups: dict[tuple[object, ...], list[Seen]] = {}
    refused = 0
    for entry in entries:
        if entry.outcome != "allow":
            refused += 1
            continue
        member = entry.member if entry.agency == own_agency else None
        key = (entry.at.astimezone(zone).date(), entry.action, entry.kind, member, entry.agency, entry.roles, entry.recipient, entry.without)
        groups.setdefault(key, []).append(entry)
    lines = [_line(same, own_agency) for same in groups.values()]
    seen = tuple(line for line in lines if _shows(line))
    return seen, tuple(line for line in lines if not _shows(line)), refused


def _line(same: list[Seen], own_agency: UUID | None) -> Line:
    first = same[0]
    sections = tuple(dict.fromkeys(section for entry in same for section in entry.sections))
    member = first.member if first.agency == own_agency else None
    return Line(
        first.at, same[-1].at, first.action, first.kind, member, first.agency, first.roles, sections, first.recipient, tuple(entry.idx for entry in same),
        first.basis if first.without else "", first.without,
    )  # fmt: skip


def _shows(line: Line) -> bool:
    return line.action in kinds.OPENINGS or line.recipient is not None
