"""Laws that the source itself must keep: who commits, who sees tables, how long a thing may be, what says what it does."""

from __future__ import annotations

import ast
import tomllib

from tests.house.source import ROOT, modules

MODULE_LINES, FUNCTION_LINES = 400, 50


def lines_of(node):
    return node.end_lineno - node.lineno + 1


def test_only_the_transaction_commits():
    commits = {m.name for m in modules() for node in ast.walk(m.tree) if isinstance(node, ast.Attribute) and node.attr == "commit"}
    assert commits == {"referral_hub.db.transaction"}


def test_no_module_is_longer_than_four_hundred_lines():
    assert {m.name: len(m.text.splitlines()) for m in modules() if len(m.text.splitlines()) > MODULE_LINES} == {}


def test_no_function_is_longer_than_fifty_lines():
    long = {f"{m.name}:{f.name}": lines_of(f) for m in modules() for f, _ in m.functions() if lines_of(f) > FUNCTION_LINES}
    assert long == {}


def test_every_public_thing_says_what_it_does():
    """Modules, classes, functions and methods whose whole path is public. Members of a Protocol are named by their class."""
    silent = []
    for m in modules():
        if ast.get_docstring(m.tree) is None and m.text.strip():
            silent.append(m.name)
        for node, around in _public(m):
            if ast.get_docstring(node) is None:
                silent.append(f"{m.name}:{'.'.join(c.name for c in (*around, node))}")
    assert silent == []


def _public(m):
    for node, around in m.functions():
        if all(isinstance(a, ast.ClassDef) and not _is_protocol(a) for a in around) and not any(n.name.startswith("_") for n in (*around, node)):
            yield node, around
    for node in ast.walk(m.tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node, ()


def _is_protocol(node):
    return any(getattr(base, "id", getattr(base, "attr", "")) == "Protocol" for base in node.bases)


def test_records_are_seen_inside_their_room_only():
    trespassers = []
    for m in modules():
        for name, line in m.imports():
            parts = name.split(".")
            if parts[0] == "referral_hub" and len(parts) > 2 and parts[2].startswith("records") and parts[1] != m.room:
                trespassers.append(f"{m.name}:{line} imports {name}")
    assert trespassers == []


def test_no_relationship_crosses_a_room():
    """There is none at all: rows are joined by queries, and foreign keys name tables."""
    assert [f"{m.name}:{line}" for m in modules() for name, line in m.names() if name == "relationship"] == []


def test_what_only_type_checkers_see_keeps_to_the_floors_too():
    """lint-imports checks what runs; here every import counts, from the floors as pyproject.toml names them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    floor = {room.strip(): number for number, layer in enumerate(reversed(layers)) for room in layer.split("|")}
    wrong = []
    for m in modules():
        for name, line in m.imports():
            parts = name.split(".")
            if parts[0] != "referral_hub" or len(parts) < 2 or m.room in {"", parts[1]} or parts[1].startswith("__version"):
                continue
            if floor[parts[1]] >= floor[m.room]:
                wrong.append(f"{m.name}:{line} imports {name}")
    assert wrong == []


def test_what_only_demo_and_tests_may_have_is_named_nowhere_else():
    """A derivation below the floor, and cookies that are not `__Host-`: no setting can bring them into production."""
    for name, allowed in {"below_floor": {"referral_hub.vault.kdf", "referral_hub.cli.demo.place"}, "CHEAP": {"referral_hub.cli.demo"}}.items():
        users = {m.name for m in modules() for used, _ in m.names() if used == name}
        assert all(any(user == a or user.startswith(a + ".") for a in allowed) for user in users), (name, users)
    insecure = [
        m.name for m in modules() for node in ast.walk(m.tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "CookiePolicy" and (node.args or node.keywords)
    ]  # fmt: skip
    assert set(insecure) <= {"referral_hub.cli.demo.wsgi"}


def test_the_demonstration_is_reached_by_its_own_command_only():
    users = {f"{m.name}:{line}" for m in modules() if not m.name.startswith("referral_hub.cli.demo") for name, line in m.imports() if "cli.demo" in name}
    (only,) = users
    assert only.startswith("referral_hub.cli.main:")


def test_no_drawer_has_a_drawer_name():
    vague = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "service", "services", "data", "info"}
    assert [m.name for m in modules() if set(m.name.split(".")) & vague] == []
