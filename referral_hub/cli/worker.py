"""The worker: periodic jobs in the same PostgreSQL, without session, agency key or hub key.

It signs checkpoints, writes tombstones from the outbox, tells the log of closed throttle windows, and clears what is over.
Each job carries nothing; a job that fails is tried again at its next time, and raises an alarm in the log lines.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import procrastinate
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.accounts import throttle, tidying
from referral_hub.audit import signer
from referral_hub.db import transact
from referral_hub.vault import tombstones

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from referral_hub.clock import Clock
    from referral_hub.settings import Settings

log = structlog.get_logger("worker")

EVERY_TEN_SECONDS = "* * * * * */10"
EVERY_MINUTE = "* * * * *"


@dataclass(frozen=True)
class Work:
    """What the jobs need: a database role that cannot select sealed values, a clock, the signer's key."""

    settings: Settings
    engine: Engine
    clock: Clock

    def sign_checkpoint(self) -> None:
        """Sign and publish a checkpoint if one is due; a fork is refused, logged, and said loudly."""
        with Session(self.engine) as session:
            checkpoint_signer = signer.load(self.settings.key_folder, origin=self.settings.log_origin)
            try:
                signer.tend(session, signer=checkpoint_signer, now=self.clock.now())
            except errors.ForkRefused as refused:
                log.critical("fork_refused", reason=refused.facts["reason"])

    def write_tombstones(self) -> None:
        """Write destroyed grants to the list outside the database."""
        with Session(self.engine) as session:
            transact(session, lambda s: tombstones.write_pending(s, file=self.settings.tombstone_file))

    def tidy(self) -> None:
        """Tell the log of closed throttle windows; clear ended sessions, used invitations and old repeat keys."""
        with Session(self.engine) as session:
            now = self.clock.now()
            transact(session, lambda s: throttle.close_windows(s, now=now))
            transact(session, lambda s: tidying.sweep(s, now=now))


def libpq(url: str) -> str:
    """Return the libpq address of an SQLAlchemy `url`."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def queue_for(work: Work, *, connection: str) -> procrastinate.App:
    """Return the job queue at `connection` (a libpq address) with the periodic jobs of `work`."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=connection))
    _every(app, EVERY_TEN_SECONDS, "sign_checkpoint", work.sign_checkpoint)
    _every(app, EVERY_TEN_SECONDS, "write_tombstones", work.write_tombstones)
    _every(app, EVERY_MINUTE, "tidy", work.tidy)
    return app


def _every(app: procrastinate.App, cron: str, name: str, job: Callable[[], None]) -> None:
    def run(timestamp: int) -> None:  # noqa: ARG001 - procrastinate hands it in
        try:
            job()
        except errors.HubError as failure:
            log.error("job_failed", job=name, code=failure.code)  # noqa: TRY400 - a traceback could show values
            raise

    app.periodic(cron=cron)(app.task(name=name, queueing_lock=name)(run))


def run(work: Work, *, connection: str) -> None:
    """Work until stopped (SIGTERM or SIGINT lets running jobs end)."""

    async def main() -> None:
        app = queue_for(work, connection=connection)
        async with app.open_async():
            await app.run_worker_async(delete_jobs="always", wait=True)

    asyncio.run(main())
