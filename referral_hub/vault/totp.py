"""Second factor: time-based codes (RFC 6238: SHA-1, 6 digits, 30 seconds) that are accepted once.

The library checks one step and remembers nothing; here one step to either side is allowed, and the last accepted step is the
caller's to keep under the member's row lock.
"""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

if TYPE_CHECKING:
    from datetime import datetime

SECRET: Final = 20
DIGITS: Final = 6
STEP: Final = 30
DRIFT: Final = 1


def new_secret() -> bytes:
    """Return a random secret of 160 bits (RFC 4226, section 4)."""
    return os.urandom(SECRET)


def uri(secret: bytes, *, account: str, issuer: str) -> str:
    """Return the `otpauth://` address that an authenticator reads from a code on the screen."""
    return _totp(secret).get_provisioning_uri(account, issuer)


def step_of(now: datetime) -> int:
    """Return the number of the 30-second step that holds `now` (aware)."""
    return int(now.timestamp()) // STEP


def code(secret: bytes, *, now: datetime) -> str:
    """Return the six digits of `now`."""
    return _at(secret, step_of(now))


def accept(secret: bytes, typed: str, *, now: datetime, last_step: int | None) -> int | None:
    """Return the step whose code was `typed` (blanks are ignored), to be kept as the last one; None when it is refused.

    Refused are wrong codes, and right ones of a step that is not later than `last_step`. All steps are compared, in constant time.
    """
    digits = "".join(typed.split()).encode()
    here = step_of(now)
    found = None
    for step in range(here - DRIFT, here + DRIFT + 1):
        matches = hmac.compare_digest(_at(secret, step).encode(), digits)
        if matches and (last_step is None or step > last_step):
            found = step
    return found


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP)  # noqa: S303 - RFC 6238 as authenticators implement it


def _at(secret: bytes, step: int) -> str:
    return _totp(secret).generate(step * STEP).decode()
