"""What our mails ask, quote and keep to themselves: links to the rating page, testimonials, the mute."""

from datetime import timedelta
from typing import Any

import pytest

from app import timeline
from app.flows.definition import recipe
from app.messaging import answers, links
from app.messaging.answers import Answer
from app.messaging.cases import CONDITION as NO_OPEN_CASE
from app.messaging.links import RatingToken
from app.messaging.reviewed import NOT_UNHAPPY, products_reviewed
from app.models import CustomerEvent, Decision, Message, Notice, Review, Store
from app.runtime import Runtime
from app.timeline import NewEvent
from jobs.outbox import run
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

DAY = timedelta(days=1)
SQLITE = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop with all the flows on that these mails belong to."""
    shop = open_shop(runtime)
    seeds.switch_on(runtime.database, shop.id, "review", "cross_sell", since=NOW)
    return shop


def said(shop: Shop, name: str, customer_id: int | None = None, **values: Any) -> None:
    """A review of the shop: approved praise of a buyer, unless something else is said."""
    fields: dict[str, Any] = {
        "source": "ritorno",
        "external_id": name,
        "customer_id": customer_id,
        "object": "experience",
        "rating": 5,
        "text": f"Words of {name}",
        "status": "given",
        "state": "approved",
        "is_verified": True,
        "written_at": NOW - DAY,
    }
    with shop.database.write() as session:
        session.add(Review(store_id=shop.id, **(fields | values)))


def posted(shop: Shop, customer_id: int, flow: str, step: str, **context: Any) -> str:
    """The text of a mail that leaves now."""
    post = Post()
    context = {"content": f"{flow}/{step}", "only_if": [], **context}
    shop.add_message(
        customer_id, flow_key=flow, step=step, key=f"{flow}:{step}:{customer_id}", context=context
    )
    run(shop.kit(post), NOW)
    (sent,) = post.sent
    return sent.text


@SQLITE
def test_each_star_of_a_mail_leads_to_the_rating_page(shop: Shop) -> None:
    for step in ("M1", "M2", "M4"):
        anna = shop.add_subscriber()

        text = posted(shop, anna, "review", step)

        urls = [word for word in text.split() if "/r/" in word]
        assert [url.rpartition("?")[2] for url in urls] == [f"rating={star}" for star in range(1, 6)]
        (token,) = {url.partition("/r/")[2].partition("?")[0] for url in urls}
        message_id = seeds.values_of(shop.database, Message, "id")[-1]
        assert links.read_rating(shop.runtime.signer, token) == RatingToken(shop.id, message_id, anna)


@SQLITE
def test_each_product_of_a_mail_leads_to_its_place_on_the_page(shop: Shop) -> None:
    products = [{"external_id": name, "title": name} for name in ("A", "gone")]
    with shop.database.write() as session:
        seeds.add_product(session, shop.id, "A")

    text = posted(shop, shop.add_subscriber(), "review", "M3", products=products)

    urls = [word for word in text.split() if "/r/" in word]
    assert [url.rpartition("?")[2] for url in urls] == ["product=1", "product=2"]


@SQLITE
def test_the_welcome_quotes_what_was_approved_beside_everybodys_average(shop: Shop) -> None:
    said(shop, "newest", display_name="Anna <R.>", text="Tutto\n<b>bello</b>", written_at=NOW)
    said(shop, "older")
    said(shop, "unhappy", rating=1, state="hidden", text="Never again")

    text = posted(shop, shop.add_subscriber(), "welcome", "W2")

    assert "“Tutto <b>bello</b>”\nAnna <R.>, acquisto verificato\n" in text
    assert "Media di tutte le valutazioni ricevute: 3,7 su 5 (sono 3)" in text
    assert "Words of older" not in text


NOT_QUOTED: list[dict[str, Any]] = [
    {"state": "pending"},
    {"state": "hidden"},
    {"rating": 3},
    {"text": ""},
    {"text": None},
    {"is_verified": False},
    {"status": "trash"},
]


@SQLITE
def test_what_may_not_be_quoted_is_not(shop: Shop) -> None:
    for number, values in enumerate(NOT_QUOTED):
        said(shop, f"x{number}", **values)

    text = posted(shop, shop.add_subscriber(), "welcome", "W2")

    assert "valutazioni" not in text


@SQLITE
def test_the_merchant_chooses_from_how_many_stars(shop: Shop) -> None:
    said(shop, "x", rating=2)
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        store.settings = {**store.settings, "reviews.quoted_from": "2"}

    assert "Words of x" in posted(shop, shop.add_subscriber(), "welcome", "W2")


@SQLITE
def test_a_quote_stands_escaped_in_the_mail_and_is_no_template(shop: Shop) -> None:
    said(shop, "x", text="<img src=x> {{ customer.first_name }} " + "parola " * 80)
    post = Post()
    shop.add_message(shop.add_subscriber())

    run(shop.kit(post), NOW)

    html = post.sent[0].html or ""
    assert "&lt;img src=x&gt; {{ customer.first_name }} parola" in html
    assert "parola…”" in html


UNHAPPY: list[tuple[dict[str, Any], str]] = [
    ({"rating": 3}, "stopped"),
    ({"rating": 3, "source": "woocommerce", "status": "held"}, "stopped"),
    ({"rating": 1, "written_at": NOW - 29 * DAY, "state": "hidden"}, "stopped"),
    ({"rating": 1, "written_at": NOW - 31 * DAY, "edited_at": NOW - DAY}, "stopped"),
    ({"rating": 4}, "sent"),
    ({"rating": 0}, "sent"),
    ({"rating": 1, "written_at": NOW - 30 * DAY}, "sent"),
    ({"rating": 1, "status": "spam"}, "sent"),
]


@SQLITE
def test_who_is_unhappy_is_offered_nothing_for_thirty_days(shop: Shop) -> None:
    context = {"content": "welcome/W2", "only_if": [NOT_UNHAPPY]}
    asked = []
    for number, (values, _) in enumerate(UNHAPPY):
        customer_id = shop.add_subscriber()
        said(shop, f"x{number}", customer_id, **values)
        asked.append(shop.add_message(customer_id, flow_key="cross_sell", step="X1", context=context))
    anna = shop.message(asked[0]).customer_id
    service = shop.add_message(anna, flow_key="review", step="M2", context={"content": "welcome/W2"})

    run(shop.kit(Post()), NOW)

    assert [shop.message(number).status for number in asked] == [status for _, status in UNHAPPY]
    assert shop.message(service).reason != "trigger-false"
    decided = seeds.rows_of(shop.database, Decision, "message_id", "steps")
    (why,) = [steps[-1] for number, steps in decided if number == asked[0]]
    assert (why["reason"], why["value"]) == ("trigger-false", NOT_UNHAPPY)


def test_an_answer_is_one_row_one_entry_and_one_notice(shop: Shop) -> None:
    anna = shop.add_subscriber()
    context = {"content": "review/M3", "order": "7", "products": [{"external_id": "A", "title": "A"}]}
    number = shop.add_message(anna, flow_key="review", step="M3", enrollment_id=5, context=context)

    for star, day in ((2, 0), (1, 1), (5, 31)):
        with shop.database.write() as session:
            ask = answers.find_ask(session, shop.id, number)
            assert ask is not None
            said = [Answer(ask.things[0], star, "words")]
            answers.record(session, ask, said, name=None, now=NOW + day * DAY)
    with shop.database.read() as session:
        reviewed = products_reviewed(session, shop.id, [anna])

    kept = seeds.rows_of(shop.database, Review, "external_id", "rating", "order_external_id", "is_verified")
    assert kept == [("5:product:A", 1, "7", False)]
    assert reviewed == {anna: frozenset({"A"})}
    assert seeds.values_of(shop.database, CustomerEvent, "type").count("review.received") == 1
    assert seeds.rows_of(shop.database, Notice, "kind", "n") == [("low_rating", 1)]


CASES: list[tuple[list[tuple[str, int, str]], str]] = [
    ([], "sent"),
    ([("opened", 2, "1")], "stopped"),
    ([("opened", 3, "1"), ("closed", 2, "1")], "sent"),
    ([("opened", 3, "1"), ("opened", 2, "2"), ("closed", 1, "2")], "stopped"),
    ([("closed", 3, "1"), ("opened", 2, "1")], "stopped"),
    ([("opened", 91, "1")], "sent"),
]


@SQLITE
def test_nobody_is_asked_while_their_case_is_open(shop: Shop) -> None:
    context = {"content": "welcome/W2", "only_if": [NO_OPEN_CASE]}
    asked = []
    for told, _ in CASES:
        customer_id = shop.add_subscriber()
        for kind, days_ago, case in told:
            event = NewEvent(
                store_id=shop.id,
                customer_id=customer_id,
                type=f"support.{kind}",
                subject="api:x",
                source_key=f"{customer_id}:{kind}:{case}",
                occurred_at=NOW - days_ago * DAY,
                details={"case": case},
            )
            with shop.database.write() as session:
                timeline.record(session, [event], NOW)
        asked.append(shop.add_message(customer_id, flow_key="review", step="M2", context=context))

    run(shop.kit(Post()), NOW)

    assert [shop.message(number).status for number in asked] == [status for _, status in CASES]


def test_every_ask_but_that_about_the_service_waits_for_no_open_case() -> None:
    steps = [
        step for key in ("review", "cross_sell") for entry in recipe(key).entries for step in entry.steps
    ]
    asking = {step.name for step in steps if step.kind == "message" and NO_OPEN_CASE in step.only_if}

    assert asking == {"M1", "M2", "M3", "M3R", "X1", "X2"}
