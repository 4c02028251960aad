"""A lively state for the demonstration: some of the agreed scenarios played up to a point, so that each role finds work on its first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from referral_hub import errors
from referral_hub.audit import queries as log
from referral_hub.cli.demo.errands import ERRANDS, scenario_of
from referral_hub.cli.demo.scenarios.acts import ACTS, any_event
from referral_hub.cli.demo.scenarios.player import Player
from referral_hub.cli.demo.scenarios.report import whys
from referral_hub.cli.demo.scenarios.stage import LISTS
from referral_hub.db import transact
from referral_hub.review import actions as review

if TYPE_CHECKING:
    from datetime import datetime

    from referral_hub.cli.demo.scenarios.stage import Stage

ASKED = ("uptd-ppa-bdg", "lbh-pasundan")
QUESTION = "Mengapa entri ini ada di luar jam kerja?"
SEEDED_BEFORE = timedelta(days=3)  # the network is this old when the demonstration starts


@dataclass(frozen=True)
class Scene:
    """One scenario, how far it is played, how long ago its last step was, and its pace."""

    code: str
    until: int
    ago: timedelta
    pace: float = 1.0


SCENES = (
    Scene("S1", 49, timedelta(hours=1), 1 / 40),  # shelter, hospital, police and legal aid at work; a family tracing completed
    Scene("S2", 16, timedelta(hours=2)),  # legal aid and a psychologist have accepted; one draft where she said no
    Scene("S4", 5, timedelta(minutes=30)),  # waits for a midwife
    Scene("S5", 9, timedelta(minutes=20)),  # declined as out of area: a new draft for another agency
    Scene("S6", 7, timedelta(minutes=10)),  # a child's draft that two people decided, still to be sent
    Scene("S3", 5, timedelta(minutes=5)),  # an emergency that waits for the hospital
)


def play(stage: Stage, *, now: datetime) -> int:
    """Play every scene so that it ends shortly before `now`; return how many steps were played.

    Raises:
        errors.BadSettings: a step goes otherwise than agreed; the demonstration would show something else than its own list.
    """
    scenarios: dict[str, Any] = {one["code"]: one for one in yaml.safe_load((LISTS / "scenarios.yaml").read_text(encoding="utf-8"))["items"]}
    plays: list[tuple[Any, int | None, timedelta, float]] = [(scenarios[scene.code], scene.until, scene.ago, scene.pace) for scene in SCENES]
    plays += [(scenario_of(errand), None, errand.ago, 1.0) for errand in ERRANDS]
    played = 0
    for scenario, until, ago, pace in plays:
        player = Player(stage, scenario, ACTS, any_event, until=until, ends_at=now - ago, pace=pace)
        outcomes = player.play()
        differing = [one for one in outcomes if one.verdict == "differ"]
        if differing:
            raise errors.BadSettings(scenario="; ".join(whys(scenario["code"], differing)))
        played += len(outcomes)
    return played


def ask_agencies(stage: Stage, *, now: datetime) -> int:
    """Let an auditor ask two agencies about an entry each, so that their data-protection officers find a question; return how many findings were opened."""
    auditor = next(c for c in stage.callers.values() if "network_auditor" in c.actor.roles)
    agencies = {c.actor.agency_code: c.actor.agency_id for c in stage.callers.values()}
    for code in ASKED:
        newest = log.latest(stage.session, filters=log.Filter(agency_id=agencies[code], action="case.edit"), limit=1) or log.latest(
            stage.session, filters=log.Filter(agency_id=agencies[code]), limit=1
        )
        entry = newest[0].idx
        transact(stage.session, partial(review.open_finding, actor=auditor.actor, keys=auditor.keys, now=now, text=QUESTION, entries=[entry]))
    return len(ASKED)
