"""What else can be done with a referral: every further event as a form of its own, made from one table (PAGES.md 3.13, 3.14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import request

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.gate.schemas import form_of, read_form, text
from referral_hub.gate.speech import _
from referral_hub.web import referral_page as view
from referral_hub.web import words
from referral_hub.web.amiss import label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from referral_hub.gate.schemas import Problems

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
# Event -> what its form asks for, in the order of lifecycle.yaml. What somebody waits for stands first on the page.
ASKS: dict[str, tuple[Ask, ...]] = {
    "submit": (),
    "send_back": (_REASON,),
    "answer": (Ask("answer"),),
    "answer_interview": (Ask("readiness", "code"), _NOTE),
    "answer_transfer": (Ask("agreed", "yes_no"), _NOTE),
    "approve_forward": (Ask("new_basis", "listed", argument="consent_id"),),
    "refuse_forward": _MORE,
    "confirm_cancel": (Ask("hand_back_note"),),
    "confirm_purge": (Ask("purge_statement", "code"), Ask("law_article", "line", optional=True)),
    "answer_dispute": (Ask("answer"),),
    "resume": (),
    "ask_information": (Ask("question"),),
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
AWAITED = frozenset({"answer", "answer_interview", "answer_transfer", "approve_forward", "refuse_forward", "confirm_cancel", "confirm_purge", "answer_dispute", "resume"})
ENDING = frozenset({"cannot_continue", "un_accept", "close_upstream", "mark_error"})
VERBS = tuple(Verb(f"referral.{event}") for event in ASKS)


@dataclass(frozen=True)
class Control:
    """One field of a step's form."""

    name: str
    kind: str
    label: str
    hint: str
    optional: bool
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Form:
    """One event as a form: `awaited` if the other side waits for it, `ends` if it ends or takes back something."""

    event: str
    label: str
    hint: str
    awaited: bool
    ends: bool
    controls: tuple[Control, ...]

    def is_open(self, problems: Problems | None) -> bool:
        """Say whether it was this form that came back."""
        names = [control.name for control in self.controls]
        return any(name in request.form for name in names) or bool(problems and any(problems.of(name) for name in names))


Lists = dict[str, tuple[Option, ...]]


def forms_of(acts: Iterable[str], *, kind: str, leave_out: Collection[str] = (), lists: Lists | None = None) -> list[Form]:
    """Return the forms of those events that the member may fire, in the order in which they are offered.

    `kind` is the recipient's; `lists` holds the answers that depend on this referral, by input.
    """
    return [_form(event, kind, lists or {}) for event in acts if event in ASKS and event not in leave_out]


def labels_of(forms: Iterable[Form]) -> dict[str, str]:
    """Return the names of all fields, for the summary of what is amiss."""
    return {control.name: control.label for form in forms for control in form.controls}


def _form(event: str, kind: str, lists: Lists) -> Form:
    controls = tuple(_control(event, ask, kind, lists) for ask in ASKS[event])
    return Form(event, label("events", event), _hints().get(event, ""), event in AWAITED, event in ENDING, controls)


def _control(event: str, ask: Ask, kind: str, lists: Lists) -> Control:
    options = lists.get(ask.name, ()) if ask.kind == "listed" else _yes_no() if ask.kind == "yes_no" else tuple(view.coded(event, ask.name, kind=kind)) if ask.kind == "code" else ()
    return Control(f"{event}-{ask.name}", ask.kind, label("inputs", ask.name), _field_hint(event, ask), ask.optional, options)


def _yes_no() -> tuple[Option, ...]:
    return (Option("yes", _("Yes")), Option("no", _("No")))


def _field_hint(event: str, ask: Ask) -> str:
    if ask.name == "law_article":
        return _("Only for what is kept: which law, which article.")
    if ask.kind == "moment":
        return _("Encrypted for both agencies. If there is no calendar here, write 2026-11-24T04:30.")
    if ask.kind == "day":
        return _("If there is no calendar here, write 2026-11-24.")
    if ask.kind != "words":
        return ""
    if event == "ask_information":
        return _("No identity. The clock stops until answered.")
    return _("Encrypted for both agencies. Do not write shelter locations.")


def _hints() -> dict[str, str]:
    return {
        "answer": _("The question stands under Notes. The clock goes on once you have answered."),
        "answer_interview": _("The time that is asked for stands under Notes. Ask the survivor first."),
        "answer_transfer": _("If you agree, make a new referral of the type transfer, with its own consent."),
        "approve_forward": _("Ask the survivor first and record her consent for that agency in her file. This referral ends; a new draft begins."),
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
    fields = {prefix + ask.name: text(required=False, longest=NOTE if ask.kind == "words" else LINE, load_default="") for ask in ASKS[event]}
    typed = read_form(form_of(**fields))
    found, amiss = {}, {}
    for ask in ASKS[event]:
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


UNREADABLE = {"listed": "not_known", "moment": "not_a_datetime", "day": "not_a_date", "number": "not_a_number", "yes_no": "required"}


READ: dict[str, Callable[[str], Any]] = {"day": date.fromisoformat, "number": int, "listed": UUID}


def _read(kind: str, value: str) -> Any:
    """Return a typed value as the action wants it, or None where it cannot be read."""
    if kind == "moment":
        return words.from_local(value, reader())
    if kind == "yes_no":
        return {"yes": True, "no": False}.get(value)
    try:
        return READ.get(kind, str)(value)
    except ValueError:
        return None
