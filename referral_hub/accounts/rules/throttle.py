"""How often one may try to sign in (VAULT.md, Sign-in).

A known device counts in a bucket of its own and in no other: whoever exhausts the account's bucket for unknown sources, or
the city's shared address, never locks it. Unknown sources count in the account's bucket and in the network's. Attempts are
counted before deriving, so that racing ones cannot pass the limit; a right passphrase gives its attempt back.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

WINDOW = timedelta(minutes=15)
OWN_ENTRIES = 5


class Kind(StrEnum):
    """What a bucket counts: a known device, the account from unknown sources, a network, second-factor codes."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    NETWORK = "network"
    CODE = "code"


LIMITS = {Kind.KNOWN: 10, Kind.UNKNOWN: 10, Kind.NETWORK: 300, Kind.CODE: 10}


@dataclass(frozen=True)
class Bucket:
    """Counts within the window that began at `window_start`. `logged`: failures that have an entry of their own."""

    kind: Kind
    window_start: datetime
    attempts: int = 0
    failures: int = 0
    logged: int = 0
    refused: int = 0

    @property
    def window_end(self) -> datetime:
        """When the counts begin again."""
        return self.window_start + WINDOW

    @property
    def is_full(self) -> bool:
        """Whether a further attempt is refused."""
        return self.attempts >= LIMITS[self.kind]

    @property
    def uncounted(self) -> int:
        """Failures and refusals that no entry tells yet."""
        return self.failures - self.logged + self.refused

    def is_over(self, now: datetime) -> bool:
        """Whether the window has closed."""
        return now >= self.window_end

    def begun_again(self, now: datetime) -> Bucket:
        """Return an empty bucket whose window begins now."""
        return Bucket(self.kind, now)

    def tried(self) -> Bucket:
        """Count one attempt."""
        return replace(self, attempts=self.attempts + 1)

    def turned_away(self) -> Bucket:
        """Count one attempt that was refused."""
        return replace(self, refused=self.refused + 1)

    def given_back(self) -> Bucket:
        """Take one attempt off again: it was right."""
        return replace(self, attempts=max(0, self.attempts - 1))

    def failed(self) -> tuple[Bucket, bool]:
        """Count one failure; the second value says whether it gets an entry of its own: the first five of a window do."""
        own = self.logged < OWN_ENTRIES
        return replace(self, failures=self.failures + 1, logged=self.logged + own), own


def network_of(address: str) -> str:
    """Return the network that an address counts against: /24 of IPv4, /48 of IPv6, or the text itself if it is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    bits = 48 if isinstance(parsed, ipaddress.IPv6Address) else 24
    return str(ipaddress.ip_network(f"{parsed}/{bits}", strict=False))
