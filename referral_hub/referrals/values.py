"""What this room hands out: frozen values, never live rows. Codes, ids and times only; content stands in `Content` and is never in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import date, datetime

    from referral_hub.audit import Ticket
    from referral_hub.consent.facts import Consent


@dataclass(frozen=True)
class Referral:
    """A referral's row. `case_id` is None in the recipient's hands: a case id is never told to another agency."""

    id: uuid.UUID
    number: str
    recipient_no: str | None
    part_of: uuid.UUID | None
    case_id: uuid.UUID | None
    type: str
    from_agency: uuid.UUID
    from_member: uuid.UUID
    to_agency: uuid.UUID
    to_unit: uuid.UUID | None
    handler: uuid.UUID | None
    companion: uuid.UUID | None
    service: str
    urgency: str
    state: str
    previous_state: str | None
    business: str
    flags: frozenset[str]
    consent_id: uuid.UUID | None
    created_at: datetime
    sent_at: datetime | None
    received_at: datetime | None
    accepted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    respond_by: datetime | None
    first_service_by: datetime | None
    update_by: datetime | None
    due_at: datetime | None
    paused_at: datetime | None
    paused_for: int
    review_on: date | None
    has_appointment: bool
    decline_reason: str | None
    redirect_agency: uuid.UUID | None
    event_reason: str | None
    outcome: str | None
    milestones: tuple[str, ...]
    sending: int
    version: int


@dataclass(frozen=True)
class Event:
    """One event of the history. `inputs` are codes, ids of agencies and members, numbers and times; a note is sealed elsewhere."""

    seq: int
    code: str
    side: str
    actor_kind: str
    actor_id: uuid.UUID | None
    actor_code: str
    at: datetime
    inputs: Mapping[str, Any]

    @property
    def has_note(self) -> bool:
        """Return whether a sealed note belongs to this event."""
        return self.inputs.get("note") is True


@dataclass(frozen=True)
class Line:
    """One row of a list: clear metadata and the own agency's alias of the survivor, nothing else.

    `news`: the event of the other side that this member has not seen yet; work lists alone say it.
    """

    id: uuid.UUID
    number: str
    alias: str
    subject: uuid.UUID
    urgency: str
    service: str
    side: str
    other_agency: uuid.UUID
    state: str
    flags: frozenset[str]
    handler: uuid.UUID | None
    awaited: str
    due: datetime | None
    late: bool
    version: int
    news: str = ""


@dataclass(frozen=True)
class SecondLook:
    """What was decided without the survivor: for a second person to "sign" or "review", or "done". `agency` decided, `to_agency` receives."""

    consent_id: uuid.UUID
    alias: str
    subject: uuid.UUID
    agency: uuid.UUID
    to_agency: uuid.UUID
    basis: str
    form: str
    step: str
    given_on: date
    review_on: date
    late: bool


@dataclass(frozen=True)
class SecondLooks:
    """A list of these, with the entry that it left."""

    looks: tuple[SecondLook, ...]
    ticket: Ticket = field(repr=False)


@dataclass(frozen=True)
class Page:
    """One page of a list. `next` continues it; `count` is exact up to 99, then "99+"."""

    lines: tuple[Line, ...]
    next: str | None
    count: str
    ticket: Ticket = field(repr=False)


@dataclass(frozen=True)
class WorkList:
    """What needs the actor and what waits for others. With `counts_only` the lines are empty and only the numbers stand."""

    needs_you: tuple[Line, ...]
    waiting: tuple[Line, ...]
    needs_count: str
    waiting_count: str
    completed_this_week: str
    counts_only: bool
    ticket: Ticket = field(repr=False)
    second_looks: tuple[SecondLook, ...] = ()


@dataclass(frozen=True)
class Clock:
    """A deadline of the referral's own: kind ack, first_service, update or read_only; state calm, soon, late, paused or done."""

    kind: str
    due: datetime
    state: str
    met_at: datetime | None = None


@dataclass(frozen=True)
class SectionState:
    """One section as the actor's page lists it: open, later (opens on acceptance), closed or not_shared."""

    code: str
    state: str
    read_by_actor: bool


@dataclass(frozen=True)
class Seen:
    """One access by somebody, from the log: when, in which role, from which agency, what was done and which sections were shown."""

    at: datetime
    role: str
    actor_id: uuid.UUID | None
    code: str
    agency_id: uuid.UUID | None
    action: str
    sections: tuple[str, ...]
    entry_index: int


@dataclass(frozen=True)
class Detail:
    """The referral's page without its content. `messages` in the thread, `own_notes` of the actor's agency: how many there are.

    `beyond`: to the sender, the fields beyond the usual ones that were sent ("identity.religion").
    """

    referral: Referral
    side: str
    alias: str
    grant: str
    read_until: datetime | None
    history: tuple[Event, ...]
    clocks: tuple[Clock, ...]
    acts: tuple[str, ...]
    sections: tuple[SectionState, ...]
    safe_contact_read: bool
    seen: tuple[Seen, ...]
    messages: int
    own_notes: int
    refused_attempts: int
    ticket: Ticket = field(repr=False)
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True)
class Glance:
    """A referral before anything of it is opened: how it stands, what the actor may do, and what may be opened.

    `consent` is how the consent that it rests on stands for what was granted ("covers", "lacks", "ended", "withdrawn", "not_needed").
    `may_read`: whether notes and messages open. `may_open`: the sections that the policy lets the actor open. `codes`: member codes of handler and sender by id.
    """

    referral: Referral
    side: str
    alias: str
    grant: str
    clocks: tuple[Clock, ...]
    acts: tuple[str, ...]
    consent: str
    consent_until: date | None
    granted: tuple[str, ...]
    may_preview: bool
    may_message: bool
    may_note: bool
    may_read: bool
    may_open: frozenset[str]
    codes: Mapping[uuid.UUID, str]


@dataclass(frozen=True)
class Further:
    """What may change of what is shared: for the recipient what it may ask for, for the sender also what she may do about it.

    `possible`: sections that may still come; `asked` of them, with the coded `reason`; `filled` in the own file. `correctable`: shared sections
    that this member may correct, and `written` for the referral alone. `bases`: consents of the survivor that stand today for this recipient
    and purpose, newest first.
    """

    possible: tuple[str, ...]
    asked: tuple[str, ...]
    reason: str
    filled: frozenset[str] = frozenset()
    correctable: tuple[str, ...] = ()
    bases: tuple[Consent, ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A draft's task list: which parts of the draft and sections of the own file are filled, and how its consent stands (`Standing` code).

    `awaits_signer`: what it rests on was decided without her and waits for the second signature.
    """

    referral: Referral
    alias: str
    parts: frozenset[str]
    own_sections: frozenset[str]
    consent: str
    awaits_signer: bool = False


@dataclass(frozen=True)
class Check:
    """What "Check and send" must ask for: the recipient's code to type, the phone call, and whether a second person has to send.

    `second_person_needed` is False once somebody else than the actor submitted the draft and the actor may approve it. `awaiting`: submitted.
    `acts`: what the actor may do with the draft. `blocked_people`: how many members of the recipient will not see this referral.
    """

    code_needed: bool
    recipient_code: str
    phone_needed: bool
    second_person_needed: bool
    minor: bool
    recipient_active: bool
    blocked_people: int
    awaiting: bool
    acts: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """What may be shared with this recipient for this service.

    The usual most, what is ticked beforehand, the preview's fields ("profile.sex"), sections that always go along, which hold anything.
    `beyond`: what may go besides with a written reason and consent; `causes`: why each of these ("identity.religion") is not usual.
    """

    ceiling: Mapping[str, tuple[str, ...]]
    beyond: Mapping[str, tuple[str, ...]]
    causes: Mapping[str, str]
    ticked: Mapping[str, tuple[str, ...]]
    preview: tuple[str, ...]
    always: frozenset[str]
    filled: frozenset[str]


@dataclass(frozen=True, repr=False)
class SectionContent:
    """One opened section.

    `masked` fields are shown only by an opening of their own (`tails`: the last digits of a masked NIK), `withheld` ones only once safe
    contact was read.
    """

    code: str
    revision: int
    fields: Mapping[str, Any]
    masked: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    tails: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class NoteContent:
    """One opened note with the event that it belongs to."""

    seq: int
    event: str
    actor_id: uuid.UUID | None
    actor_code: str
    at: datetime
    text: str
    appointment: datetime | None = None


@dataclass(frozen=True, repr=False)
class Content:
    """What one opening shows, with the index of its log entry."""

    referral_id: uuid.UUID
    number: str
    sections: tuple[SectionContent, ...]
    notes: tuple[NoteContent, ...]
    entry_index: int
