"""The command line: `referral-hub …`. Each command is one line to its room.

A command loads what it needs and no more: a witness or a verifier starts in a tenth of the time that the whole hub takes.
"""

from __future__ import annotations

import json
from typing import Any

import click

from referral_hub import errors
from referral_hub.cli import auditing

MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


class Commands(click.Group):
    """Commands that end with a sentence, not a traceback, when a named failure stops them."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a named failure becomes one line and exit code 2."""
        try:
            return super().invoke(ctx)
        except errors.HubError as failure:
            amiss = failure.fields if isinstance(failure, errors.InputInvalid) else failure.facts
            facts = ", ".join(f"{name} {value}" for name, value in amiss.items())
            raise click.ClickException(f"{failure.code}{': ' if facts else ''}{facts}") from None


@click.group(cls=Commands)
def main() -> None:
    """Operate a Referral Hub. Settings: config/<profile>.toml and HUB_* (HUB_PROFILE names the profile)."""


@main.group()
def keys() -> None:
    """Keys of the hub: files outside the database."""


@keys.command("init")
@click.option("--agency", default="sekretariat-jejaring", show_default=True, help="code of the network's own agency")
@click.option("--name", required=True, help="its name")
@click.option("--region", required=True, help="its region, Kemendagri code, e.g. 32")
@click.option("--admin-name", required=True, help="first administrator")
@click.option("--admin-mail", required=True)
def keys_init(agency: str, name: str, region: str, admin_name: str, admin_mail: str) -> None:
    """Make the key folder and the network agency; print the first administrator's invitation."""
    from referral_hub.cli import operations

    click.echo(operations.bootstrap(agency=agency, name=name, region=region, admin_name=admin_name, admin_mail=admin_mail))


@main.group()
def database() -> None:
    """The database: roles and migrations."""


@database.command("init")
@click.option("--admin-url", required=True, help="address of a superuser, used once")
@click.option("--name", default="referral_hub", show_default=True)
def database_init(admin_url: str, name: str) -> None:
    """Make the three database roles and an empty database."""
    from referral_hub.cli import operations

    operations.init_database(admin_url, name)


@database.command("migrate")
def database_migrate() -> None:
    """Bring the database up to the newest revision (owner role)."""
    from referral_hub.cli import operations

    operations.migrate_database()


@database.command("replay")
def database_replay() -> None:
    """After a restore: destroy again what was destroyed since that backup. The service opens only then."""
    from referral_hub.cli import operations

    click.echo(f"{operations.replay_tombstones()} grants had come back and are destroyed again")


@main.group()
def agency() -> None:
    """Agencies of the network."""


@agency.command("create")
@click.option("--code", required=True)
@click.option("--name", required=True)
@click.option("--kind", required=True, help="code of agency_kinds.yaml")
@click.option("--region", required=True, help="Kemendagri code, e.g. 32.73")
@click.option("--timezone", default="Asia/Jakarta", show_default=True)
@click.option("--hours", default="office", show_default=True, help="code of business_hours.yaml")
@click.option("--service", "services", multiple=True, help="code of service_types.yaml; may be given again")
@click.option("--admin-name", required=True)
@click.option("--admin-mail", required=True)
def agency_create(**facts: Any) -> None:
    """Register an agency and print its first administrator's invitation."""
    from referral_hub.cli import operations

    click.echo(operations.create_agency(**facts))


@main.group()
def audit() -> None:
    """The access log."""


@audit.command("fsck")
@click.option("--json", "as_json", is_flag=True)
def audit_fsck(*, as_json: bool) -> None:
    """Check the whole log against the database; exit 1 when something differs."""
    from referral_hub.cli import operations

    differences = operations.fsck()
    click.echo(json.dumps(differences, indent=1) if as_json else "\n".join(differences) or "no difference")
    raise SystemExit(1 if differences else 0)


@audit.command("vkeys")
def audit_vkeys() -> None:
    """Print the verifier keys: of the log (for policies and witnesses), then of its receipts."""
    from referral_hub.cli import operations

    click.echo("\n".join(operations.vkeys()))


@audit.command("bundle")
@click.option("--out", type=click.Path(dir_okay=False), required=True, help="the file to write; it must not exist")
@click.option("--subject", type=click.UUID, help="one survivor, by the alias id that the log uses")
@click.option("--member", type=click.UUID)
@click.option("--agency", type=click.UUID)
@click.option("--from", "since", type=click.DateTime(MOMENTS), help="one period: from this moment (UTC) …")
@click.option("--to", "until", type=click.DateTime(MOMENTS), help="… and before this one")
@click.option("--since", "earlier", type=click.Path(exists=True, dir_okay=False), help="checkpoint of the auditor's last visit, to be bridged")
@click.option("--newest", is_flag=True, help="under the newest checkpoint, cosigned or not")
def audit_bundle(**asked: Any) -> None:
    """Write a bundle of the log, for `audit verify`: the whole of it, or one survivor, member, agency or period."""
    from referral_hub.cli import evidence

    click.echo(evidence.write_bundle(**asked))


@audit.command("verify", context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def audit_verify(words: tuple[str, ...]) -> None:
    """Check a bundle, offline (`referral-hub audit verify --help`)."""
    from referral_hub.verifier.main import main as commands

    raise SystemExit(commands(words))


@audit.command("reconcile")
@click.option("--receipts", type=click.Path(exists=True, file_okay=False), required=True, help="folder of receipts")
@click.option("--json", "as_json", is_flag=True)
def audit_reconcile(receipts: str, *, as_json: bool) -> None:
    """Compare an agency's receipts with the log as it stands; exit 1 when the log no longer holds what it gave one for."""
    from referral_hub.cli import evidence

    lines, code = evidence.reconcile(receipts, as_json=as_json)
    click.echo("\n".join(lines))
    raise SystemExit(code)


@audit.command("new-shard")
@click.option("--origin", help="name of the new log; by default the present one with the next number behind it")
@click.confirmation_option(prompt="Begin a new log? The entries that were signed and are not here will be named as lost")
def audit_new_shard(origin: str | None) -> None:
    """Begin a new log where an older dump was restored and the signer refuses; its first entry names what was lost."""
    from referral_hub.cli import operations

    click.echo(operations.new_shard(origin))


audit.add_command(auditing.ask)
audit.add_command(auditing.siem)


@main.command("witness", context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def witness(words: tuple[str, ...]) -> None:
    """Be a witness of a log: keygen, serve, pull, refusals (`referral-hub witness --help`)."""
    from referral_hub.witness.main import main as commands

    raise SystemExit(commands(words))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option("--workers", default=2, show_default=True)
def serve(host: str, port: int, workers: int) -> None:
    """Serve the pages (behind a reverse proxy that ends TLS)."""
    from referral_hub.cli import operations

    operations.serve(host=host, port=port, workers=workers)


@main.command()
def worker() -> None:
    """Run the worker: checkpoints, tombstones, tidying."""
    from referral_hub.cli import operations

    operations.work()


@main.command()
@click.option("--port", default=8080, show_default=True)
@click.option("--code", "email", help="print the present second-factor code of a demonstration account")
@click.option("--stop", is_flag=True, help="stop a database that is left running")
@click.option("--part", type=click.Choice(["web", "worker"]), hidden=True)
def demo(port: int, email: str | None, part: str | None, *, stop: bool) -> None:
    """Start the demonstration on this machine: fictional network, loopback only."""
    from referral_hub.cli.demo import run

    if email:
        click.echo(run.present_code(email))
    elif stop:
        run.stop()
    elif part:
        run.part(part, port=port)
    else:
        run.start(port=port)
