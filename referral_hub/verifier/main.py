"""`audit verify`: the check as a command, for people and (`--json`) for programs."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from referral_hub.verifier.check import Question, check
from referral_hub.verifier.words import LANGUAGES, sentence, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referral_hub.verifier.findings import Report


def main(argv: Sequence[str] | None = None) -> int:
    """Check a bundle, say what was found, and return 0 good, 1 tampering, 2 not checkable, 3 quorum not met, 4 incomplete."""
    given = _parser().parse_args(argv)
    question = Question(given.bundle, given.policy, given.since, given.receipts, tuple(given.receipt_key))
    report = check(question)
    for line in _json(report) if given.json else _lines(report, LANGUAGES if given.language is None else (given.language,)):
        sys.stdout.write(f"{line}\n")
    return report.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="referral-hub audit verify",
        description="Check a bundle of the access log, offline. / Memeriksa paket bukti jejak akses, tanpa jaringan.",
        epilog="exit: 0 good, 1 evidence of tampering, 2 not checkable, 3 quorum not met, 4 incomplete",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="log keys and witnesses you trust (C2SP tlog-policy)")
    parser.add_argument("--since", type=Path, metavar="CHECKPOINT", help="checkpoint or bundle that you kept of your last visit")
    parser.add_argument("--receipts", type=Path, metavar="DIR", help="folder of receipts (*.receipt, *.receipts, receipt.vkey)")
    parser.add_argument("--receipt-key", action="append", default=[], metavar="VKEY")
    parser.add_argument("--language", choices=LANGUAGES, help="one language; else both")
    parser.add_argument("--json", action="store_true")
    return parser


def _lines(report: Report, languages: Sequence[str]) -> list[str]:
    lines = []
    for language in languages:
        lines.append(f"{verdict(report, language)}")
        lines += [f"  {finding.code}: {sentence(finding, language)}" for finding in report.findings]
    for witness in report.facts.get("witnesses", []):
        lines.append(f"  witness {witness['name']} {_moment(witness['time'])}")
    if "extends" in report.facts:
        lines.append(f"  extends {report.facts['extends']} -> {report.facts['size']}")
    if "receipts" in report.facts:
        lines.append(f"  receipts {report.facts['receipts']['held']} / {report.facts['receipts']['count']}")
    return lines


def _json(report: Report) -> list[str]:
    found = [
        {"code": f.code, "entry": f.entry, "facts": f.facts, **{language: sentence(f, language) for language in LANGUAGES}} for f in report.findings
    ]
    told = {"exit": report.exit_code, "verdict": report.verdict, "facts": report.facts, "findings": found}
    return [json.dumps(told, ensure_ascii=True, indent=1)]


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return "–"
