"""The forms that anybody may post: no more is read than they need, and pressed again they fill nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from werkzeug.test import Client

from app import clock, consent, models
from app.consent import NewConsent
from app.db import table_of
from app.members import attempts
from app.messaging.links import LinkMaker
from app.models import Preference, SignInAttempt
from app.runtime import Runtime
from app.web.auth import LARGEST_OPEN_FORM, MARK
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import open_shop
from tests.sites import app_over, site_over

SECOND = timedelta(seconds=1)
PRESSES = 30
ADDRESS = "ada@example.com"
SAVE = {"act": "save", "asked": ["offers", "advice"], "topic": ["advice"], "pause": "30"}
FORMS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "one-click": ("u", {"List-Unsubscribe": "One-Click"}),
    "unsubscribe": ("u", {"act": "unsubscribe"}),
    "unsubscribe-preferences": ("p", {"act": "unsubscribe"}),
    "save": ("p", SAVE),
    "confirm": ("o", {"act": "confirm"}),
    "rate": ("r", {"act": "rate", "t1-rating": "5", "t1-text": "Bello"}),
}
"""Each form of a customer's pages: its page, and what its button posts."""


@dataclass(frozen=True)
class Page:
    """A customer with a mail of each sort, and the addresses of its pages."""

    runtime: Runtime
    client: Client
    paths: dict[str, str]

    def rows(self) -> int:
        """How many rows there are of all kinds."""
        with self.runtime.database.read() as session:
            tables = [table_of(getattr(models, name)) for name in models.__all__]
            return sum(session.execute(select(func.count()).select_from(one)).scalar_one() for one in tables)


@pytest.fixture
def page(runtime: Runtime) -> Iterator[Page]:
    """Whoever agreed a day ago, and waits to be asked to confirm where a test wants that."""
    shop = open_shop(runtime)
    with shop.database.write() as session:
        person = seeds.add_customer(session, shop.id, email=ADDRESS)
        said = NewConsent(shop.id, person.id, "email", "pending", "consent", NOW - SECOND, "test", ADDRESS)
        consent.record(session, [said], NOW - SECOND)
        asked = seeds.add_message(
            session,
            shop.id,
            person.id,
            status="sent",
            sent_at=NOW,
            purpose="transactional",
            flow_key="consent",
            step="DOI",
        )
        goods = [{"external_id": "7", "title": "Moka"}]
        context = {"content": "review/M3", "only_if": [], "products": goods}
        ask = seeds.add_message(
            session,
            shop.id,
            person.id,
            status="sent",
            sent_at=NOW,
            flow_key="review",
            step="M3",
            context=context,
        )
        ids, person_id = {"asked": asked.id, "ask": ask.id}, person.id
    made = {
        name: LinkMaker(
            base_url="",
            signer=runtime.signer,
            store_id=shop.id,
            message_id=id_,
            tags=None,
            tracks_clicks=True,
        )
        for name, id_ in ids.items()
    }
    paths = {
        "u": made["ask"].unsubscribe(),
        "p": made["ask"].preferences(),
        "o": made["asked"].confirm("email", ADDRESS),
        "r": made["ask"].rating(person_id),
    }
    site = site_over(runtime)
    yield Page(runtime, Client(site.application), paths)
    site.close()


@pytest.mark.parametrize(("name", "form"), FORMS.values(), ids=FORMS)
def test_a_button_that_is_pressed_again_and_again_fills_nothing(
    page: Page, name: str, form: Mapping[str, object]
) -> None:
    before = page.rows()
    counts = []

    for number in range(PRESSES):
        with clock.frozen_at(NOW + number * SECOND):
            answer = page.client.post(page.paths[name], data=form)
        assert answer.status_code == 200
        counts.append(page.rows())

    assert counts[0] > before
    assert counts[-1] == counts[0]


def test_what_was_never_a_topic_is_not_kept(page: Page) -> None:
    for number in range(3):
        asked = ["offers", f"nothing of ours {number}"]
        answer = page.client.post(page.paths["p"], data={"act": "save", "asked": asked})
        assert answer.status_code == 200

    assert seeds.values_of(page.runtime.database, Preference, "topics_off") == [["offers"]]


def test_more_than_a_form_holds_is_not_read(page: Page) -> None:
    large = b"act=save&more=" + b"x" * LARGEST_OPEN_FORM
    before, answers = page.rows(), {}

    for rule in app_over(page.runtime).url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or not _is_open(page.runtime, rule.endpoint):
            continue
        kind = str(rule).split("/")[1]
        path = page.paths.get(kind, str(rule).replace("<token>", "somebodys"))
        body = large * (20 if kind == "r" else 1)
        answer = page.client.post(path, data=body, content_type="application/x-www-form-urlencoded")
        answers[str(rule)] = answer.status_code

    assert len(answers) > 8
    # What nobody waits for is refused before it is read.
    assert answers.pop("/auth/woocommerce/callback") == 401
    assert answers == dict.fromkeys(answers, 413)
    assert page.rows() == before


def test_a_client_that_has_used_up_its_tries_locks_no_address_and_leaves_no_rows(runtime: Runtime) -> None:
    most = attempts.LIMITS[attempts.PASSWORD, "client"].most
    guesser, owner = "203.0.113.7", "198.51.100.9"

    with runtime.database.over_all_stores().write() as session:
        made = [
            attempts.count(
                session, runtime.signer, attempts.PASSWORD, address=f"{number}@example.com", client=guesser
            )
            for number in range(3 * most)
        ]
        for _ in range(most):
            attempts.count(session, runtime.signer, attempts.PASSWORD, address=ADDRESS, client=guesser)
        is_owner_in = attempts.count(
            session, runtime.signer, attempts.PASSWORD, address=ADDRESS, client=owner
        )

    assert made == [True] * most + [False] * 2 * most
    assert is_owner_in
    # One for each address that was tried, one for each client, one for the owner's.
    assert len(seeds.rows_of(runtime.database, SignInAttempt)) == most + 3


def _is_open(runtime: Runtime, endpoint: str) -> bool:
    return getattr(app_over(runtime).view_functions[endpoint], MARK, None) == "public"
