"""What the referrals of a file add to its statistical record: which services were needed, given or missing, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from referral_hub import protocol
from referral_hub.cases import counted, statistics
from referral_hub.referrals.records import ReferralRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from referral_hub.referrals.firing import Act

SERVED = "served"
_STAGES = ("lp_issued", "investigation", "p21")  # milestones of police, in order: reported, investigation, p21
_STAGE_OF = {"lp_issued": "reported", "investigation": "investigation", "p21": "p21"}
_RESULTS = {"returned_home": "returned", "family_rejects": "alternative", "alternative_placement": "alternative"}


def follow_sending(session: Session, act: Act, row: ReferralRow) -> None:
    """Make or replace a file's statistical record while `row` is sealed for its recipient, if she said yes; delete it if she said no."""
    if not statistics.concerns(session, row.case_id):
        return  # most files: none of their other referrals are read
    query = select(ReferralRow).where(ReferralRow.case_id == row.case_id, ReferralRow.sent_at.is_not(None), ReferralRow.id != row.id)
    rows = [*session.scalars(query.order_by(ReferralRow.sent_at)), row]
    _follow(session, act, row.case_id, known=_of_referrals(act, rows))


def follow_answer(session: Session, act: Act, case_id: uuid.UUID) -> None:
    """Delete a file's statistical record once she has said that she may not be counted, or has taken her yes back."""
    _follow(session, act, case_id, known={}, may_make=False)


def _follow(session: Session, act: Act, case_id: uuid.UUID, *, known: dict[str, Any], may_make: bool = True) -> None:
    statistics.follow(
        session, actor=act.actor, keys=act.keys, case_id=case_id, now=act.now, request_id=act.request_id, known=known, may_make=may_make
    )


def _of_referrals(act: Act, rows: list[ReferralRow]) -> dict[str, Any]:
    """Return the fields of the record that follow from the referrals of a file that were sent, the one that is sent now the last."""
    reached = {code for row in rows for code in row.milestones}
    ends = {row.outcome for row in rows if row.outcome}
    first = (rows[0].sent_at or act.now).astimezone(ZoneInfo(act.actor.timezone))
    return {
        "period": f"{first:%Y-%m}",
        "services_needed": _buckets(row.service for row in rows),
        "services_given": _buckets(row.service for row in rows if _counts(row.outcome)),
        "services_missing": _buckets(row.service for row in rows if _is_gap(row.decline_reason)),
        "police_stage": _police_stage(reached, ends),
        "return_result": next((_RESULTS[code] for code in _RESULTS if code in ends), ""),
        "family_assessed": "family_assessed" in reached,
        "retrafficked": "retrafficked" in ends,
    }


def _buckets(services: Iterable[str]) -> list[str]:
    return sorted({counted.bucket(service) for service in services} - {""})


def _counts(outcome: str | None) -> bool:
    item = protocol.current().codelist("outcomes").get(outcome or "")
    return item is not None and item.facts.get("counts_as") == SERVED


def _is_gap(reason: str | None) -> bool:
    item = protocol.current().codelist("decline_reasons").get(reason or "")
    return item is not None and bool(item.facts.get("counts_as_gap"))


def _police_stage(reached: set[str], ends: set[str]) -> str:
    if "verdict" in ends:
        return "verdict"
    if "sp3" in ends:
        return "stopped"
    last = next((code for code in reversed(_STAGES) if code in reached), "")
    return _STAGE_OF.get(last, "")
