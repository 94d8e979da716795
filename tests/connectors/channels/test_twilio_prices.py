"""What text messages cost, off Twilio's list: found by sid, page by page, whatever else stands there."""

from datetime import date
from typing import Any

import pytest

from connectors.base import ConnectorError
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.prices import MOST_PAGES, TextPrice
from connectors.channels.twilio.setup import TwilioSetup
from tests.connectors.channels.channel_stage import Reply, Request, Stage
from tests.connectors.channels.described import description

ACCOUNT = "AC" + "0" * 32
SINCE = date(2026, 11, 25)


def test_prices_are_found_by_sid_and_asked_from_a_day_on(stage: Stage) -> None:
    found = _prices(
        stage, _message("SM1"), _message("SM2", price="-0.15000", num_segments="2"), _message("SM9")
    )

    assert found == {"SM1": TextPrice(75_000, "USD", 1), "SM2": TextPrice(150_000, "USD", 2)}
    assert stage.only.query == {"DateSent>": "2026-11-25", "PageSize": "500"}
    assert set(stage.only.query) <= set(description("twilio")["filters"])


@pytest.mark.parametrize(
    "changes",
    [
        {"price": None},
        {"price": 0.075},
        {"price": "soon"},
        {"price": "NaN"},
        {"price": "-Infinity"},
        {"price": "-1e30"},
        {"price_unit": None},
        {"price_unit": "dollars"},
        {"sid": None},
        {"sid": ["SM1"]},
    ],
)
def test_what_is_no_price_is_none(stage: Stage, changes: dict[str, Any]) -> None:
    assert _prices(stage, _message("SM1", **changes), "no message") == {}


@pytest.mark.parametrize("parts", ["0", "", "-1", "9" * 5000, "²", None])
def test_parts_that_are_not_told_are_one(stage: Stage, parts: Any) -> None:
    assert _prices(stage, _message("SM1", num_segments=parts)) == {"SM1": TextPrice(75_000, "USD", 1)}


def test_later_pages_are_read_until_all_are_found(stage: Stage) -> None:
    def answer(request: Request) -> Reply:
        number = int(request.query.get("Page", "0"))
        following = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page={number + 1}"
        return Reply(200, {"messages": [_message(f"SM{number}")], "next_page_uri": following})

    stage.answer = answer

    found = _setup(stage).prices({"SM0", "SM2"}, SINCE)

    assert set(found) == {"SM0", "SM2"}
    assert len(stage.requests) == 3
    assert _setup(stage).prices({"nobody's"}, SINCE) == {}
    assert len(stage.requests) == 3 + MOST_PAGES


@pytest.mark.parametrize(
    "reply", [Reply(500, {}), Reply(200, []), Reply(200, {"messages": "none"}), Reply(401, {})]
)
def test_a_list_that_cannot_be_read_is_said_so(stage: Stage, reply: Reply) -> None:
    stage.says(reply)

    with pytest.raises(ConnectorError):
        _setup(stage).prices({"SM1"}, SINCE)


def _prices(stage: Stage, *messages: object) -> dict[str, TextPrice]:
    stage.says(Reply(200, {"messages": messages, "next_page_uri": None}))
    return _setup(stage).prices({"SM1", "SM2"}, SINCE)


def _setup(stage: Stage) -> TwilioSetup:
    return TwilioSetup(TwilioAccount(ACCOUNT, "t0ken", "MG" + "1" * 32, stage.url))


def _message(sid: str, /, **changes: Any) -> dict[str, Any]:
    return {"sid": sid, "price": "-0.07500", "price_unit": "USD", "num_segments": "1", **changes}
