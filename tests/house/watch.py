"""Every request of a test, watched from outside: which route, which answer, which entries it left in the log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import text

from referral_hub.gate.admits import _MARK

TITLE = re.compile(rb"<title>([^<]*)</title>")


@dataclass(frozen=True)
class Seen:
    """One request and what it left."""

    endpoint: str
    method: str
    path: str
    status: int
    entries: tuple  # (action, outcome, reason)
    title: str = ""

    def __str__(self):
        return f"{self.method} {self.path} ({self.endpoint}) {self.status}: {list(self.entries)}"


class Watch:
    """Stands in front of the application. `seen` holds the requests in their order."""

    def __init__(self, app, engine):
        self.app, self.engine, self.seen = app, engine.execution_options(isolation_level="AUTOCOMMIT"), []
        self._inner = app.wsgi_app
        app.wsgi_app = self

    def __call__(self, environ, start_response):
        status = []

        def answered(line, headers, *more):
            status.append(int(line[:3]))
            return start_response(line, headers, *more)

        before = self.size()
        body = list(self._inner(environ, answered))
        titled = TITLE.search(b"".join(body))
        title = titled.group(1).decode() if titled else ""
        self.seen.append(Seen(self._endpoint(environ), environ["REQUEST_METHOD"], environ["PATH_INFO"], status[0], self.entries(before), title))
        return body

    def _endpoint(self, environ):
        adapter = self.app.url_map.bind_to_environ(environ)
        endpoint, _ = adapter.match()
        return endpoint

    def size(self):
        with self.engine.connect() as connection:
            return connection.scalar(text("SELECT size FROM audit_head"))

    def entries(self, since):
        query = text("SELECT action, outcome, reason FROM audit_entry WHERE idx >= :since ORDER BY idx")
        with self.engine.connect() as connection:
            return tuple(tuple(row) for row in connection.execute(query, {"since": since}))


def verbs_of(app, endpoint):
    """The verbs that a route declares."""
    return {verb.value for verb in getattr(app.view_functions[endpoint], _MARK).verbs}
