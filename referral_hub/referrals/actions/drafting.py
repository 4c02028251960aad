"""Verbs on a draft: create, edit, the survivor's answer, discard. A draft is invisible to the recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.postgresql import insert

from referral_hub import access, audit, errors, protocol
from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.consent import actions as consents
from referral_hub.db import uuid7
from referral_hub.directory import queries as directory
from referral_hub.protocol import lifecycle
from referral_hub.referrals import drafts, firing, rules, scope
from referral_hub.referrals.actions import consenting
from referral_hub.referrals.firing import Act, Change
from referral_hub.referrals.records import ReferralRow
from referral_hub.vault import codes

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.consent.facts import Giving
    from referral_hub.directory import Agency
    from referral_hub.protocol.lifecycle import Life
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def create(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    case_id: uuid.UUID,
    service: str,
    recipient_agency: uuid.UUID,
    urgency: str = "normal",
    type: str = "referral",  # noqa: A002 - the protocol's word
    unit: uuid.UUID | None = None,
    parts: Mapping[str, Mapping[str, Any]] | None = None,
    choice: Mapping[str, Collection[str]] | None = None,
    reason: str = "",
    request_id: str = "",
) -> Referral:
    """Make a draft: one case, one service, one recipient. `referral.create`.

    `parts`: sealed fields of `meta` and `needs` as far as they are known; `choice`: section to field codes, where not just the usual set is
    shared; `reason`: why more than it is.

    Raises:
        errors.NotFound: no such case or agency in scope. errors.NotAllowed: the policy refused.
        errors.RuleBroken: `service_not_allowed`, `guard_failed` (recipient not active), `beyond_matrix`. errors.InputInvalid: fields.
    """
    act = Act(actor, keys, now, request_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=case_id, lock="share")
    decision = access.require(actor, Verb.REFERRAL_CREATE, about.target)
    about.check_open()
    recipient = _recipient(session, act, agency_id=recipient_agency, service=service)
    _check_unit(session, agency_id=recipient_agency, unit=unit)
    _check_codes(urgency=urgency, type_=type)
    inputs = {"case": str(case_id), "service": service, "recipient_agency": str(recipient_agency)}
    life = lifecycle.step(lifecycle.Life(), "create", side="sender", inputs=inputs, guards={}, now=now)
    row = _insert(session, act, life, case_id=case_id, service=service, to_agency=recipient_agency, urgency=urgency, type=type, to_unit=unit)
    session.add(firing.event_row(row, act, event="create", side="sender", inputs=inputs))
    contents = _contents(row, act, recipient_kind=recipient.kind, parts=parts or {}, choice=choice, reason=reason)
    drafts.seal(session, row, act, contents=contents)
    session.flush()
    entry = audit.entry_for(
        actor, Verb.REFERRAL_CREATE, now=now, decision=decision, request_id=request_id, object_kind="referral", object_id=row.id,
        object_version=row.version, subjects=(about.subject,), subject_flags=about.flags, sections=tuple(sorted(set(contents) - {drafts.CHOICE})),
        purpose=scope.purpose_of(service), basis="assigned",
    )  # fmt: skip
    audit.record(session, entry)
    return scope.snapshot(row, side="sender")


def edit_draft(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    service: str | None = None,
    recipient_agency: uuid.UUID | None = None,
    unit: uuid.UUID | None = None,
    urgency: str | None = None,
    type: str | None = None,  # noqa: A002 - the protocol's word
    parts: Mapping[str, Mapping[str, Any]] | None = None,
    keep: Collection[str] = (),
    choice: Mapping[str, Collection[str]] | None = None,
    reason: str = "",
    request_id: str = "",
) -> Referral:
    """Change a draft. `referral.edit`. Another recipient or service drops the consent and the choice: both were made for the old one.

    `choice` may name more than the usual set, with the `reason` written for it; sending asks whether consent covers it. `keep`: fields
    ("needs.wishes") of `parts` whose stored value stays, also where that is none.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `wrong_state` once it was sent, and as `create`.
    """
    act = Act(actor, keys, now, request_id)
    found, decision = _draft(session, act, verb=Verb.REFERRAL_EDIT, referral_id=referral_id, version=version)
    row = found.row
    addressed = (recipient_agency or row.to_agency, service or row.service)
    kind = found.recipient_kind
    if addressed != (row.to_agency, row.service):
        kind = _recipient(session, act, agency_id=addressed[0], service=addressed[1]).kind
        row.consent_id, row.to_unit = None, None
    row.to_agency, row.service = addressed
    row.to_unit = unit or row.to_unit
    row.urgency, row.type = urgency or row.urgency, type or row.type
    _check_codes(urgency=row.urgency, type_=row.type)
    _check_unit(session, agency_id=row.to_agency, unit=row.to_unit)
    contents = _contents(row, act, recipient_kind=kind, parts=drafts.keeping(session, row, act, parts or {}, keep=keep), choice=choice, reason=reason)
    drafts.seal(session, row, act, contents=contents)
    row.version += 1
    session.flush()
    facts = found.entry_facts() | {"sections": tuple(sorted(set(contents) - {drafts.CHOICE}))}
    audit.record(session, audit.entry_for(actor, Verb.REFERRAL_EDIT, now=now, decision=decision, request_id=request_id, **facts))
    return scope.snapshot(row, side="sender")


def give_consent(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    giving: Giving,
    known: Mapping[str, Collection[str]] | None = None,
    request_id: str = "",
) -> Referral:
    """Write the survivor's consent into the ledger and rest the draft on it; what only a seal may hold is sealed with the draft. `consent.give`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `wrong_state`, `guardian_is_suspect`,
        `second_signer_needed`; errors.InputInvalid: fields as "consent.valid_until".
    """
    act = Act(actor, keys, now, request_id)
    found, _ = _draft(session, act, verb=Verb.CONSENT_GIVE, referral_id=referral_id, version=version)
    row = found.row
    if (giving.agency_id, giving.service) != (row.to_agency, row.service):
        raise errors.InputInvalid({"consent.scope_agency": ("not_the_recipient",)})
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=row.case_id, lock="share")
    consent, sealed = consenting.written(session, act, about=about, giving=giving, known=known)
    row.consent_id = consent.id
    row.version += 1
    drafts.seal(session, row, act, contents={drafts.CONSENT: sealed})
    session.flush()
    return scope.snapshot(row, side="sender")


def refuse_consent(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    language: str,
    text_language: str = "id",
    request_id: str = "",
) -> Referral:
    """Record "not yet, or no". The draft stays, resting on nothing, in case she changes her mind. `consent.refuse`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    found, _ = _draft(session, act, verb=Verb.CONSENT_REFUSE, referral_id=referral_id, version=version)
    row = found.row
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=row.case_id, lock="share")
    consents.refuse(
        session,
        actor=actor,
        about=about,
        agency_id=row.to_agency,
        purpose=scope.purpose_of(row.service),
        language=language,
        now=now,
        request_id=request_id,
        text_language=text_language,
    )
    row.consent_id = None
    row.version += 1
    session.flush()
    return scope.snapshot(row, side="sender")


def discard(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, version: int, request_id: str = ""
) -> Referral:
    """Give a draft up; its keys are destroyed, that it existed stays in the log. `referral.discard`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    change = Change(then=lambda found, _: drafts.destroy(session, found.row, act))
    return firing.fire(session, act, event="discard", referral_id=referral_id, version=version, prepare=lambda _: change)


def later(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, event: str, request_id: str = ""  # noqa: ARG001
) -> Referral:
    """Refuse an event that the lifecycle has and this program does not fire yet, by its own code, once the policy would allow it.

    Raises:
        errors.NotFound: a stranger, or no such event. errors.NotAllowed: the policy refused. errors.RuleBroken: `not_built` (fact `event`).
    """
    refusal = rules.later_event(event)
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id)
    access.require(actor, Verb(f"referral.{event}"), found.target(actor, now=now))
    raise refusal


def _draft(session: Session, act: Act, *, verb: Verb, referral_id: uuid.UUID, version: int) -> tuple[Found, Decision]:
    found = scope.find(session, actor=act.actor, hub=act.keys.hub, referral_id=referral_id, lock="update")
    decision = access.require(act.actor, verb, found.target(act.actor, now=act.now))
    if found.row.version != version:
        raise firing.moved_on(session, found.row, act, event="edit")
    if found.row.state != "draft":
        raise errors.RuleBroken("wrong_state", state=found.row.state)
    return found, decision


def _recipient(session: Session, act: Act, *, agency_id: uuid.UUID, service: str) -> Agency:
    if agency_id == act.actor.agency_id:
        raise errors.InputInvalid({"recipient_agency": ("own_agency",)})
    return directory.recipient(session, agency_id=agency_id, service=service).agency


def _check_unit(session: Session, *, agency_id: uuid.UUID, unit: uuid.UUID | None) -> None:
    if unit is not None and unit not in {u.id for u in directory.units(session, agency_id) if u.active}:
        raise errors.InputInvalid({"unit": ("not_known",)})


def _check_codes(*, urgency: str, type_: str) -> None:
    book = protocol.current()
    known = {"urgency": urgency in book.codelist("urgency_sla"), "type": type_ in book.codelist("referral_types")}
    wrong = {name: ("not_a_code",) for name, is_known in known.items() if not is_known}
    if wrong:
        raise errors.InputInvalid(wrong)


def _contents(
    row: ReferralRow,
    act: Act,
    *,
    recipient_kind: str,
    parts: Mapping[str, Mapping[str, Any]],
    choice: Mapping[str, Collection[str]] | None,
    reason: str,
) -> dict[str, dict[str, Any]]:
    contents = drafts.checked(parts, act=act, service=row.service, recipient_kind=recipient_kind, urgency=row.urgency, whole=False)
    if choice is not None:
        chosen = drafts.checked_choice(choice, kind=recipient_kind, service=row.service, to_agency=row.to_agency, reason=reason)
        contents[drafts.CHOICE] = chosen
    return contents


def _insert(session: Session, act: Act, life: Life, **values: Any) -> ReferralRow:
    """Insert the row with a number that nobody has: a taken one is drawn again."""
    first = {
        "id": uuid7(act.now),
        "from_agency": act.actor.agency_id,
        "from_member": act.actor.member_id,
        "state": life.state,
        "business": life.business,
        "flags": sorted(life.flags),
        "created_at": act.now,
        "paused_for": 0,
        "has_appointment": False,
        "milestones": [],
        "sending": 0,
        "version": 1,
    }
    for _ in range(firing.TRIES):
        statement = insert(ReferralRow).values(number=f"RJ-{codes.short_code()}", **first, **values).on_conflict_do_nothing()
        row = session.scalars(statement.returning(ReferralRow)).one_or_none()
        if row is not None:
            return row
    raise errors.Unavailable("at_capacity")

