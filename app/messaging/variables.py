"""What a text may speak of, by root name; a field that is not known for somebody is missing, never empty."""

from collections.abc import Mapping

FIELDS: Mapping[str, tuple[str, ...]] = {
    "customer": ("first_name", "last_name", "city"),
    "store": (
        *("name", "url", "address", "story", "testimonial", "promotion", "instalments", "visit"),
        *("delivery", "returns"),
    ),
    "basket": ("total_text", "url"),
    "preferences": ("url",),
    "voucher": ("code", "value_text", "ends_on"),
    "order": ("number", "placed_on"),
    "products": ("title", "url", "image_url", "price_text", "review_url", "reason"),
    "confirm": ("url",),
    "review": ("url",),
}
"""`products` is a list whose items have these fields; everything else is one thing with them."""

LISTS = frozenset({"products"})
UNWRITTEN = frozenset(
    {
        *("store.story", "store.testimonial", "store.promotion", "store.instalments", "store.visit"),
        *("store.delivery", "store.returns"),
    }
)
"""Words that a shop may not have: a text cannot count on them, and what needs them is left out."""

ALWAYS = frozenset({"store.name", "store.url", "store.address"})
"""What no mail leaves without, so that a text may use it as it is."""

MAY_LACK = frozenset(f"customer.{name}" for name in FIELDS["customer"])
"""What is not known of everybody: a text says what stands in its place."""

FILTERED = {"voucher.ends_on": " | until", "order.placed_on": " | date"}
"""How a moment is best written: by a filter."""


def picker(roots: frozenset[str]) -> dict[str, str]:
    """What a merchant may insert into a text that has these roots: the path, and how it is written."""
    return {
        path: f"{{{{ {path}{FILTERED.get(path, '')} }}}}"
        for root, names in FIELDS.items()
        if root in roots and root not in LISTS
        for name in names
        if (path := f"{root}.{name}") not in UNWRITTEN
    }


def with_fallback(path: str) -> str | None:
    """How what may be missing is written with words in its place, None of what always is there.

    The words are empty: whoever writes fills them in.
    """
    return f'{{{{ {path} | default: "" }}}}' if path in MAY_LACK else None
