"""What the operator hands to auditors: bundles of the log, and how receipts compare with it. Each leaves its entry first."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from referral_hub import access, errors
from referral_hub.access import Verb, outside_cases
from referral_hub.audit import bundle, queries, shard
from referral_hub.audit import bundle_form as form
from referral_hub.audit import receipts as receipt_notes
from referral_hub.audit import reconcile as comparing
from referral_hub.audit.append import record
from referral_hub.audit.bundle import Wanted
from referral_hub.audit.entry import entry_for
from referral_hub.cli.wiring import machine_actor, session_at, settings
from referral_hub.clock import SystemClock
from referral_hub.db import transact
from referral_hub.vault import key_folder
from referral_hub.verifier.findings import Finding
from referral_hub.verifier.words import LANGUAGES, sentence

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.audit.reconcile import Compared

TAMPERED = 1


def write_bundle(
    *,
    out: str,
    subject: UUID | None,
    member: UUID | None,
    agency: UUID | None,
    since: datetime | None,
    until: datetime | None,
    earlier: str | None,
    newest: bool,
) -> str:
    """Write the bundle that was asked for to the file `out`; return a line that says what it holds.

    Raises:
        errors.BadSettings: more than one question at once, or the file exists.
    """
    asked = {form.SUBJECT: subject, form.ACTOR: member, form.AGENCY: agency, form.PERIOD: since or until}
    kinds = [kind for kind, value in asked.items() if value is not None]
    if len(kinds) > 1:
        raise errors.BadSettings(name=" ".join(kinds))
    moments = (None if moment is None else moment.replace(tzinfo=UTC) for moment in (since, until))
    wanted = Wanted(kinds[0] if kinds else form.WHOLE, subject or member or agency, *moments)
    visited = Path(earlier).read_text(encoding="utf-8") if earlier else ""
    plan = partial(bundle.plan, actor=_operator(), now=SystemClock().now(), wanted=wanted, since=visited, newest=newest)
    with session_at(settings().database_url) as session:
        planned = transact(session, plan)
        _write(out, partial(bundle.write, session, planned))
        session.rollback()
    return f"{out}: {planned.manifest.kind}, {planned.manifest.count} entries under a checkpoint of {planned.manifest.size}; entry {planned.ticket.index}"


def reconcile(folder: str, *, as_json: bool) -> tuple[list[str], int]:
    """Compare the receipts in `folder` with the log; return lines, and 1 when one shows a dropped entry. Leaves an entry.

    The hub's own receipt key verifies them. Raises errors.BadSettings: the folder cannot be read.
    """
    given = settings()
    seed = key_folder.signing_seed(given.key_folder, "receipt")
    held = comparing.read_folder(Path(folder))
    with session_at(given.database_url) as session:
        log = _log(session, given.log_origin)
        keys = [receipt_notes.signer(seed, origin=name).vkey() for name in (log.origin, *log.former)]
        compared = comparing.compare(held, log, keys)
        session.rollback()
        found = [one for one in compared if one.code in comparing.EVIDENCE]
        transact(session, partial(_say, count=len(held), found=bool(found)))
    told = [_finding(one) for one in compared if one.code]
    if as_json:
        lines = [json.dumps({"compared": len(held), "findings": [dataclasses.asdict(one) for one in told]}, indent=1)]
    else:
        lines = [f"{one.code}: {sentence(one, language)}" for one in told for language in LANGUAGES]
        lines.append(f"{len(held) - len(told)} / {len(held)}")
    return lines, TAMPERED if found else 0


def _log(session: Session, origin: str) -> comparing.Log:
    begun = queries.latest(session, filters=queries.Filter(action=shard.ACTION))
    former = {one.former: one.lost_from for one in (shard.read(logged.entry) for logged in begun)}
    return comparing.Log(origin, queries.size(session), partial(queries.leaf_hash, session), former, is_whole=True, is_live=True)


def _say(session: Session, *, count: int, found: bool) -> None:
    actor = _operator()
    decision = access.require(actor, Verb.AUDIT_RECONCILE, outside_cases("log", same_agency=False))
    outcome = {"outcome": "error", "reason": errors.BadProof.code} if found else {}
    facts = {"object_kind": "log", "count": count, "purpose": "supervision", **outcome}
    record(session, entry_for(actor, Verb.AUDIT_RECONCILE, now=SystemClock().now(), decision=decision, **facts))


def _finding(compared: Compared) -> Finding:
    facts: dict[str, Any] = {"file": compared.held.file, "number": compared.held.number}
    if compared.receipt:
        facts |= {"act": compared.receipt.action, "time": compared.receipt.occurred_at.isoformat()}
    return Finding(compared.code, compared.receipt.index if compared.receipt else None, facts)


def _operator() -> Actor:
    """Return the operator, who signed in to the machine itself to give this command."""
    return dataclasses.replace(machine_actor("operator"), strength="fresh")


def _write(out: str, write: Any) -> None:
    """Write the file `out`, which must not exist; a half-written one does not stay."""
    path = Path(out)
    try:
        with path.open("xb") as file:
            write(file)
    except FileExistsError:
        raise errors.BadSettings(name="out") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
