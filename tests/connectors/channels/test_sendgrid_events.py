"""What SendGrid's event webhook tells."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import UnreadablePayload
from connectors.channels.sendgrid.entries import event_of
from connectors.channels.sendgrid.events import Events, read
from connectors.channels.sendgrid.verdicts import ROWS, verdict
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate

EXAMPLE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "sendgrid" / "events.json").read_text()
)["events"]
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
AT = datetime(2017, 12, 15, 0, 59, 29, tzinfo=UTC)


def _read(*events: object) -> Events:
    return read(json.dumps(events).encode(), received_at=NOW)


def _only(event: dict[str, Any], /, **changes: Any) -> DeliveryUpdate:
    [update] = _read({**event, **changes}).updates
    return update


def _event(name: str) -> dict[str, Any]:
    return next(event for event in EXAMPLE if event["event"] == name)


def test_the_example_of_the_reference_is_read_whole() -> None:
    told = _read(*EXAMPLE)

    assert (told.total, told.unreadable, told.ignored) == (12, 0, 1)
    assert [(update.kind, update.advice, update.reason) for update in told.updates] == [
        (DeliveryKind.ACCEPTED, Advice.NOTHING, ""),
        (DeliveryKind.DELIVERED, Advice.NOTHING, ""),
        (DeliveryKind.DEFERRED, Advice.COUNT, "400"),
        (DeliveryKind.OPENED, Advice.NOTHING, ""),
        (DeliveryKind.CLICKED, Advice.NOTHING, ""),
        (DeliveryKind.BOUNCED, Advice.SUPPRESS, "invalid · 5.0.0"),
        (DeliveryKind.FAILED, Advice.SUPPRESS, "Bounced Address · 5.0.0"),
        (DeliveryKind.COMPLAINED, Advice.SUPPRESS, ""),
        (DeliveryKind.UNSUBSCRIBED, Advice.SUPPRESS, ""),
        (DeliveryKind.UNSUBSCRIBED, Advice.SUPPRESS, ""),
        (DeliveryKind.ACCOUNT, Advice.PAUSE_SENDER, "compliance_suspend"),
    ]
    assert {update.occurred_at for update in told.updates[:-1]} == {AT}
    assert {(update.message_id, update.store_id) for update in told.updates[:-1]} == {("4711", "7")}
    assert len({update.key for update in told.updates}) == 11


def test_a_click_tells_who_and_what_and_nothing_of_their_device() -> None:
    update = _only(_event("click"))

    assert (update.url, update.address) == ("http://www.sendgrid.com/", "example@test.com")
    assert not any("255.255.255.255" in str(value) or "Mozilla" in str(value) for value in update)


def test_an_open_by_a_machine_is_known_as_one() -> None:
    assert _only(_event("open")).is_machine
    assert not _only(_event("open"), sg_machine_open=False).is_machine
    assert not _only(_event("open"), sg_machine_open="yes").is_machine


BOUNCES: list[tuple[dict[str, Any], DeliveryKind, Advice]] = [
    ({"type": "blocked", "bounce_classification": "Invalid Address"}, DeliveryKind.BLOCKED, Advice.COUNT),
    ({"type": "BLOCKED"}, DeliveryKind.BLOCKED, Advice.COUNT),
    ({"type": "bounce", "bounce_classification": "Invalid Address"}, DeliveryKind.BOUNCED, Advice.SUPPRESS),
    ({"type": "bounce", "bounce_classification": "INVALID ADDRESS"}, DeliveryKind.BOUNCED, Advice.SUPPRESS),
    ({"type": "bounce", "status": "5.1.1"}, DeliveryKind.BOUNCED, Advice.SUPPRESS),
    ({"type": "bounce", "status": "5.1.10"}, DeliveryKind.BOUNCED, Advice.SUPPRESS),
    (
        {"type": "bounce", "status": "", "reason": "550 5.1.1 no such user"},
        DeliveryKind.BOUNCED,
        Advice.SUPPRESS,
    ),
    ({"type": "bounce", "bounce_classification": "Mailbox Unavailable"}, DeliveryKind.BOUNCED, Advice.COUNT),
    ({"type": "bounce", "bounce_classification": "Content"}, DeliveryKind.BOUNCED, Advice.COUNT),
    ({"type": "bounce", "bounce_classification": "Reputation"}, DeliveryKind.BOUNCED, Advice.COUNT),
    ({"type": "bounce", "bounce_classification": "technical"}, DeliveryKind.BOUNCED, Advice.COUNT),
    ({"type": "bounce", "bounce_classification": "Unclassified"}, DeliveryKind.BOUNCED, Advice.COUNT),
    (
        {"type": "bounce", "bounce_classification": "Frequency or Volume Too High"},
        DeliveryKind.BOUNCED,
        Advice.COUNT,
    ),
    ({"type": None, "status": 5}, DeliveryKind.BOUNCED, Advice.COUNT),
    ({}, DeliveryKind.BOUNCED, Advice.COUNT),
]


@pytest.mark.parametrize(("told", "kind", "advice"), BOUNCES)
def test_a_bounce_suppresses_only_for_an_address_that_is_wrong(
    told: dict[str, Any], kind: DeliveryKind, advice: Advice
) -> None:
    update = _only({"event": "bounce", "timestamp": 1513299569, **told})

    assert (update.kind, update.advice) == (kind, advice)


DROPS = [
    ("Bounced Address", Advice.SUPPRESS),
    ("bounced address", Advice.SUPPRESS),
    ("Invalid", Advice.SUPPRESS),
    ("Spam Reporting Address", Advice.SUPPRESS),
    ("Unsubscribed Address", Advice.SUPPRESS),
    ("Invalid SMTPAPI header", Advice.ALERT),
    ("Spam Content (if spam checker app enabled)", Advice.ALERT),
    ("Recipient List over Package Quota", Advice.ALERT),
    ("something new", Advice.ALERT),
    ("", Advice.ALERT),
]


@pytest.mark.parametrize(("reason", "advice"), DROPS)
def test_a_drop_suppresses_only_for_the_address(reason: str, advice: Advice) -> None:
    update = _only({"event": "dropped", "reason": reason, "timestamp": 1513299569})

    assert (update.kind, update.advice, update.reason) == (DeliveryKind.FAILED, advice, reason)


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("compliance_suspend", Advice.PAUSE_SENDER),
        ("compliance_deactivate", Advice.PAUSE_SENDER),
        ("", Advice.PAUSE_SENDER),
        ("compliance_reactivate", Advice.ALERT),
        ("activated", Advice.ALERT),
    ],
)
def test_a_change_of_the_account_pauses_unless_it_is_a_good_one(kind: str, advice: Advice) -> None:
    update = _only(_event("account_status_change"), type=kind)

    assert (update.kind, update.advice, update.message_id) == (DeliveryKind.ACCOUNT, advice, None)


def test_every_row_of_the_table_has_its_case() -> None:
    cases = [
        *EXAMPLE,
        *({"event": "bounce", **told} for told, *_ in BOUNCES),
        *({"event": "dropped", "reason": reason} for reason, _ in DROPS),
        {"event": "account_status_change", "type": "activated"},
    ]

    reached = [row for case in cases if (row := verdict(event_of(case))) is not None]

    assert [row for row in ROWS if row not in reached] == []


@pytest.mark.parametrize(
    ("told", "at"),
    [
        (1513299569, AT),
        (1513299569.9, AT.replace(microsecond=900000)),
        ("1513299569", AT),
        (-5, NOW),
        (0, NOW),
        (10**15, NOW),
        (2**63, NOW),
        (4102444800, NOW),
        ("soon", NOW),
        ("", NOW),
        (True, NOW),
        (None, NOW),
        ([1], NOW),
        (float("nan"), NOW),
        (float("inf"), NOW),
    ],
)
def test_a_moment_that_cannot_be_is_when_the_post_came(told: object, at: datetime) -> None:
    assert _only(_event("delivered"), timestamp=told).occurred_at == at


def test_a_number_without_end_spoils_nothing() -> None:
    body = (
        b'[{"event": "delivered", "timestamp": ' + b"9" * 5000 + b'}, {"event": "open", "timestamp": 1e999}]'
    )

    told = read(body, received_at=NOW)

    assert [update.occurred_at for update in told.updates] == [NOW, NOW]


def test_entries_that_are_no_events_are_counted_and_left_out() -> None:
    told = _read(1, None, "x", [], {}, {"event": 3}, _event("delivered"), {"event": "from the future"})

    assert (told.total, told.unreadable, told.ignored, len(told.updates)) == (8, 6, 1, 1)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"[", b"\xff\xfe", b"[" * 100_000, b'{"event":"open"}']
)
def test_a_body_that_is_no_list_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        read(body, received_at=NOW)


def test_texts_are_cut_to_what_a_database_takes() -> None:
    update = _only(
        _event("click"),
        email="a\x00b@example.com",
        url="https://x.example/\x00" + "u" * 5000,
        home="half \ud83d",
    )

    assert update.address == "ab@example.com"
    assert (len(update.url), "\x00" in update.url) == (1999, False)
    assert update.installation == "half ?"


def test_what_a_mail_server_said_of_a_person_is_not_kept() -> None:
    said = "550 5.2.2 <anna.bianchi@example.com>: the mailbox of Anna Bianchi is full"

    update = _only(_event("bounce"), reason=said, bounce_classification="Mailbox Unavailable", status="5.2.2")

    assert update.reason == "Mailbox Unavailable · 5.2.2"


@pytest.mark.parametrize(
    ("args", "message_id", "store_id"),
    [
        ({"mid": "1", "store": "2"}, "1", "2"),
        ({"mid": 1, "store": 2}, "1", "2"),
        ({"custom_args": {"mid": "1", "store": "2"}}, "1", "2"),
        ({"unique_args": {"mid": "1"}}, "1", None),
        ({"custom_args": "mid=1"}, None, None),
        ({"mid": "of somebody else", "store": True}, None, None),
        ({"mid": "1" * 30}, None, None),
        ({}, None, None),
    ],
)
def test_our_own_ids_are_found_wherever_they_lie(
    args: dict[str, Any], message_id: str | None, store_id: str | None
) -> None:
    update = _only({"event": "delivered", "timestamp": 1, "category": "one", **args})

    assert (update.message_id, update.store_id) == (message_id, store_id)


def test_a_second_telling_has_the_same_key() -> None:
    first = _event("click")
    again = {**dict(reversed(first.items())), "sg_event_id": "another"}

    assert _only(first).key == _only(again).key


@pytest.mark.parametrize(
    "changes",
    [
        {"mid": "4712"},
        {"store": "8"},
        {"event": "open"},
        {"timestamp": 1513299570},
        {"url": "http://www.sendgrid.com/other"},
        {"url_offset": {"index": 1, "type": "html"}},
        {"attempt": "2"},
    ],
)
def test_another_event_has_another_key(changes: dict[str, Any]) -> None:
    assert _only(_event("click")).key != _only(_event("click"), **changes).key


@pytest.mark.parametrize(
    "changes",
    [
        {"mid": "4712"},
        {"store": "8"},
        {"store": None},
        {"event": "processed"},
        {"timestamp": 1513299570},
        {"timestamp": "1513299569"},
        {"timestamp": 10**30},
        {"attempt": "2"},
        {"type": "bounce"},
    ],
)
def test_a_delivery_of_which_no_more_is_told_has_a_key_that_can_be_read(changes: dict[str, Any]) -> None:
    plain = {"event": "delivered", "mid": "4711", "store": "7", "timestamp": 1513299569}

    assert _only(plain).key == "delivered:4711:7:1513299569"
    assert _only(plain, **changes).key != _only(plain).key
    assert len(_only(plain, **changes).key) <= 60


@pytest.mark.parametrize("kind", ["delivered", "processed"])
@pytest.mark.parametrize("home", [None, "", "casa"])
def test_an_event_that_says_no_more_is_read_in_columns_as_by_itself(kind: str, home: str | None) -> None:
    plain = {"event": kind, "mid": "4711", "store": "7", "timestamp": 1513299569, "home": home}

    in_columns, alone = _read(plain), _read(plain | {"custom_args": {}})

    assert (len(in_columns.well.key), len(alone.well.key)) == (1, 0)
    assert in_columns.updates == alone.updates


@pytest.mark.parametrize(
    "change",
    [
        {"mid": "x"},
        {"mid": "²"},
        {"mid": ""},
        {"mid": "1" * 19},
        {"mid": 4711},
        {"store": None},
        {"timestamp": -1},
        {"timestamp": True},
        {"timestamp": 1513299569.5},
        {"timestamp": 10**12},
        {"url": "https://a.example"},
        {"attempt": "1"},
        {"event": "Delivered"},
        {"event": "bounce"},
    ],
)
def test_what_says_more_or_less_is_read_by_itself(change: dict[str, Any]) -> None:
    plain = {"event": "delivered", "mid": "4711", "store": "7", "timestamp": 1513299569}

    told = _read(plain, plain | change)

    assert (len(told.well.key), len(told.others)) == (1, 1)
    assert len(told.updates) == 2


def test_what_went_well_has_no_reason() -> None:
    assert _only(_event("delivered"), response="250 2.0.0 OK").reason == ""


def test_no_depth_of_an_event_breaks_more_than_the_post() -> None:
    depths = range(700, 1000)

    for depth in depths:
        body = b'[{"event": "click", "url": ' + b"[" * depth + b"]" * depth + b"}]"
        with suppress(UnreadablePayload):
            assert len(read(body, received_at=NOW).updates) == 1


def test_a_key_names_nobody_and_is_short() -> None:
    stranger = {**_event("bounce"), "mid": None, "sg_message_id": None}

    keys = [_only(stranger).key, _only(stranger, email="other@example.com").key]

    assert len(set(keys)) == 2
    assert all("example" not in key and len(key) <= 200 for key in keys)
