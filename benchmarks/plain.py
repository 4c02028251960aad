"""Filling the twin's plain tables with what the product has sealed, and checking that both show the same pages."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from benchmarks.browsing import TWIN
from benchmarks.seed import OPENED

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from benchmarks.measures import Bench
    from benchmarks.people import Founder
    from benchmarks.seed import Seeded
    from benchmarks.serving import Server

PART = text("INSERT INTO plain_part (owner, section, content) VALUES (:owner, :section, CAST(:content AS jsonb))")
ACCOUNT = text("INSERT INTO plain_account (mail, member_id, salt, verifier, secret) VALUES (:mail, :member, :salt, :verifier, :secret)")
# What differs by nature: the foot, which names the entry; act ids; addresses of the twin; which item of the navigation is the present one.
VOLATILE = re.compile(r'<footer.*|[0-9a-f]{8}-[0-9a-f-]{27}|/twin(?=/)| aria-current="page"|\s+', re.DOTALL)


def fill(session: Session, seeded: Seeded, founder: Founder) -> None:
    """Make the twin's tables and fill them: shown sections, drafts, accounts."""
    from benchmarks.twin import TABLES  # noqa: PLC0415 - only here does the measuring program need the twin

    session.execute(text(TABLES))
    for row in seeded.shown:
        part = row["content"]
        shown = {"fields": part.fields, "masked": sorted(part.masked), "tails": dict(part.tails)}
        session.execute(PART, {"owner": row["owner"], "section": row["section"], "content": json.dumps(shown)})
    drafts = [(row["owner"], section, content) for row in seeded.written for section, content in seeded.parts.items()]
    if drafts:
        session.execute(PART, [{"owner": owner, "section": section, "content": json.dumps(content)} for owner, section, content in drafts])
    for account in seeded.accounts:
        facts = {"salt": founder.salt, "verifier": founder.unlock.verifier, "secret": bytes.fromhex(account.secret)}
        session.execute(ACCOUNT, {"mail": account.mail, "member": account.id, **facts})
    session.commit()
    session.execute(text("ANALYZE"))
    session.commit()


def compare(bench: Bench) -> None:
    """Refuse to measure unless product and twin show the same pages."""
    reader, busy = bench.seeded.readers[0], bench.seeded.busy
    number = bench.seeded.numbers[reader.id][0]
    for member, path in [(reader, f"/rujukan/{number}/bagian/{section}") for section in OPENED] + [(busy, "/rujukan?arah=masuk")]:
        pages = [_page(server, prefix + path, member) for server, prefix in ((bench.product, ""), (bench.plain, TWIN))]
        if pages[0] != pages[1]:
            msg = f"{path}: product and twin differ: {_difference(*pages)}"
            raise SystemExit(msg)


def _page(server: Server, path: str, member: Any) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"Cookie": f"__Host-hub={member.cookie}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return VOLATILE.sub("", answer.read().decode())


def _difference(one: str, other: str) -> str:
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{one[at - 80 : at + 120]!r} | {other[at - 80 : at + 120]!r}"
