"""What stands in clear: every column of every table is named, as a clear fact with its reason, as hub-locked, or as technical (DECISIONS 4)."""

from __future__ import annotations

import pytest
import yaml
from sqlalchemy import LargeBinary, text

from referral_hub.db import Base
from tests.house.source import ROOT
from tests.house.test_migrations import every_record_module

LISTS = yaml.safe_load((ROOT / "config" / "protocol" / "clear_metadata.yaml").read_text(encoding="utf-8"))
LISTED = yaml.safe_load((ROOT / "tests" / "house" / "technical_columns.yaml").read_text(encoding="utf-8"))
CLEAR = {item["code"]: item for item in LISTS["items"]}
LOCKED = {item["code"]: item for item in LISTS["hub_locked"]}
# A column may go by the code of its clear fact only in the table that the fact is about.
ABOUT = {"case_file": "case", "referral": "referral", "consent": "consent"}
HEADINGS = ("technical", "directory", "account", "log")
# Tables that hold facts about a case may list nothing under the headings of the others.
OF_CASES = ("case_file", "case_member", "alias", "conflict", "case_copy", "case_index", "stat_record", "consent", "referral", "referral_basis", "referral_event", "sealed_grant", "sealed_part", "sealed_share", "manifest", "release")  # fmt: skip
PROGRAM = ("alembic_version",)
# A signed note of C2SP over a tree head; which of the four hub secrets a row is.
ANOTHER_SENSE = {("audit_checkpoint", "note"), ("hub_secret", "name")}


@pytest.fixture(scope="module")
def columns(owner_engine):
    """Table to columns, as they stand in the migrated database."""
    assert list(every_record_module())
    query = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    found = {}
    with owner_engine.connect() as connection:
        for table, column in connection.execute(query):
            if not table.startswith("procrastinate_") and table not in PROGRAM:
                found.setdefault(table, set()).add(column)
    return found


def named(table):
    """Return column → how it is named: a heading, or the code of a clear or hub-locked item."""
    listed = LISTED.get(table, {})
    own = {item["code"]: item["code"] for item in CLEAR.values() if item["of"] == ABOUT.get(table)}
    return own | {c: heading for heading in HEADINGS for c in listed.get(heading, ())} | listed.get("clear", {})


def test_every_column_is_named(columns):
    unnamed = {table: sorted(found - set(named(table))) for table, found in columns.items()}
    assert {table: missing for table, missing in unnamed.items() if missing} == {}


def test_nothing_is_listed_that_is_not_there(columns):
    for table, listed in LISTED.items():
        assert table in columns
        mentioned = {c for heading in HEADINGS for c in listed.get(heading, ())} | set(listed.get("clear", {}))
        assert mentioned <= columns[table], (table, mentioned - columns[table])


def test_every_clear_name_is_an_agreed_item(columns):
    for table in columns:
        for column, item in LISTED.get(table, {}).get("clear", {}).items():
            assert item in CLEAR or item in LOCKED, (table, column, item)


def test_tables_about_a_case_hold_nothing_under_another_heading():
    for table in OF_CASES:
        assert set(LISTED.get(table, {})) <= {"technical", "clear"}, table


def test_what_is_never_clear_names_no_column(columns):
    """The codes themselves, and the codes as the end of a longer name: neither `phone` nor `suspect_phone`, unless it is locked or agreed."""
    for table, found in columns.items():
        kinds = named(table)
        for column in found:
            item = kinds.get(column)
            if item in LOCKED or item in {"directory", "account", "log"} or item.endswith("_" + column) or (table, column) in ANOTHER_SENSE:
                continue  # consent_language: agreed by its own name, not the survivor's language
            assert not any(column == never or column.endswith("_" + never) for never in LISTS["never_clear"]), (table, column)


def test_what_is_hub_locked_is_stored_as_bytes():
    """A locked or keyed value can be nothing else; a text column under such a name would be an open one."""
    for table, listed in LISTED.items():
        for column, item in listed.get("clear", {}).items():
            if item in LOCKED:
                assert isinstance(Base.metadata.tables[table].c[column].type, LargeBinary), (table, column)


def test_bytes_are_technical_or_locked():
    """Nothing clear hides in a column that nobody can read at a glance."""
    for table in Base.metadata.tables.values():
        if table.name.startswith("procrastinate_"):
            continue
        for column in table.columns:
            if isinstance(column.type, LargeBinary):
                assert named(table.name)[column.name] in {"technical", *LOCKED}, (table.name, column.name)


def test_every_item_tells_why_and_is_agreed_once():
    codes = [item["code"] for item in (*LISTS["items"], *LISTS["hub_locked"])]
    assert len(codes) == len(set(codes))
    assert all(item["why"] for item in (*LISTS["items"], *LISTS["hub_locked"]))
    assert not set(codes) & set(LISTS["never_clear"])
