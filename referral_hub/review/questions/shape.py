"""What a question is: its number, its group, what it asks for, the names of its columns, and its read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

# What a column holds; a name that is not here is a number. The front makes words of them.
KINDS: Final[Mapping[str, str]] = {
    "entry": "entry", "then": "entry", "earlier": "entry", "first_entry": "entry", "last_entry": "entry",
    "time": "moment", "first": "moment", "last": "moment", "ended": "moment", "since": "moment", "signed": "moment", "until": "moment",
    "day": "day",
    "member": "member", "about": "member", "reviewer": "member",
    "agency": "agency", "recipient": "agency",
    "referral": "referral", "subject": "subject",
    "action": "action", "ending": "action", "then_action": "action",
    "roles": "roles", "sections": "sections", "purpose": "purpose", "basis": "basis", "outcome": "outcome", "reason": "reason", "reasons": "reasons",
    "state": "state", "kind": "kind", "flags": "flags", "rule": "rule",
    "digest": "code", "witness": "code", "session": "code", "other_session": "code", "object_kind": "code",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a question is asked about; each names the ones that it takes."""

    referral: UUID | None = None
    subject: UUID | None = None
    member: UUID | None = None
    agency: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    moment: datetime | None = None
    size: int | None = None
    root: str | None = None

    def values(self) -> dict[str, Any]:
        """Return everything by name, as the reads bind it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Asking:
    """One run of a question: for whom (`scope`: an officer's agency; `asker`: the member), when, and at most how many rows."""

    session: Session
    given: Given
    now: datetime
    most: int
    scope: UUID | None = None
    asker: UUID | None = None


@dataclass(frozen=True)
class Question:
    """One saved question. `needs` must be given, `takes` may be. `is_paced`: it reads every entry of its period, so that a long one is answered in parts."""

    number: int
    group: str
    columns: tuple[str, ...]
    read: Callable[[Asking], Sequence[tuple[Any, ...]]]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    is_paced: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return everything it can be asked about, what it needs first."""
        return (*self.needs, *self.takes)


PERIOD: Final = ("since", "until")
