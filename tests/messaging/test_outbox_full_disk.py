"""A disk that fills up between a call and its record: nothing leaves twice, and the doubt is named."""

from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import update
from sqlalchemy.engine import make_url

from app.errors import Busy
from app.runtime import Runtime
from jobs import outbox
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.messaging.outbox_seed import MESSAGES, Post, Shop, open_shop

MINUTE = timedelta(minutes=1)
LONG_AGO = NOW.replace(year=2000)
_REFUSE = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END"
_FILL = (
    f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${_REFUSE}$$",
    """CREATE TRIGGER full_disk BEFORE UPDATE ON messages FOR EACH ROW
    WHEN (OLD.status = 'sending') EXECUTE FUNCTION refuse()""",
)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop whose welcome mails are on."""
    return open_shop(runtime)


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_what_left_before_the_disk_was_full_leaves_once(shop: Shop) -> None:
    ids = [shop.add_message() for _ in range(3)]
    kit = shop.kit(post := Post())
    with psycopg.connect(_owner(shop), autocommit=True) as owner:
        for statement in _FILL:
            owner.execute(statement.encode())

    for minutes in range(3):
        with suppress(Busy):
            outbox.run(kit, NOW + minutes * MINUTE)
    full = shop.statuses()
    with psycopg.connect(_owner(shop), autocommit=True) as owner:
        owner.execute("DROP TRIGGER full_disk ON messages")
    with shop.database.write() as session:
        session.execute(update(MESSAGES).where(MESSAGES.c.store_id == shop.id).values(lease_until=LONG_AGO))
    for minutes in range(3, 6):
        outbox.run(kit, NOW + minutes * MINUTE)

    assert sorted(post.sent_ids) == ids
    assert (full, shop.statuses()) == (["sending"] * 3, ["unknown"] * 3)


def _owner(shop: Shop) -> str:
    url = make_url(shop.runtime.settings.database).set(drivername="postgresql")
    return url.render_as_string(hide_password=False)
