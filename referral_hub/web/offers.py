"""What the own agency offers, kept by its administrator: services, for whom, open when, how much room; each saying leaves its entry (FEATURES A5 to A13).

A service stands in an address by a short word of its own, as everywhere: an address names no kind of harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request, url_for

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.directory import NewService, queries, rules
from referral_hub.directory import actions as directory
from referral_hub.gate.acts import act, form_version, keyless, on_refusal
from referral_hub.gate.admits import about, admits, signed_in_only
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import Problems, form_of, number, one_of, read_form, several, text, tick
from referral_hub.gate.speech import _
from referral_hub.web.files import options, service_name, service_of, service_token
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.looking import SAYS_NOTHING
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.directory import Agency, Service

bp = Blueprint("offers", __name__)


@dataclass(frozen=True)
class Row:
    """One service of the agency in words; `stale`: nobody has said for seven days how much room there is."""

    service: Service
    name: str
    token: str
    capacity: str
    stale: bool


@bp.get("/lembaga/layanan")
@signed_in_only
def show() -> Response:
    """Show the agency's services with their room, and what holds for all of them."""
    return offers_page()


@bp.post("/lembaga/layanan")
@admits(Verb.AGENCY_CHANGE)
def add() -> Response:
    """Add a service; its details follow on its own page."""
    on_refusal(lambda problems: offers_page(problems=problems))
    code = read_form(form_of(code=one_of([option.value for option in _addable()])))["code"]
    _changed(directory.add_service, service=NewService(code=code))
    return see_other(url_for("offers.form", token=service_token(code)))


@bp.post("/lembaga/layanan/<token>/tempat")
@admits(Verb.DIRECTORY_CAPACITY)
def capacity(token: str) -> Response:
    """Say how much room a service has as of now."""
    on_refusal(lambda problems: offers_page(problems=problems, token=token))
    form = read_form(form_of(capacity=one_of([option.value for option in options("capacity_statuses")]), slots=number()))
    code = _service(token).code
    about("agency", signed_in().agency.id)
    work = partial(directory.set_capacity, agency_id=signed_in().agency.id, service=code, status=form["capacity"], slots=form.get("slots"))
    act(keyless(work))
    return see_other(url_for("offers.show"))


@bp.post("/lembaga/benar")
@admits(Verb.DIRECTORY_VERIFY)
def verify() -> Response:
    """Say that everything on the page was looked at and holds."""
    about("agency", signed_in().agency.id)
    act(keyless(partial(directory.verify, agency_id=signed_in().agency.id)))
    return see_other(url_for("offers.show"))


@bp.post("/lembaga/jam")
@admits(Verb.AGENCY_CHANGE)
def profile() -> Response:
    """Change what holds for the whole agency: hours, call by day and night, languages, accessibility."""
    on_refusal(lambda problems: offers_page(problems=problems))
    form = read_form(
        form_of(
            hours=one_of(list(protocol.current().hours)), on_call_24h=tick(), languages=several(_codes("languages")),
            access=several(_codes("access_needs"), required=False),
        )
    )  # fmt: skip
    _changed(directory.change_agency, changes=form | {"languages": tuple(form["languages"]), "access": tuple(form.get("access", ()))})
    return see_other(url_for("offers.show"))


@bp.get("/lembaga/layanan/<token>")
@signed_in_only
def form(token: str) -> Response:
    """Show the form of one service: hours, for whom, what to bring, a line about it, closed for the time being."""
    _keepers_only()
    return form_page(token, _service(token))


@bp.post("/lembaga/layanan/<token>")
@admits(Verb.AGENCY_CHANGE)
def change(token: str) -> Response:
    """Change one service."""
    service = _service(token)
    on_refusal(lambda problems: form_page(token, service, problems=problems))
    given = read_form(
        form_of(
            hours=one_of(list(protocol.current().hours)), closed=tick(), sex=several(_codes("sexes"), required=False), age_min=number(),
            age_max=number(), bring=several(_codes("document_types"), required=False), note=text(required=False, longest=160),
        )
    )  # fmt: skip
    changes = {
        "hours": given["hours"], "closed": given["closed"], "sex": tuple(given.get("sex", ())), "age_min": given.get("age_min", 0),
        "age_max": given.get("age_max"), "bring": tuple(given.get("bring", ())), "note": given.get("note", ""),
    }  # fmt: skip
    _changed(directory.change_service, service=service.code, changes=changes)
    return see_other(url_for("offers.show"))


@bp.post("/lembaga/layanan/<token>/hapus")
@admits(Verb.AGENCY_CHANGE)
def remove(token: str) -> Response:
    """Take a service out of the directory."""
    _changed(directory.remove_service, service=_service(token).code)
    return see_other(url_for("offers.show"))


def _changed(verb: Any, **facts: Any) -> None:
    """Run a verb on the own agency as the form showed it."""
    about("agency", signed_in().agency.id)
    version = form_version()
    if version is None:
        raise errors.InputInvalid({"version": ("required",)})
    act(keyless(partial(verb, agency_id=signed_in().agency.id, version=version, **facts)))


def _service(token: str) -> Service:
    """Return the own agency's service by the word in the address. Raises errors.NotFound."""
    code = service_of(token)
    if code is None:
        raise errors.NotFound
    return queries.service(session(), agency_id=signed_in().agency.id, code=code)


def keeps_profile() -> bool:
    """Tell whether this member keeps the agency's own facts."""
    return Verb.DIRECTORY_CAPACITY.value in access.acts_allowed(actor().roles)


def stale_count() -> int:
    """Return of how many services nobody has said for seven days how much room there is; asked of whoever keeps these facts."""
    return sum(row.stale for row in _rows(_fresh())) if keeps_profile() else 0


def _keepers_only() -> None:
    if not keeps_profile():
        raise errors.NotAllowed("role_lacks_ability")


def offers_page(*, problems: Problems | None = None, token: str = "") -> Response:
    """Make the page of all services; `token` names the one whose saying was refused."""
    _keepers_only()
    agency = _fresh()
    return page(
        "agency/offers.html", title=_("Services and hours"), status=422 if problems else 200, problems=problems, refused=token, agency=agency,
        rows=_rows(agency), addable=_addable(), capacities=options("capacity_statuses"), hours=options("business_hours"),
        languages=_told("languages"), access_needs=_told("access_needs"),
    )  # fmt: skip


def form_page(token: str, service: Service, *, problems: Problems | None = None) -> Response:
    """Make the form of one service; after a refusal with what was typed."""
    typed = request.form if problems else None
    return page(
        "agency/offer.html", title=_("Services and hours"), status=422 if problems else 200, problems=problems, token=token, agency=_fresh(),
        service=service, name=protocol.current().service(service.code).label(reader().language),
        sex=typed.getlist("sex") if typed else service.sex, age_min=typed.get("age_min", "") if typed else service.age_min or "",
        age_max=typed.get("age_max", "") if typed else "" if service.age_max is None else service.age_max,
        bring=typed.getlist("bring") if typed else service.bring, note=typed.get("note", "") if typed else service.note,
        open_by=typed.get("hours", "") if typed else service.hours, closed="closed" in typed if typed else service.closed,
        hours=options("business_hours"), sexes=_told("sexes"), documents=options("document_types"),
    )  # fmt: skip


def _fresh() -> Agency:
    """Return the own agency as it stands now: the version that the form is bound to."""
    return queries.agency(session(), signed_in().agency.id)


def _rows(agency: Agency) -> list[Row]:
    rows = []
    for one in queries.services(session(), agency.id):
        shown = rules.capacity_shown(one, now())
        rows.append(Row(one, service_name(one.code), service_token(one.code), shown, stale=shown == "unknown"))
    return sorted(rows, key=lambda row: (not row.stale, row.name))


def _addable() -> list[Option]:
    """Return the services that this kind of agency may offer and does not yet."""
    agency, language = signed_in().agency, reader().language
    have = {one.code for one in queries.services(session(), agency.id)}
    return [Option(s.code, s.label(language)) for s in protocol.current().services.values() if agency.kind in s.kinds and s.code not in have]


def _codes(codelist: str) -> list[str]:
    return [option.value for option in options(codelist)]


def _told(codelist: str) -> tuple[Option, ...]:
    """Return the answers of a list that say something about an agency."""
    return tuple(option for option in options(codelist) if option.value not in SAYS_NOTHING)
