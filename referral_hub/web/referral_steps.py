"""What else can be done with a referral: every further event as a form of its own, made from one table (PAGES.md 3.13, 3.14).

What the answers of a form are depends on the referral for some: sections and consents are handed in (`Lists`), by form field or by input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import request

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.gate.schemas import Problems, form_of, read_form, text
from referral_hub.gate.speech import _
from referral_hub.protocol import scan
from referral_hub.web import referral_page as view
from referral_hub.web import words
from referral_hub.web.amiss import label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

NOTE, LINE = 2000, 200
DRAFTS = frozenset({"submit", "send_back"})
APPOINTMENTS = frozenset({"schedule", "request_interview"})


@dataclass(frozen=True)
class Ask:
    """One input of an event: its code in lifecycle.yaml, how it is asked for, whether it may be left empty, and what the action calls it."""

    name: str
    kind: str = "words"
    optional: bool = False
    argument: str = ""


_REASON = Ask("event_reason", "code", argument="reason")
_NOTE = Ask("note", optional=True)
_MORE = (_REASON, _NOTE)
_SECTIONS = Ask("sections", "several")
_TEXTS = Ask("go_on", "looked", optional=True, argument="looked_at")  # texts that may tell who she is, once they were noticed
# Event -> what its form asks for, in the order of lifecycle.yaml. What somebody waits for stands first on the page.
ASKS: dict[str, tuple[Ask, ...]] = {
    "submit": (),
    "send_back": _MORE,
    "answer": (Ask("answer"),),
    "answer_interview": (Ask("readiness", "code"), _NOTE),
    "answer_transfer": (Ask("agreed", "yes_no"), _NOTE),
    "approve_forward": (Ask("new_basis", "listed", argument="consent_id"),),
    "refuse_forward": _MORE,
    "supply_sections": (_SECTIONS, Ask("fields", "fields", optional=True), Ask("new_basis", "listed"), _NOTE, _TEXTS),
    "refuse_sections": _MORE,
    "confirm_cancel": (Ask("hand_back_note"),),
    "confirm_purge": (Ask("purge_statement", "code"), Ask("law_article", "line", optional=True)),
    "answer_dispute": (Ask("answer"),),
    "resume": (),
    "ask_information": (Ask("question"),),
    "ask_sections": (_SECTIONS, *_MORE),
    "revise": (_SECTIONS, *_MORE, _TEXTS),
    "renew_basis": (Ask("new_basis", "listed"),),
    "waitlist": (Ask("review_on", "day"), Ask("interim_safety_plan")),
    "schedule": (Ask("appointment", "moment"), _NOTE),
    "no_show": (Ask("attempts", "number"), Ask("safe_contact_respected", "yes_no"), _NOTE),
    "request_interview": (Ask("appointment", "moment"), _NOTE),
    "request_transfer": _MORE,
    "cannot_continue": (Ask("outcome", "code"), Ask("hand_back_note")),
    "un_accept": _MORE,
    "propose_forward": (Ask("target_agency", "listed"), *_MORE),
    "request_cancel": _MORE,
    "close_upstream": _MORE,
    "mark_error": _MORE,
    "dispute": _MORE,
}
AWAITED = frozenset({"answer", "answer_interview", "answer_transfer", "approve_forward", "refuse_forward", "refuse_sections", "confirm_cancel", "confirm_purge", "answer_dispute", "resume"})
ENDING = frozenset({"cannot_continue", "un_accept", "close_upstream", "mark_error"})
VERBS = tuple(Verb(f"referral.{event}") for event in ASKS)


@dataclass(frozen=True)
class Control:
    """One field of a step's form. `chosen`: what is chosen beforehand."""

    name: str
    kind: str
    label: str
    hint: str
    optional: bool
    options: tuple[Option, ...]
    chosen: str = ""


@dataclass(frozen=True)
class Form:
    """One event as a form: `awaited` if the other side waits for it, `ends` if it ends or takes back something.

    `first`: a page that comes before it (address and words). `is_ready`: every choice that it asks for has something to choose.
    """

    event: str
    label: str
    hint: str
    awaited: bool
    ends: bool
    controls: tuple[Control, ...]
    first: tuple[str, str] = ("", "")

    @property
    def is_ready(self) -> bool:
        """Say whether the form can be answered."""
        return all(control.options for control in self.controls if control.kind in {"listed", "several"})

    def is_open(self, problems: Problems | None) -> bool:
        """Say whether it was this form that came back."""
        names = [control.name for control in self.controls]
        return any(name in request.form for name in names) or bool(problems and any(problems.of(name) for name in names))


Lists = dict[str, tuple[Option, ...]]


@dataclass(frozen=True)
class Around:
    """What the forms of one referral depend on besides the event.

    The recipient's kind, the answers to choose from, pages that come first, what is waited for just now, what else is to be said, and what is
    chosen beforehand.
    """

    kind: str
    lists: Lists = field(default_factory=dict)
    first: dict[str, tuple[str, str]] = field(default_factory=dict)
    awaited: frozenset[str] = frozenset()
    hints: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)


def forms_of(acts: Iterable[str], around: Around, *, leave_out: Collection[str] = ()) -> list[Form]:
    """Return the forms of those events that the member may fire, in the order in which they are offered."""
    return [_form(event, around) for event in acts if event in ASKS and event not in leave_out]


# What a refusal is about, where it is one field of the form: then it stands there.
_ABOUT = {
    ("supply_sections", "beyond_matrix"): "note",
    ("supply_sections", "consent_scope"): "new_basis",
    ("supply_sections", "consent_expired"): "new_basis",
    ("renew_basis", "consent_scope"): "new_basis",
    ("renew_basis", "consent_expired"): "new_basis",
}


def placed(event: str, problems: Problems) -> Problems:
    """Return what is amiss with a form, by the names that its fields have on the page; texts to look at follow their one code."""
    name = _ABOUT.get((event, problems.code))
    texts = [one for one, codes in problems.fields.items() if set(codes) <= scan.IDENTIFYING]
    if texts:
        rest = {one: codes for one, codes in problems.fields.items() if one not in texts}
        problems = Problems(rest | {_TEXTS.name: ("look_again", *sorted({*texts, *request.form.getlist(f"{event}-looked_at")}))})
    return (Problems({name: (problems.code,)}) if name else problems).prefixed(f"{event}-")


def labels_of(forms: Iterable[Form]) -> dict[str, str]:
    """Return the names of all fields, for the summary of what is amiss."""
    return {control.name: control.label for form in forms for control in form.controls}


def _form(event: str, around: Around) -> Form:
    controls = tuple(_control(event, ask, around) for ask in ASKS[event])
    is_awaited = event in AWAITED or event in around.awaited
    return Form(event, label("events", event), around.hints.get(event) or _hints().get(event, ""), is_awaited, event in ENDING, controls, around.first.get(event, ("", "")))


def _control(event: str, ask: Ask, around: Around) -> Control:
    name = f"{event}-{ask.name}"
    options: tuple[Option, ...] = ()
    if ask.kind in {"listed", "several", "fields"}:
        options = around.lists.get(name, around.lists.get(ask.name, ()))
    elif ask.kind == "yes_no":
        options = _yes_no()
    elif ask.kind == "code":
        options = tuple(view.coded(event, ask.name, kind=around.kind))
    sole = options[0].value if ask.name == "new_basis" and len(options) == 1 else ""
    called = {"looked": _("Texts"), "fields": _("Fields")}.get(ask.kind) or label("inputs", ask.name)
    return Control(name, ask.kind, called, _field_hint(event, ask), ask.optional, options, around.chosen.get(name, sole))


def _yes_no() -> tuple[Option, ...]:
    return (Option("yes", _("Yes")), Option("no", _("No")))


def _field_hint(event: str, ask: Ask) -> str:
    if ask.kind == "fields":
        return _("Of the sections ticked above, only what is ticked here goes.")
    if ask.name == "law_article":
        return _("Only for what is kept: which law, which article.")
    if ask.kind == "moment":
        return _("Encrypted for both agencies. If there is no calendar here, write 2026-11-24T04:30.")
    if ask.kind == "day":
        return _("If there is no calendar here, write 2026-11-24.")
    if ask.kind != "words":
        return ""
    special = {
        "supply_sections": _("Needed for what is marked “more than usual”: why. Both agencies read it."),
        "send_back": _("Encrypted for your own agency: the author reads it."),
        "ask_information": _("No identity. The clock stops until answered."),
    }
    return special.get(event) or _("Encrypted for both agencies. Do not write shelter locations.")


def _hints() -> dict[str, str]:
    return {
        "answer": _("The question stands under Notes. The clock goes on once you have answered."),
        "answer_interview": _("The time that is asked for stands under Notes. Ask the survivor first."),
        "answer_transfer": _("If you agree, make a new referral of the type transfer, with its own consent."),
        "approve_forward": _("Ask the survivor first and record her consent for that agency in her file. This referral ends; a new draft begins."),
        "ask_sections": _("The survivor is asked first. Ask only for what the service needs."),
        "supply_sections": _("Only what she agreed to, as your file has it now."),
        "refuse_sections": _("The service goes on with what is shared."),
        "revise": _("Sends these sections as your file has them now. The earlier version opens no more."),
        "renew_basis": _("What the new consent leaves out closes. Nothing is added."),
        "propose_forward": _("The sender asks the survivor first. Nothing moves until then."),
        "confirm_cancel": _("The sender asks to end this service. Say what has been done and what is still open."),
        "confirm_purge": _("What became of the copies outside the hub: paper, notes, devices."),
        "no_show": _("Did not come. This is not the survivor's fault; check safety first."),
        "waitlist": _("The deadline goes on. Say how she stays safe until then."),
        "un_accept": _("Within 24 hours. What was opened stays in the log; the content closes for your agency."),
        "close_upstream": _("The recipient's access ends at once."),
        "mark_error": _("The recipient's access ends at once."),
        "dispute": _("Within 14 days. The service goes on only through a new referral."),
    }


def given(event: str) -> dict[str, Any]:
    """Return the inputs of an event as its action takes them. Raises errors.InputInvalid."""
    prefix = f"{event}-"
    single = [ask for ask in ASKS[event] if ask.kind not in {"several", "looked", "fields"}]
    fields = {prefix + ask.name: text(required=False, longest=NOTE if ask.kind == "words" else LINE, load_default="") for ask in single}
    typed = read_form(form_of(**fields)) | {prefix + ask.name: request.form.getlist(prefix + ask.name) for ask in ASKS[event] if ask.kind == "several"}
    typed |= {prefix + ask.name: _looked_at(prefix) for ask in ASKS[event] if ask.kind == "looked"}
    found: dict[str, Any] = {}
    amiss: dict[str, tuple[str, ...]] = {}
    for ask in ASKS[event]:
        if ask.kind == "fields":
            found |= {ask.name: tuple(request.form.getlist(prefix + ask.name))} if request.form.get(f"{prefix}picking") == "yes" else {}
            continue
        value = typed[prefix + ask.name]
        if not value and not ask.optional:
            amiss[prefix + ask.name] = ("required",)
            continue
        found[ask.argument or ask.name] = read = _read(ask.kind, value)
        if read is None:
            amiss[prefix + ask.name] = (UNREADABLE[ask.kind],)
    if amiss:
        raise errors.InputInvalid(amiss)
    return found


def _looked_at(prefix: str) -> list[str]:
    return request.form.getlist(f"{prefix}looked_at") if request.form.get(f"{prefix}go_on") == "yes" else []


UNREADABLE = {"listed": "not_known", "moment": "not_a_datetime", "day": "not_a_date", "number": "not_a_number", "yes_no": "required"}


READ: dict[str, Callable[[str], Any]] = {"day": date.fromisoformat, "number": int, "listed": UUID}


def _read(kind: str, value: Any) -> Any:
    """Return a typed value as the action wants it, or None where it cannot be read."""
    if kind in {"several", "looked"}:
        return tuple(value)
    if kind == "moment":
        return words.from_local(value, reader())
    if kind == "yes_no":
        return {"yes": True, "no": False}.get(value)
    try:
        return READ.get(kind, str)(value)
    except ValueError:
        return None
