"""A mail that would be cut off by mailboxes is written with fewer products, or waits for a shorter text."""

from typing import Any

import pytest

from app.messaging.allowances import MAX_MAIL_BYTES, is_cut_off
from app.messaging.copies import read_content
from app.models import Decision
from app.runtime import Runtime
from jobs import outbox
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

KB = 1024


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_of_products_that_make_a_mail_too_large_the_first_stay(shop: Shop) -> None:
    message_id, post = _with_products(shop, sizes=[45, 45, 45]), Post()

    outbox.run(shop.kit(post), NOW)

    (mail,) = post.sent
    kept = read_content(shop.message(message_id).content) or {}
    shown = [f"product-{number}:" in (mail.html or "") for number in range(3)]
    assert (shown, is_cut_off(mail.html)) == ([True, True, False], False)
    assert [link.partition("?")[0][-1] for link in kept["links"] if "/products/" in link] == ["0", "1"]
    assert "product-2:" not in mail.text


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_mail_that_is_just_small_enough_keeps_its_products(shop: Shop) -> None:
    _with_products(shop, sizes=[10, 10, 10])
    post = Post()

    outbox.run(shop.kit(post), NOW)

    assert all(f"product-{number}:" in (post.sent[0].html or "") for number in range(3))


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_mail_that_no_shortening_makes_small_enough_waits_says_why_and_expires(shop: Shop) -> None:
    message_id, post = _with_products(shop, sizes=[130]), Post()

    outbox.run(shop.kit(post), NOW)
    waiting = shop.message(message_id)
    outbox.run(shop.kit(post), waiting.expires_at)

    assert post.sent == []
    assert (waiting.status, waiting.reason) == ("queued", "too-heavy")
    assert NOW < waiting.next_at < waiting.expires_at
    assert shop.message(message_id).status == "expired"
    value = seeds.values_of(shop.database, Decision, "steps")[0][-1]["value"]
    assert value.startswith("too heavy: ")
    assert int(value.rpartition(" ")[2]) > 130


@pytest.mark.parametrize(
    ("html", "is_too_large"),
    [
        (None, False),
        ("a" * MAX_MAIL_BYTES, False),
        ("a" * (MAX_MAIL_BYTES + 1), True),
        ("è" * (MAX_MAIL_BYTES // 2), False),
        ("è" * (MAX_MAIL_BYTES // 2 + 1), True),
        ("😀" * (MAX_MAIL_BYTES // 4), False),
        ("😀" * (MAX_MAIL_BYTES // 4 + 1), True),
    ],
    ids=["none", "fits", "over", "accents-fit", "accents-over", "signs-fit", "signs-over"],
)
def test_size_is_counted_in_bytes(html: str | None, is_too_large: bool) -> None:
    assert is_cut_off(html) is is_too_large


def _with_products(shop: Shop, *, sizes: list[int]) -> int:
    """A mail about products whose titles are so many KB long; the id."""
    chosen: list[dict[str, Any]] = []
    with shop.database.write() as session:
        for number, size in enumerate(sizes):
            title = f"product-{number}:" + "x" * (size * KB)
            url = f"https://bottega.example/products/{number}"
            seeds.add_product(session, shop.id, str(number), title=title, url=url)
            chosen.append({"external_id": str(number)})
    return shop.add_message(step="W3", context={"content": "welcome/W3", "only_if": [], "products": chosen})
