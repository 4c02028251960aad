"""Actors and targets for decisions: every fact has a plain value here, so that a test names only what it is about."""

import uuid

from referral_hub.access import Actor, Target, Verb, outside_cases, policies, role, roles
from referral_hub.access.decisions import _attributes, _Who
from referral_hub.access.policies import Question

AGENCY = uuid.UUID(int=1)
MEMBER = uuid.UUID(int=2)


def actor(*roles, **facts):
    kind = role(roles[0]).kind if roles else ""
    known = {
        "kind": "member", "member_id": MEMBER, "agency_id": AGENCY, "agency_kind": "health" if kind == "any" else kind, "agency_code": "rsud-kenanga",
        "code": "PS-02", "roles": frozenset(roles), "state": "active", "holds_key": True, "strength": "fresh", "auth_method": "passphrase_totp",
        "session_digest": "00", "language": "id", "timezone": "Asia/Jakarta",
    }  # fmt: skip
    return Actor(**(known | facts))


def clock():
    return actor(kind="clock", member_id=None, agency_id=None, agency_kind="", strength="full", holds_key=False)


def operator():
    return actor(kind="operator", member_id=None, agency_id=None, agency_kind="", strength="full", holds_key=False)


def target(kind="referral", side="none", **facts):
    known = {
        "assigned": False, "handled": False, "state": "accepted", "grant": "none", "consent": "covers", "conflict": False, "blocked": False,
        "minor": False, "protected": False, "agency_active": True, "same_agency": side in {"own", "sender"}, "is_self": False,
        "invited_by_actor": False, "sections": frozenset({"needs"}), "service": "mental_health",
    }  # fmt: skip
    return Target(kind=kind, side=side, **(known | facts))


def home(**facts):
    return target(**({"side": "sender", "grant": "own", "consent": "not_needed", "assigned": True} | facts))


def incoming(**facts):
    return target(**({"side": "recipient", "grant": "full", "handled": True} | facts))


# Where one may stand towards what an act is about.
RELATIONS = {
    "stranger": target(),
    "own_file": home(kind="case", side="own"),
    "sending": home(),
    "sending_submitted_by_actor": home(is_self=True),
    "sending_unassigned": home(assigned=False),
    "draft_to_sign": home(kind="section", state="draft", assigned=False),
    "draft_unassigned_of_actor": home(kind="section", state="draft", assigned=False, is_self=True),
    "offered": incoming(grant="preview", state="requested"),
    "offered_to_colleague": incoming(grant="preview", state="received", handled=False),
    "handling": incoming(),
    "handling_forensic": incoming(service="forensic_ver"),
    "handling_safety": incoming(sections=frozenset({"safety", "safe_contact"})),
    "assigned_by_handler": incoming(handled=False, assigned=True),
    "colleague_handles": incoming(handled=False),
    "read_only": incoming(grant="read_only", state="completed"),
    "suspended": incoming(grant="suspended"),
    "revoked": incoming(grant="revoked", state="cancelled"),
    "without_grant": incoming(grant="none"),
    "consent_lacks": incoming(consent="lacks"),
    "consent_withdrawn": incoming(consent="withdrawn"),
    "list_page": outside_cases("list", same_agency=True),
    "own_agency": outside_cases("agency", same_agency=True),
    "agency_with_accepted_referral": outside_cases("agency", same_agency=False, assigned=True),
    "other_agency": outside_cases("agency", same_agency=False),
    "member": outside_cases("member", same_agency=True),
    "member_invited_by_actor": outside_cases("member", same_agency=True, invited_by_actor=True),
    "member_elsewhere": outside_cases("member", same_agency=False),
    "member_of_founding_agency": outside_cases("member", same_agency=False, agency_active=False),
    "own_account": outside_cases("account", same_agency=True, is_self=True),
    "own_log": outside_cases("log", same_agency=True),
    "whole_log": outside_cases("log", same_agency=False),
}


def met(who, verbs=tuple(Verb), places=RELATIONS):
    """Return the pairs (act, relation) that the policies allow to `who`, asked in one batch."""
    facts = _Who.of(who).attributes()
    pairs = [(str(verb), place) for verb in verbs for place in places]
    targets = {place: _attributes(target) for place, target in places.items()}
    context = {str(verb): {"able_by": sorted(roles.able_by(verb))} for verb in verbs}
    answers = policies.current().ask([Question(facts, verb, targets[place], context[verb]) for verb, place in pairs])
    assert not any(answer.failed for answer in answers)
    return {pair for pair, answer in zip(pairs, answers, strict=True) if answer.allowed}
