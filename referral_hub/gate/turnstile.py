"""One request at a time in a process, except while a key is derived.

A web worker has a few blocking threads. With several of them at work at once a thread that holds the log's lock waits
for the interpreter lock, and throughput falls to about three quarters (PERFORMANCE.md, habit 3). With a single one, a
sign-in stops the worker for the whole Argon2id derivation. So the threads pass a turnstile: one works, the others wait;
a derivation, which leaves the interpreter lock and needs no database, steps aside and lets the next request in.

At most floor(cores / workers) derivations run at once, at least one (VAULT.md, Sign-in); a sign-in that gets no place
within two seconds is told to come back.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PATIENCE = 2.0


def places_for(*, workers: int, cores: int | None = None) -> int:
    """Return how many derivations may run at once in one of `workers` processes: floor(cores / workers), at least 1."""
    return max(1, (cores or os.cpu_count() or 1) // max(1, workers))


class Turnstile:
    """The lock that a request holds while it works."""

    def __init__(self, *, places: int = 1, patience: float = PATIENCE) -> None:
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(places)
        self._patience = patience
        self._inside = threading.local()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Hold the turnstile for the length of a request."""
        self._lock.acquire()
        self._inside.here = True
        try:
            yield
        finally:
            self._inside.here = False
            self._lock.release()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Step aside for one derivation: others may work meanwhile. The caller holds no database connection.

        Raises:
            errors.Unavailable: no place for a derivation within two seconds (at_capacity, fact `retry_after`).
        """
        inside = getattr(self._inside, "here", False)
        if inside:
            self._lock.release()
        try:
            if not self._places.acquire(timeout=self._patience):
                raise errors.Unavailable("at_capacity", retry_after=int(self._patience))
            try:
                yield
            finally:
                self._places.release()
        finally:
            if inside:
                self._lock.acquire()

    def guard(self, application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """Return the WSGI `application` behind the turnstile.

        Pages are complete when the application returns, and its teardown has run: nothing is streamed.
        """

        def guarded(environ: Any, start_response: Any) -> Iterable[bytes]:
            with self.passing():
                return application(environ, start_response)

        return guarded
