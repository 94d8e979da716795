"""What SendGrid says of the account."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from connectors.base import ConnectorError
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.setup import (
    SCOPES,
    SendGridSetup,
    Suppression,
    SuppressionKind,
    missing_scopes,
)
from connectors.transport import NotSent
from tests.connectors.channels import channel_stage as at_the_wire
from tests.connectors.channels.channel_stage import Reply, Request, Stage
from tests.connectors.channels.described import problems

HOOK = "https://app.example/webhooks/sendgrid/7"
SETTINGS = "/v3/user/webhooks/event/settings"


def _setup(stage: Stage) -> SendGridSetup:
    return SendGridSetup(SendGridAccount("SG.abc.def", stage.url, "7"))


def test_the_scopes_of_the_key_are_told_and_the_missing_ones_named(stage: Stage) -> None:
    stage.says(Reply(200, {"scopes": ["mail.send", "alerts.read", 3]}))

    scopes = _setup(stage).scopes()

    assert scopes == {"mail.send", "alerts.read"}
    assert stage.only.path == "/v3/scopes"
    assert missing_scopes(scopes) == tuple(SCOPES)[1:]
    assert missing_scopes(SCOPES) == ()


def test_only_domains_that_sendgrid_found_valid_count(stage: Stage) -> None:
    stage.says(
        Reply(
            200,
            [
                {"domain": "bottega.example", "valid": True},
                {"domain": "pending.example", "valid": False},
                {"domain": "odd.example", "valid": "true"},
                {"valid": True},
                7,
            ],
        )
    )

    assert _setup(stage).domains() == ("bottega.example",)
    assert (stage.only.path, stage.only.query) == ("/v3/whitelabel/domains", {"limit": "500"})


def test_what_an_account_delivered_is_told_day_by_day(stage: Stage) -> None:
    days = [_day(120), _day(80, 7), {"date": "2026-11-03", "stats": []}]
    stage.says(Reply(200, days))

    assert _setup(stage).delivered(date(2026, 11, 1)) == (120, 87, 0)
    asked = {"start_date": "2026-11-01", "aggregated_by": "day"}
    assert (stage.only.path, stage.only.query) == ("/v3/stats", asked)


@pytest.mark.parametrize("count", [-1, "9", 1.5, True, None, 10**12, [5], {"a": 1}])
def test_a_count_that_is_none_counts_as_nothing(stage: Stage, count: object) -> None:
    stage.says(Reply(200, [_day(count), {"stats": None}, {"stats": [3, {"metrics": 4}]}, "a day"]))

    assert _setup(stage).delivered(date(2026, 11, 1)) == (0, 0, 0, 0)


def _day(*delivered: object) -> dict[str, object]:
    return {
        "date": "2026-11-01",
        "stats": [{"metrics": {"requests": 9, "delivered": one}} for one in delivered],
    }


def test_a_webhook_is_made_and_signed(stage: Stage) -> None:
    stage.says(
        Reply(200, {"max_allowed": 5, "webhooks": [{}]}),
        Reply(201, {"id": "hook-1", "url": HOOK}),
        Reply(200, {"id": "hook-1", "public_key": "MFkw"}),
    )

    key = _setup(stage).register_event_webhook(HOOK)

    listed, made, signed = stage.requests
    assert key == "MFkw"
    assert (listed.method, listed.path) == ("GET", f"{SETTINGS}/all")
    assert (made.method, made.path) == ("POST", SETTINGS)
    assert (made.json()["url"], made.json()["open"], made.json()["bounce"]) == (HOOK, False, True)
    assert problems("sendgrid", f"POST {SETTINGS}", made.json()) == []
    assert (signed.method, signed.path, signed.json()) == (
        "PATCH",
        f"{SETTINGS}/signed/hook-1",
        {"enabled": True},
    )
    assert problems("sendgrid", f"PATCH {SETTINGS}/signed/{{id}}", signed.json()) == []


def test_a_webhook_that_is_there_is_used_again(stage: Stage) -> None:
    stage.says(
        Reply(200, {"webhooks": [{"id": "other", "url": "https://x.example"}, {"id": "ours", "url": HOOK}]}),
        Reply(200, {"id": "ours"}),
        Reply(200, {"public_key": "MFkw"}),
    )

    _setup(stage).register_event_webhook(HOOK)

    assert [(request.method, request.path) for request in stage.requests[1:]] == [
        ("PATCH", f"{SETTINGS}/ours"),
        ("PATCH", f"{SETTINGS}/signed/ours"),
    ]
    assert problems("sendgrid", f"PATCH {SETTINGS}/{{id}}", stage.requests[1].json()) == []


@pytest.mark.parametrize(
    "replies",
    [
        [Reply(200, {"webhooks": []}), Reply(201, {})],
        [Reply(200, {"webhooks": []}), Reply(201, {"id": "a"}), Reply(200, {"public_key": ""})],
        [Reply(200, {"webhooks": 1})],
        [Reply(200, [])],
    ],
)
def test_a_webhook_without_a_key_is_a_failure(replies: list[Reply], stage: Stage) -> None:
    stage.says(*replies)

    with pytest.raises(ConnectorError):
        _setup(stage).register_event_webhook(HOOK)


def test_a_list_of_barred_addresses_is_read_to_its_end(stage: Stage) -> None:
    full = [{"email": f"a{number}@x.example", "created": 1443651125} for number in range(500)]
    rest = [
        {"email": " b@x.example ", "reason": "550 5.1.1", "created": 1443651125},
        {"email": ""},
        {"email": "c@x.example", "created": "soon"},
        1,
    ]
    stage.says(Reply(200, full), Reply(200, rest))

    found = list(_setup(stage).suppressions(SuppressionKind.BOUNCES, datetime(2026, 1, 1, tzinfo=UTC)))

    at = datetime(2015, 9, 30, 22, 12, 5, tzinfo=UTC)
    assert len(found) == 502
    assert found[-2:] == [Suppression("b@x.example", "550 5.1.1", at), Suppression("c@x.example", "", None)]
    assert [(request.path, request.query) for request in stage.requests] == [
        ("/v3/suppression/bounces", {"limit": "500", "offset": offset, "start_time": "1767225600"})
        for offset in ("0", "500")
    ]


def test_a_list_that_never_ends_is_given_up(stage: Stage) -> None:
    stage.says(Reply(200, [{"email": "a@x.example"}] * 500))

    with pytest.raises(ConnectorError, match="same page"):
        list(_setup(stage).suppressions(SuppressionKind.BLOCKS))

    assert len(stage.requests) == 2


@pytest.mark.parametrize("kind", SuppressionKind)
def test_every_list_has_its_address(kind: SuppressionKind, stage: Stage) -> None:
    stage.says(Reply(200, []))

    assert list(_setup(stage).suppressions(kind)) == []
    assert (stage.only.path, stage.only.query) == (
        f"/v3/suppression/{kind.value}",
        {"limit": "500", "offset": "0"},
    )


QUESTIONS: list[Callable[[SendGridSetup], object]] = [
    SendGridSetup.scopes,
    SendGridSetup.domains,
    lambda setup: setup.register_event_webhook(HOOK),
    lambda setup: list(setup.suppressions(SuppressionKind.BLOCKS)),
]


@pytest.mark.parametrize("ask", QUESTIONS)
@pytest.mark.parametrize(
    ("reply", "permanent"),
    [
        (Reply(401, {"errors": []}), True),
        (Reply(403), True),
        (Reply(404), True),
        (Reply(429, headers={"Retry-After": "4"}), False),
        (Reply(500), False),
        (Reply(200, b"<html>"), False),
        (Reply(200, 7), False),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), False),
        (at_the_wire.close, False),
    ],
)
def test_a_question_fails_once_and_says_whether_asking_again_helps(
    ask: Callable[[SendGridSetup], object],
    reply: Reply | at_the_wire.Script,
    permanent: bool,
    stage: Stage,
) -> None:
    stage.says(reply)

    with pytest.raises(ConnectorError) as failure:
        ask(_setup(stage))

    assert failure.value.permanent is permanent
    assert len(stage.requests) == 1


def test_without_a_key_nothing_is_asked(stage: Stage) -> None:
    with pytest.raises(ConnectorError, match="no usable SendGrid API key"):
        SendGridSetup(SendGridAccount("", stage.url)).scopes()

    assert stage.requests == []


def test_nobody_there_is_said_so() -> None:
    with pytest.raises(NotSent):
        SendGridSetup(SendGridAccount("SG.a.b", at_the_wire.unused_url())).scopes()


def test_a_page_of_one_question_is_not_the_next(stage: Stage) -> None:
    def answer(request: Request) -> Reply:
        return Reply(200, {"scopes": []} if request.path == "/v3/scopes" else [])

    stage.answer = answer
    setup = _setup(stage)

    assert (setup.scopes(), setup.domains()) == (frozenset(), ())
    setup.close()
