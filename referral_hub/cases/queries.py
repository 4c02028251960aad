"""Reads of clear metadata. A list is one entry a page, a case page one entry; the rest serves other rooms and leaves none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select

from referral_hub import access, audit
from referral_hub.access import Verb
from referral_hub.cases import copies, scope
from referral_hub.cases.aliases import alias_for, aliases, case_of_alias
from referral_hub.cases.facts import Case, Copy, Detail, SectionState
from referral_hub.cases.listing import list_cases
from referral_hub.cases.records import CaseMemberRow, CaseRow, ConflictRow
from referral_hub.cases.scope import conflict_token, free_of, no_conflict, visible_to
from referral_hub.consent.facts import About

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.keyring import Keyring

__all__ = [
    "about", "alias_for", "aliases", "case", "case_of_alias", "conflict_blocks", "conflict_count", "conflict_token", "copies_in", "copies_of", "detail", "free_of",
    "is_closed", "list_cases", "no_conflict", "sections_of", "visible_to",
]  # fmt: skip


def about(session: Session, *, hub: HubKeys, actor: Actor, case_id: uuid.UUID, lock: str = "", sections: Collection[str] = ()) -> About:
    """Return what other rooms need to decide and record about a case of the actor's agency: the policy's facts, subject and flags.

    `lock`: "" none, "share", "update" (lock order: the referral, then its case, then the consent). Whether the actor may is for the
    caller's verb to decide with `target`; a conflict entry is one of its facts.

    Raises:
        errors.NotFound: no such case at the actor's agency.
    """
    found = scope.find(session, hub=hub, actor=actor, case_id=case_id, lock=lock, sections=frozenset(sections))
    known = found.case
    return About(known.id, known.agency_id, known.subject, known.flags, known.minor, found.target, closed=known.closed_at is not None)


def case(session: Session, *, hub: HubKeys, actor: Actor, case_id: uuid.UUID) -> Case:
    """Return a case within the actor's scope; no content, no entry.

    Raises:
        errors.NotFound: no such case at the actor's agency.
        errors.NotAllowed: the policy refused: not assigned, on the conflict list (both a plain 404), or a role that sees no cases.
    """
    found = scope.find(session, hub=hub, actor=actor, case_id=case_id)
    access.require(actor, Verb.CASE_LIST, found.target)
    return found.case


def detail(session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, now: datetime, request_id: str = "") -> Detail:
    """Return a case page in clear metadata with its filled sections, and record that it was shown (`case.list`, one subject).

    Raises:
        errors.NotFound: no such case at the actor's agency.
        errors.NotAllowed: the policy refused: not assigned, on the conflict list (both a plain 404), or a role that sees no cases.
    """
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id)
    decision = access.require(actor, Verb.CASE_LIST, found.target)
    facts = found.facts | {"object_kind": "case", "object_version": found.case.version, "count": 1}
    entry = audit.entry_for(actor, Verb.CASE_LIST, now=now, decision=decision, request_id=request_id, **facts)
    ticket = audit.record(session, entry)
    return Detail(found.case, sections_of(session, case_id=case_id), copies.of_case(session, case_id), ticket)


def sections_of(session: Session, *, case_id: uuid.UUID) -> dict[str, SectionState]:
    """Return the filled sections of a case with revision, author and time, without opening anything; copied ones with their source."""
    return {code: home.state for code, home in copies.homes(session, case_id).items()}


def copies_of(session: Session, *, referral_id: uuid.UUID) -> tuple[Copy, ...]:
    """Return what the recipient of a referral copied into a file of its own. No scope is checked: whoever sees the referral may know."""
    return copies.of_referral(session, referral_id)


def is_closed(session: Session, *, case_id: uuid.UUID) -> bool:
    """Tell whether a file was closed. No scope is checked: for the page of whoever opened it."""
    return session.scalar(select(CaseRow.closed_at).where(CaseRow.id == case_id)) is not None


def copies_in(session: Session, *, case_id: uuid.UUID) -> tuple[Copy, ...]:
    """Return the copies that lie in a file. No scope is checked: hand their ids to a verb."""
    return copies.of_case(session, case_id)


def conflict_blocks(session: Session, *, hub: HubKeys, case_id: uuid.UUID, member_id: uuid.UUID) -> bool:
    """Tell whether a member of any agency stands on the case's conflict list."""
    return conflict_count(session, hub=hub, case_id=case_id, member_ids=(member_id,)) > 0


def conflict_count(session: Session, *, hub: HubKeys, case_id: uuid.UUID, member_ids: Collection[uuid.UUID]) -> int:
    """Return how many of these members stand on the case's conflict list."""
    tokens = [scope.conflict_token(hub, member_id) for member_id in member_ids]
    query = select(func.count()).where(ConflictRow.case_id == case_id, ConflictRow.token.in_(tokens))
    return session.scalar(query) or 0


def is_assigned(session: Session, *, case_id: uuid.UUID, member_id: uuid.UUID) -> bool:
    """Tell whether a member is assigned to a case."""
    return bool(session.scalar(select(exists().where(CaseMemberRow.case_id == case_id, CaseMemberRow.member_id == member_id))))
