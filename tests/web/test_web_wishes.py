"""A customer's page says what they asked for on their preference page."""

from datetime import timedelta

from flask.testing import FlaskClient

from app.messaging import preferences
from app.messaging.wishes import Wishes
from app.runtime import Runtime
from tests.web.web_shops import NOW, Shop


def test_a_customers_page_tells_what_they_wish(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    wished = Wishes(NOW + timedelta(days=30), frozenset({"reviews"}), is_fewer=True)
    with runtime.database.write() as session:
        preferences.write(session, shop.store_id, shop.ids["customer"], wished=wished, now=NOW)

    page = member.get(f"/app/customers/{shop.ids['customer']}", headers={"Accept-Language": "it"})

    for words in ("Vuole una pausa fino al", "al massimo un messaggio", "Non vuole: domande sugli acquisti"):
        assert words in page.get_data(as_text=True)
