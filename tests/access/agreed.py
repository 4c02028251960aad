"""What the agencies agreed, worked out a second time: straight from the lists, without Cedar. The policies are compared with this, whole."""

from functools import cache

import yaml

from referral_hub.settings import ROOT
from tests.access.people import RELATIONS

LISTS = ROOT / "config" / "protocol"
UNASSIGNED = {"sending_unassigned", "draft_to_sign", "draft_unassigned_of_actor"}
HOME = {"own_file", "sending", "sending_submitted_by_actor"} | UNASSIGNED
HOME_ASSIGNED = HOME - UNASSIGNED
INCOMING = {name for name, target in RELATIONS.items() if target.side == "recipient"}
COLLEAGUE = {"offered_to_colleague", "colleague_handles"}
CLOSED = {"suspended", "revoked", "without_grant", "consent_lacks", "consent_withdrawn"}
OPEN = INCOMING - CLOSED
FULL = OPEN - {"offered", "offered_to_colleague"}
OWN_AGENCY = {name for name, target in RELATIONS.items() if target.same_agency}
EVERYWHERE = set(RELATIONS)
FIRST_ANSWERS = {"open_preview", "claim", "accept"}

# For each action the relations in which an ability that lists it may be used.
REACH = {
    "case.open": {"own_file"} | {n for n, t in RELATIONS.items() if t.side == "own"},
    "case.edit case.stage case.rights case.gap case.conference case.close case.transfer referral.edit consent.give consent.refuse consent.change "
    "document.hand_over": HOME_ASSIGNED,
    "case.read": HOME_ASSIGNED,
    "consent.best_interest consent.without": HOME_ASSIGNED,
    "consent.withdraw subject.request subject.status_update": HOME | {n for n, t in RELATIONS.items() if t.side == "own"},
    "case.protect case.conflict_remove case.duplicate_check case.history": HOME | {n for n, t in RELATIONS.items() if t.side == "own"},
    "case.assign case.conflict_add": HOME | INCOMING | {n for n, t in RELATIONS.items() if t.side == "own"},
    "section.safe_contact_read": HOME_ASSIGNED | (FULL - COLLEAGUE),
    "field.reveal attachment.list document.print": HOME_ASSIGNED,  # and at the recipient as far as an ability to read goes
    "case.copy_sections": set(),  # likewise
    "attachment.add": HOME_ASSIGNED | (FULL - COLLEAGUE),
    "message.send message.read": HOME_ASSIGNED | (OPEN - COLLEAGUE),
    "note.write note.read": HOME_ASSIGNED | (INCOMING - COLLEAGUE),
    "referral.preview_read": OPEN - COLLEAGUE,
    "case.list case.search": {"list_page"} | HOME_ASSIGNED,
    "referral.list referral.search": {"list_page"} | HOME_ASSIGNED | INCOMING,
    "break_glass.open break_glass.end": HOME | {n for n, t in RELATIONS.items() if t.side == "own"},
    "break_glass.review": {n for n in OWN_AGENCY if not RELATIONS[n].is_self and not RELATIONS[n].invited_by_actor},
    "directory.find stats.view stats.export stats.release_vote": EVERYWHERE,
    "directory.reveal_contact": {"agency_with_accepted_referral"},
    "agency.terms_sign directory.capacity directory.verify token.create token.revoke member.invite member.role_change member.suspend member.disable "
    "member.reassign member.access_review account.reset incident.declare incident.scope incident.notify incident.close subject.answer subject.refuse "
    "subject.statement key.found key.recovery_print key.epoch_rotate": OWN_AGENCY,
    "key.admit member.second_approval": {n for n in OWN_AGENCY if not RELATIONS[n].is_self and not RELATIONS[n].invited_by_actor},
    "agency.change": OWN_AGENCY,
    "audit.read audit.ask audit.export audit.verify audit.reconcile finding.open finding.assign finding.explain finding.confirm finding.escalate "
    "finding.close": OWN_AGENCY,
}
NETWORK_ACTS = {
    "agency.create", "agency.change", "agency.disable", "agency.activate", "directory.import", "directory.export", "protocol.load", "key.release_rotate",
}  # fmt: skip
SUPERVISED = {"consent.best_interest", "consent.without", "consent.review"}
READ_WHERE_ABLE = {"field.reveal", "attachment.list", "document.print", "case.copy_sections"}
LISTS_OF_ROWS = {"case.list", "case.search", "referral.list", "referral.search"}
SELF = [
    "session.sign_in", "session.sign_out", "session.end", "session.reauth", "account.passphrase_change", "account.second_factor_change",
    "account.terms_accept", "account.settings", "member.enrol", "key.recovery_use",
]  # fmt: skip
BY_PLACE = {action: places for actions, places in REACH.items() for action in actions.split()}


@cache
def lists(name):
    return yaml.safe_load((LISTS / f"{name}.yaml").read_text())


def abilities_of(role):
    held = next(item for item in lists("agency_roles")["items"] if item["code"] == role)
    return [ability for ability in lists("agency_roles")["abilities"] if ability["code"] in held["can"]]


@cache
def kind_of(role):
    return next(item["kind"] for item in lists("agency_roles")["items"] if item["code"] == role)


def keyless(role):
    return not next(item["holds_key"] for item in lists("agency_roles")["items"] if item["code"] == role)


def allowed(role):
    """Return the pairs (act, relation) that `role` may, being active, freshly signed in and holding the key where its role can."""
    pairs = set()
    held = abilities_of(role)
    can = {ability["code"] for ability in held}
    for ability in held:
        for event in ability["events"]:
            pairs |= {(f"referral.{event}", place) for place in _event_places(event, ability["code"])}
        for action in ability["actions"]:
            pairs |= {(action, place) for place in _action_places(action, ability, role, can)}
    pairs |= {(act, place) for act in SELF for place in EVERYWHERE if RELATIONS[place].is_self}
    if "agencies" in can:
        pairs.add(("member.invite", "member_of_founding_agency"))
    if can & {"create", "create_draft"}:  # reads: own_case, so also what was drafted and sent
        pairs |= {("section.read", place) for place in HOME_ASSIGNED}
    if "approve" in can:  # reads: own_case, and who signs second is not assigned: a colleague's draft with who must not know
        pairs |= {(act, "draft_to_sign") for act in ("section.read", "section.safe_contact_read")}
    if not keyless(role):  # "I know this person": said by whoever works on it
        own = {p for p in HOME_ASSIGNED if RELATIONS[p].is_self}
        pairs |= {("case.conflict_add", place) for place in own}
    return pairs


def _event_places(event, ability):
    by = next(item["by"] for item in lists("lifecycle")["events"] if item["code"] == event)
    places = set()
    if "recipient" in by:
        places |= INCOMING if event in FIRST_ANSWERS else INCOMING - COLLEAGUE
    if "sender" in by and ability != "approve":
        places |= HOME_ASSIGNED
    if "sender_supervisor" in by and ability == "approve":
        places |= _supervised()
    if "survivor" in by:
        places |= HOME | {n for n, t in RELATIONS.items() if t.side == "own"}
    return places


def _supervised():
    return {n for n, t in RELATIONS.items() if t.side in {"own", "sender"} and not t.is_self}


def _action_places(action, ability, role, can):
    if action in {"section.read", "attachment.read"}:
        places = _reading(action, ability)
    elif action in SUPERVISED and ability["code"] == "approve":
        places = _supervised()
    elif action in NETWORK_ACTS and ability["code"] != "agency_profile":
        places = EVERYWHERE if kind_of(role) == "network" else set()
    elif action.startswith(("audit.", "finding.")) and role == "network_auditor":
        places = EVERYWHERE
    elif action == "document.print" and ability["code"] == "subject_requests":
        places = {"own_log"}
    else:
        places = BY_PLACE[action] | _wider(action, can)
    return places - _ONE_S_OWN if action == "finding.close" else places


_ONE_S_OWN = {n for n, t in RELATIONS.items() if t.is_self or t.invited_by_actor}  # a second person closes


def _wider(action, can):
    """What further abilities of the role add: those who approve or assign see every row at home and every preview; readers open and copy."""
    if action in LISTS_OF_ROWS and can & {"approve", "grant", "assign"}:
        return HOME | _own_rows()
    if action == "referral.preview_read" and "assign" in can:
        return OPEN & COLLEAGUE
    return _readable_at_recipient(can) if action in READ_WHERE_ABLE else set()


def _readable_at_recipient(can):
    if can & {"read_granted", "read_assigned"}:
        return FULL - COLLEAGUE
    return {"handling_forensic"} if "read_forensic" in can else set()


def _own_rows():
    return {n for n, t in RELATIONS.items() if t.side == "own" and t.kind != "list"}


def _reading(action, ability):
    """`reads` of the ability: what was granted, if assigned, only for the medico-legal report, only alerts. At home who creates reads what was sent."""
    return {
        "granted": FULL,
        "granted_if_assigned": FULL - COLLEAGUE,
        "granted_on_forensic_ver": {"handling_forensic"},
        "alerts": {"handling_safety"} if action == "section.read" else set(),
        "own_case": HOME_ASSIGNED,
        "none": set(),
    }[ability["reads"]]
