"""A customer's page shows whose it is: the shop's logo, as its mails do, and nothing else from outside."""

from typing import Any

from flask import Flask

from app.messaging.links import LinkMaker
from app.models import Store
from app.runtime import Runtime
from tests.web.web_shops import Shop

LOGO = "https://cdn.azure.example/logo.png?v=1&w=2"


def _page(runtime: Runtime, app: Flask, shop: Shop, logo: str) -> Any:
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.settings = {**store.settings, "brand.logo_url": logo}
    made = LinkMaker(
        base_url="",
        signer=runtime.signer,
        store_id=shop.store_id,
        message_id=shop.ids["message"],
        tags=None,
        tracks_clicks=False,
    )
    return app.test_client().get(made.preferences())


def test_the_logo_stands_above_the_page_and_only_its_host_may_show_a_picture(
    runtime: Runtime, app: Flask, shop: Shop
) -> None:
    answer = _page(runtime, app, shop, LOGO)

    policy = answer.headers["Content-Security-Policy"]
    assert f'src="{LOGO.replace("&", "&amp;")}" alt="' in answer.text
    assert "img-src 'self' data: https://cdn.azure.example:*;" in policy
    assert "default-src 'self';" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_without_one_the_shops_name_stands_there(runtime: Runtime, app: Flask, shop: Shop) -> None:
    answer = _page(runtime, app, shop, "")

    assert "<img" not in answer.text
    assert "img-src 'self' data:;" in answer.headers["Content-Security-Policy"]
