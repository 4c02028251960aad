"""What a decision is made from (who, on what) and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from uuid import UUID

ActorKind = Literal["member", "clock", "operator"]
Side = Literal["sender", "recipient", "own", "none"]
Strength = Literal["none", "pending", "full", "fresh"]
GrantFact = Literal["none", "preview", "full", "read_only", "suspended", "revoked", "own"]
ConsentFact = Literal["covers", "lacks", "ended", "withdrawn", "not_needed"]


@dataclass(frozen=True)
class Actor:
    """Who acts: a member, the clock (worker) or an operator (command line)."""

    kind: str  # member | clock | operator
    member_id: UUID | None
    agency_id: UUID | None
    agency_kind: str  # code of agency_kinds.yaml; "" for clock and operator
    agency_code: str
    code: str  # the member's code inside the agency, PS-02
    roles: frozenset[str]  # codes of agency_roles.yaml
    state: str  # member state: active, or enrolled (waiting for admission); any other does nothing
    holds_key: bool  # a share of the agency's key exists for this member
    strength: str  # none | pending | full | fresh (signed in again just now)
    auth_method: str
    session_digest: str
    language: str
    timezone: str


@dataclass(frozen=True)
class Target:
    """What is acted on, as facts. Every fact is mandatory; `outside_cases` gives the neutral values where no case is touched."""

    kind: str  # case | referral | section | consent | list | agency | member | key | account | log | statistics | system
    side: str  # where the actor's agency stands: sender | recipient | own (own file, own agency) | none
    assigned: bool  # the actor is assigned to the case, at the recipient by its handler; kind agency: to an accepted referral to it
    handled: bool  # the actor is the handler, or there is no handler yet
    state: str  # state of the referral or stage of the case; "" where there is none
    grant: str  # what the actor's agency holds: none | preview | full | read_only | suspended | revoked | own
    consent: str  # how consent stands for these sections: covers | lacks | ended | withdrawn | not_needed
    conflict: bool  # the actor stands on the conflict list of the case
    blocked: bool  # the survivor blocked the addressed agency
    minor: bool
    protected: bool
    agency_active: bool  # the addressed agency (kind agency, member, key: that agency) is active
    same_agency: bool  # case, member, key, log page and so on belong to the actor's agency
    is_self: bool  # the actor himself is the member, the submitter of the draft, the user of the break-glass access
    invited_by_actor: bool
    sections: frozenset[str]  # sections that would be opened or sent
    service: str  # code of service_types.yaml, or ""


def outside_cases(
    kind: str,
    *,
    same_agency: bool,
    is_self: bool = False,
    invited_by_actor: bool = False,
    agency_active: bool = True,
    assigned: bool = False,
    state: str = "",
) -> Target:
    """Return the target of an act that touches no case (list, agency, member, key, account, log, statistics, system).

    Raises:
        ValueError: `kind` belongs to a case, whose facts must all be stated.
    """
    if kind in {"case", "referral", "section", "consent"}:
        raise ValueError(kind)
    return Target(
        kind=kind,
        side="own" if same_agency else "none",
        assigned=assigned,
        handled=False,
        state=state,
        grant="none",
        consent="not_needed",
        conflict=False,
        blocked=False,
        minor=False,
        protected=False,
        agency_active=agency_active,
        same_agency=same_agency,
        is_self=is_self,
        invited_by_actor=invited_by_actor,
        sections=frozenset(),
        service="",
    )


@dataclass(frozen=True)
class Decision:
    """What the policy said, and why."""

    allowed: bool
    rule_ids: tuple[str, ...]  # ids of the rules that decided, in the order of the policy files
    policy_digest: str  # SHA-256 of policies and schema, hex
    reason: str  # code of refusals.yaml when denied, else ""
