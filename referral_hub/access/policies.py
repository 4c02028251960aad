"""The Cedar policies, parsed once. The only module that knows `cedarpy`.

Cedar skips a `forbid` that reads a missing fact and reports an error beside its answer. Here any such error is a denial, and the schema makes
every fact mandatory, so that a missing one is always an error.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cedarpy

from referral_hub.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

POLICY_FOLDER = ROOT / "policies"
_NUMBERED = re.compile(r"policy(\d+)")


@dataclass(frozen=True)
class Rule:
    """One rule: its `@id`, whether it forbids, and the refusal (`@refusal`) that a forbid answers with."""

    id: str
    forbids: bool
    refusal: str


@dataclass(frozen=True)
class Answer:
    """What Cedar said: `rules` decided, in reading order. `failed`: facts were missing or a rule could not be evaluated."""

    allowed: bool
    rules: tuple[Rule, ...]
    failed: bool


@dataclass(frozen=True)
class Question:
    """May `actor` do `verb` to `target`? Attributes of the two entities, and the context, as the schema names them."""

    actor: dict[str, Any]
    verb: str
    target: dict[str, Any]
    context: dict[str, Any]


@dataclass(frozen=True)
class Policies:
    """Policies and schema, parsed, with the SHA-256 of both texts."""

    rules: tuple[Rule, ...]
    digest: str
    _set: cedarpy.PolicySet = field(repr=False)
    _schema: cedarpy.Schema = field(repr=False)

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Return Cedar's answers in order; one batch over the entities of all questions."""
        entities: dict[str, dict[str, Any]] = {}
        requests = [self._request(question, entities) for question in questions]
        document = json.dumps(list(entities.values()))
        return [self._answer(result) for result in cedarpy.is_authorized_batch(requests, self._set, document, self._schema)]

    @staticmethod
    def _request(question: Question, entities: dict[str, dict[str, Any]]) -> dict[str, Any]:
        uids = []
        for kind, attributes in (("Actor", question.actor), ("Target", question.target)):
            key = kind + json.dumps(attributes, sort_keys=True)
            entity = entities.setdefault(key, {"uid": {"type": kind, "id": str(len(entities))}, "attrs": attributes, "parents": []})
            uids.append(entity["uid"])
        return {"principal": uids[0], "action": {"type": "Action", "id": question.verb}, "resource": uids[1], "context": question.context}

    def _answer(self, result: cedarpy.AuthzResult) -> Answer:
        failed = bool(result.diagnostics.errors) or result.decision == cedarpy.Decision.NoDecision
        numbers = sorted(_number(name) for name in result.diagnostics.reasons)
        return Answer(result.allowed and not failed, tuple(self.rules[n] for n in numbers), failed)


def _number(name: str) -> int:
    match = _NUMBERED.fullmatch(name)
    if match is None:
        raise ValueError(name)
    return int(match.group(1))


def texts(folder: Path = POLICY_FOLDER) -> tuple[str, str]:
    """Return the policies of `folder` in reading order (file names sorted) as one text, and the schema."""
    rules = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.cedar")))
    return rules, (folder / "schema.cedarschema").read_text(encoding="utf-8")


def parse(policy_text: str, schema_text: str) -> Policies:
    """Return the parsed policies.

    Raises:
        ValueError: a text does not parse, or a rule has no `@id`, or a forbid no `@refusal`.
    """
    written = json.loads(cedarpy.policies_to_json_str(policy_text))["staticPolicies"]
    rules = tuple(_rule(written[name]) for name in sorted(written, key=_number))
    digest = hashlib.sha256(json.dumps([policy_text, schema_text]).encode()).hexdigest()
    return Policies(rules, digest, cedarpy.PolicySet.from_str(policy_text), cedarpy.Schema.from_str(schema_text))


def _rule(written: dict[str, Any]) -> Rule:
    notes = written.get("annotations", {})
    forbids = written["effect"] == "forbid"
    if "id" not in notes or forbids != ("refusal" in notes):
        raise ValueError(str(notes))
    return Rule(notes["id"], forbids, notes.get("refusal", ""))


@lru_cache(maxsize=1)
def current() -> Policies:
    """Return the policies of this installation, read and parsed at the first call."""
    return parse(*texts())


def problems(policy_text: str, schema_text: str) -> list[str]:
    """Return what Cedar's validator finds wrong with the policies against the schema; empty when all is well."""
    return [str(error) for error in cedarpy.validate_policies(policy_text, schema_text).errors]
