"""The log that auditors trust, as a story: three witnesses in processes of their own, an operator who can do everything in the database,
an auditor with a bundle and a policy, and an agency that kept its receipts."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from referral_hub import audit
from referral_hub.access import Actor
from referral_hub.audit import bundle, entry, merkle, queries, receipts, signer, tiles
from referral_hub.audit.append import name_log
from referral_hub.audit.bundle import Wanted
from referral_hub.audit.receipts import Receipt
from referral_hub.cli.worker import Work
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from referral_hub.settings import load
from referral_hub.vault import key_folder
from referral_hub.vault.hub import create_key_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "referral_hub.witness"]
SARI, RAISED, SURVIVOR = uuid.UUID(int=1), uuid.UUID(int=11), uuid.UUID(int=21)


class Clock:
    def __init__(self):
        self.moment = datetime.now(UTC).replace(microsecond=0)

    def now(self):
        return self.moment


class Hub:
    """The hub's log, its worker, and its operator."""

    def __init__(self, session, settings, worker, superuser, folder):
        self.session, self.settings, self.clock, self.folder = session, settings, Clock(), folder
        self.work = Work(settings, worker, self.clock)
        self._superuser = superuser
        self.tickets = []

    def access(self, count):
        """So many openings by Sari of RAISED; the tickets are what her agency's receipts are made of."""
        for first in range(0, count, 50):
            said = [self._said() for _ in range(min(50, count - first))]
            self.tickets += transact(self.session, lambda s, said=said: [audit.record(s, one) for one in said])

    def _said(self):
        self.clock.moment += timedelta(seconds=1)
        return audit.Entry(
            occurred_at=self.clock.moment, action="section.read", actor_kind="member", actor_id=SARI, agency_id=RAISED, subjects=(SURVIVOR,),
            sections=("identity",), basis="assigned", purpose="service_delivery",
        )  # fmt: skip

    def turn(self, *, minutes=1):
        """The worker's turn: sign, ask the witnesses. Returns the checkpoint that is newest then."""
        self.clock.moment += timedelta(minutes=minutes)
        self.work.sign_checkpoint()
        self.work.collect_cosignatures()
        self.session.rollback()
        return queries.latest_checkpoint(self.session)

    def begin_anew(self):
        """The worker's process starts again, as after a restore."""
        self.work = Work(self.settings, self.work.engine, self.clock)

    def sql(self, statement, **values):
        with self._superuser.begin() as connection:
            return connection.execute(text(statement), values)

    def rebuild(self):
        """The careful operator: every hash that the database holds is made to fit the entries as they are now."""
        payloads = self.sql("SELECT payload FROM audit_entry ORDER BY idx").scalars().all()
        leaves, frontier = [merkle.leaf_hash(one) for one in payloads], []
        self.sql("DELETE FROM audit_tile")
        for idx, leaf in enumerate(leaves):
            self.sql("UPDATE audit_entry SET leaf_hash = :leaf WHERE idx = :idx", leaf=leaf, idx=idx)
            for level, n, root in tiles.filled(idx + 1, merkle.append(frontier, idx, leaf)):
                assert level == 0
                hashes = b"".join(leaves[n * 256 : (n + 1) * 256])
                self.sql("INSERT INTO audit_tile VALUES (0, :n, :hashes, :root)", n=n, hashes=hashes, root=root)
        self.sql("UPDATE audit_head SET size = :size, frontier = :frontier", size=len(leaves), frontier=b"".join(frontier))

    def bundle(self, name, **options):
        """What the operator hands to the auditor."""
        operator = Actor(
            kind="operator", member_id=None, agency_id=None, agency_kind="", agency_code="", code="", roles=frozenset(), state="active",
            holds_key=False, strength="fresh", auth_method="console", session_digest="", language="id", timezone="Asia/Jakarta",
        )  # fmt: skip
        facts = {"actor": operator, "now": self.clock.now(), "wanted": Wanted(), **options}
        planned = transact(self.session, lambda s: bundle.plan(s, **facts))
        path = self.folder / name
        with path.open("wb") as out:
            bundle.write(self.session, planned, out)
        self.session.rollback()
        return path

    def refusals(self):
        found = queries.latest(self.session, filters=queries.Filter(action="checkpoint.fork_refused"))
        self.session.rollback()
        return [one.entry.reason for one in found]


def offline(*words):
    """The auditor's check in a process of its own; returns exit code and findings."""
    done = subprocess.run(
        [sys.executable, "-m", "referral_hub.verifier", *map(str, words), "--json"], capture_output=True, text=True, timeout=100, check=False, cwd=ROOT
    )
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["exit"] == done.returncode
    return told["exit"], [(one["code"], one["entry"]) for one in told["findings"]], told


@pytest.fixture
def hub(session, worker_url, db_url, admin_url, database, tmp_path):
    create_key_folder(tmp_path / "keys")
    settings = load(
        "test", environ={}, database_url=db_url, key_folder=tmp_path / "keys", session_folder=tmp_path / "session", tombstone_file=tmp_path / "tombstones",
        witness_policy=str(tmp_path / "policy"),
    )  # fmt: skip
    transact(session, lambda s: name_log(s, origin=settings.log_origin))
    worker, superuser = make_engine(worker_url, pool_size=2), create_engine(make_url(admin_url).set(drivername="postgresql+psycopg", database=database))
    yield Hub(session, settings, worker, superuser, tmp_path)
    session.rollback()
    transact(session, lambda s: s.execute(text("UPDATE audit_head SET origin = '', size = 0, frontier = ''")))
    worker.dispose()
    superuser.dispose()


@pytest.fixture
def witnesses(hub, tmp_path):
    """Three witnesses at three agencies: key, process, address; and the policy that all trust. One has a second, quantum-safe key."""
    log = signer.vkeys(signer.load(hub.settings.key_folder, origin=hub.settings.log_origin))[0]
    lines = [f"log {log}"]
    with ExitStack() as running:
        for name, more in (("lbh", []), ("komnas", ["--ml-dsa"]), ("kampus", [])):
            key, state = tmp_path / f"{name}.key", tmp_path / f"{name}.state"
            made = subprocess.run([*PROGRAM, "keygen", f"{name}.test/hub", "--key", key, *more], capture_output=True, text=True, check=True, cwd=ROOT)
            serve = [*PROGRAM, "serve", "--key", key, "--state", state, "--log", log, "--listen", "127.0.0.1:0"]
            process = running.enter_context(subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT))
            running.callback(process.send_signal, signal.SIGTERM)
            port = re.search(r":(\d+)$", process.stdout.readline().strip())[1]
            for i, vkey in enumerate(made.stdout.split()):
                lines.append(f"witness {name}{'-pq' * i} {vkey} http://127.0.0.1:{port}")
        lines += ["group most 2 lbh komnas kampus", "quorum most"]
        (tmp_path / "policy").write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield tmp_path / "policy"


@pytest.fixture
def agency(hub):
    """Receipts that Sari's agency keeps outside the hub."""
    folder = hub.folder / "receipts"
    folder.mkdir()
    key = receipts.signer(key_folder.signing_seed(hub.settings.key_folder, "receipt"), origin=hub.settings.log_origin)
    (folder / "receipt.vkey").write_text(key.vkey(), encoding="utf-8")

    def keep(*indices):
        for one in indices:
            ticket = hub.tickets[one]
            made = receipts.make(Receipt(hub.settings.log_origin, ticket.index, ticket.leaf_hash, ticket.occurred_at, ticket.action), key)
            (folder / f"{ticket.index}.receipt").write_text(made, encoding="utf-8")
        return folder

    return keep


def test_one_old_entry_is_rewritten_by_superuser_and_the_next_bundle_names_it(hub, witnesses):
    hub.access(300)
    assert hub.turn().size == 300
    state = queries.witnesses(hub.session)
    hub.session.rollback()
    assert [row.size for row in state.rows] == [300] * 4
    first = hub.bundle("first.zip")
    code, found, told = offline(first, "--policy", witnesses)
    assert (code, found) == (0, [])
    assert len(told["facts"]["witnesses"]) == 4

    payload = hub.sql("SELECT payload FROM audit_entry WHERE idx = 42").scalar_one().replace(b'"identity"', b'"needsXYZ"')
    hub.sql("UPDATE audit_entry SET payload = :p, leaf_hash = :h WHERE idx = 42", p=payload, h=merkle.leaf_hash(payload))
    hub.access(40)
    hub.turn()
    second = hub.bundle("second.zip")
    assert offline(second, "--policy", witnesses)[:2] == (1, [("entry_changed", 42)])
    assert offline(second, "--policy", witnesses, "--since", first)[:2] == (1, [("entry_changed", 42)])


def test_a_careful_rewriting_stops_the_signer_and_is_named_beside_what_the_auditor_kept(hub, witnesses):
    hub.access(300)
    hub.turn()
    first = hub.bundle("first.zip")
    payload = hub.sql("SELECT payload FROM audit_entry WHERE idx = 42").scalar_one().replace(b'"identity"', b'"needsXYZ"')
    hub.sql("UPDATE audit_entry SET payload = :p WHERE idx = 42", p=payload)
    hub.rebuild()
    hub.access(40)
    assert hub.turn().size == 300
    assert hub.refusals() == ["tree"]
    code, found, _ = offline(hub.bundle("second.zip"), "--policy", witnesses, "--since", first)
    assert code == 1
    assert {("root_contradicted", None), ("history_rewritten", None), ("entry_rewritten", 42)} <= set(found)
    assert [entry for name, entry in found if name == "entry_rewritten"] == [42]


def test_newest_entries_deleted_and_an_older_copy_restored(hub, witnesses):
    """Database and key folder both come from before; only the witnesses remember, and the signer asks them first."""
    hub.access(300)
    hub.turn()
    last_file = hub.settings.key_folder / key_folder.LAST_CHECKPOINT
    older = last_file.read_bytes()
    hub.access(60)
    assert hub.turn().size == 360
    hub.sql("DELETE FROM audit_quorum; DELETE FROM audit_cosignature; DELETE FROM audit_checkpoint WHERE size > 300; DELETE FROM audit_entry WHERE idx >= 300")
    hub.sql("UPDATE audit_counter SET seq = 300, last_idx = 299")
    hub.rebuild()
    last_file.write_bytes(older)
    hub.begin_anew()
    hub.access(10)
    assert hub.turn().size == 300
    assert hub.refusals() == ["witness_shorter"]
    hub.access(200)
    hub.turn(minutes=5)
    assert queries.latest_checkpoint(hub.session).size == 300
    hub.session.rollback()


def test_the_receipts_of_one_agency_expose_a_dropped_entry(hub, witnesses, agency):
    """The operator has all keys of the hub: drops one entry, renumbers the rest, forgets what was signed, and signs the new log.

    The witnesses refuse, so it has no quorum; and where somebody asks for none, the receipts still tell.
    """
    hub.access(300)
    hub.turn()
    folder = agency(20, 120)
    kept = [entry.parse(one) for one in hub.sql("SELECT payload FROM audit_entry ORDER BY idx").scalars().all()]
    del kept[120]
    hub.sql("DELETE FROM audit_quorum; DELETE FROM audit_cosignature; DELETE FROM audit_checkpoint; DELETE FROM audit_entry; DELETE FROM audit_counter")
    hub.sql("DELETE FROM audit_tile; UPDATE audit_head SET size = 0, frontier = ''")
    hub.session.rollback()
    for said, _ in kept:
        transact(hub.session, lambda s, said=said: audit.record(s, said))
    (hub.settings.key_folder / key_folder.LAST_CHECKPOINT).unlink()
    alone = Path(hub.settings.witness_policy)
    trusted = alone.read_text(encoding="utf-8")
    alone.write_text(trusted.splitlines()[0] + "\nquorum none\n", encoding="utf-8")  # nobody is asked before the first signature
    hub.begin_anew()
    assert hub.turn().size == 299
    forged = hub.bundle("forged.zip", newest=True)
    lax = hub.folder / "lax"
    lax.write_text(alone.read_text(encoding="utf-8"), encoding="utf-8")
    assert offline(forged, "--policy", lax)[:2] == (0, [("no_witnesses_asked", None)])
    code, found, _ = offline(forged, "--policy", lax, "--receipts", folder)
    assert code == 1
    assert ("receipt_contradicted", 120) in found

    alone.write_text(trusted, encoding="utf-8")
    hub.begin_anew()
    hub.turn()
    rows = queries.witnesses(hub.session).rows
    hub.session.rollback()
    assert {row.refusals > 0 or row.size == 0 for row in rows} == {True}
    refused = queries.latest(hub.session, filters=queries.Filter(action="checkpoint.witness_refused"))
    hub.session.rollback()
    assert len(refused) == 3
    assert offline(hub.bundle("again.zip", newest=True), "--policy", alone)[0] == 3

