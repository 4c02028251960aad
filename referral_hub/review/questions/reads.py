"""How most questions read: one SQL statement with bound values, narrowed to an officer's sight, at most so many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import protocol
from referral_hub.review.elsewhere import run, sql
from referral_hub.review.questions.shape import PERIOD, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from referral_hub.review.questions.shape import Asking

REFERRAL, SURVIVOR, MEMBER, AGENCY, LOG = GROUPS = ("referral", "survivor", "member", "agency", "log")


def reading(template: str, **more: Callable[[], Any]) -> Callable[[Asking], Sequence[tuple[Any, ...]]]:
    """Return a read of the SQL `template`; `more` are further values, made when it is asked."""
    query = sql(template)

    def read(asking: Asking) -> Sequence[tuple[Any, ...]]:
        values = asking.given.values() | {name: make() for name, make in more.items()}
        rows = run(asking.session, query, values | {"now": asking.now, "most": asking.most}, scope=asking.scope)
        return [tuple(row) for row in rows]

    return read


# Each of these reads every entry of its period once. A month of a log of a million a year takes half a second, a year several.
PACED = frozenset({7, 15, 16, 17, 19, 20, 22, 28, 31})


def over_period(number: int, group: str, columns: str, template: str, **more: Callable[[], Any]) -> Question:
    """Return a question about a period, of one agency where one is given."""
    return Question(number, group, tuple(columns.split()), reading(template, **more), needs=PERIOD, takes=("agency",), is_paced=number in PACED)


def calendars() -> dict[str, dict[str, list[str]]]:
    """Return the agreed working hours: code → weekday (1 = Monday) → from and to."""
    return {code: {str(day + 1): list(span) for day, span in hours.days.items()} for code, hours in protocol.current().hours.items()}


def holidays() -> dict[str, bool]:
    """Return the agreed holidays: day → whether only government offices are closed."""
    return {day: holiday.joint for day, holiday in protocol.current().holidays.items()}
