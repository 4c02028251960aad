"""Failures become answers here, and only here numbers are known.

A refusal rolls the request's transaction back, leaves its entry in a transaction of its own, and only then answers
(VAULT.md, shape refuse). If that entry cannot be written nothing is told either: 503. Nothing a person typed is lost.
"""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, make_response, render_template, request
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException

from referral_hub import access, audit, errors, protocol
from referral_hub.db import transact
from referral_hub.gate import acts
from referral_hub.gate.admits import CONTENT, admission_of, named_object, tried_verb
from referral_hub.gate.caller import known_caller
from referral_hub.gate.house import here, now, own_path, request_id, session
from referral_hub.gate.kept import carried_fields, typed_texts
from referral_hub.gate.origin import SAFE_METHODS
from referral_hub.gate.schemas import problems_of
from referral_hub.gate.speech import language
from referral_hub.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response

SIGNED_OUT = "referral_hub.signed_out"

UNAUTHORISED, FORBIDDEN, NOT_FOUND, CONFLICT, INCOMPLETE, THROTTLED, FAULT, UNAVAILABLE = 401, 403, 404, 409, 422, 429, 500, 503
# Failures that the agencies' list does not name: they are the program's own.
OWN = {
    "error": FAULT, "cannot_open": FAULT, "not_durable": FAULT, "bad_proof": FAULT, "bad_note": FAULT, "cross_site": FORBIDDEN,
    "unasked_opening": FORBIDDEN, "not_built": CONFLICT, "already_founded": CONFLICT, "no_agency_key": CONFLICT, "key_not_held": FORBIDDEN,
}  # fmt: skip
COMES_BACK = frozenset({INCOMPLETE, THROTTLED})
ANSWERED_ON_THE_FORM = frozenset({"copies_remain"})  # another answer on the same form is the way on
REFUSED = frozenset({FORBIDDEN, NOT_FOUND, CONFLICT, INCOMPLETE})


class Unasked(errors.HubError):
    """A request that no person made on our pages: from another site, a prefetch, an embedding. It leaves no entry."""

    code = "cross_site"


def install(app: Flask, *, signed_out: Callable[[str, list[tuple[str, str]]], Response]) -> None:
    """Answer every failure of `app`. `signed_out(path, fields)` makes the sign-in page that leads back to `path` with what was typed."""
    app.extensions[SIGNED_OUT] = signed_out
    app.register_error_handler(errors.HubError, answer)
    app.register_error_handler(HTTPException, answer_http)
    app.register_error_handler(OperationalError, answer_outage)
    app.register_error_handler(InterfaceError, answer_outage)
    app.register_error_handler(Exception, answer_fault)


def status_of(failure: errors.HubError) -> int:
    """Return the HTTP status of a named failure: the agencies' list first, then our own."""
    if isinstance(failure, errors.InputInvalid):
        return INCOMPLETE
    if failure.code in protocol.current().codelist("refusals"):
        return protocol.current().refusal(failure.code).status
    if isinstance(failure, errors.Unavailable):
        return UNAVAILABLE
    if isinstance(failure, errors.RuleBroken):
        return OWN.get(failure.code, CONFLICT)
    if isinstance(failure, errors.NotAllowed):
        return FORBIDDEN
    return OWN.get(failure.code, FAULT)


def answer(failure: errors.HubError) -> Response:
    """Answer a named failure."""
    roll_back()
    if isinstance(failure, errors.NotSignedIn):
        return _sign_in_first()
    status = status_of(failure)
    try:
        _leave_entry(failure, status)
    except errors.Unavailable as unavailable:
        failure, status = unavailable, UNAVAILABLE
    again = _form_again(failure, status)
    if again is not None:
        return again
    if status >= FAULT:
        log.warning("failure", code=failure.code, request_id=request_id(), endpoint=request.endpoint)
    return problem_page(status, code=failure.code, facts=failure.facts)


def answer_http(failure: HTTPException) -> Response:
    """Answer a failure of the protocol below: no such address, a body too large, a method not offered."""
    roll_back()
    if failure.response is not None:
        return cast("Response", failure.response)
    response = problem_page(failure.code or FAULT, code="")
    for name, value in failure.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def answer_outage(_failure: Exception) -> Response:
    """Answer a database that went away between two transactions, where a view looks something up: 503, like within one."""
    session().invalidate()
    return answer(errors.Unavailable("log_unavailable", retry_after=5))


def answer_fault(failure: Exception) -> Response:
    """Answer a fault of the program: the log gets its kind and place, never its message, which might hold content."""
    roll_back()
    log_fault(failure)
    if acts.entry_number() is not None:
        try:
            _write("access.error", outcome="error", reason="error")
        except errors.Unavailable:
            return problem_page(UNAVAILABLE, code="log_unavailable")
    return problem_page(FAULT, code="error")


def log_fault(failure: BaseException) -> None:
    """Write kind and place of a fault. Messages and values are left out: they might hold content, and the path an id."""
    frames = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in traceback.extract_tb(failure.__traceback__)[-12:]]
    log.error("fault", kind=type(failure).__name__, frames=frames, request_id=request_id(), endpoint=request.endpoint)


def roll_back() -> None:
    """Undo what this request did not commit."""
    try:
        session().rollback()
    except (OperationalError, InterfaceError):
        session().invalidate()


def _sign_in_first() -> Response:
    make = cast("Callable[[str, list[tuple[str, str]]], Response]", current_app.extensions[SIGNED_OUT])
    if request.method in SAFE_METHODS:
        return make(here(), [])
    return make(request.path, carried_fields())


def _leave_entry(failure: errors.HubError, status: int) -> None:
    """Write the refusal's entry, where one is due: content routes, and the policy's refusals elsewhere."""
    if isinstance(failure, errors.CannotOpen):
        _write("key.tampered", outcome="error", reason=failure.code)
        return
    if status not in REFUSED or isinstance(failure, Unasked):
        return
    verb = tried_verb()
    if verb is None and not isinstance(failure, errors.NotAllowed):
        return
    reason = failure.reason if isinstance(failure, errors.NotFound) else failure.code
    rules = failure.rule_ids if isinstance(failure, errors.NotAllowed) else ()
    _write(verb or "access.denied", outcome="deny", reason=reason, rule_ids=rules)


def _write(action: str, **facts: Any) -> None:
    who = known_caller()
    if who is None:
        return

    def work(s: Session) -> None:
        kind, object_id, subject = named_object()
        entry = audit.entry_for(
            who.actor, action, now=now(), object_kind=kind, object_id=object_id, subjects=(subject,) if subject else (),
            policy_digest=access.policy_digest(), request_id=request_id(), **facts,
        )  # fmt: skip
        acts.remember(audit.record(s, entry))

    transact(session(), work)


def _form_again(failure: errors.HubError, status: int) -> Response | None:
    """Return the form with what was typed: beside its complaints, or beside what somebody else saved meanwhile."""
    form, versions = acts.refused_form(), acts.both_versions()
    if isinstance(failure, errors.StaleVersion) and versions is not None:
        return _rendered(partial(versions, failure), failure, status)
    if (status in COMES_BACK or failure.code in ANSWERED_ON_THE_FORM) and form is not None:
        return _rendered(partial(form, problems_of(failure)), failure, status)
    return None


def _rendered(render: Callable[[], Response], failure: errors.HubError, status: int) -> Response:
    try:
        response = render()
    except errors.HubError as closed:  # the form stands beside content that cannot be opened again
        told = failure if isinstance(failure, errors.StaleVersion) and not isinstance(closed, errors.CannotOpen) else closed
        return problem_page(status_of(told), code=told.code, facts=told.facts)
    except (OperationalError, InterfaceError):
        session().invalidate()
        return problem_page(UNAVAILABLE, code="log_unavailable", facts={"retry_after": 5})
    response.status_code = status
    if "retry_after" in failure.facts:
        response.headers["Retry-After"] = str(failure.facts["retry_after"])
    return response


def problem_page(status: int, *, code: str, facts: Mapping[str, object] | None = None) -> Response:
    """Make the page of PAGES.md 3.21: the sentence of the refusal, what was kept, one next step, the request's reference."""
    facts = facts or {}
    wait = facts.get("retry_after")
    keeps = status in {FORBIDDEN, NOT_FOUND, CONFLICT, INCOMPLETE, UNAVAILABLE} and request.method == "POST"
    page = make_response(
        render_template(
            "problem.html",
            status=status,
            code=code,
            sentence=_sentence(code),
            facts=facts,
            wait=wait,
            typed=typed_texts() if keeps else [],
            carried=carried_fields() if keeps and status == UNAVAILABLE else [],
            next_url=_next_step(status),
            reference=request_id(),
            is_refusal=_leaves_entry(status),
        ),
        status,
    )
    if wait:
        page.headers["Retry-After"] = str(wait)
    return page


def _leaves_entry(status: int) -> bool:
    admission = admission_of(request.endpoint)
    return status in REFUSED and admission is not None and admission.kind == CONTENT and acts.entry_number() is not None


def _sentence(code: str) -> str:
    refusals = protocol.current().codelist("refusals")
    if code not in refusals:
        return ""
    return protocol.current().label("refusals", code, language())


def _next_step(status: int) -> str:
    if request.method in SAFE_METHODS:
        return here() if status == UNAVAILABLE else "/"
    host = request.host_url.rstrip("/")
    came_from = (request.referrer or "").removeprefix(host)
    return own_path(came_from, "/") if came_from != request.referrer else "/"
