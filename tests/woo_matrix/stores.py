"""The kinds of WooCommerce store, dimension by dimension, and what each must come to."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from connectors.sandbox.woo_traits import (
    ADMINISTRATOR,
    DELETED,
    HPOS,
    PLAIN,
    POSTS,
    PRETTY,
    SHOP_MANAGER,
    SUBSCRIBER,
    Traits,
)
from connectors.storefronts.woocommerce import calls, identity


@dataclass(frozen=True, slots=True)
class Address:
    """Where a shop lives and what its merchant types: `{here}` is the server, `{other}` its other name."""

    home: str
    typed: str
    site: str = ""
    redirects: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """How calls come to PHP. `home` is the scheme that WordPress knows of itself."""

    typed: str
    home: str
    is_trusted: bool = True
    hides_tls: bool = False
    strips_authorization: bool = False
    hides_index: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """Who owns the key, and what the key may do."""

    owner: str
    permissions: str = "read_write"


ADDRESSES = {
    "root of its host": Address("{here}", "{here}"),
    "typed as …/wp-admin/": Address("{here}", "{here}/wp-admin/"),
    "folder": Address("{here}/negozio", "{here}/negozio/"),
    "WordPress in a folder of its own": Address("{here}", "{here}", "{here}/wordpress"),
    "typed as WordPress' folder": Address("{here}", "{here}/wordpress", "{here}/wordpress"),
    "home at another host (www)": Address("{other}", "{here}"),
    "sends on to another host (www)": Address("{other}", "{here}", redirects=True),
}
PERMALINKS = {"pretty": PRETTY, "plain": PLAIN}
WIRES = {
    "http": Wire("http", "http"),
    "https": Wire("https", "https"),
    "https, certificate of nobody": Wire("https", "https", is_trusted=False),
    "proxy hides TLS, home is http": Wire("https", "http", hides_tls=True),
    "proxy hides TLS, home is https": Wire("https", "https", hides_tls=True),
    "https, host drops Authorization": Wire("https", "https", strips_authorization=True),
    "https, index hidden from guests": Wire("https", "https", hides_index=True),
}
ROLES = {
    "administrator": Role(ADMINISTRATOR),
    "shop manager": Role(SHOP_MANAGER),
    "demoted": Role(SUBSCRIBER),
    "account deleted": Role(DELETED),
    "key may only read": Role(ADMINISTRATOR, "read"),
    "key may only write": Role(ADMINISTRATOR, "write"),
}
STORAGES = {
    "posts, 8.2": (POSTS, "8.2.0"),
    "posts, 10.0": (POSTS, "10.0.2"),
    "own tables, 10.5": (HPOS, "10.5.0"),
    "own tables, 11.2": (HPOS, "11.2.0"),
}
DIMENSIONS: tuple[Collection[str], ...] = (ADDRESSES, PERMALINKS, WIRES, ROLES, STORAGES)
HEADINGS = ("address", "permalinks", "TLS and proxy", "role", "order storage")

UNKNOWN_KEY = "The store does not know this key."
_OF_ROLES = {
    "demoted": calls.OWNER_DEMOTED,
    "account deleted": UNKNOWN_KEY,
    "key may only read": calls.READ_ONLY,
    "key may only write": calls.WRITE_ONLY,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One store of the matrix: the name of a value in each dimension."""

    address: str
    permalinks: str
    wire: str
    role: str
    storage: str

    @property
    def names(self) -> tuple[str, ...]:
        """The values, in the order of HEADINGS."""
        return (self.address, self.permalinks, self.wire, self.role, self.storage)

    def traits(self, here: str, other: str) -> Traits:
        """The emulator's traits; `here` and `other` are two names of its socket, without a scheme."""
        address, wire = ADDRESSES[self.address], WIRES[self.wire]
        storage, version = STORAGES[self.storage]

        def place(form: str) -> str:
            return f"{wire.home}://{form.format(here=here, other=other)}" if form else ""

        return Traits(
            home=place(address.home),
            site=place(address.site),
            permalinks=PERMALINKS[self.permalinks],
            redirects=address.redirects,
            hides_tls=wire.hides_tls,
            strips_authorization=wire.strips_authorization,
            hides_index=wire.hides_index,
            role=ROLES[self.role].owner,
            storage=storage,
            version=version,
        )

    def typed(self, here: str) -> str:
        """What the merchant types."""
        return f"{WIRES[self.wire].typed}://{ADDRESSES[self.address].typed.format(here=here)}"

    def problem(self) -> str:
        """How the words begin that the merchant must read, "" where the store can be connected."""
        if not WIRES[self.wire].is_trusted:
            return identity.NO_TLS
        if ADDRESSES[self.address].redirects:
            return "The shop sends visitors on to another address. Connect with "
        if self.permalinks == "plain" or self.address == "typed as WordPress' folder":
            return self._of_permalinks()
        return _OF_ROLES.get(self.role, "")

    def _of_permalinks(self) -> str:
        """The folder's own index names the home; where it is hidden, only WordPress can be told."""
        if self.address != "typed as WordPress' folder":
            return identity.PLAIN_PERMALINKS
        return identity.PLAIN_PERMALINKS if WIRES[self.wire].hides_index else identity.NOT_HOME


def every_kind() -> Iterator[Kind]:
    """The full product."""
    return (Kind(*names) for names in product(*DIMENSIONS))


def each_value() -> list[Kind]:
    """As few kinds that can be connected as show each value once, and one for every value that cannot.

    Most of them without TLS, whose handshakes take the most of the time; `each_pair` has every wire.
    """
    usual = Kind("root of its host", "pretty", "https", "administrator", "own tables, 10.5")
    fields = ("address", "permalinks", "wire", "role", "storage")
    one_off = (
        replace(usual, **{fields[place]: value})
        for place, dimension in enumerate(DIMENSIONS)
        for value in dimension
    )
    quick = [kind for kind in _good() if kind.wire == "http"]
    return [usual, *_covering(1, quick), *(kind for kind in one_off if kind.problem())]


def each_pair() -> list[Kind]:
    """As few kinds that can be connected as let every two values meet."""
    return _covering(2, _good())


def _good() -> list[Kind]:
    return [kind for kind in every_kind() if not kind.problem()]


def _covering(size: int, kinds: Sequence[Kind]) -> list[Kind]:
    """Some of the kinds, greedily chosen, in which every `size` values meet that meet in any of them."""
    shown = {kind: frozenset(combinations(enumerate(kind.names), size)) for kind in kinds}
    missing = {values for one in shown.values() for values in one}
    found = []
    while missing:
        best = max(kinds, key=lambda kind: len(missing & shown[kind]))
        found.append(best)
        missing -= shown[best]
    return found
