"""Links of messages over real servers: embedded on SQLite, hosted on PostgreSQL."""

import time

import pytest

from app.models import Store
from app.runtime import Runtime
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_links import COPY, PAGE, link_maker
from tests.webhooks.webhooks_process import Answer, Serving, exchange, head
from tests.webhooks.webhooks_shops import connect_shopify

CHROME = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36")


@pytest.fixture
def store(runtime: Runtime) -> Store:
    """A shop that the serving process has not seen."""
    return connect_shopify(runtime)


@pytest.fixture
def link(runtime: Runtime, store: Store) -> str:
    """The address of the link of a mail that was sent."""
    return link_maker(runtime, store).click(PAGE)


def test_a_visit_is_led_on_and_kept(served: Serving, runtime: Runtime, store: Store, link: str) -> None:
    answer = _visit(served, "GET", link)

    assert (answer.status, answer.headers["location"]) == (302, PAGE)
    assert [(row.source, row.status) for row in Inbox(runtime, store).rows()] == [("link", "waiting")]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_of_a_mail_that_a_newer_release_wrote_is_asked_for_again(
    served: Serving, runtime: Runtime, store: Store, link: str, method: str
) -> None:
    """While it is rolled out the next process may be a new one; no wrong page is shown meanwhile."""
    newer = link_maker(runtime, store, COPY[:2] + bytes(4) + COPY[6:]).click(PAGE)

    answer = _visit(served, method, newer)

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert Inbox(runtime, store).rows() == []
    assert _visit(served, method, link).status == 302


def test_a_look_is_led_on_without_a_body_and_kept_by_nobody(
    served: Serving, runtime: Runtime, store: Store, link: str
) -> None:
    answer = _visit(served, "HEAD", link)

    assert (answer.status, answer.headers["location"], answer.body) == (302, PAGE, b"")
    assert Inbox(runtime, store).rows() == []


def test_a_link_that_is_called_again_and_again_leads_on_and_fills_nothing(
    served: Serving, runtime: Runtime, store: Store, link: str
) -> None:
    begun = time.time()
    answers = [_visit(served, "GET", link) for _ in range(30)]
    seconds = int(time.time()) - int(begun) + 1

    assert {answer.status for answer in answers} == {302}
    assert 1 <= len(Inbox(runtime, store).rows()) <= seconds


def test_a_link_that_is_cut_off_is_answered_as_any_that_never_was(served: Serving, link: str) -> None:
    wrong, other = (_visit(served, "GET", path) for path in (link[:-1], "/c/nowhere"))

    assert (wrong.status, wrong.body) == (other.status, other.body)
    assert wrong.headers.keys() == other.headers.keys()
    assert wrong.status == 404


def test_nobody_posts_to_a_link(served: Serving, link: str) -> None:
    assert _visit(served, "POST", link).status == 405


def _visit(served: Serving, method: str, path: str) -> Answer:
    return exchange(served.port, head(method, path, [CHROME]))
