"""What a person typed comes back with every refusal, except what must not: passphrases, one-time codes, recovery codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import request

if TYPE_CHECKING:
    from collections.abc import Iterator

TECHNICAL = frozenset({"act_id", "version"})
SECRET = re.compile(r"passphrase|one_time_code|^fingerprint$|^last_four$|^sign_in-")
_BARE_CODE = re.compile(r"[a-z0-9_.:-]{0,40}")


def carried_fields() -> list[tuple[str, str]]:
    """Return every field of this request's form that may travel on in the answer, in order, technical ones too."""
    return [(name, value) for name, value in _fields() if not SECRET.search(name)]


def typed_texts() -> list[str]:
    """Return what was written by hand, to be copied from the page: no codes of choices, no technical fields."""
    return [v for name, v in carried_fields() if name not in TECHNICAL and not _BARE_CODE.fullmatch(v.strip())]


def _fields() -> Iterator[tuple[str, str]]:
    for name in request.form:
        for value in request.form.getlist(name):
            yield name, value
