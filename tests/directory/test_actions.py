"""The verbs of the directory on the real database: what they change, whom they refuse, and the one entry of each."""

import dataclasses
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from referral_hub import errors
from referral_hub.audit import queries as log
from referral_hub.db import transact
from referral_hub.directory import NewService, actions, queries
from tests.directory.places import DEMO, NETWORK, NOW, OPERATOR, a_new, create, from_demo, somebody

EXAM = NewService(code="mental_health", sex=("P",), age_min=18, bring=("ktp_kk",), note="Perempuan dewasa")


@pytest.fixture
def clinic(session):
    return create(session, None, EXAM)


@pytest.fixture
def keeper(clinic):
    return somebody("agency_admin", agency=clinic.id, kind=clinic.kind)


def entries(session):
    return [logged.entry for logged in reversed(log.latest(session))]


def last(session):
    return entries(session)[-1]


def act(session, verb, **facts):
    return transact(session, lambda s: verb(s, now=NOW, request_id="r1", **facts))


# --- registering


def test_an_agency_begins_as_founding_with_its_services_and_one_entry(session):
    made = create(session, a_new(languages=("id", "su"), access=("step_free",), exit_url="https://cuaca.test"), EXAM, active=False)
    assert (made.state, made.active, made.version, made.disclosure) == ("founding", False, 1, "default")
    assert (made.languages, made.access) == (("id", "su"), ("step_free",))
    offered = queries.services(session, made.id)
    assert [(one.code, one.hours, one.sex, one.age_min, one.age_max, one.bring) for one in offered] == [
        ("mental_health", "office", ("P",), 18, None, ("ktp_kk",))
    ]
    assert queries.agency(session, made.id) == queries.agency(session, made.code) == made
    (entry,) = entries(session)
    assert (entry.action, entry.actor_kind, entry.object_kind, entry.object_id, entry.object_version) == (
        "agency.create",
        "operator",
        "agency",
        made.id,
        1,
    )
    assert (entry.outcome, entry.rule_ids) == ("allow", ("operator-acts",))
    assert entry.subjects == ()


def test_every_demonstration_agency_can_be_registered(session):
    for item in DEMO:
        agency, services = from_demo(item)
        made = create(session, agency, *services, active=False)
        assert made.state == ("active" if item["kind"] in {"oversight", "network"} else "founding")
        assert made.disclosure == ("shelter" if item["kind"] == "shelter" else "default")
        assert len(queries.services(session, made.id)) == len(item["services"])
    assert len(queries.agencies(session)) == len(DEMO)


def test_a_code_is_given_once(session, clinic):
    with pytest.raises(errors.InputInvalid) as refused:
        create(session, a_new(clinic.code))
    assert refused.value.fields == {"code": ("taken",)}


@pytest.mark.parametrize(
    ("facts", "field", "fault"),
    [
        ({"code": "Klinik Teduh"}, "code", "bad_characters"),
        ({"code": ""}, "code", "required"),
        ({"name": " "}, "name", "required"),
        ({"name": "x" * 161}, "name", "too_long"),
        ({"name": "two\nlines"}, "name", "bad_characters"),
        ({"kind": "bank"}, "kind", "not_a_code"),
        ({"region": "3273"}, "region", "not_a_region"),
        ({"coverage": ()}, "coverage", "required"),
        ({"coverage": ("32", "x")}, "coverage", "not_a_region"),
        ({"timezone": "Europe/Paris"}, "timezone", "not_a_code"),
        ({"hours": "sometimes"}, "hours", "not_a_code"),
        ({"languages": ()}, "languages", "required"),
        ({"languages": ("fr",)}, "languages", "not_a_code"),
        ({"access": ("lift",)}, "access", "not_a_code"),
        ({"email": "nobody"}, "email", "not_a_mail"),
        ({"phone": "call me"}, "phone", "not_a_phone"),
        ({"disclosure": "open"}, "disclosure", "not_a_code"),
        ({"kind": "shelter", "disclosure": "default"}, "disclosure", "not_for_kind"),
        ({"tiers": {"phone": "everybody"}}, "tiers", "not_a_code"),
        ({"tiers": {"shoe_size": "never"}}, "tiers", "not_a_code"),
        ({"tiers": {"phone": "public"}}, "tiers", "too_open"),
        ({"kind": "shelter", "tiers": {"phone": "network"}}, "tiers", "too_open"),
        ({"sectors": ("bank",)}, "sectors", "not_a_code"),
        ({"exit_url": "http://cuaca.test"}, "exit_url", "not_a_link"),
    ],
)
def test_what_is_not_well_formed_is_named_and_nothing_is_stored(session, facts, field, fault):
    with pytest.raises(errors.InputInvalid) as refused:
        create(session, a_new(**facts))
    assert refused.value.fields[field] == (fault,)
    assert queries.agencies(session) == ()
    assert entries(session) == []


@pytest.mark.parametrize(
    ("facts", "field", "fault"),
    [
        ({"code": "haircut"}, "code", "not_a_code"),
        ({"code": "police_report"}, "code", "not_for_kind"),
        ({"hours": "sometimes"}, "hours", "not_a_code"),
        ({"capacity": "plenty"}, "capacity", "not_a_code"),
        ({"slots": -1}, "slots", "too_small"),
        ({"sex": ("any",)}, "sex", "not_a_code"),
        ({"age_min": -1}, "age_min", "not_an_age"),
        ({"age_min": 18, "age_max": 17}, "age_max", "not_an_age"),
        ({"bring": ("flowers",)}, "bring", "not_a_code"),
        ({"note": "x" * 161}, "note", "too_long"),
    ],
)
def test_a_service_that_is_not_well_formed_is_refused(session, facts, field, fault):
    with pytest.raises(errors.InputInvalid) as refused:
        create(session, None, dataclasses.replace(EXAM, **facts))
    assert refused.value.fields[field] == (fault,)
    assert queries.agencies(session) == ()


@pytest.mark.parametrize("roles", [("agency_admin",), ("lawyer",), ("network_auditor",), ("agency_head",)])
def test_members_register_no_agency(session, roles):
    with pytest.raises(errors.NotAllowed) as refused:
        act(session, actions.create_agency, actor=somebody(*roles), agency=a_new())
    assert refused.value.code == "role_lacks_ability"


# --- changing


def test_the_administrator_changes_the_own_agency(session, clinic, keeper):
    changed = act(
        session,
        actions.change_agency,
        actor=keeper,
        agency_id=clinic.id,
        version=clinic.version,
        changes={"hours": "clinic", "languages": ("id", "sign")},
    )
    assert (changed.hours, changed.languages, changed.version) == ("clinic", ("id", "sign"), clinic.version + 1)
    assert queries.agency(session, clinic.id) == changed
    entry = last(session)
    assert (entry.action, entry.object_id, entry.object_version, entry.actor_id) == (
        "agency.change",
        clinic.id,
        changed.version,
        keeper.member_id,
    )
    assert entry.rule_ids == ("own-agency-kept",)


def test_another_agencys_administrator_finds_nothing_there(session, clinic):
    stranger = somebody("agency_admin", agency=uuid.uuid4(), kind="legal")
    before = len(entries(session))
    with pytest.raises(errors.NotAllowed) as refused:
        act(session, actions.change_agency, actor=stranger, agency_id=clinic.id, version=clinic.version, changes={"name": "Mine"})
    assert refused.value.code == "not_found"
    assert queries.agency(session, clinic.id) == clinic
    assert len(entries(session)) == before


def test_a_stale_form_changes_nothing(session, clinic, keeper):
    with pytest.raises(errors.StaleVersion):
        act(session, actions.change_agency, actor=keeper, agency_id=clinic.id, version=clinic.version - 1, changes={"name": "Other"})
    assert queries.agency(session, clinic.id) == clinic


@pytest.mark.parametrize(
    "changes", [{"code": "other"}, {"kind": "police"}, {"state": "disabled"}, {"version": 9}, {"address": "Jalan Melati 1"}]
)
def test_what_may_not_be_changed_is_named(session, clinic, keeper, changes):
    with pytest.raises(errors.InputInvalid) as refused:
        act(session, actions.change_agency, actor=keeper, agency_id=clinic.id, version=clinic.version, changes=changes)
    assert refused.value.fields == dict.fromkeys(changes, ("unknown_field",))


def test_an_unknown_agency_is_not_found(session, keeper):
    with pytest.raises(errors.NotFound):
        act(session, actions.verify, actor=keeper, agency_id=uuid.uuid4())
    with pytest.raises(errors.NotFound):
        queries.agency(session, "nowhere")


def test_services_are_added_changed_and_removed(session, clinic, keeper):
    added = act(
        session,
        actions.add_service,
        actor=keeper,
        agency_id=clinic.id,
        version=clinic.version,
        service=NewService(code="child_psychosocial", age_min=3, age_max=17),
    )
    changed = act(
        session, actions.change_service, actor=keeper, agency_id=clinic.id, version=added.version, service="child_psychosocial",
        changes={"age_max": 12, "closed": True, "bring": ("ktp_kk",), "hours": None},
    )  # fmt: skip
    now = queries.service(session, agency_id=clinic.id, code="child_psychosocial")
    assert (now.age_min, now.age_max, now.closed, now.bring, now.hours) == (3, 12, True, ("ktp_kk",), "office")
    act(session, actions.remove_service, actor=keeper, agency_id=clinic.id, version=changed.version, service="child_psychosocial")
    with pytest.raises(errors.NotFound):
        queries.service(session, agency_id=clinic.id, code="child_psychosocial")
    assert [entry.action for entry in entries(session)][-3:] == ["agency.change"] * 3


def test_a_service_is_offered_once_and_an_unknown_one_is_not_found(session, clinic, keeper):
    with pytest.raises(errors.InputInvalid) as refused:
        act(session, actions.add_service, actor=keeper, agency_id=clinic.id, version=clinic.version, service=EXAM)
    assert refused.value.fields == {"code": ("taken",)}
    with pytest.raises(errors.NotFound):
        act(session, actions.remove_service, actor=keeper, agency_id=clinic.id, version=clinic.version, service="rescue")
    for changes in ({"capacity": "none"}, {"code": "rescue"}):
        with pytest.raises(errors.InputInvalid):
            act(
                session,
                actions.change_service,
                actor=keeper,
                agency_id=clinic.id,
                version=clinic.version,
                service="mental_health",
                changes=changes,
            )
    with pytest.raises(errors.InputInvalid):
        act(
            session,
            actions.change_service,
            actor=keeper,
            agency_id=clinic.id,
            version=clinic.version,
            service="mental_health",
            changes={"age_max": 3},
        )


def test_capacity_is_said_as_of_now(session, clinic, keeper):
    act(session, actions.set_capacity, actor=keeper, agency_id=clinic.id, service="mental_health", status="limited", slots=2)
    said = queries.service(session, agency_id=clinic.id, code="mental_health")
    assert (said.capacity, said.slots, said.capacity_as_of) == ("limited", 2, NOW)
    assert last(session).action == "directory.capacity"
    with pytest.raises(errors.InputInvalid):
        act(session, actions.set_capacity, actor=keeper, agency_id=clinic.id, service="mental_health", status="plenty")


def test_verifying_names_who_and_when(session, clinic, keeper):
    seen = act(session, actions.verify, actor=keeper, agency_id=clinic.id)
    assert (seen.verified_at, seen.verified_by) == (NOW, keeper.member_id)
    assert last(session).action == "directory.verify"


def test_one_unit_is_on_duty_at_a_time(session, clinic, keeper):
    version = clinic.version
    for code in ("pagi", "malam"):
        version = act(session, actions.add_unit, actor=keeper, agency_id=clinic.id, version=version, code=code, name=f"Unit {code}").version
    assert queries.on_duty_unit(session, clinic.id) is None
    for code in ("pagi", "malam"):
        version = act(
            session,
            actions.change_unit,
            actor=keeper,
            agency_id=clinic.id,
            version=version,
            code=code,
            name=code.title(),
            on_duty=True,
            active=True,
        ).version
        assert queries.on_duty_unit(session, clinic.id).code == code
    assert [(unit.code, unit.on_duty) for unit in queries.units(session, clinic.id)] == [("malam", True), ("pagi", False)]
    version = act(
        session,
        actions.change_unit,
        actor=keeper,
        agency_id=clinic.id,
        version=version,
        code="malam",
        name="Malam",
        on_duty=True,
        active=False,
    ).version
    assert queries.on_duty_unit(session, clinic.id) is None
    with pytest.raises(errors.InputInvalid):
        act(session, actions.add_unit, actor=keeper, agency_id=clinic.id, version=version, code="pagi", name="Again")
    with pytest.raises(errors.NotFound):
        act(
            session,
            actions.change_unit,
            actor=keeper,
            agency_id=clinic.id,
            version=version,
            code="sore",
            name="Sore",
            on_duty=True,
            active=True,
        )


def test_the_database_itself_keeps_one_unit_on_duty(session, clinic):
    insert = text("INSERT INTO agency_unit VALUES (gen_random_uuid(), :agency, :code, 'x', true, true)")
    session.execute(insert, {"agency": clinic.id, "code": "a"})
    with pytest.raises(IntegrityError):
        session.execute(insert, {"agency": clinic.id, "code": "b"})


def test_duty_posts_name_members_and_are_named_anew(session, clinic, keeper):
    first, second = sorted((uuid.uuid4(), uuid.uuid4()))
    named = act(
        session,
        actions.name_duty,
        actor=keeper,
        agency_id=clinic.id,
        version=clinic.version,
        post="focal",
        member_ids=[second, first, first],
    )
    named = act(session, actions.name_duty, actor=keeper, agency_id=clinic.id, version=named.version, post="dpo", member_ids=[first])
    assert queries.duty(session, clinic.id) == {"focal": (first, second), "dpo": (first,)}
    named = act(session, actions.name_duty, actor=keeper, agency_id=clinic.id, version=named.version, post="focal", member_ids=[])
    assert queries.duty(session, clinic.id) == {"dpo": (first,)}
    with pytest.raises(errors.InputInvalid):
        act(session, actions.name_duty, actor=keeper, agency_id=clinic.id, version=named.version, post="gardener", member_ids=[first])


# --- taking part


def test_network_people_activate_and_the_entry_says_so(session):
    made = create(session, active=False)
    for roles in (("agency_admin",), ("agency_head",), ("policy_analyst",)):
        with pytest.raises(errors.NotAllowed):
            act(session, actions.activate, actor=somebody(*roles, agency=made.id), agency_id=made.id)
    active = act(session, actions.activate, actor=NETWORK, agency_id=made.id, version=made.version)
    assert active.active
    assert (last(session).action, last(session).rule_ids) == ("agency.activate", ("network-keeps-agencies",))
    with pytest.raises(errors.RuleBroken) as refused:
        act(session, actions.activate, actor=NETWORK, agency_id=made.id)
    assert refused.value.code == "wrong_state"


def test_a_disabled_agency_receives_nothing_and_is_not_found_by_searches(session, clinic):
    assert queries.recipient(session, agency_id=clinic.id, service="mental_health").agency == clinic
    gone = act(session, actions.disable, actor=OPERATOR, agency_id=clinic.id, version=clinic.version)
    assert (gone.state, last(session).action) == ("disabled", "agency.disable")
    with pytest.raises(errors.RuleBroken) as refused:
        queries.recipient(session, agency_id=clinic.id, service="mental_health")
    assert (refused.value.code, refused.value.facts["guard"]) == ("guard_failed", "agency_active")
    with pytest.raises(errors.RuleBroken):
        act(session, actions.disable, actor=OPERATOR, agency_id=clinic.id, version=gone.version)
    with pytest.raises(errors.RuleBroken):
        act(session, actions.activate, actor=NETWORK, agency_id=clinic.id)


def test_a_service_that_is_not_offered_or_closed_is_no_offer(session, clinic, keeper):
    with pytest.raises(errors.RuleBroken) as refused:
        queries.recipient(session, agency_id=clinic.id, service="child_psychosocial")
    assert refused.value.code == "service_not_allowed"
    act(
        session,
        actions.change_service,
        actor=keeper,
        agency_id=clinic.id,
        version=clinic.version,
        service="mental_health",
        changes={"closed": True},
    )
    with pytest.raises(errors.RuleBroken):
        queries.recipient(session, agency_id=clinic.id, service="mental_health")


def test_a_refused_act_leaves_no_trace_of_its_own_and_no_change(session, clinic, keeper):
    before = entries(session)
    pending = dataclasses.replace(keeper, strength="pending")
    with pytest.raises(errors.NotAllowed) as refused:
        act(session, actions.verify, actor=pending, agency_id=clinic.id)
    assert refused.value.code == "not_signed_in"
    assert entries(session) == before
    assert queries.agency(session, clinic.id) == clinic


# --- the tables


def test_there_is_no_place_for_an_address(owner_engine):
    schema = inspect(owner_engine)
    names = {column["name"] for table in ("agency", "agency_service", "agency_unit", "duty_post") for column in schema.get_columns(table)}
    assert names
    assert not {name for name in names if any(word in name for word in ("address", "street", "geo", "lat", "lon", "map", "postal"))}


def test_the_worker_reads_hours_and_duty_but_no_contact(session, clinic, worker_url):
    from referral_hub.db.engine import make_engine

    worker = make_engine(worker_url, pool_size=1)
    with worker.connect() as connection:
        assert connection.execute(text("SELECT id, hours, timezone, state FROM agency")).all()
        assert connection.execute(text("SELECT * FROM duty_post")).all() == []
        for forbidden in ("SELECT phone FROM agency", "SELECT email FROM agency", "UPDATE agency SET state = 'disabled'"):
            with pytest.raises(ProgrammingError):
                connection.execute(text(forbidden))
            connection.rollback()
    worker.dispose()


def test_the_web_role_deletes_no_agency(session, clinic):
    with pytest.raises(ProgrammingError):
        session.execute(text("DELETE FROM agency"))


def test_an_agency_inside_a_joined_select_is_the_same_value(session, clinic):
    from sqlalchemy import literal, select

    row = session.execute(
        select(literal(1), *queries.columns()).select_from(queries.table()).where(queries.table().c.id == clinic.id)
    ).one()
    assert queries.agency_of(row, 1) == clinic
    assert queries.names(session, [clinic.id, uuid.uuid4()]) == {clinic.id: clinic.name}


def test_versions_move_once_for_each_act(session, clinic, keeper):
    later = transact(session, lambda s: actions.verify(s, actor=keeper, now=NOW + timedelta(days=1), agency_id=clinic.id))
    assert later.version == clinic.version + 1
    assert last(session).object_version == later.version
