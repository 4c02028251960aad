"""How a verb acts on a case: find and lock · decide · version · open · change · one entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.audit import queries as log
from referral_hub.cases import rules, scope

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.cases.facts import Case
    from referral_hub.cases.scope import Found
    from referral_hub.vault.keyring import Keyring

WRITING = frozenset({Verb.CASE_STAGE, Verb.CASE_RIGHTS, Verb.CASE_CLOSE})  # refused on a closed file, as is saving a section
CHANGES = WRITING | {Verb.CASE_ASSIGN, Verb.CASE_PROTECT, Verb.CASE_EDIT, Verb.CASE_OPEN}


def begin(session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, verb: Verb, version: int) -> tuple[Found, Decision]:
    """Find and lock a case, decide, and see that neither the form is stale nor the file closed to this act.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.StaleVersion: `who`, `when`; errors.RuleBroken: `wrong_state`, the file is closed.
    """
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="update")
    decision = access.require(actor, verb, found.target)
    if found.row.version != version:
        raise errors.StaleVersion(**_last_change(session, found))
    if verb in WRITING:
        rules.check_open(found.case)
    return found, decision


def _last_change(session: Session, found: Found) -> dict[str, Any]:
    """Return who changed the case last (`who`: member code) and when, from the log."""
    recent = log.latest(session, filters=log.Filter(object_id=found.case.subject, outcome="allow"))
    for logged in recent:
        if logged.entry.action in CHANGES:
            return {"who": scope.member_code(session, logged.entry.actor_id), "when": logged.entry.occurred_at}
    return {}


def changed(
    session: Session, found: Found, *, actor: Actor, keys: Keyring, verb: Verb, decision: Decision, now: datetime, request_id: str
) -> Case:
    """Move version, last activity and keeping time of a case that was changed, and record the act; return the case as it is now."""
    row = found.row
    row.version += 1
    row.last_activity = rules.local_day(now, actor.timezone)
    row.retention_until = rules.kept_longer(row.retention_until, last=row.last_activity, minor=row.minor)
    session.flush()
    after = scope.find(session, hub=keys.hub, actor=actor, case_id=row.id)
    return recorded(session, after, actor=actor, verb=verb, decision=decision, now=now, request_id=request_id)


def recorded(session: Session, found: Found, *, actor: Actor, verb: Verb, decision: Decision, now: datetime, request_id: str) -> Case:
    """Record the act on a case with one entry, and return the case."""
    facts = found.facts | {"object_version": found.case.version}
    audit.record(session, audit.entry_for(actor, verb, now=now, decision=decision, request_id=request_id, **facts))
    return found.case
