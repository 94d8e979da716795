"""What differs between one WooCommerce store and the next: address, permalinks, TLS, roles, storage, version.

The traits are a fact of the world (kind ``woo_traits``), so that a store can change while it serves.

Source: behaviours measured on WooCommerce 10.0 and 10.5 (November 2026); what 11.2 changes was read in its
source.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from weakref import WeakKeyDictionary

from connectors.sandbox.model import WOO_HOME, WorldView

KIND = "woo_traits"
PRETTY, PLAIN = "pretty", "plain"
ADMINISTRATOR, SHOP_MANAGER, SUBSCRIBER, DELETED = "administrator", "shop_manager", "subscriber", "deleted"
HPOS, POSTS = "hpos", "posts"
VERSIONS = ("8.2.0", "10.0.2", "10.5.0", "11.2.0")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "permalinks": (PRETTY, PLAIN),
    "role": (ADMINISTRATOR, SHOP_MANAGER, SUBSCRIBER, DELETED),
    "storage": (HPOS, POSTS),
    "version": VERSIONS,
}


@dataclass(frozen=True, slots=True)
class Traits:
    """One store.

    Attributes:
        home: WordPress' home URL, for which signatures are made and which its links show.
        site: where WordPress' own files lie, if not at the home URL.
        permalinks: with plain ones there is no ``/wp-json/``, and ``?rest_route=`` takes no key.
        redirects: the web server sends calls of any other host to the home URL.
        hides_tls: a proxy ends TLS and PHP knows nothing of it.
        strips_authorization: the host drops that header on the way to PHP.
        hides_index: a plugin shows ``/wp-json/`` to nobody who is not logged in.
        role: of the account that owns the keys and the webhooks.
        storage: of the orders: WooCommerce's own tables, or WordPress' posts.
    """

    home: str = WOO_HOME
    site: str = ""
    permalinks: str = PRETTY
    redirects: bool = False
    hides_tls: bool = False
    strips_authorization: bool = False
    hides_index: bool = False
    role: str = ADMINISTRATOR
    storage: str = HPOS
    version: str = "10.5.0"

    @property
    def may_manage(self) -> bool:
        """Whether the keys' owner may see and change the shop."""
        return self.role in (ADMINISTRATOR, SHOP_MANAGER)

    @property
    def hookshot(self) -> str:
        """The User-Agent of the store's webhooks."""
        return f"WooCommerce/{self.version} Hookshot (WordPress/7.0.4)"

    @property
    def is_before_10_5(self) -> bool:
        """Whether lines of orders lack the global unique id."""
        return self.version in VERSIONS[:2]

    @property
    def lies_of_deletions(self) -> bool:
        """Whether trashing one thing sends the deletion of others, too: up to 11.x."""
        return self.version != "11.2.0"


def traits(world: WorldView) -> Traits:
    """The store's traits as of now."""
    facts = world.remembered(KIND)
    if not facts:
        return _USUAL
    seen, known = _KNOWN.get(world, (0, _USUAL))
    if seen != len(facts):
        known = read_traits(facts[-1])
        _KNOWN[world] = (len(facts), known)
    return known


def change_traits(world: WorldView, changes: Mapping[str, object]) -> Traits:
    """The store is otherwise from now on.

    Raises:
        ValueError: there is no such trait, or it cannot be that.
    """
    changed = read_traits({**asdict(traits(world)), **changes})
    world.remember(KIND, asdict(changed))
    return changed


def read_traits(values: Mapping[str, object]) -> Traits:
    """Traits from their names; what is not named is as usual.

    Raises:
        ValueError: there is no such trait, or it cannot be that.
    """
    for name, value in values.items():
        usual = _BY_NAME.get(name)
        if usual is None or type(value) is not type(usual):
            raise ValueError(f"{name} is no trait of a store, or it is of another type")
        if value not in _CHOICES.get(name, (value,)):
            raise ValueError(f"{name} is one of {', '.join(_CHOICES[name])}")
    return replace(_USUAL, **values)  # type: ignore[arg-type]  # names and types are checked above


_USUAL = Traits()
_BY_NAME = {field.name: getattr(_USUAL, field.name) for field in fields(Traits)}
_KNOWN: WeakKeyDictionary[WorldView, tuple[int, Traits]] = WeakKeyDictionary()
