"""The parts that sign-in, re-authentication and a change of passphrase share: an attempt is counted, proven, and told when it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from referral_hub import audit, errors
from referral_hub.accounts import proving, sessions, throttle
from referral_hub.accounts.records import SessionRow
from referral_hub.accounts.rules import times
from referral_hub.accounts.snapshots import locked_member, session_digest
from referral_hub.db import transact
from referral_hub.vault import kdf as derivation
from referral_hub.vault import totp
from referral_hub.vault.hub import Use

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.accounts.proving import Credentials
    from referral_hub.accounts.records import MemberRow
    from referral_hub.accounts.slots import Slots
    from referral_hub.accounts.throttle import Side
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.kdf import KdfParameters, Unlock
    from referral_hub.vault.member import MemberKey

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Knock:
    """What T1 leaves for the derivation: where the attempt counts, the account's credentials if there is one, and how long to wait if it was refused."""

    name: str
    sides: Sequence[Side]
    credentials: Credentials | None
    agency_id: uuid.UUID | None
    wait_until: datetime | None


@dataclass(frozen=True, repr=False)
class Proof:
    """A passphrase that was right: the member key it opened, and new keys of it where the row's parameters are raised."""

    member_id: uuid.UUID
    verifier: bytes
    key: MemberKey
    raised: tuple[bytes, KdfParameters, Unlock] | None


def throttled(until: datetime, now: datetime) -> errors.Throttled:
    """Return the answer to an attempt that was not tried."""
    return errors.Throttled(retry_after=times.seconds_left(until, now))


def prove(
    session: Session, *, hub: HubKeys, kdf: KdfParameters, slots: Slots, knock: Knock, passphrase: str, now: datetime
) -> Proof | None:
    """Derive with no connection held and return what the passphrase opened; None when it does not fit or there is no account.

    Raises:
        errors.Throttled: T1 refused the attempt. errors.Unavailable: at_capacity; the attempt is given back.
    """
    if knock.wait_until is not None:
        raise throttled(knock.wait_until, now)
    known = knock.credentials
    salt, parameters = (hub.pseudo_salt(knock.name), kdf) if known is None else (known.salt, known.parameters)
    try:
        unlock = proving.derive(slots, passphrase, salt=salt, parameters=parameters)
        key = None if known is None else proving.opened_key(hub, known, unlock)
        if known is None or key is None:
            return None
        raised = _raised(slots, passphrase, kdf) if proving.is_weaker(parameters, kdf) else None
    except errors.Unavailable:
        transact(session, lambda s: throttle.give_back(s, knock.sides, now=now))
        raise
    return Proof(known.member_id, known.verifier, key, raised)


def _raised(slots: Slots, passphrase: str, kdf: KdfParameters) -> tuple[bytes, KdfParameters, Unlock]:
    salt = derivation.new_salt()
    return salt, kdf, proving.derive(slots, passphrase, salt=salt, parameters=kdf)


def settle(session: Session, *, hub: HubKeys, knock: Knock, proof: Proof, now: datetime) -> bool:
    """Give a right attempt back and raise the row's parameters where due; False when the account changed meanwhile (T2)."""
    row = locked_member(session, proof.member_id)
    if row.verifier_locked != proof.verifier or row.state not in sessions.MAY_COME_BACK:
        return False
    if proof.raised is not None:
        salt, parameters, unlock = proof.raised
        proving.keep(row, hub=hub, key=proof.key, unlock=unlock, salt=salt, parameters=parameters)
    throttle.give_back(session, knock.sides, now=now)
    return True


def refuse(session: Session, *, knock: Knock, now: datetime, request_id: str) -> None:
    """Count a failed passphrase, with an entry of its own for the first five of the window (T2)."""
    if not throttle.count_failure(session, knock.sides, now=now):
        return
    member_id = None if knock.credentials is None else knock.credentials.member_id
    entry = audit.Entry(
        occurred_at=now,
        action="session.sign_in_failed",
        actor_kind="nobody",
        agency_id=knock.agency_id,
        auth_method=proving.METHOD,
        auth_strength="none",
        object_kind="member" if member_id else "session",
        object_id=member_id,
        outcome="deny",
        reason="not_signed_in",
        request_id=request_id,
    )
    audit.record(session, entry)


def try_code(
    session: Session,
    *,
    hub: HubKeys,
    member: MemberRow,
    held: SessionRow,
    code: str,
    device: bytes | None,
    now: datetime,
    tell: str | None = None,
) -> errors.HubError | None:
    """Accept a second-factor code under the member's row lock, once; else count it and return the error to raise after the commit.

    `tell` (the request's id) is given at sign-in, where a failure leaves an entry of its own for the first five of a
    window and five wrong codes end the pending session.
    """
    sides = throttle.code_sides(hub, member_id=member.id, known_device=device)
    wait_until = throttle.count_attempt(session, sides, now=now)
    if wait_until is not None:
        return throttled(wait_until, now)
    step = accepted_step(hub, member, code, now=now)
    if step is not None:
        member.last_totp_step = step
        throttle.give_back(session, sides, now=now)
        return None
    if tell is not None:
        if throttle.count_failure(session, sides, now=now):
            audit.record(session, _wrong_code(member, held, now=now, request_id=tell))
        held.wrong_codes += 1
        if held.wrong_codes >= times.CODES_PER_SESSION:
            sessions.drop(session, SessionRow.id == held.id)
    return proving.code_mismatch()


def accepted_step(hub: HubKeys, member: MemberRow, code: str, *, now: datetime) -> int | None:
    """Return the TOTP step that `code` belongs to and that was not used before, or None."""
    if member.totp_locked is None:
        return None
    secret = hub.unlock(Use.ACCOUNT, member.totp_locked, "member", member.id, "totp")
    return totp.accept(secret, code, now=now, last_step=member.last_totp_step)


def _wrong_code(member: MemberRow, held: SessionRow, *, now: datetime, request_id: str) -> audit.Entry:
    return audit.Entry(
        occurred_at=now,
        action="session.second_factor_failed",
        actor_kind="member",
        actor_id=member.id,
        roles=tuple(sorted(member.roles)),
        agency_id=member.agency_id,
        session_digest=session_digest(held.id),
        auth_method=held.auth_method,
        auth_strength="pending",
        object_kind="session",
        outcome="deny",
        reason="not_signed_in",
        request_id=request_id,
    )


def or_raise(outcome: T | errors.HubError) -> T:
    """Return `outcome`, or raise it: what failed was committed first, so that counts and entries stay."""
    if isinstance(outcome, errors.HubError):
        raise outcome
    return outcome
