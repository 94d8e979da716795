"""A verified webhook's body → Records."""

from datetime import datetime

from connectors.base import JsonObject, Record, UnreadablePayload
from connectors.storefronts.shopify import fields, shapes
from connectors.storefronts.shopify.topics import KIND_BY_FAMILY, READERS


def records(topic: str, body: bytes, triggered_at: datetime | None) -> list[Record]:
    """What a delivery says, in our words; nothing for a topic that nobody reads.

    Args:
        topic: as in the header, for example `orders/create`.
        body: the raw bytes.
        triggered_at: when it happened, as the delivery's header says.

    Raises:
        UnreadablePayload: the body is not what its topic promises.
    """
    reader = READERS.get(topic)
    if reader is None:
        return []
    family = topic.partition("/")[0]
    parsed = _PARSERS.get(family, fields.parse)(body)
    if not _is_of_family(parsed, family):
        raise UnreadablePayload("the body belongs to another topic")
    return reader(parsed, triggered_at)


_PARSERS = {family: fields.parser_of(shape) for family, shape in shapes.BY_FAMILY.items()}


def _is_of_family(body: JsonObject, family: str) -> bool:
    gid = fields.text(body, "admin_graphql_api_id")
    kind = KIND_BY_FAMILY.get(family)
    return gid is None or kind is None or gid.startswith(f"gid://shopify/{kind}/")
