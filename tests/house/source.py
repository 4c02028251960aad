"""The program's own source, read as trees: what the laws of the house are checked against."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "referral_hub"


@dataclass(frozen=True)
class Module:
    """One file of the program: its dotted name, its text, its tree."""

    name: str
    path: Path
    text: str

    @property
    def room(self):
        """The room it stands in; a module on the top level is a room of its own."""
        return self.name.split(".")[1] if "." in self.name else ""

    @cached_property
    def tree(self):
        return ast.parse(self.text)

    def functions(self):
        """Every function and method, with the classes around it."""
        yield from self._functions(self.tree, ())

    def _functions(self, node, around):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield child, around
                yield from self._functions(child, (*around, child))
            elif isinstance(child, ast.ClassDef):
                yield from self._functions(child, (*around, child))
            else:
                yield from self._functions(child, around)

    def imports(self):
        """Every module of the program that this one names, those for type checkers too: (dotted name, line)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node.lineno
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    yield f"{node.module}.{alias.name}", node.lineno

    def names(self):
        """Every name and attribute that the code uses: (name, line)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name):
                yield node.id, node.lineno
            elif isinstance(node, ast.Attribute):
                yield node.attr, node.lineno


@lru_cache
def modules():
    """Every module of the program."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, path.read_text(encoding="utf-8")))
    return tuple(found)


def module(name):
    """The module of this dotted name."""
    return next(m for m in modules() if m.name == name)
