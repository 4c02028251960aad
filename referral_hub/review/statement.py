"""A survivor's disclosure statement (UU 27/2022, art. 32): who saw and who received what, dated, with the numbers of the entries.

Made by an agency's data-protection officer from the log alone; nothing of her file is opened. It is released after a safety check,
because whoever asks may have been made to ask, and handed over by her case worker. Staff appear by role; by code where that is safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from referral_hub import access, audit, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.audit import queries as log
from referral_hub.db import uuid7
from referral_hub.directory import queries as directory
from referral_hub.review import requests
from referral_hub.review.elsewhere import run, sql
from referral_hub.review.records import StatementRow
from referral_hub.review.rules import trail

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.accounts.values import Member
    from referral_hub.audit import Ticket
    from referral_hub.cases.facts import Alias
    from referral_hub.review.requests import Request
    from referral_hub.review.rules.trail import Line, Seen

MOST = 5000
# The agency that helps her tells all; one that received a referral, what it did itself and what came to it.
_HERS = sql("""
    WITH $HERS SELECT e.idx AS entry, e.occurred_at AS at, e.actor_id AS member, e.actor_kind AS kind, e.agency_id AS agency, e.action, e.outcome, $roles, $sections,
           CASE WHEN e.manifest_digest IS NOT NULL THEN e.recipient_agency END AS recipient, j->>'legal_basis' AS basis, CAST(j->>'consent_id' AS uuid) AS consent
    FROM audit_entry e $said WHERE $hers AND e.idx < :size AND e.action = ANY(CAST(:visible AS text[]))
    AND (e.agency_id = :agency OR e.recipient_agency = :agency OR EXISTS (
        SELECT 1 FROM alias a JOIN case_file c ON c.id = a.case_id WHERE a.id = :subject AND c.agency_id = :agency
    )) ORDER BY e.idx LIMIT :most
""")
_SIGNED = text("SELECT id, size, root, note, signed_at FROM audit_checkpoint WHERE size >= :size ORDER BY size, signed_at LIMIT 1")
_LEAVES = text("SELECT idx, leaf_hash FROM audit_entry WHERE idx = ANY(CAST(:entries AS bigint[])) ORDER BY idx")


@dataclass(frozen=True)
class Signed:
    """The first checkpoint that covers a statement; `note` with the signatures of those witnesses that have cosigned it."""

    size: int
    root: bytes
    signed_at: datetime
    note: str
    witnesses: int


@dataclass(frozen=True)
class Released:
    """A statement that was released: over the entries before `log_size`, by whom and when, and by whom it is handed over."""

    id: UUID
    subject: UUID
    log_size: int
    names_staff: bool
    handed_by: UUID
    approved_by: UUID
    approved_at: datetime


@dataclass(frozen=True)
class Statement:
    """What the log says about a survivor. `seen`: who saw or received what; `done`: what else was done; `refused`: attempts that were refused."""

    alias: str
    subject: UUID
    size: int
    seen: tuple[Line, ...]
    done: tuple[Line, ...]
    refused: int
    released: tuple[Released, ...]
    hands: tuple[Member, ...]
    asked: tuple[Request, ...]
    ticket: Ticket = field(repr=False)


def preview(session: Session, *, actor: Actor, now: datetime, alias: str, request_id: str = "") -> Statement:
    """Return the statement as it would be now, for the officer who decides on it. `audit.read`, about the survivor.

    Raises:
        errors.NotFound: no such alias at the actor's agency. errors.NotAllowed: no officer.
    """
    decision = requests.decided(actor, Verb.AUDIT_READ)
    subject = requests.subject_of(session, actor, alias)
    return _made(session, actor, subject, size=log.size(session), verb=Verb.AUDIT_READ, decision=decision, now=now, request_id=request_id)


def release(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    alias: str,
    handed_by: UUID | None,
    names_staff: bool,
    asked_alone: bool,
    is_safe: bool,
    request_id: str = "",
) -> Released:
    """Release a statement after the safety check: she was asked alone, and it is safe for her to have it. `subject.statement`.

    Her open request to know who saw her data is answered by it.

    Raises:
        errors.NotFound, errors.NotAllowed as `preview`.
        errors.InputInvalid: asked_alone, is_safe: not_ticked; handed_by: required, not_known (no case worker of the agency).
    """
    decision = requests.decided(actor, Verb.SUBJECT_STATEMENT)
    subject = requests.subject_of(session, actor, alias)
    amiss = {name: ("not_ticked",) for name, ticked in (("asked_alone", asked_alone), ("is_safe", is_safe)) if not ticked}
    if handed_by is None:
        amiss["handed_by"] = ("required",)
    elif handed_by not in {one.id for one in hands(session, actor)}:
        amiss["handed_by"] = ("not_known",)
    if amiss:
        raise errors.InputInvalid(amiss)
    values: dict[str, Any] = {
        "id": uuid7(now), "subject": subject.id, "agency_id": actor.agency_id, "log_size": log.size(session), "names_staff": names_staff, "handed_by": handed_by,
        "approved_by": actor.member_id, "approved_at": now,
    }  # fmt: skip
    session.execute(insert(StatementRow).values(values))
    requests.settle(session, actor=actor, now=now, subject=subject.id, statement_id=values["id"])
    facts = {"object_kind": "document", "object_id": values["id"], "subjects": (subject.id,), "purpose": "subject_request", "request_id": request_id}
    audit.record(session, audit.entry_for(actor, Verb.SUBJECT_STATEMENT, now=now, decision=decision, **facts))
    return Released(**{name: values[name] for name in Released.__dataclass_fields__})


def printed(session: Session, *, actor: Actor, now: datetime, alias: str, statement_id: UUID, request_id: str = "") -> Statement:
    """Return a released statement for paper, exactly as it was released. `document.print`, about the survivor.

    Raises:
        errors.NotFound: none such. errors.NotAllowed: no officer.
    """
    decision = requests.decided(actor, Verb.DOCUMENT_PRINT)
    subject = requests.subject_of(session, actor, alias)
    found = next((one for one in _released(session, subject.id) if one.id == statement_id), None)
    if found is None:
        raise errors.NotFound
    return _made(session, actor, subject, size=found.log_size, verb=Verb.DOCUMENT_PRINT, decision=decision, now=now, request_id=request_id)


def signed(session: Session, *, size: int) -> Signed | None:
    """Return the first checkpoint that covers `size` entries, or None: it is not signed yet."""
    row = session.execute(_SIGNED, {"size": size}).one_or_none()
    if row is None:
        return None
    lines = log.cosignatures(session, row.id)
    return Signed(row.size, bytes(row.root), row.signed_at, row.note + "".join(lines), len(lines))


def leaves(session: Session, *, entries: Collection[int]) -> list[tuple[int, bytes]]:
    """Return index and leaf hash of entries, in order: with them, anybody may ask for their proofs."""
    return [(row.idx, bytes(row.leaf_hash)) for row in session.execute(_LEAVES, {"entries": sorted(entries)})]


def hands(session: Session, actor: Actor) -> tuple[Member, ...]:
    """Return who may hand a statement over: active members of the agency who work with survivors."""
    if actor.agency_id is None:
        return ()
    return tuple(one for one in members.members(session, agency_id=actor.agency_id) if one.state == "active" and access.gives_key(one.roles))


def _made(session: Session, actor: Actor, subject: Alias, *, size: int, verb: Verb, decision: Decision, now: datetime, request_id: str) -> Statement:
    if actor.agency_id is None:
        raise errors.NotFound
    visible = [item.code for item in protocol.current().codelist("audit_events") if item.facts["survivor_visible"]]
    rows = run(session, _HERS, {"subject": subject.id, "size": size, "visible": visible, "most": MOST, "agency": actor.agency_id})
    seen, done, refused = trail.told([_seen(row) for row in rows], own_agency=actor.agency_id, zone=ZoneInfo(directory.agency(session, actor.agency_id).timezone))
    facts = {"object_kind": "log", "object_id": subject.id, "subjects": (subject.id,), "count": len(rows), "purpose": "subject_request", "request_id": request_id}
    ticket = audit.record(session, audit.entry_for(actor, verb, now=now, decision=decision, **facts))
    return Statement(subject.code, subject.id, size, seen, done, refused, _released(session, subject.id), hands(session, actor), requests.open_of(session, subject=subject.id), ticket)


def _seen(row: Any) -> Seen:
    return trail.Seen(
        idx=row.entry, at=row.at, action=row.action, outcome=row.outcome, kind=row.kind, member=row.member, agency=row.agency, roles=tuple(row.roles),
        sections=tuple(row.sections), recipient=row.recipient, basis=row.basis or "", consent=row.consent,
    )  # fmt: skip


def _released(session: Session, subject: UUID) -> tuple[Released, ...]:
    rows: Sequence[StatementRow] = session.scalars(select(StatementRow).where(StatementRow.subject == subject).order_by(StatementRow.approved_at.desc())).all()
    return tuple(Released(**{name: getattr(row, name) for name in Released.__dataclass_fields__}) for row in rows)
