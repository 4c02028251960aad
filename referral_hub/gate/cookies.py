"""The three cookies: session, known device, language of this browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

YEAR = 31_536_000


@dataclass(frozen=True)
class CookiePolicy:
    """How cookies are named and guarded. Production has no other than the default; demo and tests speak plain http."""

    secure: bool = True
    prefix: str = "__Host-"

    @property
    def session(self) -> str:
        """Name of the cookie that holds id and secret of the session."""
        return f"{self.prefix}hub"

    @property
    def device(self) -> str:
        """Name of the cookie of a known device (VAULT.md, Sign-in: throttle buckets)."""
        return f"{self.prefix}hub-device"

    @property
    def language(self) -> str:
        """Name of the cookie with the language chosen in this browser."""
        return f"{self.prefix}hub-language"

    def put(self, response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
        """Set one cookie: HttpOnly, SameSite=Strict, the whole site, ending with the browser unless `max_age` (seconds)."""
        response.set_cookie(name, value, max_age=max_age, path="/", secure=self.secure, httponly=True, samesite="Strict")

    def drop(self, response: Response, name: str) -> None:
        """Remove one cookie."""
        response.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="Strict")
