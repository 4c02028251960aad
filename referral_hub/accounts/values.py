"""What this room hands out: frozen values, never live rows. No name, mail or phone except in `Person`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from referral_hub.access import Actor
    from referral_hub.directory.facts import Agency
    from referral_hub.vault.keyring import Keyring


class State(StrEnum):
    """States of a member; the codes stand in the database."""

    INVITED = "invited"
    WAITING = "waiting"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


class Step(StrEnum):
    """What an invited person does next."""

    TERMS = "terms"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a step
    CODE = "code"


class Next(StrEnum):
    """Where a member goes after signing in."""

    HOME = "home"
    FOUND = "found"
    CONFIRM_RECOVERY = "confirm_recovery"
    WAIT = "wait"


@dataclass(frozen=True)
class Member:
    """One person at one agency, by code and roles. `fingerprint` is of the member key (24 digits); None before enrolment."""

    id: uuid.UUID
    agency_id: uuid.UUID
    code: str
    state: State
    roles: frozenset[str]
    proposed_roles: frozenset[str] | None
    holds_key: bool
    fingerprint: str | None
    invited_by: uuid.UUID | None
    invited_at: datetime
    terms_accepted_at: datetime | None
    enrolled_at: datetime | None
    admitted_by: uuid.UUID | None
    admitted_at: datetime | None
    last_sign_in: datetime | None
    language: str
    timezone: str
    version: int


@dataclass(frozen=True)
class Person:
    """The hub-locked facts of a member: shown to colleagues, never in the log."""

    member_id: uuid.UUID
    name: str = field(repr=False)
    mail: str | None = field(repr=False)
    phone: str | None = field(repr=False)


@dataclass(frozen=True)
class Source:
    """Where a request comes from: address for the throttle, device words for the session list."""

    address: str = field(repr=False)
    device: str


@dataclass(frozen=True)
class Invitation:
    """What an invitation's link shows: for whom, and the step that comes next."""

    member_id: uuid.UUID
    agency_id: uuid.UUID
    code: str
    roles: frozenset[str]
    purpose: str
    step: Step
    language: str
    expires_at: datetime


@dataclass(frozen=True)
class Link:
    """A new invitation. The token is shown once and kept nowhere."""

    token: str = field(repr=False)
    member: Member
    expires_at: datetime


@dataclass(frozen=True)
class Started:
    """Half a sign-in, or half an enrolment: the cookie of a pending session, which opens nothing."""

    cookie: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class SignedIn:
    """A full session. `device_cookie` makes this browser a known one."""

    cookie: str = field(repr=False)
    device_cookie: str = field(repr=False)
    member: Member
    next: Next
    expires_at: datetime


@dataclass(frozen=True)
class Pending:
    """A pending session: whose, for what, until when."""

    member_id: uuid.UUID
    purpose: str
    expires_at: datetime


@dataclass(frozen=True)
class TotpSetup:
    """The second factor to type or scan: base32 text and otpauth address (RFC 6238)."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True)
class Founded:
    """A new agency key: the recovery code, shown once, and the fingerprint that goes on the signed protocol."""

    recovery_code: str = field(repr=False)
    fingerprint: str
    member: Member


@dataclass(frozen=True)
class Print:
    """The agency's present recovery code: of which epoch, by whom, when, and when its end was typed back (None: not yet)."""

    epoch: int
    made_by: uuid.UUID
    made_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True)
class Reset:
    """A member may enrol again. `key_lost`: the old key is gone, a holder must admit anew; `holders_left` can do so."""

    token: str = field(repr=False)
    member: Member
    expires_at: datetime
    key_lost: bool
    holders_left: int


@dataclass(frozen=True)
class Item:
    """One line of the activation checklist."""

    code: str
    done: bool
    count: int = 0


@dataclass(frozen=True)
class Checklist:
    """What an agency still needs before it may receive. `fingerprint` is of its founding key."""

    agency_id: uuid.UUID
    items: tuple[Item, ...]
    fingerprint: str | None
    holders: int

    @property
    def missing(self) -> tuple[str, ...]:
        """Codes of what is not done."""
        return tuple(item.code for item in self.items if not item.done)

    @property
    def ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True)
class SessionView:
    """One of the member's own sessions."""

    id: uuid.UUID
    device: str
    auth_method: str
    created_at: datetime
    last_seen: datetime
    current: bool


@dataclass(frozen=True)
class Caller:
    """Who calls. `touched`: last_seen was moved in this transaction, which should be committed at once."""

    actor: Actor
    keys: Keyring
    session_id: uuid.UUID
    idle_until: datetime
    ends_at: datetime
    agency: Agency
    member: Member
    touched: bool
