"""Commands of the auditors' desk: ask a saved question, export the log for a SIEM. Rows go to standard output, what to do next to standard error."""

from __future__ import annotations

import csv
import json
import sys
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from referral_hub.review.answers import Answer

ZONE = "Asia/Jakarta"
PATIENCE = 600  # seconds: a command may wait where a page may not
DAYS = 30


@click.command("ask")
@click.argument("number", type=int)
@click.option("--referral", default="", help="number, RJ-XXXX-XXXX")
@click.option("--subject", default="", help="the survivor's id in the log, or agency/SM-XXXX-XXXX")
@click.option("--member", default="", help="agency/PS-02")
@click.option("--agency", default="", help="code of an agency")
@click.option("--since", default="", help=f"first day, 2026-11-01; by default {DAYS} days before the last")
@click.option("--until", default="", help="last day; today by default")
@click.option("--moment", default="", help="2026-11-24T18:30")
@click.option("--size", default="", help="size of the checkpoint that was seen before")
@click.option("--root", default="", help="its root hash")
@click.option("--most", default=10_000, show_default=True, help="rows at most")
@click.option("--json", "as_json", is_flag=True, help="one object a line instead of CSV")
def ask(number: int, most: int, *, as_json: bool, **typed: str) -> None:
    """Ask one of the auditors' numbered questions (1 to 35); ids and codes, as the log holds them. The question itself is recorded."""
    writer = csv.writer(sys.stdout)
    for answer in _asked(number, typed, most):
        names = [name for name, _ in answer.columns]
        if as_json:
            for row in answer.rows:
                click.echo(json.dumps(dict(zip(names, map(_plain, row), strict=True))))
        else:
            if answer.part is None or answer.part.number == 1:
                writer.writerow(names)
            writer.writerows(_flat(row) for row in answer.rows)
        if answer.cut:
            raise click.ClickException(f"stopped after {PATIENCE} seconds; ask for a shorter period")
        if answer.part:
            click.echo(f"part {answer.part.number} of {answer.part.of}: {answer.part.since:%Y-%m-%d} to {answer.part.last:%Y-%m-%d}, {len(answer.rows)} rows", err=True)
        if answer.more:
            click.echo(f"more than {most} rows: ask for a shorter period, or with --most", err=True)


def _asked(number: int, typed: dict[str, str], most: int) -> Iterator[Answer]:
    """Give the answer; where a long period is answered in parts, one after the other."""
    from referral_hub.cli.wiring import machine_actor, session_at, settings
    from referral_hub.clock import SystemClock
    from referral_hub.db import transact
    from referral_hub.review import answers
    from referral_hub.review.naming import Namer
    from referral_hub.review.questions import question

    now, zone = SystemClock().now(), ZoneInfo(ZONE)
    if "since" in question(number).needs:
        typed["until"] = typed["until"] or f"{now.astimezone(zone):%Y-%m-%d}"
        typed["since"] = typed["since"] or f"{datetime.fromisoformat(typed['until']) - timedelta(days=DAYS):%Y-%m-%d}"
    with session_at(settings().database_url) as session:
        given = Namer(session, agency_id=None, zone=zone).given(typed)
        ask = partial(answers.ask, actor=machine_actor("operator"), now=now, number=number, given=given, most=most, seconds=PATIENCE)
        part, of = 1, 1
        while part <= of:
            answer = transact(session, partial(ask, part=part))
            yield answer
            part, of = part + 1, answer.part.of if answer.part else 1


@click.command("siem")
@click.option("--format", "form", type=click.Choice(["ocsf", "rfc5424"]), default="ocsf", show_default=True)
@click.option("--after", type=int, default=-1, show_default=True, help="index of the last entry that was exported before")
@click.option("--most", default=10_000, show_default=True, help="entries at most")
def siem(form: str, after: int, most: int) -> None:
    """Write what the log has behind an index, one line an entry, without content; the index to go on after goes to standard error."""
    from referral_hub.cli.wiring import machine_actor, session_at, settings
    from referral_hub.clock import SystemClock
    from referral_hub.db import transact
    from referral_hub.review import exporting

    with session_at(settings().database_url) as session:
        now = SystemClock().now()
        found = transact(session, lambda s: exporting.export(s, actor=machine_actor("operator"), now=now, form=form, after=after, most=most))
    for line in found.lines:
        click.echo(line)
    click.echo(f"next: --after {found.last}", err=True)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, int | str) else _text(value)


def _flat(row: Iterable[Any]) -> list[str]:
    return [" ".join(map(_text, value)) if isinstance(value, list) else "" if value is None else _text(value) for value in row]


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
