"""Law 8: every setting and command stands in the docs; and whatever the docs name exists: tests, functions, files, rooms."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from dataclasses import fields

import click
import pytest
import yaml

from referral_hub.access import policies
from referral_hub.cli import main
from referral_hub.settings import Settings
from tests.house.source import ROOT, modules

DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*DOCS, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
PLACE = re.compile(r"`((?:tests|config|policies|docs|migrations|benchmarks|referral_hub|requirements|instance|\.ci)/[\w./<>*…-]*)`")
ROOMS = sorted({m.room for m in modules() if m.room and not m.room.startswith("__")})
CODE = re.compile(rf"`((?:{'|'.join(ROOMS)})(?:\.[A-Za-z_]\w*)+)(?:\(\))?`")
OUTSIDE = ("instance/", "config/production.toml")  # made by the demonstration, and by the operator
EVENTS = {event["code"] for event in yaml.safe_load((ROOT / "config" / "protocol" / "audit_events.yaml").read_text(encoding="utf-8"))["items"]}


def text(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_setting_stands_in_operations():
    page = text("operations.md")
    for setting in fields(Settings):
        assert f"`{setting.name}`" in page, setting.name


def test_every_command_and_its_options_stand_in_operations():
    page = text("operations.md")
    for words, command in commands(main):
        assert f"referral-hub {' '.join(words)}" in page, words
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert any(f"`{name}`" in page for name in option.opts), (words, option.opts)


def commands(group, words=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def test_every_variable_of_the_environment_stands_in_operations():
    page, settings = text("operations.md"), {f"HUB_{f.name.upper()}" for f in fields(Settings)}
    sources = [m.text for m in modules()] + [p.read_text() for p in (ROOT / "tests" / "conftest.py", ROOT / "Makefile", ROOT / ".ci" / "run")]
    asked = {name for source in sources for name in re.findall(r"[\"' ](HUB_[A-Z_]+[A-Z])", source)} - settings
    assert {name for name in asked if f"`{name}`" not in page and not _is_python(name)} == set()


def _is_python(name):
    """Names of constants are no variables of the environment."""
    return any(re.search(rf"^\s*{name}\b.* = |\b{name}: Final|[\w.]+\.{name}\b|import .*\b{name}\b", m.text, re.MULTILINE) for m in modules())


def test_every_library_stands_in_decisions_with_its_licence():
    page = text("decisions.md")
    wanted = [re.split(r"[>\[=]", line)[0] for line in (ROOT / "requirements" / "run.in").read_text().split()]
    assert [name for name in wanted if f"`{name}`" not in page] == []


def test_the_picture_shows_the_floors_of_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    drawn = [line[:56].split() for line in text("architecture.md").split("```")[1].splitlines()]
    rows = [{word for word in line if word in ROOMS} for line in drawn if line]
    assert [row for row in rows if row] == [{room.strip() for room in layer.split("|")} & set(ROOMS) for layer in layers if "__main__" not in layer]


def test_every_room_stands_in_architecture():
    page = text("architecture.md")
    assert [room for room in ROOMS if f"`{room}`" not in page] == []


def test_every_claim_names_tests_that_exist():
    named = [(page.name, file, name) for page in PAGES for file, name in TEST.findall(page.read_text(encoding="utf-8"))]
    assert len({name for page, _, name in named if page == "threat-model.md"}) >= 50
    missing = [(page, f"{file}::{name}") for page, file, name in named if name not in named_tests(file)]
    assert missing == []


def named_tests(file):
    path = ROOT / file
    if not path.exists():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    inner = {f"{c.name}::{f.name}" for c in tree.body if isinstance(c, ast.ClassDef) for f in c.body if isinstance(f, ast.FunctionDef)}
    return own | inner


def test_every_row_of_the_threat_model_says_which_test_shows_it():
    rows = [line for line in text("threat-model.md").splitlines() if line.startswith("| ") and not line.startswith(("| claim", "| ---"))]
    assert len(rows) >= 30
    assert [row for row in rows if not TEST.search(row)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_name_of_code_exists(page):
    names = CODE.findall(page.read_text(encoding="utf-8"))
    assert [name for name in names if name not in EVENTS and not exists(name)] == []


def exists(name):
    parts = ["referral_hub", *name.split(".")]
    for end in range(len(parts), 1, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[end:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


def test_one_request_names_what_it_passes():
    assert len(CODE.findall(text("one-request.md"))) >= 25


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page):
    named = [place for place in PLACE.findall(page.read_text(encoding="utf-8")) if not re.search(r"[<>*…]", place)]
    assert [place for place in named if not (ROOT / place).exists() and not place.startswith(OUTSIDE)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_rule_that_the_docs_name_is_a_rule():
    rules = {rule.id for rule in policies.current().rules}
    page = text("threat-model.md")
    assert set(re.findall(r"rule `([a-z-]+)`", page)) <= rules


def test_the_list_of_clear_facts_is_named_and_not_copied():
    """What is in clear stands in one place; the docs lead to it."""
    codes = {item["code"] for item in yaml.safe_load((ROOT / "config" / "protocol" / "clear_metadata.yaml").read_text(encoding="utf-8"))["items"]}
    assert "config/protocol/clear_metadata.yaml" in text("threat-model.md")
    assert sum(f"`{code}`" in text("threat-model.md") for code in codes) < len(codes) // 2


def test_no_page_promises_what_is_not_there():
    for page in PAGES:
        assert not re.search(r"\b(TODO|TBD|coming soon|will be built)\b", page.read_text(encoding="utf-8")), page.name
