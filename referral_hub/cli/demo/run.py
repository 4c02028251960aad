"""Start the demonstration: database, keys, seed, web server, worker; stop them together."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

import yaml
from sqlalchemy.orm import Session

from referral_hub.audit.append import name_log
from referral_hub.cli.demo.lively import SEEDED_BEFORE, ask_agencies, play
from referral_hub.cli.demo.people import Seeder
from referral_hub.cli.demo.place import CHEAP, DATABASE, HOST, Place
from referral_hub.cli.demo.scenarios.stage import HeldClock, People, Stage
from referral_hub.clock import SystemClock
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from referral_hub.db.server import OWNER, create_database, drop_database, ensure_roles, migrate, start_embedded, url_for
from referral_hub.settings import ROOT
from referral_hub.vault import hub as hub_keys
from referral_hub.vault.sessions import ServerHalves

if TYPE_CHECKING:
    from collections.abc import Callable

PORT = 8080
PATIENCE = 60


def start(*, port: int = PORT) -> None:
    """Start everything, tell the address and the accounts, and serve until interrupted."""
    place = Place.default()
    place.folder.mkdir(parents=True, exist_ok=True)
    _refuse_taken(port)
    running = place.process_file.open("a+")
    fcntl.flock(running, fcntl.LOCK_EX)
    running.truncate(0)
    print(os.getpid(), file=running, flush=True)
    signal.signal(signal.SIGTERM, _interrupt)
    server, admin_url = _step("starting PostgreSQL", lambda: start_embedded(place.database_folder))
    place.socket_file.write_text(admin_url, encoding="utf-8")
    place.address_file.write_text(f"http://{HOST}:{port}", encoding="utf-8")
    _prepare(place, admin_url)
    children = [_child("referral-hub", "demo", "--part", "web", "--port", str(port)), _child("referral-hub", "demo", "--part", "worker")]
    try:
        _step("starting the web server and the worker", lambda: _wait_until_it_answers(port))
        _tell(place, port)
        _watch(children)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(timeout=20)
        server.cleanup()


def _prepare(place: Place, admin_url: str) -> None:
    ensure_roles(admin_url)
    if not place.ready.exists():
        drop_database(admin_url, DATABASE)
        for leftover in (place.folder / "keys", place.folder / "sessions"):
            shutil.rmtree(leftover, ignore_errors=True)
        (place.folder / "tombstones").unlink(missing_ok=True)
    create_database(admin_url, DATABASE)
    _step("migrating", lambda: migrate(url_for(admin_url, role=OWNER, database=DATABASE)))
    if not place.ready.exists():
        _seed(place, admin_url)
        place.ready.touch()


def _seed(place: Place, admin_url: str) -> None:
    settings = place.settings(admin_url)
    hub_keys.create_key_folder(settings.key_folder)
    clock = SystemClock()
    agencies = yaml.safe_load((ROOT / "config" / "protocol" / "demo_agencies.yaml").read_text(encoding="utf-8"))["items"]
    engine = make_engine(settings.owner_database_url)
    with Session(engine, expire_on_commit=False) as session:
        transact(session, lambda s: name_log(s, origin=settings.log_origin))
        hub = transact(
            session,
            lambda s: hub_keys.bootstrap(
                s, folder=settings.key_folder, profile="demo", now=clock.now(), tombstone_file=settings.tombstone_file
            ),
        )
        halves = ServerHalves.load(settings.session_folder, require_tmpfs=False)
        founded = clock.now() - SEEDED_BEFORE
        seeder = Seeder(session=session, hub=hub, halves=halves, kdf=CHEAP, now=HeldClock(founded).now)
        seeder.seed(agencies, progress=lambda name: _say(f"  {name}"))
        stage = Stage(session, hub, People(tuple(agencies)), seeder.callers())
        _step("playing scenarios", lambda: play(stage, now=clock.now()))
        ask_agencies(stage, now=clock.now())
    engine.dispose()
    place.accounts.write_text(json.dumps([asdict(a) for a in seeder.accounts], indent=1), encoding="utf-8")
    place.accounts.chmod(0o600)


def part(name: str, *, port: int) -> None:
    """Run one part of the demonstration in this process: `web` or `worker`."""
    if name == "web":
        from referral_hub.cli.serving import serve  # noqa: PLC0415 - the worker needs no web server

        serve("referral_hub.cli.demo.wsgi:demo", host=HOST, port=port)
        return
    from referral_hub.cli.worker import Work, libpq, run  # noqa: PLC0415
    from referral_hub.logs import configure_logs  # noqa: PLC0415

    configure_logs()
    settings = Place.default().settings()
    run(
        Work(settings, make_engine(settings.worker_database_url, pool_size=2), SystemClock()),
        connection=libpq(settings.worker_database_url),
    )


def present_code(email: str) -> str:
    """Return the six digits that the authenticator of a demonstration account shows now."""
    import base64  # noqa: PLC0415

    from referral_hub.vault import totp  # noqa: PLC0415

    for account in json.loads(Place.default().accounts.read_text(encoding="utf-8")):
        if account["email"] == email:
            return totp.code(base64.b32decode(account["totp_secret"]), now=SystemClock().now())
    raise SystemExit(f"no demonstration account {email}")


def stop() -> None:
    """Stop the demonstration if it runs, and its embedded database if one is left running."""
    place = Place.default()
    if place.process_file.exists():
        with place.process_file.open() as running:
            _end(running)
    if (place.database_folder / "postmaster.pid").exists():
        server, _ = start_embedded(place.database_folder)
        server.cleanup()


def _end(running: TextIO) -> None:
    """Ask the process that has `running` locked to stop, and wait until it has."""
    try:
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say("stopping")
        os.kill(int(running.read()), signal.SIGTERM)
        fcntl.flock(running, fcntl.LOCK_EX)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _child(*words: str) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "referral_hub", *words[1:]]
    return subprocess.Popen(program, cwd=ROOT, env=os.environ | {"HUB_PROFILE": "demo"})  # noqa: S603 - our own program


def _watch(children: list[subprocess.Popen[bytes]]) -> None:
    try:
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
        _say("a part of the demonstration has stopped")
    except KeyboardInterrupt:
        _say("\nstopping")


def _wait_until_it_answers(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:  # noqa: PLR2004 - HTTP
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web server does not answer")


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise SystemExit(f"something already answers on http://{HOST}:{port}")


def _tell(place: Place, port: int) -> None:
    accounts: list[dict[str, Any]] = json.loads(place.accounts.read_text(encoding="utf-8"))
    one_each: dict[str, dict[str, Any]] = {}
    for account in accounts:
        one_each.setdefault(account["role"], account)
    _say(f"\nReferral Hub (demonstration, fictional people): http://{HOST}:{port}\n")
    for role, account in one_each.items():
        _say(f"  {role:<24} {account['email']:<38} {account['passphrase']}")
    _say("\nSecond factor: .venv/bin/referral-hub demo --code E-MAIL   (all accounts with their secrets: instance/demo.json)")
    _say("Stop with Ctrl-C; `make clean` forgets everything.")


def _step(what: str, work: Callable[[], Any]) -> Any:
    began = time.monotonic()
    _say(f"{what} …")
    result = work()
    _say(f"  {time.monotonic() - began:.1f} s")
    return result


def _say(text: str) -> None:
    print(text, flush=True)
