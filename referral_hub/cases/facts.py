"""Values of this room: rows as others see them. Clear metadata only; content is always sealed or in a `Plain`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import date, datetime

    from referral_hub.audit import Ticket
    from referral_hub.protocol.forms import Hint
    from referral_hub.vault.plain import Plain


class Colleague(Protocol):
    """Whoever may be assigned: the facts of a member that this room asks for (the accounts room's `Member` has them)."""

    @property
    def id(self) -> uuid.UUID:
        """Return the member's row id."""
        ...

    @property
    def agency_id(self) -> uuid.UUID:
        """Return the member's agency."""
        ...


@dataclass(frozen=True)
class Alias:
    """One survivor at one agency: `id` is the subject of that agency's log entries, `code` is what people say (SM-XXXX-XXXX)."""

    id: uuid.UUID
    code: str


@dataclass(frozen=True)
class Case:
    """A survivor's file in clear metadata, with its alias at the owning agency."""

    id: uuid.UUID
    agency_id: uuid.UUID
    stage: str
    opened_at: datetime
    closed_at: datetime | None
    last_activity: date
    minor: bool
    protected: bool
    second_person_needed: bool
    retention_until: date
    companion_id: uuid.UUID | None
    version: int
    alias: str
    subject: uuid.UUID
    members: tuple[uuid.UUID, ...]

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the flags of a log entry about this survivor."""
        return flags_of(minor=self.minor, protected=self.protected)


def flags_of(*, minor: bool, protected: bool) -> tuple[str, ...]:
    """Return the subject flags of a log entry (LOG.md, An entry)."""
    return tuple(name for name, is_set in (("minor", minor), ("protected", protected)) if is_set)


@dataclass(frozen=True)
class Copy:
    """A section copied into a file from a referral, as sent in sending `revision`. `held`: closed until its agency says what becomes of it.

    `id` names the sealed copy. A later sending may be newer than the copy; nothing replaces it by itself.
    """

    id: uuid.UUID
    case_id: uuid.UUID
    referral_id: uuid.UUID
    section: str
    revision: int
    held: bool


@dataclass(frozen=True)
class SectionState:
    """A filled section as it lies: who wrote which revision when, and from where it was copied, if it was. Nothing was opened to know it."""

    section: str
    revision: int
    author: uuid.UUID
    at: datetime
    copy: Copy | None = None


@dataclass(frozen=True)
class Detail:
    """A case page without content: the file, its filled sections, and the ticket of the entry."""

    case: Case
    sections: Mapping[str, SectionState]
    copies: tuple[Copy, ...]
    ticket: Ticket


@dataclass(frozen=True)
class Saved:
    """A section was sealed as `revision`. `warnings` (by field) were computed while the content was open; nothing keeps them.

    `alike`: files that may be of the same person. Then nothing was saved, and `revision` is what stood before.
    """

    case: Case
    section: str
    revision: int
    warnings: Mapping[str, tuple[Hint, ...]]
    alike: tuple[Lookalike, ...] = ()


@dataclass(frozen=True)
class Lookalike:
    """A file of the own agency that the same NIK, phone or name finds; `in_scope`: the actor may open its page."""

    alias: str
    in_scope: bool


@dataclass(frozen=True, repr=False)
class Content:
    """An opened section: what may be shown, which filled fields stay hidden until revealed, the last digits of a hidden NIK."""

    plain: Plain
    hidden: frozenset[str]
    tails: Mapping[str, str]
    revision: int

    def fields(self) -> dict[str, Any]:
        """Return the values that may be shown, by field code."""
        return self.plain.fields()

    def __repr__(self) -> str:
        """Say nothing of the content."""
        return "<sealed>"


@dataclass(frozen=True)
class Page:
    """One page of the case list; `next` continues it. `count`: how many there are in all, exact up to 99, then "99+"."""

    lines: tuple[Case, ...]
    next: str | None
    ticket: Ticket
    count: str = ""


@dataclass(frozen=True)
class Gathered:
    """Sections of the own file, opened inside a sending. `minor` follows from what was opened."""

    values: Mapping[str, Plain]
    revisions: Mapping[str, int]
    minor: bool
