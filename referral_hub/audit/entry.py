"""An entry of the access log, and the bytes that are hashed for it.

The payload is JSON in the canonical form of RFC 8785, cut down to what we need: ASCII keys in order, no floats, nothing
optional written. A fact that is absent is left out. Every text is a code or an id; free text is refused, so that no name
can come into the log by mistake. Bytes are hashed as stored and never written anew.
"""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from referral_hub.access import Actor, Decision

VERSION = 1
OUTCOMES = ("allow", "deny", "error")
PAGE_ACTIONS = frozenset({"case.list", "referral.list"})  # audit_events.yaml, subjects: page
MAX_SUBJECTS = 50
MAX_PAYLOAD = 0xFFFF  # a C2SP entry bundle has 16-bit lengths
_ABSENT: tuple[object, ...] = ("", ())
_MAX_INTEGER = 2**53 - 1
_CODE = re.compile(r"[A-Za-z0-9_.:+/=-]{0,128}")
_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


class BadEntry(errors.HubError):
    """An entry is not made of codes and ids, or a payload is not one of ours: a fault of the program, or tampering."""

    code = "bad_entry"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a verb says about an access: who, what, on whom, why, with what outcome. Ids and codes only."""

    occurred_at: datetime
    action: str
    actor_kind: str
    actor_id: uuid.UUID | None = None
    roles: tuple[str, ...] = ()
    agency_id: uuid.UUID | None = None
    session_digest: str = ""
    auth_method: str = ""
    auth_strength: str = ""
    object_kind: str = ""
    object_id: uuid.UUID | None = None
    object_version: int | None = None
    referral_id: uuid.UUID | None = None
    sections: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    count: int | None = None
    hits: int | None = None
    subjects: tuple[uuid.UUID, ...] = ()
    subject_flags: tuple[str, ...] = ()
    page: bool = False
    purpose: str = ""
    basis: str = ""
    consent_id: uuid.UUID | None = None
    legal_basis: str = ""
    rule_ids: tuple[str, ...] = ()
    policy_digest: str = ""
    outcome: str = "allow"
    reason: str = ""
    recipient_agency: uuid.UUID | None = None
    manifest_digest: bytes | None = None
    request_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an entry stands: log, index, identity, and the three counters with the index of the entry before (None: the first).

    The origin is empty as long as nobody has named the log.
    """

    idx: int
    event_id: uuid.UUID
    salt: bytes
    software: str
    origin: str = ""
    subject_seq: int | None = None
    subject_prev: int | None = None
    actor_seq: int | None = None
    actor_prev: int | None = None
    agency_seq: int | None = None
    agency_prev: int | None = None


def entry_for(actor: Actor, verb: str, *, now: datetime, decision: Decision | None = None, **facts: Any) -> Entry:
    """Return the entry of `actor` doing `verb` at `now`.

    `decision` gives rule ids, policy digest and, when it denies, outcome and reason; `facts` are further fields of `Entry`
    and win. The object of kind "referral" is also the referral that the access belongs to.
    """
    known: dict[str, Any] = {
        "actor_kind": actor.kind,
        "actor_id": actor.member_id,
        "roles": tuple(sorted(actor.roles)),
        "agency_id": actor.agency_id,
        "session_digest": actor.session_digest,
        "auth_method": actor.auth_method,
        "auth_strength": actor.strength,
        "page": str(verb) in PAGE_ACTIONS,
    }
    if decision is not None:
        known |= {"rule_ids": decision.rule_ids, "policy_digest": decision.policy_digest}
        if not decision.allowed:
            known |= {"outcome": "deny", "reason": decision.reason}
    if facts.get("object_kind") == "referral":
        known["referral_id"] = facts.get("object_id")
    return Entry(occurred_at=now, action=str(verb), **(known | facts))


def check(entry: Entry) -> None:
    """Refuse an entry that says more than codes and ids, or that contradicts itself.

    Raises:
        BadEntry: fact `field` names what is amiss; the value is not shown.
    """
    for name in _TEXTS:
        _require(is_code(getattr(entry, name)), name)
    for name in _LISTS:
        _require(all(map(is_code, getattr(entry, name))), name)
    for name in ("object_version", "count", "hits"):
        number = getattr(entry, name)
        _require(number is None or (type(number) is int and 0 <= number <= _MAX_INTEGER), name)
    _require(entry.occurred_at.tzinfo is not None, "occurred_at")
    _require(bool(entry.action and entry.actor_kind), "action")
    _require(entry.outcome in OUTCOMES, "outcome")
    _require(entry.outcome != "deny" or bool(entry.reason), "reason")
    _require(len(entry.subjects) <= (MAX_SUBJECTS if entry.page else 1), "subjects")


def payload(entry: Entry, place: Place) -> bytes:
    """Return the canonical bytes of `entry` at `place`: what is hashed and stored.

    Raises:
        BadEntry: more than 65,535 bytes.
    """
    values: dict[str, Any] = {"v": VERSION}
    for source, codecs in ((entry, _ENTRY), (place, _PLACE)):
        for name, codec in codecs:
            value = getattr(source, name)
            if value is not None and value is not False and value not in _ABSENT:
                values[name] = codec.write(value) if codec.write else value
    written = canonical(values)
    _require(len(written) <= MAX_PAYLOAD, "payload")
    return written


def parse(written: bytes) -> tuple[Entry, Place]:
    """Return the entry and its place from stored bytes.

    Raises:
        BadEntry: not JSON, an unknown version or field, a value of the wrong form, or bytes that are not canonical.
    """
    try:
        values = json.loads(written)
        _require(isinstance(values, dict) and values.pop("v", None) == VERSION, "v")
        entry = Entry(**_read(values, _ENTRY))
        place = Place(**_read(values, _PLACE))
        _require(not values, "unknown")
        _require(payload(entry, place) == written, "canonical")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as wrong:
        raise BadEntry(field="payload") from wrong
    return entry, place


def projection(entry: Entry) -> dict[str, Any]:
    """Return the columns that stand beside the payload for queries, without index and leaf hash."""
    return {name: getattr(entry, name) for name in PROJECTED} | {"subjects": list(entry.subjects)}


def counted(entry: Entry) -> dict[str, str]:
    """Return the counters that this entry advances, as kind → key. A list page advances no subject's counter."""
    keys = {"actor": str(entry.actor_id) if entry.actor_id else entry.actor_kind}
    if entry.agency_id:
        keys["agency"] = str(entry.agency_id)
    if entry.subjects and not entry.page:
        keys["subject"] = str(entry.subjects[0])
    return keys


def canonical(value: Any) -> bytes:
    """Return JSON in canonical form (RFC 8785) of strings, integers, booleans, null, lists and objects with ASCII keys.

    Raises:
        BadEntry: a float, an integer beyond 2**53 - 1, a key that is no ASCII string, a lone surrogate, or another type.
    """
    _require(_is_plain(value), "value")
    try:
        return _JSON.encode(value).encode()
    except UnicodeEncodeError as wrong:
        raise BadEntry(field="value") from wrong


def _is_plain(value: Any) -> bool:
    if value is None or isinstance(value, str | bool):
        return True
    if type(value) is int:
        return abs(value) <= _MAX_INTEGER
    if type(value) is list:
        return all(map(_is_plain, value))
    return type(value) is dict and all(isinstance(k, str) and k.isascii() and _is_plain(v) for k, v in value.items())


def is_code(value: Any) -> bool:
    """Say whether `value` may stand as a text in an entry: letters, digits and a few signs, at most 128, no blank."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _require(holds: bool, field: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise BadEntry(field=field)


def _read(values: dict[str, Any], codecs: tuple[tuple[str, _Codec], ...]) -> dict[str, Any]:
    return {name: codec.read(values.pop(name)) for name, codec in codecs if name in values}


@dataclass(frozen=True)
class _Codec:
    """How a value is written to JSON (None: as it is) and read from it."""

    write: Callable[[Any], Any] | None
    read: Callable[[Any], Any]


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError
        return value

    return read


def _write_time(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _uuids(values: list[str]) -> tuple[uuid.UUID, ...]:
    return tuple(map(uuid.UUID, values))


_CODECS = {
    "str": _Codec(None, _exactly(str)),
    "int": _Codec(None, _exactly(int)),
    "int | None": _Codec(None, _exactly(int)),
    "bool": _Codec(None, _exactly(bool)),
    "bytes": _Codec(bytes.hex, bytes.fromhex),
    "bytes | None": _Codec(bytes.hex, bytes.fromhex),
    "datetime": _Codec(_write_time, datetime.fromisoformat),
    "uuid.UUID": _Codec(str, uuid.UUID),
    "uuid.UUID | None": _Codec(str, uuid.UUID),
    "tuple[str, ...]": _Codec(list, tuple),
    "tuple[uuid.UUID, ...]": _Codec(lambda ids: [str(i) for i in ids], _uuids),
}
_ENTRY = tuple((f.name, _CODECS[str(f.type)]) for f in dataclasses.fields(Entry))
_PLACE = tuple((f.name, _CODECS[str(f.type)]) for f in dataclasses.fields(Place))
_TEXTS = tuple(f.name for f in dataclasses.fields(Entry) if f.type == "str")
_LISTS = tuple(f.name for f in dataclasses.fields(Entry) if f.type == "tuple[str, ...]")
PROJECTED = (
    "occurred_at",
    "actor_id",
    "actor_kind",
    "agency_id",
    "action",
    "object_kind",
    "object_id",
    "referral_id",
    "subjects",
    "basis",
    "outcome",
    "reason",
    "recipient_agency",
    "manifest_digest",
)
