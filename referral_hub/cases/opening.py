"""A new file: empty, at the agency of whoever opens it, who is assigned. The entry belongs to the verb that opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import access, errors
from referral_hub.access import Target, Verb
from referral_hub.cases import rules, scope
from referral_hub.cases.aliases import alias_for
from referral_hub.cases.records import CaseMemberRow, CaseRow
from referral_hub.db import uuid7

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.cases.scope import Found
    from referral_hub.vault.keyring import Keyring


def new_file(session: Session, *, actor: Actor, keys: Keyring, now: datetime) -> tuple[Found, Decision]:
    """Open an empty file and return it with the decision that allowed it.

    Raises:
        errors.NotAllowed: the actor's roles open no cases.
    """
    decision = access.require(actor, Verb.CASE_OPEN, _BEFORE)
    if actor.agency_id is None or actor.member_id is None:
        raise errors.NotSignedIn
    today = rules.local_day(now, actor.timezone)
    row = CaseRow(
        id=uuid7(now),
        agency_id=actor.agency_id,
        stage=rules.FIRST_STAGE,
        opened_at=now,
        last_activity=today,
        minor=False,
        protected=False,
        second_person_needed=False,
        retention_until=rules.keep_until(last=today, minor=False, person={}),
        version=1,
    )
    session.add(row)
    session.flush()
    session.add(CaseMemberRow(case_id=row.id, member_id=actor.member_id))
    alias_for(session, case_id=row.id, agency_id=row.agency_id)
    return scope.find(session, hub=keys.hub, actor=actor, case_id=row.id, lock="update"), decision


_BEFORE = Target(
    kind="case", side="own", assigned=False, handled=False, state="", grant="none", consent="not_needed", conflict=False, blocked=False,
    minor=False, protected=False, agency_active=True, same_agency=True, is_self=False, invited_by_actor=False, sections=frozenset(), service="",
)  # fmt: skip
