"""How many key derivations may run at once in a process (VAULT.md, Sign-in)."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

PATIENCE = 2


class Slots(Protocol):
    """Where a derivation gets its place: the plain slots below, or a front that also lets other requests work meanwhile."""

    def aside(self) -> AbstractContextManager[None]:
        """Hold a place for one derivation; raises errors.Unavailable (at_capacity, fact `retry_after`)."""
        ...


class DerivationSlots:
    """At most floor(cores / workers) derivations at once, at least one: each takes a core and 64 MiB for about 180 ms."""

    def __init__(self, *, workers: int = 1, cores: int | None = None, patience: float = PATIENCE) -> None:
        self.places = max(1, (cores or os.cpu_count() or 1) // max(1, workers))
        self._free = threading.BoundedSemaphore(self.places)
        self._patience = patience

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hold a place for one derivation. The caller holds no database connection.

        Raises:
            errors.Unavailable: no place came free within two seconds (at_capacity, fact `retry_after`).
        """
        if not self._free.acquire(timeout=self._patience):
            raise errors.Unavailable("at_capacity", retry_after=PATIENCE)
        try:
            yield
        finally:
            self._free.release()
