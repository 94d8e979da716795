"""The emulated Twilio takes good messages, refuses bad ones by number, and shows and lists what it took."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.twilio_segments import count_segments
from tests.connectors.sandbox.sandbox_providers import KNOWN, START, Pair, open_pair, sms

SEND = "/Messages.json"
OWN = KNOWN.from_numbers[0]
FIELDS = {
    *("account_sid", "api_version", "body", "date_created", "date_sent", "date_updated", "direction"),
    *("error_code", "error_message", "from", "messaging_service_sid", "num_media", "num_segments", "price"),
    *("price_unit", "sid", "status", "subresource_uris", "to", "uri"),
}
HOUR, DAY = 3600, 86400


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """For calls that leave nothing behind."""
    with open_pair(tmp_path_factory.mktemp("twilio")) as pair:
        yield pair


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


def test_a_message_through_the_service_is_accepted(pair: Pair) -> None:
    answer = pair.twilio("POST", SEND, sms(StatusCallback="http://127.0.0.1:1/t/1?m=m-7"))

    message = answer.json
    assert answer.status_code == 201
    assert set(message) == FIELDS
    shown = ("status", "num_segments", "from", "price", "date_sent", "messaging_service_sid", "error_code")
    assert [message[name] for name in shown] == ["accepted", "0", None, None, None, KNOWN.service_sid, None]
    assert len(message["sid"]) == 34
    assert message["sid"].startswith("SM")
    (line,) = pair.providers.log.lines
    assert (line["provider"], line["mid"], line["to"]) == ("twilio", "m-7", "+393331234567")


def test_a_message_from_a_number_is_queued(pair: Pair) -> None:
    message = pair.twilio("POST", SEND, sms(From=OWN, MessagingServiceSid="", Body="x" * 161)).json

    assert [message[name] for name in ("status", "num_segments", "from")] == ["queued", "2", OWN]


REFUSED = {
    "no recipient": ({"To": ""}, 21604),
    "garbage recipient": ({"To": "anna"}, 21211),
    "national number": ({"To": "3331234567"}, 21211),
    "no sender": ({"MessagingServiceSid": ""}, 21603),
    "unknown service": ({"MessagingServiceSid": "MG" + "0" * 32}, 21701),
    "somebody else's number": ({"MessagingServiceSid": "", "From": "+390212345678"}, 21606),
    "alias too long": ({"MessagingServiceSid": "", "From": "BottegaRossi"}, 21212),
    "alias to America": ({"MessagingServiceSid": "", "From": "Bottega", "To": "+14155552345"}, 21612),
    "no text": ({"Body": ""}, 21602),
    "text too long": ({"Body": "x" * 1601}, 21617),
    "validity too long": ({"ValidityPeriod": "36001"}, 20422),
    "bad callback": ({"StatusCallback": "shop.example.com"}, 21609),
    "broken callback": ({"StatusCallback": "http://[/t?m=1"}, 21609),
    "scheduled without type": ({"SendAt": "2026-11-02T12:00:00Z"}, 35111),
    "scheduled without service": (
        {"SendAt": "2026-11-02T12:00:00Z", "MessagingServiceSid": "", "From": OWN},
        35118,
    ),
    "scheduled too soon": ({"SendAt": "2026-11-01T00:00:00Z", "ScheduleType": "fixed"}, 35114),
    "scheduled at no moment": ({"SendAt": "soon", "ScheduleType": "fixed"}, 35115),
    "not on WhatsApp": ({"MessagingServiceSid": "", "From": "whatsapp:+390212345678"}, 63007),
    "magic invalid": ({"To": "+15005550001"}, 21211),
    "magic unreachable": ({"To": "+15005550002"}, 21612),
    "magic forbidden country": ({"To": "+15005550003"}, 21408),
    "magic opted out": ({"To": "+15005550004"}, 21610),
    "magic landline": ({"To": "+15005550009"}, 21614),
    "magic invalid sender": ({"MessagingServiceSid": "", "From": "+15005550001"}, 21212),
    "magic sender of others": ({"MessagingServiceSid": "", "From": "+15005550007"}, 21606),
    "magic full queue": ({"MessagingServiceSid": "", "From": "+15005550008"}, 21611),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_twilio_refuses_is_refused_by_its_number(shared: Pair, name: str) -> None:
    changes, code = REFUSED[name]

    answer = shared.twilio("POST", SEND, sms(**changes))

    assert (answer.status_code, answer.json["code"], answer.json["status"]) == (400, code, 400)
    assert set(answer.json) == {"code", "message", "more_info", "status"}
    assert answer.json["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert shared.providers.log.lines == []


def test_too_many_pictures_are_refused_and_ten_are_taken(pair: Pair) -> None:
    pictures = [f"https://shop.example.com/{number}.png" for number in range(11)]

    refused = pair.twilio("POST", SEND, {**sms(), "MediaUrl": pictures})
    taken = pair.twilio("POST", SEND, {**sms(), "MediaUrl": pictures[:10]})

    assert refused.json["code"] == 21623
    assert (taken.json["num_media"], taken.json["sid"][:2]) == ("10", "MM")


def test_an_alias_reaches_italy(pair: Pair) -> None:
    assert pair.twilio("POST", SEND, sms(MessagingServiceSid="", From="Bottega")).status_code == 201


@pytest.mark.parametrize("given", [None, (KNOWN.account_sid, "wrong"), ("AC" + "0" * 32, KNOWN.auth_token)])
def test_a_call_without_the_right_token_is_refused(shared: Pair, given: tuple[str, str] | None) -> None:
    path = f"/twilio/2010-04-01/Accounts/{KNOWN.account_sid}/Messages.json"

    answer = shared.app.test_client().get(path, auth=given)

    assert (answer.status_code, (answer.json or {})["code"]) == (401, 20003)


def test_an_api_key_is_as_good_as_the_token(shared: Pair) -> None:
    path = f"/twilio/2010-04-01/Accounts/{KNOWN.account_sid}.json"

    answer = shared.app.test_client().get(path, auth=(KNOWN.api_key_sid, KNOWN.api_key_secret))

    assert (answer.json or {})["status"] == "active"


def test_another_account_is_not_found(shared: Pair) -> None:
    path = f"/twilio/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"

    answer = shared.app.test_client().get(path, auth=(KNOWN.account_sid, KNOWN.auth_token))

    assert (answer.status_code, (answer.json or {})["code"]) == (404, 20404)


def test_a_message_goes_its_way_as_time_passes(pair: Pair) -> None:
    sid = pair.twilio("POST", SEND, sms()).json["sid"]

    seen = []
    for after in (0, 1, 3):
        pair.now = START + after
        message = pair.twilio("GET", f"/Messages/{sid}.json").json
        seen.append((message["status"], message["num_segments"], message["price"], message["from"]))

    assert seen == [
        ("queued", "1", None, OWN),
        ("sent", "1", "-0.07500", OWN),
        ("delivered", "1", "-0.07500", OWN),
    ]


def test_a_message_that_failed_tells_its_code(pair: Pair) -> None:
    pair.control("/outcomes", {"whom": "+393331234567", "outcome": "undelivered-landline"})
    sid = pair.twilio("POST", SEND, sms()).json["sid"]

    pair.now += 10

    message = pair.twilio("GET", f"/Messages/{sid}.json").json
    assert [message[name] for name in ("status", "error_code")] == ["undelivered", 30006]
    assert message["error_message"]


def test_an_unknown_message_is_not_found(shared: Pair) -> None:
    answer = shared.twilio("GET", f"/Messages/SM{'0' * 32}.json")

    assert (answer.status_code, answer.json["code"]) == (404, 20404)


def test_messages_are_listed_newest_first_by_recipient_and_day(pair: Pair) -> None:
    for to, days in (("+393331234567", 0), ("+393331234567", 1), ("+393337654321", 1), ("+393331234567", 2)):
        pair.now = START + days * DAY
        pair.twilio("POST", SEND, sms(To=to, Body=f"{to} {days}"))
    pair.now += HOUR

    def bodies(**query: Any) -> list[str]:
        return [one["body"] for one in pair.twilio("GET", SEND, **query).json["messages"]]

    day = "2026-11-03"
    anna = "+393331234567"
    assert START // DAY == 20759
    assert bodies(To=anna) == [f"{anna} 2", f"{anna} 1", f"{anna} 0"]
    assert bodies(To=anna, DateSent=day) == [f"{anna} 1"]
    assert bodies(To=anna, **{"DateSent>": day}) == [f"{anna} 2", f"{anna} 1"]
    assert bodies(To=anna, **{"DateSent<": day}) == [f"{anna} 0"]
    assert bodies(To=anna, From="+390000000000") == []


def test_a_list_comes_by_pages(pair: Pair) -> None:
    for number in range(5):
        pair.twilio("POST", SEND, sms(Body=str(number)))

    first = pair.twilio("GET", SEND, PageSize="2").json
    second = pair.app.test_client().get(
        f"/twilio{first['next_page_uri']}", auth=(KNOWN.account_sid, KNOWN.auth_token)
    )
    last = pair.twilio("GET", SEND, PageSize="2", Page="2").json

    assert [one["body"] for one in first["messages"]] == ["4", "3"]
    assert [one["body"] for one in (second.json or {})["messages"]] == ["2", "1"]
    assert ([one["body"] for one in last["messages"]], last["next_page_uri"]) == (["0"], None)
    assert [first[name] for name in ("page", "page_size", "start", "end", "previous_page_uri")] == [
        0,
        2,
        0,
        1,
        None,
    ]


@pytest.mark.parametrize(
    "query", [{"PageSize": "0"}, {"PageSize": "1001"}, {"Page": "x"}, {"DateSent": "today"}]
)
def test_a_list_that_makes_no_sense_is_refused(shared: Pair, query: dict[str, Any]) -> None:
    assert shared.twilio("GET", SEND, **query).status_code == 400


def test_the_service_is_shown_and_changed(pair: Pair) -> None:
    path, auth = f"/twilio/v1/Services/{KNOWN.service_sid}", (KNOWN.account_sid, KNOWN.auth_token)
    url = "https://app.example.com/webhooks/twilio/1/inbound"
    client = pair.app.test_client()

    client.post(path, data={"InboundRequestUrl": url}, auth=auth)
    service = client.get(path, auth=auth).json or {}
    other = client.get(f"/twilio/v1/Services/MG{'0' * 32}", auth=auth)

    assert (service["sid"], service["inbound_request_url"]) == (KNOWN.service_sid, url)
    assert other.status_code == 404


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("à" * 160, 1),
        ("È" * 70, 1),
        ("È" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
    ],
)
def test_segments_are_counted_as_twilio_does(text: str, segments: int) -> None:
    assert count_segments(text) == segments
