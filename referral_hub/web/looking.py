"""What a recipient is looked for, as a form asks it: service, region, sex, age, language, accessibility, open now (PAGES.md 3.9).

For a survivor's file these answers are hers: they travel in a form's body, never in an address. The directory itself is about nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import protocol
from referral_hub.directory import Need, rules
from referral_hub.web.files import options
from referral_hub.web.forms import regions
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from werkzeug.datastructures import MultiDict

    from referral_hub.web.forms import Option

ONE, SEVERAL, TICKS = ("wilayah", "sex", "age"), ("language", "access"), ("open_now", "on_call")
CODES = {"sex": "sexes", "age": "simfoni_age_bands", "language": "languages", "access": "access_needs"}
SAYS_NOTHING = frozenset({"none", "other", "unknown", ""})


def asked_of(given: MultiDict[str, str]) -> dict[str, Any]:
    """Return the filters that a form or an address carried; a word that stands in no list asks nothing."""
    asked: dict[str, Any] = {name: given.get(name, "") for name in ONE}
    asked |= {name: [code for code in given.getlist(name) if code in protocol.current().codelist(CODES[name])] for name in SEVERAL}
    asked |= {name: "yes" if given.get(name) else "" for name in TICKS}
    return asked


def need_of(
    asked: Mapping[str, Any], *, services: Collection[str], region: str, ages: rules.Ages | None = None, leave_out: Collection[UUID] = ()
) -> Need:
    """Return what the directory is asked. `ages`: what the file says in clear, where the form chose no age."""
    return Need(
        services=services,
        region=region or None,
        sex=asked["sex"],
        ages=rules.ages_of(asked["age"]) or ages,
        languages=asked["language"],
        access=asked["access"],
        on_call=bool(asked["on_call"]),
        open_now=bool(asked["open_now"]),
        leave_out=leave_out,
    )


def is_narrowed(asked: Mapping[str, Any]) -> bool:
    """Tell whether anything but the region was asked."""
    return any(asked[name] for name in ("sex", "age", *SEVERAL, *TICKS))


def choices() -> dict[str, tuple[Option, ...]]:
    """Return the answers of each filter; what asks nothing is left out."""
    found = {name: tuple(one for one in options(codelist) if one.value not in SAYS_NOTHING) for name, codelist in CODES.items()}
    return found | {"wilayah": regions(reader())}
