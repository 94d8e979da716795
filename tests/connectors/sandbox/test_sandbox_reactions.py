"""Shoppers and scanners react to what was sent, and use the codes they read."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.model import SHOPIFY, Voucher
from connectors.sandbox.reactions import plan_reactions, wants_to_redeem, words_like_codes
from connectors.sandbox.shopify_oauth import TOKEN
from connectors.sandbox.simulation import Simulation
from tests.connectors.sandbox.sandbox_stage import (
    CALM,
    App,
    config,
    install,
    open_simulation,
    running_app,
    write_data,
)

ALWAYS = replace(CALM, click=1.0, scanner=1.0, unsubscribe=1.0, redeem=1.0)
URL = "http://127.0.0.1:9"
HOUR = 3600
CODE = "BDAY-7QX2"


def mail(to: str = "lucia@example.com", **changes: Any) -> dict[str, Any]:
    message = {
        "message_id": "m-1",
        "channel": "email",
        "to": to,
        "from": "shop@example.com",
        "subject": "Happy birthday",
        "text": f"Use {CODE} at {URL}/c/abc. Leave: {URL}/u/xyz",
        "html": f'<a href="{URL}/c/abc?a=1&amp;b=2">go</a> <a href="https://shop.example/c/other">shop</a>',
        "headers": {"List-Unsubscribe": f"<{URL}/u/xyz>, <mailto:out@example.com>"},
    }
    return message | changes


def plan(message: Mapping[str, Any], seed: int = 1) -> dict[str, tuple[str, ...]]:
    reactions = plan_reactions(message, accepted_at=1000, seed=seed, rates=ALWAYS, app_url=URL)
    return {reaction.kind: reaction.urls for reaction in reactions}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data")


def start(data: Path, folder: Path, app: App, **changes: Any) -> Simulation:
    simulation = open_simulation(data, folder, config(ritorno_url=app.url, **({"rates": ALWAYS} | changes)))
    if not simulation.world.remembered(TOKEN):
        install(simulation, app.url)
    return simulation


def at_app(message: dict[str, Any], app: App) -> dict[str, Any]:
    return json.loads(json.dumps(message).replace(URL, app.url))  # type: ignore[no-any-return]


def test_only_links_that_lead_to_the_app_are_followed() -> None:
    planned = plan(mail())

    assert planned["click"][0].startswith(f"{URL}/c/abc")
    assert planned["scan"] == (f"{URL}/c/abc?a=1&b=2", f"{URL}/c/abc", f"{URL}/u/xyz")
    assert planned["unsubscribe"] == (f"{URL}/u/xyz",)


def test_nothing_is_done_with_a_mail_that_leads_elsewhere() -> None:
    assert plan(mail(text="https://shop.example/c/x", html="", headers={})) == {}


def test_a_text_message_is_clicked_but_not_scanned() -> None:
    planned = plan(mail("+393205550001", channel="sms", html=None, headers=None))

    assert set(planned) == {"click"}


def test_headers_may_come_as_pairs() -> None:
    planned = plan(mail(headers=[["list-unsubscribe", f"<{URL}/u/1>"]]))

    assert planned["unsubscribe"] == (f"{URL}/u/1",)


def test_what_a_reader_does_depends_on_the_seed_the_address_the_subject_and_the_moment() -> None:
    half = replace(ALWAYS, redeem=0.5)

    def wish(seed: int = 1, at: int = 1000, **changes: Any) -> bool:
        return wants_to_redeem(mail(**changes), accepted_at=at, seed=seed, rates=half)

    assert wish(message_id="m-1") == wish(message_id="another")
    assert len({wish(seed=seed) for seed in range(20)}) == 2
    assert len({wish(at=at) for at in range(20)}) == 2
    assert len({wish(subject=str(n)) for n in range(20)}) == 2
    assert len({wish(to=f"{n}@example.com") for n in range(20)}) == 2


def test_codes_are_looked_for_in_subject_and_text() -> None:
    assert CODE in words_like_codes(mail())
    assert "SUBJ-9" in words_like_codes(mail(subject="Your SUBJ-9!", text=None))


def test_a_scanner_comes_at_the_next_flush_and_the_reader_hours_later(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app)
        simulation.accept([at_app(mail(), app)])
        now = simulation.world.now_seconds
        assert simulation.next_at() == now
        simulation.advance(now)
        scanned = list(app.got)
        simulation.advance(now + HOUR - 1)
        early = len(app.got)
        simulation.advance(now + 48 * HOUR)

    assert [(got.method, got.path) for got in scanned[:2]] == [
        ("HEAD", "/c/abc?a=1&b=2"),
        ("GET", "/c/abc?a=1&b=2"),
    ]
    assert {got.headers["user-agent"] for got in scanned} == {"Barracuda Sentinel (EE)"}
    assert early == len(scanned) == 6
    human = [got for got in app.got[early:] if "x-shopify-topic" not in got.headers]
    assert {(got.method, got.path.split("?")[0]) for got in human} == {("GET", "/c/abc"), ("POST", "/u/xyz")}
    assert all("Mozilla" in got.headers["user-agent"] for got in human)
    post = next(got for got in human if got.method == "POST")
    assert post.body == b"List-Unsubscribe=One-Click"
    assert post.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_message_sunk_twice_at_one_moment_is_reacted_to_once(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app)
        simulation.accept([at_app(mail(), app)])
        simulation.accept([at_app(mail(), app)])
        simulation.advance(simulation.world.now_seconds + 48 * HOUR)

    counts = simulation.state()["counts"]
    assert (counts["click"], counts["scan"], counts["unsubscribe"], counts["messages"]) == (1, 1, 1, 2)


def test_reactions_wait_for_an_app_that_is_down_and_survive_a_restart(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        first = start(data, tmp_path / "j", app)
        port = int(app.url.rsplit(":", 1)[1])
        first.accept([at_app(mail(), app)])
    blocked = first.advance(first.world.now_seconds)
    second = start(data, tmp_path / "j", app)
    with running_app(port=port) as revived:
        second.advance(second.world.now_seconds + 48 * HOUR)
    third = start(data, tmp_path / "j", app)

    assert (blocked["blocked"], blocked["pending"]) == (True, 1)
    assert len(revived.got) == 8
    assert third.next_at() != third.world.now_seconds
    assert third.state()["counts"] == second.state()["counts"]


def household_with_orders(simulation: Simulation) -> tuple[str, list[int]]:
    shopper = simulation.world.script.shoppers[2]
    book = simulation.world.script.book
    baskets = [basket for basket in range(2000, 2010) if book.index_of(basket) is not None]
    return shopper.email, baskets


def mint(simulation: Simulation, **changes: Any) -> Voucher:
    fields: dict[str, Any] = {
        "platform": SHOPIFY,
        "external_id": 0,
        "code": CODE,
        "kind": "percent",
        "value": "15",
        "starts_at": None,
        "expires_at": None,
        "title": "",
    }
    return simulation.world.mint(Voucher(**(fields | changes)))


def placed(simulation: Simulation, basket: int) -> int:
    index = simulation.world.script.book.index_of(basket)
    assert index is not None
    return simulation.world.script.book.placed[index]


def test_the_next_order_carries_the_code_once(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app)
        email, baskets = household_with_orders(simulation)
        mint(simulation)
        simulation.advance(placed(simulation, baskets[2]))
        simulation.accept([mail(email.upper())])
        simulation.advance(placed(simulation, baskets[4]) + 60)
        simulation.accept([mail(email, subject="Again")])
        simulation.advance(placed(simulation, baskets[6]))

    codes = [simulation.world.redeemed_codes(basket) for basket in baskets[:7]]
    assert codes == [(), (), (), (CODE,), (), (), ()]
    voucher = simulation.world.voucher(SHOPIFY, CODE)
    assert voucher is not None
    assert voucher.redeemed_by_order == baskets[3]
    created = [json.loads(got.body) for got in app.got if b'"orders/create"' in got.body]
    assert [body["id"] for body in created if body["codes"]] == [baskets[3]]
    facts = (tmp_path / "j" / "facts.jsonl").read_text()
    assert facts.count("voucher.redeemed") == 1


def test_a_code_that_has_expired_is_not_used(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app)
        email, baskets = household_with_orders(simulation)
        mint(simulation, expires_at=simulation.world.now + timedelta(days=1))
        simulation.accept([mail(email)])
        simulation.advance(placed(simulation, baskets[1]))

    assert simulation.world.redeemed_codes(baskets[0]) == ()


def test_the_code_of_the_other_shop_means_nothing(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app)
        mint(simulation)
        simulation.accept([mail(simulation.world.script.shoppers[3].email)])
        simulation.advance(placed(simulation, 3000))

    assert simulation.world.redeemed_codes(3000) == ()


def test_an_order_carries_one_code_and_the_others_are_forgotten(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        first = start(data, tmp_path / "j", app)
        email, baskets = household_with_orders(first)
        mint(first)
        mint(first, code="OTHER-1")
        first.accept([mail(email, text=f"{CODE} or OTHER-1")])
        first.advance(placed(first, baskets[0]))
        second = start(data, tmp_path / "j", app)
        second.advance(placed(second, baskets[2]))

    assert [second.world.redeemed_codes(basket) for basket in baskets[:3]] == [(CODE,), (), ()]


def test_an_intention_and_a_redemption_survive_a_restart(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        first = start(data, tmp_path / "j", app)
        email, baskets = household_with_orders(first)
        mint(first)
        mint(first, code="OTHER-1")
        first.accept([mail(email)])
        first.advance(placed(first, baskets[0]))
        first.accept([mail(email, text="OTHER-1")])
        second = start(data, tmp_path / "j", app)
        second.advance(placed(second, baskets[2]))

    codes = [second.world.redeemed_codes(basket) for basket in baskets[:3]]
    assert codes == [(CODE,), ("OTHER-1",), ()]
