"""The variables that a merchant may put into a text, each with what the made-up person would read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.messaging import blocks, confirming, liquid, specimens, values, zones
from app.messaging.formats import Formats
from app.messaging.specimens import Scene, Specimen
from app.messaging.variables import picker, with_fallback

if TYPE_CHECKING:
    from app.messaging.guards import Scope

_ADDRESS = ".url"
"""An address is long, another one for everybody, and says nothing to who reads it."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One that is offered.

    Attributes:
        path: its name (`customer.first_name`).
        written: how it stands in a text.
        sample: what somebody would read; "" of an address and of what is not known.
        fallback: how it is written with words for those of whom it is not known, None where it always is.
    """

    path: str
    written: str
    sample: str
    fallback: str | None


def offered(scene: Scene) -> list[Variable]:
    """Those of a message; the samples are in the scene's language."""
    is_asking = confirming.is_asking(scene.slot)
    paths = {
        path: written
        for path, written in picker(scene.slot.roots).items()
        if not is_asking or path in confirming.OFFERED
    }
    seen = _samples(scene, paths)
    return [
        Variable(path, written, seen.get(path, ""), None if is_asking else with_fallback(path))
        for path, written in paths.items()
    ]


def values_seen(scene: Scene, who: Specimen) -> dict[str, object]:
    """The variables of a message to somebody, besides the addresses that only a real one has."""
    zone = zones.zone_named(scene.store.timezone)
    known = values.values_of(who.loaded, who.row("email"), who.goods, language=scene.language, zone=zone)
    sender = who.loaded.terms_for("email").sender
    given = known.get("store")
    store = {"name": sender.name, "url": sender.url, "address": sender.postal_address}
    known["store"] = {**store, **(given if isinstance(given, dict) else {})}
    return known


def scope_of(scene: Scene, known: Mapping[str, object]) -> "Scope":
    """What the texts of a message see of these variables."""
    zone = zones.zone_named(scene.store.timezone)
    return liquid.scope(known, Formats(scene.language, zone, scene.store.currency))


def _samples(scene: Scene, paths: Mapping[str, str]) -> dict[str, str]:
    known = values_seen(scene, specimens.made_up(scene))
    seen = scope_of(scene, known)
    return {
        path: blocks.template(written).fill(seen)
        for path, written in paths.items()
        if not path.endswith(_ADDRESS) and blocks.value_at(known, path)
    }
