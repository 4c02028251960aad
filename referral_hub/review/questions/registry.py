"""The questions by number and by group."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from referral_hub import errors
from referral_hub.review.questions import of_agency, of_log, of_member, of_referral, of_survivor
from referral_hub.review.questions.reads import GROUPS
from referral_hub.review.questions.shape import Question

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GROUPS", "NOT_BUILT", "Question", "every", "question"]

_ROOMS = (of_referral, of_survivor, of_member, of_agency, of_log)
_BY_NUMBER: Final[Mapping[int, Question]] = MappingProxyType({q.number: q for room in _ROOMS for q in vars(room).values() if isinstance(q, Question)})
# Who shares a family card, an address, a village or an employer with her: it would need tokens common to all agencies.
NOT_BUILT: Final = frozenset({11})


def every() -> tuple[Question, ...]:
    """Return all questions by number."""
    return tuple(_BY_NUMBER[number] for number in sorted(_BY_NUMBER))


def question(number: int) -> Question:
    """Return one question; raises errors.NotFound."""
    found = _BY_NUMBER.get(number)
    if found is None:
        raise errors.NotFound
    return found
