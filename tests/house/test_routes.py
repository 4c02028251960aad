"""Law 1: every route stands in exactly one of three lists (DECISIONS 14); law 2: what a route declares, some rule permits."""

from __future__ import annotations

import ast

import pytest

from referral_hub.access import Verb, roles
from referral_hub.gate.admits import CONTENT, PUBLIC, SIGNED_IN, routes_by_admission
from tests.access.people import actor, clock, met, operator
from tests.house.source import modules
from tests.house.watch import verbs_of

# Without a member: signing in, setting up an account, help, leaving, style, hashes of the log, and what a machine asks. Nothing of a case is near.
OPEN_TO_ALL = {
    "enrolment.confirm", "enrolment.passphrase", "enrolment.second_factor", "enrolment.step", "enrolment.terms", "gate.healthz", "gate.metrics",
    "gate.readyz", "help.language", "help.show", "home.show", "leaving.quick_exit", "proofs.checkpoint", "proofs.consistency",
    "proofs.cosignature", "proofs.proof", "proofs.steady_checkpoint", "proofs.tile", "sign_in.begin", "sign_in.finish", "sign_in.first",
    "sign_in.second", "style.file",
}  # fmt: skip
# For members, without content: forms that are empty, the own account, the directory, members and agencies as accounts, a draft's task list.
NO_CONTENT = {
    "account.passphrase_form", "account.show", "agency.create_form", "agency.invite_form", "agency.key", "agency.key_code", "agency.one", "asking_again.ask",
    "agency.renew_form", "agency.show", "directory.search", "directory.show", "drafts.tasks", "enrolment.wait", "log.new_finding", "log.proofs", "log.question_form", "members.everyone",
    "members.invite_form", "members.one", "offers.form", "offers.show", "receipts.newest", "receipts.one", "sign_in.again",
    "subject.look_up", "without.form",
}  # fmt: skip


@pytest.fixture
def lists(app):
    return routes_by_admission(app)


def test_every_route_stands_in_exactly_one_list(app, lists):
    everything = [endpoint for endpoints in lists.values() for endpoint in endpoints]
    assert sorted(everything) == sorted(app.view_functions)
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(everything)


def test_what_is_public_or_without_content_was_put_there_on_purpose(lists):
    assert set(lists[PUBLIC]) == OPEN_TO_ALL
    assert set(lists[SIGNED_IN]) == NO_CONTENT


def test_every_content_route_declares_its_verbs(app, lists):
    for endpoint in lists[CONTENT]:
        verbs = verbs_of(app, endpoint)
        assert verbs, endpoint
        assert verbs <= set(Verb), endpoint


def test_what_changes_something_is_never_without_an_entry(app, lists):
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in rule.methods}
    assert changing <= set(lists[CONTENT]) | OPEN_TO_ALL
    assert not changing & set(lists[SIGNED_IN])


def test_a_route_answers_one_method(app):
    """A page is read or an act is done; no address does both by accident of a method nobody thought of."""
    for rule in app.url_map.iter_rules():
        assert rule.methods - {"HEAD", "OPTIONS"} in ({"GET"}, {"POST"}), rule


def test_every_declared_verb_is_permitted_by_a_rule_that_somebody_meets(app, lists):
    everybody = (actor(*roles.table().roles, agency_kind="network"), clock(), operator())
    permitted = {act for who in everybody for act, _ in met(who)}
    declared = {verb for endpoint in lists[CONTENT] for verb in verbs_of(app, endpoint)}
    assert declared <= permitted


def test_a_view_tries_only_verbs_that_a_route_declares():
    """`acting(Verb.X)` names the entry of a refusal; it must be a verb that some route of the front declares."""
    declared, tried = (
        {verb for m in modules() if m.room == "web" for node in ast.walk(m.tree) for verb in _verbs(node, name)} for name in ("admits", "acting")
    )
    assert tried
    assert tried <= declared


def _verbs(node, function):
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == function:
        inner = [n for argument in node.args for n in ast.walk(argument) if isinstance(n, ast.Attribute)]
        yield from (n.attr for n in inner if getattr(n.value, "id", "") == "Verb")
