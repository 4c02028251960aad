"""Work for those whom the agreed scenarios leave without any: short errands between the agencies of the demonstration, told like scenarios.

Each begins with a file of its own and ends where somebody has to do the next step: an unanswered referral, a question, a draft to go on with,
one to sign, one that came back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from referral_hub import protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECTIONS = ["identity", "safe_contact", "safety", "needs"]
STARTED = "2026-11-02T09:00:00+07:00"  # any working day: the play moves it
BDG, JBR, IMY = "uptd-ppa-bdg/Yuni", "uptd-ppa-jbr/Cecep", "uptd-ppa-imy/Wahyu"


@dataclass(frozen=True)
class Errand:
    """One errand: who sends whom where, how far it goes, what happens then ("who", event, inputs), and how long ago that was."""

    code: str
    given: str
    sender: str
    recipient: str
    service: str
    urgency: str = "normal"
    goes: str = "sent"  # draft, submitted, sent
    then: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
    ago: timedelta = timedelta(minutes=45)


ERRANDS = (
    Errand("E1", "Kenanga", JBR, "lbh-pasundan", "legal_consult", "urgent"),
    Errand("E2", "Anggrek", JBR, "rumah-aman-melati", "temporary_shelter", "urgent", ago=timedelta(minutes=50)),
    Errand("E3", "Dahlia", IMY, "balai-mandiri", "life_skills", "planned"),
    Errand("E4", "Seruni", JBR, "lpsk-jbr", "witness_protection"),
    Errand("E5", "Cempaka", BDG, "unit-ppa-bdg", "police_report", "urgent"),
    Errand("E6", "Flamboyan", JBR, "ditres-ppo-jbr", "police_report"),
    Errand("E7", "Teratai", BDG, "klinik-teduh", "mental_health", ago=timedelta(hours=3)),
    Errand(
        "E8", "Kamboja", BDG, "klinik-teduh", "mental_health", ago=timedelta(hours=2),
        then=(("klinik-teduh/Amel", "open_preview", {}), ("klinik-teduh/Amel", "ask_information", {"question": "Bahasa apa yang paling nyaman baginya?"})),
    ),
    Errand("E9", "Bakung", "uptd-ppa-bdg/Dede", "klinik-teduh", "mental_health", goes="draft"),
    Errand("E10", "Lavender", "uptd-ppa-bdg/Euis", "pkm-cempaka", "medical_exam", goes="draft"),
    Errand("E11", "Alamanda", BDG, "lbh-pasundan", "legal_consult", goes="submitted"),
    Errand(
        "E12", "Soka", BDG, "pkm-cempaka", "medical_exam", goes="submitted",
        then=(("uptd-ppa-bdg/Ratna", "send_back", {"event_reason": "incomplete", "note": "Tanyakan lagi jam amannya, lalu ajukan kembali."}),),
    ),
    Errand("E13", "Wijaya", JBR, "lbh-pasundan", "legal_consult", goes="submitted"),
    Errand(
        "E14", "Tulip", BDG, "uptd-ppa-imy", "family_tracing", ago=timedelta(days=1),
        then=(
            ("uptd-ppa-imy/Kartini", "open_preview", {}),
            ("uptd-ppa-imy/Kartini", "accept", {"handler": "uptd-ppa-imy/Kartini", "first_contact_by": "P2D"}),
        ),
    ),
)  # fmt: skip


def scenario_of(errand: Errand) -> dict[str, Any]:
    """Return an errand as a scenario that the player plays."""
    steps = [step | {"step": number, "at": f"PT{number * 5}M"} for number, step in enumerate(_steps(errand), 1)]
    return {"code": errand.code, "start": STARTED, "given": _given(errand.given), "steps": steps}


def _steps(errand: Errand) -> Iterator[dict[str, Any]]:
    sent = errand.goes == "sent"
    yield _step(errand.sender, "case.open")
    yield _step(errand.sender, "case.edit", sections=["profile", "identity", "safety", "safe_contact"])
    if errand.goes != "draft":
        purpose = protocol.current().service(errand.service).purpose
        yield _step(
            errand.sender, "consent.give", id="C1", agency=errand.recipient, purpose=purpose, sections=SECTIONS, form="adult_release", given_by="self",
            method="written", signers=1,
        )  # fmt: skip
    yield _step(errand.sender, "referral.create", service=errand.service, recipient_agency=errand.recipient, urgency=errand.urgency)
    if errand.goes == "submitted":
        yield _step(errand.sender, "referral.submit", basis="C1")
    if sent:
        yield _step(errand.sender, "referral.send", basis="C1", sections=SECTIONS, safe_contact_read=True, recipient_confirmed=True)
    for who, event, inputs in errand.then:
        yield _step(who, f"referral.{event}", **inputs)


def _step(who: str, do: str, **given: Any) -> dict[str, Any]:
    return {"by": who, "who": who, "do": do, "ref": "R1", "with": given, "expect": {}}


def _given(name: str) -> dict[str, Any]:
    """Return the survivor of an errand: fictional, grown, with nothing but what every sending needs."""
    return {
        "profile": {
            "age_band": "25_44", "sex": "P", "is_child": False, "with_children": False, "nationality_group": "WNI", "origin_region": "32.73",
            "languages": ["id", "su"], "access_needs": ["none"],
        },
        "identity": {"given": name, "age": 30, "nik_ends": "0000"},
        "safety": {"risk_level": "medium", "safe_now": True},
        "safe_contact": {"method": ["whatsapp"], "contact_allowed": True, "phone_shared": False},
        "consent": {"stats_allowed": False},
    }  # fmt: skip
