"""SendGrid's events come signed, in batches, to whoever asked for them, and again while they fail."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook

from tests.connectors.sandbox.sandbox_providers import START, Pair, mail, open_pair, to
from tests.connectors.sandbox.sandbox_stage import App, Got, running_app

SEND = "/v3/mail/send"
SETTINGS = "/v3/user/webhooks/event/settings"
ALL = (
    *("processed", "dropped", "delivered", "deferred", "bounce", "open", "click", "spam_report"),
    *("unsubscribe", "group_unsubscribe", "group_resubscribe"),
)
TRACKED = {"open_tracking": {"enable": True}, "click_tracking": {"enable": True}}
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


@pytest.fixture
def app() -> Iterator[App]:
    with running_app() as running:
        yield running


def register(pair: Pair, app: App, *, is_signed: bool = True, events: tuple[str, ...] = ALL) -> str:
    """A webhook; gives its public key."""
    url = f"{app.url}/webhooks/sendgrid/1"
    made = pair.sendgrid("POST", SETTINGS, {"enabled": True, "url": url, **dict.fromkeys(events, True)})
    assert made.status_code == 201
    if not is_signed:
        return ""
    path = f"{SETTINGS}/signed/{made.json['id']}"
    return str(pair.sendgrid("PATCH", path, {"enabled": True}).json["public_key"])


def events_of(app: App) -> list[dict[str, Any]]:
    return [event for got in app.got for event in json.loads(got.body)]


def verify(got: Got, key: str) -> bool:
    headers = (
        got.headers["x-twilio-email-event-webhook-signature"],
        got.headers["x-twilio-email-event-webhook-timestamp"],
    )
    return bool(EventWebhook(key).verify_signature(got.body.decode(), *headers))


def test_posts_are_signed_over_the_raw_body_as_the_official_package_checks(pair: Pair, app: App) -> None:
    key = register(pair, app)
    pair.sendgrid("POST", SEND, mail())

    pair.control("/post", {"everything": True})

    (got,) = app.got
    assert verify(got, key)
    assert got.body.endswith(b"\r\n")
    assert not verify(replace(got, body=got.body.strip()), key)
    assert (got.method, got.path) == ("POST", "/webhooks/sendgrid/1")


def test_a_webhook_without_a_key_gets_no_signature(pair: Pair, app: App) -> None:
    register(pair, app, is_signed=False)
    pair.sendgrid("POST", SEND, mail())

    pair.control("/post", {"everything": True})

    assert "x-twilio-email-event-webhook-signature" not in app.got[0].headers


def test_an_event_carries_our_id_and_the_start_of_the_answers(pair: Pair, app: App) -> None:
    register(pair, app)
    args = {"mid": "m-5", "email": "forged@example.com"}
    given = [to("anna@example.com", custom_args=args)]

    answer = pair.sendgrid("POST", SEND, mail(personalizations=given, categories=["welcome", "W1"]))
    pair.control("/post", {"everything": True})

    processed, delivered = events_of(app)
    assert (processed["event"], delivered["event"]) == ("processed", "delivered")
    for event in (processed, delivered):
        assert (event["mid"], event["email"]) == ("m-5", "anna@example.com")
        assert event["sg_message_id"].startswith(answer.headers["X-Message-Id"] + ".")
        assert event["category"] == ["welcome", "W1"]
    assert (processed["timestamp"], delivered["timestamp"]) == (START + 1, START + 3)
    assert processed["sg_event_id"] != delivered["sg_event_id"]


OUTCOMES = {
    "delivered": ["processed", "delivered"],
    "bounced": ["processed", "bounce"],
    "blocked": ["processed", "bounce"],
    "deferred": ["processed", "deferred", "deferred", "delivered"],
    "dropped": ["dropped"],
    "dropped-quota": ["dropped"],
    "complained": ["processed", "delivered", "spamreport"],
    "unsubscribed": ["processed", "delivered", "unsubscribe"],
    "opened": ["processed", "delivered", "open"],
    "clicked": ["processed", "delivered", "click"],
    "silent": [],
}


def test_what_was_ordered_happens_to_a_mail(pair: Pair, app: App) -> None:
    register(pair, app)
    for outcome in OUTCOMES:
        pair.control("/outcomes", {"whom": f"{outcome}@example.com", "outcome": outcome})
        pair.sendgrid("POST", SEND, mail(personalizations=[to(f"{outcome}@example.com")]))

    pair.control("/post", {"everything": True})

    found: dict[str, list[dict[str, Any]]] = {outcome: [] for outcome in OUTCOMES}
    for event in events_of(app):
        found[event["email"].partition("@")[0]].append(event)
    assert {name: [event["event"] for event in events] for name, events in found.items()} == OUTCOMES
    kinds = {name: found[name][1]["type"] for name in ("bounced", "blocked")}
    assert kinds == {"bounced": "bounce", "blocked": "blocked"}
    assert found["bounced"][1]["bounce_classification"] == "Invalid Address"
    assert [event.get("attempt") for event in found["deferred"]] == [None, "1", "2", None]
    assert found["clicked"][2]["url"] == "https://shop.example.com/"


def test_a_webhook_gets_only_the_events_it_switched_on(pair: Pair, app: App) -> None:
    register(pair, app, events=("delivered", "spam_report"))
    pair.control("/outcomes", {"whom": "m-1", "outcome": "complained"})
    pair.sendgrid("POST", SEND, mail())

    pair.control("/post", {"everything": True})

    assert [event["event"] for event in events_of(app)] == ["delivered", "spamreport"]


def test_events_wait_for_their_moment(pair: Pair, app: App) -> None:
    register(pair, app)
    pair.sendgrid("POST", SEND, mail())

    counts = []
    for after in (0, 1, 3):
        pair.now = START + after
        counts.append(pair.control("/post", {})["posted"])

    assert counts == [0, 1, 1]


def test_a_mail_for_later_is_processed_later(pair: Pair, app: App) -> None:
    register(pair, app)
    pair.sendgrid("POST", SEND, mail(send_at=START + DAY))

    pair.control("/post", {"everything": True})

    assert events_of(app)[0]["timestamp"] == START + DAY + 1


def test_what_fails_comes_again_at_growing_pauses_for_a_day(pair: Pair) -> None:
    with running_app(lambda _: (503, {})) as app:
        register(pair, app)
        pair.control("/outcomes", {"whom": "m-1", "outcome": "dropped"})
        pair.sendgrid("POST", SEND, mail())
        moments = []
        for _ in range(20):
            due = pair.providers.next_world_due()
            if due is None:
                break
            pair.now = due
            moments.append(due)
            pair.control("/post", {})

    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert len(app.got) == len(moments) > 5
    assert pauses == sorted(pauses)
    assert moments[-1] - moments[0] <= DAY
    assert len({got.body for got in app.got}) == 1


def test_what_failed_is_taken_at_the_second_attempt(pair: Pair) -> None:
    statuses = [500, 200]
    with running_app(lambda _: (statuses.pop(0), {})) as app:
        register(pair, app, events=("processed",))
        pair.sendgrid("POST", SEND, mail())
        first = pair.control("/post", {"everything": True})
        second = pair.control("/post", {"everything": True})

    assert (first["failed"], first["waiting"]) == (1, 1)
    assert (second["posted"], second["waiting"]) == (1, 0)
    assert len(app.got) == 2


def test_nothing_is_posted_twice_after_a_restart(tmp_path: Path, app: App) -> None:
    with open_pair(tmp_path) as before:
        register(before, app)
        before.sendgrid("POST", SEND, mail())
        before.now += 1
        before.control("/post", {})
    with open_pair(tmp_path) as after:
        after.control("/post", {"everything": True})
        after.sendgrid("POST", SEND, mail())

        assert [event["event"] for event in events_of(app)] == ["processed", "delivered"]
        assert after.providers.log.count() == {"sendgrid": {"m-1": 2}}
        assert len({line["id"] for line in after.providers.log.lines}) == 2


def send_hundred(pair: Pair) -> None:
    for number in range(20):
        given = [to(f"a{number * 5 + one}@example.com", f"m-{number * 5 + one}") for one in range(5)]
        pair.sendgrid("POST", SEND, mail(personalizations=given, tracking_settings=TRACKED))


def test_chance_decides_by_shares_and_the_seed(tmp_path: Path) -> None:
    runs = []
    for run in range(2):
        with open_pair(tmp_path / str(run)) as pair, running_app() as app:
            register(pair, app)
            shares = {"bounced": 0.2, "complained": 0.2, "opened": 0.5, "clicked": 0.5}
            pair.control("/settings", {"misfortune": shares})
            send_hundred(pair)
            pair.control("/post", {"everything": True})
            runs.append([(event["mid"], event["event"]) for event in events_of(app)])

    counts = Counter(event for _, event in runs[0])
    assert runs[0] == runs[1]
    assert counts["processed"] == 100
    assert counts["delivered"] + counts["bounce"] == 100
    assert all(5 < counts[name] < 50 for name in ("bounce", "spamreport", "open", "click"))


def test_posts_go_astray_by_shares(pair: Pair, app: App) -> None:
    register(pair, app)
    shares = {"late": 0.3, "twice": 0.3, "disordered": 0.3, "lost": 0.2, "renamed": 0.5}
    pair.control("/settings", {"misfortune": shares})
    send_hundred(pair)

    pair.now += 5
    in_time = pair.control("/post", {})["posted"]
    pair.now += 2 * DAY
    later = pair.control("/post", {})["posted"]

    events = events_of(app)
    seen = Counter((event["mid"], event["event"]) for event in events)
    assert in_time + later == len(events)
    assert later > 40
    assert 10 < 200 - len(seen) < 80
    assert 20 < sum(times == 2 for times in seen.values()) < 100
    assert len({event["sg_event_id"] for event in events}) > len(seen)
    order = [(event["mid"], event["event"]) for event in events]
    late = [mid for mid, event in order if event == "delivered" and (mid, "processed") in seen]
    assert any(order.index((mid, "delivered")) < order.index((mid, "processed")) for mid in late)


def test_a_test_post_is_signed_like_the_others(pair: Pair, app: App) -> None:
    key = register(pair, app)
    webhook_id = pair.sendgrid("GET", f"{SETTINGS}/all").json["webhooks"][0]["id"]

    answer = pair.sendgrid("POST", "/v3/user/webhooks/event/test", {"url": f"{app.url}/x", "id": webhook_id})

    assert answer.status_code == 204
    assert verify(app.got[0], key)


def test_webhooks_are_kept_changed_and_counted(pair: Pair) -> None:
    made = pair.sendgrid("POST", SETTINGS, {"url": "https://a.example.com/", "delivered": True}).json
    path = f"{SETTINGS}/{made['id']}"

    changed = pair.sendgrid("PATCH", path, {"enabled": False, "url": "https://b.example.com/"}).json
    listed = pair.sendgrid("GET", f"{SETTINGS}/all").json

    assert (changed["enabled"], changed["url"], changed["delivered"]) == (
        False,
        "https://b.example.com/",
        True,
    )
    assert (listed["max_allowed"], listed["webhooks"][0]["public_key"]) == (5, "")
    assert pair.sendgrid("GET", f"{SETTINGS}/signed/{made['id']}").json["public_key"] == ""
    assert pair.sendgrid("DELETE", path).status_code == 204
    assert pair.sendgrid("GET", path).status_code == 404
    assert pair.sendgrid("PATCH", path, {}).status_code == 404
    assert pair.sendgrid("POST", SETTINGS, {"url": "b"}).status_code == 400
    assert pair.sendgrid("POST", SETTINGS, {"url": "https://c.example.com", "open": 1}).status_code == 400
    pair.control("/settings", {"webhooks_allowed": 0})
    assert pair.sendgrid("POST", SETTINGS, {"url": "https://c.example.com"}).status_code == 400
