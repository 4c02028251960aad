"""Step 3 of a new referral: who can help, now, this survivor (PAGES.md 3.9). What does not fit stays in sight with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import request, url_for

from referral_hub import access
from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.cases import reading as case_reading
from referral_hub.directory import Viewer, rules
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import keyless, opened, read
from referral_hub.gate.admits import admits
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import house, now, session
from referral_hub.gate.speech import _
from referral_hub.referrals import rules as referral_rules
from referral_hub.web import looking
from referral_hub.web.drafts import bp
from referral_hub.web.files import case_id_of, service_of
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response

    from referral_hub.directory import Found, Need
    from referral_hub.directory.rules import Ages

__all__ = ["bp"]

SAFETY = "safety"
KEPT = ("kasus", "layanan", "urgensi", "jenis", "draf")  # what the steps before have settled


@dataclass(frozen=True)
class Marked:
    """One page of a search in which her file says whom not to choose; as the directory's own, without an entry of its own."""

    found: tuple[Found, ...]
    hits: int
    next: str | None


@bp.get("/rujukan/baru/penerima")
@admits(Verb.DIRECTORY_FIND)
def recipients() -> Response:
    """Show who offers the service: those that fit and are open stand first."""
    return recipients_page(request.args)


@bp.post("/rujukan/baru/penerima")
@admits(Verb.DIRECTORY_FIND)
def narrow() -> Response:
    """Look again, for her sex, age and language, or for the next page: these answers stand in no address."""
    return recipients_page(request.form)


@bp.post("/rujukan/baru/penerima/tidak-dipilih")
@admits(Verb.CASE_READ)
def mark() -> Response:
    """The same page, with those marked whom the survivor asked not to choose: her file is opened for it, which is the page's entry."""
    if service_of(request.form.get("layanan", "")) is None:
        return see_other(url_for("drafts.begin", kasus=request.form.get("kasus", "")))
    case_id = case_id_of(request.form.get("kasus", ""))
    content = opened(partial(case_reading.open_sections, case_id=case_id, sections=(SAFETY,)), case_reading.reveal)
    return recipients_page(request.form, blocks=content[SAFETY].fields())


def recipients_page(given: MultiDict[str, str], *, blocks: Mapping[str, Any] | None = None) -> Response:
    """Make the page of one search. `blocks`: whom the survivor named, where her file was opened for it; then that is the page's one entry."""
    kept = {name: given.get(name, "") for name in KEPT}
    asked: dict[str, Any] = looking.asked_of(given)
    service = service_of(kept["layanan"])
    if service is None:
        return see_other(url_for("drafts.begin", kasus=kept["kasus"]))
    own = signed_in().agency
    region, ages = asked["wilayah"] or own.region, _ages(kept["kasus"])
    need = looking.need_of(asked, services=(service,), region=region, ages=ages, leave_out=(own.id,))
    found = _marked(need, blocks, after=given.get("setelah")) if blocks is not None else read(keyless(partial(directory.search, need=need, after=given.get("setelah"))))
    return page(
        "drafts/recipients.html", title=_("Choose recipient"), found=found, kept=kept, asked=asked | {"wilayah": region}, service=service,
        choices=looking.choices(), is_narrowed=looking.is_narrowed(asked), ages=None if asked["age"] else ages, adult=rules.ADULT_FROM,
        is_first=not given.get("setelah"), is_marked=blocks is not None, may_mark=_may_mark(kept["kasus"]),
    )  # fmt: skip


def _marked(need: Need, blocks: Mapping[str, Any], *, after: str | None) -> Marked:
    """Return one page of what the search found, whom she named marked."""
    own = signed_in().agency
    found = directory.find(session(), need, now=now(), viewer=Viewer(own.id, own.kind))
    shown, more = rules.page_of(found, after=after)
    return Marked(
        tuple(
            replace(one, blocked=referral_rules.is_blocked(blocks, agency_code=one.agency.code, agency_id=one.agency.id, kind=one.agency.kind))
            for one in shown
        ),
        len(found),
        more,
    )


def _may_mark(alias: str) -> bool:
    """Tell whether this member may open what the file says of whom nothing must reach, and anything stands there."""
    if not alias or Verb.CASE_READ not in access.acts_allowed(actor().roles):
        return False
    case = cases.case(session(), hub=house().hub, actor=actor(), case_id=case_id_of(alias))
    return actor().member_id in case.members and SAFETY in cases.sections_of(session(), case_id=case.id)


def _ages(alias: str) -> Ages | None:
    """Return the ages that the survivor's file says in clear: whether it is a child's."""
    if not alias:
        return None
    case = cases.case(session(), hub=house().hub, actor=actor(), case_id=case_id_of(alias))
    return rules.ages_of_file(minor=case.minor, known="profile" in cases.sections_of(session(), case_id=case.id))
