"""The bytes of a section as they are sealed: JSON, sorted, UTF-8, no fractions. The same values always give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from referral_hub import errors


def canonical_bytes(values: Mapping[str, Any]) -> bytes:
    """Return the bytes of a section.

    Raises:
        TypeError: a value is no JSON value of the form (a fraction, an object of the program, a text that is no UTF-8).
    """
    try:
        return json.dumps(_plain(values), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        raise TypeError("text") from None


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(one) for key, one in value.items()}
    raise TypeError(type(value).__name__)


def from_bytes(sealed: bytes) -> dict[str, Any]:
    """Return the values of a section from its bytes.

    Raises:
        errors.CannotOpen: the bytes are not those of a section.
    """
    try:
        values = json.loads(sealed.decode(), parse_float=_refuse, parse_constant=_refuse)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise errors.CannotOpen from None
    if not isinstance(values, dict):
        raise errors.CannotOpen
    return values


def _refuse(_text: str) -> NoReturn:
    raise ValueError("fraction")
