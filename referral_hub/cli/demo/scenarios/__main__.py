"""Play all scenarios and say how each went; `make scenarios`. The exit code tells whether a step differs."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from referral_hub.cli.demo.scenarios.acts import ACTS, any_event
from referral_hub.cli.demo.scenarios.player import Player
from referral_hub.cli.demo.scenarios.report import line, whys
from referral_hub.cli.demo.scenarios.stage import LISTS, Template
from referral_hub.db.server import start_embedded

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(only: Sequence[str] = ()) -> int:
    """Play the scenarios (those of `only`, or all) and return the exit code."""
    scenarios = yaml.safe_load((LISTS / "scenarios.yaml").read_text(encoding="utf-8"))["items"]
    differing = 0
    with tempfile.TemporaryDirectory(prefix="referral-hub-scenarios-") as folder:
        server, admin_url = start_embedded(Path(folder) / "postgres")
        template = Template(admin_url, Path(folder))
        template.seed()
        for scenario in scenarios:
            if only and scenario["code"] not in only:
                continue
            with template.stage() as stage:
                outcomes = Player(stage, scenario, ACTS, any_event).play()
            for why in whys(scenario["code"], outcomes):
                print(why)
            print(line(scenario["code"], outcomes), flush=True)
            differing += sum(one.verdict == "differ" for one in outcomes)
        server.cleanup()
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
