"""The red button as the merchant sees it: asked before, shown on every screen while it holds, taken back."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import AuditEntry, Store
from app.runtime import Runtime
from tests.web.web_shops import NOW, Csrf, Shop


@pytest.mark.parametrize(("language", "words"), [("en", "Stop everything now"), ("it", "Ferma tutto adesso")])
def test_the_button_asks_before_it_stops(member: FlaskClient, shop: Shop, language: str, words: str) -> None:
    home, asked = (
        member.get(path, headers={"Accept-Language": language}).get_data(as_text=True)
        for path in ("/app/", "/app/stop")
    )

    assert 'href="/app/stop"' in home
    assert words in asked
    assert 'name="act" value="stop"' in asked


def test_it_stops_goes_on_and_is_written_down(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    token = csrf(member)

    answers = [
        member.post("/app/stop", data={"csrf": token, "act": act}) for act in ("stop", "stop", "resume")
    ]

    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {(303, "/app/")}
    with runtime.database.read() as session:
        told = [row.action for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert told == ["store.stopped", "store.resumed"]


def test_anything_else_is_refused(member: FlaskClient, shop: Shop, csrf: Csrf) -> None:
    assert member.post("/app/stop", data={"csrf": csrf(member), "act": "x"}).status_code == 400


def test_every_screen_says_so_while_it_holds(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        session.get_one(Store, shop.store_id).stopped_at = NOW

    home, settings, asked = (
        member.get(path).get_data(as_text=True) for path in ("/app/", "/app/settings", "/app/stop")
    )

    assert all("no message leaves" in page for page in (home, settings, asked))
    assert 'name="act" value="resume"' in asked
