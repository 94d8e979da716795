"""What is wrong with a store's webhooks, and which of them are to be made anew; decided without any call.

A webhook that WooCommerce disabled would be disabled again by one failure more, so it is deleted and made
anew, with a new secret. One that the merchant paused stays as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Subscription
from connectors.storefronts.woocommerce.topics import MINIMUM_TOPICS

DISABLED, MISSING, MOVED, STRANGE = "disabled", "missing", "moved", "strange"
"""Why a webhook is made anew: switched off by the shop, deleted there, of an earlier address of ours, or not
the one whose secret we know."""
PAUSED = "paused"
REACH = "reach"
_REMEMBERED = 20
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Remake:
    """A topic whose webhook is made anew, why, and the ids of those that go."""

    topic: str
    reason: str
    gone: tuple[str, ...] = ()


def remakes(listed: Sequence[Subscription], noted: Sequence[Mapping[str, str]], url: str) -> list[Remake]:
    """The topics whose webhook does not serve us, in the order in which they are made.

    Args:
        listed: what the store has of ours now.
        noted: what we noted of them, as in `stores.subscriptions`.
        url: where they must deliver.
    """
    known = {row["topic"]: row["external_id"] for row in noted}
    found = []
    for topic in MINIMUM_TOPICS:
        ours = [one for one in listed if one.topic == topic]
        reason = _reason(ours, known.get(topic, ""), url)
        if reason is not None:
            found.append(Remake(topic, reason, tuple(one.external_id for one in ours)))
    return found


def with_turn(turns: Mapping[str, Sequence[int]], topic: str) -> dict[str, list[int]]:
    """The turns of the secrets with a new one for a topic; the newest two of each are accepted."""
    current = list(turns.get(topic, [0]))
    return {**{name: list(held) for name, held in turns.items()}, topic: [current[0] + 1, current[0]]}


def settled(turns: Mapping[str, Sequence[int]], remade: Sequence[str]) -> dict[str, list[int]]:
    """The turns once what was signed with older secrets has arrived: all but those of this check's topics."""
    return {topic: list(held) if topic in remade else list(held[:1]) for topic, held in turns.items()}


def with_remade(notes: Mapping[str, Any], remade: Sequence[Remake], at: datetime) -> dict[str, Any]:
    """What is told to the merchant, the newest first: which webhooks were made anew, when and why."""
    new = [{"topic": one.topic, "reason": one.reason, "at": at.isoformat()} for one in remade]
    return {**notes, "remade": [*new, *notes.get("remade", [])][:_REMEMBERED]}


def with_reach(
    notes: Mapping[str, Any], url: str, *, made_at: datetime | None, arrived_since: Callable[[datetime], bool]
) -> dict[str, Any]:
    """Whether anything ever came to this address since webhooks were made for it: a ping, or a delivery.

    A shop accepts any address; one that it can never reach shows by the missing ping only.

    Args:
        made_at: when this check made a webhook, None if it made none.

    Source: facts of two measured stores, section 3 (create and manage).
    """
    known = dict(notes.get(REACH, {}))
    if known.get("url") != url:
        if made_at is None:
            return dict(notes)
        known = {"url": url, "since": (made_at - _CLOCKS_DIFFER).isoformat(), "is_heard": False}
    if not known["is_heard"]:
        known["is_heard"] = arrived_since(datetime.fromisoformat(known["since"]))
    return {**notes, REACH: known}


def is_unreached(notes: Mapping[str, Any]) -> bool:
    """Whether the shop's test calls are still awaited."""
    known: Mapping[str, Any] = notes.get(REACH, {})
    return bool(known) and not known["is_heard"]


def _reason(ours: Sequence[Subscription], known_id: str, url: str) -> str | None:
    """Why the webhooks of one topic do not serve, None if one does or is paused."""
    if not ours:
        return MISSING
    if any(one.state == PAUSED for one in ours):
        return None
    if any(one.state == "disabled" for one in ours):
        return DISABLED
    if any(one.url != url for one in ours):
        return MOVED
    return None if [one.external_id for one in ours] == [known_id] else STRANGE
