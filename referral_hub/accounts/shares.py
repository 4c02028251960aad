"""Whether a member holds a share of the agency's key, as a condition inside a select of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Integer, Uuid, column, exists, func, select, table

if TYPE_CHECKING:
    import uuid

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute

    _Id = ColumnElement[uuid.UUID] | InstrumentedAttribute[uuid.UUID]

_SHARE = table("epoch_share", column("agency_id", Uuid()), column("member_id", Uuid()), column("epoch", Integer()))
_EPOCH = table("agency_epoch", column("agency_id", Uuid()), column("epoch", Integer()))


def holds_key(agency_id: _Id, member_id: _Id) -> ColumnElement[bool]:
    """Return the condition that a share of the agency's current epoch exists for the member."""
    newest = select(func.max(_EPOCH.c.epoch)).where(_EPOCH.c.agency_id == _SHARE.c.agency_id).scalar_subquery()
    return exists().where(_SHARE.c.agency_id == agency_id, _SHARE.c.member_id == member_id, _SHARE.c.epoch == newest)
