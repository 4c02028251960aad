"""How far entries are proven, in words: the tag of a row, the three steps of one entry, the steps of a check, each witness's standing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub.audit.coverage import LATE
from referral_hub.gate.speech import _
from referral_hub.web import words
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from datetime import datetime

    from referral_hub.audit.coverage import Coverage
    from referral_hub.audit.queries import Witness
    from referral_hub.audit.reading import Checked, One


@dataclass(frozen=True)
class Proof:
    """How far an entry is proven, as a tag: its kind ("ok", "wait", "no") and word."""

    kind: str
    text: str


@dataclass(frozen=True)
class Saw:
    """How one witness stands: how far it has seen, when, how late, and what is amiss."""

    name: str
    size: int
    at: datetime | None
    delay: str
    behind: str
    is_late: bool
    amiss: str


@dataclass(frozen=True)
class ProofStep:
    """One step of a proof: its word, what it says, whether it holds ("yes", "no", "not_yet")."""

    title: str
    text: str
    state: str


def proven(idx: int, stands: Coverage, now: datetime) -> Proof:
    """Return how far an entry is proven: witnessed, in the tree where nobody witnesses, or not yet, and late after a quarter of an hour."""
    covered = stands.of(idx)
    if covered == "witnessed":
        return Proof("ok", _("Witnessed %(seen)s/%(all)s", seen=stands.witnesses.seen(idx), all=len(stands.witnesses.rows)))
    if not stands.is_watched:
        return Proof("ok", _("In the tree")) if covered == "signed" else Proof("wait", _("Recorded"))
    if stands.late_by(now) is not None:
        return Proof("no", _("Witnesses are late"))
    return Proof("wait", _("Not yet witnessed"))


def proof_steps(found: One, stands: Coverage, now: datetime) -> list[ProofStep]:
    """Return the proof of one entry in three steps: recorded, in the tree, witnessed."""
    proof = found.proof
    size = words.number(found.checkpoint.size, reader()) if found.checkpoint else ""
    recorded = _("Index %(number)s, before anything could be opened.", number=words.number(found.logged.idx, reader()))
    in_tree = {
        "matches": _("Checkpoint of %(size)s entries, a path of %(steps)s steps, matches.", size=size, steps=proof.steps),
        "not_yet": _("No checkpoint covers it yet. That is usual for some seconds."),
        "differs": _("It does not match. Keep this page, and contact the other agencies of the network; do not restart the system."),
    }
    return [
        ProofStep(_("Recorded"), recorded, "yes" if proof.state != "differs" or found.checkpoint else "no"),
        ProofStep(_("In the tree"), in_tree[proof.state], {"matches": "yes", "not_yet": "not_yet", "differs": "no"}[proof.state]),
        _witness_step(found.logged.idx, stands, now) if proof.state != "differs" else ProofStep(_("Witnessed"), _("Not this entry as it stands here."), "no"),
    ]


def _witness_step(idx: int, stands: Coverage, now: datetime) -> ProofStep:
    """Return how far witnesses vouch for entry `idx` (or for a checkpoint, by its last entry)."""
    seen, every = stands.witnesses.seen(idx), len(stands.witnesses.rows)
    late = stands.late_by(now)
    if not stands.is_watched:
        text, state = _("No other agency witnesses this log yet: whoever runs the system could still rewrite it."), "not_yet"
    elif stands.witnesses.is_witnessed(idx):
        text, state = _("%(seen)s of %(all)s witnesses have signed a checkpoint that covers it. That is enough by the policy.", seen=seen, all=every), "yes"
    elif late is not None:
        text, state = _("%(seen)s of %(all)s witnesses have seen it. The others are late by %(span)s; help goes on.", seen=seen, all=every, span=words.span(late, reader())), "not_yet"
    else:
        text, state = _("%(seen)s of %(all)s witnesses have seen it. Up to 15 minutes are usual.", seen=seen, all=every), "not_yet"
    return ProofStep(_("Witnessed"), text, state)


def steps(checked: Checked, stands: Coverage, now: datetime) -> list[ProofStep]:
    """Return what a check found, step by step."""
    size = words.number(checked.checkpoint.size, reader()) if checked.checkpoint else "0"
    if checked.checkpoint is None:
        return [
            ProofStep(_("Checkpoint"), _("No checkpoint has been signed yet. That is usual for the first seconds of a log."), "not_yet")
        ]
    signatures = {
        "matches": (_("The signature is that of this log's key."), "yes"),
        "differs": (_("The signature is not that of this log's key."), "no"),
        "no_key": (_("The public key of the log is not on this machine, so the signature was not checked."), "not_yet"),
    }
    text, state = signatures[checked.signature]
    grown = checked.size - checked.checkpoint.size
    return [
        ProofStep(_("Checkpoint of %(size)s entries", size=size), text, state),
        ProofStep(
            _("Tree"),
            _("The stored entries give the signed root.") if checked.tree else _("The stored entries do not give the signed root."),
            _yes(checked.tree),
        ),
        ProofStep(
            _("Continuation"),
            _("Today's log begins with the signed one and is %(number)s entries longer.", number=words.number(grown, reader()))
            if checked.continues
            else _("Today's log does not continue the signed one."),
            _yes(checked.continues),
        ),
        _entries_step(checked),
        _witness_step(checked.checkpoint.size - 1, stands, now),
    ]


def _entries_step(checked: Checked) -> ProofStep:
    states = [proof.state for proof in checked.entries.values()]
    differing = [words.number(idx, reader()) for idx, proof in checked.entries.items() if proof.state == "differs"]
    if differing:
        return ProofStep(_("Entries shown"), _("They do not match: %(entries)s.", entries=", ".join(differing)), "no")
    text = _(
        "%(matching)s match the signed tree, %(younger)s are younger than it.",
        matching=states.count("matches"),
        younger=states.count("not_yet"),
    )
    return ProofStep(_("Entries shown"), text, "yes" if "matches" in states else "not_yet")


def _yes(holds: bool) -> str:  # noqa: FBT001 - a condition
    return "yes" if holds else "no"


def witnesses(stands: Coverage, now: datetime) -> list[Saw]:
    """Return how each witness stands, in words."""
    return [_saw(one, now) for one in stands.witnesses.rows]


def _saw(one: Witness, now: datetime) -> Saw:
    behind = None if one.behind_since is None else now - one.behind_since
    is_late = behind is not None and behind >= LATE
    refused = _("refused %(number)s times; the answers are kept", number=words.number(one.refusals, reader())) if one.refusals else ""
    amiss = ", ".join(filter(None, (failure_text(one.failure), refused)))
    delay = "" if one.delay is None else words.seconds(one.delay, reader())
    return Saw(one.name, one.size, one.cosigned_at, delay, "" if behind is None else words.span(behind, reader()), is_late, amiss)


def failure_text(code: str) -> str:
    """Return what went wrong when a witness was asked last; an unknown code says that it answers otherwise than agreed."""
    if not code:
        return ""
    if code.startswith("refused_"):
        return _("refused: it has seen another log")
    texts = {
        "unreachable": _("could not be reached"), "slow": _("answered too slowly"), "signature": _("signed with another key"), "unknown_key": _("signed with another key"),
        "missing_key": _("one of its keys did not sign"), "timestamp": _("gave no time"),
    }  # fmt: skip
    return texts.get(code, _("answered otherwise than agreed"))
