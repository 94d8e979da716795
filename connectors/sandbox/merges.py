"""Customers whom the Shopify shop's merchant made one: an act from outside, kept in the journal's state."""

from collections.abc import Iterator

from connectors.sandbox.draws import digest
from connectors.sandbox.memory import Memory
from connectors.sandbox.model import SHOPIFY
from connectors.sandbox.plan import Planned

MERGE = "merge"
BEFORE, AFTER, NEVER = "before", "after", "never"
"""When the shop tells of the merged customer's deletion, too: it is not documented, so each can be had."""


class Merges:
    """Who is left of whom, and the deliveries that tell of it."""

    def __init__(self, memory: Memory, seed: int) -> None:
        self._memory = memory
        self._seed = seed
        self._seen = 0
        self._heirs: dict[int, int] = {}

    def heir(self, household: int) -> int:
        """Whose everything of a household is by now: its own if nobody merged it."""
        heirs = self._known()
        while household in heirs:
            household = heirs[household]
        return household

    def is_gone(self, household: int) -> bool:
        """Whether the customer was merged into another."""
        return household in self._known()

    def merged_into(self, household: int) -> list[int]:
        """The customers who are the household's own by now, itself among them."""
        return [household, *(gone for gone in self._known() if self.heir(gone) == household)]

    def deliveries(self) -> Iterator[Planned]:
        """What the shop tells of every merge so far, each with the same key in every run."""
        for at, value in self._memory.remembered_at(MERGE):
            merged, deletion = int(str(value["merged"])), value["deletion"]
            topics = ["customers/merge"]
            if deletion != NEVER:
                topics.insert(0 if deletion == BEFORE else 1, "customers/delete")
            for place, topic in enumerate(topics):
                drawn = digest(self._seed, f"merge:{topic}:{merged}:{at}").hex()
                yield Planned(at, f"{place}{drawn[:31]}", SHOPIFY, topic, merged, at=at, built_at=at)

    def _known(self) -> dict[int, int]:
        kept = self._memory.remembered(MERGE)
        for value in kept[self._seen :]:
            self._heirs[int(str(value["merged"]))] = int(str(value["kept"]))
        self._seen = len(kept)
        return self._heirs
