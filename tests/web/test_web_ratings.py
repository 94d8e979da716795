"""The rating page: looking keeps nothing, answering does, once for each thing and for thirty days."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import clock
from app.db import table_of
from app.messaging.links import LinkMaker
from app.models import Customer, CustomerEvent, CustomerMerge, Message, Notice, Order, Product, Review, Store
from app.privacy import erasure
from app.runtime import Runtime
from tests import seeds
from tests.web.web_shops import NOW, Shop, add_customer, add_message

DAY = timedelta(days=1)
COLUMNS = ("object", "product_external_id", "rating", "text", "display_name")


@dataclass
class Asked:
    """Somebody who got an ask, and the page that its stars lead to."""

    runtime: Runtime
    client: FlaskClient
    store_id: int
    customer_id: int
    message_id: int
    url: str

    def answer(self, **form: Any) -> TestResponse:
        """Press the button."""
        return self.client.post(self.url, data={"act": "rate", **form})

    def kept(self, *names: str) -> list[tuple[Any, ...]]:
        """The answers that are kept."""
        found = seeds.rows_of(self.runtime.database, Review, "source", "message_id", *(names or COLUMNS))
        return [row[2:] for row in found if row[:2] == ("ritorno", self.message_id)]

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The shop's row, to change it."""
        with self.runtime.database.write() as session:
            yield session.get_one(Store, self.store_id)


def asked(
    runtime: Runtime, app: Flask, shop: Shop, step: str = "M3", products: tuple[str, ...] = ()
) -> Asked:
    """A mail of the review flow about the shop's order, to the customer who placed it."""
    context: dict[str, Any] = {"content": f"review/{step}", "order": shop.word}
    if step.startswith("M3"):
        names = products or (shop.word,)
        context["products"] = [{"external_id": name, "title": f"{name} thing"} for name in names]
    number = shop.ids["customer"]
    with runtime.database.write() as session:
        flow = {"flow_key": "review", "step": step, "key": f"review:{step}:{number}", "enrollment_id": 9}
        row = add_message(session, shop.store_id, number, word=shop.word, context=context, **flow)
        message_id = row.id
    links = LinkMaker(
        base_url="",
        signer=runtime.signer,
        store_id=shop.store_id,
        message_id=message_id,
        tags=None,
        tracks_clicks=False,
    )
    return Asked(runtime, app.test_client(), shop.store_id, number, message_id, links.rating(number))


@pytest.fixture
def ask(runtime: Runtime, app: Flask, shop: Shop) -> Asked:
    """An ask about one product."""
    return asked(runtime, app, shop)


def test_looking_keeps_nothing_and_shows_the_mails_star(ask: Asked) -> None:
    page = ask.client.get(f"{ask.url}?rating=4&product=1").text
    ask.client.head(f"{ask.url}?rating=4")

    assert 'value="4" checked' in page
    assert page.count(" checked") == 1
    assert ask.kept() == []


def test_a_star_that_does_not_exist_is_not_chosen(ask: Asked) -> None:
    for star in ("6", "0", "x", "<b>"):
        page = ask.client.get(ask.url, query_string={"rating": star, "product": star}).text

        assert " checked" not in page
        assert "<b>" not in page


@pytest.mark.parametrize(
    ("step", "kind", "subject"),
    [
        ("M1", "experience", "order:azure"),
        ("M2", "delivery", "order:azure"),
        ("M3", "product", "product:azure"),
        ("M3R", "product", "product:azure"),
        ("M4", "service", "order:azure"),
    ],
)
def test_each_moment_asks_about_its_own_thing(
    runtime: Runtime, app: Flask, shop: Shop, step: str, kind: str, subject: str
) -> None:
    page = asked(runtime, app, shop, step)

    answer = page.answer(**{"t1-rating": "5", "t1-text": " Bene \r\n così <b> ", "name": " Anna  R. "})

    assert answer.status_code == 200
    assert page.kept("object", "rating", "text", "display_name", "state", "is_verified") == [
        (kind, 5, "Bene \n così <b>", "Anna R.", "pending", True)
    ]
    told = seeds.rows_of(runtime.database, CustomerEvent, "type", "subject", "details")
    assert told[-1] == ("review.received", subject, {"rating": 5, "object": kind})


def test_answering_twice_edits_and_is_told_once(runtime: Runtime, app: Flask, shop: Shop) -> None:
    first, second = asked(runtime, app, shop), asked(runtime, app, shop, "M3R")
    first.answer(**{"t1-rating": "5", "t1-text": "Ottimo"})

    with clock.frozen_at(NOW + 29 * DAY):
        shown = second.client.get(second.url).text
        second.answer(**{"t1-rating": "4", "t1-text": "Buono"})

    assert "Ottimo</textarea>" in shown
    assert second.kept("rating", "text", "written_at", "edited_at") == [(4, "Buono", NOW, NOW + 29 * DAY)]
    assert first.kept() == []
    told = seeds.values_of(runtime.database, CustomerEvent, "type")
    assert told.count("review.received") == 1


def test_after_thirty_days_an_answer_stands(ask: Asked) -> None:
    ask.answer(**{"t1-rating": "5"})

    with clock.frozen_at(NOW + 30 * DAY):
        shown, answered = ask.client.get(ask.url), ask.answer(**{"t1-rating": "1"})

    assert "<form" not in shown.text
    assert "<form" not in answered.text
    assert ask.kept("rating") == [(5,)]


def test_the_same_answer_again_undoes_no_approval(ask: Asked) -> None:
    ask.answer(**{"t1-rating": "5", "t1-text": "Ottimo"})
    with ask.runtime.database.write() as session:
        session.query(Review).filter_by(message_id=ask.message_id).update({"state": "approved"})

    ask.answer(**{"t1-rating": "5", "t1-text": "Ottimo"})
    again = ask.kept("state")
    ask.answer(**{"t1-rating": "5", "t1-text": "Pessimo"})

    assert again == [("approved",)]
    assert ask.kept("state") == [("pending",)]


def test_of_three_products_those_with_stars_are_kept(runtime: Runtime, app: Flask, shop: Shop) -> None:
    page = asked(runtime, app, shop, products=("azure", "B", "C"))

    wrong = page.answer(**{"t1-rating": "5", "t2-text": "no stars"})
    before = page.kept()
    page.answer(**{"t1-rating": "5", "t3-rating": "2", "t3-text": "so so"})

    assert (wrong.status_code, before) == (400, [])
    assert "no stars</textarea>" in wrong.text
    assert 'value="5" checked' in wrong.text
    assert set(page.kept()) == {("product", "azure", 5, None, None), ("product", "C", 2, "so so", None)}


NO_ANSWERS: list[dict[str, str]] = [
    {},
    {"t1-text": "words alone"},
    {"t1-rating": "9"},
    {"t2-rating": "5"},
    {"t1-rating": "5", "t1-text": "x" * 2001},
    {"t1-rating": "5", "act": "other"},
]


def test_what_is_no_answer_is_not_kept(ask: Asked) -> None:
    for form in NO_ANSWERS:
        answer = ask.answer(**form)

        assert answer.status_code == 400
        assert "<form" in answer.text
    assert ask.kept() == []


def test_a_text_of_2000_signs_fits_however_it_is_written(runtime: Runtime, app: Flask, shop: Shop) -> None:
    page = asked(runtime, app, shop, products=("azure", "B", "C"))

    form = {
        f"t{number}-{name}": value
        for number in (1, 2, 3)
        for name, value in (("rating", "5"), ("text", "🙂" * 2000))
    }

    assert page.answer(**form).status_code == 200
    assert page.answer(**{"t1-rating": "5", "t1-text": "x" * 200_000}).status_code == 413


def test_signs_that_no_database_takes_are_left_out(ask: Asked) -> None:
    ask.answer(**{"t1-rating": "5", "t1-text": "a\0b\x1bc 👩\u200d🍳", "name": "An\0na"})

    assert ask.kept("text", "display_name") == [("abc 👩\u200d🍳", "Anna")]


def test_a_name_that_is_an_address_is_no_name(ask: Asked) -> None:
    for name in ("www.spam.example", "https://spam.example", "a@b.example"):
        ask.answer(**{"t1-rating": "5", "name": name})

        assert ask.kept("display_name") == [(None,)]


def test_the_name_begins_as_first_name_and_initial(ask: Asked) -> None:
    with ask.runtime.database.write() as session:
        customer = session.get_one(Customer, ask.customer_id)
        customer.first_name, customer.last_name = "Anna", "rossi"

    assert 'value="Anna R."' in ask.client.get(ask.url).text


def test_a_token_that_was_changed_is_no_address(ask: Asked) -> None:
    head, _, mac = ask.url.rpartition(".")
    forged = [f"{head}{change}.{mac}" for change in ("-1", "x", "2-3")]
    forged.append(f"{head}.{mac[:-1]}{'A' if mac[-1] != 'A' else 'B'}")

    for url in forged:
        assert ask.client.get(url).status_code == 404
        assert ask.client.post(url, data={"act": "rate", "t1-rating": "5"}).status_code == 404


def test_a_token_of_another_purpose_is_no_address(ask: Asked) -> None:
    value = ask.url.removeprefix("/r/").rpartition(".")[0]

    assert ask.client.get(f"/r/{ask.runtime.signer.sign('confirm', value)}").status_code == 404


def test_a_token_is_bound_to_the_person_it_was_sent_to(ask: Asked) -> None:
    with ask.runtime.database.write() as session:
        other = add_customer(session, ask.store_id, "other").id
    value = f"{ask.store_id:x}-{ask.message_id:x}-{other:x}"

    answer = ask.client.post(
        f"/r/{ask.runtime.signer.sign('rating', value)}", data={"act": "rate", "t1-rating": "5"}
    )

    assert (answer.status_code, "<form" in answer.text) == (200, False)
    assert ask.kept() == []


def test_a_merge_leaves_the_link_good(ask: Asked, shop: Shop) -> None:
    with ask.runtime.database.write() as session:
        kept = add_customer(session, shop.store_id, "kept").id
        session.query(Message).filter_by(id=ask.message_id).update({"customer_id": kept})
        names = {"merged_external_id": "azure-1", "kept_external_id": "kept", "told_at": NOW}
        session.add(
            CustomerMerge(
                store_id=shop.store_id, customer_id=kept, merged_customer_id=ask.customer_id, **names
            )
        )

    ask.answer(**{"t1-rating": "5"})

    assert ask.kept("customer_id", "rating") == [(kept, 5)]


def test_after_an_erasure_the_page_knows_nothing(ask: Asked) -> None:
    ask.answer(**{"t1-rating": "2", "t1-text": "Mine", "name": "Anna R."})
    with ask.runtime.database.write() as session:
        erasure.erase_customer(session, ask.runtime.signer, ask.store_id, ask.customer_id, now=NOW)

    shown, answered = ask.client.get(ask.url), ask.answer(**{"t1-rating": "5"})

    for page in (shown, answered):
        assert page.status_code == 200
        assert not any(word in page.text for word in ("Mine", "Anna", "azure", "<form"))
    assert ask.kept("rating", "text", "display_name", "email") == [(2, None, None, None)]


@pytest.mark.parametrize("gone", ["uninstalled", "forgotten"])
def test_without_the_shop_the_page_is_polite_and_keeps_nothing(ask: Asked, gone: str) -> None:
    with ask.store() as store:
        store.state = "uninstalled"
    if gone == "forgotten":
        with ask.runtime.database.write() as session:
            session.query(Message).delete()

    shown, answered = ask.client.get(ask.url), ask.answer(**{"t1-rating": "5"})

    assert [shown.status_code, answered.status_code] == [200, 200]
    assert "<form" not in shown.text
    assert "<h1" in shown.text
    assert ask.kept() == []


def test_a_mail_that_asks_nothing_has_no_page(runtime: Runtime, app: Flask, shop: Shop, ask: Asked) -> None:
    value = f"{shop.store_id:x}-{shop.ids['message']:x}-{shop.ids['customer']:x}"

    assert "<form" not in ask.client.get(f"/r/{runtime.signer.sign('rating', value)}").text


def test_who_never_bought_is_not_verified(ask: Asked) -> None:
    with ask.runtime.database.write() as session:
        session.query(Order).update({"is_counted": False})

    ask.answer(**{"t1-rating": "5"})

    assert ask.kept("is_verified") == [(False,)]


def _notices(runtime: Runtime) -> list[tuple[Any, ...]]:
    return seeds.rows_of(runtime.database, Notice, "kind", "status", "n")


@pytest.mark.parametrize(("star", "notices"), [("3", [("low_rating", "queued", 1)]), ("4", [])])
def test_three_stars_or_fewer_are_told_to_the_merchant(
    ask: Asked, star: str, notices: list[tuple[Any, ...]]
) -> None:
    ask.answer(**{"t1-rating": star})
    ask.answer(**{"t1-rating": star, "t1-text": "the same stars"})

    assert _notices(ask.runtime) == notices


def test_stars_that_fall_later_are_told_too(ask: Asked) -> None:
    ask.answer(**{"t1-rating": "5"})

    ask.answer(**{"t1-rating": "1"})

    assert _notices(ask.runtime) == [("low_rating", "queued", 1)]


LANDINGS = [
    ({}, None),
    ({"reviews.landing": "product-page"}, "https://azure.example/p/azure#tab-reviews"),
    (
        {"reviews.landing": "app", "reviews.app_url": "https://app.example/{handle}?o={order}&l={language}"},
        "https://app.example/azure?o=%23azure&amp;l=it",
    ),
    ({"reviews.landing": "app", "reviews.app_url": "https://app.example/write"}, "https://app.example/write"),
    ({"reviews.landing": "app"}, None),
]


@pytest.mark.parametrize(("chosen", "url"), LANDINGS)
def test_everybody_is_led_to_the_same_place_whatever_the_stars(
    ask: Asked, chosen: dict[str, str], url: str | None
) -> None:
    with ask.store() as store:
        store.settings = {**store.settings, **chosen}
    with ask.runtime.database.write() as session:
        session.execute(table_of(Product).update().values(url="https://azure.example/p/azure"))

    pages = {ask.answer(**{"t1-rating": star}).text for star in "12345"}

    (page,) = pages
    assert page.count('rel="noopener noreferrer"') == (0 if url is None else 1)
    assert url is None or f'href="{url}"' in page
    assert 'href="https://azure.example"' in page


def test_an_app_that_wants_a_product_is_not_shown_for_an_order(
    runtime: Runtime, app: Flask, shop: Shop
) -> None:
    page = asked(runtime, app, shop, "M1")
    with page.store() as store:
        store.settings = {"reviews.landing": "app", "reviews.app_url": "https://app.example/{product}"}

    assert "app.example" not in page.answer(**{"t1-rating": "5"}).text


@pytest.mark.parametrize(("step", "language"), [("M1", "it"), ("M2", "en"), ("M3", "it"), ("M4", "en")])
def test_the_page_can_be_used_by_keyboard_and_ear(
    runtime: Runtime, app: Flask, shop: Shop, step: str, language: str
) -> None:
    page = asked(runtime, app, shop, step, products=("A", "B"))
    with page.store() as store:
        store.locale = language
        store.settings = {**store.settings, "locale": language}

    text = page.client.get(page.url).text

    things = 2 if step == "M3" else 1
    assert f'<html lang="{language}">' in text
    assert text.count("<h1") == 1
    assert text.count("<legend>") == things
    assert text.count('type="radio"') == 5 * things
    assert all(f'<label for="{name}">' in text for name in ("t1-text", "name"))


def test_nobody_may_keep_the_page_or_learn_its_address(ask: Asked) -> None:
    for answer in (ask.client.get(ask.url), ask.answer(**{"t1-rating": "5"})):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in answer.headers
