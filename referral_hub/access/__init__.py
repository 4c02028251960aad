"""Who may do what: verbs, facts, and decisions by the Cedar policies in `policies/`. Touches no database."""

from referral_hub.access.decisions import decide, decide_many, require
from referral_hub.access.facts import Actor, Decision, Target, outside_cases
from referral_hub.access.policies import current as _current
from referral_hub.access.roles import Role, abilities, acts_allowed, gives_key, role, roles_for
from referral_hub.access.verbs import Verb

__all__ = [
    "Actor",
    "Decision",
    "Role",
    "Target",
    "Verb",
    "abilities",
    "acts_allowed",
    "decide",
    "decide_many",
    "gives_key",
    "outside_cases",
    "policy_digest",
    "require",
    "role",
    "roles_for",
]


def policy_digest() -> str:
    """Return the SHA-256 (hex) of the policies and schema in force."""
    return _current().digest
