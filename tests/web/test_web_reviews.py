"""The screen of reviews, and what other systems tell and read of them."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.flows import switch, work
from app.models import Enrollment, FlowVersion, Message, Notice, Review, Store
from app.runtime import Runtime
from tests import seeds
from tests.web.web_shops import NOW, Csrf, Shop


def add(runtime: Runtime, shop: Shop, name: str, **values: Any) -> int:
    """A review of the shop's customer; its id."""
    fields: dict[str, Any] = {
        "source": "ritorno",
        "external_id": name,
        "customer_id": shop.ids["customer"],
        "object": "experience",
        "rating": 1,
        "text": f"words of {name}",
        "status": "given",
        "is_verified": True,
        "written_at": NOW,
    }
    with runtime.database.write() as session:
        review = Review(store_id=shop.store_id, **(fields | values))
        session.add(review)
        session.flush()
        return review.id


def _states(runtime: Runtime) -> dict[str, str]:
    return dict(seeds.rows_of(runtime.database, Review, "external_id", "state"))


VIEWS = {
    "pending": "low new",
    "low": "low seen",
    "approved": "seen",
    "hidden": "away",
    "all": "low new seen away",
}


def test_each_view_shows_its_reviews(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    add(runtime, shop, "low")
    add(runtime, shop, "new", rating=5)
    add(runtime, shop, "seen", state="approved", rating=3)
    add(runtime, shop, "away", state="hidden", rating=5)
    add(runtime, shop, "junk", status="spam", rating=2)

    for view, found in VIEWS.items():
        page = member.get(f"/app/reviews?show={view}").text

        names = ("low", "new", "seen", "away", "junk")
        assert [name for name in names if f"words of {name}<" in page] == found.split()


def test_what_customers_wrote_is_escaped(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    add(runtime, shop, "x", text="<script>alert(1)</script>", display_name="<img src=x>")

    page = member.get("/app/reviews").text

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_hidden_ones_count_in_the_average_and_the_screen_says_so(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    add(runtime, shop, "away", state="hidden")
    add(runtime, shop, "junk", status="trash")
    add(runtime, shop, "starless", rating=0)

    page = member.get("/app/reviews", headers={"Accept-Language": "it"}).text

    assert "3 / 5" in page
    assert "anche quelle nascoste" in page


def test_ticked_ones_change_together_and_one_by_its_own_button(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    first, second, third = (add(runtime, shop, name) for name in "abc")
    form = {"csrf": csrf(member), "show": "low"}

    answer = member.post("/app/reviews", data={**form, "act": "approve", "id": [first, second]})
    member.post("/app/reviews", data={**form, "hide": third, "id": [first]})

    states = _states(runtime)
    assert [states[name] for name in "abc"] == ["approved", "approved", "hidden"]
    assert answer.headers["Location"] == "/app/reviews?show=low"


def test_what_is_no_order_changes_nothing(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    before, token = _states(runtime), csrf(member)

    for form in ({"act": "delete"}, {"act": "approve", "id": "x"}, {"hide": "9" * 30}):
        assert member.post("/app/reviews", data={"csrf": token, **form}).status_code == 400

    assert _states(runtime) == before


def test_a_foreign_review_is_not_moderated(
    member: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, csrf: Csrf
) -> None:
    member.post("/app/reviews", data={"csrf": csrf(member), "act": "hide", "id": [other_shop.ids["review"]]})

    assert set(_states(runtime).values()) == {"pending"}


def test_home_names_the_unhappy_until_somebody_has_looked(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    number = add(runtime, shop, "low")
    before = member.get("/app/").text
    member.post("/app/reviews", data={"csrf": csrf(member), "approve": number})

    after = member.get("/app/").text

    assert "1 rating of 3 stars or fewer" in before
    assert "of 3 stars or fewer" not in after


def test_a_private_answer_begins_in_the_merchants_own_mail(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    assert 'href="mailto:azure-1@example.com?subject=Your%20review"' in member.get("/app/reviews").text


FILTERS = {
    "": ["1:product:azure", "low"],
    "?state=hidden": ["low"],
    "?object=product": ["1:product:azure"],
    "?product=azure": ["1:product:azure"],
    "?customer=1": ["1:product:azure", "low"],
}


def test_the_api_lists_reviews(api: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    add(runtime, shop, "low", state="hidden")
    add(runtime, shop, "junk", status="spam")
    ids = dict(seeds.rows_of(runtime.database, Review, "external_id", "id"))

    for query, names in FILTERS.items():
        answer = api.get(f"/api/v1/reviews{query}", headers=shop.headers)

        assert [row["id"] for row in answer.get_json()["data"]] == [ids[name] for name in names]
    for query in ("?state=gone", "?object=shop", "?rating=5"):
        assert api.get(f"/api/v1/reviews{query}", headers=shop.headers).status_code == 400


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"rating": 2, "product": "azure", "text": "bad"}, [("product", "azure", 2, "bad", False)]),
        ({"rating": 5, "object": "service"}, [("service", None, 5, None, False)]),
        ({"rating": 5}, [("experience", None, 5, None, False)]),
        ({"rating": "5"}, []),
        ({"rating": 6}, []),
        ({"rating": True, "product": 7, "text": []}, []),
    ],
)
def test_what_another_system_tells_of_a_review_is_one(
    api: FlaskClient, runtime: Runtime, shop: Shop, told: dict[str, Any], kept: list[tuple[Any, ...]]
) -> None:
    event = {
        "customer": shop.ids["customer"],
        "type": "review.received",
        "occurred_at": "2026-11-20T10:00:00Z",
        "data": told,
    }

    codes = [api.post("/api/v1/events", headers=shop.headers, json=event).status_code for _ in range(2)]

    names = ("source", "object", "product_external_id", "rating", "text", "is_verified")
    found = [row[1:] for row in seeds.rows_of(runtime.database, Review, *names) if row[0] == "api"]
    assert codes == [201, 200]
    assert found == kept
    assert seeds.values_of(runtime.database, Notice, "n") == [1 for row in kept if row[2] <= 3]


def test_a_closed_support_case_brings_the_ask_about_the_service(
    api: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    with runtime.database.write() as session:
        session.query(Enrollment).delete()
        version = session.query(FlowVersion).filter_by(store_id=shop.store_id, flow_key="review").one()
        version.definition = _with_step_on(version.definition, "M4")
        session.flush()
        switch.activate(session, shop.store_id, "review", NOW - timedelta(days=30))
    event = {
        "customer": shop.ids["customer"],
        "type": "support.closed",
        "occurred_at": "2026-11-23T10:00:00Z",
        "data": {"ticket": "7"},
    }

    codes = [api.post("/api/v1/events", headers=shop.headers, json=event).status_code for _ in range(2)]
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        while work.run_batch(session, store, NOW, 100):
            pass

    made = [
        row[1:] for row in seeds.rows_of(runtime.database, Message, "flow_key", "step", "purpose", "status")
    ]
    assert codes == [201, 200]
    assert made.count(("M4", "service", "queued")) == 1


def _with_step_on(definition: dict[str, Any], step_id: str) -> dict[str, Any]:
    changed = deepcopy(definition)
    for entry in changed["entries"]:
        for step in entry["steps"]:
            if step["id"] == step_id:
                step["is_on"] = True
    return changed
