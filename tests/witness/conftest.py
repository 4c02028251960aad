import threading

import pytest

from referral_hub.witness import keys
from referral_hub.witness.cosigning import Witness
from referral_hub.witness.memory import Memory
from referral_hub.witness.server import WitnessServer
from tests.witness.logs import KEY, NOW


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "state")


@pytest.fixture
def witness_keys(tmp_path):
    return keys.make("witness.test/w1", tmp_path / "key", ml_dsa=True)


@pytest.fixture
def witness(memory, witness_keys):
    return Witness(witness_keys, memory, [KEY.vkey()])


@pytest.fixture
def server(witness):
    """The witness served over HTTP; its address."""
    made = WitnessServer(("127.0.0.1", 0), witness, clock=lambda: NOW)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()
    made.server_close()
    thread.join()
