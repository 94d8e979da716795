"""Flows in the shop's marketing reports, at the wire."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import responses
from responses.registries import OrderedRegistry

from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.shopify.writer import ShopifyWriter
from connectors.transport import StoreTransport
from connectors.writing import FlowActivity, FlowEngagement

SHOP = "ritorno-test.myshopify.com"
URL = f"https://{SHOP}/admin/api/2026-10/graphql.json"
ACTIVITY = FlowActivity(
    name="flow:welcome",
    title="Ritorno: welcome",
    is_running=True,
    started_at=datetime(2026, 11, 1, 9, tzinfo=UTC),
    url="https://ritorno.example/app/flows/welcome",
    utm=("ritorno", "email", "welcome"),
)
DAY = FlowEngagement(
    day=date(2026, 11, 2),
    utc_offset=timedelta(hours=1),
    sent=12,
    clicks=5,
    unique_clicks=3,
    orders=2,
    sales="37.50",
    currency="EUR",
)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """The shop's answers, each given once, in order."""
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


@pytest.fixture
def writer() -> ShopifyWriter:
    """The shop."""
    return ShopifyWriter("https://{shop}", SHOP, "shpat_test", StoreTransport())


def answer(wire: responses.RequestsMock, *codes: str) -> responses.BaseResponse:
    """The next answer of the shop."""
    call: responses.BaseResponse = wire.post(
        URL, json={"data": {"reported": {"userErrors": [{"code": code} for code in codes]}}}
    )
    return call


def variables(call: responses.BaseResponse) -> Any:
    """What was asked with a call."""
    return json.loads(call.calls[0].request.body or "")["variables"]


def test_a_flow_is_an_activity_with_the_tags_of_its_links(
    writer: ShopifyWriter, wire: responses.RequestsMock
) -> None:
    call = answer(wire)

    writer.report_activity(ACTIVITY)

    assert variables(call)["input"] == {
        "remoteId": "ritorno:flow:welcome",
        "title": "Ritorno: welcome",
        "status": "ACTIVE",
        "remoteUrl": "https://ritorno.example/app/flows/welcome",
        "marketingChannelType": "EMAIL",
        "tactic": "NEWSLETTER",
        "utm": {"source": "ritorno", "medium": "email", "campaign": "welcome"},
        "start": "2026-11-01T09:00:00+00:00",
    }


def test_a_flow_that_is_off_is_paused(writer: ShopifyWriter, wire: responses.RequestsMock) -> None:
    call = answer(wire)

    writer.report_activity(replace(ACTIVITY, is_running=False, started_at=None))

    asked = variables(call)["input"]
    assert (asked["status"], "start" in asked) == ("PAUSED", False)


TOLD = {
    "remoteId": "ritorno:flow:welcome",
    "engagement": {
        "occurredOn": "2026-11-02",
        "utcOffset": "+01:00",
        "sendsCount": 12,
        "clicksCount": 5,
        "uniqueClicksCount": 3,
        "orders": "2",
        "sales": {"amount": "37.50", "currencyCode": "EUR"},
    },
}


def test_a_day_is_told_of_the_activity_that_is_known(
    writer: ShopifyWriter, wire: responses.RequestsMock
) -> None:
    call = answer(wire)

    writer.report_engagement(ACTIVITY, DAY)

    assert variables(call) == TOLD


def test_an_activity_that_the_shop_does_not_know_is_made_and_the_day_told_again(
    writer: ShopifyWriter, wire: responses.RequestsMock
) -> None:
    calls = [answer(wire, "INVALID_REMOTE_ID"), answer(wire), answer(wire)]

    writer.report_engagement(ACTIVITY, DAY)

    first, made, again = map(variables, calls)
    assert (first, made["input"]["remoteId"], again) == (TOLD, "ritorno:flow:welcome", TOLD)


@pytest.mark.parametrize(
    ("hours", "shown"), [(-3.5, "-03:30"), (0, "+00:00"), (5.75, "+05:45"), (-10, "-10:00")]
)
def test_offsets_are_written_as_shopify_reads_them(
    writer: ShopifyWriter, wire: responses.RequestsMock, hours: float, shown: str
) -> None:
    call = answer(wire)

    writer.report_engagement(ACTIVITY, replace(DAY, utc_offset=timedelta(hours=hours)))

    assert variables(call)["engagement"]["utcOffset"] == shown


@pytest.mark.parametrize(
    ("codes", "is_permanent"), [(("INVALID", None, "INVALID"), True), (("DELETE_JOB_ENQUEUED",), False)]
)
def test_a_refusal_is_for_good_unless_shopify_is_still_tidying_up(
    writer: ShopifyWriter, wire: responses.RequestsMock, codes: tuple[str | None, ...], *, is_permanent: bool
) -> None:
    for code in codes:
        answer(wire, *([code] if code else []))

    with pytest.raises(ConnectorError, match=codes[-1]) as failure:
        writer.report_engagement(ACTIVITY, DAY)

    assert failure.value.permanent is is_permanent


def test_a_shop_that_lets_us_in_no_more_is_asked_once(
    writer: ShopifyWriter, wire: responses.RequestsMock
) -> None:
    wire.post(URL, status=401)

    with pytest.raises(Unauthorized):
        writer.report_engagement(ACTIVITY, DAY)
