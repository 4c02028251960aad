"""Notes that both sides of a referral read: one thread key for a pair of epochs, granted to both agencies with the first note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from referral_hub.vault import aead, agency, grants, parts
from referral_hub.vault.grants import SEALED_COLUMNS, GrantKind, ObjectKind, OpenGrant, Standing
from referral_hub.vault.hub import Use
from referral_hub.vault.parts import Place
from referral_hub.vault.records import GrantRow, ReleaseRow

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.epochs import Bundle, EpochPublic
    from referral_hub.vault.keyring import Keyring
    from referral_hub.vault.parts import Sealed
    from referral_hub.vault.plain import Plain


def seal_note(
    session: Session, *, keys: Keyring, agency_id: uuid.UUID, other_agency_id: uuid.UUID, referral_id: uuid.UUID, part: str, content: Plain,
    now: datetime,
) -> Sealed:  # fmt: skip
    """Seal one note for both agencies, as revision 1 of `part` (a name of its own, e.g. `note.7`) of the thread of the referral.

    Raises:
        errors.NotAllowed: `key_not_held`. errors.RuleBroken: `no_agency_key` of either agency. errors.CannotOpen: no share, tampered with.
    """
    other = agency.current_epoch(session, hub=keys.hub, agency_id=other_agency_id)
    epoch = agency.current_epoch(session, hub=keys.hub, agency_id=agency_id).epoch
    bundle = keys.bundle(session, agency_id, epoch)
    pair = _open_pair(session, keys, referral_id, bundle, other) or _new_pair(session, keys, referral_id, bundle, other, now)
    place = Place(ObjectKind.THREAD, referral_id, part, 1, agency_id, epoch)
    return parts.store(session, keys=keys, contents=[(place, content, pair)], now=now)[0]


def _open_pair(
    session: Session, keys: Keyring, referral_id: uuid.UUID, mine: Bundle, other: EpochPublic,
) -> tuple[OpenGrant, OpenGrant] | None:  # fmt: skip
    """Return the newest pair of thread grants, if both stand and are of the current epochs."""
    query = select(*SEALED_COLUMNS).join(ReleaseRow, ReleaseRow.grant_id == GrantRow.id)
    newest = select(func.max(GrantRow.revision)).where(GrantRow.object_id == referral_id, GrantRow.kind == GrantKind.THREAD).scalar_subquery()
    query = query.where(
        GrantRow.object_id == referral_id, GrantRow.kind == GrantKind.THREAD, GrantRow.revision == newest, GrantRow.standing == Standing.LIVE
    )
    rows = {(row.agency_id, row.epoch): row for row in session.execute(query)}
    own, theirs = rows.get((mine.agency_id, mine.epoch)), rows.get((other.agency_id, other.epoch))
    if own is None or theirs is None:
        return None
    opened = grants.sealed_from(own).open(keys.hub, mine)
    release = keys.hub.unlock(Use.RELEASE, theirs.locked, "grant", theirs.id)
    return opened, OpenGrant(grant=grants.grant_from(theirs), hub_id=keys.hub.hub_id, key=opened.key, release=release)


def _new_pair(
    session: Session, keys: Keyring, referral_id: uuid.UUID, mine: Bundle, other: EpochPublic, now: datetime,
) -> tuple[OpenGrant, OpenGrant]:  # fmt: skip
    count = select(func.coalesce(func.max(GrantRow.revision), 0)).where(GrantRow.object_id == referral_id, GrantRow.kind == GrantKind.THREAD)
    number = (session.scalar(count) or 0) + 1
    key = aead.new_key()
    made = [
        grants.make(
            hub=keys.hub, holder=holder, object_kind=ObjectKind.THREAD, object_id=referral_id, kind=GrantKind.THREAD, revision=number, now=now,
            key=key,
        )
        for holder in (mine, other)
    ]  # fmt: skip
    grants.store(session, made)
    return made[0].opened, made[1].opened
