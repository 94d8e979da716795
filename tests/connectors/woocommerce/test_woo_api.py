"""The REST API as a Storefront: listings, look-ups, vouchers, webhooks, and what refusals mean."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import (
    ConnectorError,
    CustomerRecord,
    Money,
    OrderOutline,
    OrderRecord,
    ProductRecord,
    Record,
    Resource,
    Storefront,
)
from connectors.storefronts.woocommerce.api import WooStorefront
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import read_resource
from tests.connectors.woocommerce.woo_wire import Answers, Connect, Deliveries, FakeStore, Json

START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def order_row(order_id: int, changed_at: datetime = START, **changes: object) -> dict[str, object]:
    moment = changed_at.strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "id": order_id,
        "status": "processing",
        "currency": "EUR",
        "total": "10.00",
        "date_created_gmt": moment,
        "date_modified_gmt": moment,
        **changes,
    }


def paging_headers(captured: Json) -> dict[str, str]:
    return {name: text for name, text in captured["headers"].items() if name.startswith("X-WP-")}


def read_all(
    storefront: WooStorefront,
    resource: Resource,
    updated_since: datetime | None = None,
    between_pages: Callable[[], None] = lambda: None,
) -> list[Record]:
    cursor: str | None = None
    found: list[Record] = []
    for _ in range(100):
        page = storefront.page(resource, cursor=cursor, updated_since=updated_since)
        found += page.records
        cursor = page.cursor
        if cursor is None:
            return found
        between_pages()
    raise AssertionError("the listing does not end")


def ids_of(found: Sequence[Record]) -> list[str | None]:
    told = [record for record in found if isinstance(record, OrderRecord | ProductRecord)]
    assert len(told) == len(found)
    return [record.external_id for record in told]


def test_it_is_a_storefront(connect: Connect, store: FakeStore) -> None:
    storefront: Storefront = connect()

    identity = storefront.identity()

    assert identity.store_uid == "a94069bb-7a1c-4956-9421-e10bbb84dc3b"
    assert (identity.plugins, identity.postal_address) == (("woocommerce",), "")


def test_counts_come_from_the_paging_header(connect: Connect, store: FakeStore, rest_answer: Answers) -> None:
    store.rows["customers"] = rest_answer("rest_customers_role_all")

    assert connect().count(Resource.CUSTOMERS) == 7
    assert store.queries("/customers")[0]["per_page"] == "1"


def test_a_count_that_a_proxy_dropped_is_unknown(connect: Connect, store: FakeStore) -> None:
    store.overrides["/wc/v3/orders"] = (200, {}, "[]")

    assert connect().count(Resource.ORDERS) is None


def test_captured_listings_become_records(connect: Connect, store: FakeStore, rest_answer: Answers) -> None:
    store.rows["orders"] = rest_answer("rest_orders_status_any")
    store.rows["customers"] = rest_answer("rest_customers_role_all")
    store.rows["products"] = rest_answer("rest_products_modified_after")
    storefront = connect()

    orders = storefront.page(Resource.ORDERS, cursor=None, updated_since=None)
    customers = storefront.page(Resource.CUSTOMERS, cursor=None, updated_since=None)
    products = storefront.page(Resource.PRODUCTS, cursor=None, updated_since=None)

    assert [type(record) for record in orders.records] == [OrderRecord] * 15
    assert [type(record) for record in customers.records] == [CustomerRecord] * 7
    assert [type(record) for record in products.records] == [ProductRecord] * 4
    assert (orders.cursor, orders.total) == (None, 15)


def _cut(row: Json, fields: str) -> Json:
    """What WordPress leaves of an object by `_fields`."""
    names = [name.partition(".")[::2] for name in fields.split(",")]
    return {
        key: {name: row[key][name] for name in inner if name in row[key]} if all(inner) else row[key]
        for key in row
        if (inner := [inside for name, inside in names if name == key])
    }


def test_the_listing_of_customers_is_asked_for_all_that_is_read(
    connect: Connect, store: FakeStore, rest_answer: Answers
) -> None:
    rows = rest_answer("rest_customers_role_all")
    rows[0]["meta_data"] = [{"id": 1, "key": "born", "value": "1988-11-22"}, {"key": "news", "value": "1"}]
    rows[1] |= {"first_name": "", "last_name": ""}
    rows[2]["billing"]["email"] = "deleted@site.invalid"
    store.rows["customers"] = rows
    mapping = MetaMapping(email_consent_key="news", birthday_key="born")
    connect().page(Resource.CUSTOMERS, cursor=None, updated_since=None)
    (query,) = store.queries("/customers")

    cut = [read_resource(Resource.CUSTOMERS, _cut(row, query["_fields"]), mapping) for row in rows]

    assert cut == [read_resource(Resource.CUSTOMERS, row, mapping) for row in rows]
    assert sum(len(json.dumps(_cut(row, query["_fields"]))) for row in rows) < len(json.dumps(rows)) / 2


def test_a_full_scan_goes_by_number_in_id_order(connect: Connect, store: FakeStore) -> None:
    store.rows["orders"] = [order_row(number) for number in range(250, 0, -1)]

    found = read_all(connect(), Resource.ORDERS)

    assert ids_of(found) == [str(number) for number in range(1, 251)]
    assert [query["page"] for query in store.queries("/orders")] == ["1", "2", "3"]
    assert {(query["orderby"], query["order"], query["per_page"]) for query in store.queries("/orders")} == {
        ("id", "asc", "100")
    }


def test_the_captured_page_beyond_the_end_is_the_end(
    connect: Connect, store: FakeStore, captured_file: Answers
) -> None:
    captured = captured_file("rest_orders_page_beyond")
    store.overrides["/wc/v3/orders"] = (captured["status"], paging_headers(captured), captured["body"])

    page = connect().page(Resource.ORDERS, cursor="99", updated_since=None)

    assert (page.records, page.cursor) == ((), None)


def test_a_listing_without_paging_headers_ends_with_a_short_page(connect: Connect, store: FakeStore) -> None:
    rows = json.dumps([order_row(number) for number in range(1, 101)])
    store.overrides["/wc/v3/orders"] = (200, {}, rows)

    full = connect().page(Resource.ORDERS, cursor=None, updated_since=None)
    store.overrides["/wc/v3/orders"] = (200, {}, json.dumps([order_row(101)]))
    short = connect().page(Resource.ORDERS, cursor=full.cursor, updated_since=None)

    assert (full.cursor, short.cursor) == ("2", None)


def test_changes_are_asked_for_in_utc_oldest_first(connect: Connect, store: FakeStore) -> None:
    store.rows["orders"] = [order_row(1)]

    page = connect().page(Resource.ORDERS, cursor=None, updated_since=START)

    [query] = store.queries("/orders")
    assert query["modified_after"] == "2026-11-22T00:59:59"
    assert (query["dates_are_gmt"], query["orderby"], query["order"]) == ("true", "modified", "asc")
    assert ids_of(page.records) == ["1"]


def test_changed_orders_are_listed_in_outline(connect: Connect, store: FakeStore) -> None:
    store.rows["orders"] = [
        order_row(1, date_paid_gmt=None, status="pending"),
        order_row(2, START + timedelta(seconds=1), refunds=[{"id": 9, "total": "-4.00"}]),
    ]

    page = connect().outline_orders(cursor=None, updated_since=START)

    [query] = store.queries("/orders")
    assert (query["modified_after"], query["orderby"]) == ("2026-11-22T00:59:59", "modified")
    assert query["_fields"].split(",")[:2] == ["id", "status"]
    assert page.cursor is None
    assert page.outlines == (
        OrderOutline("1", START, "pending", Money("10.00", "EUR"), None, "open"),
        OrderOutline(
            "2",
            START + timedelta(seconds=1),
            "partially_refunded",
            Money("10.00", "EUR"),
            Money("4.00", "EUR"),
            "open",
        ),
    )


def test_an_outline_says_what_the_whole_order_says(
    connect: Connect, store: FakeStore, rest_answer: Answers
) -> None:
    store.rows["orders"] = rest_answer("rest_orders_status_any")
    storefront = connect()

    outlined = storefront.outline_orders(cursor=None, updated_since=START - timedelta(days=9999)).outlines
    whole = storefront.page(Resource.ORDERS, cursor=None, updated_since=None).records

    by_id = {record.external_id: record for record in whole if isinstance(record, OrderRecord)}
    assert len(outlined) == len(by_id) == 15
    for outline in outlined:
        record = by_id[outline.external_id]
        told = (record.updated_at, record.financial_status, record.total, record.refunded_total)
        assert (
            outline.updated_at,
            outline.financial_status,
            outline.total,
            outline.refunded_total,
        ) == told
        assert outline.status == record.status


def test_a_changed_listing_goes_on_from_its_cursor_in_outline(connect: Connect, store: FakeStore) -> None:
    store.rows["orders"] = [order_row(number, START + timedelta(seconds=number)) for number in range(1, 151)]
    storefront = connect()

    first = storefront.outline_orders(cursor=None, updated_since=START)
    second = storefront.outline_orders(cursor=first.cursor, updated_since=START)

    seen = {outline.external_id for outline in (*first.outlines, *second.outlines)}
    assert (len(first.outlines), len(seen), second.cursor) == (100, 150, None)


def test_orders_by_id_are_read_a_hundred_a_call(connect: Connect, store: FakeStore) -> None:
    store.rows["orders"] = [order_row(number) for number in range(1, 151)]

    found = list(connect().fetch_orders([str(number) for number in range(1, 152)]))

    queries = store.queries("/orders")
    assert [len(query["include"].split(",")) for query in queries] == [100, 51]
    assert {query["per_page"] for query in queries} == {"100"}
    assert [ids_of(records)[-1] for records in found] == ["100", "150"]


def test_the_total_of_changes_is_told_once_because_it_shrinks_while_we_read(
    connect: Connect, store: FakeStore
) -> None:
    rows = [order_row(number, START + timedelta(seconds=number)) for number in range(1, 151)]
    store.rows["orders"] = rows
    storefront = connect()

    first = storefront.page(Resource.ORDERS, cursor=None, updated_since=START)
    second = storefront.page(Resource.ORDERS, cursor=first.cursor, updated_since=START)

    assert (first.total, second.total) == (150, None)


def test_a_change_while_we_read_pushes_nothing_over_the_border_of_a_page(
    connect: Connect, store: FakeStore
) -> None:
    rows = [order_row(number, START + timedelta(seconds=number)) for number in range(1, 251)]
    store.rows["orders"] = rows

    def change_the_first() -> None:
        later = START + timedelta(hours=1)
        rows[0] = order_row(1, later)

    found = read_all(connect(), Resource.ORDERS, START, change_the_first)

    assert set(ids_of(found)) == {str(number) for number in range(1, 251)}


def test_more_changes_in_one_second_than_a_page_holds_are_all_read(
    connect: Connect, store: FakeStore
) -> None:
    store.rows["products"] = [
        {**order_row(number), "status": "publish", "type": "simple"} for number in range(1, 351)
    ]

    found = read_all(connect(), Resource.PRODUCTS, START)

    assert set(ids_of(found)) == {str(number) for number in range(1, 351)}


def test_an_object_that_cannot_be_read_stops_only_itself(
    connect: Connect, store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.rows["orders"] = [
        order_row(1),
        order_row(2, total="12,50"),
        order_row(3, number="\x00"),
        order_row(4),
    ]

    page = connect().page(Resource.ORDERS, cursor=None, updated_since=None)

    assert ids_of(page.records) == ["1", "4"]
    assert "id 2" in caplog.text
    assert "12,50" not in caplog.text


def test_an_error_object_in_a_list_stops_only_itself(connect: Connect, store: FakeStore) -> None:
    store.overrides["/wc/v3/orders"] = (
        200,
        {},
        json.dumps([{"id": 5, "error": {}}, order_row(6), "x", None]),
    )

    page = connect().page(Resource.ORDERS, cursor=None, updated_since=None)

    assert ids_of(page.records) == ["6"]


def test_a_resource_is_fetched_as_it_is_now(connect: Connect, store: FakeStore) -> None:
    store.rows["orders"] = [order_row(5, status="completed")]

    found = connect().fetch(Resource.ORDERS, "5")

    assert isinstance(found, OrderRecord)
    assert found.is_paid


def test_what_is_gone_or_in_the_trash_is_none(connect: Connect, store: FakeStore) -> None:
    store.rows["orders"] = [order_row(5, status="trash")]

    assert connect().fetch(Resource.ORDERS, "5") is None
    assert connect().fetch(Resource.ORDERS, "6") is None


def test_the_captured_not_found_is_none(connect: Connect, store: FakeStore, captured_file: Answers) -> None:
    captured = captured_file("rest_err_404")
    store.overrides["/wc/v3/customers/999"] = (captured["status"], {}, captured["body"])

    assert connect().fetch(Resource.CUSTOMERS, "999") is None


@pytest.mark.parametrize(
    ("body", "is_permanent"),
    [
        ('{"code":"rest_no_route","message":"","data":{"status":404}}', True),
        ("<html>Not found</html>", False),
    ],
)
def test_a_store_that_is_switched_off_or_moved_has_not_lost_its_orders(
    connect: Connect, store: FakeStore, body: str, is_permanent: bool
) -> None:
    store.overrides["/wc/v3/orders/5"] = (404, {}, body)

    with pytest.raises(ConnectorError) as caught:
        connect().fetch(Resource.ORDERS, "5")

    assert caught.value.permanent is is_permanent


def test_a_variations_id_gives_its_parent(
    connect: Connect, store: FakeStore, rest_answer: Answers, delivery: Deliveries
) -> None:
    variation = json.loads(delivery("hpos_004_product_created").body)
    store.rows["products"] = [*rest_answer("rest_products_modified_after"), variation]

    found = connect().fetch(Resource.PRODUCTS, str(variation["id"]))

    assert isinstance(found, ProductRecord)
    assert found.external_id == str(variation["parent_id"])


def test_an_anonymised_order_is_fetched_without_its_customer(connect: Connect, store: FakeStore) -> None:
    store.rows["orders"] = [order_row(5, billing={"email": "deleted@site.invalid"})]

    found = connect().fetch(Resource.ORDERS, "5")

    assert isinstance(found, OrderRecord)
    assert (found.external_id, found.customer) == ("5", None)


@pytest.mark.parametrize("wrong", ["", "../system_status", "5?force=true", "١"])
def test_only_an_id_gets_into_an_address(connect: Connect, store: FakeStore, wrong: str) -> None:
    with pytest.raises(ConnectorError):
        connect().fetch(Resource.ORDERS, wrong)

    assert store.requests == []
