"""What providers told, a column a field; so the events of a post are kept until they take effect.

They are read in front of the inbox. A provider says 400 bytes of each, nearly the same every time, and some
of them none of our business (the browser, where it stood): a tenth is kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from app.db import from_micros, to_micros
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate, WentWell, Word, number_of

TOPIC = "told"
"""Of a delivery in the inbox of which the events are kept."""
NOBODYS = 0
"""The message of an event that names one, but none of ours."""
NOTHING_TO_DO = Advice.NOTHING.value
_KINDS: Mapping[str, DeliveryKind] = {kind.value: kind for kind in DeliveryKind}
_ADVICES: Mapping[str, Advice] = {advice.value: advice for advice in Advice}


class Told(NamedTuple):
    """Events as columns of one length: the fields of `DeliveryUpdate`, its words as plain texts.

    A driver takes half as long for a plain text as for a word of an enumeration.

    Attributes:
        message_id: our number, NOBODYS or None.
        store_id: our number; None where none of ours was told.
    """

    kind: Sequence[str]
    occurred_at: Sequence[datetime]
    key: Sequence[str]
    message_id: Sequence[int | None]
    store_id: Sequence[int | None]
    installation: Sequence[str]
    address: Sequence[str]
    reason: Sequence[str]
    advice: Sequence[str]
    url: Sequence[str]
    is_machine: Sequence[bool]
    word: Sequence[str | None]
    text: Sequence[str]

    @property
    def number(self) -> int:
        """How many events there are."""
        return len(self.key)

    def some(self, places: Sequence[int]) -> "Told":
        """Those at these places."""
        if len(places) == self.number:
            return self
        return Told._make([column[place] for place in places] for column in self)

    def parts(self, most: int) -> Iterator["Told"]:
        """All of them, so many at once."""
        for start in range(0, self.number, most):
            yield Told._make(column[start : start + most] for column in self)

    def at(self, place: int) -> DeliveryUpdate:
        """One of them by itself, as its connector read it."""
        one = DeliveryUpdate._make(column[place] for column in self)
        id_, store_id, word = self.message_id[place], self.store_id[place], self.word[place]
        return one._replace(
            kind=_KINDS[self.kind[place]],
            advice=_ADVICES[self.advice[place]],
            message_id=None if id_ is None else str(id_),
            store_id=None if store_id is None else str(store_id),
            word=None if word is None else Word(word),
        )


def of(updates: Sequence[DeliveryUpdate], well: WentWell | None = None) -> Told:
    """Events as their connectors read them."""
    parts = [_of_each(updates)] if updates else []
    if well is not None and well.key:
        parts.append(_of_columns(well))
    return joined(parts)


def _of_columns(well: WentWell) -> Told:
    number = len(well.key)
    kinds = {kind: kind.value for kind in {*well.kind}}
    stores = {name: number_of(name) for name in {*well.store_id}}
    nothing = [""] * number
    return Told(
        kind=[kinds[kind] for kind in well.kind],
        occurred_at=well.occurred_at,
        key=well.key,
        message_id=[int(name) for name in well.message_id],
        store_id=[stores[name] for name in well.store_id],
        installation=well.installation,
        address=nothing,
        reason=nothing,
        advice=[NOTHING_TO_DO] * number,
        url=nothing,
        is_machine=[False] * number,
        word=[None] * number,
        text=nothing,
    )


def _of_each(updates: Sequence[DeliveryUpdate]) -> Told:
    columns: Any = DeliveryUpdate._make(zip(*updates, strict=True))
    kinds = {kind: kind.value for kind in {*columns.kind}}
    words = {advice: advice.value for advice in {*columns.advice}}
    stores = {name: number_of(name) for name in {*columns.store_id}}
    return Told._make(
        columns._replace(
            kind=[kinds[kind] for kind in columns.kind],
            message_id=[None if name is None else number_of(name) or NOBODYS for name in columns.message_id],
            store_id=[stores[name] for name in columns.store_id],
            advice=[words[advice] for advice in columns.advice],
            word=[None if word is None else word.value for word in columns.word],
        )
    )


def joined(parts: Sequence[Told]) -> Told:
    """The events of several posts."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Told._make([] for _ in Told._fields)
    return Told._make([*chain.from_iterable(columns)] for columns in zip(*parts, strict=True))


def packed(told: Told) -> bytes:
    """The events as they are kept."""
    moments = {moment: to_micros(moment) for moment in {*told.occurred_at}}
    columns: Any = told
    columns = columns._replace(occurred_at=[moments[moment] for moment in told.occurred_at])
    return _write([told.number, *map(_shortened, columns)])


def unpacked(body: bytes) -> Told:
    """The events of what was kept."""
    number, *columns = _read(body)
    told: Any = Told._make(column if len(column) == number else column * number for column in columns)
    return Told._make(told._replace(occurred_at=[*map(_moment, told.occurred_at)]))


def _shortened(column: Sequence[Any]) -> Sequence[Any]:
    """A column as it is kept: of one whose values are all the same only the first."""
    return column[:1] if column and column.count(column[0]) == len(column) else column


_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder(list[Any]).decode
_moment = lru_cache(maxsize=1024)(from_micros)
"""Many share theirs; what is the same is also bound only once."""
