"""Acts are done once: the same act again gives the first result, another input under the same key is refused (VAULT.md, Repeats)."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from referral_hub import errors
from referral_hub.accounts.records import ActRow
from referral_hub.db.fixed import Fixed
from referral_hub.vault.hub import HubSecret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.vault.hub import HubKeys

NOBODY = uuid.UUID(int=0)
LONGEST_KEY = 128


def once(
    session: Session,
    *,
    hub: HubKeys,
    actor: Actor,
    key: uuid.UUID | str,
    route: str,
    digest_of: bytes | Mapping[str, Any],
    now: datetime,
) -> uuid.UUID | None:
    """Begin an act inside its own transaction, or return the result of the same act done before.

    Args:
        session: the act's transaction; a racing repetition waits here until the first one is committed or rolled back.
        hub: makes the keyed digest of the input.
        actor: whose act; keys of different actors never meet.
        key: the form's act id or the Idempotency-Key, at most 128 characters.
        route: where it was sent to.
        digest_of: the input, as bytes or as a mapping of JSON values; only its keyed digest is kept.
        now: aware UTC.

    Returns None when the act is new: do it, then call `settle` with the id of its result. A repetition of an act without a
    result gives the zero UUID.

    Raises:
        errors.KeyReused: the key was used for another route or input.
        errors.InputInvalid: no key, or one that is too long (field `act_id`).
    """
    name = str(key)
    if not 0 < len(name) <= LONGEST_KEY:
        raise errors.InputInvalid({"act_id": ("malformed",)})
    digest = hub.token(HubSecret.ACT, "act", route, _bytes(digest_of))
    actor_id = actor.member_id or NOBODY
    if _BEGUN.run(session, actor_id=actor_id, key=name, route=route, digest=digest, created_at=now):
        return None
    query = select(ActRow.route, ActRow.digest, ActRow.result_id).where(ActRow.actor_id == actor_id, ActRow.key == name)
    earlier = session.execute(query).one()
    if (earlier.route, earlier.digest) != (route, digest):
        raise errors.KeyReused
    return earlier.result_id or NOBODY


def settle(session: Session, *, actor: Actor, key: uuid.UUID | str, result_id: uuid.UUID) -> None:
    """Keep the id of the act's result, in the same transaction, for its repetitions."""
    _SETTLED.run(session, of=actor.member_id or NOBODY, name=str(key), result_id=result_id)


_BEGUN = Fixed(
    insert(ActRow)
    .values({name: bindparam(name) for name in ("actor_id", "key", "route", "digest", "created_at")})
    .on_conflict_do_nothing()
)
_SETTLED = Fixed(
    update(ActRow)
    .where(ActRow.actor_id == bindparam("of"), ActRow.key == bindparam("name"))
    .values(result_id=bindparam("result_id"))
)


def _bytes(value: bytes | Mapping[str, Any]) -> bytes:
    if isinstance(value, bytes):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_text).encode("utf-8", "surrogatepass")


def _text(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return list(value) if isinstance(value, tuple) else str(value)
