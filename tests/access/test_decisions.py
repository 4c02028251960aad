"""Single decisions: what nothing can undo, which refusal is answered, and what a missing fact does."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.access import Actor, Target, Verb, abilities, acts_allowed, decide, decide_many, outside_cases, policies, require, roles
from referral_hub.access.decisions import _attributes, _Who
from referral_hub.access.policies import Question
from tests.access.people import RELATIONS, actor, clock, home, incoming, met, operator, target

LAWYER, NURSE, WORKER, LEAD = (actor(code) for code in ("lawyer", "nurse", "social_worker", "case_lead"))
FULL_OPENINGS = [
    Verb.SECTION_READ,
    Verb.SECTION_SAFE_CONTACT_READ,
    Verb.FIELD_REVEAL,
    Verb.ATTACHMENT_LIST,
    Verb.ATTACHMENT_READ,
    Verb.CASE_COPY_SECTIONS,
]


def reason(who, verb, what):
    decision = decide(who, verb, what)
    assert not decision.allowed
    return decision.reason


def test_an_allowed_act_names_its_rule_and_the_policies():
    decision = decide(LAWYER, Verb.REFERRAL_ACCEPT, incoming(grant="preview", state="received"))
    assert (decision.allowed, decision.rule_ids, decision.reason) == (True, ("recipient-answers",), "")
    assert decision.policy_digest == policies.current().digest


@pytest.mark.parametrize("verb", FULL_OPENINGS)
def test_the_handler_opens_what_was_granted_and_is_covered(verb):
    assert decide(LAWYER, verb, incoming()).allowed
    assert decide(LAWYER, verb, incoming(grant="read_only", state="completed", consent="not_needed")).allowed


@pytest.mark.parametrize("verb", FULL_OPENINGS)
@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"grant": "preview"}, "section_not_granted"),
        ({"grant": "none"}, "section_not_granted"),
        ({"grant": "something new"}, "section_not_granted"),
        ({"grant": "suspended"}, "access_suspended"),
        ({"grant": "suspended", "consent": "ended"}, "access_suspended"),
        ({"grant": "revoked"}, "access_ended"),
        ({"grant": "revoked", "consent": "withdrawn"}, "access_ended"),
        ({"consent": "lacks"}, "consent_scope"),
        ({"consent": "ended"}, "consent_expired"),
        ({"consent": "withdrawn"}, "no_consent"),
        ({"consent": "something new"}, "no_consent"),
        ({"conflict": True}, "conflict_of_interest"),
        ({"conflict": True, "grant": "revoked"}, "conflict_of_interest"),
    ],
)
def test_a_recipient_opens_nothing_without_grant_and_consent(verb, facts, refusal):
    assert reason(LAWYER, verb, incoming(**facts)) == refusal


def test_before_acceptance_only_the_preview_and_the_messages_open():
    offered = incoming(grant="preview", state="received")
    opened = {verb for verb in Verb if decide(LAWYER, verb, offered).allowed} & {
        *FULL_OPENINGS,
        Verb.REFERRAL_PREVIEW_READ,
        Verb.MESSAGE_READ,
    }
    assert opened == {Verb.REFERRAL_PREVIEW_READ, Verb.MESSAGE_READ}
    for consent in ("lacks", "ended", "withdrawn"):
        assert not decide(LAWYER, Verb.REFERRAL_PREVIEW_READ, replace(offered, consent=consent)).allowed


EVERYTHING = actor(*roles.table().roles, agency_kind="network")


def test_a_conflict_closes_every_verb_to_every_role_in_every_relation():
    assert met(EVERYTHING)
    assert met(EVERYTHING, places={place: replace(one, conflict=True) for place, one in RELATIONS.items()}) == set()
    assert {reason(EVERYTHING, verb, incoming(conflict=True)) for verb in Verb} == {"conflict_of_interest"}


@pytest.mark.parametrize("strength", ["none", "pending", "", "half"])
def test_an_incomplete_session_does_nothing_but_sign_in_and_out(strength):
    halfway = replace(EVERYTHING, strength=strength)
    assert {act for act, _ in met(halfway)} == {"session.sign_in", "session.sign_out", "member.enrol"}
    assert reason(halfway, Verb.SECTION_READ, incoming()) == "not_signed_in"


@pytest.mark.parametrize(
    ("state", "may"),
    [
        ("suspended", set()),
        ("disabled", set()),
        ("unheard of", set()),
        ("invited", {"member.enrol"}),
        (
            "enrolled",
            {
                "session.sign_in", "session.sign_out", "session.end", "session.reauth", "account.passphrase_change", "account.second_factor_change",
                "account.terms_accept", "account.settings", "member.enrol", "key.found", "key.recovery_print", "key.recovery_use",
            },
        ),
    ],
)  # fmt: skip
def test_only_active_members_act(state, may):
    assert {act for act, _ in met(replace(EVERYTHING, state=state))} == may


def test_an_actor_of_no_known_kind_is_held_to_what_members_are_held_to():
    assert reason(actor("lawyer", kind="robot", state="invited"), Verb.SECTION_READ, incoming()) == "not_signed_in"
    assert not decide(actor("lawyer", kind="robot"), Verb.SECTION_READ, incoming()).allowed


def test_clock_and_operator_have_their_own_acts_and_no_roles():
    assert decide(clock(), Verb.REFERRAL_EXPIRE, target()).rule_ids == ("clock-acts",)
    assert decide(operator(), Verb.AGENCY_CREATE, RELATIONS["other_agency"]).rule_ids == ("operator-acts",)
    posing = replace(clock(), roles=frozenset({"lawyer", "case_lead"}))
    assert met(posing, FULL_OPENINGS) | met(operator(), FULL_OPENINGS) == set()
    assert not decide(operator(), Verb.REFERRAL_EXPIRE, target()).allowed
    assert not decide(LEAD, Verb.SYSTEM_RESTORE, RELATIONS["own_agency"]).allowed


def test_a_supervisor_never_approves_what_he_submitted():
    chief = actor("police_head")
    assert decide(chief, Verb.REFERRAL_SEND, home(assigned=False, state="draft")).rule_ids == ("supervisor-acts",)
    assert reason(chief, Verb.REFERRAL_SEND, home(assigned=False, state="draft", is_self=True)) == "second_signer_needed"


def test_the_other_sides_events_and_the_missing_assignment_have_their_own_refusals():
    assert reason(LAWYER, Verb.REFERRAL_ACCEPT, home()) == "wrong_side"
    assert reason(WORKER, Verb.REFERRAL_SEND, incoming(grant="preview")) == "wrong_side"
    assert reason(WORKER, Verb.REFERRAL_SEND, home(assigned=False)) == "not_found"
    assert reason(LAWYER, Verb.REFERRAL_COMPLETE, incoming(handled=False)) == "wrong_side"
    assert reason(actor("registrar"), Verb.REFERRAL_ACCEPT, incoming(grant="preview")) == "role_lacks_ability"
    assert reason(actor("agency_admin"), Verb.MEMBER_SUSPEND, RELATIONS["member_elsewhere"]) == "not_found"


def test_nothing_is_sent_to_the_blocked_or_the_inactive():
    for verb in (Verb.REFERRAL_SEND, Verb.REFERRAL_SUPPLY_SECTIONS, Verb.REFERRAL_RENEW_BASIS):
        assert decide(WORKER, verb, home()).allowed
        assert reason(WORKER, verb, home(blocked=True)) == "blocked_by_survivor"
        assert reason(WORKER, verb, home(agency_active=False)) == "guard_failed"


def test_admitting_needs_the_key_another_person_and_a_fresh_sign_in():
    newcomer = outside_cases("member", same_agency=True)
    assert decide(NURSE, Verb.KEY_ADMIT, newcomer).allowed
    assert reason(NURSE, Verb.KEY_ADMIT, replace(newcomer, is_self=True)) == "second_signer_needed"
    assert reason(NURSE, Verb.KEY_ADMIT, replace(newcomer, invited_by_actor=True)) == "second_signer_needed"
    assert reason(replace(NURSE, strength="full"), Verb.KEY_ADMIT, newcomer) == "reauth_needed"
    assert not decide(replace(NURSE, holds_key=False), Verb.KEY_ADMIT, newcomer).allowed


def test_the_identity_in_a_protected_case_asks_to_sign_in_again():
    identity = home(kind="case", protected=True, sections=frozenset({"identity"}))
    assert decide(WORKER, Verb.CASE_READ, identity).allowed
    assert reason(replace(WORKER, strength="full"), Verb.CASE_READ, identity) == "reauth_needed"
    assert decide(replace(WORKER, strength="full"), Verb.CASE_READ, replace(identity, protected=False)).allowed
    assert decide(replace(WORKER, strength="full"), Verb.CASE_READ, replace(identity, sections=frozenset({"profile"}))).allowed


def test_the_log_is_whole_for_the_network_auditor_and_the_own_agencys_for_the_officer():
    auditor, officer = actor("network_auditor"), actor("data_protection_officer")
    whole, own = RELATIONS["whole_log"], RELATIONS["own_log"]
    assert decide(auditor, Verb.AUDIT_READ, whole).rule_ids == ("log-of-the-network",)
    assert decide(officer, Verb.AUDIT_READ, own).rule_ids == ("log-of-own-agency",)
    assert reason(officer, Verb.AUDIT_READ, whole) == "not_found"
    assert reason(actor("data_protection_officer", agency_kind="network"), Verb.AUDIT_READ, whole) == "not_found"
    assert reason(actor("network_admin"), Verb.AUDIT_READ, whole) == "role_lacks_ability"


def test_the_administrator_of_the_network_agency_keeps_only_that_agency():
    chief = actor("agency_admin", agency_kind="network")
    assert decide(chief, Verb.AGENCY_CHANGE, RELATIONS["own_agency"]).allowed
    assert reason(chief, Verb.AGENCY_CHANGE, RELATIONS["other_agency"]) == "not_found"


def test_a_content_role_beside_an_office_opens_by_the_content_role():
    both = actor("agency_head", "lawyer")
    assert decide(both, Verb.SECTION_READ, incoming()).rule_ids == ("granted-read",)
    assert not decide(actor("agency_head"), Verb.SECTION_READ, incoming()).allowed


def test_carers_read_alerts_and_nothing_mixed_with_them():
    carer = actor("caregiver")
    for sections, may in (({"safety"}, True), ({"safety", "medical"}, True), ({"safety", "chronology"}, False), (set(), False)):
        assert decide(carer, Verb.SECTION_READ, incoming(sections=frozenset(sections))).allowed is may


def test_a_forensic_doctor_stays_within_medico_legal_requests():
    doctor = actor("forensic")
    for verb in (Verb.SECTION_READ, Verb.FIELD_REVEAL, Verb.DOCUMENT_PRINT, Verb.CASE_COPY_SECTIONS):
        assert decide(doctor, verb, incoming(service="forensic_ver")).allowed
        assert not decide(doctor, verb, incoming(service="medical_exam")).allowed


def test_saying_i_know_this_person_needs_no_ability_but_to_work_on_it():
    nurse_on_it = incoming(is_self=True)
    assert decide(NURSE, Verb.CASE_CONFLICT_ADD, nurse_on_it).rule_ids == ("own-conflict-declared",)
    assert not decide(NURSE, Verb.CASE_CONFLICT_ADD, replace(nurse_on_it, is_self=False)).allowed
    assert not decide(NURSE, Verb.CASE_CONFLICT_ADD, replace(nurse_on_it, handled=False)).allowed


def test_require_raises_the_refusal_with_the_rules():
    with pytest.raises(errors.NotAllowed) as refused:
        require(LAWYER, Verb.SECTION_READ, incoming(grant="preview"))
    assert (refused.value.code, refused.value.rule_ids) == ("section_not_granted", ("only-the-preview",))
    assert require(LAWYER, Verb.SECTION_READ, incoming()).allowed


def test_a_list_is_decided_row_by_row_in_order():
    rows = [incoming(), incoming(conflict=True), incoming(state="draft"), home(assigned=False)]
    assert [d.allowed for d in decide_many(LAWYER, Verb.REFERRAL_LIST, rows)] == [True, False, False, True]
    assert [d.allowed for d in decide_many(NURSE, Verb.REFERRAL_LIST, rows)] == [True, False, False, False]
    assert decide_many(NURSE, Verb.REFERRAL_LIST, []) == []


def test_facts_of_a_case_must_all_be_stated():
    for kind in ("case", "referral", "section", "consent"):
        with pytest.raises(ValueError, match=kind):
            outside_cases(kind, same_agency=True)


# --- a missing fact -------------------------------------------------------------------------------------------------


def ask(who, verb, what, able_by):
    return policies.current().ask([Question(who, verb, what, {"able_by": able_by})])[0]


@pytest.mark.parametrize("entity", ["actor", "target", "context"])
def test_each_fact_that_is_missing_denies(entity):
    who, what = _Who.of(LAWYER).attributes(), _attributes(incoming())
    context = {"able_by": sorted(roles.able_by("section.read"))}
    asked = {"actor": who, "target": what, "context": context}
    assert policies.current().ask([Question(who, "section.read", what, context)])[0].allowed
    for fact in asked[entity]:
        lacking = {name: {k: v for k, v in facts.items() if (name, k) != (entity, fact)} for name, facts in asked.items()}
        answer = policies.current().ask([Question(lacking["actor"], "section.read", lacking["target"], lacking["context"])])[0]
        assert (answer.allowed, answer.failed) == (False, True), fact


@pytest.mark.parametrize("facts", [{"conflict": "no"}, {"sections": "needs"}, {"grant": None}, {"surprise": True}])
def test_a_fact_of_the_wrong_type_and_one_too_many_deny(facts):
    what = _attributes(incoming()) | facts
    answer = ask(_Who.of(LAWYER).attributes(), "section.read", what, sorted(roles.able_by("section.read")))
    assert (answer.allowed, answer.failed) == (False, True)


def test_a_rule_that_cannot_be_evaluated_denies_although_another_permits():
    """Cedar skips a forbid that reads a fact which is not there, and allows; the program does not."""
    rules = '@id("yes") permit (principal, action, resource);\n@id("no") @refusal("not_found") forbid (principal, action, resource) when { resource.gone };'
    schema = 'entity Actor, Target = { gone?: Bool }; action "section.read" appliesTo { principal: Actor, resource: Target, context: { able_by: Set<String> } };'
    answer = policies.parse(rules, schema).ask([Question({}, "section.read", {}, {"able_by": []})])[0]
    assert (answer.allowed, answer.failed, [rule.id for rule in answer.rules]) == (False, True, ["yes"])


def test_a_failed_evaluation_is_a_refusal_with_a_reason():
    broken = Target(**(vars(incoming()) | {"service": 7}))
    assert reason(LAWYER, Verb.SECTION_READ, broken) == "guard_failed"


# --- properties -----------------------------------------------------------------------------------------------------

ANY_TARGET = st.builds(
    Target,
    kind=st.sampled_from(["case", "referral", "section", "consent", "list", "agency", "member", "log"]),
    side=st.sampled_from(["sender", "recipient", "own", "none"]),
    state=st.sampled_from(["draft", "requested", "accepted", "completed"]),
    grant=st.sampled_from(["none", "preview", "full", "read_only", "suspended", "revoked", "own"]),
    consent=st.sampled_from(["covers", "lacks", "ended", "withdrawn", "not_needed"]),
    sections=st.frozensets(st.sampled_from(["identity", "safety", "medical", "chronology"]), max_size=3),
    service=st.sampled_from(["", "forensic_ver", "mental_health"]),
)
ANY_ACTOR = st.builds(
    lambda held, strength, state, key: actor(*sorted(held), strength=strength, state=state, holds_key=key),
    st.frozensets(st.sampled_from(sorted(roles.table().roles)), min_size=1, max_size=4),
    st.sampled_from(["none", "pending", "full", "fresh"]),
    st.sampled_from(["invited", "enrolled", "active", "suspended"]),
    st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(who=ANY_ACTOR, verb=st.sampled_from(sorted(Verb)), what=ANY_TARGET)
def test_whatever_is_asked_no_permit_passes_what_nothing_can_undo(who, verb, what):
    decision = decide(who, verb, what)
    assert bool(decision.reason) is not decision.allowed
    if decision.allowed:
        assert not what.conflict
        assert who.state == "active" or verb in {v for v in Verb if v.startswith(("session.", "account.", "key."))} | {Verb.MEMBER_ENROL}
        assert who.strength in {"full", "fresh"} or verb in {Verb.SESSION_SIGN_IN, Verb.SESSION_SIGN_OUT, Verb.MEMBER_ENROL}
        if verb in FULL_OPENINGS:
            assert roles.gives_key(who.roles)
            assert what.side != "none"
            assert what.side != "recipient" or (what.grant in {"full", "read_only"} and what.consent in {"covers", "not_needed"})


@settings(max_examples=60, deadline=None)
@given(who=ANY_ACTOR, verb=st.sampled_from(sorted(Verb)), what=ANY_TARGET)
def test_equal_facts_give_equal_answers_whoever_asks(who, verb, what):
    somebody_else = replace(who, member_id=None, agency_id=None, code="PS-77", agency_code="another", session_digest="ff", language="en")
    assert decide(somebody_else, verb, what) == decide(who, verb, what)
    assert not {"member_id", "code", "session_digest"} & set(_Who.of(who).attributes())


def test_abilities_of_several_roles_add_up_and_unknown_roles_add_nothing():
    assert abilities({"registrar", "agency_head"}) == {"ack", "meta_only", "escalations", "counts_only", "sign_protocol"}
    assert abilities({"nobody"}) == frozenset()
    assert acts_allowed({"registrar"}) == {"referral.open_preview", "referral.claim", "referral.list", "referral.preview_read"}


def test_an_actor_is_a_plain_value():
    assert isinstance(LAWYER, Actor)
    with pytest.raises(AttributeError):
        LAWYER.strength = "fresh"
