"""The network lets an agency take part: two of its people type the founding fingerprint from the signed protocol, then the list is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.accounts.queries import checklist
from referral_hub.accounts.records import FoundingRow
from referral_hub.accounts.rules import roles as role_rules
from referral_hub.accounts.rules import typed
from referral_hub.directory import actions as directory
from referral_hub.directory import queries as agencies
from referral_hub.vault import agency as agency_keys
from referral_hub.vault import codes

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.accounts.values import Checklist
    from referral_hub.directory.facts import Agency
    from referral_hub.vault.keyring import Keyring


def confirm_founding(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "", agency_id: uuid.UUID, fingerprint: str
) -> Checklist:
    """Keep that a network administrator, or a network auditor, typed the founding fingerprint. One entry, `agency.activate`.

    Each role confirms once, and one person only once, whatever roles he has.

    Raises:
        errors.NotFound, NotAllowed; errors.RuleBroken: wrong_state, no_agency_key, second_signer_needed.
        errors.InputInvalid: fingerprint, mismatch.
    """
    agency, decision = _decided(session, actor=actor, agency_id=agency_id)
    if agency.state != "founding":
        raise errors.RuleBroken("wrong_state", state=agency.state)
    shown = agency_keys.founding_fingerprint(session, hub=keys.hub, agency_id=agency.id)
    if not codes.same_digits(shown, typed.typed_digits(fingerprint)):
        raise errors.InputInvalid({"fingerprint": ("mismatch",)})
    _confirm(session, actor=actor, agency_id=agency.id, now=now)
    facts = {"object_kind": "agency", "object_id": agency.id, "fields": ("founding_fingerprint",), "request_id": request_id}
    audit.record(session, audit.entry_for(actor, Verb.AGENCY_ACTIVATE, now=now, decision=decision, **facts))
    return checklist(session, hub=keys.hub, agency_id=agency.id)


def _decided(session: Session, *, actor: Actor, agency_id: uuid.UUID) -> tuple[Agency, Decision]:
    agency = agencies.agency(session, agency_id)
    target = access.outside_cases("agency", same_agency=actor.agency_id == agency.id, agency_active=agency.active, state=agency.state)
    return agency, access.require(actor, Verb.AGENCY_ACTIVATE, target)


def _confirm(session: Session, *, actor: Actor, agency_id: uuid.UUID, now: datetime) -> None:
    given = session.execute(select(FoundingRow.role, FoundingRow.member_id).where(FoundingRow.agency_id == agency_id)).all()
    if any(row.member_id == actor.member_id for row in given):
        raise errors.RuleBroken("second_signer_needed")
    confirmed = {row.role for row in given}
    free = [role for role in role_rules.CONFIRMING if role in actor.roles and role not in confirmed]
    if not free:
        raise errors.RuleBroken("wrong_state")
    new = insert(FoundingRow).values(agency_id=agency_id, role=free[0], member_id=actor.member_id, confirmed_at=now)
    if session.scalar(new.on_conflict_do_nothing().returning(FoundingRow.role)) is None:
        raise errors.LostRace(event="confirm_founding")


def activate_agency(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "", agency_id: uuid.UUID, version: int | None = None
) -> Agency:
    """Let an agency take part once its checklist is done. One entry, `agency.activate`, by the directory.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.RuleBroken: guard_failed (fact `missing`: item codes), wrong_state.
    """
    _decided(session, actor=actor, agency_id=agency_id)
    listed = checklist(session, hub=keys.hub, agency_id=agency_id)
    if not listed.ready:
        raise errors.RuleBroken("guard_failed", guard="agency_ready", missing=listed.missing)
    return directory.activate(session, actor=actor, now=now, request_id=request_id, agency_id=agency_id, version=version)
