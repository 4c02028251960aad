"""Cross-site requests, and openings that nobody asked for. Pure: headers in, yes or no out.

VAULT.md, Sign-in: unsafe methods need `Sec-Fetch-Site: same-origin` or, without that header, an equal `Origin`;
both absent is refused. VAULT.md, Browser traces: content is opened by a person's own navigation only.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Headers(Protocol):
    """Headers of a request; names regardless of case where a server gives them."""

    def get(self, key: str, /) -> str | None:
        """Return the value of one header."""
        ...

    def __contains__(self, key: str, /) -> bool:
        """Say whether a header was sent."""
        ...


def origin_of(url: str) -> str:
    """Return scheme, host and port of `url` as browsers write an origin (RFC 6454), default ports left out."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def is_same_site_request(headers: Headers, *, own_origin: str) -> bool:
    """Say whether an unsafe request comes from our own pages."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return headers.get("Origin") == own_origin


def came_from_elsewhere(headers: Headers) -> bool:
    """Say whether a safe request was started by a page of another site (then a quick exit ends nobody's session)."""
    return headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}


def is_unasked_opening(method: str, headers: Headers) -> bool:
    """Say whether a GET of content is a prefetch, an embedding, a HEAD or a part request: then nothing is opened."""
    if method == "HEAD" or "Range" in headers:
        return True
    if headers.get("Sec-Purpose") or headers.get("Purpose") == "prefetch" or headers.get("X-Moz") == "prefetch":
        return True
    return (headers.get("Sec-Fetch-Dest") or "document") != "document"
