"""What the operator's commands do."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from referral_hub.accounts import actions
from referral_hub.accounts import bootstrap as network
from referral_hub.audit import asking, receipts, shard, signer, witnesses
from referral_hub.audit import fsck as log_check
from referral_hub.audit import new_shard as shards
from referral_hub.audit.append import name_log
from referral_hub.cli import serving, worker
from referral_hub.cli.wiring import machine_actor, session_at, settings
from referral_hub.clock import SystemClock
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from referral_hub.db.server import create_database, ensure_roles, migrate
from referral_hub.directory import actions as directory
from referral_hub.directory.facts import NewAgency, NewService
from referral_hub.logs import configure_logs
from referral_hub.vault import hub as hub_keys
from referral_hub.vault import key_folder, tombstones
from referral_hub.vault.hub import HubKeys
from referral_hub.vault.keyring import Keyring

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from referral_hub.accounts.values import Link
    from referral_hub.settings import Settings


def init_database(admin_url: str, name: str) -> None:
    """Make the three database roles once per server, and an empty database owned by the owner role."""
    ensure_roles(admin_url)
    create_database(admin_url, name)


def migrate_database() -> None:
    """Bring the database up to the newest revision."""
    migrate(settings().owner_database_url)


def replay_tombstones() -> int:
    """Destroy again, in a restored database, what stands on the list of tombstones; return how many grants had come back.

    Raises:
        errors.Unavailable: `tombstones_missing`, the list is not there; nothing opens without it.
    """
    given = settings()
    with session_at(given.owner_database_url or given.database_url) as session:
        return transact(session, lambda s: tombstones.replay(s, file=given.tombstone_file))


def bootstrap(*, agency: str, name: str, region: str, admin_name: str, admin_mail: str) -> str:
    """Make the key folder, the hub's state and the network's agency; return the first administrator's invitation link."""
    given = settings()
    if not (given.key_folder / key_folder.HUB_RING).exists():  # a first try that failed later leaves its keys for the next
        hub_keys.create_key_folder(given.key_folder)
    clock = SystemClock()
    secretariat = NewAgency(
        code=agency, name=name, kind="network", region=region, coverage=(region,), timezone="Asia/Jakarta", hours="office", government=True
    )

    def make(session: Session) -> Link:
        now = clock.now()
        name_log(session, origin=given.log_origin)
        hub = hub_keys.bootstrap(session, folder=given.key_folder, profile=given.profile, now=now, tombstone_file=given.tombstone_file)
        _, link = network.found_network(
            session,
            actor=machine_actor("operator"),
            keys=_operator_keys(hub),
            now=now,
            agency=secretariat,
            name=admin_name,
            mail=admin_mail,
        )
        return link

    with session_at(given.owner_database_url or given.database_url) as session:
        return _invitation(given, transact(session, make))


def create_agency(
    *, code: str, name: str, kind: str, region: str, services: tuple[str, ...], admin_name: str, admin_mail: str, **facts: Any
) -> str:
    """Register an agency and return its first administrator's invitation link."""
    given = settings()
    now = SystemClock().now()
    new = NewAgency(code=code, name=name, kind=kind, region=region, coverage=(region,), timezone=facts["timezone"], hours=facts["hours"])

    def make(session: Session) -> Link:
        hub = HubKeys.load(given.key_folder, session, profile=given.profile, tombstone_file=given.tombstone_file)
        actor = machine_actor("operator")
        made = directory.create_agency(session, actor=actor, now=now, agency=new, services=[NewService(code=s) for s in services])
        return actions.invite(
            session,
            actor=actor,
            keys=_operator_keys(hub),
            now=now,
            agency_id=made.id,
            roles=["agency_admin"],
            name=admin_name,
            mail=admin_mail,
        )

    with session_at(given.database_url) as session:
        return _invitation(given, transact(session, make))


def fsck() -> list[str]:
    """Check the whole log against the database; return one line for each difference."""
    given = settings()
    with session_at(given.database_url) as session:
        keys = signer.every_vkey(session, folder=given.key_folder, origin=given.log_origin)
        session.rollback()
        return [str(difference) for difference in log_check.check(session, vkeys=keys)]


def vkeys() -> list[str]:
    """Return the verifier keys of the log (plain, dated) and of its receipts."""
    given = settings()
    seed = key_folder.signing_seed(given.key_folder, "receipt")
    signing = signer.load(given.key_folder, origin=given.log_origin)
    return [*signer.vkeys(signing), receipts.signer(seed, origin=given.log_origin).vkey()]


def new_shard(origin: str | None) -> str:
    """Begin a new log after the signer refused the restored one; return what was lost, the new name and its verifier key."""
    given = settings()
    name = origin or shard.next_origin(given.log_origin)
    signing = signer.load(given.key_folder, origin=given.log_origin)
    policy = witnesses.policy_at(given.witness_policy)
    shown = asking.witnessed(policy, origin=given.log_origin) if policy else []
    with session_at(given.database_url) as session:
        found = shards.begin(session, signing=signing, origin=name, now=SystemClock().now(), witnessed=shown)
    key_folder.renew_checkpoint(given.key_folder, shard.mark(found.former))
    vkey = signer.vkeys(signer.load(given.key_folder, origin=name))[0]
    lost = f"entries {found.lost_from} to {found.lost_until - 1} of {found.former} are lost" if found.lost_until > found.lost_from else "no entry is lost"
    return f'{lost}\nset log_origin = "{name}" before the worker and the web start again; witnesses and policies need the new key:\n{vkey}'


def serve(*, host: str, port: int, workers: int) -> None:
    """Serve the pages until stopped."""
    serving.serve("referral_hub.cli.wsgi:production", host=host, port=port, workers=workers)


def work() -> None:
    """Run the worker until stopped."""
    configure_logs()
    given = settings()
    witnesses.policy_at(given.witness_policy)  # a policy that cannot be read is told now, and not at every job
    engine = make_engine(given.worker_database_url, pool_size=2)
    worker.run(worker.Work(given, engine, SystemClock()), connection=worker.libpq(given.worker_database_url))


def _operator_keys(hub: HubKeys) -> Keyring:
    return Keyring(hub, uuid.UUID(int=0), None)


def _invitation(given: Settings, link: Link) -> str:
    return f"{given.public_url}/undangan/{link.token}  (once, until {link.expires_at:%Y-%m-%d %H:%M} UTC)"
