"""The statistical record of a file: one, coded, locked under the hub's key, and found from the sealed file only (stat_record.yaml).

The row has a random id and no time. The id stands sealed in the file: so its agency can replace or delete the record, and nobody goes from
the record to the file. The entry says that it was done and names no record. PostgreSQL marks each row with the transaction that wrote it, and
keeps rows in the order of their writing: so every record is written together with others, in a drawn order.
"""

from __future__ import annotations

import json
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from referral_hub import audit
from referral_hub.cases import counted, reading, rules, scope
from referral_hub.cases.records import StatRow
from referral_hub.consent import counting
from referral_hub.directory import queries as directory
from referral_hub.vault import formats, parts
from referral_hub.vault.grants import ObjectKind
from referral_hub.vault.hub import Use
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.cases.records import CaseRow
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.keyring import Keyring

MADE, REMOVED = "case.stat_record", "case.stat_record_remove"
_PLACE = "stat_record"
_COMPANY = 15  # records that are written again with a new one
_TABLE = StatRow.metadata.tables[StatRow.__tablename__]
_AGAIN = update(_TABLE).where(_TABLE.c.id == bindparam("place")).values(locked=_TABLE.c.locked)


def follow(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    case_id: uuid.UUID,
    now: datetime,
    request_id: str = "",
    decision: Decision | None = None,
    known: Mapping[str, Any] | None = None,
    may_make: bool = True,
) -> bool:
    """Let the record follow the file inside an act that seals or records something; tell whether one stands now.

    With her yes it is made, or replaced; without, a record that stands is deleted. One entry where anything changed, under the
    `decision` of the act that brought it about. `known`: fields of `counted.OF_REFERRALS` or `closing_reason` as they are now, others stay; `may_make` False: only delete.

    Raises:
        errors.NotFound: no such case at the agency. errors.CannotOpen: the file or the record does not verify.
    """
    allowed = counting.may_count(session, case_id)
    if allowed and not may_make:
        return True
    if not allowed and not reading.has_part(session, case_id=case_id, part=rules.STATISTICS):
        return False
    row = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="update").row
    before = _record_id(session, row, keys=keys, now=now)
    if not allowed and before is None:
        return False  # deleted before
    earlier = _delete(session, keys.hub, before)
    made = _insert(session, keys.hub, _content(session, row, actor=actor, keys=keys, now=now, known=earlier | dict(known or {}))) if allowed else None
    sealed = Plain.of({"record": str(made) if made else ""})
    parts.seal_parts(
        session, keys=keys, agency_id=row.agency_id, object_kind=ObjectKind.CASE, object_id=row.id, contents={rules.STATISTICS: sealed}, now=now
    )
    facts = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id).facts
    verb = MADE if made else REMOVED
    audit.record(session, audit.entry_for(actor, verb, now=now, decision=decision, request_id=request_id, **facts))
    return made is not None


def concerns(session: Session, case_id: uuid.UUID) -> bool:
    """Tell whether a file has to do with a record at all: she said yes, or one was made once. Nothing is opened."""
    return counting.may_count(session, case_id) or reading.has_part(session, case_id=case_id, part=rules.STATISTICS)


def content_of(hub: HubKeys, record_id: uuid.UUID, locked: bytes) -> dict[str, Any]:
    """Return the coded fields of a record. Raises errors.CannotOpen."""
    plain: dict[str, Any] = json.loads(formats.unpad(hub.unlock(Use.STATS, locked, _PLACE, record_id)))
    return plain


def _record_id(session: Session, row: CaseRow, *, keys: Keyring, now: datetime) -> uuid.UUID | None:
    sealed, _ = reading.part_now(session, keys=keys, agency_id=row.agency_id, case_id=row.id, part=rules.STATISTICS, now=now)
    return uuid.UUID(sealed["record"]) if sealed.get("record") else None


def _content(
    session: Session, row: CaseRow, *, actor: Actor, keys: Keyring, now: datetime, known: Mapping[str, Any]
) -> dict[str, Any]:
    person, _ = reading.open_now(session, keys=keys, agency_id=row.agency_id, case_id=row.id, sections=counted.SECTIONS, now=now)
    opened = rules.local_day(row.opened_at, actor.timezone)
    period = str(known.get("period") or f"{opened:%Y-%m}")
    region = directory.agency(session, row.agency_id).region
    return counted.record(person, period=period, region=region, on=opened, known={k: v for k, v in known.items() if k != "period"})


def _insert(session: Session, hub: HubKeys, content: Mapping[str, Any]) -> uuid.UUID:
    record_id = uuid.uuid4()  # random and not ordered by time
    plain = formats.pad(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
    session.execute(insert(StatRow).values(id=record_id, locked=hub.lock(Use.STATS, plain, _PLACE, record_id)))
    _write_among_others(session, record_id)
    return record_id


def _write_among_others(session: Session, record_id: uuid.UUID) -> None:
    """Write a new record and some others again in this transaction, one by one in a drawn order; who is busy with one is not waited for."""
    others = select(StatRow.id).where(StatRow.id != record_id).limit(_COMPANY).with_for_update(skip_locked=True)
    drawn = uuid.uuid4()
    found = [record_id, *session.scalars(others.where(StatRow.id >= drawn).order_by(StatRow.id))]
    if len(found) <= _COMPANY:
        found += session.scalars(others.where(StatRow.id < drawn).order_by(StatRow.id))
    secrets.SystemRandom().shuffle(found)
    session.execute(_AGAIN, [{"place": one} for one in found])


def _delete(session: Session, hub: HubKeys, record_id: uuid.UUID | None) -> dict[str, Any]:
    """Delete a record; return of it what the file itself does not tell."""
    locked = session.scalar(select(StatRow.locked).where(StatRow.id == record_id)) if record_id else None
    if record_id is None or locked is None:
        return {}
    kept = {*counted.OF_REFERRALS, "closing_reason"}
    found = {code: value for code, value in content_of(hub, record_id, locked).items() if code in kept}
    session.execute(delete(StatRow).where(StatRow.id == record_id))
    return found
