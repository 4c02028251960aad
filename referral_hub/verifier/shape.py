"""What a check needs of an entry, read off its bytes in one go.

A million entries are to be read in seconds, and building each as an object takes ten times as long. So the canonical form is one
regular expression, made of the entry's own fields: in their order, each a code, a number or an id. What does not match is read in full
by `audit.entry.parse`, which decides; so the expression may only be too narrow, never too wide.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from datetime import UTC
from typing import NamedTuple

from referral_hub.audit import entry as entries
from referral_hub.audit.entry import Entry, Place

_CODE = rb'"[A-Za-z0-9_.:+/=-]*+"'
_ID = rb'"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"'
_NUMBER = rb"(?:0|[1-9][0-9]{0,15})"
_HEX = rb'"(?:[0-9a-f]{2})*+"'
_MOMENT = rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"'
_FORMS = {
    "str": _CODE,
    "int": _NUMBER,
    "int | None": _NUMBER,
    "bool": b"true",
    "bytes": _HEX,
    "bytes | None": _HEX,
    "datetime": _MOMENT,
    "uuid.UUID": _ID,
    "uuid.UUID | None": _ID,
    "tuple[str, ...]": rb"\[" + _CODE + rb"(?:," + _CODE + rb")*+\]",
    "tuple[uuid.UUID, ...]": rb"\[" + _ID + rb"(?:," + _ID + rb")*+\]",
}
_ALWAYS = frozenset({"action", "actor_kind", "event_id", "idx", "occurred_at", "outcome", "salt", "software", "v"})
_KEPT = (
    "action", "actor_id", "actor_kind", "actor_prev", "actor_seq", "agency_id", "agency_prev", "agency_seq", "idx", "occurred_at", "origin",
    "page", "recipient_agency", "subject_prev", "subject_seq", "subjects",
)  # fmt: skip
_VERSION = str(entries.VERSION).encode()


class Sight(NamedTuple):
    """Those facts of an entry, as bytes; None where a fact is absent. Ids and codes are without their quotation marks."""

    action: bytes
    actor_id: bytes | None
    actor_kind: bytes
    actor_prev: bytes | None
    actor_seq: bytes | None
    agency_id: bytes | None
    agency_prev: bytes | None
    agency_seq: bytes | None
    idx: bytes
    occurred_at: bytes
    origin: bytes | None
    page: bytes | None
    recipient_agency: bytes | None
    subject_prev: bytes | None
    subject_seq: bytes | None
    subjects: bytes | None


def _expression() -> re.Pattern[bytes]:
    fields = {f.name: _FORMS[str(f.type)] for kind in (Entry, Place) for f in dataclasses.fields(kind)} | {"v": _VERSION}
    parts = []
    for number, (name, form) in enumerate(sorted(fields.items())):
        group = b"(?P<%s>" % name.encode()
        value = form if name not in _KEPT else b'"%s%s)"' % (group, form[1:-1]) if form[:1] == b'"' else b"%s%s)" % (group, form)
        part = b'%s"%s":%s' % (b"," if number else b"", name.encode(), value)
        parts.append(part if name in _ALWAYS else b"(?:%s)?+" % part)
    return re.compile(rb"\{" + b"".join(parts) + rb"\}")


_MATCH = _expression().fullmatch
_SEEN = functools.partial(tuple.__new__, Sight)


def sight(payload: bytes) -> Sight:
    """Return the facts of an entry's bytes.

    Raises:
        entries.BadEntry: they are no entry.
    """
    found = _MATCH(payload)
    return _SEEN(found.groups()) if found else _read(payload)


def _read(payload: bytes) -> Sight:
    said, place = entries.parse(payload)
    values = {f.name: getattr(source, f.name) for source in (said, place) for f in dataclasses.fields(source)}
    moment = f"{said.occurred_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    subjects = ",".join(f'"{one}"' for one in said.subjects)
    written = values | {"occurred_at": moment, "subjects": f"[{subjects}]" if subjects else None, "page": "true" if said.page else None}
    return Sight._make(None if (value := written[name]) in {None, ""} else str(value).encode() for name in _KEPT)
