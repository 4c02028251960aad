"""Reading the lists with a place to point at: every mistake names the file and the entry."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from referral_hub import errors

T = TypeVar("T")


def fail(place: str, fault: str) -> NoReturn:
    """Refuse to start. `place` names file and entry, `fault` what is wrong there.

    Raises:
        errors.BadSettings: always (facts: `place`, `fault`).
    """
    raise errors.BadSettings(place=place, fault=fault)


def frozen(value: Any) -> Any:
    """Return `value` with lists as tuples and mappings read-only, at every depth."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(held) for key, held in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(held) for held in value)
    return value


class Raw:
    """One entry of a list as read, with its place."""

    def __init__(self, data: Any, place: str) -> None:
        if not isinstance(data, Mapping):
            fail(place, "not_a_mapping")
        self.data: Mapping[str, Any] = data
        self.place = place

    def has(self, key: str) -> bool:
        """Tell whether the entry is given and not null."""
        return self.data.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a non-empty text, or `default` where the entry is absent."""
        return self._one(key, str, default)

    def flag(self, key: str) -> bool:
        """Return a yes/no entry; absent means no."""
        return self._one(key, bool, False)

    def number(self, key: str) -> int | None:
        """Return a whole number, or None where absent."""
        return self._one(key, int, None) if self.has(key) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; absent means none. A text alone counts as a list of one."""
        held = self.data.get(key)
        if held is None:
            return ()
        rows = held if isinstance(held, list) else [held]
        if not all(isinstance(row, str) and row for row in rows):
            fail(f"{self.place}.{key}", "not_texts")
        if len(set(rows)) != len(rows):
            fail(f"{self.place}.{key}", "duplicate")
        return tuple(rows)

    def sub(self, key: str) -> Raw:
        """Return a nested entry."""
        return Raw(self.data.get(key), f"{self.place}.{key}")

    def rows(self, key: str) -> list[Raw]:
        """Return a list of entries, each with its code (or number) in its place."""
        held = self.data.get(key)
        if not isinstance(held, list):
            fail(f"{self.place}.{key}", "not_a_list")
        return [Raw(row, f"{self.place}.{_row_name(key, row, number)}") for number, row in enumerate(held)]

    def pairs(self) -> list[tuple[str, Raw]]:
        """Return every nested entry with its key."""
        return [(str(key), self.sub(key)) for key in self.data]

    def only(self, *allowed: str) -> None:
        """Refuse keys outside `allowed`: a misspelt entry would otherwise be ignored in silence."""
        for key in self.data:
            if key not in allowed:
                fail(f"{self.place}.{key}", "unknown_entry")

    def _one(self, key: str, kind: type[T], default: T | None) -> T:
        held = self.data.get(key)
        if held is None:
            if default is None:
                fail(f"{self.place}.{key}", "missing")
            return default
        if not isinstance(held, kind) or (kind is int and isinstance(held, bool)) or held == "":
            fail(f"{self.place}.{key}", f"not_{kind.__name__}")
        return held


def _row_name(key: str, row: object, number: int) -> str:
    code = row.get("code") if isinstance(row, Mapping) else None
    return str(code) if code is not None else f"{key}[{number}]"


def by_code(rows: list[Raw], make: Any, what: str = "code") -> Mapping[str, Any]:
    """Return `make(row)` for each row by its code, in order.

    Raises:
        errors.BadSettings: a code is missing, no text, or given twice.
    """
    found: dict[str, Any] = {}
    for row in rows:
        code = row.text(what)
        if code in found:
            fail(row.place, "duplicate")
        found[code] = make(row)
    return MappingProxyType(found)


def labels(row: Raw) -> dict[str, Any]:
    """Return code and both labels of a row, as keyword arguments."""
    return {"code": row.text("code"), "id": row.text("id"), "en": row.text("en")}
