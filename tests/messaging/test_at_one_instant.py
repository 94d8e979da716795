"""The same thing done twice at the same instant: a rating by two clicks, test mails by two workers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from app.messaging import trials
from app.messaging.links import LinkMaker
from app.models import CustomerEvent, Notice, Review, Trial
from app.runtime import Runtime
from app.wsgi import create_app
from jobs import trials as job
from tests import seeds
from tests.conftest import NOW
from tests.jobs.test_jobs_trials import letter_of
from tests.messaging.outbox_seed import Post, Shop, open_shop

TRIALS = 12


def test_a_low_rating_posted_twice_is_one_and_told_of_once(runtime: Runtime) -> None:
    shop = open_shop(runtime)
    customer_id, url = _asked(shop)
    app = create_app(runtime)

    def post() -> int:
        return app.test_client().post(url, data={"act": "rate", "t1-rating": "1"}).status_code

    codes = _at_once(post)

    assert codes == [200, 200]
    assert seeds.rows_of(shop.database, Review, "customer_id", "rating") == [(customer_id, 1)]
    told = seeds.values_of(shop.database, CustomerEvent, "type")
    assert [kind for kind in told if kind.startswith("review.")] == ["review.received"]
    assert seeds.rows_of(shop.database, Notice, "kind", "n") == [("low_rating", 1)]


def test_two_workers_send_each_test_mail_once(runtime: Runtime) -> None:
    shop, post = open_shop(runtime), Post()
    with shop.database.write() as session:
        for number in range(TRIALS):
            asked = trials.NewTrial(f"t{number}", "welcome/W2", "it", "sender.email", letter_of("Ciao"))
            trials.ask(session, runtime.signer, shop.id, trial=asked, now=NOW)

    done = _at_once(lambda: job.run(shop.kit(post), NOW)["trials"])

    assert sum(done) == TRIALS
    assert sorted(mail.message_id for mail in post.sent) == sorted(
        f"trial-{number}" for number in seeds.values_of(shop.database, Trial, "id")
    )
    assert seeds.values_of(shop.database, Trial, "status") == ["sent"] * TRIALS


def _at_once(act: Callable[[], int]) -> list[int]:
    """What two threads get that begin together."""
    barrier = Barrier(2)

    def begin() -> int:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(2) as pool:
        return [begun.result() for begun in [pool.submit(begin) for _ in range(2)]]


def _asked(shop: Shop) -> tuple[int, str]:
    """A customer who was asked how a purchase went, and the page that the mail's stars lead to."""
    with shop.database.write() as session:
        customer = seeds.add_customer(session, shop.id)
        products = [{"external_id": "shirt", "title": "Shirt"}]
        ask = {"flow_key": "review", "step": "M3", "status": "sent", "context": {"products": products}}
        message = seeds.add_message(session, shop.id, customer.id, sent_at=NOW, **ask)
        links = LinkMaker(
            base_url="",
            signer=shop.runtime.signer,
            store_id=shop.id,
            message_id=message.id,
            tags=None,
            tracks_clicks=False,
        )
        return customer.id, links.rating(customer.id)
