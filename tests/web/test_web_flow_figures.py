"""A flow's page and its API tell what it changes and what the shop's orders taught it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from app.analytics.days import FATES
from app.db import table_of, upsert
from app.flows import switch
from app.models import FlowDay, FlowEffect, FlowFunnel
from app.runtime import Runtime
from app.segments import product_rhythms, scoring
from app.segments.scoring import Points
from app.segments.survival import Return
from tests.web.web_shops import NOW, Shop

DAY = timedelta(days=1)
_SHARES = r'<td [^>]*class="num">([\d.]+%)</td>\s*<td [^>]*class="num">([\d.]+%|–)</td>'
FIGURES = ("people", "buyers", "orders", "revenue_minor", "squares")


@pytest.fixture
def taught(runtime: Runtime, shop: Shop) -> Shop:
    """Figures as after some nights."""
    arms = {"treated": (4210, 712, 801, 5_120_000, 9.1e9), "held_out": (470, 61, 66, 402_000, 7e8)}
    span: dict[str, Any] = {"since": NOW - 210 * DAY, "until": NOW - 30 * DAY, "flow_key": "review"}
    rows = [
        {"store_id": shop.store_id, "arm": arm, **span, **dict(zip(FIGURES, values, strict=True))}
        for arm, values in arms.items()
    ]
    learned = {"P9": Return(63, 40, 0.7, 41, 38, 46, None)}
    points = Points(shop.store_id, shop.ids["customer"], "lead", 65, "form:1", NOW)
    figures = {
        "entered": 400,
        "reached": 320,
        "clicked": 80,
        "buyers": 12,
        "orders": 13,
        "revenue_minor": 99_900,
    }
    funnel = {"store_id": shop.store_id, **span, **figures}
    with runtime.database.write() as session:
        session.execute(insert(table_of(FlowFunnel)), [funnel])
        upsert(session, table_of(FlowEffect), rows, key=("store_id", "flow_key", "arm"), update=FIGURES)
        product_rhythms.keep(session, shop.store_id, learned, NOW - DAY)
        scoring.add(session, [points])
    return shop


def test_the_page_prints_the_interval_and_never_a_bare_number(member: FlaskClient, taught: Shop) -> None:
    page = member.get("/app/flows/review", headers={"Accept-Language": "en"}).get_data(as_text=True)

    assert "More of those in the flow buy." in page
    assert "+3.9 points, 95% sure from +0.4 points to +6.9 points" in page
    assert "41 days (median)" in page
    assert "95% sure: 38 to 46" in page
    assert "instead of 14" in page


def test_the_list_of_flows_tells_the_last_thirty_days_as_the_home_page_does(
    runtime: Runtime, member: FlaskClient, shop: Shop
) -> None:
    days = {NOW - 10 * DAY: (1234, 617), NOW - 40 * DAY: (90_000, 1)}
    rows = [
        {
            "store_id": shop.store_id,
            "day": at.date(),
            "flow_key": "review",
            **dict.fromkeys(FATES, 0),
            "sent": sent,
            "clicked": clicked,
        }
        for at, (sent, clicked) in days.items()
    ]
    with runtime.database.write() as session:
        session.execute(insert(table_of(FlowDay)), rows)

    asked = ("/app/flows", "/app/")
    listed, home = (
        member.get(one, headers={"Accept-Language": "en"}).get_data(as_text=True) for one in asked
    )

    card = listed.partition('href="/app/flows/review"')[2].partition("</dl>")[0]
    assert re.findall(r"<dd>\s*(.*?)\s*</dd>", card) == ["€0.00", "1,234", "50.0%"]
    assert "1,234" in home


def test_a_flow_that_never_ran_shows_its_way_and_no_noughts(member: FlaskClient, taught: Shop) -> None:
    english = {"Accept-Language": "en"}
    off = member.get("/app/flows/abandoned_checkout", headers=english).get_data(as_text=True)
    on = member.get("/app/flows/review", headers=english).get_data(as_text=True)

    assert [title in off for title in ('<h2 id="funnel"', '<h2 id="effect"', "figure__value")] == [False] * 3
    assert 'class="node__counts"' not in off
    assert 'id="step-' in off
    assert '<h2 id="funnel"' in on


def test_how_far_people_came_is_drawn_and_told_in_a_table(
    runtime: Runtime, member: FlaskClient, taught: Shop
) -> None:
    with runtime.database.write() as session:
        switch.activate(session, taught.store_id, "birthday", NOW)

    page = member.get("/app/flows/review", headers={"Accept-Language": "en"}).get_data(as_text=True)
    other = member.get("/app/flows/birthday", headers={"Accept-Language": "en"}).get_data(as_text=True)

    rows = re.findall(r'<th scope="row">(\w[\w ]*)</th>\s*<td [^>]*class="num">(\d+)</td>\s*' + _SHARES, page)
    assert rows == [
        ("Entered", "400", "100.0%", "–"),
        ("Written to", "320", "80.0%", "80.0%"),
        ("Clicked", "80", "20.0%", "25.0%"),
        ("Bought", "12", "3.0%", "15.0%"),
    ]
    assert "€999.00" in page
    assert "the night after somebody entered" in other


def test_the_api_tells_the_same_in_figures(api: FlaskClient, taught: Shop) -> None:
    told = api.get("/api/v1/flows/review", headers=taught.headers).get_json()
    other = api.get("/api/v1/flows/birthday", headers=taught.headers).get_json()

    assert told["effect"]["held_out"]["revenue"] == {"minor": 402_000, "currency": "EUR"}
    assert round(told["effect"]["difference"]["buyers_share"]["low"], 3) == 0.004
    assert [(one["external_id"], one["median_days"], one["gaps"]) for one in told["learned"]] == [
        ("P9", 41, 63)
    ]
    assert (other["effect"], other["learned"]) == (None, [])


def test_a_customers_score_is_shown(member: FlaskClient, api: FlaskClient, taught: Shop) -> None:
    number = taught.ids["customer"]

    page = member.get(f"/app/customers/{number}", headers={"Accept-Language": "en"}).get_data(as_text=True)
    told = api.get(f"/api/v1/customers/{number}", headers=taught.headers).get_json()

    assert "Score" in page
    assert told["scores"] == {"lead": 65}
