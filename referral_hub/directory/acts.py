"""The four beats of a verb on one agency's row: find and lock · decide · (the rule and the change are the verb's) · record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import access, audit, errors
from referral_hub.access import outside_cases
from referral_hub.directory.records import AgencyRow
from referral_hub.directory.rows import agency_snapshot

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision, Verb
    from referral_hub.directory.facts import Agency


@dataclass(frozen=True)
class Act:
    """One act on one agency's row, found, locked and decided."""

    session: Session
    row: AgencyRow
    actor: Actor
    verb: Verb
    decision: Decision
    now: datetime
    request_id: str

    def done(self) -> Agency:
        """Move the row's version, flush, record the entry, and return the agency as it is now."""
        self.row.version += 1
        return self.recorded()

    def recorded(self) -> Agency:
        """Flush, record the entry, and return the agency as it is now."""
        self.session.flush()
        entry = audit.entry_for(
            self.actor,
            self.verb,
            now=self.now,
            decision=self.decision,
            object_kind="agency",
            object_id=self.row.id,
            object_version=self.row.version,
            request_id=self.request_id,
        )
        audit.record(self.session, entry)
        return agency_snapshot(self.row)


def begin(session: Session, *, actor: Actor, verb: Verb, agency_id: uuid.UUID, version: int | None, now: datetime, request_id: str) -> Act:
    """Return the act on the agency's row, locked. `version` None: the form showed no version.

    Raises:
        errors.NotFound: no such agency. errors.NotAllowed: the policy refused. errors.StaleVersion: the row changed meanwhile.
    """
    query = select(AgencyRow).where(AgencyRow.id == agency_id).with_for_update().execution_options(populate_existing=True)
    row = session.scalars(query).one_or_none()
    if row is None:
        raise errors.NotFound
    target = outside_cases("agency", same_agency=row.id == actor.agency_id, agency_active=row.state == "active", state=row.state)
    decision = access.require(actor, verb, target)
    if version is not None and row.version != version:
        raise errors.StaleVersion
    return Act(session, row, actor, verb, decision, now, request_id)
