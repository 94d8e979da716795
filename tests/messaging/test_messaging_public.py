import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from sqlalchemy import func, select
from werkzeug.test import Client, TestResponse

from app import clock, consent
from app.consent import NewConsent
from app.messaging.links import LinkMaker
from app.models import (
    Consent,
    Customer,
    CustomerEvent,
    DeliveryEvent,
    InboundEvent,
    Message,
    Store,
    Suppression,
)
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs import inbox
from jobs.kit import Kit
from tests.sites import site_over

SENT_AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LATER = SENT_AT + timedelta(hours=2)
CHROME = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36"}
BARRACUDA = {"User-Agent": "Barracuda Sentinel (EE)"}
DESTINATION = "https://bottega.example/p/moka?utm_source=ritorno"
NEVER_SENT = {"c": ("click", "1-ffff-0"), "u": ("unsubscribe", "1-ffff"), "p": ("preferences", "1-ffff")}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@dataclass(frozen=True)
class Shop:
    """One message to Lucia, and the links that went with it."""

    runtime: Runtime
    client: Client
    store_id: int
    customer_id: int
    message_id: int
    click: str
    unsubscribe: str
    preferences: str

    def visit(self, headers: dict[str, str]) -> TestResponse:
        """Follow the link; what was kept of it takes effect."""
        answer = self.client.get(self.click, headers=headers)
        inbox.run(Kit.build(self.runtime, LocalChannel(None)), clock.now())
        return answer

    def count(self, table: type) -> int:
        with self.runtime.database.read() as session:
            return session.execute(select(func.count()).select_from(table)).scalar_one()

    def everything(self) -> tuple[int, ...]:
        return tuple(
            self.count(table) for table in (InboundEvent, DeliveryEvent, CustomerEvent, Consent, Suppression)
        )

    def state(self) -> str | None:
        with self.runtime.database.read() as session:
            found = consent.state_of(session, self.store_id, self.customer_id, "email")
            return found.state if found else None


def row_store() -> Store:
    return Store(
        platform="woocommerce",
        domain="bottega.example",
        url="https://bottega.example",
        name="Bottega <Aurora>",
        state="connected",
        timezone="Europe/Rome",
        currency="EUR",
        country="IT",
        locale="it",
        credentials="",
        installed_at=SENT_AT,
    )


def row_message(store_id: int, customer_id: int, content: bytes | None) -> Message:
    return Message(
        store_id=store_id,
        key=f"welcome:W1:{customer_id}:consent",
        customer_id=customer_id,
        flow_key="welcome",
        step="W1",
        channel="email",
        purpose="answer",
        priority=1,
        status="sent",
        due_at=SENT_AT,
        expires_at=LATER,
        next_at=SENT_AT,
        created_at=SENT_AT,
        sent_at=SENT_AT,
        content=content,
    )


@pytest.fixture
def locale() -> str:
    return "it"


@pytest.fixture
def shop(runtime: Runtime, locale: str) -> Iterator[Shop]:
    packed = zlib.compress(json.dumps({"links": [DESTINATION]}).encode())
    with runtime.database.write() as session:
        store = row_store()
        session.add(store)
        session.flush()
        customer = Customer(
            store_id=store.id, identity="id:1", email="lucia@example.com", locale=locale, created_at=SENT_AT
        )
        session.add(customer)
        session.flush()
        message = row_message(store.id, customer.id, packed)
        session.add(message)
        session.flush()
        granted = NewConsent(store.id, customer.id, "email", "subscribed", "consent", SENT_AT, "shopify")
        consent.record(session, [granted], SENT_AT)
        ids = store.id, customer.id, message.id
    site = site_over(runtime)
    made = LinkMaker(
        base_url="", signer=runtime.signer, store_id=ids[0], message_id=ids[2], tags=None, tracks_clicks=True
    )
    with clock.frozen_at(LATER):
        yield Shop(
            runtime,
            Client(site.application),
            *ids,
            made.click(DESTINATION),
            made.unsubscribe(),
            made.preferences(),
        )
    site.close()


class Forms(HTMLParser):
    """The buttons of a page, and whether each has a label."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.language: str | None = None
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.language = dict(attrs)["lang"]


def test_a_persons_click_leads_to_the_destination_and_counts(shop: Shop) -> None:
    answer = shop.visit(CHROME)

    assert (answer.status_code, answer.location) == (302, DESTINATION)
    with shop.runtime.database.read() as session:
        event = session.execute(select(DeliveryEvent)).scalar_one()
        message = session.execute(select(Message)).scalar_one()
    assert (event.type, event.is_human, event.url, event.occurred_at) == ("clicked", True, DESTINATION, LATER)
    assert message.clicked_at == LATER


def test_a_scanners_click_leads_on_but_never_counts(shop: Shop) -> None:
    answer = shop.visit(BARRACUDA)

    assert (answer.status_code, answer.location) == (302, DESTINATION)
    with shop.runtime.database.read() as session:
        event = session.execute(select(DeliveryEvent)).scalar_one()
        message = session.execute(select(Message)).scalar_one()
    assert (event.is_human, message.clicked_at) == (False, None)


def test_a_click_within_ten_seconds_of_sending_never_counts(shop: Shop) -> None:
    with clock.frozen_at(SENT_AT + timedelta(seconds=9)):
        shop.visit(CHROME)

    with shop.runtime.database.read() as session:
        assert session.execute(select(Message.clicked_at)).scalar_one() is None


def test_head_leads_on_and_leaves_nothing_behind(shop: Shop) -> None:
    before = shop.everything()

    answer = shop.client.head(shop.click, headers=CHROME)

    assert (answer.status_code, answer.location) == (302, DESTINATION)
    assert shop.everything() == before


def test_a_link_whose_content_is_gone_leads_to_the_shop(shop: Shop) -> None:
    with shop.runtime.database.write() as session:
        session.execute(Message.__table__.update().values(content=None))  # type: ignore[attr-defined]

    answer = shop.visit(CHROME)

    assert (answer.status_code, answer.location) == (302, "https://bottega.example")


def test_the_destination_cannot_be_given_in_the_address(shop: Shop) -> None:
    answer = shop.client.get(f"{shop.click}?url=https://evil.example&next=//evil.example", headers=CHROME)

    assert answer.location == DESTINATION


@pytest.mark.parametrize("path", ["/c///evil.example", "/c/%2F%2Fevil.example", "//evil.example/c/x"])
def test_slashes_too_many_lead_to_no_other_host(shop: Shop, path: str) -> None:
    answer = shop.client.get(path, headers=CHROME, base_url="https://ritorno.example")

    assert answer.status_code in (308, 404)
    assert (answer.location or "https://ritorno.example/").startswith("https://ritorno.example/")


@pytest.mark.parametrize("kind", ["c", "u", "p"])
def test_wrong_tokens_of_all_sorts_get_one_and_the_same_404(shop: Shop, kind: str) -> None:
    own = {"c": shop.click, "u": shop.unsubscribe, "p": shop.preferences}
    tokens = {name: url.rsplit("/", 1)[1] for name, url in own.items()}
    unknown = shop.runtime.signer.sign(*NEVER_SENT[kind])
    wrong = [tokens[name] for name in own if name != kind]
    wrong += [tokens[kind][:-1] + "!", tokens[kind].swapcase(), "x", "1-1.", ".", "%00", unknown]
    wrong += ["\\\\evil.example", "javascript:alert(1)", f"{tokens[kind]}%0d%0aLocation:%20//evil.example"]

    answers = [shop.client.get(f"/{kind}/{token}", headers=CHROME) for token in wrong]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1


def test_reading_the_unsubscribe_page_changes_nothing(shop: Shop) -> None:
    before = shop.everything()

    pages = [shop.client.get(shop.unsubscribe, headers=agent) for agent in (CHROME, BARRACUDA)]
    shop.client.head(shop.unsubscribe)

    assert [page.status_code for page in pages] == [200, 200]
    assert shop.everything() == before
    assert shop.state() == "subscribed"
    page = Forms(pages[0].text)
    assert page.tags.count("button") == 1
    assert "script" not in page.tags
    assert page.language == "it"
    assert "Bottega &lt;Aurora&gt;" in pages[0].text


def test_one_click_unsubscribes_without_cookie_login_or_redirect(shop: Shop) -> None:
    answer = shop.client.post(shop.unsubscribe, data=ONE_CLICK)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert shop.state() == "unsubscribed"
    assert shop.count(Suppression) == 1
    with shop.runtime.database.read() as session:
        newest = session.execute(select(Consent).order_by(Consent.id.desc()).limit(1)).scalar_one()
    assert (newest.source, newest.occurred_at) == ("one-click", LATER)


def test_one_click_as_mail_programs_send_it_in_parts(shop: Shop) -> None:
    answer = shop.client.post(shop.unsubscribe, data=ONE_CLICK, content_type="multipart/form-data")

    assert answer.status_code == 200
    assert shop.state() == "unsubscribed"


def test_one_click_is_good_again_and_again(shop: Shop) -> None:
    answers = [shop.client.post(shop.unsubscribe, data=ONE_CLICK) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert shop.count(Suppression) == 1


def test_the_button_of_the_page_unsubscribes(shop: Shop) -> None:
    answer = shop.client.post(shop.unsubscribe, data={"act": "unsubscribe"})

    assert answer.status_code == 200
    assert "Non riceverai più email" in answer.text
    assert shop.state() == "unsubscribed"


@pytest.mark.parametrize("form", [{}, {"act": "other"}, {"List-Unsubscribe": "No"}, {"x": "1"}])
def test_a_post_that_says_something_else_only_shows_the_page(shop: Shop, form: dict[str, str]) -> None:
    answer = shop.client.post(shop.unsubscribe, data=form)

    assert answer.status_code == 400
    assert "<button" in answer.text
    assert shop.state() == "subscribed"


def test_the_preference_page_shows_what_is_so_and_its_button_ends_it(shop: Shop) -> None:
    before = shop.client.get(shop.preferences)
    acted = shop.client.post(shop.preferences, data={"act": "unsubscribe"})
    after = shop.client.get(shop.preferences)

    assert "Ricevi questi messaggi" in before.text
    assert acted.status_code == 200
    assert shop.state() == "unsubscribed"
    assert "Non ricevi più questi messaggi" in after.text
    assert "<button" not in after.text


def test_a_post_to_the_preferences_that_says_nothing_changes_nothing(shop: Shop) -> None:
    answer = shop.client.post(shop.preferences, data={})

    assert answer.status_code == 400
    assert shop.state() == "subscribed"


@pytest.mark.parametrize(
    ("locale", "words"), [("en-GB", "Do you want to unsubscribe?"), ("fr", "Vuoi annullare l’iscrizione?")]
)
def test_the_pages_speak_the_customers_language_else_the_shops(shop: Shop, words: str) -> None:
    assert words in shop.client.get(shop.unsubscribe).text


def test_pages_are_kept_by_nobody_and_tell_nobody_where_the_reader_was(shop: Shop) -> None:
    for url in (shop.click, shop.unsubscribe, shop.preferences):
        answer = shop.client.get(url, headers=CHROME)

        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "lucia@example.com" not in answer.text


def test_a_message_of_another_store_is_not_reached_by_a_token_of_this_one(shop: Shop) -> None:
    token = shop.runtime.signer.sign("unsubscribe", f"{shop.store_id + 1:x}-{shop.message_id:x}")

    assert shop.client.post(f"/u/{token}", data=ONE_CLICK).status_code == 404
    assert shop.state() == "subscribed"
