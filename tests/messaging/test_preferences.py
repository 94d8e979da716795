"""The preference page and what it changes: topics, pause, fewer, language and birthday."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import clock
from app.customers import Telling, upsert_customers
from app.messaging.links import LinkMaker
from app.models import Customer, Message, Preference, Store
from app.runtime import Runtime
from connectors.base import CustomerRecord
from jobs import outbox
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop
from tests.sites import app_over

SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
DAY = timedelta(days=1)
WRONG_DAYS = [("31", "2", ""), ("x", "2", ""), ("1", "", ""), ("1", "1", "2030"), ("1", "1", "3")]
ASKED = ["offers", "advice", "reviews", "birthday", "cart"]


@dataclass(frozen=True)
class Page:
    """Somebody who got a welcome mail, and the page that it leads to."""

    shop: Shop
    client: FlaskClient
    customer_id: int
    message_id: int
    url: str

    def save(self, **answers: Any) -> str:
        """Press the button, everything ticked that is not given otherwise; the page that follows."""
        form = {"act": "save", "asked": ASKED, "topic": ASKED, "pause": "keep", **answers}
        answer = self.client.post(self.url, data=form)
        assert answer.status_code == 200, answer.text
        return answer.text

    def wishes(self) -> tuple[Any, ...]:
        """Topics, fewer and pause, as they are kept."""
        names = ("topics_off", "is_fewer", "paused_until")
        kept: tuple[Any, ...] = seeds.only(seeds.rows_of(self.shop.database, Preference, *names))
        return kept

    def customer(self) -> Customer:
        """The person's row."""
        with self.shop.database.read() as session:
            return session.get_one(Customer, self.customer_id)

    def hear(self, **told: Any) -> None:
        """What the shop says of the person, a week later."""
        name = self.customer().external_id
        record = CustomerRecord(name, **{"updated_at": NOW + 7 * DAY, **told})
        with self.shop.database.write() as session:
            upsert_customers(
                session, self.shop.runtime.signer, self.shop.id, [Telling(record)], now=NOW + 7 * DAY
            )


@pytest.fixture
def page(runtime: Runtime) -> Page:
    shop = open_shop(runtime)
    customer_id = shop.add_subscriber()
    message_id = shop.add_message(customer_id)
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        store.settings = {**store.settings, "preferences.birthday": "on"}
    app = app_over(runtime)
    links = LinkMaker(
        base_url="",
        signer=runtime.signer,
        store_id=shop.id,
        message_id=message_id,
        tags=None,
        tracks_clicks=False,
    )
    return Page(shop, app.test_client(), customer_id, message_id, links.preferences())


@SQLITE
def test_looking_at_the_page_changes_nothing(page: Page) -> None:
    shown = page.client.get(page.url)
    page.client.head(page.url)

    assert shown.status_code == 200
    assert seeds.rows_of(page.shop.database, Preference) == []
    assert 'name="topic" value="offers" checked' in shown.text


@SQLITE
def test_every_field_of_the_page_has_a_label(page: Page) -> None:
    text = page.client.get(page.url).text

    for name in ("language", "day", "month", "year"):
        assert f'<label for="{name}">' in text
        assert f'id="{name}"' in text
    assert text.count("<h1") == 1
    assert text.count("<legend>") == 3


@SQLITE
def test_a_topic_that_was_unticked_is_kept_and_shown(page: Page) -> None:
    text = page.save(topic=["advice", "birthday"])

    assert page.wishes() == (["cart", "offers", "reviews"], False, None)
    assert 'value="reviews">' in text
    assert 'value="advice" checked' in text


@SQLITE
def test_a_topic_that_was_not_asked_stays_as_it_is(page: Page) -> None:
    page.save(topic=["advice"])

    page.save(asked=["advice"], topic=[])

    assert page.wishes()[0] == ["advice", "birthday", "cart", "offers", "reviews"]


@SQLITE
def test_whoever_wants_no_offers_gets_none(page: Page) -> None:
    page.save(topic=["advice"])
    post = Post()

    outbox.run(page.shop.kit(post), NOW)

    message = page.shop.message(page.message_id)
    assert (post.sent, message.status, message.reason) == ([], "stopped", "topic-off")


@SQLITE
def test_a_pause_that_ends_too_late_stops_the_message(page: Page) -> None:
    page.save(pause="30")

    outbox.run(page.shop.kit(Post()), NOW)

    message = page.shop.message(page.message_id)
    assert (message.status, message.reason) == ("stopped", "paused-by-customer")
    assert page.wishes()[2] == NOW + 30 * DAY


def test_a_pause_that_ends_in_time_lets_the_message_wait_and_resuming_frees_it(page: Page) -> None:
    with page.shop.database.write() as session:
        session.get_one(Message, page.message_id).expires_at = NOW + 60 * DAY
    post = Post()
    page.save(pause="30")
    outbox.run(page.shop.kit(post), NOW)
    waiting = page.shop.message(page.message_id)

    page.save(pause="resume")
    outbox.run(page.shop.kit(post), NOW)

    assert (waiting.status, waiting.reason, waiting.next_at) == (
        "queued",
        "paused-by-customer",
        NOW + 30 * DAY,
    )
    assert post.sent_ids == [page.message_id]


@SQLITE
def test_a_pause_lasts_when_something_else_is_saved(page: Page) -> None:
    page.save(pause="90")

    text = page.save(fewer="yes")

    assert page.wishes() == ([], True, NOW + 90 * DAY)
    assert "In pausa fino al 31 gennaio 2027" in text


@SQLITE
def test_fewer_means_one_message_a_week(page: Page) -> None:
    page.save(fewer="yes")
    post = Post()
    outbox.run(page.shop.kit(post), NOW)
    second = page.shop.add_message(page.customer_id, due_at=NOW + 2 * DAY, expires_at=NOW + 20 * DAY)

    outbox.run(page.shop.kit(post), NOW + 2 * DAY)

    message = page.shop.message(second)
    assert post.sent_ids == [page.message_id]
    assert (message.reason, message.next_at) == ("capped", NOW + 7 * DAY)


@SQLITE
def test_the_language_is_the_persons_whatever_the_shop_says_later(page: Page) -> None:
    text = page.save(language="en")

    page.hear(locale="it-IT")

    assert '<html lang="en">' in text
    assert page.customer().locale == "en"


def test_a_birthday_told_here_outlives_the_shops_old_one(page: Page) -> None:
    page.hear(birth_year=1990, birth_month=5, birth_day=3, updated_at=NOW - DAY)
    page.save(day="29", month="2")

    page.hear(birth_year=1990, birth_month=5, birth_day=3)

    told = page.customer()
    assert (told.birth_month, told.birth_day, told.birth_year) == (2, 29, None)
    assert told.birth_known_at == NOW


@SQLITE
def test_a_birthday_that_the_shop_heard_later_is_news(page: Page) -> None:
    page.save(day="29", month="2", year="1988")

    page.hear(birth_year=1991, birth_month=6, birth_day=4)

    assert (page.customer().birth_month, page.customer().birth_day) == (6, 4)


@SQLITE
def test_a_birthday_can_be_forgotten_and_does_not_come_back(page: Page) -> None:
    page.hear(birth_year=1990, birth_month=5, birth_day=3, updated_at=NOW - DAY)

    page.save(birthday="forget")
    page.hear(birth_year=1990, birth_month=5, birth_day=3)

    assert page.customer().birth_month is None


@SQLITE
def test_the_page_tells_nobody_the_birthday(page: Page) -> None:
    page.hear(birth_year=1990, birth_month=5, birth_day=3, updated_at=NOW - DAY)

    text = page.client.get(page.url).text

    assert "1990" not in text
    assert "selected" not in text.split('id="month"')[1].split("</select>")[0]


@SQLITE
def test_a_day_that_does_not_exist_changes_nothing(page: Page) -> None:
    fields = [{"day": day, "month": month, "year": year} for day, month, year in WRONG_DAYS]

    answers = [page.client.post(page.url, data={"act": "save", "asked": ASKED, **one}) for one in fields]

    assert {answer.status_code for answer in answers} == {400}
    assert all('role="alert"' in answer.text for answer in answers)
    assert seeds.rows_of(page.shop.database, Preference) == []


@SQLITE
def test_a_wrong_date_loses_nothing_else_that_was_answered(page: Page) -> None:
    form = {"act": "save", "asked": ASKED, "topic": ["offers"], "fewer": "yes", "pause": "90", "day": "31"}

    text = page.client.post(page.url, data={**form, "month": "2", "language": "en"}).text

    assert text.count(" checked") == 3
    for field in ('value="offers" checked', 'value="yes" checked', 'value="90" checked'):
        assert field in text
    assert '<option value="en" selected' in text


@SQLITE
def test_what_the_merchant_does_not_ask_for_is_not_taken(page: Page) -> None:
    with page.shop.database.write() as session:
        store = session.get_one(Store, page.shop.id)
        store.settings = {**store.settings, "preferences.birthday": "off", "preferences.language": "off"}

    text = page.save(day="1", month="1", language="en")

    assert 'id="day"' not in text
    assert (page.customer().birth_month, page.customer().locale) == (None, None)


@SQLITE
def test_an_erased_person_has_no_preferences(page: Page) -> None:
    with page.shop.database.write() as session:
        session.get_one(Customer, page.customer_id).erased_at = clock.now()

    answer = page.client.post(page.url, data={"act": "save", "asked": ASKED})

    assert answer.status_code == 400
    assert seeds.rows_of(page.shop.database, Preference) == []
