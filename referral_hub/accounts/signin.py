"""Sign-in in two pages, signing in again, a new passphrase: the shape "sign in" of VAULT.md.

These functions run their own transactions, because a derivation lies between them and holds no connection: T1 counts the
attempt and reads the account · commit · derive · T2 compares, writes session and entry · commit. Call them with no
transaction open. Every account that does not let in answers alike and costs one derivation, the unknown one too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.accounts import devices, entering, knocking, proving, sessions, throttle
from referral_hub.accounts.knocking import Knock
from referral_hub.accounts.records import MemberRow, SessionRow
from referral_hub.accounts.rules import times, typed
from referral_hub.accounts.snapshots import locked_member
from referral_hub.accounts.values import Started
from referral_hub.db import transact
from referral_hub.vault import kdf as derivation

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.accounts.knocking import Proof
    from referral_hub.accounts.slots import Slots
    from referral_hub.accounts.values import Caller, SignedIn, Source
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.kdf import KdfParameters, Unlock
    from referral_hub.vault.sessions import ServerHalves


def begin_sign_in(
    session: Session,
    *,
    hub: HubKeys,
    halves: ServerHalves,
    kdf: KdfParameters,
    slots: Slots,
    mail: str,
    passphrase: str,
    source: Source,
    device_cookie: str | None,
    now: datetime,
    request_id: str = "",
) -> Started:
    """Check throttle and passphrase (page 1) and return the cookie of a pending session: five minutes, opens nothing.

    Raises:
        errors.Throttled: too many attempts (fact `retry_after`, seconds). errors.Unavailable: at_capacity.
        errors.InputInvalid: `pair_mismatch`, whatever the cause.
    """
    knock = transact(session, lambda s: _knock(s, hub=hub, mail=mail, source=source, device_cookie=device_cookie, now=now))
    proof = knocking.prove(session, hub=hub, kdf=kdf, slots=slots, knock=knock, passphrase=passphrase, now=now)

    def second(s: Session) -> Started | None:
        if proof is None or not knocking.settle(s, hub=hub, knock=knock, proof=proof, now=now):
            knocking.refuse(s, knock=knock, now=now, request_id=request_id)
            return None
        return _pending(s, halves=halves, proof=proof, source=source, now=now)

    started = transact(session, second)
    if started is None:
        raise proving.pair_mismatch()
    return started


def _knock(session: Session, *, hub: HubKeys, mail: str, source: Source, device_cookie: str | None, now: datetime) -> Knock:
    name = typed.normal_mail(mail)
    query = select(MemberRow).where(MemberRow.mail_token == entering.mail_token(hub, name), MemberRow.state.in_(sessions.MAY_COME_BACK))
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    found = proving.credentials_of(row) if row is not None else None
    member_id = None if found is None else found.member_id
    device = None if member_id is None else devices.known(session, hub=hub, member_id=member_id, cookie=device_cookie, now=now)
    sides = throttle.passphrase_sides(hub, mail=name, member_id=member_id, address=source.address, known_device=device)
    return Knock(name, sides, found, None if row is None else row.agency_id, throttle.count_attempt(session, sides, now=now))


def _pending(session: Session, *, halves: ServerHalves, proof: Proof, source: Source, now: datetime) -> Started:
    cookie = sessions.start(
        session,
        halves=halves,
        member_id=proof.member_id,
        key=proof.key,
        purpose=sessions.SIGN_IN,
        method=proving.METHOD,
        device=source.device,
        lifetime=times.PENDING,
        now=now,
    )
    return Started(cookie.text(), now + times.PENDING)


def finish_sign_in(
    session: Session,
    *,
    hub: HubKeys,
    halves: ServerHalves,
    cookie: str,
    code: str,
    source: Source,
    device_cookie: str | None,
    now: datetime,
    request_id: str = "",
    limits: times.Limits = times.LIMITS,
) -> SignedIn:
    """Check the second factor (page 2) and return a full session under a new id and secret. One entry, `session.sign_in`.

    Raises:
        errors.NotSignedIn: the pending session is over; five wrong codes end it too. errors.Throttled: too many codes.
        errors.InputInvalid: `code_mismatch`: wrong, used, or out of its time.
        errors.CannotOpen: the published keys of member or agency are not those just opened.
    """

    def second(s: Session) -> SignedIn | errors.HubError:
        member, held, parsed = sessions.held(s, cookie=cookie, purpose=sessions.SIGN_IN, now=now)
        device = devices.known(s, hub=hub, member_id=member.id, cookie=device_cookie, now=now)
        wrong = knocking.try_code(s, hub=hub, member=member, held=held, code=code, device=device, now=now, tell=request_id)
        if wrong is not None:
            return wrong
        key = halves.open(held.key_wrap, cookie_secret=parsed.secret, session_id=held.id, member_id=member.id)
        sessions.drop(s, SessionRow.id == held.id)
        begun = entering.begin(
            s, hub=hub, halves=halves, member=member, key=key, source=source, device_cookie=device_cookie, now=now, limits=limits
        )
        return entering.admit(s, begun, verb=Verb.SESSION_SIGN_IN, now=now, request_id=request_id)

    return knocking.or_raise(transact(session, second))


def reauthenticate(
    session: Session,
    *,
    hub: HubKeys,
    halves: ServerHalves,
    kdf: KdfParameters,
    slots: Slots,
    cookie: str,
    passphrase: str,
    code: str,
    source: Source,
    device_cookie: str | None,
    now: datetime,
    request_id: str = "",
    limits: times.Limits = times.LIMITS,
) -> SignedIn:
    """Check passphrase and code of the member whose session `cookie` is, and go on under a new id and secret. One entry, `session.reauth`.

    A failure is counted here; its entry is that of the refused act, which whoever called writes.

    Raises:
        errors.NotSignedIn: the session is over. errors.Throttled, errors.Unavailable: as at sign-in.
        errors.InputInvalid: `pair_mismatch` or `code_mismatch`.
    """
    knock = transact(session, lambda s: _knock_again(s, hub=hub, halves=halves, cookie=cookie, now=now, limits=limits)[1])
    proof = knocking.prove(session, hub=hub, kdf=kdf, slots=slots, knock=knock, passphrase=passphrase, now=now)

    def second(s: Session) -> SignedIn | errors.HubError:
        member, held, _ = sessions.held(s, cookie=cookie, purpose=sessions.FULL, now=now)
        if proof is None or not knocking.settle(s, hub=hub, knock=knock, proof=proof, now=now):
            return proving.pair_mismatch()
        device = devices.known(s, hub=hub, member_id=member.id, cookie=device_cookie, now=now)
        wrong = knocking.try_code(s, hub=hub, member=member, held=held, code=code, device=device, now=now)
        if wrong is not None:
            return wrong
        sessions.drop(s, SessionRow.id == held.id)
        begun = entering.begin(
            s, hub=hub, halves=halves, member=member, key=proof.key, source=source, device_cookie=device_cookie, now=now, limits=limits
        )
        return entering.admit(s, begun, verb=Verb.SESSION_REAUTH, now=now, request_id=request_id)

    return knocking.or_raise(transact(session, second))


def _knock_again(
    session: Session, *, hub: HubKeys, halves: ServerHalves, cookie: str, now: datetime, limits: times.Limits
) -> tuple[Caller, Knock]:
    caller = sessions.resume(session, hub=hub, halves=halves, cookie=cookie, now=now, limits=limits)
    query = select(MemberRow).where(MemberRow.id == caller.member.id)
    row = session.scalars(query.execution_options(populate_existing=True)).one()
    sides = throttle.signed_in_sides(hub, member_id=row.id)
    waiting = throttle.count_attempt(session, sides, now=now)
    return caller, Knock(row.code, sides, proving.credentials_of(row), row.agency_id, waiting)


def change_passphrase(
    session: Session,
    *,
    hub: HubKeys,
    halves: ServerHalves,
    kdf: KdfParameters,
    slots: Slots,
    cookie: str,
    present: str,
    new: str,
    now: datetime,
    request_id: str = "",
    limits: times.Limits = times.LIMITS,
) -> int:
    """Replace the passphrase after the present one was shown; end all other sessions and return how many. One entry, `account.passphrase_change`.

    The member key stays what it is, so no colleague has to admit anew.

    Raises:
        errors.InputInvalid: `pair_mismatch` for the present one; too_short, too_long, too_common for the new one.
        errors.NotSignedIn, errors.Throttled, errors.Unavailable: as for re-authentication.
    """
    typed.check_passphrase(new, not_like=(present,))
    caller, knock = transact(session, lambda s: _knock_again(s, hub=hub, halves=halves, cookie=cookie, now=now, limits=limits))
    proof = knocking.prove(session, hub=hub, kdf=kdf, slots=slots, knock=knock, passphrase=present, now=now)
    salt = derivation.new_salt()
    unlock = None if proof is None else proving.derive(slots, new, salt=salt, parameters=kdf)

    def second(s: Session) -> int | errors.HubError:
        if proof is None or unlock is None or not knocking.settle(s, hub=hub, knock=knock, proof=proof, now=now):
            return proving.pair_mismatch()
        _replace(s, hub=hub, proof=proof, unlock=unlock, salt=salt, kdf=kdf)
        decision = access.require(caller.actor, Verb.ACCOUNT_PASSPHRASE_CHANGE, entering.OWN_ACCOUNT)
        facts = {"object_kind": "member", "object_id": proof.member_id, "request_id": request_id}
        audit.record(
            s, audit.entry_for(caller.actor, Verb.ACCOUNT_PASSPHRASE_CHANGE, now=now, decision=decision, **facts)
        )
        return sessions.drop(s, SessionRow.member_id == proof.member_id, SessionRow.id != caller.session_id)

    return knocking.or_raise(transact(session, second))


def _replace(session: Session, *, hub: HubKeys, proof: Proof, unlock: Unlock, salt: bytes, kdf: KdfParameters) -> None:
    row = locked_member(session, proof.member_id)
    proving.keep(row, hub=hub, key=proof.key, unlock=unlock, salt=salt, parameters=kdf)
