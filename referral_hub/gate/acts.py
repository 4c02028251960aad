"""How a view does something: one transaction, one entry, once for each form.

`read` and `opened` are the shapes list and open of VAULT.md, `act` is the shape act. Each hands the verb its session,
actor, keys, moment and request id; the view adds the rest with `functools.partial`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from flask import g, request

from referral_hub import errors
from referral_hub.accounts import repeats
from referral_hub.db import transact
from referral_hub.gate.caller import actor, keys
from referral_hub.gate.house import house, now, request_id, session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response

    from referral_hub.audit import Ticket
    from referral_hub.gate.schemas import Problems

T = TypeVar("T")
C = TypeVar("C")

ACT_FIELD, VERSION_FIELD = "act_id", "version"
VERSION_DIGITS = 9  # more than any row was ever changed


@dataclass(frozen=True)
class Done(Generic[T]):
    """An act that was done: the id of its result; its value unless this was a repeat, which did nothing."""

    id: uuid.UUID
    value: T | None
    repeated: bool


def _facts() -> dict[str, Any]:
    return {"actor": actor(), "keys": keys(), "now": now(), "request_id": request_id()}


def read(work: Callable[..., T]) -> T:
    """Run `work(session, actor=, keys=, now=, request_id=)` as one transaction and return what it read.

    If the result has a `ticket`, the page's foot names its entry.
    """
    facts = _facts()
    result = transact(session(), lambda s: work(s, **facts))
    remember(getattr(result, "ticket", None))
    return result


def opened(work: Callable[..., T], reveal: Callable[[T], C]) -> C:
    """Run the opening `work` as one transaction, then reveal what it read: after the entry is durable, without a database.

    Raises:
        errors.CannotOpen: what was opened does not verify; the gate reports it and shows nothing.
    """
    result = read(work)
    return reveal(result)


def act(work: Callable[..., T], *, result: Callable[[T], uuid.UUID] = lambda value: cast("Any", value).id) -> Done[T]:
    """Do `work` once for the form that was sent: a form sent again gives the first result and leaves no new entry.

    `result` names the row that the act made or changed. A form without an act id is refused as incomplete.

    Raises:
        errors.KeyReused: the same act id with other input.
        errors.InputInvalid: no act id.
    """
    key, facts = act_id(), _facts()
    digest_of = _typed()

    def once(s: Session) -> Done[T]:
        hub, who = house().hub, facts["actor"]
        earlier = repeats.once(s, hub=hub, actor=who, key=key, route=request.endpoint or "", digest_of=digest_of, now=facts["now"])
        if earlier is not None:
            return Done(earlier, None, repeated=True)
        value = work(s, **facts)
        identity = result(value)
        repeats.settle(s, actor=who, key=key, result_id=identity)
        return Done(identity, value, repeated=False)

    return transact(session(), once)


def keyless(work: Callable[..., T]) -> Callable[..., T]:
    """Return `work` for a verb that needs no keys: one of the directory."""

    def without_keys(s: Session, *, keys: object, **facts: Any) -> T:  # noqa: ARG001 - what the verb does not take
        return work(s, **facts)

    return without_keys


def act_id() -> uuid.UUID:
    """Return the act id that the form carried; raises `errors.InputInvalid` where there is none."""
    try:
        return uuid.UUID(request.form.get(ACT_FIELD, ""))
    except ValueError as wrong:
        raise errors.InputInvalid({ACT_FIELD: ("required",)}) from wrong


def form_version() -> int | None:
    """Return the row version that the form carried, or None."""
    value = request.form.get(VERSION_FIELD, "")
    return int(value) if value.isdecimal() and len(value) <= VERSION_DIGITS else None


def new_act_id() -> str:
    """Return a fresh act id for a form."""
    return str(uuid.uuid4())


def _typed() -> Mapping[str, Any]:
    """Return everything the form carried but its act id, in a fixed shape for the digest; the path belongs to the input."""
    fields = {name: request.form.getlist(name) for name in sorted(request.form) if name != ACT_FIELD}
    return {"path": request.path, "fields": fields}


def remember(ticket: Ticket | None) -> None:
    """Keep the ticket of the entry that this page left, so that its foot can name it."""
    if ticket is not None:
        g.hub_ticket = ticket


def entry_number() -> int | None:
    """Return the number of the entry that this page left, once it is durable."""
    ticket = cast("Ticket | None", g.get("hub_ticket"))
    return ticket.index if ticket is not None and ticket.durable else None


def on_refusal(render: Callable[[Problems], Response]) -> None:
    """Say how a refused form comes back: `render(problems)` makes the page again, with its summary (422)."""
    g.hub_refused_form = render


def on_conflict(render: Callable[[errors.StaleVersion], Response]) -> None:
    """Say how a form comes back that somebody else was faster with: `render(failure)` shows both versions with what was typed (409)."""
    g.hub_both_versions = render


def both_versions() -> Callable[[errors.StaleVersion], Response] | None:
    """Return how this request's form comes back beside the version that was saved meanwhile, if the view said so."""
    return cast("Callable[[errors.StaleVersion], Response] | None", g.get("hub_both_versions"))


def refused_form() -> Callable[[Problems], Response] | None:
    """Return how this request's form comes back, if the view said so."""
    return cast("Callable[[Problems], Response] | None", g.get("hub_refused_form"))
