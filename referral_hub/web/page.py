"""How a view answers: a page, or the address of the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import make_response, redirect, render_template

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.gate.schemas import Problems

SEE_OTHER = 303


def page(template: str, *, title: str | None = None, status: int = 200, problems: Problems | None = None, **values: Any) -> Response:
    """Make a page. Without a `title` it is called "Hub", as every page with opened content is; with `problems` the title says so."""
    return make_response(render_template(template, title=title, problems=problems, **values), status)


def see_other(url: str) -> Response:
    """Answer 303: the browser goes on to `url` by GET, so that reloading repeats nothing."""
    return redirect(url, SEE_OTHER)
