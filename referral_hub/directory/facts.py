"""What the directory hands out: frozen values. None of them has an address; phone and e-mail come only as a `Contact` made for a viewer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from referral_hub.audit import Ticket

Standing = Literal["fits_open", "fits_closed", "outside", "misfit"]


@dataclass(frozen=True)
class Agency:
    """An agency of the network. `region` and `coverage` are Kemendagri codes (32, 32.73, 32.73.16); `hours` a code of business_hours.yaml."""

    id: uuid.UUID
    code: str
    name: str
    kind: str
    region: str
    coverage: tuple[str, ...]
    timezone: str
    hours: str
    government: bool
    on_call_24h: bool
    languages: tuple[str, ...]
    access: tuple[str, ...]
    disclosure: str
    tiers: Mapping[str, str] = field(hash=False)
    sectors: tuple[str, ...]
    exit_url: str | None
    state: str
    verified_at: datetime | None
    verified_by: uuid.UUID | None
    created_at: datetime
    version: int

    @property
    def active(self) -> bool:
        """Return whether the agency takes part: only then is anything sent to it."""
        return self.state == "active"


@dataclass(frozen=True)
class Service:
    """A service of an agency. `sex` empty means anybody; ages in whole years, inclusive; `bring` are codes of document_types.yaml."""

    id: uuid.UUID
    agency_id: uuid.UUID
    code: str
    hours: str
    closed: bool
    capacity: str
    slots: int | None
    capacity_as_of: datetime | None
    sex: tuple[str, ...]
    age_min: int
    age_max: int | None
    bring: tuple[str, ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class NewAgency:
    """An agency as it is registered. `disclosure` None: by kind (a shelter is disclosed as one). `tiers` may only hide more than that."""

    code: str
    name: str
    kind: str
    region: str
    coverage: tuple[str, ...]
    timezone: str
    hours: str
    government: bool = False
    on_call_24h: bool = False
    languages: tuple[str, ...] = ("id",)
    access: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    disclosure: str | None = None
    tiers: Mapping[str, str] = field(default_factory=dict)
    sectors: tuple[str, ...] = ()
    exit_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewService:
    """A service as it is entered. `hours` None: those of the agency."""

    code: str
    hours: str | None = None
    capacity: str = "unknown"
    slots: int | None = None
    capacity_as_of: datetime | None = None
    sex: tuple[str, ...] = ()
    age_min: int = 0
    age_max: int | None = None
    bring: tuple[str, ...] = ()
    note: str = ""
    closed: bool = False


@dataclass(frozen=True)
class Unit:
    """A unit with an inbox of its own."""

    id: uuid.UUID
    agency_id: uuid.UUID
    code: str
    name: str
    on_duty: bool
    active: bool


@dataclass(frozen=True)
class Viewer:
    """Who looks: the agency and its kind (None: nobody signed in), and whether a referral of his to that agency was accepted."""

    agency_id: uuid.UUID | None
    kind: str | None
    accepted_referral: bool = False


@dataclass(frozen=True)
class Contact:
    """How to reach an agency, as one viewer may see it. `withheld` names what he may not see, whether or not it is known."""

    email: str | None
    phone: str | None
    withheld: frozenset[str]


@dataclass(frozen=True)
class Offer:
    """A service together with the agency that offers it."""

    agency: Agency
    service: Service


@dataclass(frozen=True)
class Found:
    """One card of the directory: an offer as it stands now for this search. `misfits` says why it cannot be chosen, `cautions` why to look twice."""

    agency: Agency
    service: Service
    open_now: bool
    opens_at: datetime | None
    capacity: str
    region_shown: str
    in_area: bool
    blocked: bool
    misfits: tuple[str, ...]
    standing: Standing
    contact: Contact

    @property
    def choosable(self) -> bool:
        """Return whether a referral may go there: nothing misfits and the survivor did not block it. Outside the area is allowed."""
        return not self.misfits and not self.blocked

    @property
    def cautions(self) -> tuple[str, ...]:
        """Return why to look twice before choosing it: "outside" its area, "shut" at this hour, "full" as its agency last said."""
        found = (("outside", not self.in_area), ("shut", not self.open_now), ("full", self.capacity == "none"))
        return tuple(code for code, holds in found if holds)


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a recipient is looked for: services in a region, for whom, understood and reached how, open at this hour. Empty asks nothing.

    `ages` are whole years, inclusive (None: no upper end). `blocked` agencies stay listed, marked; `leave_out` (the own agency) do not.
    """

    services: Collection[str] = ()
    region: str | None = None
    kind: str | None = None
    sex: str = ""
    ages: tuple[int, int | None] | None = None
    languages: Collection[str] = ()
    access: Collection[str] = ()
    on_call: bool = False
    open_now: bool = False
    blocked: Collection[uuid.UUID] = ()
    leave_out: Collection[uuid.UUID] = ()


@dataclass(frozen=True)
class Search:
    """One page of the cards of a search, in order; how many there are in all; the token of the next page; the ticket of its log entry."""

    found: tuple[Found, ...]
    hits: int
    next: str | None
    ticket: Ticket


@dataclass(frozen=True)
class Revealed:
    """A restricted contact and the ticket of the entry that says it was shown: show it only once that is durable."""

    contact: Contact = field(repr=False)
    ticket: Ticket
