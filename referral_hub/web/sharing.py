"""Step 4 of a new referral: what opens to whom. Less is one press; more is a written reason, and consent that names it (PAGES.md 3.10)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import request, url_for

from referral_hub import protocol
from referral_hub.access import Verb
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, form_version, on_conflict, on_refusal
from referral_hub.gate.admits import admits
from referral_hub.gate.caller import actor, keys
from referral_hub.gate.house import now, session
from referral_hub.gate.speech import _
from referral_hub.protocol import package as packages
from referral_hub.referrals import actions, drafts, queries
from referral_hub.referrals.drafts import Chosen
from referral_hub.web import versions
from referral_hub.web.drafts import bp, draft_of, parts_of
from referral_hub.web.files import label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from referral_hub import errors
    from referral_hub.gate.schemas import Problems
    from referral_hub.referrals.values import Choice, Draft

__all__ = ["bp"]


@dataclass(frozen=True)
class Saved:
    """What a draft holds of the sender's choice and of the survivor's answer: the choice, and the fields that consent named."""

    chosen: Chosen | None
    agreed: frozenset[str]


@bp.get("/rujukan/<number>/draf/isi")
@admits(Verb.SECTION_READ, Verb.REFERRAL_LIST)
def package(number: str) -> Response:
    """Show what opens to whom, before and after acceptance; what is not usual stands folded."""
    draft = draft_of(number)
    return package_page(draft, saved(draft).chosen)


@bp.post("/rujukan/<number>/draf/isi")
@admits(Verb.REFERRAL_EDIT)
def save_package(number: str) -> Response:
    """Keep what is to be shared, whatever the form names: the verb refuses what may not be, and more than usual without a reason."""
    draft = draft_of(number)
    picked, reason = _picked(), request.form.get("reason", "")
    on_refusal(lambda problems: package_page(draft, _as_chosen(draft, picked, reason), problems=problems))
    on_conflict(lambda failure: _both_choices(number, picked, reason, failure))
    act(partial(actions.edit_draft, referral_id=draft.referral.id, version=form_version() or 0, choice=picked, reason=reason))
    return see_other(url_for("consents.ask", number=number))


def _both_choices(number: str, picked: Mapping[str, list[str]], reason: str, failure: errors.StaleVersion) -> Response:
    """Show what was ticked beside what was saved meanwhile: one of them is kept whole, for the survivor was asked about one or the other."""
    draft = draft_of(number)
    chosen = saved(draft).chosen
    texts = (_in_words(picked), _in_words(chosen.every) if chosen else "")
    pairs = [versions.Pair("fields", _("What will be shared"), *texts)]
    if chosen and chosen.reason != reason:
        pairs.append(versions.Pair("reason", _("Why more is needed"), reason, chosen.reason))
    return versions.versions_page(failure, pairs, version=draft.referral.version, back=url_for("drafts.package", number=number), whole=True)


def _in_words(fields: Mapping[str, list[str]]) -> str:
    """Return what is ticked, a line for each section."""
    sections = protocol.current().sections
    lines = []
    for code in sections:
        named = [sections[code].fields[f].label(reader().language) for f in fields.get(code, ()) if f in sections[code].fields]
        lines += [f"{label(code)}: {', '.join(named)}"] if named else []
    return "\n".join(lines)


def package_page(draft: Draft, chosen: Chosen | None, *, problems: Problems | None = None) -> Response:
    """Make the page of step 4: ticked is what was chosen, else the usual set for this service."""
    offered = queries.choice(session(), actor=actor(), keys=keys(), now=now(), referral_id=draft.referral.id)
    ticked = chosen.fields if chosen is not None else offered.ticked
    more = _more(offered, chosen.further if chosen else {})
    unexplained = problems is not None and problems.code == "beyond_matrix" and chosen is not None and not packages.is_said(chosen.reason)
    return page("drafts/package.html", title=_("What will be shared"), status=422 if problems else 200, problems=problems, draft=draft,
                agency=directory.agency(session(), draft.referral.to_agency), groups=_groups(offered, ticked), preview=_preview_labels(offered),
                more=more, reason=chosen.reason if chosen else "", empty=_empty(offered), longest=drafts.LONGEST_REASON,
                unexplained=unexplained, open_more=problems is not None or any(group["chosen"] for group in more))  # fmt: skip


def saved(draft: Draft) -> Saved:
    """Open what the sender has chosen to share with the present recipient, and what the survivor's answer named; one opening."""
    parts, row = parts_of(draft, (drafts.CHOICE, drafts.CONSENT)), draft.referral
    return Saved(drafts.choice_of(parts, to_agency=row.to_agency, service=row.service), frozenset(parts.get(drafts.CONSENT, {}).get("further", ())))


def to_be_named(draft: Draft, chosen: Chosen | None) -> tuple[str, ...]:
    """Return the chosen fields that consent must name one by one, in the order of the form."""
    if chosen is None:
        return ()
    kind = directory.agency(session(), draft.referral.to_agency).kind
    named = packages.to_be_named(kind, draft.referral.service, chosen.every)
    return tuple(field.name for section in protocol.current().sections.values() for field in section.fields.values() if field.name in named)


def _picked() -> dict[str, list[str]]:
    """Return the fields that the form names, by section; a name that is none is kept, for the verb to refuse."""
    picked: dict[str, list[str]] = {}
    for name in dict.fromkeys(request.form.getlist("fields")):
        section, _dot, code = name.partition(".")
        picked.setdefault(section, []).append(code)
    return picked


def _as_chosen(draft: Draft, picked: Mapping[str, list[str]], reason: str) -> Chosen:
    """Return what was picked as the page shows it again."""
    kind = directory.agency(session(), draft.referral.to_agency).kind
    usual = packages.ceiling(kind, draft.referral.service)
    fields = {section: [code for code in codes if code in usual.get(section, ())] for section, codes in picked.items()}
    further = {section: [code for code in codes if code not in usual.get(section, ())] for section, codes in picked.items()}
    return Chosen(fields, further, reason)


def _groups(offered: Choice, ticked: Mapping[str, Any]) -> list[dict[str, Any]]:
    groups = []
    for section, fields in offered.ceiling.items():
        chosen = [f"{section}.{f}" for f in fields if f in ticked.get(section, ())]
        fixed = section in offered.always
        groups.append({"code": section, "label": label(section), "fields": [_option(section, f) for f in fields], "chosen": chosen, "fixed": fixed, "filled": fixed or section in offered.filled})  # fmt: skip
    return groups


def _more(offered: Choice, ticked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is not usual and could go, by section, and within it by why it is not."""
    reasons = {
        packages.BY_SERVICE: _("This agency may get it, but not for this service."),
        packages.BY_KIND: _("Not usual for this kind of agency."),
        packages.ON_REQUEST: _("This kind of agency asks for it when it is needed."),
    }
    groups = []
    for section, fields in offered.beyond.items():
        if section not in offered.filled and section not in offered.always:
            continue
        sorts = [(why, [_option(section, f) for f in fields if offered.causes[f"{section}.{f}"] == cause]) for cause, why in reasons.items()]
        chosen = [f"{section}.{f}" for f in fields if f in ticked.get(section, ())]
        groups.append({"label": label(section), "count": len(fields), "sorts": [one for one in sorts if one[1]], "chosen": chosen})
    return groups


def _empty(offered: Choice) -> list[str]:
    """Return the sections that are not usual here and hold nothing in the file."""
    return [label(section) for section in offered.beyond if section not in offered.ceiling and section not in offered.filled | offered.always]


def _option(section: str, code: str) -> Option:
    field = protocol.current().section(section).fields[code]
    hint = _("The survivor is asked about this by name.") if field.never_default else ""
    return Option(f"{section}.{code}", field.label(reader().language), hint)


def _preview_labels(offered: Choice) -> list[str]:
    return [protocol.current().field(name).label(reader().language) for name in offered.preview]
