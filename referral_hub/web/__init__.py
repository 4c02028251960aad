"""The web front: pages made on the server that work without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.web import account, agency, amiss, catalog, enrolment, frame, help, home, leaving, members, sign_in, style  # noqa: A004

if TYPE_CHECKING:
    from flask import Flask

BLUEPRINTS = (home.bp, sign_in.bp, leaving.bp, help.bp, style.bp, enrolment.bp, members.bp, agency.bp, account.bp)


def install(app: Flask) -> None:
    """Put the pages, their words and their frame into `app`."""
    catalog.install(app)
    frame.install(app)
    amiss.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
