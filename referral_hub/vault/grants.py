"""Grants: what one agency may open of one object, and how that ends.

A grant has a key, sealed to an epoch of the agency, and a release secret under the hub key. Both derive the key of each share.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Uuid, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from referral_hub import errors
from referral_hub.db import after_commit, uuid7
from referral_hub.db.fixed import Fixed
from referral_hub.db.written import Written
from referral_hub.vault import aead, formats, hpke, kdf, tombstones
from referral_hub.vault.epochs import Bundle
from referral_hub.vault.formats import KEY, NONCE, OWN, SHARE, TAG, Context
from referral_hub.vault.hub import HubKeys, Use
from referral_hub.vault.records import SHARES, GrantRow, ReleaseRow, TombstoneRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Row
    from sqlalchemy.orm import Session

    from referral_hub.vault.epochs import EpochPublic

SALT: Final = 10


class ObjectKind(StrEnum):
    """What parts and grants belong to."""

    CASE = "case"
    DRAFT = "draft"
    REFERRAL = "referral"
    THREAD = "thread"
    NOTE = "note"
    COPY = "copy"


class GrantKind(StrEnum):
    """Whom a grant serves: the own agency, a recipient before or after acceptance, both sides of a thread."""

    OWN = "own"
    PREVIEW = "preview"
    FULL = "full"
    THREAD = "thread"


class Standing(StrEnum):
    """Whether a grant opens. Live and read-only ones do, until their time; a revoked one never again."""

    LIVE = "live"
    READ_ONLY = "read_only"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


OPENING: Final = (Standing.LIVE, Standing.READ_ONLY)


@dataclass(frozen=True)
class Grant:
    """A grant in clear metadata. `revision` is the sending number (0 for own files); `sections` the parts it has shares of, where asked."""

    id: uuid.UUID
    object_kind: str
    object_id: uuid.UUID
    agency_id: uuid.UUID
    epoch: int
    kind: GrantKind
    revision: int
    standing: Standing = Standing.LIVE
    until: datetime | None = None
    sections: tuple[str, ...] = ()

    def opens(self, now: datetime) -> bool:
        """Return whether the grant opens at `now`."""
        return self.standing in OPENING and (self.until is None or now < self.until)

    def context(self, hub_id: bytes, purpose: str, *, part: str = "", revision: int | None = None) -> Context:
        """Return what the grant's key (or the share of a part) is bound to."""
        return Context(
            purpose=purpose, hub_id=hub_id, object_kind=self.object_kind, object_id=self.object_id, part=part,
            revision=self.revision if revision is None else revision, agency_id=self.agency_id, epoch=self.epoch, kind=self.kind, grant_id=self.id,
        )  # fmt: skip


@dataclass(frozen=True, repr=False)
class OpenGrant:
    """A grant with both of its locks open, in memory."""

    grant: Grant
    hub_id: bytes
    key: bytes
    release: bytes

    def __repr__(self) -> str:
        return f"<open grant {self.grant.kind}>"

    def share(self, section_key: bytes, *, part: str, revision: int) -> bytes:
        """Return the share of a part's key: header, 10 random bytes, ciphertext and tag; 60 bytes in all."""
        salt = os.urandom(SALT)
        key, nonce, bound = self._derived(salt, part, revision)
        return formats.header(SHARE) + salt + aead.encrypt_with(key, nonce, section_key, bound)

    def open_share(self, wrapped: bytes, *, part: str, revision: int) -> bytes:
        """Return the section key in a share.

        Raises:
            errors.CannotOpen: another grant, part or revision, another release secret, or changed bytes.
        """
        body = formats.body_of(wrapped, SHARE, at_least=SALT + KEY + TAG)
        key, nonce, bound = self._derived(body[:SALT], part, revision)
        return aead.decrypt_with(key, nonce, body[SALT:], bound, what="share")

    def _derived(self, salt: bytes, part: str, revision: int) -> tuple[bytes, bytes, bytes]:
        bound = self.grant.context(self.hub_id, "share", part=part, revision=revision).bound(SHARE)
        derived = kdf.hkdf(self.key, salt=self.release, info=salt + bound, length=KEY + NONCE)
        return derived[:KEY], derived[KEY:], bound


@dataclass(frozen=True, repr=False)
class SealedGrant:
    """A grant with both locks closed, as the database has it."""

    grant: Grant
    key_wrap: bytes
    release_locked: bytes

    def open(self, hub: HubKeys, bundle: Bundle) -> OpenGrant:
        """Return the grant opened with the hub's key and the agency's.

        Raises:
            errors.CannotOpen: either lock belongs to another grant, epoch or hub, or was changed.
        """
        key = _open_key(bundle, self.key_wrap, self.grant.context(hub.hub_id, "grant"))
        release = hub.unlock(Use.RELEASE, self.release_locked, "grant", self.grant.id)
        return OpenGrant(grant=self.grant, hub_id=hub.hub_id, key=key, release=release)


@dataclass(frozen=True, repr=False)
class NewGrant:
    """A grant that was just made: open, and as its rows will have it."""

    opened: OpenGrant
    key_wrap: bytes
    release_locked: bytes


def make(
    *, hub: HubKeys, holder: EpochPublic | Bundle, object_kind: ObjectKind, object_id: uuid.UUID, kind: GrantKind, revision: int, now: datetime,
    key: bytes | None = None, standing: Standing = Standing.LIVE,
) -> NewGrant:  # fmt: skip
    """Make a grant in memory; `store` inserts it.

    A grant of the sealing member's own agency is made with its opened `Bundle`, any other with the public record of the other's epoch.
    `key` is given only where two agencies share one (threads).
    """
    grant = Grant(
        id=uuid7(now), object_kind=object_kind, object_id=object_id, agency_id=holder.agency_id, epoch=holder.epoch, kind=kind, revision=revision,
        standing=standing,
    )  # fmt: skip
    opened = OpenGrant(grant=grant, hub_id=hub.hub_id, key=key or aead.new_key(), release=aead.new_key())
    wrap = _wrap_key(holder, opened.key, grant.context(hub.hub_id, "grant"))
    return NewGrant(opened=opened, key_wrap=wrap, release_locked=hub.lock(Use.RELEASE, opened.release, "grant", grant.id))


def store(session: Session, made: Collection[NewGrant]) -> None:
    """Insert the rows of new grants and of their release secrets."""
    rows = [_row(new.opened.grant) | {"key_wrap": new.key_wrap} for new in made]
    _GRANTS.insert(session, rows, [{"grant_id": new.opened.grant.id, "locked": new.release_locked} for new in made])


_GRANTS = Written(GrantRow.__table__, ReleaseRow.__table__)


def _wrap_key(holder: EpochPublic | Bundle, key: bytes, context: Context) -> bytes:
    if isinstance(holder, Bundle):
        return formats.header(OWN) + aead.encrypt(holder.own_key, key, context.bound(OWN))
    return hpke.seal(holder.public, key, context)


def _open_key(bundle: Bundle, wrap: bytes, context: Context) -> bytes:
    if wrap[1:2] == bytes((OWN,)):
        return aead.decrypt(bundle.own_key, formats.body_of(wrap, OWN), context.bound(OWN), what="grant")
    return bundle.key.open(wrap, context)


def grants_of(session: Session, *, object_kind: ObjectKind, object_id: uuid.UUID, agency_id: uuid.UUID | None = None) -> tuple[Grant, ...]:
    """Return the grants of an object with their sections, oldest first, without any key: facts for a decision."""
    named = select(func.array_agg(SHARES.c.part.distinct())).where(SHARES.c.grant_id == GrantRow.id).scalar_subquery()
    query = select(*GRANT_COLUMNS, named.label("sections")).where(GrantRow.object_id == object_id, GrantRow.object_kind == object_kind).order_by(GrantRow.id)
    if agency_id is not None:
        query = query.where(GrantRow.agency_id == agency_id)
    return tuple(replace(grant_from(row), sections=tuple(sorted(row.sections or ()))) for row in session.execute(query))


def live_objects(session: Session, *, object_kind: ObjectKind, object_ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Return which of these objects have a grant that is live, without any key."""
    if not object_ids:
        return frozenset()
    query = select(GrantRow.object_id).where(GrantRow.object_id.in_(object_ids), GrantRow.object_kind == object_kind, GrantRow.standing == Standing.LIVE)
    return frozenset(session.scalars(query))


def set_object_standing(session: Session, *, object_kind: ObjectKind, object_ids: Collection[uuid.UUID], standing: Standing) -> None:
    """Set the standing of every grant of these objects that is not revoked. Raises ValueError like `set_standing`."""
    of_these = select(GrantRow.id).where(GrantRow.object_id.in_(object_ids), GrantRow.object_kind == object_kind)
    set_standing(session, grant_ids=session.scalars(of_these).all(), standing=standing)


def set_standing(session: Session, *, grant_ids: Collection[uuid.UUID], standing: Standing, until: datetime | None = None) -> None:
    """Set standing and end of grants that are not revoked. Ending them for good is `revoke`.

    Raises:
        ValueError: `standing` is revoked.
    """
    if standing == Standing.REVOKED:
        raise ValueError(standing)
    _STANDING.run(session, grant_ids=list(grant_ids), to=standing, end=until)


_STANDING = Fixed(
    update(GrantRow)
    .where(GrantRow.id == func.any(bindparam("grant_ids", type_=ARRAY(Uuid))), GrantRow.standing != Standing.REVOKED.value)
    .values(standing=bindparam("to"), until=bindparam("end"))
)


def revoke(session: Session, *, grant_ids: Collection[uuid.UUID], now: datetime, hub: HubKeys | None = None) -> int:
    """Destroy grants: delete their release secrets, write the outbox; return how many secrets were deleted.

    With `hub` their tombstones are written right after the commit; else, or if the file cannot be written then, by `tombstones.write_pending`.
    """
    if not grant_ids:
        return 0
    doomed = delete(ReleaseRow).where(ReleaseRow.grant_id.in_(grant_ids)).returning(ReleaseRow.grant_id)
    gone = session.scalars(doomed, execution_options={"synchronize_session": False}).all()
    standing = update(GrantRow).where(GrantRow.id.in_(grant_ids)).values(standing=Standing.REVOKED)
    session.execute(standing, execution_options={"synchronize_session": False})
    rows = [{"grant_id": grant_id, "destroyed_at": now} for grant_id in grant_ids]
    session.execute(upsert(TombstoneRow).on_conflict_do_nothing(), rows)
    if hub is not None and hub.tombstone_file is not None:
        file, marks = hub.tombstone_file, [(grant_id, now) for grant_id in grant_ids]
        after_commit(session, lambda: tombstones.append_if_possible(file, marks))
    return len(gone)


def revoke_object(
    session: Session, *, object_kind: ObjectKind, object_id: uuid.UUID, now: datetime, agency_id: uuid.UUID | None = None,
    hub: HubKeys | None = None,
) -> int:  # fmt: skip
    """Destroy all grants of an object, or those of one agency; return how many release secrets were deleted."""
    found = grants_of(session, object_kind=object_kind, object_id=object_id, agency_id=agency_id)
    return revoke(session, grant_ids=[g.id for g in found if g.standing != Standing.REVOKED], now=now, hub=hub)


GRANT_COLUMNS: Final = (
    GrantRow.id, GrantRow.object_kind, GrantRow.object_id, GrantRow.agency_id, GrantRow.epoch, GrantRow.kind, GrantRow.revision,
    GrantRow.standing, GrantRow.until,
)  # fmt: skip
SEALED_COLUMNS: Final = (*GRANT_COLUMNS, GrantRow.key_wrap, ReleaseRow.locked)


def grant_from(row: Row[*tuple[Any, ...]]) -> Grant:
    """Return the grant of a row that has the `GRANT_COLUMNS`.

    Raises:
        errors.CannotOpen: a kind or standing that does not exist.
    """
    try:
        kind, standing = GrantKind(row.kind), Standing(row.standing)
    except ValueError:
        raise errors.CannotOpen(what="grant") from None
    return Grant(
        id=row.id, object_kind=row.object_kind, object_id=row.object_id, agency_id=row.agency_id, epoch=row.epoch, kind=kind,
        revision=row.revision, standing=standing, until=row.until,
    )  # fmt: skip


def sealed_from(row: Row[*tuple[Any, ...]]) -> SealedGrant:
    """Return the sealed grant of a row that has the `SEALED_COLUMNS`; raises like `grant_from`."""
    return SealedGrant(grant=grant_from(row), key_wrap=row.key_wrap, release_locked=row.locked)


def _row(grant: Grant) -> dict[str, object]:
    return {
        "id": grant.id, "object_kind": grant.object_kind, "object_id": grant.object_id, "agency_id": grant.agency_id, "epoch": grant.epoch,
        "kind": grant.kind, "revision": grant.revision, "standing": grant.standing, "until": grant.until,
    }  # fmt: skip
