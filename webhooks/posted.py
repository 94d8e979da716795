"""A request to a webhook address, as the servers hand it on."""

from collections.abc import Mapping
from typing import NamedTuple


class Posted(NamedTuple):
    """What was posted: nothing of it is decoded or trusted.

    Attributes:
        place: the path behind `/webhooks/`.
        query: behind the question mark, as it came.
        headers: under lower-case names.
    """

    place: str
    query: str
    headers: Mapping[str, str]
    body: bytes
