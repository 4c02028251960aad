"""A file closes only when no referral of it is open: for each that is, somebody has said that it ends with the file (DOMAIN A 12, C24)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.cases import closing as files
from referral_hub.cases import queries as cases
from referral_hub.protocol import lifecycle
from referral_hub.referrals import scope
from referral_hub.referrals.actions.closing import close_upstream

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.cases.facts import Case
    from referral_hub.vault.keyring import Keyring

EVENT = "close_upstream"
NATURAL = {"death": "deceased", "moved_away": "moved_away", "better_agency": "better_placed"}  # termination reason → event reason


def close_case(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    case_id: uuid.UUID,
    version: int,
    reason: str,
    note: str = "",
    endings: Mapping[uuid.UUID, str] | None = None,
    request_id: str = "",
) -> Case:
    """Close a file with a coded reason, and end the referrals of it that are still open. `case.close`, and `referral.close_upstream` for each.

    `endings`: referral → its coded reason (event_reasons.yaml). A referral that is to be kept running, or that nobody has decided on, keeps
    the file open: nothing is done then.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused. errors.StaleVersion: the file changed meanwhile.
        errors.InputInvalid: `reason`, `note`, `event_reason`.
        errors.RuleBroken: `guard_failed`, a referral is open (fact `referrals`: their ids); `wrong_state`, the file is closed.
    """
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=case_id)
    access.require(actor, Verb.CASE_CLOSE, about.target)
    files.check_reason(reason, note)
    chosen = endings or {}
    if any(one not in reasons() for one in chosen.values()):
        raise errors.InputInvalid({"event_reason": ("not_a_code",)})
    running = scope.open_of_case(session, case_id=case_id)
    _check_decided(running, chosen)
    for referral_id, row_version in running.items():
        close_upstream(
            session, actor=actor, keys=keys, now=now, referral_id=referral_id, version=row_version, reason=chosen[referral_id], request_id=request_id
        )
    return files.close(
        session, actor=actor, keys=keys, case_id=case_id, reason=reason, note=note, version=version, now=now, request_id=request_id,
        nothing_open=lambda: _check_decided(scope.open_of_case(session, case_id=case_id), {}),
    )  # fmt: skip


def reasons() -> frozenset[str]:
    """Return the coded reasons for which a referral ends with its file."""
    return frozenset(item.code for item in lifecycle.choices(EVENT, "event_reason"))


def natural_reason(reason: str) -> str:
    """Return the reason that a referral most likely ends for when its file closes for `reason` (termination_reasons.yaml)."""
    return NATURAL.get(reason, "case_closed") if reason in protocol.current().codelist("termination_reasons") else "case_closed"


def _check_decided(running: Mapping[uuid.UUID, int], chosen: Mapping[uuid.UUID, str]) -> None:
    left = sorted(str(one) for one in running if one not in chosen)
    if left:
        raise errors.RuleBroken("guard_failed", referrals=left)
