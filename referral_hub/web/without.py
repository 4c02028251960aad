"""A page of its own for what goes without the survivor's consent: ground and article from the list, the minimum, why, told or why not (PAGES.md 3.11)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request, url_for

from referral_hub import access, protocol
from referral_hub.access import Verb
from referral_hub.consent import without as rules
from referral_hub.consent.facts import Disclosure
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, form_version, on_refusal
from referral_hub.gate.admits import admits, signed_in_only
from referral_hub.gate.caller import actor
from referral_hub.gate.house import session
from referral_hub.gate.speech import _
from referral_hub.referrals import actions
from referral_hub.web.amiss import label as label_of
from referral_hub.web.drafts import draft_of
from referral_hub.web.files import label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from referral_hub.gate.schemas import Problems
    from referral_hub.protocol.shapes import Ground
    from referral_hub.referrals.values import Draft

bp = Blueprint("without", __name__)

TOLD = {"yes": True, "no": False}


@bp.get("/rujukan/<number>/draf/tanpa-persetujuan")
@signed_in_only
def form(number: str) -> Response:
    """Ask for ground, article, sections, facts, and whether the survivor is told."""
    draft = draft_of(number)
    if not goes_without(draft):
        return see_other(url_for("consents.ask", number=number))
    return _page(draft, {})


@bp.post("/rujukan/<number>/draf/tanpa-persetujuan")
@admits(Verb.CONSENT_WITHOUT)
def record(number: str) -> Response:
    """Record it and sign first; the draft rests on it once a second person has signed."""
    draft = draft_of(number)
    on_refusal(lambda problems: _page(draft, request.form, problems=problems))
    act(partial(actions.disclose, referral_id=draft.referral.id, version=form_version() or 0, disclosure=_disclosure(draft)))
    return see_other(url_for("drafts.tasks", number=number))


@bp.app_template_global()
def goes_without(draft: Draft) -> bool:
    """Tell whether this member may record, for this draft, that it goes without consent: mostly not."""
    return Verb.CONSENT_WITHOUT in access.acts_allowed(actor().roles) and bool(_grounds(draft))


def _grounds(draft: Draft) -> tuple[Ground, ...]:
    return rules.grounds(service=draft.referral.service, sender_kind=actor().agency_kind)


def _disclosure(draft: Draft) -> Disclosure:
    typed, row = request.form, draft.referral
    return Disclosure(
        agency_id=row.to_agency,
        service=row.service,
        recipient_kind=directory.agency(session(), row.to_agency).kind,
        ground=typed.get("ground", ""),
        law_article=typed.get("law_article", "").strip(),
        sections=frozenset(typed.getlist("sections")),
        contact_allowed=typed.get("contact") == "yes",
        facts=typed.get("facts", ""),
        told=TOLD.get(typed.get("told", "")),
        why_not=typed.get("why_not", ""),
        text_language="en" if reader().language == "en" else "id",
    )


def _page(draft: Draft, typed: Mapping[str, Any], *, problems: Problems | None = None) -> Response:
    grounds, row = _grounds(draft), draft.referral
    agency = directory.agency(session(), row.to_agency)
    every = dict.fromkeys(code for g in grounds for code in rules.minimum(g, kind=agency.kind, service=row.service))
    sections = [Option(code, label(code)) for code in protocol.current().sections if code in every]
    chosen = tuple(request.form.getlist("sections")) if problems else tuple(every) if len(grounds) == 1 else ()
    named = [Option(g.code, g.label(reader().language), _explained(g, agency.kind, row.service, len(grounds))) for g in grounds]
    ground = typed.get("ground", grounds[0].code if len(grounds) == 1 else "")
    return page("consents/without.html", title=_("Without consent"), status=422 if problems else 200, problems=problems, draft=draft, agency=agency,
                grounds=named, ground=ground, sections=sections, chosen=chosen, typed=typed, writes=any(g.writes_article for g in grounds),
                longest=rules.LONGEST, labels=_labels())  # fmt: skip


def _explained(ground: Ground, kind: str, service: str, count: int) -> str:
    """Return basis and law of a ground, and, where there are several, which sections it allows."""
    said = label_of("legal_bases", ground.basis) if ground.writes_article else f"{label_of('legal_bases', ground.basis)}: {ground.law}"
    if count == 1:
        return said
    allowed = ", ".join(label(code) for code in rules.minimum(ground, kind=kind, service=service))
    return _("%(law)s. Allows: %(sections)s.", law=said, sections=allowed)


def _labels() -> dict[str, str]:
    names = {"ground": _("On what ground"), "law_article": _("Law, article, number and date"), "sections": _("The least that is needed"),
             "facts": _("Why it cannot wait for consent"), "told": _("Is the survivor told"), "why_not": _("Why not yet")}  # fmt: skip
    return {f"consent.{name}": text for name, text in names.items()} | names | {"incident": label("incident")}
