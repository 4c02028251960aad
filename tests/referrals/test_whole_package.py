"""Through the real sending: the recipient opens everything it can, and no field leaves that matrix, consent and a written reason do not all allow.

What is allowed is worked out here from the lists as they are written, not by the program's own rules.
"""

import dataclasses
from functools import cache

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors, protocol
from referral_hub.consent import rules as consents
from referral_hub.db import transact
from referral_hub.referrals import drafts
from referral_hub.referrals.firing import Act
from referral_hub.vault import parts
from referral_hub.vault.grants import ObjectKind
from referral_hub.vault.plain import Plain
from tests.house.source import ROOT
from tests.referrals.story import DAY, HOUR

RECIPIENTS = {
    "legal": ("legal_consult", "lawyer"), "health": ("medical_exam", "doctor"), "police": ("police_report", "police_investigator"),
    "reintegration": ("life_skills", "reintegration_officer"), "social_services": ("outreach", "social_worker"),
}  # fmt: skip
FACTS = {  # what shows the conditional fields, and what a sending reads; every other field of the file holds its own name
    "profile": {"is_child": False, "with_children": True, "age_band": "25_44", "sex": "P", "access_needs": ["none"], "languages": ["su"]},
    "incident": {"violence_types": ["trafficking"]}, "medical": {"pregnant": "yes"}, "safe_contact": {"contact_allowed": True, "must_not_know": "majikan"},
    "safety": {"blocked_people": "majikan", "blocked_agencies": [], "blocked_kinds": []},
}  # fmt: skip


@cache
def read(name):
    return yaml.safe_load((ROOT / "config" / "protocol" / f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def form():
    """Every field of the form as it is written: "section.field" → its entry."""
    return {f"{section['code']}.{field['code']}": field for section in read("sections")["items"] for field in section["fields"]}


FILE = [name for name in sorted(form()) if protocol.current().section(name.partition(".")[0]).written_for == "case"]
SECTIONS = sorted({name.partition(".")[0] for name in FILE})
ALWAYS = set(read("consent_rules")["limits"]["sections_always"])


def share(rows, section, code):
    held = rows.get(section, {"level": "none"})
    return held["level"] == "full" or (held["level"] == "summary" and code in held["fields"])


@cache
def is_tickable(kind, service, name):
    """Whether any sending to this kind for this service may hold the field, with every reason and every consent."""
    ever = next(one["sections_ever"] for one in read("agency_kinds")["items"] if one["code"] == kind)
    return name.partition(".")[0] in ever and (not form()[name].get("never_default") or service in form()[name].get("only_for_services", ()))


@cache
def is_usual(kind, service, name):
    section, _, code = name.partition(".")
    caps = read("section_matrix")["service_caps"]
    within = share(caps[service], section, code) if service in caps else True
    return within and share(read("section_matrix")["matrix"][kind], section, code) and is_tickable(kind, service, name)


@cache
def is_shared_in_part(kind, service, section):
    return any(is_usual(kind, service, name) for name in form() if name.partition(".")[0] == section)


@dataclasses.dataclass(frozen=True)
class Asked:
    """One sending: to whom, what was ticked, why, and what the survivor agreed to. `past_the_page`: the choice is sealed without being checked."""

    kind: str
    ticked: frozenset
    reason: str
    agreed: frozenset
    named: frozenset
    excluded: frozenset
    contact: bool
    past_the_page: bool

    @property
    def service(self):
        return RECIPIENTS[self.kind][0]

    def allows(self, name):
        section = name.partition(".")[0]
        usual, said = is_usual(self.kind, self.service, name), any(map(str.isalnum, self.reason))
        by_rule = usual or (said and section != "consent" and is_tickable(self.kind, self.service, name))
        unnamed = (not usual and is_shared_in_part(self.kind, self.service, section)) or form()[name].get("never_default")
        by_her = section in self.agreed | ALWAYS and name not in self.excluded and (self.contact or name not in read("section_matrix")["contact_off"])
        return by_rule and by_her and (name in self.named or not unnamed)


@st.composite
def askings(draw):
    """Mostly what a worker would ask, spoiled in one place or another: so that much is sent and much is refused."""
    kind = draw(st.sampled_from(sorted(RECIPIENTS)))
    service = RECIPIENTS[kind][0]
    usual = [name for name in FILE if is_usual(kind, service, name)]
    more = [name for name in FILE if is_tickable(kind, service, name) and name not in usual]
    few = lambda names, most: st.frozensets(st.sampled_from(names), max_size=most) if names else st.just(frozenset())  # noqa: E731
    ticked = draw(few(usual, 12)) | draw(st.just(frozenset()) | few(more, 4))
    if draw(st.integers(0, 4)) == 0:
        ticked |= draw(few(FILE, 2))
    sections = {name.partition(".")[0] for name in ticked}
    agreed = frozenset(sections | draw(few(SECTIONS, 3))) - (draw(few(sorted(sections), 2)) if draw(st.integers(0, 3)) == 0 else frozenset())
    named = ticked if draw(st.booleans()) else draw(few(sorted(ticked) or FILE, 3))
    return Asked(
        kind, ticked, draw(st.sampled_from(["Diperlukan.", "Diperlukan.", "Diperlukan.", "", " – "])), agreed, frozenset(n for n in named if n.partition(".")[0] in agreed | ALWAYS),
        draw(st.just(frozenset()) | few(sorted(ticked) or FILE, 2)), draw(st.booleans()), draw(st.booleans()),
    )  # fmt: skip


def whole_file(story):
    """A survivor's file in which every field holds something."""
    case = story.open_file()
    contents = {}
    for name in FILE:
        section, _, code = name.partition(".")
        contents.setdefault(section, {})[code] = FACTS.get(section, {}).get(code, name)
    sealed = {section: Plain.of(values) for section, values in contents.items()}
    transact(story.session, lambda s: parts.seal_parts(
        s, keys=story.sari.keys, agency_id=story.uptd.id, object_kind=ObjectKind.CASE, object_id=case.id, contents=sealed, now=story.clock,
    ))  # fmt: skip
    return case


def by_section(names):
    found = {}
    for name in sorted(names):
        found.setdefault(name.partition(".")[0], []).append(name.partition(".")[2])
    return found


def agree(story, asked):
    """The survivor agrees to just these sections, hears these fields by name, keeps back those."""
    plain = story.giving(sections=sorted({*ALWAYS, *asked.agreed}), excluded=tuple(sorted(asked.excluded)), contact=asked.contact)
    shown = dataclasses.replace(plain.shown, further=tuple(sorted(asked.named)))
    giving = dataclasses.replace(plain, shown=shown, further=shown.further, text_shown=consents.wording(shown).shown)
    story.at(story.sari).on("give_consent", giving=giving)


def choose(story, asked, house):
    """Tick on the page; or lay the choice into the draft as if the page had let it through."""
    if not asked.past_the_page:
        story.at(story.sari).on("edit_draft", choice=by_section(asked.ticked), reason=asked.reason)
        return
    usual = frozenset(name for name in asked.ticked if is_usual(asked.kind, asked.service, name))
    content = {"agency": str(house.id), "service": asked.service, "fields": by_section(usual), "further": by_section(asked.ticked - usual), "reason": asked.reason}
    act = Act(story.sari.actor, story.sari.keys, story.clock)
    transact(story.session, lambda s: drafts.seal_at(s, act, agency_id=story.uptd.id, object_id=story.id, contents={drafts.CHOICE: content}))


def received(story, person):
    """Every field that the recipient's keys open, section by section, after acceptance."""
    story.at(person, HOUR).on("open_preview")
    story.at(person, 2 * HOUR).on("accept", handler=person.id, first_contact_by=story.clock + DAY)
    desk, opened = story.at(person, 3 * HOUR), {}
    granted = story.entries(limit=3)[0].sections
    for section in sorted(granted, key=lambda code: code != "safe_contact"):
        found = desk.section(section)
        opened |= {f"{section}.{code}": found.fields.get(code) for code in {*found.fields, *found.masked, *found.withheld}}
    return opened


def test_no_field_leaves_that_matrix_consent_and_reason_do_not_all_allow(story, network):
    case = whole_file(story)
    houses = {}
    for kind, (service, role) in RECIPIENTS.items():
        houses[kind] = network.agency(f"kotak-{kind}", kind)
        network.offer(houses[kind], service)
        network.member(houses[kind], role)
    reached = {"sent": 0, "more than usual": 0, "refused": 0, "kept back": 0}

    @settings(max_examples=60)
    @given(asked=askings())
    def holds(asked):
        house = houses[asked.kind]
        story.draft(case=case, service=asked.service, to=house)
        agree(story, asked)
        try:
            choose(story, asked, house)
            story.send(recipient_code=house.code, looked_at=[*FILE, *(n for n in form() if n.startswith(("needs.", "meta.")))])
        except (errors.RuleBroken, errors.InputInvalid) as refusal:
            if refusal.code not in {"beyond_matrix", "consent_scope"}:
                raise
            reached["refused"] += 1
            assert not all(asked.allows(name) for name in asked.ticked if name not in asked.excluded)
            return
        opened = received(story, house.people[0])
        of_file = {name: value for name, value in opened.items() if name in FILE}
        assert {name for name in of_file if not asked.allows(name)} == set()
        shown = {name for name in of_file if name.partition(".")[0] not in ALWAYS}
        assert shown <= asked.ticked
        assert {name for name in asked.ticked if asked.allows(name) and "show_if" not in form()[name]} - set(of_file) == set()
        reached["sent"] += 1
        reached["more than usual"] += any(not is_usual(asked.kind, asked.service, name) for name in of_file)
        reached["kept back"] += bool(asked.ticked - set(of_file))

    holds()
    assert min(reached.values()) >= 3, reached

