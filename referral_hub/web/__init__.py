"""The web front: pages made on the server that work without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.web import (
    account,
    agency,
    amiss,
    asking_again,
    case_acts,
    cases,
    catalog,
    checking,
    consents,
    correcting,
    directory,
    enrolment,
    files,
    findings,
    frame,
    help,  # noqa: A004 - the page's own name
    home,
    leaving,
    members,
    offers,
    proofs,
    receipts,
    recipients,
    referral_acts,
    second_signer,
    sign_in,
    style,
    subject,
    tasks,
    without,
)

if TYPE_CHECKING:
    from flask import Flask

BLUEPRINTS = dict.fromkeys((home.bp, sign_in.bp, leaving.bp, help.bp, style.bp, enrolment.bp, members.bp, agency.bp, account.bp, cases.bp, case_acts.bp, checking.bp, consents.bp, asking_again.bp, second_signer.bp, without.bp, tasks.bp, referral_acts.bp, correcting.bp, findings.bp, subject.bp, directory.bp, proofs.bp, receipts.bp, recipients.bp, offers.bp))


def install(app: Flask) -> None:
    """Put the pages, their words and their frame into `app`."""
    catalog.install(app)
    frame.install(app)
    amiss.install(app)
    files.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
