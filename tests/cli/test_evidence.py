"""What an operator types for auditors and agencies: keys, bundles, receipts, a new log. Each through the command line."""

import json
import re

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub.audit import queries, receipts, signer
from referral_hub.audit.receipts import Receipt
from referral_hub.cli import main
from referral_hub.clock import SystemClock
from referral_hub.settings import load
from referral_hub.vault import key_folder


@pytest.fixture
def hub(monkeypatch, tmp_path, db_url, owner_url, worker_url, owner_engine, clean_database):
    """A hub begun by its own commands: `run(…)` types one, `sign()` is the worker's turn, `owner(…)` goes behind its back."""
    values = {
        "PROFILE": "test", "DATABASE_URL": db_url, "OWNER_DATABASE_URL": owner_url, "WORKER_DATABASE_URL": worker_url,
        "KEY_FOLDER": tmp_path / "keys", "SESSION_FOLDER": tmp_path / "sessions", "TOMBSTONE_FILE": tmp_path / "tombstones",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"HUB_{name}", str(value))

    class Hub:
        folder, keys = tmp_path, tmp_path / "keys"
        origin = load("test").log_origin

        def run(self, *words, code=0, **more):
            done = CliRunner().invoke(main, list(map(str, words)), **more)
            assert done.exit_code == code, done.output
            assert "Traceback" not in done.output
            return done.output

        def sign(self, origin=None):
            with Session(owner_engine) as session:
                return signer.tend(session, signer=signer.load(self.keys, origin=origin or self.origin), now=SystemClock().now())

        def owner(self, statement, **values):
            with owner_engine.begin() as connection:
                return connection.execute(text(statement), values)

        def newest(self):
            with Session(owner_engine) as session:
                return queries.latest(session, limit=1)[0]

        def policy(self):
            path = tmp_path / "policy"
            path.write_text(f"log {self.run('audit', 'vkeys').split()[0]}\nquorum none\n", encoding="utf-8")
            return path

        def receipt(self, index):
            with Session(owner_engine) as session:
                logged = queries.peek(session, index)
            key = receipts.signer(key_folder.signing_seed(self.keys, "receipt"), origin=self.origin)
            folder = tmp_path / "receipts"
            folder.mkdir(exist_ok=True)
            made = receipts.make(Receipt(self.origin, index, logged.leaf_hash, logged.entry.occurred_at, logged.entry.action), key)
            (folder / f"{index}.receipt").write_text(made, encoding="utf-8")
            return folder

    made = Hub()
    made.run("keys", "init", "--name", "Sekretariat (simulasi)", "--region", "32", "--admin-name", "Zaki", "--admin-mail", "zaki@sekretariat.test")
    for code in ("satu", "dua", "tiga"):
        agency = ["agency", "create", "--code", code, "--name", f"Klinik {code} (simulasi)", "--kind", "health", "--region", "32.73", "--service", "medical_exam"]
        made.run(*agency, "--admin-name", "Ela", "--admin-mail", f"ela@{code}.test")
    yield made
    made.owner("UPDATE audit_head SET origin = ''")


def test_keys_for_policies(hub):
    log, dated, receipt = hub.run("audit", "vkeys").split()
    assert [vkey.split("+")[0] for vkey in (log, dated, receipt)] == [hub.origin, hub.origin, f"{hub.origin}/receipt"]


def test_a_bundle_from_the_hub_to_the_auditor(hub):
    assert "not_found" in hub.run("audit", "bundle", "--out", hub.folder / "early.zip", code=1)
    assert not (hub.folder / "early.zip").exists()
    hub.sign()
    size = hub.newest().place.idx + 1
    told = hub.run("audit", "bundle", "--out", hub.folder / "b.zip")
    assert f"whole, {size} entries under a checkpoint of {size}; entry {size}" in told
    left = hub.newest()
    assert (left.entry.action, left.entry.actor_kind, left.entry.rule_ids) == ("audit.export", "operator", ("operator-acts",))
    hub.run("audit", "verify", hub.folder / "b.zip", "--policy", hub.policy())
    assert "bad_settings" in hub.run("audit", "bundle", "--out", hub.folder / "b.zip", code=1)


def test_parts_and_the_last_visit(hub, tmp_path):
    hub.sign()
    visited = tmp_path / "visited"
    visited.write_text(hub.owner("SELECT note FROM audit_checkpoint").scalar_one(), encoding="utf-8")
    agency = hub.owner("SELECT agency_id FROM audit_entry WHERE agency_id IS NOT NULL LIMIT 1").scalar_one_or_none()
    hub.run("audit", "bundle", "--out", tmp_path / "whole.zip")
    hub.sign()
    parts = {"period": ["--from", "2026-01-01", "--to", "2100-01-01T12:00"], "member": ["--member", "00000000-0000-0000-0000-000000000001"]}
    if agency:
        parts["agency"] = ["--agency", agency]
    for name, words in parts.items():
        hub.run("audit", "bundle", "--out", tmp_path / f"{name}.zip", "--since", visited, *words)
        hub.run("audit", "verify", tmp_path / f"{name}.zip", "--policy", hub.policy(), "--since", visited)
    both = ["--member", "00000000-0000-0000-0000-000000000001", "--from", "2026-01-01"]
    assert "bad_settings" in hub.run("audit", "bundle", "--out", tmp_path / "both.zip", *both, code=1)


def test_receipts_that_match_and_one_that_does_not(hub):
    folder = hub.receipt(2)
    hub.receipt(4)
    assert hub.run("audit", "reconcile", "--receipts", folder).strip() == "2 / 2"
    assert (hub.newest().entry.action, hub.newest().entry.outcome, hub.newest().entry.count) == ("audit.reconcile", "allow", 2)
    hub.owner("UPDATE audit_entry SET leaf_hash = sha256('x') WHERE idx = 4")
    told = hub.run("audit", "reconcile", "--receipts", folder, code=1)
    assert "receipt_contradicted: Tanda terima untuk entri 4" in told
    assert "receipt_contradicted: The receipt for entry 4" in told
    assert (hub.newest().entry.outcome, hub.newest().entry.reason) == ("error", "bad_proof")
    found = json.loads(hub.run("audit", "reconcile", "--receipts", folder, "--json", code=1))
    assert [(one["code"], one["entry"]) for one in found["findings"]] == [("receipt_contradicted", 4)]


def test_a_restored_dump_ends_in_a_new_log(hub, monkeypatch):
    from tests.audit.test_signer import restore

    hub.sign()
    last = hub.newest().place.idx
    folder = hub.receipt(last)
    assert "nothing_lost" in hub.run("audit", "new-shard", "--yes", code=1)
    restore(hub.owner, 4)
    hub.run("audit", "new-shard", code=1, input="n\n")
    told = hub.run("audit", "new-shard", "--yes")
    assert f"entries 0 to {last} of {hub.origin} are lost" in told
    name = f"{hub.origin}/2"
    assert f'set log_origin = "{name}"' in told
    monkeypatch.setenv("HUB_LOG_ORIGIN", name)
    assert re.search(rf"{re.escape(name)}\+\S+", told)[0] == hub.run("audit", "vkeys").split()[0]
    hub.sign(name)
    hub.run("audit", "bundle", "--out", hub.folder / "new.zip")
    assert "shard_begins" in hub.run("audit", "verify", hub.folder / "new.zip", "--policy", hub.policy())
    assert f"receipt_lost: Entry {last} " in hub.run("audit", "reconcile", "--receipts", folder, code=1)
