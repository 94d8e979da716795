"""What reaches the embedded server together goes to the inbox together, and is answered each by itself."""

import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.models import Store
from app.runtime import Runtime
from tests.engines import SQLITE
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import Serving
from tests.webhooks.webhooks_raw import raw, statuses
from tests.webhooks.webhooks_shops import connect_shopify, new_order_of

pytestmark = pytest.mark.parametrize("engine", [SQLITE])
_HANGS_UP = struct.pack("ii", 1, 0)
"""SO_LINGER by which closing resets the connection."""


@pytest.fixture
def store(runtime: Runtime, served: Serving) -> Store:
    """A shop that the server has heard of, so that its deliveries need no thread."""
    found = connect_shopify(runtime)
    _greet(served, found)
    return found


def _greet(served: Serving, store: Store) -> None:
    first = new_order_of(store, "first")
    served.post(first.path, first.headers, first.body)


def test_one_told_many_times_at_once_is_kept_once_for_each_store(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    other = connect_shopify(runtime)
    _greet(served, other)
    told = [raw(new_order_of(one, "same")) * 10 for one in (store, other)] * 6

    with ThreadPoolExecutor(len(told)) as crew:
        answers = list(crew.map(lambda requests: statuses(served.port, requests, 10), told))

    assert answers == [[200] * 10] * len(told)
    for one in (store, other):
        assert sorted(row.dedupe_key for row in Inbox(runtime, one).rows()) == ["first", "same"]


def test_whoever_hangs_up_before_the_answer_keeps_no_other_from_theirs(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    for number in range(40):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(raw(new_order_of(store, f"gone-{number}")) * (1 + number % 3))
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HANGS_UP)
    stays = [f"stays-{number}" for number in range(20)]

    answers = statuses(served.port, b"".join(raw(new_order_of(store, key)) for key in stays), len(stays))

    keys = [row.dedupe_key for row in Inbox(runtime, store).rows()]
    assert answers == [200] * len(stays)
    assert set(stays) <= set(keys)
    assert len(keys) == len(set(keys))
