"""The one question of the program: may this actor do this to that? Pure: equal facts, equal answer; no database, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.access import policies, roles
from referral_hub.access.facts import Decision, Target
from referral_hub.access.policies import Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from referral_hub.access.facts import Actor
    from referral_hub.access.policies import Answer
    from referral_hub.access.verbs import Verb

REMEMBERED = 8192
NOT_GRANTED = "section_not_granted"


@dataclass(frozen=True)
class _Who:
    """The facts about an actor that the policy reads: no name, no id, so that equal facts are decided once."""

    kind: str
    agency_kind: str
    roles: frozenset[str]
    holds_key: bool
    state: str
    strength: str

    @classmethod
    def of(cls, actor: Actor) -> _Who:
        given = actor.roles if actor.kind == "member" else frozenset()
        return cls(actor.kind, actor.agency_kind, given, actor.holds_key, actor.state, actor.strength)

    def attributes(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "agency_kind": self.agency_kind,
            "roles": sorted(self.roles),
            "abilities": sorted(roles.abilities(self.roles)),
            "content_role": roles.gives_key(self.roles),
            "holds_key": self.holds_key,
            "state": self.state,
            "strength": self.strength,
        }


def decide(actor: Actor, verb: Verb, target: Target) -> Decision:
    """Return whether `actor` may do `verb` to `target`, with the rules that decided and, when denied, the refusal that fits best."""
    return _decided(_Who.of(actor), verb, target)


def decide_many(actor: Actor, verb: Verb, targets: Sequence[Target]) -> list[Decision]:
    """Return one decision for each of `targets`, in order; for lists. Rows with equal facts are decided once."""
    who = _Who.of(actor)
    return [_decided(who, verb, target) for target in targets]


def require(actor: Actor, verb: Verb, target: Target) -> Decision:
    """Return the decision that allows.

    Raises:
        errors.NotAllowed: denied; its code is the refusal (refusals.yaml gives the status: some are a plain 404), with the ids of the rules.
    """
    decision = decide(actor, verb, target)
    if not decision.allowed:
        raise errors.NotAllowed(decision.reason, decision.rule_ids)
    return decision


@lru_cache(maxsize=REMEMBERED)
def _decided(who: _Who, verb: Verb, target: Target) -> Decision:
    answer = _ask(who, verb, [target])[0]
    reason = "" if answer.allowed else _reason(who, verb, target, answer)
    return Decision(answer.allowed, tuple(rule.id for rule in answer.rules), policies.current().digest, reason)


def _ask(who: _Who, verb: Verb, targets: Sequence[Target]) -> list[Answer]:
    attributes, context = who.attributes(), {"able_by": sorted(roles.able_by(verb))}
    return policies.current().ask([Question(attributes, str(verb), _attributes(target), context) for target in targets])


def _attributes(target: Target) -> dict[str, Any]:
    return {**vars(target), "sections": sorted(target.sections)}


def _reason(who: _Who, verb: Verb, target: Target, answer: Answer) -> str:
    """Return the refusal: that of the first rule that forbade, else what would have had to be otherwise for a permit."""
    if answer.failed:
        return "guard_failed"
    if answer.rules:
        refusal = answer.rules[0].refusal
        return "role_lacks_ability" if refusal == NOT_GRANTED and not _could_if_granted(who, verb, target) else refusal
    asked = list(_otherwise(target))
    answers = _ask(who, verb, [other for _, other in asked])
    return next((refusal for (refusal, _), a in zip(asked, answers, strict=True) if a.allowed), "role_lacks_ability")


def _could_if_granted(who: _Who, verb: Verb, target: Target) -> bool:
    """Tell whether a grant is what is missing: somebody whose role never opens content is not told how far the referral is."""
    granted = replace(target, assigned=True, handled=True, grant="full", consent="covers")
    return _ask(who, verb, [granted])[0].allowed


def _otherwise(target: Target) -> Iterator[tuple[str, Target]]:
    """Yield refusals, each with the target as it would be if that were not the matter."""
    yield "second_signer_needed", replace(target, is_self=False)
    near = replace(target, assigned=True, handled=True, same_agency=True)
    yield "wrong_side" if target.side == "recipient" else "not_found", near
    for side, grant in (("sender", "own"), ("own", "own"), ("recipient", "full"), ("recipient", "preview")):
        if side != target.side:
            yield "wrong_side", replace(near, side=side, grant=grant, consent="covers", is_self=False)
