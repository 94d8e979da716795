"""What is found by keys when somebody asks: at once by all of which it is likely that they will be asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

K = TypeVar("K", int, str)
K_contra = TypeVar("K_contra", contravariant=True)
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Found(Protocol[K_contra, V_co]):
    """What was looked up, or will be; a dictionary is one."""

    def get(self, key: K_contra, /) -> V_co | None:
        """What was found by this key, None where there is nothing."""


class Foreseen(Generic[K, V]):
    """What a statement finds for many keys, asked for them once: foresight decides nothing but when.

    Args:
        read: what finds something for many keys, in order, and nothing for some.
        likely: the keys that will be asked for, as far as one can tell; gone through when the first one is.
    """

    __slots__ = ("_found", "_likely", "_read")

    def __init__(self, read: Callable[[Sequence[K]], Mapping[K, V]], likely: Iterable[K] = ()) -> None:
        self._read: Callable[[Sequence[K]], Mapping[K, V]] = read
        self._likely: Iterable[K] = likely
        self._found: dict[K, V | None] = {}

    def get(self, key: K, /) -> V | None:
        """What there is by this key, which need not be a likely one."""
        if key not in self._found:
            likely = set(self._likely)
            likely.add(key)
            wanted = sorted(likely.difference(self._found))
            self._likely = ()
            found = self._read(wanted)
            self._found.update((one, found.get(one)) for one in wanted)
        return self._found[key]
