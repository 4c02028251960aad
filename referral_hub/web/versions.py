"""Two browsers on one form: the second to save sees both versions side by side, with what was typed kept, and chooses field by field.

Nothing is merged behind anybody's back, and nothing is lost: every typed field travels on in the page (PAGES.md 3.21, principle 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request

from referral_hub.gate.caller import actor
from referral_hub.gate.kept import TECHNICAL, carried_fields
from referral_hub.gate.speech import _
from referral_hub.protocol import forms
from referral_hub.web import forms as controls
from referral_hub.web.frame import reader
from referral_hub.web.page import page

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from werkzeug.wrappers import Response

    from referral_hub import errors

CHOOSE, THEIRS, MINE = "choose-", "theirs", "mine"
BUTTONS = frozenset({"then"})


@dataclass(frozen=True)
class Pair:
    """One field that differs: its name in the form, its label, and both versions in words; "" where nothing stands."""

    name: str
    label: str
    mine: str
    theirs: str


def theirs() -> frozenset[str]:
    """Return the names of the form's fields for which the version saved meanwhile was chosen."""
    return frozenset(name.removeprefix(CHOOSE) for name in request.form if name.startswith(CHOOSE) and request.form[name] == THEIRS)


def differing(
    section: str,
    typed: Mapping[str, Any],
    stored: Mapping[str, Any],
    *,
    prefix: str,
    only: Collection[str] | None = None,
    names: Mapping[str, str] | None = None,
    masked: Collection[str] = (),
    tails: Mapping[str, str] | None = None,
) -> list[Pair]:
    """Return the fields of a section that were typed otherwise than they are stored. A masked one differs where anything was typed."""
    mine = _words(section, typed, names=names)
    other = _words(section, stored, names=names) | {
        fact.code: (fact.label, fact.text) for fact in controls.facts(section, {}, reader=reader(), masked=masked, tails=tails) if fact.code in typed
    }
    changed = [code for code in {**mine, **other} if _form(section, typed, code) != _form(section, stored, code)]
    return [
        Pair(f"{prefix}{code}", (mine.get(code) or other[code])[0], mine.get(code, ("", ""))[1], other.get(code, ("", ""))[1])
        for code in changed
        if (only is None or code in only) and not (code in masked and code not in typed)
    ]


def versions_page(failure: errors.StaleVersion, pairs: Collection[Pair], *, version: int, back: str, whole: bool = False) -> Response:
    """Make the page of both versions. `whole`: only all of one or all of the other can be kept; the other stands at `back`."""
    who = str(failure.facts.get("who", ""))
    return page(
        "versions.html", title=_("Saved meanwhile"), who=who, by_myself=who == actor().code, when=failure.facts.get("when"), pairs=pairs, version=version,
        carried=[(name, value) for name, value in carried_fields() if name not in TECHNICAL | BUTTONS and not name.startswith(CHOOSE)],
        back=back, whole=whole, choose=CHOOSE, action=request.path, mine=MINE, theirs=THEIRS,
    )  # fmt: skip


def _words(section: str, values: Mapping[str, Any], *, names: Mapping[str, str] | None) -> dict[str, tuple[str, str]]:
    return {fact.code: (fact.label, fact.text) for fact in controls.facts(section, values, reader=reader(), names=names)}


def _form(section: str, values: Mapping[str, Any], code: str) -> Any:
    one = {code: values[code]} if code in values else {}
    return forms.to_form(section, one, timezone=actor().timezone)
