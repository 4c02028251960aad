"""A lively state for the demonstration: some of the agreed scenarios played up to a point, so that each role finds work on its first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import yaml

from referral_hub import errors
from referral_hub.cli.demo.scenarios.acts import ACTS, any_event
from referral_hub.cli.demo.scenarios.player import Player
from referral_hub.cli.demo.scenarios.report import whys
from referral_hub.cli.demo.scenarios.stage import LISTS

if TYPE_CHECKING:
    from datetime import datetime

    from referral_hub.cli.demo.scenarios.stage import Stage

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
    scenarios = {one["code"]: one for one in yaml.safe_load((LISTS / "scenarios.yaml").read_text(encoding="utf-8"))["items"]}
    played = 0
    for scene in SCENES:
        player = Player(stage, scenarios[scene.code], ACTS, any_event, until=scene.until, ends_at=now - scene.ago, pace=scene.pace)
        outcomes = player.play()
        differing = [one for one in outcomes if one.verdict == "differ"]
        if differing:
            raise errors.BadSettings(scenario="; ".join(whys(scene.code, differing)))
        played += len(outcomes)
    return played
