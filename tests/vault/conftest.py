"""Fixtures of the vault's tests: a world with two agencies and a sending between them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from referral_hub.vault.opening import gather, unseal
from referral_hub.vault.plain import Plain
from referral_hub.vault.sending import SendingFacts, Sent, seal_sending
from tests.vault.world import Agency, World

NOW = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def world(session, tmp_path):
    return World(session, tmp_path, NOW)


@dataclass
class Referral:
    """A sending from `sender` to `recipient`, and how to open it."""

    world: World
    sender: Agency
    recipient: Agency
    id: uuid.UUID
    contents: dict
    preview: Plain
    sent: Sent

    def facts(self, sending=1):
        return SendingFacts(self.id, sending, self.sender.id, self.recipient.id, b"c" * 32, "medical", "urgent", "referral")

    def gather(self, kind, side=None, keys=None, **options):
        side = side or (self.sender if kind == "own" else self.recipient)
        keys = keys or side.keys
        options = {"object_kind": "referral", "object_id": self.id, "now": NOW} | options
        return gather(self.world.session, member_id=keys.member_id, agency_id=side.id, kind=kind, **options)

    def open(self, kind, side=None, keys=None, expected=None, **options):
        side = side or (self.sender if kind == "own" else self.recipient)
        keys = self.world.fresh(keys or side.keys)
        return unseal(keys.hub, keys.member_key, self.gather(kind, side, keys, **options), expected_manifest_digest=expected)

    def send_again(self, sending, contents):
        return seal_sending(
            self.world.session, keys=self.sender.keys, facts=self.facts(sending), parts=contents, preview=self.preview, now=NOW
        )


@pytest.fixture
def referral(world):
    contents = {"identity": Plain.of({"name": "Sari"}), "needs": Plain.of({"medical": True})}
    made = Referral(world, world.agency(), world.agency(), uuid.uuid4(), contents, Plain.of({"age": "18_24"}), None)
    made.sent = seal_sending(world.session, keys=made.sender.keys, facts=made.facts(), parts=contents, preview=made.preview, now=NOW)
    return made
