"""What a shop grants, what then stops, and that every source of the news counts."""

import tomllib
from pathlib import Path

import pytest

from app.models import Store
from app.stores import scopes
from app.web.catalogue import CATALOGUES

TOML = Path(__file__).parents[2] / "shopify.app.toml"
ALL = list(scopes.NEEDED)


def shop(granted: list[str], platform: str = "shopify") -> Store:
    return Store(platform=platform, domain="bottega.myshopify.com", scopes=granted)


def test_what_is_needed_is_what_the_app_asks_for() -> None:
    declared = tomllib.loads(TOML.read_text())["access_scopes"]["scopes"].split(",")

    assert sorted(scopes.NEEDED) == sorted(declared)


@pytest.mark.parametrize(
    ("granted", "lacking"),
    [
        (ALL, []),
        ([scope for scope in ALL if scope != "read_orders"], ["read_orders"]),
        ([scope for scope in ALL if scope != "read_discounts"], []),
        (["read_orders", "write_customers"], [scope for scope in ALL[2:] if scope != "write_customers"]),
        ([], []),
    ],
    ids=["all", "one lacks", "writing includes reading", "most lack", "never told"],
)
def test_what_a_shop_does_not_grant(granted: list[str], lacking: list[str]) -> None:
    assert scopes.missing(shop(granted)) == lacking


def test_other_platforms_lack_nothing() -> None:
    assert scopes.missing(shop(["read_write"], "woocommerce")) == []


def test_the_merchant_grants_again_where_the_app_is_opened() -> None:
    store = shop(ALL)

    assert scopes.grant_url(store, "client-1") == "https://bottega.myshopify.com/admin/apps/client-1"
    assert scopes.grant_url(store, "") == "https://bottega.myshopify.com/admin/settings/apps"


@pytest.mark.parametrize("scope", scopes.NEEDED)
def test_what_stops_without_it_is_said_in_the_merchants_words(scope: str) -> None:
    for language, texts in CATALOGUES.items():
        assert f"attention.scope.{scope}" in texts, language
        assert f"attention.scope.{scope}.go" in texts, language
