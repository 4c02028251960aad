"""The requests that are measured, as a browser sends them, to the product and to its twin."""

from __future__ import annotations

import uuid
from itertools import cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from benchmarks.people import PASSPHRASE
from benchmarks.seed import OPENED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.people import Member
    from benchmarks.seed import Seeded
    from benchmarks.slices import Lane

OK, SEE_OTHER, NO_CAPACITY = 200, 303, 503
TWIN = "/twin"
HEAD = "Host: hub.bench.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: document\r\n"

Step = dict[str, Any]


def get(path: str, cookie: str, *, expect: int = OK) -> Step:
    """Return a step that opens a page."""
    return {"text": f"GET {path} HTTP/1.1\r\n{HEAD}Cookie: __Host-hub={cookie}\r\n\r\n", "expect": expect}


def post(path: str, cookie: str, fields: dict[str, str], *, expect: int = SEE_OTHER, secret: str = "") -> Step:
    """Return a step that sends a form. `cookie` is the whole header value."""
    body = urlencode(fields).replace("%25CODE%25", "%CODE%")
    head = f"{HEAD}Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    return {"text": f"POST {path} HTTP/1.1\r\n{head}\r\n{body}", "expect": expect, "secret": secret}


def lane(units: list[list[Step]], *, repeat: bool = True, every: float | None = None, counted: bool = True) -> Lane:
    """Return one connection with what goes over it."""
    return {"units": units, "repeat": repeat, "every": every, "counted": counted}


def opening(seeded: Seeded, connections: int, *, prefix: str = "") -> list[Lane]:
    """Return lanes on which each recipient reads the sections of her own referrals, one page after the other."""
    return [
        lane([[get(f"{prefix}/rujukan/{number}/bagian/{section}", reader.cookie)] for number in seeded.numbers[reader.id] for section in OPENED])
        for reader in seeded.readers[:connections]
    ]


def listing(member: Member, connections: int, *, prefix: str = "") -> list[Lane]:
    """Return lanes on which a member looks at the incoming list."""
    return [lane([[get(f"{prefix}/rujukan?arah=masuk", member.cookie)]]) for _ in range(connections)]


class Drafts:
    """Drafts that wait to be sent; each is sent once. Product and twin have the same ones in their own databases."""

    def __init__(self, seeded: Seeded) -> None:
        self._senders = {sender.cookie: list(seeded.drafts[sender.id]) for sender in seeded.senders}

    def sending(self, connections: int, count: int, *, prefix: str = "") -> list[Lane]:
        """Return lanes that send `count` drafts in all, each sender her own."""
        chosen = list(self._senders.items())[:connections]
        return [
            lane([[self._send(*waiting.pop(), cookie, prefix)] for _ in range(count // connections)], repeat=False) for cookie, waiting in chosen
        ]

    @staticmethod
    def _send(number: str, version: int, cookie: str, prefix: str) -> Step:
        form = {"act_id": str(uuid.uuid4()), "version": str(version), "read_block": "yes", "called": "yes", "confirm_recipient": "lbh-ukur"}
        return post(f"{prefix}/rujukan/{number}/kirim", f"__Host-hub={cookie}", form)


class Accounts:
    """Accounts that sign in one after the other: a code counts once, and so does its half minute."""

    def __init__(self, accounts: Sequence[Member]) -> None:
        self._next = {prefix: cycle(accounts) for prefix in ("", TWIN)}

    def signing_in(self, connections: int, each: int, *, prefix: str = "", every: float | None = None, counted: bool = True) -> list[Lane]:
        """Return lanes that sign in `each` times, both pages."""
        return [
            lane([self._pages(next(self._next[prefix]), prefix) for _ in range(each)], repeat=False, every=every, counted=counted)
            for _ in range(connections)
        ]

    @staticmethod
    def _pages(member: Member, prefix: str) -> list[Step]:
        first = {"sign_in-mail": member.mail, "sign_in-passphrase": PASSPHRASE, "sign_in-to": "/"}
        second = {"sign_in-code": "%CODE%", "sign_in-to": "/"}
        begin = post(f"{prefix}/masuk", "", first) | {"refusal": NO_CAPACITY}
        return [begin, post(f"{prefix}/masuk/kode", "%COOKIE%", second, secret=member.secret)]
