"""The policy files themselves: they fit the schema, every verb is permitted somewhere, every rule is explained, refusals exist."""

import re

import pytest
import yaml

from referral_hub.access import Verb, policies, roles, validate
from referral_hub.settings import ROOT
from tests.access.people import actor, clock, met, operator

POLICY_TEXT, SCHEMA_TEXT = policies.texts()


def codes(name, key="items"):
    return {item["code"] for item in yaml.safe_load((ROOT / "config" / "protocol" / f"{name}.yaml").read_text())[key]}


def test_nothing_is_amiss():
    assert validate.findings() == []
    assert validate.main() == 0


def test_a_rule_that_does_not_fit_the_schema_is_found():
    wrong = POLICY_TEXT + '\n@id("wrong") permit (principal, action, resource) when { principal.name == "Wulan" };'
    assert any("name" in line for line in policies.problems(wrong, SCHEMA_TEXT))


@pytest.mark.parametrize(
    "rule",
    [
        "permit (principal, action, resource);",
        '@id("a") forbid (principal, action, resource);',
        '@id("a") @refusal("not_found") permit (principal, action, resource);',
    ],
)
def test_a_rule_without_its_id_or_refusal_is_not_accepted(rule):
    with pytest.raises(ValueError, match=r"\{"):
        policies.parse(rule, SCHEMA_TEXT)


def test_the_validator_names_rules_without_explanation(monkeypatch, tmp_path):
    for file in policies.POLICY_FOLDER.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    readme = tmp_path / "README.md"
    readme.write_text(readme.read_text().replace("| `granted-read` |", "| `granted-reed` |"))
    monkeypatch.setattr(policies, "POLICY_FOLDER", tmp_path)
    found = "\n".join(validate.findings())
    assert "granted-read" in found
    assert "granted-reed" in found
    assert validate.main() == 1


def test_every_verb_is_a_code_of_the_log_and_every_agreed_act_a_verb():
    assert set(Verb) <= codes("audit_events")
    assert set(roles.table().able_by) <= set(Verb)
    assert {f"referral.{event}" for event in codes("lifecycle", "events")} <= set(Verb)


def test_schema_and_verbs_name_the_same_acts():
    assert set(re.findall(r'"([a-z_]+\.[a-z_]+)"', SCHEMA_TEXT)) == set(Verb)


def test_every_refusal_is_agreed():
    assert {rule.refusal for rule in policies.current().rules if rule.forbids} <= codes("refusals")


def test_every_verb_has_a_permit_rule_that_somebody_meets():
    everybody = (actor(*roles.table().roles, agency_kind="network"), clock(), operator())
    done = {act for who in everybody for act, _ in met(who)}
    assert set(Verb) - done == set()


def test_the_digest_follows_every_change_of_a_rule():
    digest = policies.current().digest
    assert policies.parse(POLICY_TEXT + "\n// a word", SCHEMA_TEXT).digest != digest
    assert policies.parse(POLICY_TEXT, SCHEMA_TEXT).digest == digest


def test_the_policies_are_read_once():
    assert policies.current() is policies.current()


def test_every_role_names_abilities_that_the_file_has(tmp_path):
    text = roles.ROLES_FILE.read_text().replace("can: [ack, meta_only]", "can: [ack, meta_lonely]", 1)
    broken = tmp_path / "agency_roles.yaml"
    broken.write_text(text)
    with pytest.raises(KeyError, match="meta_lonely"):
        roles.table.__wrapped__(broken)


def test_roles_for_a_kind_are_its_own_and_those_of_any():
    given = [role.code for role in roles.roles_for("legal", case_data=True)]
    assert given == ["lawyer", "paralegal", "agency_admin", "agency_head", "data_protection_officer"]
    assert [role.code for role in roles.roles_for("oversight", case_data=False)] == [
        "agency_admin",
        "agency_head",
        "data_protection_officer",
        "policy_analyst",
    ]


def test_a_role_that_holds_no_case_data_holds_no_key():
    for role in roles.table().roles.values():
        assert not (role.no_case_data and role.holds_key), role.code
        assert roles.gives_key({role.code}) is role.holds_key
