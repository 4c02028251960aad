"""Plays one scenario: each step is one act of one member in one transaction, compared with what the list expects of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from referral_hub import audit, errors
from referral_hub.audit import queries as log
from referral_hub.cli.demo.scenarios import filling
from referral_hub.cli.wiring import machine_actor
from referral_hub.db import transact
from referral_hub.referrals import scope

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Mapping

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.accounts.values import Caller
    from referral_hub.cli.demo.scenarios.stage import Stage

NOT_COMPARED = ("told", "start", "stop")  # notices and legal clocks come with the clocks
FIRED_BEFORE = frozenset({"referral.consent_withdrawn"})  # in the act of the step before, which says so in its `log`
LOGGED_LATER = frozenset({"case.stat_record", "case.transfer", "consent.expire", "finding.open"})


class Later(Exception):
    """What a step asks for is not built yet."""


@dataclass(frozen=True)
class Outcome:
    """How one step went: held, differ or later, and why."""

    step: int
    do: str
    verdict: str
    why: str = ""


@dataclass
class Told:
    """What a scenario has made so far: cases by agency, referrals and consents by the names that the list gives them."""

    cases: dict[str, uuid.UUID] = field(default_factory=dict)
    openers: dict[str, Caller] = field(default_factory=dict)
    referrals: dict[str, uuid.UUID] = field(default_factory=dict)
    senders: dict[str, Caller] = field(default_factory=dict)
    handlers: dict[str, Caller] = field(default_factory=dict)
    recipients: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    consents: dict[str, uuid.UUID] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)


@dataclass
class Turn:
    """One step as the acts see it: who, when, with which inputs; `do` runs a verb as the member of the step inside its transaction."""

    player: Player
    step: Mapping[str, Any]
    session: Session
    caller: Caller | None
    now: datetime

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Return the coded inputs of the step."""
        given: Mapping[str, Any] = self.step.get("with", {})
        return given

    @property
    def who(self) -> Caller:
        """Return the member who acts; a step of the clock has none."""
        if self.caller is None:
            raise Later("the clock")
        return self.caller

    def do(self, verb: Callable[..., Any], *, by: Caller | None = None, **facts: Any) -> Any:
        """Run a verb of a room as the step's member, or as `by`."""
        caller = by or self.who
        return verb(self.session, actor=caller.actor, keys=caller.keys, now=self.now, **facts)

    def moment(self, text: str) -> datetime:
        """Return the time of a span from the scenario's start."""
        return self.player.moment(text)


@dataclass
class Player:
    """Plays the steps of one scenario on one stage; `acts` maps audit event codes to what is done.

    `ends_at` moves the scenario so that its last played step is then; `pace` below 1 makes weeks pass in hours. Both are for the
    demonstration; a test plays it as it stands.
    """

    stage: Stage
    scenario: Mapping[str, Any]
    acts: Mapping[str, Callable[[Turn], Any]]
    fallback: Callable[[Turn], Any]
    told: Told = field(default_factory=Told)
    absent: list[str] = field(default_factory=list)  # further entries of the step just played that come later
    until: int | None = None
    ends_at: datetime | None = None
    pace: float = 1.0

    @property
    def steps(self) -> list[Mapping[str, Any]]:
        """Return the steps to play: all, or those up to and including `until`."""
        return [step for step in self.scenario["steps"] if self.until is None or step["step"] <= self.until]

    @property
    def start(self) -> datetime:
        """Return the scenario's first moment."""
        first = datetime.fromisoformat(self.scenario["start"])
        if self.ends_at is None:
            return first
        return self.ends_at - (filling.moment(self.steps[-1]["at"], start=first) - first) * self.pace

    def moment(self, text: str) -> datetime:
        """Return the time of a span from the start, at the pace of this play."""
        return self.start + (filling.moment(text, start=self.start) - self.start) * self.pace

    def play(self) -> list[Outcome]:
        """Play the steps and return how each went."""
        return [self._step(step) for step in self.steps]

    def member(self, name: str) -> Caller:
        """Return a member by "agency/Given"."""
        agency, _, given = name.partition("/")
        return self.stage.caller(agency, given)

    def _step(self, step: Mapping[str, Any]) -> Outcome:
        now = self.moment(step["at"])
        caller, before = self._caller(step), self._size()
        try:
            refused = self._act(step, caller, now)
        except Later as missing:
            return self._outcome(step, "later", f"not built: {missing}")
        wanted = step["expect"].get("refused", "")
        if refused != wanted:
            return self._outcome(step, "differ", f"refused {refused or 'nothing'}, expected {wanted or 'nothing'}")
        differs = self._differences(step, caller, before)
        if differs:
            return self._outcome(step, "differ", "; ".join(differs))
        return self._waiting(step)

    def _waiting(self, step: Mapping[str, Any]) -> Outcome:
        """Say which part of what is expected nothing can show yet; everything else of the step held."""
        expect = step["expect"]
        parts = [part for part in NOT_COMPARED if expect.get(part)]
        parts += self.absent
        if parts:
            return Outcome(step["step"], step["do"], "later", f"held, but for {', '.join(parts)}")
        return Outcome(step["step"], step["do"], "held")

    def _outcome(self, step: Mapping[str, Any], verdict: str, why: str) -> Outcome:
        """Note a step that did not happen as told: a later step on the same referral may differ for that reason alone."""
        names = {str(step.get("ref", "")), str(step.get("with", {}).get("id", ""))} - {""}
        leans = ({str(step.get("with", {}).get(key, "")) for key in ("basis", "new_basis", "part_of")} | names) & self.told.unsure
        if verdict == "differ" and leans:
            verdict, why = "later", f"rests on a step that is not built ({', '.join(sorted(leans))}): {why}"
        if verdict == "later":
            self.told.unsure |= names
        return Outcome(step["step"], step["do"], verdict, why)

    def _caller(self, step: Mapping[str, Any]) -> Caller | None:
        if step["by"] == "clock":
            return None
        if "who" in step:
            return self.member(step["who"])
        agency, _, role = step["by"].partition("/")
        return self._standing_in(step, agency, role) or self.stage.caller(agency, self.stage.people.first(agency, role))

    def _standing_in(self, step: Mapping[str, Any], agency: str, role: str) -> Caller | None:
        """Return the handler named on acceptance where the step's role is hers: the agency's own people agreed who works on it."""
        handler = self.told.handlers.get(step.get("ref", ""))
        fits = handler is not None and handler.agency.code == agency and role in handler.actor.roles
        return handler if fits else None

    def _act(self, step: Mapping[str, Any], caller: Caller | None, now: datetime) -> str:
        """Do the step in one transaction; return the code of the refusal, "" where it was done."""
        act = self.acts.get(step["do"], self.fallback)
        session = self.stage.session
        try:
            transact(session, lambda s: act(Turn(self, step, s, caller, now)))
        except (errors.NotFound, errors.NotAllowed, errors.RuleBroken) as refusal:
            if refusal.code == "not_built":
                raise Later(step["do"]) from refusal
            self._deny(step, caller, refusal, now)
            return refusal.code
        finally:
            session.rollback()
        return ""

    def _deny(self, step: Mapping[str, Any], caller: Caller | None, refusal: errors.HubError, now: datetime) -> None:
        """Leave the entry of a refusal, as the front does: in a transaction of its own."""
        actor: Actor = caller.actor if caller else machine_actor("clock")
        entry = audit.entry_for(
            actor, step["do"], now=now, outcome="deny", reason=getattr(refusal, "reason", refusal.code),
            rule_ids=getattr(refusal, "rule_ids", ()), object_kind="referral", object_id=self.told.referrals.get(step.get("ref", "")),
        )  # fmt: skip
        transact(self.stage.session, lambda s: audit.record(s, entry))

    def _size(self) -> int:
        newest = log.latest(self.stage.session, limit=1)
        self.stage.session.rollback()
        return newest[0].idx + 1 if newest else 0

    def _differences(self, step: Mapping[str, Any], caller: Caller | None, before: int) -> list[str]:
        self.absent = []
        found = [] if step["do"] in FIRED_BEFORE else [*self._in_the_log(step, caller, before)]
        expect = step["expect"]
        if "ref" in step and set(expect) & {"state", "grant", "flags"}:
            found += self._in_the_row(step["ref"], expect)
        return found

    def _in_the_log(self, step: Mapping[str, Any], caller: Caller | None, before: int) -> list[str]:
        """Compare the entries that the step left: its own, with its outcome and its actor, and the further ones that are expected."""
        size = self._size()
        entries = [one.entry for one in log.latest(self.stage.session, limit=max(1, min(size - before, 50)))] if size > before else []
        self.stage.session.rollback()
        outcome = "deny" if step["expect"].get("refused") else "allow"
        member = caller.actor.member_id if caller else None
        amiss = []
        if not any((e.action, e.outcome, e.actor_id) == (step["do"], outcome, member) for e in entries):
            amiss.append(f"no entry {step['do']} with outcome {outcome}")
        allowed = {e.action for e in entries if e.outcome == "allow"}
        wanted = set(step["expect"].get("log", ()))
        self.absent = sorted((wanted & LOGGED_LATER) - allowed)
        amiss += [f"no entry {code}" for code in sorted(wanted - allowed - LOGGED_LATER)]
        if outcome == "deny" and allowed:
            amiss.append(f"a refused step left {', '.join(sorted(allowed))}")
        return amiss

    def _in_the_row(self, ref: str, expect: Mapping[str, Any]) -> list[str]:
        sender = self.told.senders[ref]
        found = scope.find(self.stage.session, actor=sender.actor, hub=self.stage.hub, referral_id=self.told.referrals[ref])
        life = found.life()
        self.stage.session.rollback()
        shown = {"state": life.state, "grant": life.grant, "flags": sorted(life.flags)}
        wanted = {name: sorted(expect[name]) if name == "flags" else expect[name] for name in shown if name in expect}
        return [f"{name} {shown[name]}, expected {value}" for name, value in wanted.items() if shown[name] != value]

