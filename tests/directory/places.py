"""Agencies for tests of this room, made by its own verbs."""

import dataclasses
import uuid
from datetime import UTC, datetime

import yaml

from referral_hub.access import Actor
from referral_hub.db import transact
from referral_hub.directory import NewAgency, NewService, actions
from referral_hub.settings import ROOT

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # Tuesday, 10:00 in Bandung
DEMO = yaml.safe_load((ROOT / "config" / "protocol" / "demo_agencies.yaml").read_text())["items"]


def somebody(*roles, agency=None, kind="network", **facts):
    known = {
        "kind": "member", "member_id": uuid.uuid4(), "agency_id": agency, "agency_kind": kind, "agency_code": "", "code": "PS-01",
        "roles": frozenset(roles), "state": "active", "holds_key": False, "strength": "fresh", "auth_method": "passphrase_totp", "session_digest": "00",
        "language": "id", "timezone": "Asia/Jakarta",
    }  # fmt: skip
    return Actor(**(known | facts))


OPERATOR = somebody(kind="", member_id=None)
OPERATOR = dataclasses.replace(OPERATOR, kind="operator", strength="full")
NETWORK = somebody("network_admin", agency=uuid.UUID(int=9))


def a_new(code="klinik-teduh", **facts):
    known = {
        "code": code, "name": f"Lembaga {code}", "kind": "psychosocial", "region": "32.73", "coverage": ("32.73",), "timezone": "Asia/Jakarta",
        "hours": "office",
    }  # fmt: skip
    return NewAgency(**(known | facts))


def create(session, agency=None, *services, active=True, now=NOW):
    made = transact(session, lambda s: actions.create_agency(s, actor=OPERATOR, now=now, agency=agency or a_new(), services=services))
    if active and not made.active:
        made = transact(session, lambda s: actions.activate(s, actor=NETWORK, now=now, agency_id=made.id))
    return made


def from_demo(item):
    """The demonstration agency as it would be registered, with its services."""
    agency = NewAgency(
        code=item["code"], name=item["name"], kind=item["kind"], region=item["region"], coverage=tuple(item["coverage"]), timezone=item["timezone"],
        hours=item["hours"], on_call_24h=item["on_call_24h"], languages=tuple(item["languages"]), access=tuple(item["access"]), email=item["email"],
        phone=item["phone"],
    )  # fmt: skip
    return agency, tuple(map(_service, item["services"]))


def _service(item):
    fits, room = item["eligibility"], item["capacity"]
    return NewService(
        code=item["code"], hours=item["hours"], capacity=room["status"], slots=room["slots"], capacity_as_of=NOW,
        sex=() if fits["sex"] == "any" else tuple(fits["sex"]), age_min=fits["age_min"], age_max=fits["age_max"], bring=tuple(item.get("bring", ())),
        note=fits.get("note_id", ""),
    )  # fmt: skip
