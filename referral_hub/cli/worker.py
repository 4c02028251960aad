"""The worker: periodic jobs in the same PostgreSQL, without session, agency key or hub key.

It signs checkpoints, asks witnesses, writes tombstones from the outbox, tells the log of closed throttle windows, and clears
what is over. Each job carries nothing; a job that fails is tried again at its next time, and raises an alarm in the log lines.
Two jobs may run at a time, so that a slow witness keeps no checkpoint waiting.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import procrastinate
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.accounts import throttle, tidying
from referral_hub.audit import asking, details, signer, witnesses
from referral_hub.db import transact
from referral_hub.review import scanning
from referral_hub.vault import tombstones

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from referral_hub.audit.policy import Policy
    from referral_hub.clock import Clock
    from referral_hub.settings import Settings

log = structlog.get_logger("worker")

EVERY_TEN_SECONDS = "* * * * * */10"
EVERY_MINUTE = "* * * * *"
ASK_PAUSE = timedelta(minutes=1)
ASK_SECONDS = 3.0
AT_A_TIME = 2


@dataclass
class Memory:
    """What witnesses showed when they were asked last, before a signature; and whether a collection is under way."""

    shown: list[str] = field(default_factory=list)
    asked_at: datetime | None = None
    collecting: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Work:
    """What the jobs need: a database role that cannot select sealed values, a clock, the signer's key."""

    settings: Settings
    engine: Engine
    clock: Clock
    memory: Memory = field(default_factory=Memory, repr=False)

    def sign_checkpoint(self) -> None:
        """Sign and publish a checkpoint if one is due; a fork is refused, logged, and said loudly."""
        with Session(self.engine) as session:
            checkpoint_signer = signer.load(self.settings.key_folder, origin=self.settings.log_origin)
            witnessed = self._witnessed()
            try:
                signer.tend(session, signer=checkpoint_signer, now=self.clock.now(), witnessed=witnessed)
            except errors.ForkRefused as refused:
                log.critical("fork_refused", reason=refused.facts["reason"])

    def collect_cosignatures(self) -> None:
        """Ask the witnesses to cosign the newest checkpoint; nothing to do where no policy is set, or a run is still under way."""
        policy = witnesses.policy_at(self.settings.witness_policy)
        if policy is None or not self.memory.collecting.acquire(blocking=False):
            return
        try:
            with Session(self.engine) as session:
                witnesses.collect(session, policy=policy, now=self.clock.now())
        finally:
            self.memory.collecting.release()

    def _witnessed(self) -> list[str]:
        """Return what the witnesses show, asked at most once a minute; who cannot be asked stops no signature."""
        now = self.clock.now()
        policy = self._policy()
        asked_at = self.memory.asked_at
        if policy is not None and (asked_at is None or not timedelta() <= now - asked_at < ASK_PAUSE):
            self.memory.shown = asking.witnessed(policy, origin=self.settings.log_origin, seconds=ASK_SECONDS)
            self.memory.asked_at = now
        return self.memory.shown

    def _policy(self) -> Policy | None:
        try:
            return witnesses.policy_at(self.settings.witness_policy)
        except errors.BadSettings as wrong:
            log.error("bad_settings", **wrong.facts)  # noqa: TRY400 - a policy that cannot be read is told, and stops no signature
            return None

    def write_tombstones(self) -> None:
        """Write destroyed grants to the list outside the database."""
        with Session(self.engine) as session:
            transact(session, lambda s: tombstones.write_pending(s, file=self.settings.tombstone_file))

    def tidy(self) -> None:
        """Tell the log of closed throttle windows; clear ended sessions, used invitations, old repeat keys, and log detail past 24 months."""
        with Session(self.engine) as session:
            now = self.clock.now()
            transact(session, lambda s: throttle.close_windows(s, now=now))
            transact(session, lambda s: tidying.sweep(s, now=now))
            transact(session, lambda s: details.destroy_expired(s, now=now))

    def run_rules(self) -> None:
        """Run the rules of the auditors' desk over what the log has new."""
        with Session(self.engine) as session:
            scanning.scan(session, now=self.clock.now())


def libpq(url: str) -> str:
    """Return the libpq address of an SQLAlchemy `url`."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def queue_for(work: Work, *, connection: str) -> procrastinate.App:
    """Return the job queue at `connection` (a libpq address) with the periodic jobs of `work`."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=connection))
    _every(app, EVERY_TEN_SECONDS, "sign_checkpoint", work.sign_checkpoint)
    _every(app, EVERY_TEN_SECONDS, "collect_cosignatures", work.collect_cosignatures)
    _every(app, EVERY_TEN_SECONDS, "write_tombstones", work.write_tombstones)
    _every(app, EVERY_MINUTE, "tidy", work.tidy)
    _every(app, EVERY_MINUTE, "run_rules", work.run_rules)
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
            await app.run_worker_async(concurrency=AT_A_TIME, delete_jobs="always", wait=True)

    asyncio.run(main())
