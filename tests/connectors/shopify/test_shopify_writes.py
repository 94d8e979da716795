"""What is written into a shop, at the wire: in Shopify's words, its refusals told apart from its failures."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import responses
from responses.registries import OrderedRegistry

from connectors.base import ConnectorError, ConsentState, Unauthorized
from connectors.storefronts.shopify.writer import ShopifyWriter
from connectors.transport import StoreTransport
from connectors.writing import ConsentChange, NotSupported, TagChange

SHOP = "ritorno-test.myshopify.com"
URL = f"https://{SHOP}/admin/api/2026-10/graphql.json"
SAID_AT = datetime(2026, 11, 2, 10, 0, 0, 900_000, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """The shop's answers, each given once, in order."""
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


@pytest.fixture
def writer() -> ShopifyWriter:
    """The shop."""
    return ShopifyWriter("https://{shop}", SHOP, "shpat_test", StoreTransport())


def answer(wire: responses.RequestsMock, data: Any, **extra: Any) -> responses.BaseResponse:
    """The next answer of the shop."""
    call: responses.BaseResponse = wire.post(URL, json={"data": data, **extra})
    return call


def variables(call: responses.BaseResponse) -> Any:
    """What was asked with a call."""
    return json.loads(call.calls[0].request.body or "")["variables"]


def change(**values: Any) -> ConsentChange:
    """Somebody unsubscribed from mails."""
    fields = {
        "customer_external_id": "7064055069300084",
        "channel": "email",
        "state": ConsentState.UNSUBSCRIBED,
        "basis": None,
        "occurred_at": SAID_AT,
    }
    return ConsentChange(**(fields | values))


WRITTEN: dict[str, Any] = {"written": {"userErrors": []}}


def test_a_withdrawal_is_written_with_its_own_moment(
    writer: ShopifyWriter, wire: responses.RequestsMock
) -> None:
    call = answer(wire, WRITTEN)

    writer.write_consent(change())

    assert variables(call)["input"] == {
        "customerId": "gid://shopify/Customer/7064055069300084",
        "emailMarketingConsent": {
            "marketingState": "UNSUBSCRIBED",
            "consentUpdatedAt": "2026-11-02T09:00:00Z",
        },
    }


def test_a_confirmed_consent_to_texts_is_written_as_one(
    writer: ShopifyWriter, wire: responses.RequestsMock
) -> None:
    call = answer(wire, WRITTEN)

    writer.write_consent(change(channel="sms", state=ConsentState.SUBSCRIBED, basis="double_opt_in"))

    asked = variables(call)["input"]["smsMarketingConsent"]
    assert (asked["marketingState"], asked["marketingOptInLevel"]) == ("SUBSCRIBED", "CONFIRMED_OPT_IN")


@pytest.mark.parametrize("values", [{"channel": "tracking"}, {"state": ConsentState.UNKNOWN}])
def test_what_shopify_does_not_keep_is_not_asked(writer: ShopifyWriter, values: dict[str, Any]) -> None:
    with pytest.raises(NotSupported):
        writer.write_consent(change(**values))


def test_a_refusal_is_for_good_and_quotes_nobody(writer: ShopifyWriter, wire: responses.RequestsMock) -> None:
    errors = [{"field": ["input"], "code": "INVALID", "message": "zoe@example.com"}, {"code": "INCLUSION"}]
    answer(wire, {"written": {"userErrors": errors}})

    with pytest.raises(ConnectorError) as failure:
        writer.write_consent(change())

    assert failure.value.permanent
    assert str(failure.value) == "Shopify refused the consent (INCLUSION, INVALID)"


@pytest.mark.parametrize(
    ("errors", "is_permanent"),
    [
        ([{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}], True),
        ([{"message": "slow", "extensions": {"code": "THROTTLED"}}], False),
        ([{"message": "broken", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}], False),
    ],
)
def test_errors_above_the_answer_are_told_apart(
    writer: ShopifyWriter, wire: responses.RequestsMock, errors: list[Any], *, is_permanent: bool
) -> None:
    answer(wire, None, errors=errors)

    with pytest.raises(ConnectorError) as failure:
        writer.write_consent(change())

    assert failure.value.permanent is is_permanent


@pytest.mark.parametrize("data", [{}, {"written": None}, {"written": {"userErrors": "none"}}])
def test_an_answer_that_breaks_the_schema_is_no_success(
    writer: ShopifyWriter, wire: responses.RequestsMock, data: Any
) -> None:
    answer(wire, data)

    with pytest.raises(ConnectorError):
        writer.write_consent(change())


def test_tags_are_taken_and_given_without_touching_others(
    writer: ShopifyWriter, wire: responses.RequestsMock
) -> None:
    calls = [answer(wire, WRITTEN), answer(wire, WRITTEN)]

    writer.write_tags(TagChange("7", added=("hot", "lead"), removed=("warm",)))

    customer = "gid://shopify/Customer/7"
    assert [variables(call) for call in calls] == [
        {"id": customer, "tags": ["warm"]},
        {"id": customer, "tags": ["hot", "lead"]},
    ]
    assert "tagsRemove" in str(calls[0].calls[0].request.body)


def test_refused_tags_are_refused_for_good(writer: ShopifyWriter, wire: responses.RequestsMock) -> None:
    answer(wire, {"written": {"userErrors": [{"field": ["id"]}]}})

    with pytest.raises(ConnectorError, match="refused the tags") as failure:
        writer.write_tags(TagChange("7", added=("hot",), removed=()))

    assert failure.value.permanent


def test_a_refused_token_says_so(writer: ShopifyWriter, wire: responses.RequestsMock) -> None:
    wire.post(URL, status=401)

    with pytest.raises(Unauthorized):
        writer.write_consent(change())
