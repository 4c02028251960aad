"""The access log for whoever may read it: table, one entry with its proof, one referral's accesses, and a check (PAGES.md 3.18).

Without personal data: members appear as codes, survivors as random ids. Every look at the log is an entry of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, request

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.audit import coverage, reading, signer
from referral_hub.audit.queries import Filter
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import keyless, read
from referral_hub.gate.admits import admits, signed_in_only
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import house, now, session
from referral_hub.gate.speech import _
from referral_hub.referrals import queries as referrals
from referral_hub.web import log_page as view
from referral_hub.web import proof_words, words
from referral_hub.web.desk import desk_page
from referral_hub.web.files import options
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.audit.reading import Checked, Page

bp = Blueprint("log", __name__)

ASKED = ("agency", "member", "number", "action", "outcome", "since", "until")
LISTED = 50  # of more agencies than this, the code is typed: the page stays light
NOBODY = UUID(int=0)  # what an unknown code asks for: it finds nothing


@bp.get("/jejak")
@admits(Verb.AUDIT_READ)
def table() -> Response:
    """Show the log, newest first, narrowed as asked."""
    asked = {name: value for name in ASKED if (value := request.args.get(name, "").strip())}
    found = read(keyless(partial(reading.page, filters=_filter(asked), after=_index(request.args.get("setelah")))))
    return table_page(found, asked=asked, title=_("Log"))


@bp.get("/jejak/rujukan/<number>")
@admits(Verb.AUDIT_READ)
def of_referral(number: str) -> Response:
    """Show every access to one referral, newest first."""
    referral_id = referrals.id_of(session(), number=number)
    found = read(keyless(partial(reading.page, filters=Filter(referral_id=referral_id), after=_index(request.args.get("setelah")))))
    return table_page(found, asked={"number": number}, title=_("Who opened this referral?"), number=number)


@bp.post("/jejak/periksa")
@admits(Verb.AUDIT_VERIFY)
def verify() -> Response:
    """Check the newest checkpoint, and how the entries that were shown stand in it."""
    shown = [index for text in request.form.get("entries", "").split() if (index := _index(text)) is not None]
    checked: Checked = read(keyless(partial(reading.verify, vkeys=_vkeys(), shown=shown))).checked
    stands = coverage.read(session())
    return desk_page("log/verified.html", title=_("Log checked"), checked=checked, steps=proof_words.steps(checked, stands, now()), stands=stands)


@bp.get("/jejak/<int(max=9223372036854775807):idx>")
@admits(Verb.AUDIT_READ)
def entry(idx: int) -> Response:
    """Show one entry: everything recorded, in words, and the proof of its place."""
    found = read(keyless(partial(reading.one, idx=idx)))
    stands = coverage.read(session())
    return desk_page(
        "log/entry.html", title=_("Entry %(number)s", number=words.number(idx, reader())), one=found, row=view.rows([found.logged], stands, now())[0],
        facts=view.facts(found.logged), codes=view.codes_of(found.logged), proof=proof_words.proof_steps(found, stands, now()), stands=stands,
    )  # fmt: skip


@bp.get("/bukti")
@signed_in_only
def proofs() -> Response:
    """Show how the log is proven to outsiders: signed how far, witnessed by whom and how late, and how to check it oneself. No entry is shown."""
    stands = coverage.read(session())
    settings = house().settings
    return desk_page(
        "log/proofs.html", title=_("Proofs"), stands=stands, rows=proof_words.witnesses(stands, now()), vkeys=_vkeys(), origin=settings.log_origin,
        reads_log="audit_read" in access.abilities(actor().roles),
    )  # fmt: skip


def table_page(found: Page, *, asked: dict[str, str], title: str, number: str = "") -> Response:
    """Make a page of the log."""
    everything, stands = reading.sees_all(actor()), coverage.read(session())
    agencies = [Option(a.code, a.name) for a in directory.agencies(session())]
    listed = agencies if len(agencies) <= LISTED else []
    return desk_page(
        "log/table.html", title=title, heading=title, found=found, rows=view.rows(found.rows, stands, now()), asked=asked, number=number,
        everything=everything, agencies=listed, actions=options("audit_events"), outcomes=view.outcomes(), stands=stands,
    )  # fmt: skip


def _filter(asked: dict[str, str]) -> Filter:
    since, until = (view.day_start(asked.get(name, ""), days) for name, days in (("since", 0), ("until", 1)))
    return Filter(
        agency_id=_agency(asked.get("agency")),
        actor_id=_member(asked.get("agency"), asked.get("member")),
        referral_id=_referral(asked.get("number")),
        action=asked.get("action"),
        outcome=asked.get("outcome"),
        since=since,
        until=until,
    )


def _agency(code: str | None) -> UUID | None:
    if code is None:
        return None
    try:
        return directory.agency(session(), code).id
    except errors.NotFound:
        return NOBODY


def _member(agency: str | None, code: str | None) -> UUID | None:
    if code is None:
        return None
    try:
        return members.member_by_code(session(), agency_id=_agency(agency) or signed_in().agency.id, code=code.upper()).id
    except errors.NotFound:
        return NOBODY


def _referral(number: str | None) -> UUID | None:
    if number is None:
        return None
    try:
        return referrals.id_of(session(), number=number)
    except errors.NotFound:
        return NOBODY


def _index(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 19 else None  # noqa: PLR2004 - fits a bigint


def _vkeys() -> tuple[str, ...]:
    """Return the log's verifier keys, or none where the public key is not on this machine: the page says so."""
    settings = house().settings
    try:
        return signer.public_vkeys(settings.key_folder, origin=settings.log_origin)
    except errors.Unavailable:
        return ()
