"""What an operator types: bootstrap, agencies, fsck. Each command on a real database, through the command line."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from referral_hub.cli import main


@pytest.fixture
def run(monkeypatch, tmp_path, db_url, owner_url, worker_url, clean_database):
    """Give `run("keys", "init", …)`: the result of a command with the settings of this test."""
    values = {
        "PROFILE": "test", "DATABASE_URL": db_url, "OWNER_DATABASE_URL": owner_url, "WORKER_DATABASE_URL": worker_url,
        "KEY_FOLDER": tmp_path / "keys", "SESSION_FOLDER": tmp_path / "sessions", "TOMBSTONE_FILE": tmp_path / "tombstones",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"HUB_{name}", str(value))

    def command(*words):
        return CliRunner().invoke(main, words)

    return command


def begin(run):
    return run("keys", "init", "--name", "Sekretariat (simulasi)", "--region", "32", "--admin-name", "Zaki", "--admin-mail", "zaki@sekretariat.test")


def agency(run, code="klinik-uji"):
    return run(
        "agency", "create", "--code", code, "--name", "Klinik (simulasi)", "--kind", "health", "--region", "32.73", "--service", "medical_exam",
        "--admin-name", "Ela", "--admin-mail", f"ela@{code}.test",
    )  # fmt: skip


def test_the_network_begins_with_one_invitation(run, tmp_path, owner_engine):
    made = begin(run)
    assert made.exit_code == 0, made.output
    assert re.search(r"http://127\.0\.0\.1/undangan/\S{20,}", made.output)
    assert (tmp_path / "keys" / "hub-ring").stat().st_mode & 0o777 == 0o400
    with owner_engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM member WHERE state = 'invited'")) == 1
        assert connection.scalar(text("SELECT size FROM audit_head")) == 2


def test_keys_are_never_made_over(run):
    assert begin(run).exit_code == 0
    again = begin(run)
    assert again.exit_code != 0
    assert "Traceback" not in again.output


def test_an_agency_is_registered_with_its_services_and_its_administrator_invited(run, owner_engine):
    begin(run)
    made = agency(run)
    assert made.exit_code == 0, made.output
    assert "/undangan/" in made.output
    with owner_engine.connect() as connection:
        row = connection.execute(text("SELECT a.state, s.code FROM agency a JOIN agency_service s ON s.agency_id = a.id WHERE a.code = 'klinik-uji'")).one()
        assert tuple(row) == ("founding", "medical_exam")


def test_the_same_code_twice_is_one_sentence_and_changes_nothing(run, owner_engine):
    begin(run)
    agency(run)
    twice = agency(run)
    assert twice.exit_code == 1
    assert "Traceback" not in twice.output
    with owner_engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM agency")) == 2


def test_fsck_is_silent_on_a_whole_log_and_names_a_changed_entry(run, owner_engine):
    begin(run)
    agency(run)
    fine = run("audit", "fsck")
    assert (fine.exit_code, fine.output.strip()) == (0, "no difference")
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET action = 'case.read' WHERE idx = 1"))
    found = run("audit", "fsck")
    assert found.exit_code == 1
    assert "1" in found.output


def test_production_refuses_to_start_without_settings(run, monkeypatch):
    monkeypatch.setenv("HUB_PROFILE", "production")
    refused = run("audit", "fsck")
    assert refused.exit_code == 1
    assert "bad_settings" in refused.output


def test_a_restore_is_refused_without_the_list_of_what_was_destroyed(run, tmp_path):
    begin(run)
    assert "tombstones_missing" in run("database", "replay").output
    (tmp_path / "tombstones").write_text("1 01234567-89ab-7cde-8f01-23456789abcd 2026-11-02T01:00:00+00:00\n")
    assert run("database", "replay").output == "0 grants had come back and are destroyed again\n"
