"""Verbs that change a case. Each: find in scope and lock · decide · rule · change · one entry. The caller's transaction commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.cases import acting, conflicts, opening, rules, scope
from referral_hub.cases.editing import edit_section
from referral_hub.cases.records import CaseMemberRow, ConflictRow

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.cases.facts import Case, Colleague
    from referral_hub.vault.keyring import Keyring

__all__ = [
    "assign", "conflict_add", "conflict_remove", "edit_section", "open_case", "protect", "set_stage", "unassign",
]  # fmt: skip

def open_case(session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "") -> Case:
    """Open an empty file for a survivor at the actor's agency; the actor is assigned. `case.open`.

    Raises:
        errors.NotAllowed: the actor's roles open no cases.
    """
    found, decision = opening.new_file(session, actor=actor, keys=keys, now=now)
    return acting.recorded(session, found, actor=actor, verb=Verb.CASE_OPEN, decision=decision, now=now, request_id=request_id)


def assign(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    case_id: uuid.UUID,
    member: Colleague,
    version: int,
    now: datetime,
    request_id: str = "",
) -> Case:
    """Assign a colleague of the own agency to a case; assigning twice changes nothing but the version. `case.assign`.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused. errors.StaleVersion: the row changed meanwhile.
        errors.InputInvalid: `member` belongs to another agency (`member`: not_known).
    """
    found, decision = acting.begin(session, actor=actor, keys=keys, case_id=case_id, verb=Verb.CASE_ASSIGN, version=version)
    if member.agency_id != found.case.agency_id:
        raise errors.InputInvalid({"member": ("not_known",)})
    session.execute(insert(CaseMemberRow).values(case_id=case_id, member_id=member.id).on_conflict_do_nothing())
    return acting.changed(session, found, actor=actor, keys=keys, verb=Verb.CASE_ASSIGN, decision=decision, now=now, request_id=request_id)


def unassign(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    case_id: uuid.UUID,
    member_id: uuid.UUID,
    version: int,
    now: datetime,
    request_id: str = "",
) -> Case:
    """End a colleague's assignment to a case. `case.assign`.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused. errors.StaleVersion: the row changed meanwhile.
        errors.RuleBroken: nobody would be left (`guard_failed`), or the member is not assigned (`wrong_state`).
    """
    found, decision = acting.begin(session, actor=actor, keys=keys, case_id=case_id, verb=Verb.CASE_ASSIGN, version=version)
    if member_id not in found.case.members:
        raise errors.RuleBroken("wrong_state")
    if found.case.members == (member_id,):
        raise errors.RuleBroken("guard_failed")
    session.execute(delete(CaseMemberRow).where(CaseMemberRow.case_id == case_id, CaseMemberRow.member_id == member_id))
    return acting.changed(session, found, actor=actor, keys=keys, verb=Verb.CASE_ASSIGN, decision=decision, now=now, request_id=request_id)


def set_stage(
    session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, stage: str, version: int, now: datetime, request_id: str = ""
) -> Case:
    """Move a case to the next stage of help, or back to an earlier one. `case.stage`.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused. errors.StaleVersion: the row changed meanwhile.
        errors.InputInvalid: no such stage. errors.RuleBroken: the step is not possible, or the file is closed (`wrong_state`).
    """
    found, decision = acting.begin(session, actor=actor, keys=keys, case_id=case_id, verb=Verb.CASE_STAGE, version=version)
    if not rules.is_stage(stage):
        raise errors.InputInvalid({"stage": ("not_a_code",)})
    if not rules.may_move(found.row.stage, stage):
        raise errors.RuleBroken("wrong_state")
    found.row.stage = stage
    return acting.changed(session, found, actor=actor, keys=keys, verb=Verb.CASE_STAGE, decision=decision, now=now, request_id=request_id)


def protect(
    session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, protected: bool, version: int, now: datetime, request_id: str = ""
) -> Case:
    """Mark a case as protected, or lift the mark: identity then asks for a fresh sign-in. `case.protect`.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused. errors.StaleVersion: the row changed meanwhile.
    """
    found, decision = acting.begin(session, actor=actor, keys=keys, case_id=case_id, verb=Verb.CASE_PROTECT, version=version)
    found.row.protected = protected
    return acting.changed(session, found, actor=actor, keys=keys, verb=Verb.CASE_PROTECT, decision=decision, now=now, request_id=request_id)


def conflict_add(
    session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, member_id: uuid.UUID, now: datetime, request_id: str = ""
) -> Case:
    """Put a member of any agency on the case's conflict list; for them the case then does not exist. `case.conflict_add`.

    Nor do the files into which recipients of its referrals copied sections.
    The entry names the case and never the member. Adding twice changes nothing; so the answer tells nobody who stands on the list.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused.
    """
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="update")
    target = found.target if member_id != actor.member_id else scope.with_self(found.target)
    decision = access.require(actor, Verb.CASE_CONFLICT_ADD, target)
    conflicts.add(session, case_id=case_id, token=scope.conflict_token(keys.hub, member_id))
    return acting.recorded(session, found, actor=actor, verb=Verb.CASE_CONFLICT_ADD, decision=decision, now=now, request_id=request_id)


def conflict_remove(
    session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, member_id: uuid.UUID, now: datetime, request_id: str = ""
) -> Case:
    """Take a member off the case's conflict list; taking off who is not on it changes nothing. `case.conflict_remove`.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused.
    """
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="update")
    decision = access.require(actor, Verb.CASE_CONFLICT_REMOVE, found.target)
    token = scope.conflict_token(keys.hub, member_id)
    session.execute(delete(ConflictRow).where(ConflictRow.case_id == case_id, ConflictRow.token == token))
    return acting.recorded(session, found, actor=actor, verb=Verb.CASE_CONFLICT_REMOVE, decision=decision, now=now, request_id=request_id)
