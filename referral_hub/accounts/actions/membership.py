"""Suspending, leaving, roles, a fresh start after a lost passphrase, one's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from referral_hub import errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import devices, sessions
from referral_hub.accounts.actions import act
from referral_hub.accounts.actions.inviting import LANGUAGES, issue_link
from referral_hub.accounts.records import InvitationRow, SessionRow
from referral_hub.accounts.rules import roles as role_rules
from referral_hub.accounts.rules import typed
from referral_hub.accounts.values import Reset, State
from referral_hub.vault import agency as agency_keys

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.accounts.records import MemberRow
    from referral_hub.accounts.values import Member
    from referral_hub.vault.keyring import Keyring

STANDING = (State.WAITING, State.ACTIVE)


def suspend(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,  # noqa: ARG001 - verbs have one shape
    now: datetime,
    request_id: str = "",
    member_id: uuid.UUID,
    version: int | None,
) -> Member:
    """Suspend a member: sessions end now, nobody signs in. The way back is `reset`. One entry, `member.suspend`.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.RuleBroken: wrong_state; second_signer_needed for oneself.
    """
    doing = act.begin(session, actor=actor, verb=Verb.MEMBER_SUSPEND, member_id=member_id, version=version, now=now, request_id=request_id)
    _refuse_oneself(doing)
    doing.require_state(STANDING)
    doing.row.state = State.SUSPENDED
    sessions.drop(session, SessionRow.member_id == doing.row.id)
    return doing.done()


def leave(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,  # noqa: ARG001 - verbs have one shape
    now: datetime,
    request_id: str = "",
    member_id: uuid.UUID,
    version: int | None,
) -> Member:
    """End a membership: sessions end and shares of the agency's key are deleted at once; the next holder rotates. One entry, `member.disable`.

    Handing open work over comes first and is the caller's to check. Only name, code and roles stay, for what the person signed.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.RuleBroken: wrong_state; second_signer_needed for oneself.
    """
    doing = act.begin(session, actor=actor, verb=Verb.MEMBER_DISABLE, member_id=member_id, version=version, now=now, request_id=request_id)
    _refuse_oneself(doing)
    doing.require_state([s for s in State if s is not State.LEFT])
    row = doing.row
    _forget_credentials(session, row, now=now)
    row.state = State.LEFT
    row.mail_token = row.mail_locked = row.phone_locked = None
    row.proposed_roles = row.proposed_by = None
    session.execute(delete(InvitationRow).where(InvitationRow.member_id == row.id).execution_options(synchronize_session=False))
    return doing.done()


def reset(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,  # noqa: ARG001 - verbs have one shape
    now: datetime,
    request_id: str = "",
    member_id: uuid.UUID,
    version: int | None,
) -> Reset:
    """Let a member enrol again with a new link, which is also the way back from a suspension and from a lost link. One entry, `account.reset`.

    The old passphrase, second factor, devices and sessions are gone, and so is the member key: `key_lost` says that a holder
    has to admit the member anew, `holders_left` how many can.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.RuleBroken: wrong_state when left; second_signer_needed for oneself.
    """
    doing = act.begin(session, actor=actor, verb=Verb.ACCOUNT_RESET, member_id=member_id, version=version, now=now, request_id=request_id)
    _refuse_oneself(doing)
    doing.require_state([s for s in State if s is not State.LEFT])
    row = doing.row
    purpose = "enrol" if row.enrolled_at is None else "reset"
    key_lost = _forget_credentials(session, row, now=now)
    row.state = State.INVITED
    row.invited_by, row.invited_at = actor.member_id, now
    token, expires_at = issue_link(session, member_id=row.id, purpose=purpose, now=now)
    holders = agency_keys.holders(session, agency_id=row.agency_id)
    return Reset(token, doing.done(), expires_at, key_lost=key_lost, holders_left=len(holders))


def _refuse_oneself(doing: act.Act) -> None:
    if doing.row.id == doing.actor.member_id:
        raise errors.RuleBroken("second_signer_needed")


def _forget_credentials(session: Session, row: MemberRow, *, now: datetime) -> bool:
    """End sessions, delete shares and everything that lets in; return whether a share was lost."""
    sessions.drop(session, SessionRow.member_id == row.id)
    devices.forget(session, member_id=row.id)
    row.verifier_locked = row.key_wrap = row.public_key = row.kdf_salt = row.totp_locked = None
    row.kdf = row.fingerprint = row.last_totp_step = None
    return _drop_shares(session, row, now=now)


def _drop_shares(session: Session, row: MemberRow, *, now: datetime) -> bool:
    row.admitted_at = row.admitted_by = None
    lost = agency_keys.drop_shares(session, member_id=row.id) > 0
    if lost:
        row.key_lost_at = now
    return lost


def change_roles(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,  # noqa: ARG001 - verbs have one shape
    now: datetime,
    request_id: str = "",
    member_id: uuid.UUID,
    roles: Collection[str],
    version: int | None,
) -> Member:
    """Give a member other roles. One entry, `member.role_change`.

    Without a key role the share of the agency's key is deleted at once; with a first one the member waits to be admitted. A key
    role beside agency_admin, and roles of one's own, are only proposed until `approve_roles`.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.InputInvalid: field roles; errors.RuleBroken: wrong_state when left.
    """
    doing = act.begin(
        session, actor=actor, verb=Verb.MEMBER_ROLE_CHANGE, member_id=member_id, version=version, now=now, request_id=request_id
    )
    doing.require_state([s for s in State if s is not State.LEFT])
    kind = doing.agency.kind
    chosen = role_rules.check_roles(roles, agency_kind=kind, case_data=protocol.current().kind(kind).case_data)
    if role_rules.needs_second_approver(chosen) or doing.row.id == actor.member_id:
        doing.row.proposed_roles, doing.row.proposed_by = sorted(chosen), actor.member_id
        return doing.done(fields=("proposed_roles",))
    _apply(session, doing.row, chosen, now=now)
    return doing.done(fields=("roles",))


def approve_roles(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,  # noqa: ARG001 - verbs have one shape
    now: datetime,
    request_id: str = "",
    member_id: uuid.UUID,
    version: int | None,
) -> Member:
    """Approve proposed roles as the second person: neither who proposed them nor whose they are. One entry, `member.second_approval`.

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.RuleBroken: wrong_state without a proposal, second_signer_needed.
    """
    verb = Verb.MEMBER_SECOND_APPROVAL
    doing = act.begin(session, actor=actor, verb=verb, member_id=member_id, version=version, now=now, request_id=request_id)
    row = doing.row
    if row.proposed_roles is None or row.state == State.LEFT:
        raise errors.RuleBroken("wrong_state", state=row.state)
    if actor.member_id in (row.id, row.proposed_by):
        raise errors.RuleBroken("second_signer_needed")
    _apply(session, row, frozenset(row.proposed_roles), now=now)
    return doing.done(fields=("roles",))


def _apply(session: Session, row: MemberRow, roles: frozenset[str], *, now: datetime) -> None:
    row.roles, row.key_role = sorted(roles), role_rules.holds_key(roles)
    row.proposed_roles = row.proposed_by = None
    if row.key_role:
        return
    _drop_shares(session, row, now=now)
    if row.state == State.WAITING:
        row.state = State.ACTIVE


def change_settings(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,  # noqa: ARG001 - verbs have one shape
    now: datetime,
    request_id: str = "",
    language: str,
    timezone: str,
) -> Member:
    """Keep one's own language (id, en) and time zone (IANA). One entry, `account.settings`.

    Raises:
        errors.InputInvalid: field language or timezone, not_a_code.
    """
    doing = act.own(session, actor=actor, verb=Verb.ACCOUNT_SETTINGS, kind="account", now=now, request_id=request_id)
    wrong = {
        name: ("not_a_code",) for name, good in (("language", language in LANGUAGES), ("timezone", typed.is_zone(timezone))) if not good
    }
    if wrong:
        raise errors.InputInvalid(wrong)
    doing.row.language, doing.row.timezone = language, timezone
    return doing.done()
