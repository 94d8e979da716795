"""What merchants are told by mail, from the operator's account: standing still once, low ratings hourly."""

import argparse
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from app.cli import doctor
from app.members.letters import Letter
from app.messaging.notices import letter_of, mail
from app.models import Notice, Store
from app.runtime import Runtime
from app.stores import notices as queue
from app.web import attention
from connectors.channels.local import LocalChannel
from jobs import notices
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.connectors.sandbox.sandbox_providers import Pair
from tests.jobs.jobs_providers import FROM

MINUTE = timedelta(minutes=1)
FIGURES = "earned earned_orders sold orders sent clicked bounced list unsubscribed low proof".split()


def test_a_merchant_is_told_once_while_it_lasts_and_again_the_next_time(
    operator: Runtime, pair: Pair
) -> None:
    store_id = seeds.new_store(operator.database, email="anna@bottega.example", state="needs_reconnect")
    _run(operator)
    _run(operator, later=1)
    first = _told(pair)

    _set_state(operator, store_id, "connected")
    _run(operator, later=2)
    kept = seeds.values_of(operator.database, Notice, "status")
    _set_state(operator, store_id, "needs_reconnect")
    _run(operator, later=3)

    assert [(line["to"], line["mid"]) for line in first] == [
        ("anna@bottega.example", f"notice-{store_id}-needs_reconnect")
    ]
    assert kept == []
    assert len(_told(pair)) == 2


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_merchants_own_choice_of_address_counts(operator: Runtime, pair: Pair) -> None:
    chosen = {"notices.email": "io@altrove.example"}
    seeds.new_store(operator.database, email="anna@bottega.example", state="needs_reconnect", settings=chosen)

    _run(operator)

    assert [line["to"] for line in _told(pair)] == ["io@altrove.example"]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    ("fault", "status", "times"),
    [
        ({"kind": "429", "times": 1}, "sent", 1),
        ({"kind": "close", "accepted": True, "times": 1}, "unknown", 1),
        ({"kind": "close", "accepted": False, "times": 1}, "unknown", 0),
        ({"kind": "401", "times": 1}, "failed", 0),
    ],
    ids=["refused for now", "lost after", "lost before", "refused"],
)
def test_a_notice_leaves_at_most_once(
    operator: Runtime, pair: Pair, fault: dict[str, Any], status: str, times: int
) -> None:
    seeds.new_store(operator.database, email="anna@bottega.example", state="needs_reconnect")
    pair.control("/faults", fault)

    _run(operator)
    _run(operator, later=20)

    assert seeds.values_of(operator.database, Notice, "status") == [status]
    assert len(_told(pair)) == times


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_notice_that_was_cut_off_is_sent_once_more_and_then_shown(operator: Runtime, pair: Pair) -> None:
    store_id = seeds.new_store(operator.database, email="anna@bottega.example", state="needs_reconnect")
    _cut_off(operator)
    _run(operator)
    before_its_lease = len(_told(pair))

    _end_leases(operator)
    _run(operator)
    told = seeds.values_of(operator.database, Notice, "status"), len(_told(pair))

    _set_state(operator, store_id, "connected")
    _run(operator)
    _set_state(operator, store_id, "needs_reconnect")
    for _ in range(2):
        _cut_off(operator)
        _end_leases(operator)
    _run(operator)

    assert (before_its_lease, told) == (0, (["sent"], 1))
    assert seeds.rows_of(operator.database, Notice, "status", "error") == [
        ("unknown", "cut off before the answer")
    ]
    assert len(_told(pair)) == 1
    assert _shown(operator, store_id) == ["notice_unknown"]
    report: Any = doctor._doctor(operator, argparse.Namespace())
    (listed,) = report["stores"]
    assert "tell the merchant yourself" in listed["notices"][0]["mend"]


def test_two_workers_tell_each_merchant_once(operator: Runtime, pair: Pair) -> None:
    for number in range(4):
        address = f"anna{number}@bottega.example"
        seeds.new_store(operator.database, f"shop{number}", email=address, state="needs_reconnect")
    both = Barrier(2)

    def _work(_: int) -> None:
        both.wait()
        _run(operator)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(_work, range(2)))

    assert sorted(line["to"] for line in _told(pair)) == [f"anna{n}@bottega.example" for n in range(4)]
    assert seeds.values_of(operator.database, Notice, "status") == ["sent"] * 4


def test_a_claim_passes_over_what_another_worker_has_claimed(operator: Runtime) -> None:
    seeds.new_store(operator.database, email="anna@bottega.example", state="needs_reconnect")
    with operator.database.write() as session:
        queue.follow(session, NOW)

    with operator.database.write() as first:
        mine = queue.claim(first, NOW)
        if operator.database.is_sqlite:
            # One writer at a time: the second would wait for the first.
            first.commit()
        with operator.database.write() as second:
            theirs = queue.claim(second, NOW)

    assert (len(mine), len(theirs)) == (1, 0)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_without_an_address_it_rests_with_the_reason(operator: Runtime, pair: Pair) -> None:
    seeds.new_store(operator.database, state="needs_reconnect")

    _run(operator)

    assert seeds.rows_of(operator.database, Notice, "status", "error") == [
        ("failed", "the shop named no address to write to")
    ]


@pytest.mark.parametrize(("locale", "word"), [("it", "Ricollega"), ("en", "Reconnect"), ("fr", "Reconnect")])
def test_it_is_told_in_the_shops_language_with_the_way_back(locale: str, word: str) -> None:
    store = Store(name="Bottega <b>", domain="b.example", locale=locale, settings={}, email="")

    told = mail(
        store,
        "needs_reconnect",
        to_address="a@b.example",
        from_address=FROM,
        base_url="https://r.example",
        told={},
    )

    assert word in told.text
    assert "https://r.example/app/" in told.text
    assert "Bottega &lt;b&gt;" in (told.html or "")
    assert "Bottega <b>" in told.subject


def _rated_low(runtime: Runtime, store_id: int, minutes: int = 0) -> None:
    with runtime.database.write() as session:
        queue.raise_again(session, store_id, queue.LOW_RATING, n=1, now=NOW + minutes * MINUTE)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_low_ratings_are_told_together_and_no_more_than_once_an_hour(operator: Runtime, pair: Pair) -> None:
    store_id = seeds.new_store(operator.database, email="anna@bottega.example")
    _rated_low(operator, store_id)
    _rated_low(operator, store_id)

    told = []
    for minute in (0, 1, 30, 59, 60, 61):
        _run(operator, later=minute)
        told.append(len(_told(pair)))
        if minute in (1, 30):
            _rated_low(operator, store_id, minute)

    assert told == [1, 1, 1, 1, 2, 2]
    assert seeds.rows_of(operator.database, Notice, "kind", "status", "n") == [("low_rating", "sent", 2)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_is_rated_while_a_mail_is_on_its_way_is_told_with_the_next(operator: Runtime) -> None:
    store_id = seeds.new_store(operator.database, email="anna@bottega.example")
    _rated_low(operator, store_id)
    with operator.database.write() as session:
        queue.claim(session, NOW)

    _rated_low(operator, store_id, 1)
    with operator.database.write() as session:
        queue.finish(session, store_id, queue.LOW_RATING, status="sent", error=None)

    kept = seeds.rows_of(operator.database, Notice, "status", "n", "next_at")
    assert kept == [("queued", 1, NOW + 60 * MINUTE)]


@pytest.mark.parametrize(
    ("kind", "locale", "words", "path"),
    [
        ("low_rating", "it", "da 1 a 3 stelle: 4.", "/app/reviews?show=low"),
        ("low_rating", "en", "1 to 3 stars: 4.", "/app/reviews?show=low"),
        ("text_budget", "it", "80 % della spesa", "/app/settings#senders"),
        ("text_budget", "en", "used more than 80%", "/app/settings#senders"),
        ("sender_stopped", "it", "non accetta più i messaggi", "/app/settings#senders"),
        ("sender_stopped", "en", "takes no messages any more", "/app/settings#senders"),
    ],
)
def test_each_kind_says_what_happened_and_leads_to_what_mends_it(
    kind: str, locale: str, words: str, path: str
) -> None:
    store = Store(name="Bottega", domain="b.example", locale=locale, settings={}, email="")

    told = mail(
        store, kind, to_address="a@b.example", from_address=FROM, base_url="https://r.example", told={"n": 4}
    )

    assert words in told.text
    assert f"https://r.example{path}" in told.text


@pytest.mark.parametrize("locale", ["it", "en"])
@pytest.mark.parametrize(
    "kind",
    ["low_rating", "needs_reconnect", "sender_stopped", "text_budget", "weekly", "invitation", "password"],
)
def test_each_kind_has_a_button_for_every_screen_and_leaves_nothing_unfilled(kind: str, locale: str) -> None:
    if kind in ("invitation", "password"):
        letter = Letter(1, kind, "a@b.example", "https://r.example/app/x?a=1&b=2", "Bottega", locale)
        told = letter_of(letter, FROM)
    else:
        store = Store(name="Bottega", domain="b.example", locale=locale, settings={}, email="")
        values = dict.fromkeys(["n", "first", "last", *FIGURES], "7")
        told = mail(
            store,
            kind,
            to_address="a@b.example",
            from_address=FROM,
            base_url="https://r.example",
            told=values,
        )
    link = told.text.split("https://", 1)[1].split()[0]
    page = told.html or ""

    assert f'<a href="https://{link.replace("&", "&amp;")}" style="display:inline-block' in page
    assert f'<html lang="{locale}"' in page
    assert "prefers-color-scheme:dark" in page
    assert page.count("r.example.") == 1
    assert not re.search(r"\{\w*\}", told.subject + told.text)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_notice_that_cannot_be_written_keeps_no_other_merchant_waiting(
    operator: Runtime, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = (
        seeds.new_store(operator.database, word, email=f"{word}@b.example", state="needs_reconnect")
        for word in ("broken", "sound")
    )

    def _mail(store: Store, *arguments: Any, **named: Any) -> Any:
        if store.id == broken:
            raise ZeroDivisionError("of somebody's figures")
        return mail(store, *arguments, **named)

    monkeypatch.setattr(notices, "mail", _mail)

    _run(operator)

    assert [line["to"] for line in _told(pair)] == ["sound@b.example"]
    assert seeds.rows_of(operator.database, Notice, "store_id", "status") == [
        (broken, "failed"),
        (sound, "sent"),
    ]
    assert "somebody" not in seeds.values_of(operator.database, Notice, "error")[0]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_operator_without_an_account_tells_nobody(runtime: Runtime, pair: Pair) -> None:
    seeds.new_store(runtime.database, email="anna@bottega.example", state="needs_reconnect")

    _run(runtime)

    assert seeds.values_of(runtime.database, Notice, "status") == []
    assert _told(pair) == []


def _run(runtime: Runtime, later: int = 0) -> None:
    notices.run(Kit.build(runtime, LocalChannel(None)), NOW + later * MINUTE)


def _cut_off(runtime: Runtime) -> None:
    """A worker claims what is due, and dies."""
    with runtime.database.write() as session:
        queue.follow(session, NOW)
        queue.claim(session, NOW)


def _end_leases(runtime: Runtime) -> None:
    with runtime.database.write() as session:
        session.execute(queue.NOTICES.update().values(lease_until=datetime(2000, 1, 1, tzinfo=UTC)))


def _shown(runtime: Runtime, store_id: int) -> list[str]:
    """What the home page says of notices."""
    with runtime.database.read() as session:
        store = session.get_one(Store, store_id)
        items = attention.of_store(
            session, store, has_sender=True, active_flows=1, grant_url="/", ways_out=[]
        )
    return [item.key for item in items if item.key.startswith("notice")]


def _told(pair: Pair) -> list[dict[str, Any]]:
    return [dict(line) for line in pair.providers.log.lines]


def _set_state(runtime: Runtime, store_id: int, state: str) -> None:
    with runtime.database.write() as session:
        session.get_one(Store, store_id).state = state
