"""How a scenario went, in words for the console. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from referral_hub.cli.demo.scenarios.player import Outcome

VERDICTS = ("held", "differ", "later")


def line(code: str, outcomes: Iterable[Outcome]) -> str:
    """Return the last line of a scenario: "S1: 58 held, 0 differ, 3 later"."""
    counted = Counter(one.verdict for one in outcomes)
    return f"{code}: " + ", ".join(f"{counted[verdict]} {verdict}" for verdict in VERDICTS)


def whys(code: str, outcomes: Sequence[Outcome]) -> list[str]:
    """Return one line for each step that did not simply hold, with the reason."""
    return [f"{code} step {one.step:>2} {one.do}: {one.verdict}, {one.why}" for one in outcomes if one.verdict != "held"]
