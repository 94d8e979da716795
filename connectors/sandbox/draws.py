"""Chance decided by text: the same seed and text always give the same draw, in every process."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


def digest(seed: int, text: str) -> bytes:
    """32 bytes that hold eight independent draws (slots 0 to 7) for a text."""
    return sha256(f"{seed}:{text}".encode()).digest()


def fraction(drawn: bytes, slot: int) -> float:
    """A number in [0, 1) from one slot of a digest."""
    return int.from_bytes(drawn[slot * 4 : slot * 4 + 4]) / 4294967296


def between(drawn: bytes, slot: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(fraction(drawn, slot) * (high - low + 1))


def pick(drawn: bytes, slot: int, choices: Sequence[T]) -> T:
    """One of the choices, all equally likely."""
    return choices[int(fraction(drawn, slot) * len(choices))]
