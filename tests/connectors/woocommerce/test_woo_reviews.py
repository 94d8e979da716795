"""Reviews, which no webhook tells of: listed by when they were written."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Resource, ReviewRecord, UnreadablePayload
from connectors.storefronts.woocommerce.reviews import read_review
from tests.connectors.woocommerce.woo_wire import Answers, Connect, FakeStore

PATH = "/wc/v3/products/reviews"
LUCIA = ReviewRecord(
    external_id="30",
    product_external_id="38",
    email="lucia.hpos@example.test",
    rating=5,
    text="Ottimo!",
    status="approved",
    is_verified=True,
    written_at=datetime(2026, 11, 22, 1, 55, 47, tzinfo=UTC),
)


@pytest.fixture
def captured(rest_answer: Answers) -> list[dict[str, Any]]:
    """The reviews of a real store."""
    rows: list[dict[str, Any]] = rest_answer("rest_reviews")
    return rows


def test_a_real_review_is_read(captured: list[dict[str, Any]]) -> None:
    assert read_review(captured[0]) == LUCIA


@pytest.mark.parametrize(
    ("written", "status"),
    [("hold", "held"), ("spam", "spam"), ("", "unknown"), ("post-trashed", "post-trashed")],
)
def test_a_status_is_a_word_of_ours_or_the_shops_own(
    captured: list[dict[str, Any]], written: str, status: str
) -> None:
    assert read_review({**captured[0], "status": written}).status == status


def test_the_text_is_plain(captured: list[dict[str, Any]]) -> None:
    html = "<p>Caffè &amp; <em>crema</em></p>\n<script>x</script>"

    assert read_review({**captured[0], "review": html}).text == "Caffè & crema\nx"


@pytest.mark.parametrize(
    "changes", [{"rating": 6}, {"rating": -1}, {"product_id": 0}, {"date_created_gmt": ""}]
)
def test_what_is_no_review_is_unreadable(captured: list[dict[str, Any]], changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadablePayload):
        read_review({**captured[0], **changes})


def test_reviews_of_every_status_are_listed_and_those_of_two_weeks_again(
    store: FakeStore, connect: Connect, captured: list[dict[str, Any]]
) -> None:
    """They are listed by when they were written; the merchant approves them later."""
    totals = {"X-WP-Total": "2", "X-WP-TotalPages": "1"}
    store.overrides[PATH] = (200, totals, json.dumps(captured))

    page = connect().page(Resource.REVIEWS, cursor=None, updated_since=datetime(2026, 11, 22, 12, tzinfo=UTC))

    (query,) = store.queries("/products/reviews")
    assert (query["status"], query["after"]) == ("all", "2026-11-08T12:00:00")
    assert (query["orderby"], query["order"]) == ("id", "asc")
    assert "modified_after" not in query
    assert [record.external_id for record in page.records if isinstance(record, ReviewRecord)] == ["30", "6"]
    assert page.cursor is None


def test_a_long_list_goes_on_by_its_pages(
    store: FakeStore, connect: Connect, captured: list[dict[str, Any]]
) -> None:
    store.overrides[PATH] = (200, {"X-WP-Total": "102", "X-WP-TotalPages": "2"}, json.dumps(captured))
    storefront = connect()

    first = storefront.page(Resource.REVIEWS, cursor=None, updated_since=datetime(2026, 11, 22, tzinfo=UTC))
    second = storefront.page(Resource.REVIEWS, cursor=first.cursor, updated_since=None)

    queries = store.queries("/products/reviews")
    assert [query["page"] for query in queries] == ["1", "2"]
    assert queries[0]["after"] == queries[1]["after"] == "2026-11-08T00:00:00"
    assert second.cursor is None
