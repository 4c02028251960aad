"""The agency: its key, its activation as a short checklist, and for the network the agencies themselves (DECISIONS 5 and 6)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, url_for

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import actions, queries
from referral_hub.accounts.values import State
from referral_hub.directory import actions as directory_actions
from referral_hub.directory import queries as directory
from referral_hub.directory.facts import NewAgency, NewService
from referral_hub.gate.acts import act, keyless, on_refusal
from referral_hub.gate.admits import about, admits, signed_in_only
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import house, session
from referral_hub.gate.schemas import FormSchema, Problems, form_of, one_of, read_form, several, text, tick
from referral_hub.gate.speech import _
from referral_hub.web.forms import Option, regions
from referral_hub.web.frame import reader
from referral_hub.web.members import ZONES, Fingerprint, invitation_form, invite_page, link_page
from referral_hub.web.offers import keeps_profile
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.accounts.values import Checklist
    from referral_hub.directory import Agency

bp = Blueprint("agency", __name__)

NETWORK = frozenset({"agencies", "confirm_founding"})


class LastFour(FormSchema):
    """The end of the recovery code, typed from the copy."""

    last_four = text(longest=8)


@bp.get("/lembaga")
@signed_in_only
def show() -> Response:
    """Show the own agency's activation; the network sees every agency."""
    who = signed_in()
    if is_network():
        return page("agency/every.html", title=_("Agency"), agencies=directory.agencies(session()), may_create=_may(Verb.AGENCY_CREATE))
    return agency_page(who.agency)


@bp.get("/lembaga/<code>")
@signed_in_only
def one(code: str) -> Response:
    """Show one agency to the network."""
    return agency_page(_agency(code))


@bp.get("/lembaga/baru")
@signed_in_only
def create_form() -> Response:
    """Show the form of a new agency."""
    return create_page()


@bp.post("/lembaga/baru")
@admits(Verb.AGENCY_CREATE)
def create() -> Response:
    """Register an agency; its first administrator is invited next."""
    on_refusal(lambda problems: create_page(problems=problems))
    form = read_form(new_agency_form())
    services = [NewService(code=code) for code in form.pop("services", [])]
    agency = NewAgency(**(form | {"coverage": tuple(form["coverage"])}))
    act(keyless(partial(directory_actions.create_agency, agency=agency, services=services)))
    return see_other(url_for("agency.invite_form", code=agency.code))


@bp.get("/lembaga/<code>/undang")
@signed_in_only
def invite_form(code: str) -> Response:
    """Show the form of the first invitation to an agency."""
    return _invite_page(_agency(code))


@bp.post("/lembaga/<code>/undang")
@admits(Verb.MEMBER_INVITE)
def invite(code: str) -> Response:
    """Invite the first administrator of an agency."""
    agency = _agency(code)
    on_refusal(lambda problems: _invite_page(agency, problems=problems))
    form = read_form(invitation_form(agency.kind))
    done = act(partial(actions.invite, agency_id=agency.id, **form), result=lambda link: link.member.id)
    return link_page(done.value.token if done.value else None, done.value.member if done.value else None, reset=False)


@bp.post("/lembaga/<code>/sidik")
@admits(Verb.AGENCY_ACTIVATE)
def confirm_founding(code: str) -> Response:
    """Confirm the founding fingerprint that stands on the signed protocol."""
    agency = _agency(code)
    on_refusal(lambda problems: agency_page(agency, problems=problems))
    form = read_form(Fingerprint())
    act(partial(actions.confirm_founding, agency_id=agency.id, **form), result=lambda checklist: checklist.agency_id)
    return see_other(url_for("agency.one", code=code))


@bp.post("/lembaga/<code>/aktifkan")
@admits(Verb.AGENCY_ACTIVATE)
def activate(code: str) -> Response:
    """Activate an agency whose checklist is complete: from now on it may receive."""
    agency = _agency(code)
    act(partial(actions.activate_agency, agency_id=agency.id, version=agency.version))
    return see_other(url_for("agency.one", code=code))


@bp.get("/lembaga/kunci")
@signed_in_only
def key() -> Response:
    """Show what making the agency key means, to the first member who may."""
    return page("agency/key.html", title=_("Agency key"))


@bp.post("/lembaga/kunci")
@admits(Verb.KEY_FOUND)
def found() -> Response:
    """Make the agency key; the recovery code is shown once, on this answer."""
    done = act(actions.found, result=lambda founded: founded.member.id)
    return page("agency/recovery.html", title=_("Recovery code"), founded=done.value)


@bp.get("/lembaga/kunci/ganti")
@signed_in_only
def renew_form() -> Response:
    """Show what renewing the agency key means, to a holder who may."""
    return page("agency/renew.html", title=_("Agency key"))


@bp.post("/lembaga/kunci/ganti")
@admits(Verb.KEY_EPOCH_ROTATE)
def renew() -> Response:
    """Renew the agency key for what comes; the new recovery code is shown once, on this answer."""
    done = act(actions.rotate, result=lambda founded: founded.member.id)
    return page("agency/recovery.html", title=_("Recovery code"), founded=done.value)


@bp.get("/lembaga/kunci/kode")
@signed_in_only
def key_code() -> Response:
    """Ask for the end of the recovery code: it is written down."""
    return _code_page()


@bp.post("/lembaga/kunci/kode")
@admits(Verb.KEY_RECOVERY_PRINT)
def confirm_recovery() -> Response:
    """Confirm that the recovery code was written down."""
    on_refusal(lambda problems: _code_page(problems=problems))
    form = read_form(LastFour())
    act(partial(actions.confirm_recovery, **form), result=lambda _nothing: signed_in().agency.id)
    return see_other("/")


def _code_page(*, problems: Problems | None = None) -> Response:
    return page("agency/recovery_code.html", title=_("Recovery code"), problems=problems)


def _agency(code: str) -> Agency:
    if not is_network():
        raise errors.NotAllowed("role_lacks_ability")
    agency = directory.agency(session(), code)
    about("agency", agency.id)
    return agency


def is_network() -> bool:
    """Say whether the member looks after agencies, and so sees each of them."""
    return bool(access.abilities(actor().roles) & NETWORK)


def _may(verb: Verb) -> bool:
    return verb.value in access.acts_allowed(actor().roles)


def agency_page(agency: Agency, *, problems: Problems | None = None) -> Response:
    """Make the page of one agency: its checklist, and for the network the confirmation of its founding."""
    checklist = queries.checklist(session(), hub=house().hub, agency_id=agency.id)
    return page(
        "agency/one.html", title=agency.name, problems=problems, agency=agency, network=is_network(),
        tasks=tasks_of(checklist), checklist=checklist,
        keeps_profile=not is_network() and keeps_profile(), may_confirm=_may(Verb.AGENCY_ACTIVATE), may_invite=_may(Verb.AGENCY_CREATE) and not _has_administrator(agency),
    )  # fmt: skip


def _has_administrator(agency: Agency) -> bool:
    return any("agency_admin" in m.roles and m.state is State.ACTIVE for m in queries.members(session(), agency_id=agency.id))


def tasks_of(checklist: Checklist) -> list[dict[str, str]]:
    """Return the activation checklist as a task list."""
    titles = {
        "two_holders": _("Two members hold the key"),
        "recovery_printed": _("The recovery code is printed and locked away"),
        "dpo_named": _("A data protection officer is named"),
        "confirmed_admin": _("The network administrator has confirmed the fingerprint"),
        "confirmed_auditor": _("A network auditor has confirmed the fingerprint"),
    }
    return [
        {"title": titles[item.code], "url": "", "state": "done" if item.done else "todo", "text": _("Done") if item.done else _("To do"), "hint": ""}
        for item in checklist.items
    ]


def _invite_page(agency: Agency, *, problems: Problems | None = None) -> Response:
    return invite_page(problems=problems, kind=agency.kind, agency_name=agency.name, action=url_for("agency.invite", code=agency.code))


def new_agency_form() -> FormSchema:
    """Return the form of a new agency, with the protocol's kinds, regions and services as answers."""
    book = protocol.current()
    return form_of(
        code=text(longest=60),
        name=text(longest=200),
        kind=one_of([item.code for item in book.codelist("agency_kinds")]),
        region=one_of([item.code for item in book.codelist("regions")]),
        coverage=several([item.code for item in book.codelist("regions")]),
        timezone=one_of(list(ZONES)),
        hours=one_of([item.code for item in book.codelist("business_hours")]),
        services=several([item.code for item in book.codelist("service_types")], required=False),
        on_call_24h=tick(),
        email=text(required=False, longest=320),
        phone=text(required=False, longest=30),
        exit_url=text(required=False, longest=300),
    )


def create_page(*, problems: Problems | None = None) -> Response:
    """Make the form of a new agency."""
    if not is_network():
        raise errors.NotAllowed("role_lacks_ability")
    book, language = protocol.current(), reader().language
    lists = {name: [Option(i.code, i.label(language)) for i in book.codelist(name)] for name in ("agency_kinds", "business_hours", "service_types")}
    return page(
        "agency/create.html", title=_("New agency"), problems=problems, lists=lists, regions=regions(reader()), zones=[Option(k, v) for k, v in ZONES.items()]
    )  # fmt: skip
