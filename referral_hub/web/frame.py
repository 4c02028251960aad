"""The frame of every page: top bar, quick exit, navigation by role, foot (PAGES.md section 2).

Navigation shows only what is built: an item whose page is not part of the program is left out, never dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, g, request, url_for

from referral_hub import access
from referral_hub.access import Verb
from referral_hub.gate import acts
from referral_hub.gate.caller import present_caller
from referral_hub.gate.house import here, house, now
from referral_hub.gate.speech import _, language
from referral_hub.web import words
from referral_hub.web.style import asset

if TYPE_CHECKING:
    from flask import Flask

    from referral_hub.accounts.values import Caller

TASKS, REFERRALS, CASES, DIRECTORY, ACCOUNT = "tasks", "referrals", "cases", "directory", "account"
MEMBERS, AGENCY, QUESTIONS, LOG, FINDINGS, PROOFS, STATISTICS = "members", "agency", "questions", "log", "findings", "proofs", "statistics"

# Item -> endpoint of its page. The order is the order of the navigation.
PAGES = {
    TASKS: "tasks.show",
    QUESTIONS: "log.questions",
    MEMBERS: "members.everyone",
    REFERRALS: "referrals.lists",
    CASES: "cases.lists",
    AGENCY: "agency.show",
    DIRECTORY: "directory.search",
    LOG: "log.table",
    FINDINGS: "log.findings",
    PROOFS: "log.proofs",
    STATISTICS: "statistics.show",
    ACCOUNT: "account.show",
}
AT_MOST = 5
_LISTS_ONLY = frozenset({"registrar", "police_spkt", "trainer"})
_BY_ROLE = {
    "agency_head": {TASKS, STATISTICS},
    "agency_admin": {MEMBERS, AGENCY},
    "data_protection_officer": {TASKS, LOG, FINDINGS},
    "network_auditor": {QUESTIONS, LOG, FINDINGS, PROOFS, AGENCY},
    "network_admin": {AGENCY, DIRECTORY, PROOFS},
    "policy_analyst": {STATISTICS},
}


@dataclass(frozen=True)
class NavItem:
    """One item of the navigation."""

    label: str
    url: str
    current: bool


def all_of(roles: frozenset[str], *, agency_kind: str) -> list[str]:
    """Return every item that `roles` use at an agency of `agency_kind`, in order; the union where a person has several."""
    seen = {ACCOUNT}
    for role in roles:
        seen |= _BY_ROLE.get(role) or ({TASKS, DIRECTORY} if role in _LISTS_ONLY else {TASKS, REFERRALS, DIRECTORY})
    if Verb.CASE_LIST in access.acts_allowed(roles) and agency_kind != "network":
        seen.add(CASES)
    return [item for item in PAGES if item in seen]


def sees(roles: frozenset[str], *, agency_kind: str) -> list[str]:
    """Return the items of the navigation: at most five with the account, under which the others then stand."""
    items = all_of(roles, agency_kind=agency_kind)
    for late in (STATISTICS, PROOFS, FINDINGS, DIRECTORY, AGENCY, LOG, QUESTIONS):
        if len(items) > AT_MOST and late in items:
            items.remove(late)
    return items


def further(who: Caller) -> list[NavItem]:
    """Return the items that found no place in the navigation of `who`: they stand on the account's page."""
    roles, kind = who.actor.roles, who.actor.agency_kind
    shown, labels = sees(roles, agency_kind=kind), _labels()
    rest = [item for item in all_of(roles, agency_kind=kind) if item not in shown and PAGES[item] in current_app.view_functions]
    return [NavItem(labels[item], url_for(PAGES[item]), current=False) for item in rest]


def home_url(who: Caller | None) -> str:
    """Return where a member lands: the first page of the own navigation that exists."""
    if who is None:
        return url_for("sign_in.first")
    if who.actor.state != "active":
        return url_for("enrolment.wait")
    items = sees(who.actor.roles, agency_kind=who.actor.agency_kind)
    return next(url_for(PAGES[item]) for item in [*items, ACCOUNT] if PAGES[item] in current_app.view_functions)


def reader() -> words.Reader:
    """Return for whom this page is written."""
    if "hub_reader" not in g:
        who = present_caller()
        zone = words.zone_named(who.actor.timezone) if who else "WIB"
        g.hub_reader = words.Reader(language(), zone)
    return cast("words.Reader", g.hub_reader)


def write_for(who: words.Reader) -> None:
    """Let this page be written for `who` instead of who is signed in: a paper for a survivor."""
    g.hub_reader = who


def _labels() -> dict[str, str]:
    return {
        TASKS: _("Tasks"), REFERRALS: _("Referrals"), CASES: _("Cases"), DIRECTORY: _("Directory"), ACCOUNT: _("Account"),
        MEMBERS: _("Members"), AGENCY: _("Agency"), QUESTIONS: _("Questions"), LOG: _("Log"), FINDINGS: _("Findings"),
        PROOFS: _("Proofs"), STATISTICS: _("Statistics"),
    }  # fmt: skip


def navigation(who: Caller) -> list[NavItem]:
    """Return the navigation of `who`; a member who waits for admission has only the account."""
    items = sees(who.actor.roles, agency_kind=who.actor.agency_kind) if who.actor.state == "active" else [ACCOUNT]
    labels, blueprint = _labels(), request.blueprint
    built = [item for item in items if PAGES[item] in current_app.view_functions]
    return [NavItem(labels[item], url_for(PAGES[item]), _is_current(item, blueprint)) for item in built]


def _is_current(item: str, blueprint: str | None) -> bool:
    page = PAGES[item]
    return request.endpoint == page or (page.partition(".")[0] == blueprint and blueprint != "log")


def frame() -> dict[str, Any]:
    """Return what every template may use: who is signed in, navigation, foot, the words' filters in this reader's language."""
    who = present_caller()
    return {
        "frame": {
            "who": who,
            "nav": navigation(who) if who else [],
            "place": who.agency.name if who else "",
            "entry": acts.entry_number(),
            "session_ends": min(who.idle_until, who.ends_at) if who else None,
            "language": language(),
            "other_language": "en" if language() == "id" else "id",
            "here": here() if request.method == "GET" else "/",
            "css": url_for("style.file", name=asset("hub.css").name),
            "logo": url_for("style.file", name=asset("logo.svg").name),
            "demo": house().settings.profile == "demo",
        },
        "now": now(),
        "new_act_id": acts.new_act_id,
    }


def install(app: Flask) -> None:
    """Give the templates of `app` their frame and the filters of words."""
    app.context_processor(frame)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        clock=lambda value: words.clock_time(value, reader()),
        day_time=lambda value: words.day_time(value, reader()),
        moment=lambda value: words.moment(value, reader(), now=now()),
        exact=lambda value: words.exact(value, reader()),
        long_day=lambda value: words.long_day(value, reader()),
        day=lambda value: words.day(value, reader()),
        span=lambda value: words.span(value, reader()),
        number=lambda value: words.number(value, reader()),
        grouped=words.grouped,
        local=lambda value: words.to_local(value, reader()),
    )
