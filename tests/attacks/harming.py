"""Harms a body as a careless plugin, a broken proxy or a stranger would: the same harms for the same seed."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

STRANGE: tuple[Any, ...] = (
    None,
    True,
    "",
    " ",
    "null",
    "\x00",
    "\ud800",
    "x" * 5000,
    "<script>alert(1)</script>",
    "0000-00-00T00:00:00",
    "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00:00+14:00",
    -1,
    0,
    2**63,
    -(10**30),
    1e308,
    "1e400",
    "-0.005",
    "NaN",
    "١٢٣",
    [],
    [[]],
    [None],
    {},
    {"id": {}},
    {"": [None, {"a": "b"}]},
)
_CUTS = 2


def harmed(body: bytes, count: int, seed: int) -> Iterator[bytes]:
    """So many versions of a JSON body with one or two values replaced or left out, then some torn ones."""
    chance = random.Random(seed)
    for _ in range(count):
        try:
            value = json.loads(body)
        except ValueError:
            break
        for _ in range(chance.choice((1, 1, 2))):
            value = _with_harm(value, chance)
        yield json.dumps(value).encode()
    for _ in range(_CUTS):
        yield body[: chance.randrange(len(body) + 1)]
        place = chance.randrange(len(body) + 1)
        yield body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]


def _with_harm(value: Any, chance: random.Random) -> Any:
    """Go down to a random place and put something strange there."""
    if not value or not isinstance(value, dict | list) or chance.random() < _STOPS:
        return copy.deepcopy(chance.choice(STRANGE))
    key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    if chance.random() < _LEAVES_OUT:
        del value[key]
    else:
        value[key] = _with_harm(value[key], chance)
    return value


_STOPS, _LEAVES_OUT = 0.05, 0.1
