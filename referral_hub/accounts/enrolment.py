"""From an invitation's link to a member with a key: terms, passphrase, second factor. Each step saves, so one may go on another day.

The link stands for the person until the last step is done; whoever chooses the passphrase again under it begins a new key and
ends the half-done session before. The link is used up by `confirm`, once. No one reaches the agency's key by a link alone:
a holder of it types the newcomer's fingerprint first.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.accounts import entering, knocking, proving, sessions
from referral_hub.accounts.records import InvitationRow, MemberRow, SessionRow
from referral_hub.accounts.rules import roles, times, typed
from referral_hub.accounts.snapshots import actor_of, current, locked_member
from referral_hub.accounts.values import Invitation, Started, State, Step, TotpSetup
from referral_hub.db import transact
from referral_hub.directory import queries as agencies
from referral_hub.vault import kdf as derivation
from referral_hub.vault import member as member_keys
from referral_hub.vault import totp
from referral_hub.vault.hub import Use
from referral_hub.vault.member import MemberKey

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.accounts.slots import Slots
    from referral_hub.accounts.values import SignedIn, Source
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.kdf import KdfParameters, Unlock
    from referral_hub.vault.sessions import ServerHalves

ISSUER = "Referral Hub"
SELF = access.outside_cases("account", same_agency=True, is_self=True)


def token_digest(token: str) -> bytes:
    """Return what the row keeps of a link's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def invitation(session: Session, *, token: str, now: datetime, cookie: str | None = None) -> Invitation:
    """Return what the link of `token` stands for, and the next step; with the cookie of a half-done enrolment that step is the code.

    Raises:
        errors.NotFound: unknown, used or expired, all alike.
    """
    row, member = _standing(session, token=token, now=now, lock=False)
    return _shown(session, row, member, now=now, cookie=cookie)


def _standing(session: Session, *, token: str, now: datetime, lock: bool) -> tuple[InvitationRow, MemberRow]:
    query = select(InvitationRow).where(InvitationRow.token_digest == token_digest(token))
    fresh = {"populate_existing": True}
    row = session.scalars(query.execution_options(**fresh)).one_or_none()
    if row is None:
        raise errors.NotFound
    if lock:
        member = locked_member(session, row.member_id)
        session.refresh(row, with_for_update=True)
    else:
        member = session.scalars(select(MemberRow).where(MemberRow.id == row.member_id).execution_options(**fresh)).one()
    if row.used_at is not None or now >= row.expires_at or member.state != State.INVITED:
        raise errors.NotFound
    return row, member


def _shown(session: Session, row: InvitationRow, member: MemberRow, *, now: datetime, cookie: str | None) -> Invitation:
    step = Step.TERMS if member.terms_accepted_at is None else Step.PASSPHRASE
    if step is Step.PASSPHRASE and cookie and _half_done(session, member, cookie=cookie, now=now):
        step = Step.CODE
    return Invitation(member.id, member.agency_id, member.code, frozenset(member.roles), row.purpose, step, member.language, row.expires_at)


def _half_done(session: Session, member: MemberRow, *, cookie: str, now: datetime) -> bool:
    try:
        held = sessions.pending(session, cookie=cookie, now=now)
    except errors.NotSignedIn:
        return False
    return held.purpose == sessions.ENROL and held.member_id == member.id


def accept_terms(session: Session, *, token: str, now: datetime, request_id: str = "") -> Invitation:
    """Keep that the terms were accepted (inside the caller's transaction). One entry, `account.terms_accept`; a repetition leaves none.

    Raises:
        errors.NotFound: see `invitation`.
    """
    row, member = _standing(session, token=token, now=now, lock=True)
    if member.terms_accepted_at is None:
        member.terms_accepted_at = now
        _tell(session, member, Verb.ACCOUNT_TERMS_ACCEPT, strength="none", now=now, request_id=request_id)
    return _shown(session, row, member, now=now, cookie=None)


def _tell(
    session: Session, member: MemberRow, verb: Verb, *, strength: str, now: datetime, request_id: str
) -> None:
    """Record a newcomer's act; the policy is asked whether this person may enrol, which is what every step belongs to."""
    agency = agencies.agency(session, member.agency_id)
    actor = actor_of(current(session, member), agency, strength=strength, session_id=None, method="invitation")
    decision = access.require(actor, Verb.MEMBER_ENROL, SELF)
    facts = {"object_kind": "member", "object_id": member.id, "object_version": member.version, "request_id": request_id}
    audit.record(session, audit.entry_for(actor, verb, now=now, decision=decision, **facts))


def choose_passphrase(
    session: Session,
    *,
    hub: HubKeys,
    halves: ServerHalves,
    kdf: KdfParameters,
    slots: Slots,
    token: str,
    passphrase: str,
    source: Source,
    now: datetime,
    request_id: str = "",  # noqa: ARG001 - every verb takes it; the entry is that of `confirm`
) -> Started:
    """Make the member key under a passphrase and return the cookie for the next step. Runs its own transactions around the derivation.

    Raises:
        errors.NotFound: see `invitation`. errors.RuleBroken: guard_failed, the terms come first.
        errors.InputInvalid: too_short, too_long, too_common. errors.Unavailable: at_capacity.
    """
    transact(session, lambda s: _check_choice(s, hub=hub, token=token, passphrase=passphrase, now=now))
    salt = derivation.new_salt()
    unlock = proving.derive(slots, passphrase, salt=salt, parameters=kdf)

    def second(s: Session) -> Started:
        _, member = _standing(s, token=token, now=now, lock=True)
        key = _new_key(member, hub=hub, unlock=unlock, salt=salt, kdf=kdf)
        sessions.drop(s, SessionRow.member_id == member.id)
        cookie = sessions.start(
            s,
            halves=halves,
            member_id=member.id,
            key=key,
            purpose=sessions.ENROL,
            method=proving.METHOD,
            device=source.device,
            lifetime=times.ENROLLING,
            now=now,
        )
        return Started(cookie.text(), now + times.ENROLLING)

    return transact(session, second)


def _check_choice(session: Session, *, hub: HubKeys, token: str, passphrase: str, now: datetime) -> None:
    _, member = _standing(session, token=token, now=now, lock=False)
    if member.terms_accepted_at is None:
        raise errors.RuleBroken("guard_failed", guard="terms_accepted")
    known = {"name": member.name_locked, "mail": member.mail_locked}
    own = [hub.unlock(Use.NAMES, locked, "member", member.id, what).decode() for what, locked in known.items() if locked]
    typed.check_passphrase(passphrase, not_like=own)


def _new_key(member: MemberRow, *, hub: HubKeys, unlock: Unlock, salt: bytes, kdf: KdfParameters) -> MemberKey:
    key = MemberKey.generate()
    proving.keep(member, hub=hub, key=key, unlock=unlock, salt=salt, parameters=kdf)
    member.public_key = key.public
    member.fingerprint = member_keys.fingerprint(hub_id=hub.hub_id, member_id=member.id, public=key.public)
    member.totp_locked = hub.lock(Use.ACCOUNT, totp.new_secret(), "member", member.id, "totp")
    member.last_totp_step = None
    return key


def second_factor(session: Session, *, hub: HubKeys, cookie: str, now: datetime) -> TotpSetup:
    """Return the secret for the authenticator app; shown until the first code was typed.

    Raises:
        errors.NotSignedIn: the half-done enrolment is over; the link leads back to the passphrase.
    """
    member, _, _ = sessions.held(session, cookie=cookie, purpose=sessions.ENROL, now=now)
    if member.totp_locked is None:
        raise errors.NotSignedIn
    secret = hub.unlock(Use.ACCOUNT, member.totp_locked, "member", member.id, "totp")
    text = base64.b32encode(secret).rstrip(b"=").decode()
    return TotpSetup(text, totp.uri(secret, account=member.code, issuer=ISSUER))


def confirm(
    session: Session,
    *,
    hub: HubKeys,
    halves: ServerHalves,
    cookie: str,
    code: str,
    source: Source,
    now: datetime,
    request_id: str = "",
    device_cookie: str | None = None,
    limits: times.Limits = times.LIMITS,
) -> SignedIn:
    """Check the first code, use up the invitation, and return a full session. Own transaction; one entry, `member.enrol`.

    A member with a key role then waits for a holder of the agency's key (or founds it); others are active at once.

    Raises:
        errors.NotSignedIn: the half-done enrolment is over. errors.NotFound: the invitation is used or expired.
        errors.InputInvalid: `code_mismatch`.
    """

    def last(s: Session) -> SignedIn | errors.HubError:
        member, held, parsed = sessions.held(s, cookie=cookie, purpose=sessions.ENROL, now=now)
        link = _link_of(s, member, now=now)
        step = knocking.accepted_step(hub, member, code, now=now)
        if step is None:
            held.wrong_codes += 1
            if held.wrong_codes >= times.CODES_PER_SESSION:
                sessions.drop(s, SessionRow.id == held.id)
            return proving.code_mismatch()
        key = halves.open(held.key_wrap, cookie_secret=parsed.secret, session_id=held.id, member_id=member.id)
        sessions.drop(s, SessionRow.member_id == member.id)
        link.used_at = now
        member.last_totp_step = step
        member.enrolled_at = now
        member.version += 1
        _tell(s, member, Verb.MEMBER_ENROL, strength="pending", now=now, request_id=request_id)
        member.state = State.WAITING if roles.holds_key(member.roles) else State.ACTIVE
        begun = entering.begin(
            s, hub=hub, halves=halves, member=member, key=key, source=source, device_cookie=device_cookie, now=now, limits=limits
        )
        return begun.signed_in

    return knocking.or_raise(transact(session, last))


def _link_of(session: Session, member: MemberRow, *, now: datetime) -> InvitationRow:
    query = select(InvitationRow).where(
        InvitationRow.member_id == member.id, InvitationRow.used_at.is_(None), InvitationRow.expires_at > now
    )
    row = session.scalars(query.order_by(InvitationRow.created_at.desc()).limit(1).with_for_update()).one_or_none()
    if row is None or member.state != State.INVITED:
        raise errors.NotFound
    return row
