"""The message ids that code and templates use, as Babel extracts them."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir

PROGRAM = Path(__file__).resolve().parents[2] / "referral_hub"
METHODS = [("web/templates/**.html", "jinja2"), ("gate/**.py", "python"), ("web/**.py", "python")]
OPTIONS = {"web/templates/**.html": {"trimmed": "false", "silent": "false"}}


def used() -> dict[str | tuple[str, str], list[str]]:
    """Return every message id with the places that use it."""
    found: dict[str | tuple[str, str], list[str]] = {}
    for file, line, message, _comments, _context in extract_from_dir(
        PROGRAM, METHODS, OPTIONS, keywords=DEFAULT_KEYWORDS, callback=None, strip_comment_tags=False
    ):
        key = tuple(message) if isinstance(message, tuple) else message
        found.setdefault(key, []).append(f"{file}:{line}")
    return found
