"""How a finding moves: which step leads from which state to which, who takes it, how it may end; and what its texts may say. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN, ASSIGNED, EXPLAINED, CONFIRMED, ESCALATED, CLOSED = STATES = ("open", "assigned", "explained", "confirmed", "escalated", "closed")
ASSIGN, EXPLAIN, CONFIRM, ESCALATE, CLOSE = STEPS = ("assign", "explain", "confirm", "escalate", "close")
VERDICTS: Final = ("explained", "improve", "escalated")
ANSWER_WITHIN: Final = timedelta(days=7)
SHORTEST, LONGEST = 10, 2000

_MOVES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        ASSIGN: {OPEN: ASSIGNED, ASSIGNED: ASSIGNED, EXPLAINED: ASSIGNED, ESCALATED: ESCALATED},
        EXPLAIN: {OPEN: EXPLAINED, ASSIGNED: EXPLAINED, EXPLAINED: EXPLAINED, ESCALATED: ESCALATED},
        CONFIRM: {OPEN: CONFIRMED, ASSIGNED: CONFIRMED, EXPLAINED: CONFIRMED, ESCALATED: ESCALATED},
        ESCALATE: {OPEN: ESCALATED, ASSIGNED: ESCALATED, EXPLAINED: ESCALATED, CONFIRMED: ESCALATED},
        CLOSE: {EXPLAINED: CLOSED, CONFIRMED: CLOSED, ESCALATED: CLOSED},
    }
)
AUDITORS_ONLY: Final = frozenset({CONFIRM, CLOSE})
AGENCY_ONLY: Final = frozenset({EXPLAIN})
_NUMBER = re.compile(r"\d(?:[ .()/-]?\d){8,}")  # nine digits and more: a telephone number, a NIK
_MAIL = re.compile(r"\S@\S")


def after(step: str, state: str) -> str:
    """Return the state that `step` leads to.

    Raises:
        errors.RuleBroken: wrong_state (fact `state`).
    """
    found = _MOVES[step].get(state)
    if found is None:
        raise errors.RuleBroken("wrong_state", state=state)
    return found


def steps_from(state: str, *, auditor: bool, own_agency: bool, opened_it: bool) -> tuple[str, ...]:
    """Return the steps that somebody may take now: an auditor of the network, or an officer of the agency that the finding is about."""
    possible = [step for step in STEPS if state in _MOVES[step]]
    if not auditor:
        possible = [step for step in possible if step not in AUDITORS_ONLY]
    if not own_agency:
        possible = [step for step in possible if step not in AGENCY_ONLY]
    return tuple(step for step in possible if not (step == CLOSE and opened_it))


def endings(*, explained: bool, confirmed: bool) -> tuple[str, ...]:
    """Return the verdicts that the steps before allow."""
    return VERDICTS if explained and not confirmed else VERDICTS[1:]


def check_verdict(verdict: str, *, explained: bool, confirmed: bool) -> None:
    """Refuse a verdict that the steps before contradict: nothing is explained without an explanation, or once it was confirmed.

    Raises:
        errors.InputInvalid: field `verdict`: not_a_code, does_not_fit.
    """
    if verdict not in VERDICTS:
        raise errors.InputInvalid({"verdict": ("not_a_code",)})
    if verdict not in endings(explained=explained, confirmed=confirmed):
        raise errors.InputInvalid({"verdict": ("does_not_fit",)})


def check_text(text: str) -> str:
    """Return a step's text without blanks at its ends.

    Raises:
        errors.InputInvalid: field `text`: required, too_short, too_long, or names_somebody: it holds a number or address that leads to a person.
    """
    trimmed = text.strip()
    if not trimmed:
        code = "required"
    elif len(trimmed) < SHORTEST:
        code = "too_short"
    elif len(trimmed) > LONGEST:
        code = "too_long"
    elif _NUMBER.search(trimmed) or _MAIL.search(trimmed):
        code = "names_somebody"
    else:
        return trimmed
    raise errors.InputInvalid({"text": (code,)})
