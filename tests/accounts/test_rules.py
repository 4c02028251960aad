"""The pure rules, without a database."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.accounts.rules import activation, roles, throttle, times, typed
from referral_hub.accounts.rules.throttle import Bucket, Kind
from referral_hub.accounts.slots import DerivationSlots

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)


class TestPassphrases:
    @pytest.mark.parametrize(
        ("passphrase", "code"),
        [
            ("pendek", "too_short"),
            ("a" * 257, "too_long"),
            ("aaaaaaaaaaaaaaaa", "too_common"),
            ("abababababababab", "too_common"),
            ("Password-Saya", "too_common"),
            ("BISMILLAH 123", "too_common"),
            ("correct horse battery staple", "too_common"),
            ("Sari@UPTD.rujukan.test", "too_common"),
        ],
    )
    def test_refused(self, passphrase, code):
        with pytest.raises(errors.InputInvalid) as wrong:
            typed.check_passphrase(passphrase, not_like=["sari@uptd.rujukan.test"])
        assert wrong.value.fields == {"passphrase": (code,)}

    @pytest.mark.parametrize("passphrase", ["kuda biru makan nasi goreng", "lima kata acak saja", "éèêëàâäôöùûü", "123 456 789 abc"])
    def test_accepted_without_rules_of_composition(self, passphrase):
        typed.check_passphrase(passphrase)

    def test_every_common_one_is_in_the_form_it_is_compared_in(self):
        assert all(word == typed._squeezed(word) and len(word) >= typed.SHORTEST for word in typed.COMMON)


class TestTyped:
    @given(st.text())
    def test_mail_has_one_form(self, text):
        once = typed.normal_mail(text)
        assert typed.normal_mail(f" {once} ") == once
        once.encode()

    @pytest.mark.parametrize("mail", ["", "a", "a@", "@b.c", "a@b", "a@b@c.d", "a b@c.d", "a@.", f"{'a' * 300}@b.c"])
    def test_malformed_mail(self, mail):
        with pytest.raises(errors.InputInvalid):
            typed.check_mail(mail)

    def test_codes_follow_the_role(self):
        assert typed.propose_code("Pekerja sosial (peksos)", []) == "PS-01"
        assert typed.propose_code("Pekerja sosial (peksos)", ["PS-01", "PS-03", "PSX-02", "AL-02"]) == "PS-02"
        assert typed.propose_code("Dokter", ["DO-01"]) == "DO-02"
        assert typed.propose_code("Pengasuh/petugas jaga", []) == "PP-01"

    @given(st.sets(st.integers(1, 120), max_size=60))
    def test_a_proposed_code_is_free_and_well_formed(self, used):
        taken = [f"PS-{n:02d}" for n in used]
        code = typed.propose_code("Pekerja sosial", taken)
        assert code not in taken
        assert typed.check_code(code) == code

    @given(st.text(alphabet="0123456789", min_size=24, max_size=24), st.sampled_from([" ", "-", ".", "  "]))
    def test_fingerprints_may_be_typed_in_groups(self, digits, gap):
        assert typed.typed_digits(gap.join(digits[i : i + 4] for i in range(0, 24, 4))) == digits

    @pytest.mark.parametrize("wrong", ["", "1" * 23, "1" * 25, "\u0661" * 24, "a" * 24])
    def test_other_fingerprints(self, wrong):
        with pytest.raises(errors.InputInvalid):
            typed.typed_digits(wrong)


class TestRoles:
    def test_a_key_role_beside_the_administrator_needs_two(self):
        assert roles.needs_second_approver({"agency_admin", "social_worker"})
        assert not roles.needs_second_approver({"agency_admin", "agency_head"})
        assert not roles.needs_second_approver({"case_lead", "social_worker"})

    def test_who_founds(self):
        assert roles.may_found({"case_lead"})
        assert not roles.may_found({"companion"})
        assert not roles.may_found({"agency_admin"})

    def test_who_handles(self):
        assert roles.may_handle({"forensic"})
        assert not roles.may_handle({"registrar"})

    def test_roles_belong_to_a_kind(self):
        assert roles.check_roles(["lawyer", "agency_head"], agency_kind="legal", case_data=True) == {"lawyer", "agency_head"}
        with pytest.raises(errors.InputInvalid):
            roles.check_roles(["lawyer"], agency_kind="police", case_data=True)


class TestThrottle:
    @given(st.lists(st.sampled_from(["try", "fail", "right"]), max_size=60), st.sampled_from(list(Kind)))
    def test_counts_never_pass_the_limit_and_tell_every_failure(self, steps, kind):
        bucket, own_entries, failures, refused = Bucket(kind, NOW), 0, 0, 0
        for step in steps:
            if bucket.is_full:
                bucket, refused = bucket.turned_away(), refused + 1
                continue
            bucket = bucket.tried()
            if step == "right":
                bucket = bucket.given_back()
            if step == "fail":
                bucket, own = bucket.failed()
                own_entries, failures = own_entries + own, failures + 1
        assert bucket.attempts <= throttle.LIMITS[kind]
        assert own_entries <= throttle.OWN_ENTRIES
        assert own_entries + bucket.uncounted == failures + refused

    def test_a_window_ends_and_begins_again_empty(self):
        bucket = Bucket(Kind.KNOWN, NOW, attempts=10, failures=10, logged=5, refused=3)
        assert not bucket.is_over(NOW + throttle.WINDOW - timedelta(microseconds=1))
        assert bucket.is_over(NOW + throttle.WINDOW)
        assert bucket.begun_again(NOW) == Bucket(Kind.KNOWN, NOW)

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
            ("", ""),
            ("unix", "unix"),
        ],
    )
    def test_networks(self, address, network):
        assert throttle.network_of(address) == network


class TestTimes:
    def test_idle_and_end(self):
        limits = times.LIMITS
        assert times.idle_until(NOW, ends_at=NOW + timedelta(hours=1), limits=limits) == NOW + timedelta(minutes=15)
        assert times.idle_until(NOW, ends_at=NOW + timedelta(minutes=5), limits=limits) == NOW + timedelta(minutes=5)

    def test_fresh_ends_at_its_moment(self):
        assert times.strength(fresh_until=NOW, now=NOW - timedelta(seconds=1)) == "fresh"
        assert times.strength(fresh_until=NOW, now=NOW) == "full"
        assert times.strength(fresh_until=None, now=NOW) == "full"

    def test_seconds_to_wait_are_never_none(self):
        assert times.seconds_left(NOW + timedelta(seconds=0.2), NOW) == 1
        assert times.seconds_left(NOW + timedelta(seconds=30.1), NOW) == 31


FULL = {
    "receives_cases": True,
    "holders": 2,
    "recovery_printed": True,
    "dpo_named": True,
    "confirmed_by": {"network_admin", "network_auditor"},
}


class TestActivation:
    def test_all_five_are_needed(self):
        assert all(item.done for item in activation.checklist(**FULL))
        for lack in (
            {"holders": 1},
            {"recovery_printed": False},
            {"dpo_named": False},
            {"confirmed_by": {"network_admin"}},
            {"confirmed_by": {"network_auditor"}},
        ):
            assert sum(not item.done for item in activation.checklist(**(FULL | lack))) == 1


class TestSlots:
    @pytest.mark.parametrize(("workers", "cores", "places"), [(2, 2, 1), (2, 4, 2), (2, 5, 2), (8, 2, 1), (1, 4, 4)])
    def test_floor_of_cores_by_workers_at_least_one(self, workers, cores, places):
        assert DerivationSlots(workers=workers, cores=cores).places == places

    def test_no_more_than_its_places_at_once(self):
        slots, inside, most = DerivationSlots(workers=1, cores=2), [], []

        def derive():
            with slots.aside():
                inside.append(1)
                most.append(len(inside))
                ready.wait(0.02)
                inside.pop()

        ready = threading.Event()
        threads = [threading.Thread(target=derive) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(most) == 8
        assert max(most) <= 2

    def test_a_place_comes_back_after_a_failure(self):
        slots = DerivationSlots(workers=1, cores=1, patience=0.01)
        with pytest.raises(ZeroDivisionError), slots.aside():
            _ = 1 / 0
        with slots.aside(), pytest.raises(errors.Unavailable), slots.aside():
            pass
