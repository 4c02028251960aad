"""Codes that people read and type: Crockford's base 32 (no I, L, O, U), and groups of digits."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from referral_hub import errors

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RECOVERY: Final = 26           # characters, 130 bits
CHECK: Final = 2               # characters behind them
_PRIME: Final = 1021           # below 32 squared: finds every single wrong character and every swap of neighbours
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def normalise(text: str) -> str:
    """Return a typed code as it was made: upper case, O as 0, I and L as 1, without hyphens and blanks."""
    return "".join(text.split()).upper().translate(_ALIKE)


def short_code() -> str:
    """Return eight random characters in two groups, `XXXX-XXXX` (40 bits; the caller tries again when it is taken)."""
    return grouped(_random(8))


def grouped(characters: str) -> str:
    """Return `characters` in groups of four with hyphens."""
    return "-".join(characters[i : i + 4] for i in range(0, len(characters), 4))


def recovery_code() -> str:
    """Return a new recovery code: 26 random characters and 2 check characters in seven groups."""
    drawn = _random(RECOVERY)
    return grouped(drawn + _check(drawn))


def recovery_entropy(typed: str) -> bytes:
    """Return the 26 characters of a typed recovery code as bytes, after its check characters were found right.

    Raises:
        errors.RuleBroken: `recovery_code_wrong`, a typing mistake.
    """
    code = normalise(typed)
    drawn, check = code[:RECOVERY], code[RECOVERY:]
    if len(code) != RECOVERY + CHECK or not set(code) <= set(ALPHABET) or _check(drawn) != check:
        raise errors.RuleBroken("recovery_code_wrong")
    return drawn.encode()


def digits(data: bytes) -> str:
    """Return the fingerprint of `data`: 24 digits (79 bits of its SHA-256) in six groups of four."""
    number = int.from_bytes(hashlib.sha256(data).digest()) % 10**24
    text = f"{number:024d}"
    return " ".join(text[i : i + 4] for i in range(0, 24, 4))


def same_digits(shown: str, typed: str) -> bool:
    """Return whether `typed` holds the same digits as `shown`; blanks, hyphens and dots are ignored."""
    return secrets.compare_digest(_only_digits(shown), _only_digits(typed))


def _only_digits(text: str) -> bytes:
    return "".join(c for c in text if c not in " -.\t\u00a0").encode()


def _random(count: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def _check(drawn: str) -> str:
    number = 0
    for character in drawn:
        number = number * 32 + ALPHABET.index(character)
    high, low = divmod(number % _PRIME, 32)
    return ALPHABET[high] + ALPHABET[low]
