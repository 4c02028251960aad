"""The auditors' commands: a question by number, and the log for a SIEM."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.test_operations import agency, begin, run

__all__ = ["run"]


@pytest.fixture
def network(run):
    begin(run)
    assert agency(run).exit_code == 0
    return run


def rows(result):
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_a_question_by_number(network):
    found = rows(network("audit", "ask", "10"))
    assert [row["action"] for row in found] == ["member.invite", "agency.create", "member.invite", "agency.create"]  # newest first
    assert all(row["entry"].isdigit() for row in found)


def test_asking_is_recorded_and_asked_about(network):
    network("audit", "ask", "5")
    found = rows(network("audit", "ask", "33"))
    assert [(row["action"], row["sections"]) for row in found] == [("audit.ask", "question.5")]


def test_json_lines(network):
    found = network("audit", "ask", "10", "--json")
    assert all("entry" in json.loads(line) for line in found.stdout.splitlines())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["11"], "not_found"), (["1"], "referral"), (["1", "--referral", "RJ-AAAA-AAAA"], "not_known"), (["3", "--member", "klinik-uji/PS-99"], "not_known"),
        (["5", "--since", "yesterday"], "malformed"), (["5", "--since", "2020-01-01", "--until", "2026-01-01"], "out_of_range"),
    ],
)  # fmt: skip
def test_what_is_amiss_is_said_in_a_line(network, words, said):
    refused = network("audit", "ask", *words)
    assert refused.exit_code != 0
    assert said in refused.output
    assert "Traceback" not in refused.output


def test_siem_by_cursor(network):
    first = network("audit", "siem", "--format", "rfc5424", "--most", "2")
    assert first.exit_code == 0, first.output
    assert len(first.stdout.splitlines()) == 2
    assert "next: --after 1" in first.stderr
    rest = network("audit", "siem", "--after", "1")
    assert json.loads(rest.stdout.splitlines()[0])["metadata"]["sequence"] == 2
