"""What the merchant put into the trash of the WooCommerce store, or deleted for good.

Each is remembered as a fact (kind ``woo_removal``, key ``what``); the webhooks of it are in `woo_acts`.

Source: deletions on WooCommerce 10.0 and 10.5 (November 2026): `force=true` answers the object as it was and
sends nothing; the trash answers it with the status `trash`, and lists leave it out unless asked for that.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.sandbox.forms import gmt_time, local_time
from connectors.sandbox.model import WorldView
from connectors.sandbox.written import Written, written

KIND, TRASH, GONE, BACK = "woo_removal", "trash", "gone", "back"


def remove(world: WorldView, resource: str, number: int, *, is_forced: bool) -> None:
    """Put something into the trash, or delete it for good."""
    state = GONE if is_forced else TRASH
    fact = {"what": f"{resource}:{number}", "state": state, "at": world.now.isoformat()}
    world.remember(KIND, fact)


def restore(world: WorldView, resource: str, number: int) -> None:
    """Take something out of the trash."""
    fact = {"what": f"{resource}:{number}", "state": BACK, "at": world.now.isoformat()}
    world.remember(KIND, fact)


def is_removed(world: WorldView, resource: str, number: int, state: str) -> bool:
    """Whether something is in that state now."""
    fact = _facts(world).last_of(f"{resource}:{number}")
    return fact is not None and fact["state"] == state


def trashed_at(world: WorldView, resource: str, number: int) -> datetime | None:
    """When something came into the trash where it is now, or None."""
    fact = _facts(world).last_of(f"{resource}:{number}")
    is_there = fact is not None and fact["state"] == TRASH
    return datetime.fromisoformat(str(fact["at"])) if fact is not None and is_there else None


def as_it_lies(world: WorldView, resource: str, number: int, body: dict[str, Any]) -> dict[str, Any]:
    """The body of something that may lie in the trash."""
    at = trashed_at(world, resource, number)
    if at is None:
        return body
    return {**body, "status": TRASH, "date_modified": local_time(at), "date_modified_gmt": gmt_time(at)}


def left(world: WorldView, resource: str, ids: Sequence[int]) -> Sequence[int]:
    """The ids without what was removed."""
    if not world.remembered(KIND):
        return ids
    removed = {str(fact["what"]) for fact in _facts(world).latest() if fact["state"] != BACK}
    return [number for number in ids if f"{resource}:{number}" not in removed]


def trashed(world: WorldView, resource: str, since: datetime | None) -> list[int]:
    """What is in the trash, since later than a moment if one is given; the longest there first."""
    found = []
    for fact in _facts(world).latest():
        name, _, number = str(fact["what"]).partition(":")
        at = datetime.fromisoformat(str(fact["at"]))
        if name == resource and fact["state"] == TRASH and (since is None or at > since):
            found.append((at, int(number)))
    return [number for _, number in sorted(found)]


def _facts(world: WorldView) -> Written:
    return written(world, KIND, "what")
