"""From rows to values. Other rooms select an agency inside their own joined select with `columns` and `agency_of`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from referral_hub.directory.facts import Agency, Service, Unit
from referral_hub.directory.records import AgencyRow, ServiceRow, UnitRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute
    from sqlalchemy.sql.expression import FromClause

_AGENCY: tuple[InstrumentedAttribute[Any], ...] = (
    AgencyRow.id, AgencyRow.code, AgencyRow.name, AgencyRow.kind, AgencyRow.region, AgencyRow.coverage, AgencyRow.timezone, AgencyRow.hours,
    AgencyRow.government, AgencyRow.on_call_24h, AgencyRow.languages, AgencyRow.access, AgencyRow.disclosure, AgencyRow.tiers, AgencyRow.sectors,
    AgencyRow.exit_url, AgencyRow.state, AgencyRow.verified_at, AgencyRow.verified_by, AgencyRow.created_at, AgencyRow.version,
)  # fmt: skip
_NAMES = tuple(column.key for column in _AGENCY)
WIDTH = len(_AGENCY)


def table() -> FromClause:
    """Return the table of agencies, to join on its column `id`."""
    return AgencyRow.__table__


def columns() -> tuple[ColumnElement[Any], ...]:
    """Return the columns that `agency_of` reads, in its order."""
    return tuple(column.expression for column in _AGENCY)


def agency_of(row: Sequence[Any], start: int = 0) -> Agency:
    """Return the agency from a result row whose values of `columns()` begin at `start`."""
    return Agency(**dict(zip(_NAMES, map(_frozen, row[start : start + WIDTH]), strict=True)))


def agency_snapshot(row: AgencyRow) -> Agency:
    """Return the live row as a value."""
    return agency_of([getattr(row, name) for name in _NAMES])


def service_of(row: ServiceRow) -> Service:
    """Return the live row as a value."""
    return Service(
        id=row.id,
        agency_id=row.agency_id,
        code=row.code,
        hours=row.hours,
        closed=row.closed,
        capacity=row.capacity,
        slots=row.slots,
        capacity_as_of=row.capacity_as_of,
        sex=tuple(row.sex),
        age_min=row.age_min,
        age_max=row.age_max,
        bring=tuple(row.bring),
        note=row.note,
    )


def unit_of(row: UnitRow) -> Unit:
    """Return the live row as a value."""
    return Unit(id=row.id, agency_id=row.agency_id, code=row.code, name=row.name, on_duty=row.on_duty, active=row.active)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return MappingProxyType(value) if isinstance(value, dict) else value
