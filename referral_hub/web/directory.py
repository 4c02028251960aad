"""The directory: who offers what, open when, with how much room, and how to reach them as far as this member sees it (PAGES.md 3.9).

Directory facts are no content, so looking leaves no entry; showing a restricted contact does. No page has an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.directory import Need, queries, rules, tiers
from referral_hub.gate.acts import keyless, read
from referral_hub.gate.admits import about, admits, signed_in_only
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import now, session
from referral_hub.gate.speech import _
from referral_hub.referrals import queries as referrals
from referral_hub.web import looking
from referral_hub.web.files import service_name
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page
from referral_hub.web.referral_page import directory_viewer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.wrappers import Response

    from referral_hub.directory.facts import Agency, Contact, Found

bp = Blueprint("directory", __name__)

CARDS = 20
POSTS = ("focal", "on_call")


@dataclass(frozen=True)
class Line:
    """What an agency offers under one short name: the offer that is open first, and all that is to be brought."""

    name: str
    first: Found
    bring: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """One agency with what was looked for; `first` is the offer that fits and is open now, or opens next; `fits` whether one does, in its area."""

    agency: Agency
    region: str
    first: Found
    lines: tuple[Line, ...]

    @property
    def fits(self) -> bool:
        """Tell whether something here fits what was looked for."""
        return self.first.choosable and self.first.in_area


@bp.get("/direktori")
@signed_in_only
def search() -> Response:
    """Show who offers a service in a region, for whom; without a choice, the own region. What does not fit stands at the end, with its reason."""
    service, asked = request.args.get("layanan", ""), looking.asked_of(request.args)
    asked["wilayah"] = request.args.get("wilayah", signed_in().agency.region)
    need = looking.need_of(asked, services=_alike(service), region=asked["wilayah"])
    cards = grouped(queries.find(session(), need, now=now(), viewer=directory_viewer()))
    shown, more = _page_of(cards, request.args.get("setelah", ""))
    return page(
        "directory/search.html", title=_("Directory"), cards=shown, next=more, count=len(cards), service=service, asked=asked, services=services(),
        choices=looking.choices(), is_narrowed=looking.is_narrowed(asked), some_fit=any(card.fits for card in cards),
        kept={name: value for name, value in {"layanan": service, **asked}.items() if value or name == "wilayah"},
    )  # fmt: skip


def _alike(service: str) -> list[str]:
    """Return the services that go by the same short name as `service`; none where none is asked for."""
    known = protocol.current().services
    return [code for code in known if service_name(code) == service_name(service)] if service in known else []


def _page_of(cards: list[Card], after: str) -> tuple[list[Card], str | None]:
    """Return the cards after the agency `after`, and the code of the last where more follow."""
    start = next((n for n, card in enumerate(cards, 1) if card.agency.code == after), 0)
    shown = cards[start : start + CARDS]
    return shown, shown[-1].agency.code if start + CARDS < len(cards) else None


def services() -> list[Option]:
    """Return the services by their short names, each name once."""
    first: dict[str, str] = {}
    for code in protocol.current().services:
        first.setdefault(service_name(code), code)
    return [Option(code, name) for name, code in sorted(first.items())]


def grouped(found: Iterable[Found]) -> list[Card]:
    """Return the offers by agency, in the order in which the agencies first come."""
    offers: dict[Agency, list[Found]] = {}
    for one in found:
        offers.setdefault(one.agency, []).append(one)
    return [Card(agency, held[0].region_shown, min(held, key=_soonest), lines(held)) for agency, held in offers.items()]


def lines(offers: Iterable[Found]) -> tuple[Line, ...]:
    """Return the offers of one agency, those of one short name together."""
    named: dict[str, list[Found]] = {}
    for one in offers:
        named.setdefault(service_name(one.service.code), []).append(one)
    brought = {name: dict.fromkeys(code for one in held for code in one.service.bring) for name, held in named.items()}
    return tuple(Line(name, min(held, key=_soonest), tuple(brought[name])) for name, held in sorted(named.items()))


def _soonest(one: Found) -> tuple[bool, bool, str]:
    return not one.choosable, not one.open_now, one.opens_at.isoformat() if one.opens_at else ""


@bp.get("/direktori/<code>")
@signed_in_only
def show(code: str) -> Response:
    """Show one agency: services, hours, and contact as far as this member sees it."""
    agency = _agency(code)
    return agency_page(agency, queries.contact(session(), viewer=directory_viewer(), agency_id=agency.id))


@bp.post("/direktori/<code>/kontak")
@admits(Verb.DIRECTORY_REVEAL_CONTACT)
def reveal(code: str) -> Response:
    """Show the restricted contact of an agency that has accepted a referral of this member's."""
    agency = _agency(code)
    about("agency", agency.id)
    accepted = referrals.has_accepted_referral(session(), actor=actor(), to_agency=agency.id)
    shown = read(keyless(partial(queries.reveal_contact, agency_id=agency.id, accepted_referral=accepted)))
    return agency_page(agency, shown.contact, revealed=True)


def agency_page(agency: Agency, contact: Contact, *, revealed: bool = False) -> Response:
    """Make the page of one agency."""
    found = [one for one in queries.find(session(), Need(kind=agency.kind), now=now(), viewer=directory_viewer()) if one.agency.id == agency.id]
    may_reveal = Verb.DIRECTORY_REVEAL_CONTACT in access.acts_allowed(actor().roles) and not revealed and bool(contact.withheld)
    return page(
        "directory/show.html", title=agency.name, agency=agency, contact=contact, lines=lines(found), region=rules.region_shown(agency),
        posts=_posts(agency), may_reveal=may_reveal and referrals.has_accepted_referral(session(), actor=actor(), to_agency=agency.id),
    )  # fmt: skip


def _agency(code: str) -> Agency:
    agency = queries.agency(session(), code)
    if not agency.active:
        raise errors.NotFound
    return agency


def _posts(agency: Agency) -> list[tuple[str, str]]:
    """Return who holds the posts that others look for, by code, where that may be seen."""
    if not tiers.sees(directory_viewer(), agency, "focal_role"):
        return []
    held = queries.duty(session(), agency.id)
    codes = members.codes(session(), member_ids={one for post in POSTS for one in held.get(post, ())})
    named = [(post, ", ".join(codes[one] for one in held.get(post, ()) if one in codes)) for post in POSTS]
    return [(protocol.current().label("duty_posts", post, reader().language), text) for post, text in named if text]
