"""The fields of further sections that may be supplied, ticked beforehand: the sender takes off what need not go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from referral_hub import protocol
from referral_hub.referrals import resending
from referral_hub.web.files import label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from referral_hub.web.referral_steps import Around

SECTIONS, FIELDS = "supply_sections-sections", "supply_sections-fields"


def with_fields(around: Around, *, service: str) -> Around:
    """Return `around` with the fields of every section that may be supplied."""
    book = protocol.current()
    options = []
    for section in (book.section(option.value) for option in around.lists.get(SECTIONS, ())):
        going = resending.suppliable(section.code, kind=around.kind, service=service)
        options += [
            Option(field.name, f"{label(section.code)}: {field.label(reader().language)}") for field in section.fields.values() if field.code in going
        ]
    return replace(around, lists=around.lists | {FIELDS: tuple(options)})
