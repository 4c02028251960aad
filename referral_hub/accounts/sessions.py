"""Sessions: a cookie `id.secret`, a row that opens only with that secret and the server half, and who calls with it."""

from __future__ import annotations

import base64
import binascii
import hmac
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, update

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.accounts.records import MemberRow, SessionRow
from referral_hub.accounts.rules import times
from referral_hub.accounts.shares import holds_key
from referral_hub.accounts.snapshots import MEMBER_COLUMNS, actor_of, locked_member, member_of
from referral_hub.accounts.values import Caller, Pending, SessionView, State
from referral_hub.db.fixed import Fixed
from referral_hub.directory import queries as agencies
from referral_hub.vault import sessions as sealing
from referral_hub.vault.keyring import Keyring

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.member import MemberKey
    from referral_hub.vault.sessions import ServerHalves

MAY_COME_BACK = (State.ACTIVE, State.WAITING)
FULL, SIGN_IN, ENROL = "full", "sign_in", "enrol"
DISABLED = "disabled"
LONGEST_DEVICE = 80
SECRET = 32


@dataclass(frozen=True, repr=False)
class Cookie:
    """The two halves of a session cookie: the row's id, and the secret of which the row keeps a digest."""

    id: uuid.UUID
    secret: bytes

    def text(self) -> str:
        """Return the cookie's value."""
        return f"{self.id.hex}.{_encoded(self.secret)}"

    @classmethod
    def parse(cls, text: str) -> Cookie:
        """Return the halves of a cookie's value.

        Raises:
            errors.NotSignedIn: another form.
        """
        first, _, second = text.partition(".")
        try:
            cookie = cls(uuid.UUID(hex=first), decoded(second))
        except ValueError:
            raise errors.NotSignedIn from None
        if cookie.text() != text:
            raise errors.NotSignedIn
        return cookie


def _encoded(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the 32 bytes of a secret written for a cookie or a link; raises ValueError for anything else."""
    try:
        secret = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as wrong:
        raise ValueError from wrong
    if len(secret) != SECRET or _encoded(secret) != text:
        raise ValueError
    return secret


def new_secret_text() -> str:
    """Return a new 256-bit secret as text for a link or cookie."""
    return _encoded(sealing.new_secret())


def start(
    session: Session,
    *,
    halves: ServerHalves,
    member_id: uuid.UUID,
    key: MemberKey,
    purpose: str,
    method: str,
    device: str,
    lifetime: timedelta,
    now: datetime,
    fresh: bool = False,
) -> Cookie:
    """Add a session row with a new id and secret, and return its cookie. The member key in it opens only with cookie and server half."""
    cookie = Cookie(uuid.uuid4(), sealing.new_secret())
    row = SessionRow(
        id=cookie.id,
        member_id=member_id,
        secret_digest=sealing.secret_digest(cookie.secret),
        key_wrap=halves.seal(key, cookie_secret=cookie.secret, session_id=cookie.id, member_id=member_id),
        purpose=purpose,
        auth_method=method,
        fresh_until=now + times.FRESH if fresh else None,
        created_at=now,
        last_seen=now,
        expires_at=now + lifetime,
        device=device[:LONGEST_DEVICE],
    )
    session.add(row)
    session.flush()
    return cookie


_S, _M, _A = SessionRow.__table__.c, MemberRow.__table__.c, agencies.table().c
_COLUMNS = (
    *(_M[column.key] for column in MEMBER_COLUMNS),
    _S.secret_digest.label("s_digest"),
    _S.key_wrap.label("s_wrap"),
    _S.purpose.label("s_purpose"),
    _S.auth_method.label("s_method"),
    _S.fresh_until.label("s_fresh_until"),
    _S.last_seen.label("s_last_seen"),
    _S.expires_at.label("s_expires_at"),
    holds_key(_M.agency_id, _M.id).label("holds_key"),
)
_RESUME = Fixed(
    select(*_COLUMNS, *(_A[str(column.key)] for column in agencies.columns()))
    .select_from(SessionRow.__table__)
    .join(MemberRow.__table__, _M.id == _S.member_id)
    .join(agencies.table(), _A.id == _M.agency_id)
    .where(_S.id == bindparam("session_id"))
)


def resume(
    session: Session, *, hub: HubKeys, halves: ServerHalves, cookie: str, now: datetime, limits: times.Limits = times.LIMITS
) -> Caller:
    """Return who calls with `cookie`, by one joined select of session, member and agency.

    When `touched` is set, last_seen was moved (at most once a minute) and the caller commits at once, so that the row is not
    kept locked during what follows.

    Raises:
        errors.NotSignedIn: no such session, another secret, half a sign-in, idle for too long, over, a suspended member or
            agency, or a server half that is gone.
    """
    parsed = Cookie.parse(cookie)
    row = _RESUME.one_or_none(session, session_id=parsed.id)
    if row is None or not _stands(row, parsed, now=now, limits=limits):
        raise errors.NotSignedIn
    member = member_of(row, holds_key=row.holds_key)
    agency = agencies.agency_of(row, len(_COLUMNS))
    if agency.state == DISABLED:
        raise errors.NotSignedIn
    key = halves.open(row.s_wrap, cookie_secret=parsed.secret, session_id=parsed.id, member_id=member.id)
    touched = times.touch_due(row.s_last_seen, now)
    if touched:
        moved = update(SessionRow).where(SessionRow.id == parsed.id).values(last_seen=now)
        session.execute(moved.execution_options(synchronize_session=False))
    strength = times.strength(fresh_until=row.s_fresh_until, now=now)
    return Caller(
        actor=actor_of(member, agency, strength=strength, session_id=parsed.id, method=row.s_method),
        keys=Keyring(hub, member.id, key),
        session_id=parsed.id,
        idle_until=times.idle_until(now if touched else row.s_last_seen, ends_at=row.s_expires_at, limits=limits),
        ends_at=row.s_expires_at,
        agency=agency,
        member=member,
        touched=touched,
    )


def _stands(row: Any, parsed: Cookie, *, now: datetime, limits: times.Limits) -> bool:
    return (
        hmac.compare_digest(row.s_digest, sealing.secret_digest(parsed.secret))
        and row.s_purpose == FULL
        and now < times.idle_until(row.s_last_seen, ends_at=row.s_expires_at, limits=limits)
        and row.state in MAY_COME_BACK
    )


def held(session: Session, *, cookie: str, purpose: str, now: datetime) -> tuple[MemberRow, SessionRow, Cookie]:
    """Return the member and the session of a cookie, both under their locks (the member's first), with the cookie's halves.

    Raises:
        errors.NotSignedIn: no such session of this purpose, another secret, or it has ended.
    """
    parsed = Cookie.parse(cookie)
    member_id = session.scalar(select(SessionRow.member_id).where(SessionRow.id == parsed.id))
    if member_id is None:
        raise errors.NotSignedIn
    member = locked_member(session, member_id)
    query = select(SessionRow).where(SessionRow.id == parsed.id, SessionRow.purpose == purpose, SessionRow.expires_at > now)
    row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_digest, sealing.secret_digest(parsed.secret)):
        raise errors.NotSignedIn
    return member, row, parsed


def pending(session: Session, *, cookie: str, now: datetime) -> Pending:
    """Return the pending session of `cookie`: half a sign-in or half an enrolment. It opens nothing.

    Raises:
        errors.NotSignedIn: there is none.
    """
    parsed = Cookie.parse(cookie)
    columns = (SessionRow.member_id, SessionRow.purpose, SessionRow.expires_at, SessionRow.secret_digest)
    row = session.execute(select(*columns).where(SessionRow.id == parsed.id, SessionRow.purpose != FULL)).one_or_none()
    if row is None or now >= row.expires_at or not hmac.compare_digest(row.secret_digest, sealing.secret_digest(parsed.secret)):
        raise errors.NotSignedIn
    return Pending(row.member_id, row.purpose, row.expires_at)


def own(
    session: Session, *, actor: Actor, session_id: uuid.UUID, now: datetime, limits: times.Limits = times.LIMITS
) -> tuple[SessionView, ...]:
    """Return the actor's full sessions that have not ended, the latest first; `session_id` is the present one."""
    query = (
        select(SessionRow)
        .where(SessionRow.member_id == actor.member_id, SessionRow.purpose == FULL)
        .where(SessionRow.expires_at > now, SessionRow.last_seen > now - limits.idle)
        .order_by(SessionRow.last_seen.desc(), SessionRow.id)
    )
    return tuple(
        SessionView(row.id, row.device, row.auth_method, row.created_at, row.last_seen, current=row.id == session_id)
        for row in session.scalars(query.execution_options(populate_existing=True))
    )


def end(session: Session, *, actor: Actor, session_id: uuid.UUID, now: datetime, request_id: str = "") -> None:
    """End one of the actor's own sessions. One entry, `session.end`.

    Raises:
        errors.NotFound: it is not one of the actor's.
    """
    decision = access.require(actor, Verb.SESSION_END, _OWN)
    if drop(session, SessionRow.id == session_id, SessionRow.member_id == actor.member_id) == 0:
        raise errors.NotFound
    facts: dict[str, Any] = {"object_kind": "session", "object_id": None, "count": 1, "request_id": request_id}
    audit.record(session, audit.entry_for(actor, Verb.SESSION_END, now=now, decision=decision, **facts))


def end_others(session: Session, *, actor: Actor, session_id: uuid.UUID, now: datetime, request_id: str = "") -> int:
    """End all of the actor's sessions but `session_id`; return how many. One entry, `session.end`, with the count."""
    decision = access.require(actor, Verb.SESSION_END, _OWN)
    count = drop(session, SessionRow.member_id == actor.member_id, SessionRow.id != session_id)
    facts: dict[str, Any] = {"object_kind": "session", "count": count, "request_id": request_id}
    audit.record(session, audit.entry_for(actor, Verb.SESSION_END, now=now, decision=decision, **facts))
    return count


def sign_out(session: Session, *, actor: Actor, session_id: uuid.UUID, now: datetime, request_id: str = "") -> None:
    """End the present session: signing out and quick exit. One entry, `session.sign_out`."""
    decision = access.require(actor, Verb.SESSION_SIGN_OUT, _OWN)
    drop(session, SessionRow.id == session_id, SessionRow.member_id == actor.member_id)
    entry = audit.entry_for(actor, Verb.SESSION_SIGN_OUT, now=now, decision=decision, object_kind="session", request_id=request_id)
    audit.record(session, entry)


_OWN = access.outside_cases("account", same_agency=True, is_self=True)


def drop(session: Session, *which: Any) -> int:
    """Delete the sessions that `which` describes; return how many."""
    result = session.execute(delete(SessionRow).where(*which).returning(SessionRow.id).execution_options(synchronize_session=False))
    return len(result.all())
