import pytest

from tests.accounts.world import Network


@pytest.fixture
def network(session, tmp_path):
    """A hub with a network secretariat whose first administrator has a link."""
    return Network(session, tmp_path)
