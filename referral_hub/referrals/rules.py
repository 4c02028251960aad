"""Rules of a referral that the lifecycle's data does not say: grants as facts, windows, clocks, what is awaited, how a recipient is confirmed. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from referral_hub import errors, protocol
from referral_hub.protocol import deadlines, lifecycle
from referral_hub.referrals.values import Clock

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

BUILT = (
    "create", "submit", "send_back", "send", "recall", "discard", "open_preview", "claim", "accept", "decline", "ask_information", "answer",
    "ask_sections", "supply_sections", "refuse_sections", "revise", "renew_basis", "consent_narrowed",
    "waitlist", "resume", "schedule", "no_show", "start", "progress", "request_interview", "answer_interview", "request_transfer",
    "answer_transfer", "complete", "cannot_continue", "un_accept", "propose_forward", "approve_forward", "refuse_forward", "withdraw",
    "request_cancel", "confirm_cancel", "consent_withdrawn",
    "confirm_purge", "close_upstream", "mark_error", "dispute", "answer_dispute", "access_withdrawn",
)  # fmt: skip
# The next step first, then what else can be done, in the order of the lifecycle.
FIRST_OFFERED = (
    "send", "submit", "open_preview", "claim", "accept", "decline", "answer", "answer_interview", "answer_transfer", "approve_forward",
    "refuse_forward", "supply_sections", "refuse_sections", "confirm_cancel",
    "confirm_purge", "answer_dispute", "resume", "start", "progress", "complete",
)  # fmt: skip
OFFERED = FIRST_OFFERED + tuple(
    code for code in BUILT if code not in {*FIRST_OFFERED, "create", "recall", "withdraw", "discard", "consent_withdrawn", "consent_narrowed", "access_withdrawn"}
) + ("recall", "withdraw", "discard")  # fmt: skip
TIME_CRITICAL = frozenset({"emergency", "urgent"})
ATTEMPTS_MAX = 99
LAW_MAX = 200
NOTE_MAX = 2000
WAITING_FOR_RECIPIENT = {"requested": "accept", "received": "accept", "accepted": "start", "in-progress": "update"}
OWED_BY_RECIPIENT = {"cancel_requested": "confirm_cancel", "purge_due": "confirm_purge", "waitlisted": "resume"}
OWED_AFTER_THE_END = {"purge_due": "confirm_purge", "disputed": "answer_dispute"}
TOLD_FOR = timedelta(days=7)  # how long a work list shows what ended without the reader's doing
SENDERS_TURN = frozenset({"basis_needed", "forward_proposed", "info_requested", "interview_requested", "sections_requested", "transfer_requested"})
DELETION_TOLD_FOR = timedelta(days=21)  # counted from the end: a withdrawal inside the read-only window comes up to 14 days after it
SOON_SHARE, SOON_SPAN = 0.25, timedelta(hours=4)  # PAGES section 5


class Life(Protocol):
    """What these rules read of a referral; rows and snapshots have it."""

    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def flags(self) -> Collection[str]: ...  # noqa: D102
    @property
    def urgency(self) -> str: ...  # noqa: D102
    @property
    def sent_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def accepted_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def started_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def ended_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def respond_by(self) -> datetime | None: ...  # noqa: D102
    @property
    def first_service_by(self) -> datetime | None: ...  # noqa: D102
    @property
    def update_by(self) -> datetime | None: ...  # noqa: D102
    @property
    def previous_state(self) -> str | None: ...  # noqa: D102
    @property
    def paused_at(self) -> datetime | None: ...  # noqa: D102


def later_event(event: str) -> errors.RuleBroken:
    """Return the refusal of a lifecycle event that is agreed but not built.

    Raises:
        errors.NotFound: the lifecycle knows no such event.
    """
    protocol.current().event(event)
    return errors.RuleBroken("not_built", event=event)


def read_until(state: str, ended_at: datetime | None) -> datetime | None:
    """Return when the read-only window of an ended referral closes, or None where there is no window (lifecycle.yaml, read_only_window)."""
    span = protocol.current().lifecycle.read_only_window.get(state)
    return None if span is None or ended_at is None else deadlines.duration(span).after(ended_at)


def lifecycle_grant(*, state: str, sent: bool, standings: Mapping[str, str]) -> str:
    """Return the recipient's grant in the lifecycle's words, from the standing of its preview and full grants."""
    full, preview = standings.get("full", ""), standings.get("preview", "")
    if not sent:
        return "none"
    if full == "read_only":
        return "read_only"
    if "live" not in {full, preview}:
        return "suspended" if "suspended" in {full, preview} and state not in {"rejected", "cancelled"} else "revoked"
    return "full" if full == "live" else "preview"


def grant_fact(*, state: str, ended_at: datetime | None, sent: bool, standings: Mapping[str, str], now: datetime) -> str:
    """Return the policy's fact `grant` for the recipient: as the lifecycle has it, but a window that is over counts at once, worker or not.

    A state that ends access wins over a standing, so that a revocation is seen as soon as the row is.
    """
    if sent and state in {"rejected", "cancelled", "entered-in-error"}:
        return "revoked"
    until = read_until(state, ended_at)
    if until is not None and now >= until:
        return "revoked"
    return lifecycle_grant(state=state, sent=sent, standings=standings)


def restores(flags: Collection[str]) -> str:
    """Return what a suspended grant goes back to: the package once it was accepted, else the preview."""
    return "full" if "ever_accepted" in flags else "preview"


def event_of_narrowing(*, state: str, granted: Collection[str], taken: Collection[str], in_window: bool = False) -> str:
    """Return the event by which a referral follows when the survivor takes sections back, or "" where none of them is open there.

    A referral that would be left with nothing but what always goes along ends, as by a withdrawal: at least one section stays covered
    (guard some_basis_left). After the end something is open only in the read-only window (`in_window`).
    """
    ended = protocol.current().state(state).terminal
    if (ended and not in_window) or (state != "draft" and not frozenset(granted) & frozenset(taken)):
        return ""
    left = frozenset(granted) - frozenset(taken) - protocol.current().matrix.always
    return "consent_narrowed" if left or state == "draft" else "access_withdrawn" if ended else "consent_withdrawn"


def askable(sections: Collection[str], *, kind: str, granted: Collection[str]) -> tuple[str, ...]:
    """Return which of `sections` a recipient of this kind may still get, in the order of the form: not what it has, nor what never goes there."""
    book = protocol.current()
    ever = frozenset(book.kind(kind).sections_ever) - frozenset(granted) - book.matrix.always
    return tuple(code for code in book.sections if code in ever and code in sections)


def check_sections(sections: Collection[str], *, possible: Collection[str]) -> frozenset[str]:
    """Return the sections named by a form.

    Raises:
        errors.InputInvalid: `sections`: none (required), or one that is not possible here (not_known).
    """
    named = frozenset(sections)
    if not named or not named <= frozenset(possible):
        raise errors.InputInvalid({"sections": ("not_known" if named else "required",)})
    return named


def event_of_withdrawal(state: str, *, ended_at: datetime | None, standings: Mapping[str, str], now: datetime) -> str:
    """Return the event that ends a referral when the consent it rests on is taken back, or "" where nothing is open any more."""
    if not protocol.current().state(state).terminal:
        return "consent_withdrawn"
    return "access_withdrawn" if is_in_window(state, ended_at=ended_at, standings=standings, now=now) else ""


def is_in_window(state: str, *, ended_at: datetime | None, standings: Mapping[str, str], now: datetime) -> bool:
    """Tell whether a referral that has ended is still readable to its recipient."""
    return grant_fact(state=state, ended_at=ended_at, sent=True, standings=standings, now=now) == "read_only"


def confirmation_needed(*, first_time: bool, recipient_kind: str) -> bool:
    """Tell whether the sender must type the recipient's code: the first referral to this agency, and always for police (N10)."""
    return first_time or recipient_kind == "police"


def confirm_recipient(*, typed: str, code: str, needed: bool) -> bool:
    """Return True where the recipient is confirmed.

    Raises:
        errors.InputInvalid: `recipient_code` is required, or is not the recipient's.
    """
    if not needed:
        return True
    if not typed.strip():
        raise errors.InputInvalid({"recipient_code": ("required",)})
    if typed.strip().casefold() != code.casefold():
        raise errors.InputInvalid({"recipient_code": ("code_mismatch",)})
    return True


def check_ticks(*, urgency: str, safe_contact_read: bool, phoned: bool) -> None:
    """Refuse a sending without the ticks of "Check and send".

    Raises:
        errors.InputInvalid: `safe_contact_read`, or `phoned` at an urgency that asks for a phone call.
    """
    missing = {}
    if not safe_contact_read:
        missing["safe_contact_read"] = ("required",)
    if protocol.current().urgency(urgency).phone_call_required and not phoned:
        missing["phoned"] = ("required",)
    if missing:
        raise errors.InputInvalid(missing)


def is_blocked(blocks: Mapping[str, object], *, agency_code: str, agency_id: UUID, kind: str) -> bool:
    """Tell whether the survivor blocked an agency, by its code, its id or its kind (section `safety`, blocked fields)."""
    named = {str(one).casefold() for one in _codes(blocks.get("blocked_agencies"))}
    return bool(named & {agency_code.casefold(), str(agency_id)}) or kind in _codes(blocks.get("blocked_kinds"))


def _codes(value: object) -> Collection[object]:
    return value if isinstance(value, list | tuple) else ()


def checked_note(note: str) -> str:
    """Return a note without outer blanks.

    Raises:
        errors.InputInvalid: longer than 2,000 characters.
    """
    text = note.strip()
    if len(text) > NOTE_MAX:
        raise errors.InputInvalid({"note": ("too_long",)})
    return text


def required_text(name: str, text: str, *, longest: int = NOTE_MAX) -> str:
    """Return a text that an event cannot do without, without outer blanks.

    Raises:
        errors.InputInvalid: empty (`required`), or longer than `longest` characters (`too_long`), as field `name`.
    """
    cut = text.strip()
    if not cut or len(cut) > longest:
        raise errors.InputInvalid({name: ("too_long" if cut else "required",)})
    return cut


def check_ahead(name: str, moment: datetime, *, now: datetime) -> None:
    """Refuse a time that has passed. Raises errors.InputInvalid: field `name`, `in_past`."""
    if moment <= now:
        raise errors.InputInvalid({name: ("in_past",)})


def check_attempts(attempts: int) -> None:
    """Refuse a number of attempts that nobody makes. Raises errors.InputInvalid: `attempts`."""
    if not 1 <= attempts <= ATTEMPTS_MAX:
        raise errors.InputInvalid({"attempts": ("too_small" if attempts < 1 else "too_large",)})


def second_person(*, needed: bool, may_approve: bool, submitted_by_actor: bool) -> bool:
    """Tell whether the two-person rule is met: nobody has to look twice, or a colleague prepared it and this person approves (DECISIONS 20)."""
    return not needed or (may_approve and not submitted_by_actor)


def check_milestone(milestone: str, *, reached: Collection[str]) -> None:
    """Refuse a milestone that was reported before, unless it may be reported again (milestones.yaml, repeat).

    Raises:
        errors.InputInvalid: `milestone`.
    """
    item = protocol.current().codelist("milestones").get(milestone)
    if milestone in reached and item is not None and not item.facts.get("repeat"):
        raise errors.InputInvalid({"milestone": ("reported_before",)})


def due_at(life: Life) -> datetime | None:
    """Return the deadline that runs in the referral's present state, or None.

    While a question is open, the sender's answer is due; a waiting list stops no clock.
    """
    by_state = {"requested": life.respond_by, "received": life.respond_by, "accepted": life.first_service_by, "in-progress": life.update_by}
    if life.state != "on-hold":
        return by_state.get(life.state)
    if life.paused_at is not None:
        return deadlines.duration(protocol.current().urgency(life.urgency).info_answer).after(life.paused_at)
    return by_state.get(life.previous_state or "")


def awaited(life: Life, *, side: str, now: datetime) -> str:
    """Return what a work list says is awaited: the code of the next step, or "" where nothing is.

    send, approval (of a second person), answer, choose_other (declined: look elsewhere) at the sender; accept, start, update, resume (a waiting
    list), confirm_cancel, confirm_purge (copies are to be deleted) and answer_dispute at the recipient. What ended is told for a while
    (DECISIONS 15).
    """
    if life.ended_at is not None:
        return _awaited_after_the_end(life, side=side, since=now - life.ended_at)
    if life.state == "draft":
        return "approval" if "awaiting_approval" in life.flags else "send"
    if SENDERS_TURN & frozenset(life.flags):
        return "answer"
    asked = next((step for flag, step in OWED_BY_RECIPIENT.items() if flag in life.flags), "")
    return asked or WAITING_FOR_RECIPIENT.get(life.state, "")


def _awaited_after_the_end(life: Life, *, side: str, since: timedelta) -> str:
    if life.state == "rejected" and side == "sender":
        return "choose_other" if since < TOLD_FOR else ""
    if side == "sender" or since >= DELETION_TOLD_FOR:
        return ""
    return next((step for flag, step in OWED_AFTER_THE_END.items() if flag in life.flags), "")


def needs(step: str, *, side: str) -> bool:
    """Tell whether `awaited` is this side's turn."""
    recipients = {"accept", "start", "update", "confirm_purge", "confirm_cancel", "resume", "answer_dispute"}
    return step in ({"send", "sent_back", "approve", "answer", "choose_other"} if side == "sender" else recipients)


def clock_state(due: datetime, *, since: datetime, now: datetime) -> str:
    """Return how a running deadline stands: calm, soon (a quarter of the time or four hours left) or late (PAGES section 5)."""
    if now > due:
        return "late"
    left = due - now
    return "soon" if left <= SOON_SPAN or left <= SOON_SHARE * (due - since) else "calm"


def clocks(life: Life, *, updated_at: datetime | None, now: datetime) -> tuple[Clock, ...]:
    """Return the referral's own deadlines in order: met ones with when, the running one with how it stands, and the read-only window."""
    answered = life.accepted_at or (life.ended_at if life.state == "rejected" else None)
    spans = (
        ("ack", life.respond_by, life.sent_at, answered, {"requested", "received"}),
        ("first_service", life.first_service_by, life.accepted_at, life.started_at, {"accepted"}),
        ("update", life.update_by, updated_at or life.started_at, life.ended_at, {"in-progress"}),
    )
    shown = []
    for kind, due, since, met, running in spans:
        if due is None or since is None:
            continue
        state = life.previous_state if life.state == "on-hold" and "waitlisted" in life.flags else life.state
        if state in running:
            shown.append(Clock(kind, due, clock_state(due, since=since, now=now)))
        elif met is not None:
            shown.append(Clock(kind, due, "done", met))
        elif life.state == "on-hold":
            shown.append(Clock(kind, due, "paused"))
    until = read_until(life.state, life.ended_at)
    if until is not None and life.ended_at is not None:
        shown.append(Clock("read_only", until, clock_state(until, since=life.ended_at, now=now)))
    return tuple(shown)


def offered(life: lifecycle.Life, *, side: str, now: datetime) -> tuple[str, ...]:
    """Return the built events that state, flags and time allow this side, in the order to offer them."""
    possible = {event.code for event in lifecycle.available(life, side, now=now)}
    return tuple(code for code in OFFERED if code in possible)


def is_left_out(event: str, *, urgency: str) -> bool:
    """Tell whether a guard that the row's own facts decide rules an event out: what is time-critical goes on no waiting list."""
    return "not_time_critical" in protocol.current().event(event).guards and urgency in TIME_CRITICAL
