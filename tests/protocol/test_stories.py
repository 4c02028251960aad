"""The six stories of scenarios.yaml, as far as package and lifecycle decide them: every sending, every event, every refusal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml

from referral_hub import errors, protocol
from referral_hub.protocol import package
from referral_hub.protocol.lifecycle import Life, step
from referral_hub.protocol.loader import FOLDER
from referral_hub.protocol.spans import later

BOOK = protocol.current()
STORIES = yaml.safe_load((FOLDER / "scenarios.yaml").read_text("utf-8"))["items"]
KINDS = {agency["code"]: agency["kind"] for agency in yaml.safe_load((FOLDER / "demo_agencies.yaml").read_text("utf-8"))["items"]}
ELSEWHERE = {"role_lacks_ability", "copies_remain", "section_not_granted"}  # decided by policy and by other rooms
GUARD = {guard.refusal: code for code, guard in BOOK.lifecycle.guards.items() if guard.refusal != "guard_failed"}
MET = dict.fromkeys(
    ("basis_stands", "not_blocked", "service_allowed", "two_person_rule", "no_conflict", "not_time_critical", "no_other_basis", "some_basis_left", "basis_over"),
    True,
)


def whole(sections):
    """Content in which every field of the sections is filled and nothing is hidden."""
    content = {name: dict.fromkeys(BOOK.section(name).fields, "x") for name in {*sections, "meta", "profile", "consent"}}
    content["profile"] |= {"is_child": True, "with_children": True}
    return content


FACTS = {"profile": {"is_child": True, "with_children": True}, "incident": {"violence_types": ["trafficking", "sexual.rape"]}, "medical": {"pregnant": "yes"}}


class Story:
    def __init__(self, item):
        self.lives, self.asked, self.consents = {}, {}, {}
        self.start = datetime.fromisoformat(item["start"]).astimezone(UTC)

    def act(self, at, do, side, with_, refused):
        ref, event = with_["ref"], do.removeprefix("referral.")
        if event == "create":
            self.asked[ref] = with_ | {"kind": KINDS[with_["recipient_agency"]]}
            self.lives[ref] = Life(recipient_kind=KINDS[with_["recipient_agency"]])
        guards = MET | ({GUARD[refused]: False} if refused in GUARD else {})
        if event in {"send", "supply_sections"} and refused not in GUARD:
            self.pack(self.asked[ref], with_, supplies=event == "supply_sections")
        inputs = {"case": "c", "first_contact_by": at} | with_ | ({"basis": "consent"} if "basis" in with_ else {})
        self.lives[ref] = step(self.lives[ref], event, side=side, inputs=inputs, guards=guards, now=at)
        return self.lives[ref]

    def pack(self, asked, with_, *, supplies):
        consent = self.consents.get(with_.get("new_basis") or with_["basis"], {"sections": with_["sections"]})
        content = whole(with_["sections"])
        on_top = with_["sections"] if supplies else []
        extra = package.Extra("asked for", {name: frozenset(BOOK.section(name).fields) - sender_only(name) for name in on_top})
        sent = package.filter_package(
            content, kind=asked["kind"], service=asked["service"], consented=consent["sections"], extra=extra if supplies else None, facts=content | FACTS,
        )
        assert set(sent) <= {*with_["sections"], *package.sections_always()}
        assert {*with_["sections"]} <= set(sent) | {"tip", "child_guardian"}
        return sent


def sender_only(section):
    return {code for code, field in BOOK.section(section).fields.items() if field.never_default}


def side_of(story, step_, event):
    agency = step_["by"].split("/")[0]
    with_ = step_.get("with", {})
    recipient = with_.get("recipient_agency") or story.asked[step_["ref"]]["recipient_agency"]
    if agency in {"worker", "clock", "hub"} or "clock" in BOOK.event(event).by:
        return "clock"
    if agency == recipient:
        return "recipient"
    return next(side for side in ("survivor", "sender", "sender_supervisor") if side in BOOK.event(event).by)


@pytest.mark.parametrize("item", STORIES, ids=[item["code"] for item in STORIES])
def test_a_story_runs_as_it_is_told(item):
    story, told = Story(item), 0
    for step_ in item["steps"]:
        do, expect = step_["do"], step_["expect"] or {}
        with_ = dict(step_.get("with") or {}) | {"ref": step_.get("ref")}
        if do.startswith("consent.") and "id" in with_ and "sections" in with_:
            story.consents[with_["id"]] = with_
        event = do.removeprefix("referral.")
        if not do.startswith("referral.") or event not in BOOK.lifecycle.events or expect.get("refused") in ELSEWHERE:
            continue
        at = later(story.start, step_["at"])
        side = side_of(story, step_, event)
        told += 1
        if "refused" in expect:
            before = story.lives[step_["ref"]]
            with pytest.raises(errors.RuleBroken) as broken:
                story.act(at, do, side, with_, expect["refused"])
            assert broken.value.code == expect["refused"], step_
            assert story.lives[step_["ref"]] == before
            continue
        life = story.act(at, do, side, with_, None)
        for name in ("state", "grant"):
            assert name not in expect or getattr(life, name) == expect[name], step_
        assert "flags" not in expect or life.flags == set(expect["flags"]), step_
    assert told > 3
