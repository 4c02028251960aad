"""Named failures. They know no HTTP; only the gate turns them into answers.

Each carries a `code`: of `config/protocol/refusals.yaml` where a person is refused, else a name of its own.
`facts` holds values that are safe to show (who won a race, seconds to wait), never content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class HubError(Exception):
    """Any failure the program names. `code` is stable; `facts` are safe to show."""

    code = "error"

    def __init__(self, code: str | None = None, **facts: object) -> None:
        self.code = code or type(self).code
        self.facts: Mapping[str, object] = facts
        super().__init__(self.code)


class NotSignedIn(HubError):
    """Nobody, or a session that has ended or is not complete."""

    code = "not_signed_in"


class NotFound(HubError):
    """No such row within the actor's scope; a stranger learns no more than that. `reason` is what the log entry says."""

    code = "not_found"

    def __init__(self, reason: str = "not_found", **facts: object) -> None:
        super().__init__("not_found", **facts)
        self.reason = reason


class NotAllowed(HubError):
    """The policy refused. `code` is the refusal; `rule_ids` the rules that decided."""

    code = "role_lacks_ability"

    def __init__(self, code: str, rule_ids: Sequence[str] = (), **facts: object) -> None:
        super().__init__(code, **facts)
        self.rule_ids = tuple(rule_ids)


class RuleBroken(HubError):
    """A rule of the domain refused: wrong state, no consent, second signer and the like (codes of refusals.yaml)."""

    code = "guard_failed"


class InputInvalid(RuleBroken):
    """Fields are wrong or missing. `fields` maps a field's name to the codes of what is amiss."""

    code = "missing_input"

    def __init__(self, fields: Mapping[str, Sequence[str]], code: str = "missing_input") -> None:
        super().__init__(code)
        self.fields = {name: tuple(codes) for name, codes in fields.items()}


class LostRace(RuleBroken):
    """A colleague was faster. Facts: `who` (code), `when` (datetime), `event` (code)."""

    code = "lost_race"


class StaleVersion(RuleBroken):
    """The row changed after the form was shown. Facts: `who`, `when`, `event` where known."""

    code = "stale_version"


class KeyReused(RuleBroken):
    """The same act id with another input."""

    code = "key_reused"


class Throttled(HubError):
    """Too many attempts. Fact: `retry_after` (seconds)."""

    code = "throttled"


class Unavailable(HubError):
    """Log, key or capacity is not there: nothing is shown or changed (log_unavailable, key_unavailable, at_capacity)."""

    code = "log_unavailable"


class CannotOpen(HubError):
    """Sealed data does not verify or decrypt; nothing of it is shown."""

    code = "cannot_open"


class NotDurable(HubError):
    """A reveal was tried before its log entry was durable: a fault of the program, never shown with content."""

    code = "not_durable"


class BadProof(HubError):
    """A Merkle inclusion or consistency proof does not hold (RFC 6962, RFC 9162)."""

    code = "bad_proof"


class BadNote(HubError):
    """A signed note is malformed or carries no signature by a known key (C2SP signed-note)."""

    code = "bad_note"


class ForkRefused(HubError):
    """The tree does not contain what was already signed or witnessed; signing stops."""

    code = "fork_refused"


class BadSettings(HubError):
    """A setting or secret is missing, default, or not allowed in this profile; the program does not start."""

    code = "bad_settings"
