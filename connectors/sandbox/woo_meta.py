"""WooCommerce's meta data: what the shop itself keeps, and what the app has written over it."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.model import WorldView
from connectors.sandbox.written import written

MetaList = list[dict[str, Any]]


def meta_list(world: WorldView, resource: str, number: int, own: Mapping[str, object]) -> MetaList:
    """The `meta_data` of an object: its own values with the written ones over them, sorted by id."""
    values = dict(own)
    for fact in written(world, "woo_meta", "subject").all_of(f"{resource}/{number}"):
        values[str(fact["key"])] = fact["value"]
    first = number % 1_000_000_000 * 100
    return [
        {"id": first + place, "key": key, "value": value}
        for place, (key, value) in enumerate(values.items(), start=1)
    ]


def write_meta(world: WorldView, resource: str, number: int, sent: object) -> None:
    """Keep the `meta_data` of a PUT; entries without a key are passed over."""
    for entry in sent if isinstance(sent, list) else ():
        if isinstance(entry, dict) and entry.get("key"):
            fact = {"subject": f"{resource}/{number}", "key": entry["key"], "value": entry.get("value")}
            world.remember("woo_meta", fact)
