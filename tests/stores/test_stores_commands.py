"""What `ritorno store …` does and prints."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from app import clock
from app.errors import BadInput, NotFound
from app.models import Backfill, Store
from app.runtime import Runtime
from app.stores import commands, connections, credentials, subscribe, verification
from connectors.base import ConnectorError, Resource, Unauthorized
from tests.stores.stores_seed import INSTALLED_AT
from tests.stores.stores_wire import CLIENT_ID, SHOP, WOO_KEY, WOO_SECRET, FakePlatforms


def _load(runtime: Runtime, store_id: int) -> Store:
    with runtime.database.read() as session:
        return session.get_one(Store, store_id)


def test_connecting_woocommerce_by_key(runtime: Runtime, platforms: FakePlatforms) -> None:
    shown = commands.connect_woocommerce(runtime, f"{platforms.base}/woo/", f" {WOO_KEY}", WOO_SECRET)

    assert shown == {
        "id": 1,
        "platform": "woocommerce",
        "domain": "bottega.example",
        "state": "connected",
        "webhooks": [],
        "backfill": _backfill(0, None),
    }
    assert json.loads(json.dumps(shown)) == shown


def test_a_key_that_the_store_refuses_connects_nothing(runtime: Runtime, platforms: FakePlatforms) -> None:
    with pytest.raises(BadInput):
        commands.connect_woocommerce(runtime, f"{platforms.base}/woo", "ck_wrong", WOO_SECRET)

    assert commands.listing(runtime) == []


def test_a_store_that_does_not_answer_may_be_tried_again(runtime: Runtime, platforms: FakePlatforms) -> None:
    platforms.silent_paths.add("/woo/wp-json/")

    with pytest.raises(commands.Unreachable):
        commands.connect_woocommerce(runtime, f"{platforms.base}/woo", WOO_KEY, WOO_SECRET)


def test_connecting_a_merchants_own_app_by_id_and_secret(runtime: Runtime, platforms: FakePlatforms) -> None:
    shown = commands.connect_shopify(runtime, SHOP, client_id="own-client", client_secret="own-secret")

    store = _load(runtime, shown["id"])
    assert (shown["platform"], shown["domain"], shown["state"]) == ("shopify", SHOP, "connected")
    assert verification.shopify_secrets(runtime, store) == ["own-secret"]
    assert platforms.grants == [
        {"client_id": "own-client", "client_secret": "own-secret", "grant_type": "client_credentials"}
    ]


def test_an_own_apps_token_is_renewed_by_asking_again(runtime: Runtime, platforms: FakePlatforms) -> None:
    store_id = commands.connect_shopify(runtime, SHOP, client_id="own-client", client_secret="own-secret")[
        "id"
    ]
    with runtime.database.write() as session:
        store = session.get_one(Store, store_id)
        secrets = credentials.unseal(runtime.vault, store.credentials)
        secrets.access["expires_at"] = 1.0
        store.credentials = credentials.seal(runtime.vault, secrets)

    identity = connections.storefront(runtime, _load(runtime, store_id)).identity()

    assert identity.domain == SHOP
    assert [grant["grant_type"] for grant in platforms.grants] == ["client_credentials"] * 2


def test_connecting_by_a_lasting_token(runtime: Runtime, platforms: FakePlatforms) -> None:
    platforms.access_tokens.append("lasting")

    shown = commands.connect_shopify(
        runtime, "https://admin.shopify.com/store/aurora", access_token="lasting"
    )

    assert connections.storefront(runtime, _load(runtime, shown["id"])).identity().domain == SHOP
    assert platforms.grants == []


def test_a_lasting_token_of_our_own_app_becomes_one_that_ends(
    runtime: Runtime, platforms: FakePlatforms
) -> None:
    platforms.access_tokens.append("from before")
    platforms.endless_tokens.append("from before")
    platforms.app_id = CLIENT_ID

    shown = commands.connect_shopify(runtime, SHOP, access_token="from before")

    kept = credentials.unseal(runtime.vault, _load(runtime, shown["id"]).credentials).access
    assert [grant["subject_token"] for grant in platforms.grants] == ["from before"]
    assert (kept["access_token"], kept["refresh_token"]) == ("access-1", "refresh-1")
    assert "is_lasting" not in kept


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"client_id": "own-client"},
        {"access_token": "t", "client_id": "own-client", "client_secret": "own-secret"},
    ],
)
def test_shopify_needs_exactly_one_way(
    runtime: Runtime, platforms: FakePlatforms, given: dict[str, str]
) -> None:
    with pytest.raises(BadInput):
        commands.connect_shopify(runtime, SHOP, **given)

    assert platforms.calls == []


@pytest.mark.parametrize("shop", ["evil.com", "aurora.myshopify.com.evil.com", "a.myshopify.com\nb", ""])
def test_what_is_no_shops_domain_is_never_called(
    runtime: Runtime, platforms: FakePlatforms, shop: str
) -> None:
    with pytest.raises(BadInput):
        commands.connect_shopify(runtime, shop, access_token="t")

    assert platforms.calls == []


def test_a_token_of_another_shop_connects_nothing(runtime: Runtime, platforms: FakePlatforms) -> None:
    platforms.access_tokens.append("lasting")
    platforms.shop_says = "other.myshopify.com"

    with pytest.raises(BadInput):
        commands.connect_shopify(runtime, SHOP, access_token="lasting")

    assert commands.listing(runtime) == []


def test_showing_webhooks_and_progress(runtime: Runtime, woo_store: Store) -> None:
    subscribe.register_webhooks(runtime, woo_store.id)
    with runtime.database.write() as session:
        begun = clock.now() - timedelta(seconds=10)
        session.execute(update(Backfill).values(done=4, total=7, started_at=begun))
        session.execute(
            update(Backfill).where(Backfill.resource == "orders").values(finished_at=INSTALLED_AT)
        )

    shown = commands.show(runtime, woo_store.id)

    assert {"topic": "order.created", "state": "active"} in shown["webhooks"]
    assert shown["backfill"] == _backfill(12, 18, per_second=0.8, seconds_left=8)
    assert woo_store.webhook_path not in json.dumps(shown)
    assert commands.listing(runtime) == [shown]


def test_disconnecting_removes_our_webhooks_and_forgets_the_key(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    subscribe.register_webhooks(runtime, woo_store.id)

    shown = commands.disconnect(runtime, woo_store.id)

    assert (shown["state"], shown["webhooks"]) == ("uninstalled", [])
    assert platforms.webhooks == []
    assert credentials.unseal(runtime.vault, _load(runtime, woo_store.id).credentials).access == {}


def test_a_merchant_who_revoked_the_key_first_can_leave(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    platforms.woo_keys.clear()

    assert commands.disconnect(runtime, woo_store.id)["state"] == "uninstalled"
    assert commands.disconnect(runtime, woo_store.id)["state"] == "uninstalled"


def test_unknown_stores_are_not_found(runtime: Runtime) -> None:
    for command in (commands.show, commands.disconnect, commands.get_values):
        with pytest.raises(NotFound):
            command(runtime, 7)


def test_setting_and_getting(runtime: Runtime, woo_store: Store) -> None:
    held = commands.set_values(runtime, woo_store.id, {"rails.cap_per_day": "2", "twilio.auth_token": "tok"})

    assert held == {"rails.cap_per_day": "2", "twilio.auth_token": "••••"}
    assert commands.get_values(runtime, woo_store.id, "rails.cap_per_day") == {"rails.cap_per_day": "2"}
    assert commands.get_values(runtime, woo_store.id)["rails.cap_per_week"] == "3"
    with pytest.raises(BadInput):
        commands.get_values(runtime, woo_store.id, "nothing")


def test_the_mapping_of_meta_keys_follows_the_settings(runtime: Runtime, woo_store: Store) -> None:
    commands.set_values(
        runtime,
        woo_store.id,
        {"meta.email_consent": "news", "meta.email_consent_yes": "si,1", "meta.birthday_format": "DD/MM"},
    )

    mapping = connections.meta_mapping(_load(runtime, woo_store.id))

    assert (mapping.email_consent_key, mapping.email_consent_yes) == ("news", ("si", "1"))
    assert (mapping.birthday_format, mapping.currency) == ("DD/MM", "EUR")


def test_a_connected_store_can_be_asked(runtime: Runtime, platforms: FakePlatforms, woo_store: Store) -> None:
    storefront = connections.storefront(runtime, woo_store)

    assert storefront.identity().domain == "bottega.example"
    platforms.woo_keys.clear()
    with pytest.raises(Unauthorized):
        storefront.count(Resource.ORDERS)


def test_a_store_on_a_private_address_is_refused_unless_the_operator_allows_it(
    runtime: Runtime, platforms: FakePlatforms, woo_store: Store
) -> None:
    guarded = runtime.settings.model_copy(update={"allow_private_stores": False})
    strict = Runtime(guarded, runtime.database, runtime.vault, runtime.signer)

    with pytest.raises(ConnectorError):
        connections.storefront(strict, woo_store).identity()
    with pytest.raises(BadInput):
        commands.connect_woocommerce(strict, f"{platforms.base}/woo", WOO_KEY, WOO_SECRET)

    assert platforms.calls == []


def _backfill(
    done: int, total: int | None, *, per_second: float | None = None, seconds_left: int | None = None
) -> dict[str, object]:
    """What a store's record says of a history that hides nothing."""
    pace = {"per_second": per_second, "seconds_left": seconds_left}
    return {"done": done, "total": total, **pace, "orders_of_days": None}
