"""From rows to the frozen values that leave this room, and the actor that the policy sees."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from referral_hub import access, errors
from referral_hub.accounts.records import MemberRow, RecoveryRow
from referral_hub.accounts.rules import roles
from referral_hub.accounts.values import Member, Next, State
from referral_hub.vault import agency as agency_keys

if TYPE_CHECKING:
    import uuid

    from sqlalchemy.orm import Session

    from referral_hub.directory.facts import Agency

METHOD = "passphrase+totp"
_SIGNED_IN_STATES = {State.ACTIVE: "active", State.WAITING: "enrolled", State.INVITED: "invited"}

MEMBER_COLUMNS = tuple(
    getattr(MemberRow, name)
    for name in (
        "id",
        "agency_id",
        "code",
        "state",
        "roles",
        "proposed_roles",
        "fingerprint",
        "invited_by",
        "invited_at",
        "terms_accepted_at",
        "enrolled_at",
        "admitted_by",
        "admitted_at",
        "last_sign_in",
        "language",
        "timezone",
        "version",
    )
)
"""The columns of a member that are not hub-locked and no keys."""


def member_of(row: Any, *, holds_key: bool) -> Member:
    """Return the frozen member of a row (or of the columns above)."""
    return Member(
        id=row.id,
        agency_id=row.agency_id,
        code=row.code,
        state=State(row.state),
        roles=frozenset(row.roles),
        proposed_roles=None if row.proposed_roles is None else frozenset(row.proposed_roles),
        holds_key=holds_key,
        fingerprint=row.fingerprint,
        invited_by=row.invited_by,
        invited_at=row.invited_at,
        terms_accepted_at=row.terms_accepted_at,
        enrolled_at=row.enrolled_at,
        admitted_by=row.admitted_by,
        admitted_at=row.admitted_at,
        last_sign_in=row.last_sign_in,
        language=row.language,
        timezone=row.timezone,
        version=row.version,
    )


def current(session: Session, row: MemberRow) -> Member:
    """Return the frozen member of a live row, asking the vault whether a share of the agency's key exists."""
    return member_of(row, holds_key=agency_keys.holds_share(session, agency_id=row.agency_id, member_id=row.id))


def actor_of(member: Member, agency: Agency, *, strength: str, session_id: uuid.UUID | None, method: str = METHOD) -> access.Actor:
    """Return the facts that the policy decides from. Who waits for admission is `enrolled` there."""
    return access.Actor(
        kind="member",
        member_id=member.id,
        agency_id=member.agency_id,
        agency_kind=agency.kind,
        agency_code=agency.code,
        code=member.code,
        roles=member.roles,
        state=_SIGNED_IN_STATES.get(member.state, member.state.value),
        holds_key=member.holds_key,
        strength=strength,
        auth_method=method,
        session_digest=session_digest(session_id) if session_id else "",
        language=member.language,
        timezone=member.timezone,
    )


def session_digest(session_id: uuid.UUID) -> str:
    """Return what the log calls a session: half a SHA-256 of its id, in hex."""
    return hashlib.sha256(session_id.bytes).hexdigest()[:32]


def locked_member(session: Session, member_id: uuid.UUID) -> MemberRow:
    """Return a member's row, read anew under its lock.

    Raises:
        errors.NotFound: there is none.
    """
    query = select(MemberRow).where(MemberRow.id == member_id).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise errors.NotFound
    return row


def next_for(session: Session, member: Member) -> Next:
    """Return where a member goes after signing in: found the key, type the recovery code's end back, wait for a colleague, or home."""
    if member.state is State.WAITING:
        founded = bool(agency_keys.holders(session, agency_id=member.agency_id))
        return Next.FOUND if not founded and roles.may_found(member.roles) else Next.WAIT
    open_print = select(RecoveryRow.epoch).where(RecoveryRow.made_by == member.id, RecoveryRow.confirmed_at.is_(None))
    return Next.HOME if session.scalar(open_print) is None else Next.CONFIRM_RECOVERY
