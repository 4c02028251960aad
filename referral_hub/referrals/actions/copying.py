"""The recipient takes sections over into a file of its own: only after acceptance, only what it was sent and may open, never more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.audit import queries as log
from referral_hub.cases import copying as own_files
from referral_hub.cases import rules as case_rules
from referral_hub.referrals import reading, scope
from referral_hub.referrals.firing import Act
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.cases.facts import Case, Lookalike
    from referral_hub.referrals.scope import Found
    from referral_hub.vault.keyring import Keyring

@dataclass(frozen=True)
class Copied:
    """The file that has the copies now; or, where nothing was copied, the files that may be of the same person."""

    id: uuid.UUID
    case: Case | None
    alike: tuple[Lookalike, ...] = ()


def copy_sections(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    sections: Collection[str],
    case_id: uuid.UUID | None = None,
    as_other: bool = False,
    request_id: str = "",
) -> Copied:
    """Copy sections of an accepted referral into a file of the own agency, a new one where `case_id` is None. `case.copy_sections`.

    The one entry names referral, sections and sending, and the file by its alias here; its subject is the survivor as the referral knows
    her, so that the sender and her statement see it. A new file for somebody who has one is not opened: `Copied.alike` names that one, with a
    `case.duplicate_check` entry instead, until it is said to be another person (`as_other`).

    Raises:
        errors.NotFound: a stranger, or no such file. errors.InputInvalid: `sections`, none named.
        errors.NotAllowed: the policy refused; `section_not_granted`, also where safe contact was not read before a section with contacts.
        errors.RuleBroken: `wrong_state`, as `cases.copying.keep`. errors.CannotOpen: what was sent does not verify.
    """
    act = Act(actor, keys, now, request_id)
    wanted = frozenset(sections)
    if not wanted:
        raise errors.InputInvalid({"sections": ("required",)})
    found, decision = _allowed(session, act, referral_id, wanted)
    contents, revisions = _opened(session, act, found, wanted)
    if case_id is None and not as_other:
        alike = own_files.alike(session, actor=actor, keys=keys, person=contents)
        if alike:
            _record(session, act, found, Verb.CASE_DUPLICATE_CHECK, decision, {"hits": len(alike)})
            return Copied(referral_id, None, alike)
    case = own_files.keep(
        session, actor=actor, keys=keys, case_id=case_id, referral_id=found.row.id, from_case=found.row.case_id, revisions=revisions, contents=contents,
        minor=found.minor, protected=found.protected, now=now,
    )  # fmt: skip
    named = {"object_kind": "case", "object_id": case.subject, "object_version": found.row.sending, "sections": tuple(sorted(wanted))}
    _record(session, act, found, Verb.CASE_COPY_SECTIONS, decision, named)
    return Copied(case.id, case)


def _allowed(session: Session, act: Act, referral_id: uuid.UUID, wanted: frozenset[str]) -> tuple[Found, Decision]:
    """Find the referral and lock it: two who copy at once come one after the other, and a withdrawal comes before or after."""
    found = scope.find(session, actor=act.actor, hub=act.keys.hub, referral_id=referral_id, lock="update")
    covered = found.consent_fact(act.actor, sections=wanted & found.granted, now=act.now)
    target = found.target(act.actor, now=act.now, kind="section", sections=wanted, consent=covered)
    decision = access.require(act.actor, Verb.CASE_COPY_SECTIONS, target)
    if not wanted <= found.granted:
        raise errors.NotAllowed("section_not_granted", decision.rule_ids)
    read = reading.safe_contact_read_by(session, referral_id=found.row.id, member_id=act.keys.member_id)
    if not read and any(reading.contacts_in(section) for section in wanted):
        raise errors.NotAllowed("section_not_granted", decision.rule_ids, read_first=case_rules.SAFE_CONTACT)
    return found, decision


def _opened(session: Session, act: Act, found: Found, wanted: frozenset[str]) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """Open what was sent, inside the act whose entry covers it; in memory only."""
    sealed = opening.gather(
        session, member_id=act.keys.member_id, agency_id=found.row.to_agency, object_kind=ObjectKind.REFERRAL, object_id=found.row.id,
        kind=GrantKind.FULL, now=act.now, parts=wanted, beside=log.last_digest,
    )  # fmt: skip
    if sealed.beside is None:
        raise errors.CannotOpen(what="manifest")
    plain = opening.unseal(act.keys.hub, act.keys.member_key, sealed, expected_manifest_digest=sealed.beside)
    return {section: content.fields() for section, content in plain.items()}, dict(sealed.revisions)


def _record(session: Session, act: Act, found: Found, verb: Verb, decision: Decision, facts: dict[str, Any]) -> None:
    said = found.entry_facts() | facts
    audit.record(session, audit.entry_for(act.actor, verb, now=act.now, decision=decision, request_id=act.request_id, **said))
