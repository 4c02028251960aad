"""Step 3 of a new referral: who can help, now, this survivor (PAGES.md 3.9). What does not fit stays in sight with its reason."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import request, url_for

from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.directory import queries as directory
from referral_hub.directory import rules
from referral_hub.gate.acts import keyless, read
from referral_hub.gate.admits import admits
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import house, session
from referral_hub.gate.speech import _
from referral_hub.web import files, looking
from referral_hub.web.drafts import bp
from referral_hub.web.files import case_id_of
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response

    from referral_hub.directory.rules import Ages

__all__ = ["bp"]

KEPT = ("kasus", "layanan", "urgensi", "jenis", "draf")  # what the steps before have settled


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


def recipients_page(given: MultiDict[str, str]) -> Response:
    """Make the page of one search, with its one entry."""
    kept = {name: given.get(name, "") for name in KEPT}
    asked: dict[str, Any] = looking.asked_of(given)
    service = files.service_of(kept["layanan"])
    if service is None:
        return see_other(url_for("drafts.begin", kasus=kept["kasus"]))
    own = signed_in().agency
    region, ages = asked["wilayah"] or own.region, _ages(kept["kasus"])
    need = looking.need_of(asked, services=(service,), region=region, ages=ages, leave_out=(own.id,))
    found = read(keyless(partial(directory.search, need=need, after=given.get("setelah"))))
    return page(
        "drafts/recipients.html", title=_("Choose recipient"), found=found, kept=kept, asked=asked | {"wilayah": region}, service=service,
        choices=looking.choices(), is_narrowed=looking.is_narrowed(asked), ages=None if asked["age"] else ages, adult=rules.ADULT_FROM,
        is_first=not given.get("setelah"),
    )  # fmt: skip


def _ages(alias: str) -> Ages | None:
    """Return the ages that the survivor's file says in clear: whether it is a child's."""
    if not alias:
        return None
    case = cases.case(session(), hub=house().hub, actor=actor(), case_id=case_id_of(alias))
    return rules.ages_of_file(minor=case.minor, known="profile" in cases.sections_of(session(), case_id=case.id))
