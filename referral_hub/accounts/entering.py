"""A member who has just shown both factors comes in: a full session, its entry, a known device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import access, audit, errors
from referral_hub.accounts import devices, sessions
from referral_hub.accounts.rules import times, typed
from referral_hub.accounts.snapshots import METHOD, actor_of, current, next_for
from referral_hub.accounts.values import SignedIn
from referral_hub.directory import queries as agencies
from referral_hub.vault import agency as agency_keys
from referral_hub.vault.hub import HubSecret
from referral_hub.vault.keyring import Keyring

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Verb
    from referral_hub.accounts.records import MemberRow
    from referral_hub.accounts.values import Source
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.member import MemberKey
    from referral_hub.vault.sessions import ServerHalves

OWN_ACCOUNT = access.outside_cases("account", same_agency=True, is_self=True)


def mail_token(hub: HubKeys, mail: str) -> bytes:
    """Return the keyed token by which an account is found from its mail address."""
    return hub.token(HubSecret.INDEX, "member_mail", typed.normal_mail(mail))


@dataclass(frozen=True, repr=False)
class Begun:
    """A full session that has just begun, and the actor that it makes."""

    signed_in: SignedIn
    actor: Actor


def begin(
    session: Session,
    *,
    hub: HubKeys,
    halves: ServerHalves,
    member: MemberRow,
    key: MemberKey,
    source: Source,
    device_cookie: str | None,
    now: datetime,
    limits: times.Limits,
) -> Begun:
    """Begin a full session of a member who has just shown both factors. Inside the caller's transaction; the entry is the caller's.

    Raises:
        errors.NotSignedIn: the member or the agency may not come in any more.
        errors.CannotOpen: the published keys of the agency are not those that the member's share opens.
    """
    agency = agencies.agency(session, member.agency_id)
    if member.state not in sessions.MAY_COME_BACK or agency.state == sessions.DISABLED:
        raise errors.NotSignedIn
    member.last_sign_in = now
    snapshot = current(session, member)
    if snapshot.holds_key:
        agency_keys.check_keys(session, keys=Keyring(hub, member.id, key), agency_id=member.agency_id)
    cookie = sessions.start(
        session,
        halves=halves,
        member_id=member.id,
        key=key,
        purpose=sessions.FULL,
        method=METHOD,
        device=source.device,
        lifetime=limits.lifetime,
        now=now,
        fresh=True,
    )
    actor = actor_of(snapshot, agency, strength="full", session_id=cookie.id)
    device = devices.remember(session, hub=hub, member_id=member.id, cookie=device_cookie, now=now)
    return Begun(SignedIn(cookie.text(), device, snapshot, next_for(session, snapshot), now + limits.lifetime), actor)


def admit(session: Session, begun: Begun, *, verb: Verb, now: datetime, request_id: str) -> SignedIn:
    """Decide and record `verb` (sign-in, signing in again) for a session that has begun, and return it."""
    decision = access.require(begun.actor, verb, OWN_ACCOUNT)
    entry = audit.entry_for(begun.actor, verb, now=now, decision=decision, object_kind="session", request_id=request_id)
    audit.record(session, entry)
    return begun.signed_in
