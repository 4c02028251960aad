"""Inviting: a member's row with nothing but a name, an address and roles, and a link that stands for the person once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from referral_hub import access, audit, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts.enrolment import token_digest
from referral_hub.accounts.entering import mail_token
from referral_hub.accounts.records import InvitationRow, MemberRow
from referral_hub.accounts.rules import roles as role_rules
from referral_hub.accounts.rules import times, typed
from referral_hub.accounts.sessions import new_secret_text
from referral_hub.accounts.snapshots import locked_member, member_of
from referral_hub.accounts.values import Link, State
from referral_hub.db import uuid7
from referral_hub.directory import queries as agencies
from referral_hub.vault.hub import Use

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.directory.facts import Agency
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.keyring import Keyring

ATTEMPTS = 20
NETWORK = "network"
LONGEST_NAME, LONGEST_PHONE = 120, 32
LANGUAGES = ("id", "en")


@dataclass(frozen=True)
class Wanted:
    """What an invitation says about the person, checked."""

    roles: frozenset[str]
    name: str
    mail: str
    phone: str
    code: str | None
    language: str
    timezone: str


def invite(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    request_id: str = "",
    agency_id: uuid.UUID,
    roles: Collection[str],
    name: str,
    mail: str,
    phone: str | None = None,
    code: str | None = None,
    language: str = "id",
    timezone: str | None = None,
) -> Link:
    """Invite a person to an agency and return the link's token, once. One entry, `member.invite`.

    Args:
        session: of the caller's transaction.
        actor: the agency's administrator; operator or network administrator for the first one.
        keys: of the caller; only the hub's part is used.
        now: aware UTC.
        request_id: for the entry.
        agency_id: where to.
        roles: codes open to the agency's kind. A key role beside agency_admin needs a second approver: give one now, propose the other.
        name: shown to colleagues; hub-locked like the two that follow.
        mail: the work address, unique in the hub.
        phone: for the duty roster, or None.
        code: such as PS-02; None: the next free one of the first role.
        language: id or en.
        timezone: IANA name; None: the agency's.

    Raises:
        errors.NotFound, NotAllowed; errors.InputInvalid: field → missing, too_long, malformed, taken, not_for_kind,
            not_a_code, administrator_first.
        errors.RuleBroken: second_signer_needed; guard_failed when an outsider invites though the agency has an administrator.
    """
    agency = agencies.agency(session, agency_id)
    decision = _decided(session, actor, agency, roles)
    wanted = check(agency, roles=roles, name=name, mail=mail, phone=phone, code=code, language=language, timezone=timezone)
    member_id = uuid7(now)
    _place(session, hub=keys.hub, agency=agency, wanted=wanted, member_id=member_id, invited_by=actor.member_id, now=now)
    row = locked_member(session, member_id)
    token, expires_at = issue_link(session, member_id=row.id, purpose="enrol", now=now)
    facts = {"object_kind": "member", "object_id": row.id, "object_version": row.version, "request_id": request_id}
    audit.record(session, audit.entry_for(actor, Verb.MEMBER_INVITE, now=now, decision=decision, **facts))
    return Link(token, member_of(row, holds_key=False), expires_at)


def _decided(session: Session, actor: Actor, agency: Agency, roles: Collection[str]) -> Decision:
    """Decide an invitation. From outside, only an administrator may be invited, and only while none is enrolled; the network's own people too."""
    inside = actor.agency_id == agency.id
    target = access.outside_cases("member", same_agency=inside, agency_active=agency.active)
    decision = access.require(actor, Verb.MEMBER_INVITE, target)
    if not inside and _has_administrator(session, agency.id):
        raise errors.RuleBroken("guard_failed", guard="no_administrator_yet")
    if not inside and agency.kind != NETWORK and role_rules.ADMINISTRATOR not in roles:
        raise errors.InputInvalid({"roles": ("administrator_first",)})
    return decision


def _has_administrator(session: Session, agency_id: uuid.UUID) -> bool:
    query = select(MemberRow.id).where(MemberRow.agency_id == agency_id, MemberRow.state == State.ACTIVE)
    return session.scalar(query.where(MemberRow.roles.contains([role_rules.ADMINISTRATOR])).limit(1)) is not None


def check(
    agency: Agency,
    *,
    roles: Collection[str],
    name: str,
    mail: str,
    phone: str | None,
    code: str | None,
    language: str,
    timezone: str | None,
) -> Wanted:
    """Return the checked input of an invitation; raises like `invite`."""
    chosen = role_rules.check_roles(roles, agency_kind=agency.kind, case_data=protocol.current().kind(agency.kind).case_data)
    if role_rules.needs_second_approver(chosen):
        raise errors.RuleBroken("second_signer_needed")
    problems = {
        "name": _length(name, LONGEST_NAME, required=True),
        "phone": _length(phone or "", LONGEST_PHONE, required=False),
        "language": () if language in LANGUAGES else ("not_a_code",),
        "timezone": () if timezone is None or typed.is_zone(timezone) else ("not_a_code",),
    }
    wrong = {field: codes for field, codes in problems.items() if codes}
    if wrong:
        raise errors.InputInvalid(wrong)
    given = typed.check_code(code) if code else None
    return Wanted(chosen, name.strip(), typed.check_mail(mail), (phone or "").strip(), given, language, timezone or agency.timezone)


def _length(text: str, longest: int, *, required: bool) -> tuple[str, ...]:
    if required and not text.strip():
        return ("missing",)
    return ("too_long",) if len(text) > longest else ()


def _place(
    session: Session, *, hub: HubKeys, agency: Agency, wanted: Wanted, member_id: uuid.UUID, invited_by: uuid.UUID | None, now: datetime
) -> None:
    """Insert the row under a code that is free; a racing invitation makes this one wait and take the next code."""
    values = _values(hub, wanted, member_id=member_id) | {
        "agency_id": agency.id, "state": State.INVITED.value, "invited_by": invited_by, "invited_at": now, "version": 1,
    }  # fmt: skip
    for _ in range(ATTEMPTS):
        code = wanted.code or proposed_code(session, agency_id=agency.id, roles=wanted.roles)
        new = insert(MemberRow).values(code=code, **values).on_conflict_do_nothing().returning(MemberRow.id)
        if session.scalar(new) is not None:
            return
        if session.scalar(select(MemberRow.id).where(MemberRow.mail_token == values["mail_token"])) is not None:
            raise errors.InputInvalid({"mail": ("taken",)})
        if wanted.code is not None:
            break
    raise errors.InputInvalid({"code": ("taken",)})


def _values(hub: HubKeys, wanted: Wanted, *, member_id: uuid.UUID) -> dict[str, object]:
    def locked(what: str, text: str) -> bytes:
        return hub.lock(Use.NAMES, text.encode(), "member", member_id, what)

    return {
        "id": member_id,
        "roles": sorted(wanted.roles),
        "name_locked": locked("name", wanted.name),
        "mail_locked": locked("mail", wanted.mail),
        "phone_locked": locked("phone", wanted.phone) if wanted.phone else None,
        "mail_token": mail_token(hub, wanted.mail),
        "language": wanted.language,
        "timezone": wanted.timezone,
    }


def proposed_code(session: Session, *, agency_id: uuid.UUID, roles: Collection[str]) -> str:
    """Return the next free code for the first of `roles` in the order of the agreed list."""
    listed = [item for item in protocol.current().codelist("agency_roles") if item.code in roles]
    taken = session.scalars(select(MemberRow.code).where(MemberRow.agency_id == agency_id)).all()
    return typed.propose_code(listed[0].id if listed else "Petugas", taken)


def issue_link(session: Session, *, member_id: uuid.UUID, purpose: str, now: datetime) -> tuple[str, datetime]:
    """Replace whatever link the member has by a new one; return its token, shown once, and when it expires."""
    token = new_secret_text()
    session.execute(delete(InvitationRow).where(InvitationRow.member_id == member_id).execution_options(synchronize_session=False))
    expires_at = now + times.INVITATION
    session.add(
        InvitationRow(
            id=uuid7(now), member_id=member_id, purpose=purpose, token_digest=token_digest(token), created_at=now, expires_at=expires_at
        )
    )
    session.flush()
    return token, expires_at
