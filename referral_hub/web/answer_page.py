"""An answer in words: cells by what their column holds; and the same rows as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import Response, url_for

from referral_hub.accounts import queries as members
from referral_hub.directory import queries as directory
from referral_hub.gate.house import session
from referral_hub.gate.speech import _
from referral_hub.referrals import queries as referrals
from referral_hub.web import desk_words, log_page, words
from referral_hub.web.amiss import label, refusal_text
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID


@dataclass(frozen=True)
class Cell:
    """One cell: its text, where it leads, and how it is set ("code": in monospace; "ok", "no": a tag)."""

    text: str
    url: str = ""
    kind: str = ""


class Cells:
    """Makes cells: names of members, agencies and referrals are looked up once for all rows."""

    def __init__(self, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> None:
        """Take name and kind of each column, and the rows."""
        self.columns, self.rows = columns, list(rows)
        self.codes = members.codes(session(), member_ids=self._ids("member"))
        self.names = directory.names(session(), self._ids("agency"))
        self.numbers = referrals.numbers(session(), referral_ids=self._ids("referral"))
        self.words = _Words()

    def table(self) -> list[list[Cell]]:
        """Return the rows as cells."""
        return [[self._cell(kind, value) for (_name, kind), value in zip(self.columns, row, strict=True)] for row in self.rows]

    def _ids(self, kind: str) -> set[UUID]:
        places = [place for place, (_name, of) in enumerate(self.columns) if of == kind]
        return {row[place] for row in self.rows for place in places if row[place] is not None}

    def _cell(self, kind: str, value: Any) -> Cell:
        if value is None or value == []:
            return Cell("–" if kind != "member" else _("Nobody signed in"))
        if kind in {"member", "agency", "referral"}:
            return self._named(kind, value)
        if kind == "entry":
            return Cell(words.number(value, reader()), url_for("log.entry", idx=value))
        if kind == "outcome":
            return Cell(log_page.outcome_text(value), kind="ok" if value == "allow" else "no")
        return self.words.cell(kind, value)

    def _named(self, kind: str, value: UUID) -> Cell:
        if kind == "member":
            return Cell(self.codes.get(value, log_page.short(value)), kind="code")
        if kind == "agency":
            return Cell(self.names.get(value, log_page.short(value)))
        number = self.numbers.get(value, "")
        return Cell(number, url_for("log.of_referral", number=number)) if number else Cell(log_page.short(value), kind="code")


class _Words:
    """Cells that need no look-up."""

    def __init__(self) -> None:
        self.bases = desk_words.bases()
        self.states = desk_words.states()
        self.rules = desk_words.rules()
        self.makers: dict[str, Callable[[Any], str]] = {
            "moment": lambda value: words.exact(value, reader()),
            "day": lambda value: words.day(value, reader()),
            "action": lambda value: label("audit_events", value),
            "roles": log_page.roles_text,
            "sections": sections_text,
            "purpose": lambda value: label("purposes", value),
            "basis": lambda value: self.bases.get(value) or log_page.basis_text(value),
            "reason": refusal_text,
            "reasons": lambda value: ", ".join(map(refusal_text, value)),
            "kind": lambda value: label("agency_kinds", value),
            "flags": lambda value: ", ".join({"minor": _("child"), "protected": _("protected case")}.get(flag, flag) for flag in value),
            "state": lambda value: self.states.get(value, value),
            "rule": lambda value: " · ".join(filter(None, (value, self.rules.get(value, "")))),
        }

    def cell(self, kind: str, value: Any) -> Cell:
        """Return a cell of a kind that is words, a number or a code."""
        if kind in self.makers:
            return Cell(self.makers[kind](value) or "–")
        if kind == "subject":
            return Cell(f"s:{log_page.short(value)}", kind="code")
        if kind == "code":
            return Cell(log_page.short(value) if len(str(value)) > 2 * log_page.SHORT + 16 else str(value), kind="code")
        return Cell(words.number(value, reader()) if isinstance(value, int) else str(value))


def sections_text(names: Sequence[str]) -> str:
    """Return sections and single fields in words; a question that was asked by its number."""
    sections = [name for name in names if "." not in name]
    fields = [_("question %(number)s", number=name.partition(".")[2]) if name.startswith("question.") else name for name in names if "." in name]
    return log_page.sections_text(sections, fields)


def attention(columns: Sequence[tuple[str, str]], row: Sequence[Any]) -> bool:
    """Return whether a row wants to be looked at: refused, or nothing explains it."""
    said = dict(zip((name for name, _kind in columns), row, strict=True))
    return said.get("outcome", "allow") != "allow" or said.get("basis", "assigned") in {"", "none"}


def as_csv(names: Sequence[str], rows: Iterable[Sequence[Any]], *, filename: str) -> Response:
    """Return rows as a CSV file of plain ids, codes and moments."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_plain(value) for value in row] for row in rows)
    response = Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return value.isoformat() if isinstance(value, date) else str(value)
