"""What stands before and after every view: the origin rule, who calls, headers, one log line, counts."""

from __future__ import annotations

import hmac
import time
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from flask import Blueprint, Flask, Request, Response, abort, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.audit import queries as log_queries
from referral_hub.audit.whence import attach
from referral_hub.db import transact
from referral_hub.gate.admits import CONTENT, PUBLIC, admission_of, public
from referral_hub.gate.body import check_address, check_form
from referral_hub.gate.caller import signed_in, whence
from referral_hub.gate.headers import add_headers
from referral_hub.gate.house import house, request_id, session
from referral_hub.gate.origin import SAFE_METHODS, is_same_site_request, is_unasked_opening, origin_of
from referral_hub.gate.problems import Unasked
from referral_hub.gate.receipts import add_receipts
from referral_hub.logs import log

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

EXTENSION_COUNTS = "referral_hub.counts"
PLAIN = "text/plain; charset=utf-8"

bp = Blueprint("gate", __name__)


class InMemoryRequest(Request):
    """A request whose parts never rest on a disk: Werkzeug would spool large ones there, in plaintext."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return BytesIO()


class Counts:
    """Requests by endpoint and status, and how long they took. One registry for each process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("hub_requests", "Requests answered", ["endpoint", "status"], registry=self.registry)
        self.seconds = Histogram("hub_request_seconds", "Time to answer", ["endpoint"], registry=self.registry)


def install(app: Flask) -> None:
    """Put the gate before and after every view of `app`."""
    app.request_class = InMemoryRequest
    app.extensions[EXTENSION_COUNTS] = Counts()
    app.before_request(_begin)
    app.after_request(_end)
    app.register_blueprint(bp)


def _begin() -> None:
    g.hub_started = time.perf_counter()
    attach(session(), whence)
    check_address()
    if request.method not in SAFE_METHODS:
        if not is_same_site_request(request.headers, own_origin=origin_of(house().settings.public_url)):
            raise Unasked
        check_form()  # a body that is too large is refused before anything else happens
    admission = admission_of(request.endpoint)
    if admission is None or admission.kind == PUBLIC:
        return
    if admission.kind == CONTENT and request.method in SAFE_METHODS and is_unasked_opening(request.method, request.headers):
        raise Unasked("unasked_opening")
    if signed_in().actor.strength not in {"full", "fresh"}:
        raise errors.NotSignedIn


def _end(response: Response) -> Response:
    endpoint = request.endpoint or "none"
    took = time.perf_counter() - g.get("hub_started", time.perf_counter())
    counts: Counts = _counts()
    counts.requests.labels(endpoint, str(response.status_code)).inc()
    counts.seconds.labels(endpoint).observe(took)
    log.info(
        "request", method=request.method, endpoint=endpoint, status=response.status_code, ms=round(took * 1000, 1), request_id=request_id()
    )  # fmt: skip
    return add_headers(add_receipts(response), secure=house().cookies.secure)


def _counts() -> Counts:
    counts: Counts = current_app.extensions[EXTENSION_COUNTS]
    return counts


@bp.get("/healthz")
@public
def healthz() -> Response:
    """Say that the process answers."""
    return Response("ok\n", content_type=PLAIN)


@bp.get("/readyz")
@public
def readyz() -> Response:
    """Say whether content can be opened: database, head of the log, keys of the hub. One line for each."""
    found = {"database": _answers(_ping), "log": _answers(log_queries.size), "hub_key": _answers(lambda _session: house().hub)}
    lines = "".join(f"{name} {'ok' if fine else 'unavailable'}\n" for name, fine in found.items())
    return Response(lines, status=200 if all(found.values()) else 503, content_type=PLAIN)


def _ping(s: Session) -> None:
    s.execute(text("SELECT 1"))


def _answers(ask: Any) -> bool:
    try:
        transact(session(), ask)
    except errors.HubError:
        return False
    return True


@bp.get("/metrics")
@public
def metrics() -> Response:
    """Return this process's counts to whoever holds the token; to anybody else there is no such page."""
    token = house().settings.metrics_token
    given = request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        abort(404)
    return Response(generate_latest(_counts().registry), content_type="text/plain; version=0.0.4; charset=utf-8")
