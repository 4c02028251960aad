"""What a check can find: codes with the exit code that each leads to, and the report that collects them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

GOOD, TAMPERED, USAGE, NO_QUORUM, INCOMPLETE = 0, 1, 2, 3, 4
VERDICTS = {GOOD: "good", TAMPERED: "tampered", USAGE: "unusable", NO_QUORUM: "no_quorum", INCOMPLETE: "incomplete"}
_GRAVEST = (USAGE, TAMPERED, INCOMPLETE, NO_QUORUM)
MOST = 100

EXITS = {
    # the check cannot be made
    "file_missing": USAGE,
    "bundle_unreadable": USAGE,
    "bundle_oversized": USAGE,
    "bundle_foreign_file": USAGE,
    "policy_malformed": USAGE,
    "policy_unknown_log": USAGE,
    "receipts_unreadable": USAGE,
    "receipts_no_key": USAGE,
    "since_unreadable": USAGE,
    # somebody changed something
    "checkpoint_malformed": TAMPERED,
    "checkpoint_foreign": TAMPERED,
    "checkpoint_unsigned": TAMPERED,
    "checkpoint_forged": TAMPERED,
    "cosignature_forged": TAMPERED,
    "entry_changed": TAMPERED,
    "entry_removed": TAMPERED,
    "entry_added": TAMPERED,
    "entry_swapped": TAMPERED,
    "entry_malformed": TAMPERED,
    "entry_misplaced": TAMPERED,
    "entry_foreign_log": TAMPERED,
    "entry_foreign_question": TAMPERED,
    "entry_unproven": TAMPERED,
    "counter_broken": TAMPERED,
    "tile_changed": TAMPERED,
    "root_contradicted": TAMPERED,
    "history_rewritten": TAMPERED,
    "history_shorter": TAMPERED,
    "history_lost": TAMPERED,
    "entry_rewritten": TAMPERED,
    "since_forged": TAMPERED,
    "receipt_contradicted": TAMPERED,
    "receipt_missing": TAMPERED,
    "receipt_lost": TAMPERED,
    # something is not there
    "bundle_truncated": INCOMPLETE,
    "file_left_out": INCOMPLETE,
    "entry_left_out": INCOMPLETE,
    "count_differs": INCOMPLETE,
    "since_not_bridged": INCOMPLETE,
    # not enough witnesses
    "quorum_not_met": NO_QUORUM,
    # worth knowing, and no fault
    "clock_backwards": GOOD,
    "shard_begins": GOOD,
    "member_damaged": GOOD,
    "no_witnesses_asked": GOOD,
    "receipt_later": GOOD,
    "receipt_uncovered": GOOD,
    "receipt_foreign": GOOD,
    "receipt_invalid": GOOD,
    "more_findings": GOOD,
}


@dataclass(frozen=True)
class Finding:
    """One thing that was found: its code, the entry that it is about where there is one, and details for the sentence."""

    code: str
    entry: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Report:
    """What a check came to. Of each code at most a hundred findings are kept; a further one says that there are more."""

    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, code: str, entry: int | None = None, **facts: Any) -> None:
        """Note a finding."""
        if self._counts.get(code, 0) < MOST:
            self.findings.append(Finding(code, entry, facts))
        self._count(code, 1)

    def join(self, other: Report) -> None:
        """Take over the findings of a part."""
        for finding in other.findings:
            if finding.code != "more_findings":
                self.add(finding.code, finding.entry, **finding.facts)
        for code, count in other._counts.items():
            self._count(code, max(0, count - MOST))

    def _count(self, code: str, more: int) -> None:
        before = self._counts.get(code, 0)
        self._counts[code] = before + more
        if before <= MOST < before + more:
            self.findings.append(Finding("more_findings", None, {"of": code}))

    def has(self, code: str) -> bool:
        """Say whether something of this code was found."""
        return code in self._counts

    @property
    def exit_code(self) -> int:
        """0 good, 1 evidence of tampering, 2 the check could not be made, 3 quorum not met, 4 incomplete; the gravest of them."""
        found = {EXITS[finding.code] for finding in self.findings}
        return next((code for code in _GRAVEST if code in found), GOOD)

    @property
    def verdict(self) -> str:
        """The exit code in a word."""
        return VERDICTS[self.exit_code]


class Stop(Exception):
    """The check cannot go on; what it noted before says why."""
