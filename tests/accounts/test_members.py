"""Inviting, admitting, suspending, leaving, roles and resets: who may do what to whom, and what is left afterwards."""

import json
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.accounts import actions, enrolment, queries
from referral_hub.accounts.values import Next, State, Step
from referral_hub.db import transact
from referral_hub.vault import agency as agency_keys
from referral_hub.vault.member import MemberKey, fingerprint
from tests.accounts.world import OFFICE, OPERATOR, secret_of


def get(network, query, **inputs):
    return transact(network.session, lambda s: query(s, **inputs))


def link(network, person, **more):
    return get(network, enrolment.invitation, token=person.token, now=network.clock.now, **more)


class TestInvitations:
    @pytest.fixture
    def admin(self, network):
        return network.first_administrator(network.agency("uptd"))

    @pytest.fixture
    def dede(self, network, admin):
        return network.invited(admin, admin.caller().agency, "dede", "intake")

    def test_steps_are_resumed(self, network, dede):
        assert link(network, dede).step is Step.TERMS
        transact(network.session, lambda s: enrolment.accept_terms(s, token=dede.token, now=network.clock.now))
        network.clock.pass_(days=2)
        assert link(network, dede).step is Step.PASSPHRASE
        started = enrolment.choose_passphrase(
            network.session, token=dede.token, passphrase=dede.passphrase, source=OFFICE, **network.slow()
        )
        assert link(network, dede, cookie=started.cookie).step is Step.CODE
        assert link(network, dede).step is Step.PASSPHRASE
        network.clock.pass_(minutes=30)
        assert link(network, dede, cookie=started.cookie).step is Step.PASSPHRASE

    def test_terms_come_first(self, network, dede):
        with pytest.raises(errors.RuleBroken):
            enrolment.choose_passphrase(network.session, token=dede.token, passphrase=dede.passphrase, source=OFFICE, **network.slow())

    def test_terms_are_told_once(self, network, dede):
        for _ in range(2):
            transact(network.session, lambda s: enrolment.accept_terms(s, token=dede.token, now=network.clock.now))
        assert len(network.entries("account.terms_accept")) == 2  # the administrator's, and hers

    def test_a_link_is_used_up_unknown_and_expired_alike(self, network, admin, dede):
        euis = network.invited(admin, admin.caller().agency, "euis", "outreach")
        dede.enrol()
        answers = []
        with pytest.raises(errors.NotFound) as used:
            link(network, dede)
        answers.append(repr((used.value, used.value.facts, used.value.reason)))
        with pytest.raises(errors.NotFound) as unknown:
            get(network, enrolment.invitation, token="x", now=network.clock.now)
        answers.append(repr((unknown.value, unknown.value.facts, unknown.value.reason)))
        network.clock.pass_(days=7)
        with pytest.raises(errors.NotFound) as expired:
            link(network, euis)
        answers.append(repr((expired.value, expired.value.facts, expired.value.reason)))
        assert len(set(answers)) == 1

    def test_an_expired_link_ends_a_half_done_enrolment(self, network, dede):
        transact(network.session, lambda s: enrolment.accept_terms(s, token=dede.token, now=network.clock.now))
        network.clock.pass_(days=6, hours=23, minutes=50)
        started = enrolment.choose_passphrase(
            network.session, token=dede.token, passphrase=dede.passphrase, source=OFFICE, **network.slow()
        )
        dede.secret = secret_of(get(network, enrolment.second_factor, hub=network.hub, cookie=started.cookie, now=network.clock.now))
        network.clock.pass_(minutes=10)
        with pytest.raises(errors.NotFound):
            enrolment.confirm(network.session, cookie=started.cookie, code=dede.code(), source=OFFICE, **network.quick())

    def test_two_people_with_one_link_make_one_member(self, network, dede, engine):
        transact(network.session, lambda s: enrolment.accept_terms(s, token=dede.token, now=network.clock.now))
        outcomes, both = [], threading.Barrier(2)

        def enrol(passphrase):
            with Session(engine, expire_on_commit=False) as own:
                both.wait()
                try:
                    started = enrolment.choose_passphrase(own, token=dede.token, passphrase=passphrase, source=OFFICE, **network.slow())
                    both.wait()
                    setup = transact(
                        own, lambda s: enrolment.second_factor(s, hub=network.hub, cookie=started.cookie, now=network.clock.now)
                    )
                    from referral_hub.vault import totp

                    code = totp.code(secret_of(setup), now=network.clock.now)
                    done = enrolment.confirm(own, cookie=started.cookie, code=code, source=OFFICE, **network.quick())
                    outcomes.append(done.member.fingerprint)
                except errors.NotSignedIn as refused:
                    outcomes.append(refused.code)

        threads = [threading.Thread(target=enrol, args=(f"frasa yang lain sekali {n}",)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "not_signed_in" in outcomes
        kept = get(network, queries.member, member_id=dede.id)
        assert kept.fingerprint in outcomes
        assert kept.state is State.WAITING
        assert len(network.entries("member.enrol")) == 2  # the administrator's, and this one

    def test_a_passphrase_like_ones_own_name_or_mail_is_common(self, network, dede):
        transact(network.session, lambda s: enrolment.accept_terms(s, token=dede.token, now=network.clock.now))
        with pytest.raises(errors.InputInvalid) as like:
            enrolment.choose_passphrase(network.session, token=dede.token, passphrase=dede.mail.upper(), source=OFFICE, **network.slow())
        assert like.value.fields == {"passphrase": ("too_common",)}

    def test_five_wrong_first_codes_lead_back_to_the_passphrase(self, network, dede):
        transact(network.session, lambda s: enrolment.accept_terms(s, token=dede.token, now=network.clock.now))
        cookie = enrolment.choose_passphrase(
            network.session, token=dede.token, passphrase=dede.passphrase, source=OFFICE, **network.slow()
        ).cookie
        for _ in range(5):
            with pytest.raises(errors.InputInvalid):
                enrolment.confirm(network.session, cookie=cookie, code="000000", source=OFFICE, **network.quick())
        with pytest.raises(errors.NotSignedIn):
            enrolment.confirm(network.session, cookie=cookie, code="000000", source=OFFICE, **network.quick())
        assert dede.enrol().next is Next.WAIT

    def test_input_is_checked(self, admin):
        agency = admin.caller().agency
        good = {"agency_id": agency.id, "roles": ["intake"], "name": "Dede", "mail": "dede2@uptd.rujukan.test"}
        for field, value, code in (
            ("roles", [], "missing"),
            ("roles", ["lawyer"], "not_for_kind"),
            ("roles", ["network_admin"], "not_for_kind"),
            ("roles", ["nonsense"], "not_for_kind"),
            ("name", "  ", "missing"),
            ("name", "x" * 200, "too_long"),
            ("mail", "no-at-sign", "malformed"),
            ("mail", admin.mail.upper(), "taken"),
            ("code", "01-PS", "malformed"),
            ("code", "al-01", "taken"),
            ("language", "fr", "not_a_code"),
            ("timezone", "Mars/Olympus", "not_a_code"),
        ):
            with pytest.raises(errors.InputInvalid) as wrong:
                admin.act(actions.invite, **(good | {field: value}))
            assert wrong.value.fields == {field: (code,)}, field
        assert admin.act(actions.invite, code="ik-07", **good).member.code == "IK-07"

    def test_codes_are_proposed_by_role(self, network, admin):
        agency = admin.caller().agency
        codes = [
            network.invited(admin, agency, name, role).member.code
            for name, role in (("a1", "social_worker"), ("a2", "social_worker"), ("a3", "companion"))
        ]
        assert codes == ["PS-01", "PS-02", "PP-01"]
        assert get(network, queries.member_by_code, agency_id=agency.id, code="PS-02").code == "PS-02"

    def test_racing_invitations_get_codes_of_their_own(self, network, admin, engine):
        agency, caller = admin.caller().agency, admin.caller()
        made, start = [], threading.Barrier(4)

        def invite(number):
            with Session(engine, expire_on_commit=False) as own:
                start.wait()
                inputs = {"agency_id": agency.id, "roles": ["social_worker"], "name": "X", "mail": f"x{number}@uptd.rujukan.test"}
                work = lambda s: actions.invite(s, actor=caller.actor, keys=caller.keys, now=network.clock.now, **inputs)  # noqa: E731
                made.append(transact(own, work).member.code)

        threads = [threading.Thread(target=invite, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(made) == ["PS-01", "PS-02", "PS-03", "PS-04"]

    def test_an_outsider_invites_only_the_first_administrator(self, network, admin):
        agency = admin.caller().agency
        inputs = {"agency_id": agency.id, "roles": ["agency_admin"], "name": "X", "mail": "x@uptd.rujukan.test"}
        with pytest.raises(errors.RuleBroken):
            network.operator(actions.invite, keys=network.operator_keys, **inputs)
        lbh = network.first_administrator(network.agency("lbh", "legal"))
        with pytest.raises(errors.HubError) as stranger:
            lbh.act(actions.invite, **inputs)
        assert isinstance(stranger.value, errors.NotAllowed | errors.NotFound)

    def test_the_networks_administrator_invites_the_first_one_and_no_more(self, network):
        zaki, agency = network.secretariat(), network.agency("uptd")
        with pytest.raises(errors.InputInvalid) as other:
            network.invited(zaki, agency, "x", "social_worker")
        assert other.value.fields == {"roles": ("administrator_first",)}
        admin = network.invited(zaki, agency, "hendra", "agency_admin")
        admin.enrol()
        with pytest.raises(errors.RuleBroken, match="guard_failed"):
            network.invited(zaki, agency, "y", "agency_admin")
        network.invited(admin, agency, "ratna", "case_lead")

    def test_key_role_and_administrator_need_a_second_person(self, network, admin):
        agency = admin.caller().agency
        with pytest.raises(errors.RuleBroken, match="second_signer_needed"):
            network.invited(admin, agency, "x", "agency_admin", "social_worker")
        assert network.invited(admin, agency, "y", "agency_admin", "agency_head").member.code == "AL-02"


class TestAdmission:
    @pytest.fixture
    def house(self, network):
        return network.founded("uptd")

    @pytest.fixture
    def yuni(self, network, house):
        person = network.invited(house.admin, house.agency, "yuni", "social_worker")
        person.enrol()
        return person

    def test_a_wrong_fingerprint_gives_nothing(self, house, yuni):
        for typed in ("0" * 24, "", "123", house.worker.member.fingerprint, yuni.member.fingerprint[:-1]):
            with pytest.raises(errors.InputInvalid) as wrong:
                house.lead.act(actions.admit, member_id=yuni.id, fingerprint=typed)
            assert wrong.value.fields == {"fingerprint": ("mismatch",)}
        assert not yuni.caller().actor.holds_key
        assert yuni.caller().actor.state == "enrolled"

    def test_the_digits_may_be_typed_as_heard(self, network, house, yuni):
        digits = yuni.member.fingerprint.replace(" ", "")
        typed = "-".join(digits[i : i + 6] for i in range(0, 24, 6))
        assert house.lead.act(actions.admit, member_id=yuni.id, fingerprint=f" {typed} ", version=yuni.member.version).holds_key
        assert yuni.caller().keys.bundle(network.session, house.agency.id).epoch == 1
        with pytest.raises(errors.RuleBroken, match="wrong_state"):
            house.worker.act(actions.admit, member_id=yuni.id, fingerprint=digits)

    def test_the_inviter_cannot_admit(self, house, owner_engine, yuni):
        with owner_engine.begin() as owner:
            owner.execute(text("UPDATE member SET invited_by = :lead WHERE id = :yuni"), {"lead": house.lead.id, "yuni": yuni.id})
        with pytest.raises(errors.NotAllowed) as refused:
            house.lead.act(actions.admit, member_id=yuni.id, fingerprint=yuni.member.fingerprint)
        assert refused.value.code == "second_signer_needed"
        assert house.worker.act(actions.admit, member_id=yuni.id, fingerprint=yuni.member.fingerprint).holds_key

    def test_nobody_admits_himself_nor_without_the_key(self, house, yuni):
        for person in (yuni, house.admin):
            with pytest.raises(errors.NotAllowed):
                person.act(actions.admit, member_id=yuni.id, fingerprint=yuni.member.fingerprint)

    def test_another_agencys_holder_does_not_even_find_the_member(self, network, yuni):
        other = network.founded("lbh", "legal", ("lawyer", "lawyer"))
        with pytest.raises(errors.NotFound):
            other.lead.act(actions.admit, member_id=yuni.id, fingerprint=yuni.member.fingerprint)

    def test_admitting_asks_for_a_fresh_sign_in(self, network, house, yuni):
        network.clock.pass_(minutes=11)
        with pytest.raises(errors.NotAllowed) as stale:
            house.lead.act(actions.admit, member_id=yuni.id, fingerprint=yuni.member.fingerprint)
        assert stale.value.code == "reauth_needed"

    def test_keyless_members_cannot_be_admitted(self, house):
        with pytest.raises(errors.RuleBroken, match="wrong_state"):
            house.lead.act(actions.admit, member_id=house.admin.id, fingerprint=house.admin.member.fingerprint)

    def test_the_database_itself_refuses_a_share_without_a_key_role(self, network, house):
        keys = house.lead.caller().keys
        other = network.founded("lbh", "legal", ("lawyer", "lawyer"))
        for person in (house.admin, other.worker):
            share = {
                "member_id": person.id,
                "public": bytes(MemberKey.generate().public),
                "agency_id": house.agency.id,
                "now": network.clock.now,
            }
            typed = fingerprint(hub_id=network.hub.hub_id, member_id=person.id, public=share["public"])
            with pytest.raises(IntegrityError, match="may hold no share"):
                transact(
                    network.session, lambda s, share=share, typed=typed: agency_keys.admit(s, keys=keys, typed_fingerprint=typed, **share)
                )

    def test_holders_and_handlers(self, network, house, yuni):
        intake = network.invited(house.admin, house.agency, "dede", "intake")
        intake.enrol()
        assert {m.id for m in get(network, queries.to_admit, agency_id=house.agency.id)} == {yuni.id, intake.id}
        house.lead.act(actions.admit, member_id=intake.id, fingerprint=intake.member.fingerprint)
        assert {m.id for m in get(network, queries.key_holders, agency_id=house.agency.id)} == {house.lead.id, house.worker.id, intake.id}
        assert {m.id for m in get(network, queries.may_handle, agency_id=house.agency.id)} == {house.lead.id, house.worker.id}


class TestLeaving:
    @pytest.fixture
    def house(self, network):
        return network.founded("uptd")

    def test_suspending_ends_sessions_at_once(self, network, house):
        member = house.admin.act(
            actions.suspend, member_id=house.worker.id, version=get(network, queries.member, member_id=house.worker.id).version
        )
        assert member.state is State.SUSPENDED
        with pytest.raises(errors.NotSignedIn):
            house.worker.caller()
        with pytest.raises(errors.InputInvalid):
            house.worker.begin(device=house.worker.device)
        assert [row.object_id for row in network.entries("member.suspend")] == [house.worker.id]

    def test_a_pending_sign_in_ends_too(self, network, house):
        network.clock.pass_(minutes=1)
        started = house.worker.begin()
        house.admin.act(actions.suspend, member_id=house.worker.id, version=None)
        with pytest.raises(errors.NotSignedIn):
            house.worker.finish(started.cookie)

    def test_leaving_takes_sessions_shares_and_credentials(self, network, house):
        caller = house.worker.caller()
        member = house.admin.act(actions.leave, member_id=house.worker.id, version=None)
        assert (member.state, member.holds_key, member.fingerprint) == (State.LEFT, False, None)
        with pytest.raises(errors.NotSignedIn):
            house.worker.caller()
        with pytest.raises(errors.CannotOpen):
            caller.keys.bundle(network.session, house.agency.id)
        row = network.session.execute(text("SELECT * FROM member WHERE id = :id"), {"id": house.worker.id}).mappings().one()
        kept = {name for name, value in row.items() if isinstance(value, bytes)}
        network.session.rollback()
        assert kept == {"name_locked"}
        with pytest.raises(errors.RuleBroken, match="wrong_state"):
            house.admin.act(actions.leave, member_id=house.worker.id, version=None)
        again = network.invited(house.admin, house.agency, "asepuptd", "social_worker")
        assert again.member.code == "PS-02"

    def test_the_next_holder_renews_the_key(self, network, house):
        lead, agency_id = house.lead, house.agency.id
        assert not get(network, queries.rotation_due, agency_id=agency_id)
        network.clock.pass_(minutes=1)
        house.admin.act(actions.leave, member_id=house.worker.id, version=None)
        assert get(network, queries.rotation_due, agency_id=agency_id)
        network.clock.pass_(minutes=1)
        made = lead.act(actions.rotate)
        assert lead.caller().keys.bundle(network.session, agency_id).epoch == 2
        assert not get(network, queries.rotation_due, agency_id=agency_id)
        assert made.recovery_code != house.made.recovery_code
        items = {i.code: i.done for i in get(network, queries.checklist, hub=network.hub, agency_id=agency_id).items}
        assert not items["recovery_printed"]
        lead.act(actions.confirm_recovery, last_four=made.recovery_code[-4:])
        assert get(network, queries.latest_print, agency_id=agency_id).epoch == 2
        assert [row.action for row in network.entries("key.epoch_rotate", "key.recovery_print")][-2:] == [
            "key.epoch_rotate",
            "key.recovery_print",
        ]

    def test_a_renewed_key_of_one_agency_takes_no_key_from_another(self, network, house):
        other = network.founded("uptd-lain")
        house.lead.act(actions.rotate)
        assert house.lead.caller().actor.holds_key
        assert other.lead.caller().actor.holds_key

    def test_a_suspended_holder_gets_no_share_of_a_new_epoch(self, network, house):
        house.admin.act(actions.suspend, member_id=house.worker.id, version=None)
        house.lead.act(actions.rotate)
        assert get(network, agency_keys.holders, agency_id=house.agency.id) == {house.lead.id}
        assert network.session.scalar(text("SELECT count(*) FROM epoch_share WHERE member_id = :id"), {"id": house.worker.id}) == 0

    def test_nobody_does_it_to_himself_or_to_another_agency(self, network, house):
        other = network.first_administrator(network.agency("lbh", "legal"))
        for verb in (actions.suspend, actions.leave, actions.reset):
            with pytest.raises(errors.RuleBroken, match="second_signer_needed"):
                house.admin.act(verb, member_id=house.admin.id, version=None)
            with pytest.raises(errors.NotFound):
                other.act(verb, member_id=house.worker.id, version=None)
            with pytest.raises(errors.NotAllowed):
                house.worker.act(verb, member_id=house.lead.id, version=None)

    def test_a_stale_form_is_refused(self, network, house):
        version = get(network, queries.member, member_id=house.worker.id).version
        house.worker.sign_in()
        assert get(network, queries.member, member_id=house.worker.id).version == version
        with pytest.raises(errors.StaleVersion):
            house.admin.act(actions.suspend, member_id=house.worker.id, version=version - 1)
        assert house.admin.act(actions.suspend, member_id=house.worker.id, version=version).version == version + 1


class TestReset:
    def test_a_reset_restores_signing_in_and_says_what_stays_locked(self, network):
        house = network.founded("uptd")
        worker, old = house.worker, house.worker.member.fingerprint
        done = house.admin.act(actions.reset, member_id=worker.id, version=None)
        assert (done.key_lost, done.holders_left, done.member.state) == (True, 1, State.INVITED)
        with pytest.raises(errors.NotSignedIn):
            worker.caller()
        with pytest.raises(errors.InputInvalid):
            worker.begin(device=worker.device)
        worker.token, worker.passphrase = done.token, "frasa yang sama sekali baru"
        assert link(network, worker).purpose == "reset"
        assert worker.enrol().next is Next.WAIT
        assert worker.member.fingerprint != old
        with pytest.raises(errors.InputInvalid):
            house.lead.act(actions.admit, member_id=worker.id, fingerprint=old)
        house.lead.act(actions.admit, member_id=worker.id, fingerprint=worker.member.fingerprint)
        assert worker.caller().keys.bundle(network.session, house.agency.id).epoch == 1
        assert worker.member.code == "PS-01"

    def test_a_keyless_member_loses_no_key(self, network):
        admin = network.first_administrator(network.agency("uptd"))
        head = network.invited(admin, admin.caller().agency, "tuti", "agency_head")
        head.enrol()
        done = admin.act(actions.reset, member_id=head.id, version=head.member.version)
        assert (done.key_lost, done.holders_left) == (False, 0)

    def test_a_lost_link_is_replaced_and_the_old_one_ends(self, network):
        admin = network.first_administrator(network.agency("uptd"))
        head = network.invited(admin, admin.caller().agency, "tuti", "agency_head")
        old = head.token
        head.token = admin.act(actions.reset, member_id=head.id, version=None).token
        assert link(network, head).purpose == "enrol"
        with pytest.raises(errors.NotFound):
            get(network, enrolment.invitation, token=old, now=network.clock.now)
        assert head.enrol().next is Next.HOME

    def test_a_suspended_member_comes_back_by_reset(self, network):
        admin = network.first_administrator(network.agency("uptd"))
        head = network.invited(admin, admin.caller().agency, "tuti", "agency_head")
        head.enrol()
        admin.act(actions.suspend, member_id=head.id, version=None)
        head.token = admin.act(actions.reset, member_id=head.id, version=None).token
        assert head.enrol().next is Next.HOME


class TestRoles:
    @pytest.fixture
    def house(self, network):
        return network.founded("uptd")

    def test_without_a_key_role_the_share_is_deleted_at_once(self, network, house):
        member = house.admin.act(actions.change_roles, member_id=house.worker.id, roles=["agency_head"], version=None)
        assert (member.holds_key, member.state) == (False, State.ACTIVE)
        assert not house.worker.caller().actor.holds_key
        assert get(network, agency_keys.holders, agency_id=house.agency.id) == {house.lead.id}

    def test_a_first_key_role_waits_for_a_holder(self, network, house):
        head = network.invited(house.admin, house.agency, "tuti", "agency_head")
        head.enrol()
        member = house.admin.act(actions.change_roles, member_id=head.id, roles=["agency_head", "social_worker"], version=None)
        assert (member.holds_key, member.state) == (False, State.ACTIVE)
        assert house.lead.act(actions.admit, member_id=head.id, fingerprint=head.member.fingerprint).holds_key

    def test_a_key_role_beside_administrator_waits_for_the_second_person(self, network, house):
        head = network.invited(house.admin, house.agency, "tuti", "agency_head")
        head.enrol()
        both = ["agency_admin", "social_worker"]
        member = house.admin.act(actions.change_roles, member_id=house.worker.id, roles=both, version=None)
        assert (member.roles, member.proposed_roles) == (frozenset({"social_worker"}), frozenset(both))
        with pytest.raises(errors.NotAllowed):
            house.admin.act(actions.approve_roles, member_id=house.worker.id, version=None)
        approved = head.act(actions.approve_roles, member_id=house.worker.id, version=member.version)
        assert (approved.roles, approved.proposed_roles, approved.holds_key) == (frozenset(both), None, True)
        with pytest.raises(errors.RuleBroken, match="wrong_state"):
            head.act(actions.approve_roles, member_id=house.worker.id, version=None)

    def test_roles_of_ones_own_are_only_proposed(self, house):
        member = house.admin.act(
            actions.change_roles, member_id=house.admin.id, roles=["agency_admin", "data_protection_officer"], version=None
        )
        assert member.roles == {"agency_admin"}
        assert member.proposed_roles == {"agency_admin", "data_protection_officer"}

    def test_nobody_approves_for_himself_nor_what_he_proposed(self, network, house):
        head = network.invited(house.admin, house.agency, "tuti", "agency_head", "agency_admin")
        head.enrol()
        head.act(actions.change_roles, member_id=house.worker.id, roles=["agency_admin", "social_worker"], version=None)
        with pytest.raises(errors.RuleBroken, match="second_signer_needed"):
            head.act(actions.approve_roles, member_id=house.worker.id, version=None)
        house.admin.act(actions.change_roles, member_id=head.id, roles=["agency_admin", "agency_head", "social_worker"], version=None)
        with pytest.raises(errors.HubError, match="second_signer_needed"):
            head.act(actions.approve_roles, member_id=head.id, version=None)

    def test_roles_of_another_kind_are_refused(self, house):
        with pytest.raises(errors.InputInvalid):
            house.admin.act(actions.change_roles, member_id=house.worker.id, roles=["network_auditor"], version=None)


def test_own_settings(network):
    admin = network.first_administrator(network.agency("uptd"))
    assert admin.act(actions.change_settings, language="en", timezone="Asia/Jayapura").language == "en"
    assert (admin.caller().actor.language, admin.caller().actor.timezone) == ("en", "Asia/Jayapura")
    with pytest.raises(errors.InputInvalid) as wrong:
        admin.act(actions.change_settings, language="xx", timezone="x")
    assert set(wrong.value.fields) == {"language", "timezone"}


def test_names_are_shown_to_colleagues_and_stand_nowhere_else(network):
    house = network.founded("uptd")
    found = get(network, queries.persons, hub=network.hub, member_ids=[house.lead.id, house.worker.id])
    assert found[house.lead.id].name == "Ratnauptd"
    assert found[house.lead.id].mail == house.lead.mail
    assert "Ratna" not in repr(found)
    codes = get(network, queries.codes, member_ids=[house.lead.id, house.worker.id])
    assert codes == {house.lead.id: "MK-01", house.worker.id: "PS-01"}
    assert get(network, queries.codes, member_ids=[]) == {}
    log = b"".join(bytes(row.payload) for row in network.entries())
    assert b"Ratna" not in log
    assert b"rujukan.test" not in log.replace(b"hub.rujukan.test/log", b"")
    assert [m.code for m in get(network, queries.members, agency_id=house.agency.id)] == ["AL-01", "MK-01", "PS-01"]
    with pytest.raises(errors.NotFound):
        get(network, queries.member, member_id=house.agency.id)


def test_the_operators_bootstrap_is_told(network):
    zaki = network.secretariat()
    first = network.entries()[:2]
    assert [(row.action, json.loads(row.payload)["actor_kind"]) for row in first] == [
        ("agency.create", "operator"),
        ("member.invite", "operator"),
    ]
    assert zaki.member.roles == {"network_admin", "agency_admin"}
    assert OPERATOR.member_id is None
