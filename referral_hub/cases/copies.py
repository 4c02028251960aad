"""Copies: sections of a referral that its recipient keeps in a file of its own. Each is sealed under a grant of its own, so that it can end alone.

A copy lies in the file like a section as long as the file has none of its own (`homes`). What is written on it stays with it: a withdrawal
reaches the whole. Until the recipient has said what becomes of them, copies of what was taken back are held: nothing opens them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select

from referral_hub.cases import rules
from referral_hub.cases.facts import Copy, SectionState
from referral_hub.cases.records import CopyRow
from referral_hub.db.fixed import Fixed
from referral_hub.vault import grants, parts
from referral_hub.vault.grants import ObjectKind, Standing

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from referral_hub.vault.hub import HubKeys


@dataclass(frozen=True)
class Home:
    """Where a section of a file lies, and how."""

    object_kind: ObjectKind
    object_id: uuid.UUID
    state: SectionState


def of_case(session: Session, case_id: uuid.UUID, *, lock: str = "") -> tuple[Copy, ...]:
    """Return the copies in a file, in the order of the form; `lock` as for `scope.find`, so that a withdrawal comes before or after."""
    return _copies(session, _OF_CASE[lock].all(session, place=case_id))


def of_referral(session: Session, referral_id: uuid.UUID, *, lock: str = "") -> tuple[Copy, ...]:
    """Return the copies that its recipient made of a referral, in the order of the form."""
    return _copies(session, _OF_REFERRAL[lock].all(session, place=referral_id))


def homes(session: Session, case_id: uuid.UUID, *, lock: str = "") -> dict[str, Home]:
    """Return where each filled section of the person lies: in the file, else in the newest copy that is not held."""
    found = {}
    copied = [one for one in of_case(session, case_id, lock=lock) if not one.held]
    newest = parts.revisions_of(session, object_kind=ObjectKind.COPY, object_ids=[one.id for one in copied])
    for copy in sorted(copied, key=lambda one: one.id):
        lies = newest[copy.id]
        state = SectionState(copy.section, lies.revision, lies.author, lies.at, copy)
        found[copy.section] = Home(ObjectKind.COPY, copy.id, state)
    for code, part in parts.revisions(session, object_kind=ObjectKind.CASE, object_id=case_id).items():
        found[code] = Home(ObjectKind.CASE, case_id, SectionState(code, part.revision, part.author, part.at))
    return {code: found[code] for code in rules.sections_of_person() if code in found}


def aside(session: Session, case_id: uuid.UUID, copy_id: uuid.UUID) -> dict[str, Home]:
    """Return where one copy of a file lies, by its section; nothing where the file has no such copy, or it is held."""
    copy = next((one for one in of_case(session, case_id, lock="share") if one.id == copy_id and not one.held), None)
    if copy is None:
        return {}
    lies = parts.revisions_of(session, object_kind=ObjectKind.COPY, object_ids=[copy.id])[copy.id]
    return {copy.section: Home(ObjectKind.COPY, copy.id, SectionState(copy.section, lies.revision, lies.author, lies.at, copy))}


def hold(session: Session, *, referral_id: uuid.UUID, leave: Collection[str] = ()) -> tuple[str, ...]:
    """Close the copies of a referral whose sections are not in `leave`, until `release` or `destroy`; return their sections."""
    return _set(session, [c for c in of_referral(session, referral_id, lock="update") if not c.held and c.section not in leave], Standing.SUSPENDED)


def release(session: Session, *, referral_id: uuid.UUID) -> tuple[str, ...]:
    """Open again what was held, because a law keeps it; return the sections."""
    return _set(session, [c for c in of_referral(session, referral_id, lock="update") if c.held], Standing.LIVE)


def destroy(session: Session, *, hub: HubKeys, copies: Collection[Copy], now: datetime) -> tuple[str, ...]:
    """Destroy copies with their keys; no backup of the database brings them back. Return their sections."""
    for copy in copies:
        grants.revoke_object(session, object_kind=ObjectKind.COPY, object_id=copy.id, now=now, hub=hub)
    session.execute(delete(CopyRow).where(CopyRow.id.in_([copy.id for copy in copies])))
    return tuple(sorted(copy.section for copy in copies))


def _set(session: Session, copies: list[Copy], standing: Standing) -> tuple[str, ...]:
    grants.set_object_standing(session, object_kind=ObjectKind.COPY, object_ids=[copy.id for copy in copies], standing=standing)
    return tuple(sorted(copy.section for copy in copies))


def _locking(place: ColumnElement[uuid.UUID]) -> dict[str, Fixed]:
    """Return the select of copies by what they belong to, for each lock."""
    query = select(*CopyRow.__table__.c).where(place == bindparam("place")).order_by(CopyRow.id)
    return {"": Fixed(query), "share": Fixed(query.with_for_update(read=True)), "update": Fixed(query.with_for_update())}


_OF_CASE, _OF_REFERRAL = _locking(CopyRow.__table__.c.case_id), _locking(CopyRow.__table__.c.referral_id)


def _copies(session: Session, rows: list[Any]) -> tuple[Copy, ...]:
    live = grants.live_objects(session, object_kind=ObjectKind.COPY, object_ids=[row.id for row in rows])
    order = rules.sections_in_order()
    found = (Copy(row.id, row.case_id, row.referral_id, row.section, row.revision, row.id not in live) for row in rows)
    return tuple(sorted(found, key=lambda copy: order.index(copy.section)))
