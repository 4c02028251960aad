"""Pictures of an answer, where one helps: accesses over time as bars, agencies against survivors as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from referral_hub.directory import queries as directory
from referral_hub.gate.house import session
from referral_hub.gate.speech import _
from referral_hub.web import log_page, words
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from datetime import datetime

    from referral_hub.review.answers import Answer

MOST_BARS = 62
MOST_SUBJECTS, MOST_AGENCIES = 8, 12
WIDTH, HEIGHT, GAP = 640, 120, 2


@dataclass(frozen=True)
class Bar:
    """One bar of a picture, placed."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """Accesses over time: bars of equal spans from `first` to `last`, the highest with `most`. `text` says the same."""

    bars: tuple[Bar, ...]
    first: str
    last: str
    text: str


@dataclass(frozen=True)
class Crossing:
    """Agencies against survivors: how many entries each has about each."""

    subjects: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def picture(answer: Answer) -> Picture | None:
    """Return accesses over time, by hours or days, where an answer has moments; None for fewer than two of them."""
    names = [name for name, _kind in answer.columns]
    if "time" not in names or len(answer.rows) < 2:  # noqa: PLR2004 - one moment is no course
        return None
    moments = sorted(row[names.index("time")] for row in answer.rows if row[names.index("time")] is not None)
    if not moments or moments[0] == moments[-1]:
        return None
    by_day = moments[-1] - moments[0] > timedelta(days=2)
    spans = Counter(_span(moment, by_day=by_day) for moment in moments)
    if len(spans) < 2:  # noqa: PLR2004 - one bar is a block
        return None
    steps = _steps(min(spans), max(spans), timedelta(days=1) if by_day else timedelta(hours=1))
    if len(steps) > MOST_BARS:
        return None
    most = max(spans.values())
    width = max(1, WIDTH // len(steps) - GAP)
    bars = tuple(
        Bar(place * (width + GAP), HEIGHT - height, width, height)
        for place, step in enumerate(steps)
        if (height := spans.get(step, 0) * HEIGHT // most)
    )
    shown = words.day if by_day else words.day_time
    first, last = shown(moments[0], reader()), shown(moments[-1], reader())
    text = _("%(count)s accesses from %(first)s to %(last)s; at most %(most)s in one %(span)s.", count=words.number(len(moments), reader()), first=first, last=last,
             most=words.number(most, reader()), span=_("day") if by_day else _("hour"))  # fmt: skip
    return Picture(bars, first, last, text)


def _span(moment: datetime, *, by_day: bool) -> datetime:
    local = moment.astimezone(reader().tzinfo)
    return local.replace(hour=0 if by_day else local.hour, minute=0, second=0, microsecond=0)


def _steps(first: datetime, last: datetime, step: timedelta) -> list[datetime]:
    found = [first]
    while found[-1] < last and len(found) <= MOST_BARS:
        found.append(found[-1] + step)
    return found


def crossing(answer: Answer) -> Crossing | None:
    """Return how often each agency opened something of each survivor, where an answer has both and there are several of either."""
    names = [name for name, _kind in answer.columns]
    if not {"agency", "subject"} <= set(names):
        return None
    pairs = Counter((row[names.index("agency")], row[names.index("subject")]) for row in answer.rows)
    agencies = [one for one, _count in Counter(agency for agency, _s in pairs.elements()).most_common(MOST_AGENCIES) if one is not None]
    subjects = [one for one, _count in Counter(subject for _a, subject in pairs.elements()).most_common(MOST_SUBJECTS) if one is not None]
    if len(agencies) < 2 and len(subjects) < 2:  # noqa: PLR2004 - one against one is no picture
        return None
    known = directory.names(session(), agencies)
    rows = tuple((known.get(agency, log_page.short(agency)), tuple(str(pairs[agency, subject] or "·") for subject in subjects)) for agency in agencies)
    return Crossing(tuple(f"s:{log_page.short(subject)}" for subject in subjects), rows)
