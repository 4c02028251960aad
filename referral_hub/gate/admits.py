"""What each route admits: a verb, a signed-in member without content, or everybody. No route without one of the three.

The declaration stands on the view function itself; `check_routes` refuses to start a program with a route that has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from flask import current_app, g, request

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask import Flask

    from referral_hub.access import Verb

F = TypeVar("F", bound="Callable[..., Any]")

CONTENT, SIGNED_IN, PUBLIC = "content", "signed_in", "public"
_MARK = "hub_admission"


@dataclass(frozen=True)
class Admission:
    """What a route admits. `verbs` is empty unless `kind` is content; the first verb names a refusal unless another is tried."""

    kind: str
    verbs: tuple[Verb, ...] = ()


def admits(*verbs: Verb) -> Callable[[F], F]:
    """Declare a route of content or of an act: signed in, each request leaves its entry, and so does each refusal."""
    return _declare(Admission(CONTENT, verbs))


def signed_in_only(view: F) -> F:
    """Declare a route for signed-in members that shows no content and leaves no entry: form pages, account, help."""
    return _declare(Admission(SIGNED_IN))(view)


def public(view: F) -> F:
    """Declare a route for everybody."""
    return _declare(Admission(PUBLIC))(view)


def _declare(admission: Admission) -> Callable[[F], F]:
    def mark(view: F) -> F:
        if hasattr(view, _MARK):
            msg = f"{view.__qualname__} declares two admissions"
            raise ValueError(msg)
        setattr(view, _MARK, admission)
        return view

    return mark


def admission_of(endpoint: str | None) -> Admission | None:
    """Return what the route behind `endpoint` admits; None where no route matched."""
    view = current_app.view_functions.get(endpoint or "")
    return getattr(view, _MARK, None)


def routes_by_admission(app: Flask) -> dict[str, list[str]]:
    """Return the endpoints of `app` in three lists: content, signed_in, public."""
    lists: dict[str, list[str]] = {CONTENT: [], SIGNED_IN: [], PUBLIC: []}
    for endpoint, view in sorted(app.view_functions.items()):
        lists[getattr(view, _MARK).kind].append(endpoint)
    return lists


def check_routes(app: Flask) -> None:
    """Refuse a program in which a route declares nothing."""
    bare = [name for name, view in app.view_functions.items() if not hasattr(view, _MARK)]
    if bare:
        msg = f"routes without an admission: {', '.join(sorted(bare))}"
        raise RuntimeError(msg)


def acting(verb: Verb) -> None:
    """Say which of the route's verbs this request tries; a refusal is logged under it."""
    g.hub_verb = verb


def tried_verb() -> Verb | None:
    """Return the verb that this request tries, or None on a route without content."""
    admission = admission_of(request.endpoint)
    if admission is None or admission.kind != CONTENT:
        return None
    chosen: Verb | None = g.get("hub_verb")
    return chosen or admission.verbs[0]


def about(kind: str, object_id: UUID | Callable[[], UUID], *, subject: UUID | None = None) -> None:
    """Name what this request is about, so that the entry of a refusal can say it. Ids only, never content.

    A case goes by the alias of its survivor, which then is the subject; for anything else `subject` names the alias, where known. Where only
    a refusal needs the id, `object_id` may be a function that finds it (raises errors.NotFound when there is none).
    """
    g.hub_object = (kind, object_id, subject)


def named_object() -> tuple[str, UUID | None, UUID | None]:
    """Return kind, id and subject of what this request is about, as far as it was named."""
    kind, object_id, subject = g.get("hub_object", ("", None, None))
    if callable(object_id):
        try:
            object_id = object_id()
        except errors.NotFound:
            return "", None, None
    return kind, object_id, subject or (object_id if kind == "case" else None)
