import pytest
from sqlalchemy import text

from tests.factories import Network
from tests.referrals.story import NOW, Story


@pytest.fixture
def network(session, tmp_path):
    return Network(session, tmp_path, now=NOW)


@pytest.fixture
def story(session, network):
    """UPTD (Sari, who sends) and legal aid (Santi, who receives). After every test the history must lead to the rows."""
    uptd, lbh = network.agency("uptd", "social_services"), network.agency("lbh", "legal")
    network.offer(lbh, "legal_consult", "restitution")
    told = Story(session, network, uptd, lbh, network.member(uptd, "social_worker"), network.member(lbh, "lawyer"))
    yield told
    session.rollback()
    told.check_replay()


@pytest.fixture
def spoil(story, owner_engine):
    """Change the database as its owner could; afterwards nothing is left whose history would have to lead to its rows."""

    def change(*statements):
        with owner_engine.begin() as connection:
            for statement in statements:
                assert connection.execute(text(statement)).rowcount

    yield change
    story.session.rollback()
    with owner_engine.begin() as connection:
        connection.execute(text("TRUNCATE referral_event, referral_basis, referral CASCADE"))
