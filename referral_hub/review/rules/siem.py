"""Entries of the log as lines for a SIEM: OCSF (schema 1.3.0, category 6) as JSON, and syslog (RFC 5424). Ids and codes only. Pure.

OCSF: class 6001, web resources activity, for what was done; class 6004, web resource access activity, for what was refused or failed.
Syslog: facility 13 (log audit), the action as MSGID, everything else as structured data under an enterprise number for documentation
(32473, RFC 5612), which a network replaces by its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from referral_hub import protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from referral_hub.audit.queries import Logged

OCSF, RFC5424 = "ocsf", "rfc5424"
_VERSION = "1.3.0"
_ACTIVITY, _ACCESS = 6001, 6004
_BY_CRUDE: Final[Mapping[str, int]] = {"C": 1, "R": 2, "U": 3, "D": 4, "E": 99}
_SEARCH, _EXPORT, _SHARE, _DENY, _ERROR = 5, 7, 8, 2, 4
_SEVERITY: Final[Mapping[str, tuple[int, int]]] = {"info": (1, 6), "notice": (2, 5), "warn": (3, 4), "alert": (4, 1)}  # level → OCSF, syslog
_LOG_AUDIT = 13
_SD_ID = "hub@32473"
_USER_TYPE: Final[Mapping[str, int]] = {"member": 1, "operator": 2, "clock": 3}


def ocsf(logged: Logged) -> str:
    """Return one entry as an OCSF event, one line of JSON."""
    said, place = logged.entry, logged.place
    kind, activity = _class_of(logged)
    event = {
        "metadata": {
            "version": _VERSION, "product": {"name": "Referral Hub", "vendor_name": "Referral Hub", "version": place.software}, "uid": str(place.event_id),
            "sequence": logged.idx, "log_name": place.origin, "event_code": said.action,
        },
        "time": int(said.occurred_at.timestamp() * 1000), "category_uid": 6, "class_uid": kind, "activity_id": activity, "type_uid": kind * 100 + activity,
        "severity_id": _severity(said.action)[0], "status_id": 1 if said.outcome == "allow" else 2, "status_code": said.reason,
        "actor": {
            "user": {"uid": _text(said.actor_id), "type_id": _USER_TYPE.get(said.actor_kind, 99), "groups": [{"name": role} for role in said.roles], "org": {"uid": _text(said.agency_id)}},
            "session": {"uid": said.session_digest, "is_mfa": said.auth_strength in {"full", "fresh"}},
        },
        "web_resources": [{"type": said.object_kind, "uid": _text(said.object_id), "labels": list(said.sections)}],
        "unmapped": {name: value for name, value in _further(logged).items() if value not in ("", [], None)},
    }  # fmt: skip
    return json.dumps(event, separators=(",", ":"), sort_keys=True)


def rfc5424(logged: Logged) -> str:
    """Return one entry as a syslog message without free text (RFC 5424, section 6)."""
    said, place = logged.entry, logged.place
    priority = _LOG_AUDIT * 8 + _severity(said.action)[1]
    moment = said.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    facts = {
        "idx": logged.idx, "id": place.event_id, "outcome": said.outcome, "reason": said.reason, "actor": _text(said.actor_id), "actorKind": said.actor_kind,
        "roles": ",".join(said.roles), "agency": _text(said.agency_id), "session": said.session_digest, "objectKind": said.object_kind, "object": _text(said.object_id),
        "sections": ",".join(said.sections), **{_camel(name): ",".join(value) if isinstance(value, list) else value for name, value in _further(logged).items()},
    }  # fmt: skip
    data = " ".join(f'{name}="{_escaped(value)}"' for name, value in facts.items() if value not in ("", None))
    return f"<{priority}>1 {moment} {place.origin or '-'} referral-hub - {said.action} [{_SD_ID} {data}]"


FORMATS: Final[Mapping[str, Callable[[Logged], str]]] = {OCSF: ocsf, RFC5424: rfc5424}


def _further(logged: Logged) -> dict[str, Any]:
    said = logged.entry
    return {
        "referral": _text(said.referral_id), "subjects": [str(subject) for subject in said.subjects], "subject_flags": list(said.subject_flags), "fields": list(said.fields),
        "count": said.count, "hits": said.hits, "purpose": said.purpose, "basis": said.basis, "legal_basis": said.legal_basis, "consent": _text(said.consent_id),
        "rules": list(said.rule_ids), "recipient_agency": _text(said.recipient_agency), "leaf_hash": logged.leaf_hash.hex(),
    }  # fmt: skip


def _class_of(logged: Logged) -> tuple[int, int]:
    said = logged.entry
    if said.outcome != "allow":
        return _ACCESS, _DENY if said.outcome == "deny" else _ERROR
    if said.recipient_agency is not None and said.manifest_digest is not None:
        return _ACTIVITY, _SHARE
    verb = said.action.rpartition(".")[2]
    named = {"search": _SEARCH, "find": _SEARCH, "export": _EXPORT, "print": _EXPORT, "siem_export": _EXPORT, "hand_over": _EXPORT}
    item = protocol.current().codelist("audit_events").get(said.action)
    return _ACTIVITY, named.get(verb) or _BY_CRUDE.get(str(item.facts["action"]) if item else "", 99)


def _severity(action: str) -> tuple[int, int]:
    item = protocol.current().codelist("audit_events").get(action)
    return _SEVERITY[str(item.facts["level"]) if item else "warn"]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
