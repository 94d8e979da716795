"""Shopify's own samples go through our readers, and the emulator's payloads through Shopify's schemas."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connectors.base import UnreadablePayload
from connectors.sandbox.model import SHOPIFY
from connectors.sandbox.shopify_payloads import webhook
from connectors.storefronts.shopify.records import records
from connectors.storefronts.shopify.topics import READERS
from tests.connectors.sandbox.sandbox_fake_world import PLACED, checkout, small_world

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _read(topic: str, sample: Any) -> str:
    """How a sample was taken: the kinds of records it brought, or why it is unreadable."""
    try:
        found = records(topic, json.dumps(sample).encode(), NOW)
    except UnreadablePayload as reason:
        return f"unreadable: {reason}"
    return ", ".join(sorted({type(record).__name__ for record in found}))


def test_every_topic_of_ours_is_one_of_shopifys(topics: Mapping[str, Mapping[str, Any]]) -> None:
    assert sorted(set(READERS) - set(topics)) == []


def test_the_sample_of_every_topic_of_ours_is_understood(topics: Mapping[str, Mapping[str, Any]]) -> None:
    taken = {topic: _read(topic, topics[topic]["response"]) for topic in READERS}

    silent = {topic: words for topic, words in taken.items() if not words or "unreadable" in words}
    # The sample's parcel is under way still, and its merge failed: no news to us.
    assert silent == {"customers/merge": "", "fulfillment_events/create": ""}


def test_the_sample_of_any_other_topic_says_nothing_to_us(topics: Mapping[str, Mapping[str, Any]]) -> None:
    others = [topic for topic in topics if topic not in READERS]

    taken = {topic: _read(topic, topics[topic]["response"]) for topic in others}

    assert len(others) > 150
    assert {topic: words for topic, words in taken.items() if words} == {}


def test_a_sample_without_one_of_its_keys_is_read_or_refused_but_breaks_nothing(
    topics: Mapping[str, Mapping[str, Any]],
) -> None:
    tried = 0
    for topic in READERS:
        sample = topics[topic]["response"]
        for key in sample:
            for changed in (
                {name: value for name, value in sample.items() if name != key},
                sample | {key: None},
                sample | {key: {"unforeseen": [1]}},
                sample | {key: ["unforeseen"]},
            ):
                _read(topic, changed)
                tried += 1
    assert tried > 1000


def test_a_sample_under_the_topic_of_another_erases_and_removes_nothing(
    topics: Mapping[str, Mapping[str, Any]],
) -> None:
    """Nothing signs the topic: the body alone must prove what destroys."""
    destructive = ("app/uninstalled", "customers/merge", "customers/redact", "shop/redact")

    taken = {
        (topic, other): _read(topic, topics[other]["response"])
        for topic in destructive
        for other in topics
        if other != topic
    }

    believed = {pair: words for pair, words in taken.items() if words and "unreadable" not in words}
    # shop/update and app/uninstalled both send the whole shop: the API is asked before anything is believed.
    assert believed == {("app/uninstalled", "shop/update"): "Uninstalled"}


@pytest.mark.parametrize(
    ("topic", "subject_id"),
    [
        ("checkouts/create", 77),
        ("orders/create", 2000),
        ("orders/updated", 2000),
        ("customers/create", 2),
        ("customers_email_marketing_consent/update", 2),
        ("customers_marketing_consent/update", 2),
        ("fulfillments/create", 2000),
        ("fulfillment_events/create", 2000),
        ("refunds/create", 2000),
        ("products/update", 501),
        ("app/uninstalled", 0),
        ("shop/update", 0),
    ],
)
def test_what_the_emulator_sends_satisfies_shopifys_schema(
    payload_schemas: Mapping[str, Mapping[str, Any]], topic: str, subject_id: int
) -> None:
    world = small_world()
    world.checkouts[77] = checkout(77, 2, SHOPIFY)

    body = webhook(topic, world, subject_id, PLACED)

    found = Draft202012Validator(payload_schemas[topic]).iter_errors(json.loads(json.dumps(body)))

    # The schemas were drawn from samples, so that an empty field is unknown to some of them.
    wrong = [f"{error.json_path}: {error.message}" for error in found if error.instance is not None]
    assert wrong == []


@pytest.mark.parametrize("topic", ["customers/merge", "customers/delete"])
def test_what_the_emulator_sends_of_a_merge_satisfies_shopifys_schema(
    payload_schemas: Mapping[str, Mapping[str, Any]], topic: str
) -> None:
    world = small_world()
    world.merge(2, 4)

    body = webhook(topic, world, 4, PLACED)

    assert [error.message for error in Draft202012Validator(payload_schemas[topic]).iter_errors(body)] == []
