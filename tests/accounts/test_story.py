"""Two agencies come from a first invitation to activation, through the actions alone."""

import pytest

from referral_hub import errors
from referral_hub.accounts import actions, queries
from referral_hub.accounts.values import Next, State
from referral_hub.db import transact


def test_two_agencies_from_first_invitation_to_activation(network):
    zaki = network.secretariat()
    aida = network.invited(zaki, zaki.caller().agency, "aida", "network_auditor")
    assert aida.enrol().next is Next.HOME
    for code, kind, roles in (("uptd", "social_services", ("case_lead", "social_worker")), ("lbh", "legal", ("lawyer", "lawyer"))):
        house = network.founded(code, kind, roles)
        dpo = network.invited(house.admin, house.agency, f"bagus{code}", "data_protection_officer")
        with pytest.raises(errors.RuleBroken) as early:
            zaki.act(actions.activate_agency, agency_id=house.agency.id)
        assert early.value.facts["missing"] == ("dpo_named", "confirmed_admin", "confirmed_auditor")
        dpo.enrol()
        zaki.act(actions.confirm_founding, agency_id=house.agency.id, fingerprint=house.made.fingerprint)
        done = aida.act(actions.confirm_founding, agency_id=house.agency.id, fingerprint=house.made.fingerprint.replace(" ", ""))
        assert done.ready
        assert zaki.act(actions.activate_agency, agency_id=house.agency.id).active
        holders = transact(network.session, lambda s, a=house.agency.id: queries.key_holders(s, agency_id=a))
        assert {m.id for m in holders} == {house.lead.id, house.worker.id}
        assert house.lead.caller().agency.active


def test_each_act_leaves_its_one_entry(network):
    house = network.founded("uptd")
    told = [row.action for row in network.entries()]
    enrolled = ["member.invite", "account.terms_accept", "member.enrol"]
    expected = ["agency.create", *enrolled, *enrolled, "key.found", "key.recovery_print", *enrolled, "key.admit"]
    assert told == expected
    assert all(row.outcome == "allow" for row in network.entries())
    admitted = network.entries("key.admit")[0]
    assert (admitted.actor_id, admitted.object_id) == (house.lead.id, house.worker.id)


def test_keyless_members_are_active_at_once_and_key_roles_wait(network):
    agency = network.agency("uptd")
    admin = network.first_administrator(agency)
    assert admin.member.state is State.ACTIVE
    lead = network.invited(admin, agency, "ratna", "case_lead")
    lead.enrol()
    assert lead.member.state is State.WAITING
    assert lead.caller().actor.state == "enrolled"
    with pytest.raises(errors.NotAllowed):
        lead.act(actions.invite, agency_id=agency.id, roles=["social_worker"], name="X", mail="x@uptd.rujukan.test")


def test_only_a_role_that_may_admit_founds(network):
    agency = network.agency("uptd")
    admin = network.first_administrator(agency)
    companion = network.invited(admin, agency, "wulan", "companion")
    assert companion.enrol().next is Next.WAIT
    with pytest.raises(errors.NotAllowed):
        companion.act(actions.found)
    with pytest.raises(errors.NotAllowed):
        admin.act(actions.found)


def test_the_key_is_founded_once(network):
    house = network.founded("uptd")
    second = network.invited(house.admin, house.agency, "yuni", "case_lead")
    assert second.enrol().next is Next.WAIT
    with pytest.raises(errors.RuleBroken, match="already_founded"):
        second.act(actions.found)


def test_the_recovery_code_must_be_typed_back(network):
    agency = network.agency("uptd")
    admin = network.first_administrator(agency)
    lead = network.invited(admin, agency, "ratna", "case_lead")
    lead.enrol()
    made = lead.act(actions.found)
    assert lead.sign_in().next is Next.CONFIRM_RECOVERY
    other = "0000" if not made.recovery_code.endswith("0000") else "1111"
    for typed in (other, "", made.recovery_code):
        with pytest.raises(errors.InputInvalid):
            lead.act(actions.confirm_recovery, last_four=typed)
    lead.act(actions.confirm_recovery, last_four=f" {made.recovery_code[-4:].lower()} ")
    assert lead.sign_in().next is Next.HOME
    printed = transact(network.session, lambda s: queries.latest_print(s, agency_id=agency.id))
    assert printed.confirmed_at is not None
    with pytest.raises(errors.RuleBroken):
        lead.act(actions.confirm_recovery, last_four=made.recovery_code[-4:])


def test_the_end_of_the_code_is_not_kept_after_it_was_typed(network):
    from sqlalchemy import text

    network.founded("uptd")
    assert network.session.scalar(text("SELECT count(*) FROM recovery_print WHERE check_digest IS NOT NULL")) == 0


def test_one_person_confirms_a_founding_once_and_each_role_once(network):
    zaki = network.secretariat()
    house = network.founded("uptd")
    secretariat = zaki.caller().agency
    aida = network.invited(zaki, secretariat, "aida", "network_auditor")
    aida.enrol()
    indra = network.invited(zaki, secretariat, "indra", "network_auditor")
    indra.enrol()
    confirm = {"agency_id": house.agency.id, "fingerprint": house.made.fingerprint}
    wrong = confirm | {"fingerprint": "0" * 24}
    with pytest.raises(errors.InputInvalid):
        aida.act(actions.confirm_founding, **wrong)
    aida.act(actions.confirm_founding, **confirm)
    with pytest.raises(errors.RuleBroken, match="second_signer_needed"):
        aida.act(actions.confirm_founding, **confirm)
    with pytest.raises(errors.RuleBroken, match="wrong_state"):
        indra.act(actions.confirm_founding, **confirm)
    with pytest.raises(errors.NotAllowed):
        house.admin.act(actions.confirm_founding, **confirm)
    items = {
        i.code: i.done for i in transact(network.session, lambda s: queries.checklist(s, hub=network.hub, agency_id=house.agency.id)).items
    }
    assert items["confirmed_auditor"]
    assert not items["confirmed_admin"]


def test_an_agency_without_case_data_needs_no_key(network):
    agency = network.agency("gt", "oversight")
    listed = transact(network.session, lambda s: queries.checklist(s, hub=network.hub, agency_id=agency.id))
    assert agency.active
    assert listed.ready
    assert listed.items == ()
