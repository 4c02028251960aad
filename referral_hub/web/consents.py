"""What the survivor agreed to: the exact text read out slowly, her answer, and the way back (PAGES.md 3.11, 3.15).

The text depends on what is ticked, and no script may fill it in. So the page has two forms: the first makes the text anew, the
second carries exactly what was shown and takes the answer. Nothing is ticked beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request, url_for

from referral_hub import access, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.cases import queries as cases
from referral_hub.consent import counting, givers, rules
from referral_hub.consent import queries as ledger
from referral_hub.consent.facts import BEST_INTEREST, Giving, Shown
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, form_version, on_conflict, on_refusal, read
from referral_hub.gate.admits import acting, admits
from referral_hub.gate.caller import actor, keys, signed_in
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import Problems, form_of, one_of, problems_of, read_form, uuid
from referral_hub.gate.speech import _
from referral_hub.protocol import consent_text, package
from referral_hub.referrals import actions, queries
from referral_hub.web import sharing
from referral_hub.web.drafts import draft_of
from referral_hub.web.files import case_id_of, label, options
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.cases.facts import Case
    from referral_hub.referrals.drafts import Chosen
    from referral_hub.referrals.values import Draft

bp = Blueprint("consents", __name__)

ANSWERS = ("yes", "no")
GIVERS_FOR_CHILD = (givers.GUARDIAN, givers.TOGETHER, givers.INSTITUTION)
NOT_SAID = "…"


@dataclass(frozen=True)
class Asked:
    """What the text is about to say: as the page's first form has it, codes only.

    `further`: fields beyond the usual ones that the text names; the first page takes them from step 4, the answer from what was shown.
    """

    sections: tuple[str, ...]
    until: date
    onward: bool
    contact: bool
    stats: bool
    text_language: str
    given_by: str = "self"
    guardian_relation: str = ""
    child_view: str = ""
    assent: str = ""
    reason: str = ""
    weighed: str = ""
    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a page that asks the survivor stands: its two forms, the way back, and the step of a draft (0: none)."""

    ask: str
    answer: str
    back: str
    back_text: str
    step: int = 0
    what: str = ""  # asked apart from a draft: what for


@bp.get("/rujukan/<number>/draf/persetujuan")
@admits(Verb.SECTION_READ, Verb.REFERRAL_LIST)
def ask(number: str) -> Response:
    """Step 5: the exact text, filled in, and the survivor's answer."""
    draft = draft_of(number)
    kept = sharing.saved(draft)
    further = sharing.to_be_named(draft, kept.chosen)
    changed = frozenset(further) - kept.agreed if draft.consent == "covers" else frozenset()
    return ask_page(draft, _with(asked_of(draft, _default_sections(draft, kept.chosen)), further), changed=[label(code) for code in _sections_of(changed)])


@bp.post("/rujukan/<number>/draf/persetujuan")
@admits(Verb.CONSENT_GIVE, Verb.CONSENT_REFUSE, Verb.CONSENT_BEST_INTEREST)
def answer(number: str) -> Response:
    """Keep the survivor's answer: consent to just what was read out, or "not yet, or no"."""
    draft = draft_of(number)
    asked = _with(asked_of(draft, ()), tuple(request.form.getlist("further")))
    acting(verb_of(asked))
    on_refusal(lambda problems: ask_page(draft, asked, problems=problems))
    on_conflict(lambda failure: ask_page(draft_of(number), asked, problems=problems_of(failure)))
    form = read_form(form_of(answer=one_of(ANSWERS), language=one_of([o.value for o in options("languages")])))
    row = draft.referral
    version = form_version() or 0
    if form["answer"] == "no":
        act(partial(actions.refuse_consent, language=form["language"], text_language=asked.text_language, referral_id=row.id, version=version))
        return see_other(url_for("drafts.tasks", number=number))
    act(partial(actions.give_consent, giving=giving_of(draft, asked, language=form["language"]), known=known(), referral_id=row.id, version=version))
    return see_other(url_for("drafts.tasks", number=number))


def giving_of(draft: Draft, asked: Asked, *, language: str, shown: Shown | None = None) -> Giving:
    """Return the answer that was typed, to the text `shown` (by default that of a draft). Raises errors.InputInvalid."""
    form = read_form(
        form_of(
            method=one_of([o.value for o in options("consent_methods")]),
            witness=uuid(required=False),
            copy_given=one_of([o.value for o in options("copy_states")]),
        )
    )
    row = draft.referral
    purpose = protocol.current().service(row.service).purpose
    return Giving(
        agency_id=row.to_agency,
        service=row.service,
        purpose=purpose,
        sections=frozenset(asked.sections),
        excluded_fields=(),
        restrictions="",
        use_limits=frozenset(),
        onward_allowed=asked.onward,
        contact_allowed=asked.contact,
        stats_allowed=asked.stats,
        valid_until=asked.until,
        given_by=asked.given_by,
        method=form["method"],
        language=language,
        given_at=now(),
        copy_given=form["copy_given"],
        witness=(form["witness"],) if form.get("witness") else (),
        shown=shown or shown_text(draft, asked),
        text_shown=request.form.get("text_shown", ""),
        assent=asked.assent,
        further=asked.further,
    )


def _with(asked: Asked, further: tuple[str, ...]) -> Asked:
    """Return what the text says with the fields beyond the usual ones, as far as they are fields and their section is asked for or always goes."""
    book, always = protocol.current().codelist("fields"), package.sections_always()
    named = tuple(name for name in further if name in book and name.partition(".")[0] in {*asked.sections, *always})
    added = tuple(code for code in _sections_of(named) if code not in asked.sections)
    return replace(asked, further=named, sections=(*asked.sections, *added))


def _sections_of(names: Collection[str]) -> list[str]:
    """Return the sections that fields lie in, in the order of the form."""
    found = {name.partition(".")[0] for name in names}
    return [code for code in protocol.current().sections if code in found]


def verb_of(asked: Asked) -> Verb:
    """Return the act that the form asks for."""
    if request.form.get("answer") == "no":
        return Verb.CONSENT_REFUSE
    return Verb.CONSENT_BEST_INTEREST if asked.given_by == givers.INSTITUTION else Verb.CONSENT_GIVE


def _is_child(draft: Draft) -> bool:
    case_id = draft.referral.case_id
    return case_id is not None and cases.case(session(), hub=keys().hub, actor=actor(), case_id=case_id).minor


def ask_page(draft: Draft, asked: Asked, *, problems: Problems | None = None, changed: Sequence[str] = ()) -> Response:
    """Make the page of step 5. `changed`: sections in which more is shared now than the survivor was asked about."""
    offered = queries.choice(session(), actor=actor(), keys=keys(), now=now(), referral_id=draft.referral.id)
    codes = [code for code in protocol.current().sections if code in offered.ceiling or code in asked.sections]
    number = draft.referral.number
    place = Place(url_for("consents.ask", number=number), url_for("consents.answer", number=number), url_for("drafts.tasks", number=number), _("New referral"), 5)
    return asking_page(draft, asked, place, shown=shown_text(draft, asked), sections=[code for code in codes if code not in offered.always], problems=problems, changed=changed)


def asking_page(
    draft: Draft, asked: Asked, place: Place, *, shown: Shown, sections: Sequence[str], problems: Problems | None = None, changed: Sequence[str] = ()
) -> Response:
    """Make the page that asks the survivor: the text as `shown` says it, and her answer. `sections`: what can be asked for."""
    row = draft.referral
    offered = [Option(code, label(code)) for code in sections]
    today = rules.local_day(now(), actor().timezone)
    wording = rules.wording(shown) if asked.sections else None
    simple = consent_text.render("child_assent", asked.text_language, {}).lines if asked.given_by != givers.ADULT_GIVER else ()
    languages = options("languages")
    witnesses = [Option(str(m.id), m.code) for m in members.members(session(), agency_id=signed_in().agency.id) if m.id != actor().member_id]
    return page("consents/ask.html", title=_("Consent"), status=422 if problems else 200, problems=problems, draft=draft, asked=asked, wording=wording, place=place,
                sections=offered, changed=changed, longest=rules.longest_until(today), methods=options("consent_methods"), copies=options("copy_states"),
                languages=languages, witnesses=witnesses, agency=directory.agency(session(), row.to_agency), labels=_labels(),
                simple=simple, speakers=[o for o in options("consent_givers") if o.value in GIVERS_FOR_CHILD], relations=options("guardian_relations"))  # fmt: skip


def _labels() -> dict[str, str]:
    fields = protocol.current().section("consent").fields
    named = {f"consent.{code}": field.label(reader().language) for code, field in fields.items()}
    named |= {"consent.assent": _("What the child answered"), "consent.child_view": _("What the child said"), "child_guardian": label("child_guardian"),
              "consent.reason": _("Why the guardian was not asked"), "consent.weighed": _("Options considered")}  # fmt: skip
    return named | {"method": _("How it was given"), "copy_given": _("Copy"), "language": _("Language used"), "answer": _("The survivor's answer"), "witness": _("Witness")}


def asked_of(draft: Draft, default: tuple[str, ...]) -> Asked:
    """Return what this request asks the text to say; the sections of step 4 and six months where nothing is said yet."""
    given = request.form if request.method == "POST" else request.args
    known = set(protocol.current().sections)
    today = rules.local_day(now(), actor().timezone)
    picked = tuple(code for code in given.getlist("sections") if code in known)
    return Asked(
        sections=picked or default,
        until=_day(given.get("until", "")) or rules.suggested_until(today),
        onward=given.get("onward") == "yes",
        contact=given.get("contact") == "yes",
        stats=given.get("stats") == "yes",
        text_language="en" if given.get("text_language", reader().language) == "en" else "id",
        further=(),
        **(_of_child() if _is_child(draft) else {}),
    )


def _of_child() -> dict[str, str]:
    """Return who speaks for the child, from either form, and what the second one says of the child; that never stands in an address."""
    given_by = request.values.get("given_by", givers.GUARDIAN)
    said = {name: request.form.get(name, "").strip() for name in ("child_view", "assent", "reason", "weighed")}
    relations = protocol.current().codelist("guardian_relations")
    relation = request.values.get("guardian_relation", "")
    return said | {
        "given_by": given_by if given_by in GIVERS_FOR_CHILD else givers.GUARDIAN,
        "guardian_relation": relation if relation in relations else next(iter(relations)).code,
    }


def _default_sections(draft: Draft, chosen: Chosen | None) -> tuple[str, ...]:
    offered = queries.choice(session(), actor=actor(), keys=keys(), now=now(), referral_id=draft.referral.id)
    picked = chosen.every if chosen is not None else offered.ticked
    filled = offered.filled | {"needs"}
    return tuple(code for code in protocol.current().sections if picked.get(code) and code not in offered.always and code in filled)


def shown_text(draft: Draft, asked: Asked) -> Shown:
    """Return what the text is filled with."""
    row = draft.referral
    return Shown(
        form=_form(row.type, asked),
        text_language=asked.text_language,
        from_agency=signed_in().agency.name,
        to_agency=directory.agency(session(), row.to_agency).name,
        agency_id=row.to_agency,
        purpose=protocol.current().service(row.service).purpose,
        sections=asked.sections,
        valid_until=asked.until,
        onward=asked.onward,
        contact=asked.contact,
        stats=asked.stats,
        guardian_relation=asked.guardian_relation,
        child_view=asked.child_view or NOT_SAID,
        reason=asked.reason or NOT_SAID,
        options=asked.weighed or NOT_SAID,
        further=asked.further,
    )


def _form(referral_type: str, asked: Asked) -> str:
    """Return the form that the text is taken from."""
    if asked.given_by == givers.ADULT_GIVER:
        return "case_transfer" if referral_type == "transfer" else "adult_release"
    return BEST_INTEREST if asked.given_by == givers.INSTITUTION else givers.GUARDIAN_FORM


def known() -> dict[str, list[str]]:
    """Return whom a form may name."""
    return {"user": [str(m.id) for m in members.members(session(), agency_id=signed_in().agency.id)]}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@bp.get("/kasus/<code>/persetujuan")
@admits(Verb.CASE_LIST)
def of_case(code: str) -> Response:
    """Show to whom the survivor agreed, for what, until when."""
    found = read(partial(cases.detail, case_id=case_id_of(code)))
    given = ledger.of_case(session(), found.case.id)
    names = directory.names(session(), {one.scope_agency for one in given})
    return page("consents/of_case.html", title=_("The survivor's consents"), case=found.case, given=given, names=names, today=rules.local_day(now(), actor().timezone),
                speakers=_speakers(found.case), languages=options("languages"), may_count=_may_count(found.case))  # fmt: skip


def _speakers(case: Case) -> list[Option]:
    """Return who may say whether she may be counted."""
    words = {option.value: option for option in options("consent_givers")}
    return [words[code] for code in counting.speakers(minor=case.minor)]


def _may_count(case: Case) -> bool:
    return actor().member_id in case.members and case.closed_at is None and Verb.CONSENT_GIVE.value in access.acts_allowed(actor().roles)


@bp.get("/kasus/<code>/persetujuan/<uuid:consent_id>/tarik")
@admits(Verb.CASE_LIST)
def withdraw_form(code: str, consent_id: UUID) -> Response:
    """Say what a withdrawal does before it is done, whole or of single sections."""
    return _withdraw_page(code, consent_id)


def _withdraw_page(code: str, consent_id: UUID, *, problems: Problems | None = None) -> Response:
    found = read(partial(cases.detail, case_id=case_id_of(code)))
    consent = next((one for one in ledger.of_case(session(), found.case.id) if one.id == consent_id), None)
    if consent is None or consent.withdrawn_at is not None:
        return see_other(url_for("consents.of_case", code=code))
    names = directory.names(session(), {consent.scope_agency})
    single = [Option(one, label(one)) for one in protocol.current().sections if one in consent.sections - package.sections_always()]
    return page("consents/withdraw.html", title=_("Withdraw consent"), status=422 if problems else 200, problems=problems, case=found.case, consent=consent,
                agency_name=names[consent.scope_agency], single=single if consent.basis == rules.BY_CONSENT and len(single) > 1 else ())  # fmt: skip


@bp.post("/kasus/<code>/persetujuan/<uuid:consent_id>/persempit")
@admits(Verb.CONSENT_CHANGE)
def narrow(code: str, consent_id: UUID) -> Response:
    """Take single sections back: just these close at once."""
    case_id = case_id_of(code)
    on_refusal(lambda problems: _withdraw_page(code, consent_id, problems=problems))
    act(partial(actions.narrow_consent, consent_id=consent_id, sections=tuple(request.form.getlist("sections"))), result=lambda _ended: case_id)
    return see_other(url_for("consents.of_case", code=code))


@bp.post("/kasus/<code>/persetujuan/<uuid:consent_id>/tarik")
@admits(Verb.CONSENT_WITHDRAW)
def withdraw(code: str, consent_id: UUID) -> Response:
    """Take a consent back: access ends at once."""
    case_id = case_id_of(code)
    act(partial(actions.withdraw_consent, consent_id=consent_id), result=lambda _ended: case_id)
    return see_other(url_for("consents.of_case", code=code))
