"""Where links lead, asked for many visits at once by the driver's own connection, as deliveries are kept.

A link's destination is kept with its message when it is sent; once that copy is gone, erased for instance, it
leads to the shop's front page.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.db import from_micros
from app.engines import OVER_ALL_STORES
from app.errors import Busy
from app.messaging.clicks import MESSAGES, STORES, front_page
from app.messaging.copies import NewerCopy, read_links
from app.messaging.links import ClickToken
from app.packing import packed_array


class Destination(NamedTuple):
    """Where a link leads, and when its message left, where that is known yet."""

    url: str
    sent_at: datetime | None


Row = Sequence[Any]
Found = Destination | Busy | None
"""Where a link leads; why that cannot be read now; or None where there is no such message."""
Find = Callable[[Any, Sequence[ClickToken]], Sequence[Found]]


def find_sqlite(connection: Any, tokens: Sequence[ClickToken]) -> Sequence[Found]:
    """Ask for one after the other: a question costs no way to a server."""
    asked = ((token.store_id, token.message_id) for token in tokens)
    rows = [connection.execute(_SQLITE_SELECT, pair).fetchone() for pair in asked]
    return [_destination(row, token, from_micros) for row, token in zip(rows, tokens, strict=True)]


def find_postgresql(connection: Any, tokens: Sequence[ClickToken]) -> Sequence[Found]:
    """Ask for all at once."""
    pairs = {(token.store_id, token.message_id) for token in tokens}
    asked = [packed_array("BIGINT", column) for column in zip(*pairs, strict=True)]
    rows = {row[:2]: row for row in connection.execute(_POSTGRES_SELECT, asked, binary=True)}
    found = [rows.get((token.store_id, token.message_id)) for token in tokens]
    return [_destination(row, token, _as_it_is) for row, token in zip(found, tokens, strict=True)]


_FROM = f"FROM {MESSAGES.name} m JOIN {STORES.name} s ON s.id = m.store_id "
_SELECT = f"SELECT m.store_id, m.id, m.sent_at, m.content, s.url, s.domain {_FROM} WHERE "
_SQLITE_SELECT = _SELECT + "m.store_id = ? AND m.id = ?"
# A subquery with a limit is joined in no other order: whose rows are meant is said before any is looked at.
_POSTGRES_SELECT = (
    f"WITH {OVER_ALL_STORES} SELECT found.* FROM scope"  # noqa: S608 (our own names)
    " CROSS JOIN unnest(%b::int8[], %b::int8[]) AS asked (store_id, id)"
    f" CROSS JOIN LATERAL ({_SELECT} m.store_id = asked.store_id AND m.id = asked.id LIMIT 1) AS found"
)


def _as_it_is(moment: datetime) -> datetime:
    return moment


def _destination(row: Row | None, token: ClickToken, moment_of: Callable[[Any], datetime]) -> Found:
    if row is None:
        return None
    _, _, sent_at, content, url, domain = row
    try:
        links = read_links(content)
    except NewerCopy as newer:
        # This link's alone: the others of its group are led on.
        return newer
    leads_to = links[token.index] if token.index < len(links) else front_page(url, domain)
    return Destination(leads_to, None if sent_at is None else moment_of(sent_at))
