"""Find in scope: one locked row with every fact the policy and the rules need, in one joined select; and the same scope in SQL for lists."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Uuid, and_, bindparam, exists, false, or_, select, true

from referral_hub import access, errors, protocol
from referral_hub.access import Target, Verb
from referral_hub.cases import queries as cases
from referral_hub.cases.facts import Alias, flags_of
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import Standing
from referral_hub.db.fixed import Fixed
from referral_hub.directory import queries as directory
from referral_hub.protocol import lifecycle
from referral_hub.referrals import elsewhere, rules
from referral_hub.referrals.records import OPEN_STATES, BasisRow, ReferralRow
from referral_hub.referrals.values import Referral
from referral_hub.vault import codes

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import Consent
    from referral_hub.vault.hub import HubKeys

REACHING = frozenset({"approve", "grant", "assign"})  # abilities that reach unassigned cases of the own agency (policies/, list-own-row)
SUPERVISING = frozenset({"approve", "assign"})  # abilities of supervisors on either side


@dataclass(frozen=True)
class Grant:
    """One grant of the recipient: preview, full or thread."""

    id: uuid.UUID
    kind: str
    standing: str
    sections: frozenset[str]


@dataclass(frozen=True)
class Basis:
    """Sections that were supplied later, with the consent that they rest on."""

    consent: Consent
    sections: frozenset[str]


@dataclass(frozen=True)
class Found:
    """A referral within the actor's scope, locked as asked, with what is known around it.

    `row` is live where it was locked for an act, which changes it; else it is a value with the same names.
    """

    row: ReferralRow
    side: str
    alias: Alias | None
    consent: Consent | None
    grants: tuple[Grant, ...]
    minor: bool
    protected: bool
    second_person_needed: bool
    companion_id: uuid.UUID | None
    assigned: bool
    conflict: bool
    recipient_active: bool
    recipient_kind: str
    further: tuple[Basis, ...] = ()

    @property
    def standings(self) -> dict[str, str]:
        """Return the standing of the recipient's grants by kind."""
        return {grant.kind: grant.standing for grant in self.grants}

    @property
    def granted(self) -> frozenset[str]:
        """Return the sections of the recipient's full grant."""
        return frozenset().union(*(grant.sections for grant in self.grants if grant.kind == "full"))

    @property
    def purpose(self) -> str:
        """Return the purpose of the service asked for (purposes.yaml)."""
        return purpose_of(self.row.service)

    def grant_fact(self, now: datetime) -> str:
        """Return what the actor's agency holds, as the policy asks it."""
        if self.side == "sender":
            return "own"
        row = self.row
        return rules.grant_fact(state=row.state, ended_at=row.ended_at, sent=row.sent_at is not None, standings=self.standings, now=now)

    def target(self, actor: Actor, *, now: datetime, kind: str = "referral", sections: Collection[str] = (), consent: str = "", blocked: bool = False) -> Target:
        """Return the policy's facts. `consent` is the fact as already worked out; empty asks the ledger's row for `sections`."""
        row = self.row
        return Target(
            kind=kind,
            side=self.side,
            assigned=self.assigned,
            handled=row.handler in {None, actor.member_id},
            state=row.state,
            grant=self.grant_fact(now),
            consent=consent or self.consent_fact(actor, sections=sections, now=now),
            conflict=self.conflict,
            blocked=blocked,
            minor=self.minor,
            protected=self.protected,
            agency_active=self.recipient_active,
            same_agency=True,
            is_self=self.side == "sender" and row.from_member == actor.member_id,
            invited_by_actor=False,
            sections=frozenset(sections),
            service=row.service,
        )

    def consent_fact(self, actor: Actor, *, sections: Collection[str], now: datetime) -> str:
        """Return how the consent that the referral rests on stands for `sections` today, in the actor's time zone."""
        return self.standing(sections=sections, now=now, timezone=actor.timezone).fact

    def standing(self, *, sections: Collection[str], now: datetime, timezone: str) -> Standing:
        """Return how the consents that the referral rests on stand for `sections`; each section is asked of its own. The first that does not cover."""
        own: dict[Consent | None, frozenset[str]] = {} if sections and self.further else {self.consent: frozenset(sections)}
        for section in () if own else sections:
            basis = self.basis_of(section)
            own[basis] = own.get(basis, frozenset()) | {section}
        found = [standing(self.row, basis, sections=named, now=now, timezone=timezone) for basis, named in own.items()]
        return next((one for one in found if one is not Standing.COVERS), Standing.COVERS)

    def basis_of(self, section: str) -> Consent | None:
        """Return the consent that a section rests on: one of its own, or the referral's."""
        return next((basis.consent for basis in self.further if section in basis.sections), self.consent)

    def life(self) -> lifecycle.Life:
        """Return the row as the lifecycle reads it."""
        row = self.row
        grant = rules.lifecycle_grant(state=row.state, sent=row.sent_at is not None, standings=self.standings)
        return lifecycle.Life(
            state=row.state,
            business=row.business,
            flags=frozenset(row.flags),
            grant=grant,
            restores=rules.restores(row.flags) if grant == "suspended" else "",
            previous=row.previous_state or "",
            sections=self.granted,
            recipient_kind=self.recipient_kind,
            paused_at=row.paused_at,
            sent_at=row.sent_at,
            accepted_at=row.accepted_at,
            ended_at=row.ended_at,
            window_until=rules.read_until(row.state, row.ended_at),
        )

    def entry_facts(self) -> dict[str, Any]:
        """Return the facts that every entry about this referral carries. The case id is none of them."""
        return {
            "object_kind": "referral",
            "object_id": self.row.id,
            "object_version": self.row.version,
            "referral_id": self.row.id,
            "subjects": (self.alias.id,) if self.alias else (),
            "subject_flags": flags_of(minor=self.minor, protected=self.protected),
            "purpose": self.purpose,
            "basis": self._basis(),
            "consent_id": self.consent.id if self.consent else None,
            "legal_basis": self.consent.basis if self.consent else "",
        }

    def _basis(self) -> str:
        if self.side == "recipient":
            return "recipient"
        return "assigned" if self.assigned else "supervisor"


def purpose_of(service: str) -> str:
    """Return the purpose of use of a service (purposes.yaml)."""
    return protocol.current().service(service).purpose


def standing(row: ReferralRow | Referral, consent: Consent | None, *, sections: Collection[str], now: datetime, timezone: str) -> Standing:
    """Return how `consent` stands towards the recipient, the service's purpose and `sections` on the day it is in `timezone`."""
    on = consents.local_day(now, timezone)
    return consents.covers(consent, agency_id=row.to_agency, purpose=purpose_of(row.service), sections=frozenset(sections), on=on)


def find(session: Session, *, actor: Actor, hub: HubKeys, referral_id: uuid.UUID | str, lock: str = "") -> Found:
    """Return the referral if the actor's agency sent it, or was addressed by it once it was sent; one round trip.

    `referral_id`: its id, or its number, typed with or without hyphens. `lock`: "" none, "share" for openings, "update" for acts, whose row
    alone is live. Whether the actor may is the policy's to say: a conflict entry is a fact.

    Raises:
        errors.NotFound: no such referral at the actor's agency.
    """
    if actor.member_id is None or actor.agency_id is None:
        raise errors.NotFound
    by_number = isinstance(referral_id, str)
    asked = {
        "agency": actor.agency_id,
        "member": actor.member_id,
        "token": cases.conflict_token(hub, actor.member_id),
        "referral": own_number(referral_id) if isinstance(referral_id, str) else referral_id,
    }
    if lock == "update":
        live = session.execute(_live(by_number=by_number), asked).one_or_none()
        row, found = (live[0], live) if live else (None, None)
    else:
        row = found = _fixed(by_number=by_number, is_shared=lock == "share").one_or_none(session, **asked)
    if row is None:
        raise errors.NotFound
    return _found(row, found, actor)


def own_number(typed: str) -> str:
    """Return a referral's number as it is kept, from how somebody typed it."""
    letters = codes.normalise(typed).removeprefix("RJ")
    return f"RJ-{letters[:4]}-{letters[4:]}"


def resting_on(session: Session, *, consent_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """Lock the referrals that rest on a consent, whole or with further sections, in one order, before the consent itself is touched.

    Returns their ids.
    """
    further = exists().where(BasisRow.referral_id == ReferralRow.id, BasisRow.consent_id == consent_id)
    query = select(ReferralRow.id).where(or_(ReferralRow.consent_id == consent_id, further)).order_by(ReferralRow.id).with_for_update()
    return tuple(session.scalars(query))


def open_of_case(session: Session, *, case_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Lock the referrals of a case that have not ended, drafts among them, in one order; return their row versions."""
    running = ReferralRow.state.in_(("draft", *OPEN_STATES))
    query = select(ReferralRow.id, ReferralRow.version).where(ReferralRow.case_id == case_id, running).order_by(ReferralRow.id).with_for_update()
    return {row.id: row.version for row in session.execute(query)}


def visible_to(actor: Actor, *, hub: HubKeys) -> ColumnElement[bool]:
    """Return the SQL condition "this referral stands in a list of the actor's": what the policy allows row by row with `referral.list`.

    The own side within the scope of the case; the addressed side once it was sent; never with a conflict entry.
    """
    if actor.member_id is None or actor.agency_id is None or Verb.REFERRAL_LIST not in access.acts_allowed(actor.roles):
        return false()
    return or_(sent_by(actor, hub=hub), addressed_to(actor, hub=hub))


def sent_by(actor: Actor, *, hub: HubKeys) -> ColumnElement[bool]:
    """Return the sending half of `visible_to`. The case of a referral belongs to the agency that sends it, so its own agency is not asked."""
    if actor.member_id is None:
        return false()
    member, case_id = elsewhere.case_member, ReferralRow.__table__.c.case_id
    assigned = exists().where(member.c.case_id == case_id, member.c.member_id == actor.member_id)
    reach = true() if access.abilities(actor.roles) & REACHING else assigned
    free = cases.no_conflict(hub=hub, member_id=actor.member_id, case_id=case_id)
    return and_(ReferralRow.from_agency == actor.agency_id, reach, free)


def addressed_to(actor: Actor, *, hub: HubKeys) -> ColumnElement[bool]:
    """Return the receiving half of `visible_to`."""
    if actor.member_id is None:
        return false()
    case_id = ReferralRow.__table__.c.case_id
    free = cases.no_conflict(hub=hub, member_id=actor.member_id, case_id=case_id)
    return and_(ReferralRow.to_agency == actor.agency_id, ReferralRow.sent_at.is_not(None), free)


def snapshot(row: ReferralRow, *, side: str) -> Referral:
    """Return the row as a value; the recipient is not told the sender's case id."""
    values = {f.name: getattr(row, f.name) for f in fields(Referral)}
    values |= {"flags": frozenset(row.flags), "milestones": tuple(row.milestones)}
    return Referral(**(values | ({"case_id": None} if side == "recipient" else {})))


def shown(found: Found, actor: Actor) -> Referral:
    """Return the row as this actor may see it: a reason of restricted visibility is for supervisors only."""
    value = snapshot(found.row, side=found.side)
    return replace(value, decline_reason=value.decline_reason and shown_reason(value.decline_reason, actor))


def shown_reason(reason: str, actor: Actor) -> str:
    """Return a decline reason, or "" where only supervisors see it (decline_reasons.yaml, restricted_visibility)."""
    item = protocol.current().codelist("decline_reasons").get(reason)
    restricted = item is not None and bool(item.facts.get("restricted_visibility"))
    return reason if not restricted or access.abilities(actor.roles) & SUPERVISING else ""


@cache
def _live(*, by_number: bool) -> Select[Any]:
    """Return the select of `find` for an act: the live row under its lock, and the facts around it."""
    query = _around(select(ReferralRow, *_facts()), by_number=by_number)
    return query.with_for_update(of=ReferralRow).execution_options(populate_existing=True)


@cache
def _fixed(*, by_number: bool, is_shared: bool) -> Fixed:
    """Return the select of `find` for what only reads: the row as a value, and the same facts."""
    query = _around(select(*ReferralRow.__table__.c, *_facts()), by_number=by_number)
    return Fixed(query.with_for_update(of=ReferralRow.__table__, read=True) if is_shared else query)


def _facts() -> tuple[ColumnElement[Any], ...]:
    case, member, alias, agency = elsewhere.case_file, elsewhere.case_member, elsewhere.alias, directory.table()
    assigned = exists().where(member.c.case_id == ReferralRow.case_id, member.c.member_id == bindparam("member"))
    free = cases.free_of(bindparam("token"), case_id=ReferralRow.__table__.c.case_id)
    return (
        *elsewhere.CONSENT_COLUMNS,
        alias.c.id.label("alias_id"),
        alias.c.code.label("alias_code"),
        case.c.minor,
        case.c.protected,
        case.c.second_person_needed,
        case.c.companion_id,
        agency.c.state.label("recipient_state"),
        agency.c.kind.label("recipient_kind"),
        assigned.label("assigned"),
        free.label("free"),
        elsewhere.recipient_grants().label("grants"),
        elsewhere.further_bases().label("further"),
    )


def _around(query: Select[Any], *, by_number: bool) -> Select[Any]:
    """Return `query` over the referral asked for, if it lies at the member's agency, with what stands around it."""
    case, alias, agency, own = elsewhere.case_file, elsewhere.alias, directory.table(), bindparam("agency", type_=Uuid())
    addressed = and_(ReferralRow.to_agency == own, ReferralRow.sent_at.is_not(None))
    return (
        query.join_from(ReferralRow.__table__, case, case.c.id == ReferralRow.case_id)
        .join(agency, agency.c.id == ReferralRow.to_agency)
        .outerjoin(alias, and_(alias.c.case_id == ReferralRow.case_id, alias.c.agency_id == own))
        .outerjoin(elsewhere.consent, elsewhere.consent.c.id == ReferralRow.consent_id)
        .where((ReferralRow.number if by_number else ReferralRow.id) == bindparam("referral"), or_(ReferralRow.from_agency == own, addressed))
    )


def _found(row: ReferralRow, found: Any, actor: Actor) -> Found:
    side = "sender" if row.from_agency == actor.agency_id else "recipient"
    grants = (Grant(uuid.UUID(g[0]), g[1], g[2], frozenset(g[3])) for g in found.grants)
    return Found(
        row=row,
        side=side,
        alias=Alias(found.alias_id, found.alias_code) if found.alias_id else None,
        consent=elsewhere.consent_of(found),
        grants=tuple(grants),
        minor=found.minor,
        protected=found.protected,
        second_person_needed=found.second_person_needed,
        companion_id=found.companion_id,
        assigned=found.assigned if side == "sender" else row.handler == actor.member_id,
        conflict=not found.free,
        recipient_active=found.recipient_state == "active",
        recipient_kind=found.recipient_kind,
        further=tuple(Basis(elsewhere.further_consent(said), frozenset(named)) for named, said in found.further),
    )
