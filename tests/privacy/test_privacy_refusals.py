"""What a database or a check refuses names the row's values: neither logs nor our own tables repeat them."""

import logging

import pytest
from sqlalchemy import text

from app.models import InboundEvent
from app.stores import credentials
from app.stores.credentials import Credentials
from tests import seeds
from tests.engines import POSTGRESQL
from tests.privacy.privacy_world import CANARIES, EMAIL, World
from tests.privacy.test_privacy_canary import dump, hits

TOKEN = "shpat_kanarienvogel"
_REFUSE = "ALTER TABLE customers ADD CONSTRAINT kept_out CHECK (store_id < 0) NOT VALID"


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_a_row_that_the_database_refuses_is_told_by_its_constraint_alone(
    shop: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    seal(shop)
    with shop.database.write() as session:
        session.execute(text(_REFUSE))

    shop.hear("customers/create")
    shop.subscribe()
    shop.tick()

    told = [error for error in seeds.values_of(shop.database, InboundEvent, "error") if error]
    logged = caplog.text + "".join(capfd.readouterr())
    assert "kept_out" in "".join(told) + logged
    assert hits("".join(told).encode()) == []
    assert [word for word in (*CANARIES, TOKEN) if word.lower() in logged.lower()] == []
    assert EMAIL in str(list(dump(shop.database)))
    assert TOKEN.encode() not in b"".join(dump(shop.database))


def seal(shop: World) -> None:
    """The shop's own token: it stands in the database under our key alone."""
    sealed = credentials.seal(shop.runtime.vault, Credentials({"access_token": TOKEN}, {}))
    with shop.database.write() as session:
        session.execute(text("UPDATE stores SET credentials = :sealed"), {"sealed": sealed})
