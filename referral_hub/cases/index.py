"""The blind index: files are found by NIK, phone or name inside one agency, and nothing of these is stored (VAULT.md, agency index key).

A token needs the agency's key and the hub's secret together, so another agency's tokens of the same words are others. The rows do not say
which token is of what. A file that the member may not know of is not found.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, or_, select

from referral_hub import access, audit
from referral_hub.access import Verb, outside_cases
from referral_hub.cases import rules, scope
from referral_hub.cases.facts import Lookalike, Page
from referral_hub.cases.records import AliasRow, CaseRow, TokenRow
from referral_hub.cases.scope import no_conflict, visible_to

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.cases.scope import Found
    from referral_hub.vault.keyring import Keyring

MOST = 5

Words = frozenset[tuple[str, str]]


def rewrite(session: Session, *, keys: Keyring, row: CaseRow, person: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the tokens of a file by those of what stands in it now (`person`: sections identity and safe contact, as far as filled)."""
    tokens = _tokens(session, keys, row.agency_id, rules.search_words(person))
    session.execute(delete(TokenRow).where(TokenRow.case_id == row.id))
    if tokens:
        session.execute(insert(TokenRow), [{"case_id": row.id, "token": token} for token in tokens])


def lookalikes(
    session: Session, found: Found, *, actor: Actor, keys: Keyring, words: Words, now: datetime, request_id: str
) -> tuple[Lookalike, ...]:
    """Return the agency's other files that one of these words finds, and record that they were shown: `case.duplicate_check`.

    The entry holds the number of hits and the file that was worked on, never whom it found. No hit leaves no entry: the act goes on.

    Raises:
        errors.NotAllowed: the policy refused.
    """
    decision = access.require(actor, Verb.CASE_DUPLICATE_CHECK, found.target)
    alike = alike_files(session, actor=actor, keys=keys, words=words, leave_out=found.case.id)
    if alike:
        record_check(session, actor=actor, hits=len(alike), decision=decision, now=now, request_id=request_id, facts=found.facts)
    return alike


def alike_files(
    session: Session, *, actor: Actor, keys: Keyring, words: Words, leave_out: uuid.UUID | None = None
) -> tuple[Lookalike, ...]:
    """Return up to five files of the actor's agency that one of these words finds. No entry: for acts of this room and the referrals room.

    Not found: files whose conflict list names the actor, and protected files that are not the actor's.
    """
    if actor.member_id is None or actor.agency_id is None:
        return ()
    tokens = _tokens(session, keys, actor.agency_id, words)
    within = visible_to(actor, hub=keys.hub, case_id=CaseRow.id)
    free = no_conflict(hub=keys.hub, member_id=actor.member_id, case_id=CaseRow.id)
    query = (
        select(AliasRow.code, within)
        .join(CaseRow, and_(CaseRow.id == AliasRow.case_id, CaseRow.agency_id == AliasRow.agency_id))
        .where(CaseRow.agency_id == actor.agency_id, _has(tokens), free, or_(~CaseRow.protected, within), CaseRow.id != (leave_out or uuid.UUID(int=0)))
        .order_by(CaseRow.last_activity.desc(), CaseRow.id.desc())
        .limit(MOST)
    )
    return tuple(Lookalike(code, in_scope) for code, in_scope in session.execute(query)) if tokens else ()


def record_check(
    session: Session, *, actor: Actor, hits: int, decision: access.Decision, now: datetime, request_id: str, facts: Mapping[str, Any]
) -> None:
    """Record a duplicate check that found something: how often, and on which file or referral the actor was at work."""
    entry = audit.entry_for(actor, Verb.CASE_DUPLICATE_CHECK, now=now, decision=decision, hits=hits, request_id=request_id, **facts)
    audit.record(session, entry)


def search(session: Session, *, actor: Actor, keys: Keyring, now: datetime, text: str, request_id: str = "") -> Page:
    """Return the files within the actor's scope that `text` finds: a NIK, a phone number or a whole name. `case.search`.

    The entry holds the number of hits only: neither the words nor whom they found (audit_events.yaml).

    Raises:
        errors.NotAllowed: the actor's roles search no cases, or no key is open.
    """
    decision = access.require(actor, Verb.CASE_SEARCH, outside_cases("list", same_agency=True))
    tokens = _tokens(session, keys, actor.agency_id, rules.typed_words(text)) if actor.agency_id else []
    query = scope.lines(actor, hub=keys.hub).where(_has(tokens)).order_by(CaseRow.last_activity.desc(), CaseRow.id.desc()).limit(scope.MOST)
    rows = session.execute(query).all() if tokens else []
    lines = tuple(scope.snapshot(row, subject=subject, alias=code, members=members or ()) for row, subject, code, members in rows)
    entry = audit.entry_for(
        actor, Verb.CASE_SEARCH, now=now, decision=decision, object_kind="case", hits=len(lines), purpose="case_coordination", request_id=request_id
    )
    return Page(lines, None, audit.record(session, entry))


def _has(tokens: Collection[uuid.UUID]) -> Any:
    return CaseRow.id.in_(select(TokenRow.case_id).where(TokenRow.token.in_(tokens)))


def _tokens(session: Session, keys: Keyring, agency_id: uuid.UUID, words: Words) -> list[uuid.UUID]:
    return [uuid.UUID(bytes=token) for token in keys.index_tokens(session, agency_id, sorted(words))] if words else []
