"""The agency's key through its members: founded, recovery code typed back, colleagues admitted, renewed."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.accounts.actions import act
from referral_hub.accounts.records import MemberRow, RecoveryRow
from referral_hub.accounts.rules import roles as role_rules
from referral_hub.accounts.rules import typed
from referral_hub.accounts.values import Founded, State
from referral_hub.vault import agency as agency_keys
from referral_hub.vault import codes
from referral_hub.vault.hub import HubSecret

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.accounts.values import Member
    from referral_hub.vault.agency import Founded as MadeEpoch
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.keyring import Keyring

LAST = 4


def found(session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "") -> Founded:
    """Found the key of the actor's agency: epoch 1, a share for the founder, a recovery code that is shown once. One entry, `key.found`.

    The founder is the first enrolled member whose roles hold the key and may admit to it (DECISIONS 5).

    Raises:
        errors.NotAllowed: the policy refused. errors.RuleBroken: wrong_state; already_founded.
    """
    doing = act.own(session, actor=actor, verb=Verb.KEY_FOUND, kind="key", now=now, request_id=request_id)
    doing.require_state((State.WAITING, State.ACTIVE))
    if not role_rules.may_found(doing.row.roles):
        raise errors.NotAllowed("role_lacks_ability")
    made = agency_keys.found(session, keys=keys, agency_id=doing.row.agency_id, now=now)
    doing.row.state = State.ACTIVE
    doing.row.admitted_at = now
    _keep_print(session, hub=keys.hub, agency_id=doing.row.agency_id, made=made, made_by=doing.row.id, now=now)
    member = doing.done(object_kind="key", object_id=doing.row.agency_id, object_version=made.epoch)
    return Founded(made.recovery_code, made.fingerprint, member)


def _keep_print(session: Session, *, hub: HubKeys, agency_id: uuid.UUID, made: MadeEpoch, made_by: uuid.UUID, now: datetime) -> None:
    end = _check_digest(hub, agency_id, made.epoch, made.recovery_code)
    session.add(RecoveryRow(agency_id=agency_id, epoch=made.epoch, made_by=made_by, made_at=now, check_digest=end))
    session.flush()


def _check_digest(hub: HubKeys, agency_id: uuid.UUID, epoch: int, code: str) -> bytes:
    return hub.token(HubSecret.ACT, "recovery_end", agency_id, epoch, codes.normalise(typed.clean(code))[-LAST:])


def confirm_recovery(session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "", last_four: str) -> Member:
    """Keep that the recovery code was written down: whoever made it typed its last four characters. One entry, `key.recovery_print`.

    Raises:
        errors.NotAllowed; errors.RuleBroken: wrong_state, no code of the actor waits. errors.InputInvalid: last_four, mismatch.
    """
    doing = act.own(session, actor=actor, verb=Verb.KEY_RECOVERY_PRINT, kind="key", now=now, request_id=request_id)
    query = select(RecoveryRow).where(RecoveryRow.agency_id == doing.row.agency_id).order_by(RecoveryRow.epoch.desc()).limit(1)
    row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None or row.made_by != doing.row.id or row.check_digest is None:
        raise errors.RuleBroken("wrong_state")
    shown = codes.normalise(typed.clean(last_four))
    if len(shown) != LAST or not hmac.compare_digest(row.check_digest, _check_digest(keys.hub, row.agency_id, row.epoch, shown)):
        raise errors.InputInvalid({"last_four": ("mismatch",)})
    row.confirmed_at, row.check_digest = now, None
    return doing.done(object_kind="key", object_id=row.agency_id, object_version=row.epoch)


def admit(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    request_id: str = "",
    member_id: uuid.UUID,
    fingerprint: str,
    version: int | None = None,
) -> Member:
    """Give a colleague a share of the agency's key, after the 24 digits heard from her were typed. One entry, `key.admit`.

    Neither oneself nor whom one invited; the actor holds the key and has just signed in again (the policy asks both).

    Raises:
        errors.NotFound, NotAllowed, StaleVersion; errors.RuleBroken: wrong_state. errors.InputInvalid: fingerprint, mismatch.
    """
    doing = act.begin(
        session, actor=actor, verb=Verb.KEY_ADMIT, member_id=member_id, version=version, now=now, request_id=request_id, kind="key"
    )
    row = doing.row
    doing.require_state((State.WAITING, State.ACTIVE))
    holds = agency_keys.holds_share(session, agency_id=row.agency_id, member_id=row.id)
    if holds or not role_rules.holds_key(row.roles) or row.public_key is None or row.fingerprint is None:
        raise errors.RuleBroken("wrong_state", state=row.state)
    digits = typed.typed_digits(fingerprint)
    if not codes.same_digits(row.fingerprint, digits):
        raise errors.InputInvalid({"fingerprint": ("mismatch",)})
    agency_keys.admit(
        session, keys=keys, agency_id=row.agency_id, member_id=row.id, public=row.public_key, typed_fingerprint=digits, now=now
    )
    row.state = State.ACTIVE
    row.admitted_at, row.admitted_by = now, actor.member_id
    return doing.done()


def rotate(session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "") -> Founded:
    """Renew the agency's key for what is sealed from now on, with a new recovery code to write down. One entry, `key.epoch_rotate`.

    Every active holder gets a share of the new epoch; who is suspended is admitted anew after coming back.

    Raises:
        errors.NotAllowed: the policy refused (holder who may admit, just signed in again). errors.RuleBroken: no_agency_key.
        errors.LostRace: a colleague rotated at the same moment.
    """
    doing = act.own(session, actor=actor, verb=Verb.KEY_EPOCH_ROTATE, kind="key", now=now, request_id=request_id)
    agency_id = doing.row.agency_id
    held = agency_keys.holders(session, agency_id=agency_id)
    query = select(MemberRow.id, MemberRow.public_key).where(MemberRow.id.in_(held), MemberRow.state == State.ACTIVE)
    members = {row.id: row.public_key for row in session.execute(query) if row.public_key is not None}
    made = agency_keys.rotate(session, keys=keys, agency_id=agency_id, members=members, now=now)
    for left_out in held - members.keys():
        agency_keys.drop_shares(session, member_id=left_out, agency_id=agency_id)
    _keep_print(session, hub=keys.hub, agency_id=agency_id, made=made, made_by=doing.row.id, now=now)
    member = doing.done(object_kind="key", object_id=agency_id, object_version=made.epoch)
    return Founded(made.recovery_code, made.fingerprint, member)
