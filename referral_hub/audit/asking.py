"""Asking witnesses, several at once and none for long: one thread each, a limit of time and of bytes for every answer.

No database is touched here. Whatever a witness does, after `seconds` there is an answer for it, if only that it was slow.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub.audit import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from referral_hub.audit.policy import Policy

SECONDS = 5.0
_GRACE = 0.5
NEEDED, CONFLICT, UNPROVEN = 200, 409, 422


@dataclass(frozen=True)
class Reply:
    """What a witness answered: the HTTP status and the text, or a `failure` (wire.Unanswered.reason) with status 0."""

    status: int
    text: str = ""
    failure: str = ""


def submit(bodies: Mapping[str, bytes], *, seconds: float = SECONDS) -> dict[str, Reply]:
    """Send to each submission prefix its `add-checkpoint` body (C2SP tlog-witness); return the reply of each."""

    def send(url: str) -> Reply:
        return _reply(f"{url.rstrip('/')}/add-checkpoint", bodies[url], seconds)

    return _all(bodies, send, seconds)


def witnessed(policy: Policy, *, origin: str, seconds: float = SECONDS) -> list[str]:
    """Return what each reachable witness shows as the newest checkpoint of the log that it cosigned (C2SP tlog-witness, monitors).

    Unverified: whatever the log's own key signed is evidence, whoever shows it; the signer verifies that.
    """
    place = f"{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
    urls = {witness.url: b"" for witness in policy.witnesses if witness.url}
    replies = _all(urls, lambda url: _reply(f"{url.rstrip('/')}/{place}", None, seconds), seconds)
    return [reply.text for reply in replies.values() if reply.status == NEEDED]


def _reply(url: str, body: bytes | None, seconds: float) -> Reply:
    try:
        answer = wire.exchange(url, body=body, seconds=seconds)
        return Reply(answer.status, answer.body.decode())
    except wire.Unanswered as failure:
        return Reply(0, failure=failure.reason)
    except UnicodeDecodeError:
        return Reply(0, failure="malformed")


def _all(urls: Mapping[str, bytes], ask: Callable[[str], Reply], seconds: float) -> dict[str, Reply]:
    """Ask everybody at once and wait no longer than `seconds`; a thread that still hangs (in a name server) is left behind."""
    found: dict[str, Reply] = {}

    def run(url: str) -> None:
        found[url] = ask(url)

    threads = [threading.Thread(target=run, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds + _GRACE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return {url: found.get(url, Reply(0, failure="slow")) for url in urls}
