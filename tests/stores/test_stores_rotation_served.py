"""Keys are rotated while deliveries come: none is refused, at whichever step of the rotation they are."""

import threading

import pytest

from app.cli.keys import _rotate
from app.config import Settings
from app.db import Database
from app.errors import Busy
from app.inbox import Kept
from app.models import Store
from app.runtime import Runtime
from tests.engines import POSTGRESQL, SQLITE
from tests.stores.test_stores_rotation import ARGUMENTS, NEW, OLD
from tests.webhooks.webhooks_shops import connect_woocommerce, woo_delivery
from webhooks.deliveries import Deliveries
from webhooks.posted import Posted

_SHOPS = 12


@pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])
def test_no_delivery_is_refused_while_keys_are_rotated(settings: Settings, database: Database) -> None:
    old, both, new = (_process(settings, database, keys) for keys in (OLD, f"{NEW},{OLD}", NEW))
    shops = [connect_woocommerce(old) for _ in range(_SHOPS)]
    posted = [_posted(old, shop) for shop in shops]
    done = threading.Event()
    taken: list[bool] = []

    def deliver() -> None:
        while not done.is_set():
            taken.extend(_taken(both, one) for one in posted)

    delivering = threading.Thread(target=deliver)
    delivering.start()
    _rotate(both, ARGUMENTS)
    done.set()
    delivering.join()

    assert taken
    assert all(taken)
    assert all(_taken(new, one) for one in posted)
    with pytest.raises(Busy):  # 503, not 401: who was forgotten at the restart loses nothing.
        _taken(old, posted[0])


def _process(settings: Settings, database: Database, keys: str) -> Runtime:
    """A process of an operator who gave it these keys."""
    known = settings.model_copy(update={"encryption_keys": keys, "allow_private_stores": True})
    return Runtime.build(known, database.over_all_stores())


def _posted(runtime: Runtime, shop: Store) -> Posted:
    sent = woo_delivery(runtime, shop, "order.updated", b'{"id":1}')
    headers = {name.lower(): value for name, value in sent.headers}
    return Posted(sent.path.removeprefix("/webhooks/"), "", headers, sent.body)


def _taken(runtime: Runtime, posted: Posted) -> bool:
    """By a door that has just been opened, so that it reads the shop's secret now."""
    return isinstance(Deliveries(runtime).check(posted), Kept)
