"""Parts: sealed revisions of content. Here those of an agency's own objects (case sections, drafts), under its own grant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from referral_hub.db.fixed import Fixed
from referral_hub.db.written import Written
from referral_hub.vault import aead, agency, formats, grants
from referral_hub.vault.formats import Context
from referral_hub.vault.grants import SEALED_COLUMNS, GrantKind, OpenGrant, Standing
from referral_hub.vault.plain import Plain
from referral_hub.vault.records import SHARES, GrantRow, PartRow, ReleaseRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.epochs import Bundle
    from referral_hub.vault.grants import ObjectKind
    from referral_hub.vault.keyring import Keyring

CHUNK: Final = 1996   # what PostgreSQL stores as one piece out of line (TOAST_MAX_CHUNK_SIZE at 8 KiB pages)


@dataclass(frozen=True)
class Place:
    """Where a part belongs, and by whom it was sealed: agency and epoch of the sealing member."""

    object_kind: str
    object_id: uuid.UUID
    part: str
    revision: int
    agency_id: uuid.UUID
    epoch: int

    def context(self, hub_id: bytes) -> Context:
        """Return what the part's ciphertext is bound to."""
        return Context(
            purpose="part", hub_id=hub_id, object_kind=self.object_kind, object_id=self.object_id, part=self.part, revision=self.revision,
            agency_id=self.agency_id, epoch=self.epoch,
        )  # fmt: skip


@dataclass(frozen=True)
class Sealed:
    """A part that was just sealed."""

    part: str
    revision: int
    digest: bytes
    size_bucket: int


@dataclass(frozen=True)
class Revision:
    """The newest revision of a part, known without opening it."""

    part: str
    revision: int
    author: uuid.UUID
    at: datetime
    size_bucket: int


def seal_content(section_key: bytes, content: Plain, *, hub_id: bytes, place: Place) -> bytes:
    """Return `content` padded to its bucket and sealed under `section_key` for `place`."""
    return aead.seal(section_key, formats.pad(content.value()), place.context(hub_id))


def open_content(section_key: bytes, ciphertext: bytes, *, hub_id: bytes, place: Place) -> Plain:
    """Return what `seal_content` sealed; raises errors.CannotOpen for another key or place, or changed bytes."""
    return Plain(formats.unpad(aead.open_sealed(section_key, ciphertext, place.context(hub_id))))


def seal_parts(
    session: Session, *, keys: Keyring, agency_id: uuid.UUID, object_kind: ObjectKind, object_id: uuid.UUID, contents: Mapping[str, Plain],
    now: datetime,
) -> dict[str, Sealed]:  # fmt: skip
    """Seal a new revision of each part in `contents` under the own grant of the agency's current epoch, made with the first part.

    The caller holds the lock of the object's row. Returns what was sealed, by part.

    Raises:
        errors.NotAllowed: `key_not_held`. errors.RuleBroken: `no_agency_key`. errors.CannotOpen: no share, or tampered with.
    """
    published = agency.current_epoch(session, hub=keys.hub, agency_id=agency_id)
    bundle = keys.bundle(session, agency_id, published.epoch)
    opened = _own_grant(session, keys=keys, bundle=bundle, object_kind=object_kind, object_id=object_id, now=now)
    before = _newest(session, object_kind, object_id, contents)
    places = [Place(object_kind, object_id, part, before.get(part, 0) + 1, agency_id, bundle.epoch) for part in sorted(contents)]
    sealed = store(session, keys=keys, contents=[(place, contents[place.part], [opened]) for place in places], now=now)
    return {s.part: s for s in sealed}


def store(
    session: Session, *, keys: Keyring, contents: Iterable[tuple[Place, Plain, Collection[OpenGrant]]], now: datetime,
) -> list[Sealed]:  # fmt: skip
    """Seal each content under a key of its own, with a share for each of its grants; insert the rows; return what was sealed, in order."""
    made, part_rows, share_rows = [], [], []
    for place, content, holders in contents:
        section_key = aead.new_key()
        ciphertext = seal_content(section_key, content, hub_id=keys.hub.hub_id, place=place)
        made.append(Sealed(place.part, place.revision, hashlib.sha256(ciphertext).digest(), formats.bucket_of(len(content))))
        part_rows.append(_part_row(place, ciphertext) | {"size_bucket": made[-1].size_bucket, "author": keys.member_id, "sealed_at": now})
        for holder in holders:
            wrapped = holder.share(section_key, part=place.part, revision=place.revision)
            share_rows.append({"grant_id": holder.grant.id, "part": place.part, "revision": place.revision, "wrapped": wrapped})
    _PARTS.insert(session, part_rows, share_rows)
    return made


_PARTS = Written(PartRow.__table__, SHARES)


def share_anew(session: Session, kept: Iterable[tuple[Place, bytes, Collection[OpenGrant]]]) -> None:
    """Give further grants a share of parts that are sealed already: of each its place, its section key, and the grants."""
    rows = [
        {"grant_id": holder.grant.id, "part": place.part, "revision": place.revision,
         "wrapped": holder.share(section_key, part=place.part, revision=place.revision)}
        for place, section_key, holders in kept for holder in holders
    ]  # fmt: skip
    if rows:
        session.execute(insert(SHARES), rows)


def revisions(session: Session, *, object_kind: ObjectKind, object_id: uuid.UUID) -> dict[str, Revision]:
    """Return the newest revision of each part of an object, by part, without opening anything."""
    rows = _REVISIONS.all(session, object_id=object_id, object_kind=object_kind)
    return {row.part: Revision(*row) for row in rows}


_REVISIONS = Fixed(
    select(PartRow.part, PartRow.revision, PartRow.author, PartRow.sealed_at, PartRow.size_bucket)
    .where(PartRow.object_id == bindparam("object_id"), PartRow.object_kind == bindparam("object_kind"))
    .ext(distinct_on(PartRow.part))
    .order_by(PartRow.part, PartRow.revision.desc())
)


def has(session: Session, *, object_kind: ObjectKind, object_id: uuid.UUID, part: str) -> bool:
    """Tell whether an object has such a part, without opening anything."""
    return bool(_HAS.all(session, object_id=object_id, object_kind=object_kind, part=part))


_HAS = Fixed(
    select(PartRow.revision)
    .where(PartRow.object_id == bindparam("object_id"), PartRow.object_kind == bindparam("object_kind"), PartRow.part == bindparam("part"))
    .limit(1)
)


def revisions_of(session: Session, *, object_kind: ObjectKind, object_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Revision]:
    """Return the newest revision of objects that have one part each, by object, without opening anything."""
    if not object_ids:
        return {}
    columns = (PartRow.part, PartRow.revision, PartRow.author, PartRow.sealed_at, PartRow.size_bucket)
    query = select(PartRow.object_id, *columns).where(PartRow.object_id.in_(object_ids), PartRow.object_kind == object_kind)
    newest = query.ext(distinct_on(PartRow.object_id)).order_by(PartRow.object_id, PartRow.revision.desc())
    rows = session.execute(newest)
    return {row.object_id: Revision(row.part, row.revision, row.author, row.sealed_at, row.size_bucket) for row in rows}


def _newest(session: Session, object_kind: ObjectKind, object_id: uuid.UUID, parts: Collection[str]) -> dict[str, int]:
    query = select(PartRow.part, func.max(PartRow.revision).label("newest")).where(
        PartRow.object_id == object_id, PartRow.object_kind == object_kind, PartRow.part.in_(parts)
    )
    return {row.part: row.newest for row in session.execute(query.group_by(PartRow.part))}


def _own_grant(
    session: Session, *, keys: Keyring, bundle: Bundle, object_kind: ObjectKind, object_id: uuid.UUID, now: datetime,
) -> OpenGrant:  # fmt: skip
    """Return the own grant of the current epoch, open: the one that stands, or a new one."""
    query = select(*SEALED_COLUMNS).join(ReleaseRow, ReleaseRow.grant_id == GrantRow.id).where(
        GrantRow.object_id == object_id, GrantRow.object_kind == object_kind, GrantRow.agency_id == bundle.agency_id,
        GrantRow.kind == GrantKind.OWN, GrantRow.epoch == bundle.epoch, GrantRow.standing == Standing.LIVE,
    )  # fmt: skip
    row = session.execute(query.order_by(GrantRow.id.desc()).limit(1)).one_or_none()
    if row is not None:
        return grants.sealed_from(row).open(keys.hub, bundle)
    new = grants.make(hub=keys.hub, holder=bundle, object_kind=object_kind, object_id=object_id, kind=GrantKind.OWN, revision=0, now=now)
    grants.store(session, [new])
    return new.opened


def _part_row(place: Place, ciphertext: bytes) -> dict[str, object]:
    cut = len(ciphertext) % CHUNK
    return {
        "object_kind": place.object_kind, "object_id": place.object_id, "part": place.part, "revision": place.revision,
        "agency_id": place.agency_id, "epoch": place.epoch, "head": ciphertext[:cut], "body": ciphertext[cut:],
    }  # fmt: skip
