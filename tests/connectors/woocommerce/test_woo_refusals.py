"""What a store's refusals mean to whoever asked."""

import pytest

from connectors.base import ConnectorError, Resource, Unauthorized
from tests.connectors.woocommerce.woo_wire import Connect, FakeStore


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (401, {}, '{"code":"woocommerce_rest_cannot_view","message":""}', (Unauthorized, True, None)),
        (401, {}, "<html>Password?</html>", (Unauthorized, True, None)),
        (403, {}, '{"code":"woocommerce_rest_cannot_view","message":""}', (Unauthorized, True, None)),
        (403, {"Retry-After": "60"}, "<html>Blocked</html>", (ConnectorError, False, 60)),
        (404, {}, '{"code":"rest_no_route","message":""}', (ConnectorError, True, None)),
        (400, {}, '{"code":"rest_invalid_param","message":""}', (ConnectorError, True, None)),
        (429, {"Retry-After": "7"}, '{"code":"slow_down","message":""}', (ConnectorError, False, 7)),
        (503, {"retry-after": "120"}, "<html>Maintenance</html>", (ConnectorError, False, 120)),
        (503, {"Retry-After": "soon"}, "", (ConnectorError, False, None)),
        (500, {}, '{"code":"internal_server_error","message":""}', (ConnectorError, False, None)),
        (301, {"Location": "https://x.example.test/"}, "", (ConnectorError, False, None)),
        (200, {}, "<html>Welcome</html>", (ConnectorError, False, None)),
        (200, {}, '{"not":"a list"}', (ConnectorError, False, None)),
    ],
)
def test_refusals_say_whether_to_try_again(
    connect: Connect,
    store: FakeStore,
    status: int,
    headers: dict[str, str],
    body: str,
    expected: tuple[type[Exception], bool, int | None],
) -> None:
    store.overrides["/wc/v3/orders"] = (status, headers, body)

    with pytest.raises(ConnectorError) as caught:
        connect().page(Resource.ORDERS, cursor=None, updated_since=None)

    error = caught.value
    kind, is_permanent, retry_after = expected
    assert isinstance(error, Unauthorized) is (kind is Unauthorized)
    assert (error.permanent, error.retry_after_seconds) == (is_permanent, retry_after)


def test_no_words_of_the_store_get_into_an_error(connect: Connect, store: FakeStore) -> None:
    body = '{"code":"Bad <b>","message":"lucia@example.test is invalid","data":{"status":400}}'
    store.overrides["/wc/v3/orders"] = (400, {}, body)

    with pytest.raises(ConnectorError) as caught:
        connect().page(Resource.ORDERS, cursor=None, updated_since=None)

    assert "lucia" not in str(caught.value)
    assert "<b>" not in str(caught.value)
