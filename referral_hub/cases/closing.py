"""A file ends: with a coded reason, which is sealed like everything about her; from then on it is read only.

Only the referrals room closes a file (`referrals.actions.close_case`): it knows which referrals are still open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import errors, protocol
from referral_hub.access import Verb
from referral_hub.cases import acting, rules, statistics
from referral_hub.vault import parts
from referral_hub.vault.grants import ObjectKind
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.cases.facts import Case
    from referral_hub.vault.keyring import Keyring

LAST_STAGE = "termination"
NOTE_MAX = 2000


def check_reason(reason: str, note: str) -> None:
    """Refuse a reason that termination_reasons.yaml does not have, or too long a note. Raises errors.InputInvalid: `reason`, `note`."""
    amiss = {}
    if reason not in protocol.current().codelist("termination_reasons"):
        amiss["reason"] = ("not_a_code",) if reason else ("required",)
    if len(note.strip()) > NOTE_MAX:
        amiss["note"] = ("too_long",)
    if amiss:
        raise errors.InputInvalid(amiss)


def close(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    case_id: uuid.UUID,
    reason: str,
    note: str,
    version: int,
    nothing_open: Callable[[], None],
    now: datetime,
    request_id: str = "",
) -> Case:
    """Close a file; `case.close`. For the referrals room, inside its act.

    `nothing_open` is asked once the file is locked, when nobody can begin a referral any more; it raises what refuses.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused. errors.StaleVersion: the row changed meanwhile.
        errors.RuleBroken: it is closed (`wrong_state`). errors.InputInvalid: as `check_reason`.
    """
    found, decision = acting.begin(session, actor=actor, keys=keys, case_id=case_id, verb=Verb.CASE_CLOSE, version=version)
    check_reason(reason, note)
    nothing_open()
    row, content = found.row, {"reason": reason} | ({"note": note.strip()} if note.strip() else {})
    parts.seal_parts(
        session, keys=keys, agency_id=row.agency_id, object_kind=ObjectKind.CASE, object_id=row.id,
        contents={rules.CLOSING: Plain.of(content)}, now=now,
    )  # fmt: skip
    row.closed_at, row.stage = now, LAST_STAGE
    ended = {"closing_reason": reason}
    statistics.follow(session, actor=actor, keys=keys, case_id=case_id, decision=decision, now=now, request_id=request_id, known=ended)
    return acting.changed(session, found, actor=actor, keys=keys, verb=Verb.CASE_CLOSE, decision=decision, now=now, request_id=request_id)
