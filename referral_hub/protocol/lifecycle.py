"""The life of one referral as a pure function of its events (config/protocol/lifecycle.yaml; states are FHIR R5 Task.status codes).

`step` checks and moves; `replay` moves again from the recorded events and gives the same row. No rule reads `business`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.protocol.inputs import check_inputs, choices
from referral_hub.protocol.loader import current
from referral_hub.protocol.spans import later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from referral_hub.protocol.shapes import Event

__all__ = ["Fired", "Life", "available", "choices", "replay", "step"]

NEVER = datetime.max.replace(tzinfo=UTC)
LIVE = frozenset({"preview", "full"})
ANSWERED_BEFORE = frozenset({"requested", "received"})


@dataclass(frozen=True, slots=True)
class Life:
    """Where a referral stands.

    `state` "" = not yet created. `restores` = what a suspended grant goes back to. `previous` = the state before on-hold. `sections` = granted.
    `clock` = the own clock that runs (ack, first_service, update_every), `clock_from` its start, `paused_for` its pauses so far.
    """

    state: str = ""
    business: str = ""
    flags: frozenset[str] = frozenset()
    grant: str = "none"
    restores: str = ""
    previous: str = ""
    sections: frozenset[str] = frozenset()
    recipient_kind: str = ""
    clock: str = ""
    clock_from: datetime | None = None
    paused_at: datetime | None = None
    paused_for: timedelta = timedelta()
    since: datetime | None = None
    sent_at: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    basis_ended_at: datetime | None = None
    window_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fired:
    """One recorded event: its code, time, and coded inputs."""

    event: str
    at: datetime
    inputs: Mapping[str, Any] = field(default_factory=dict)


def step(life: Life, event: str, *, side: str, inputs: Mapping[str, Any], guards: Mapping[str, bool], now: datetime) -> Life:
    """Fire an event and return the life after it.

    Guards that follow from flags and times are worked out here; of the others, one that is not given counts as not met. Sealed inputs only need
    to be there. `send` keeps `sections` where given.

    Raises:
        errors.NotFound: an unknown event.
        errors.RuleBroken: wrong_side; wrong_state; the refusal of a guard that does not hold (fact `guard`); redirect_needed.
        errors.InputInvalid: missing_input (`fields`: required, not_a_code, not_for_event, not_for_kind, bad_type).
    """
    found = current().event(event)
    if side not in found.by:
        raise errors.RuleBroken("wrong_side")
    if not _fits_state(life, found):
        raise errors.RuleBroken("wrong_state", state=life.state)
    for guard in found.guards:
        if not _guard_holds(life, guard, guards, now):
            raise errors.RuleBroken(current().lifecycle.guards[guard].refusal, guard=guard)
    check_inputs(found, inputs, recipient_kind=life.recipient_kind)
    return _after(life, found, inputs, now)


def available(life: Life, side: str, *, now: datetime | None = None) -> tuple[Event, ...]:
    """Return the events that state, flags and, with `now`, times allow this side. The guards that the caller must give are not asked."""
    return tuple(one for one in _from_state(life.state) if side in one.by and _flag_stands(life, one) and _may_hold(life, one, now))


@cache
def _from_state(state: str) -> tuple[Event, ...]:
    events = current().lifecycle.events.values()
    return tuple(one for one in events if (state in one.from_ if one.from_ else not state))


def replay(events: Iterable[Fired], *, start: Life | None = None) -> Life:
    """Return the life that recorded events lead to. They were checked when they were fired; only their order is checked again.

    Raises:
        errors.NotFound: an unknown event.
        errors.RuleBroken: wrong_state.
    """
    life = start or Life()
    for fired in events:
        found = current().event(fired.event)
        if not _fits_state(life, found):
            raise errors.RuleBroken("wrong_state", state=life.state)
        life = _after(life, found, fired.inputs, fired.at)
    return life


def _fits_state(life: Life, event: Event) -> bool:
    in_state = life.state in event.from_ if event.from_ else not life.state
    return in_state and _flag_stands(life, event)


def _flag_stands(life: Life, event: Event) -> bool:
    return not event.if_ or event.if_ in life.flags


def _within(start: datetime | None, event: str, now: datetime) -> bool:
    return start is not None and now <= later(start, current().lifecycle.within[event])


WORKED_OUT: dict[str, Callable[[Life, datetime], bool]] = {
    "within_10_minutes": lambda life, now: _within(life.sent_at, "recall", now),
    "within_24_hours": lambda life, now: _within(life.accepted_at, "un_accept", now),
    "within_14_days": lambda life, now: _within(life.ended_at, "dispute", now),
    "not_opened": lambda life, _: "ever_opened" not in life.flags,
    "not_accepted_before": lambda life, _: "ever_accepted" not in life.flags,
    "was_accepted": lambda life, _: "ever_accepted" in life.flags,
    "window_over": lambda life, now: life.window_until is not None and now >= life.window_until,
    "seven_days_without": lambda life, now: (
        life.basis_ended_at is not None and now >= later(life.basis_ended_at, current().lifecycle.basis_revoked_after)
    ),
}
BY_TIME = frozenset({"within_10_minutes", "within_24_hours", "within_14_days", "window_over", "seven_days_without"})


def _guard_holds(life: Life, guard: str, given: Mapping[str, bool], now: datetime) -> bool:
    if guard in WORKED_OUT:
        return WORKED_OUT[guard](life, now)
    if guard == "kind_is_police" and life.recipient_kind:
        return life.recipient_kind == "police"
    return given.get(guard) is True


def _may_hold(life: Life, event: Event, now: datetime | None) -> bool:
    asked = [guard for guard in event.guards if guard in WORKED_OUT and (now is not None or guard not in BY_TIME)]
    police = "kind_is_police" not in event.guards or life.recipient_kind in {"", "police"}
    return police and all(WORKED_OUT[guard](life, now or NEVER) for guard in asked)


def _after(life: Life, event: Event, inputs: Mapping[str, Any], now: datetime) -> Life:
    state, flags = _next_state(life, event), _next_flags(life, event)
    grant, restores = _next_grant(life, event.grant)
    return replace(
        life,
        state=state,
        business=event.business,
        flags=flags,
        grant=grant,
        restores=restores,
        previous=_next_previous(life, state),
        sections=_next_sections(life, event, inputs),
        since=now if state != life.state else life.since,
        sent_at=now if event.code == "send" else life.sent_at,
        accepted_at=now if "ever_accepted" in event.sets else life.accepted_at if "ever_accepted" in flags else None,
        basis_ended_at=(life.basis_ended_at or now) if "basis_needed" in flags else None,
        **_ending(life, state, grant, now),
        **_clocks(life, event, state, now),
    )


def _next_state(life: Life, event: Event) -> str:
    return {"same": life.state, "previous": life.previous}.get(event.to, event.to)


def _next_previous(life: Life, state: str) -> str:
    if state != "on-hold":
        return ""
    return life.previous if life.state == "on-hold" else life.state


def _next_flags(life: Life, event: Event) -> frozenset[str]:
    """Deletion falls due only where the recipient had opened something: otherwise there is nothing to destroy."""
    sets = event.sets if "ever_opened" in life.flags else event.sets - {"purge_due"}
    return (life.flags - event.clears) | sets


def _next_grant(life: Life, named: str) -> tuple[str, str]:
    """Return grant and what a suspended one goes back to. A revoked grant never comes back; a suspended one is not released by an event."""
    held = life.grant
    if held == "revoked" or named in {"keep", "widen", "narrow", "none"}:
        return held, life.restores
    if named == "suspended":
        return ("suspended", held) if held in LIVE else (held, life.restores)
    if named == "restore":
        return (life.restores, "") if held == "suspended" else (held, life.restores)
    if held == "suspended":
        return ("suspended", named) if named in LIVE else ("revoked", "")
    return named, ""


def _next_sections(life: Life, event: Event, inputs: Mapping[str, Any]) -> frozenset[str]:
    named = frozenset(inputs.get("sections", ()))
    if event.code == "send":
        return named
    if event.grant == "widen":
        return life.sections | named
    return life.sections - named if event.grant == "narrow" else life.sections


def _ending(life: Life, state: str, grant: str, now: datetime) -> dict[str, Any]:
    """Return when the referral ended, and until when it may still be read."""
    if state == life.state or not current().lifecycle.states[state].terminal:
        return {"window_until": life.window_until if grant == "read_only" else None}
    window = current().lifecycle.read_only_window.get(state)
    return {"ended_at": life.ended_at or now, "window_until": later(now, window) if window and grant == "read_only" else None}


def _clocks(life: Life, event: Event, state: str, now: datetime) -> dict[str, Any]:
    """Start, pause and stop the own clock. Leaving on-hold resumes it whatever event does it: paused time never counts."""
    if event.clock == "stop":
        return {"clock": "", "clock_from": None, "paused_at": None, "paused_for": timedelta()}
    if event.clock in {"start", "next", "restart"}:
        return {"clock": _next_clock(life, event, state), "clock_from": now, "paused_at": None, "paused_for": timedelta()}
    if event.clock == "pause":
        return {"paused_at": life.paused_at or now}
    leaves = life.state == "on-hold" and state != "on-hold"
    if life.paused_at and (leaves or event.clock == "resume"):
        return {"paused_at": None, "paused_for": life.paused_for + (now - life.paused_at)}
    return {}


def _next_clock(life: Life, event: Event, state: str) -> str:
    if state in ANSWERED_BEFORE:
        return "ack"
    if event.clock == "restart":
        return life.clock or "update_every"
    return "first_service" if state == "accepted" else "update_every"
