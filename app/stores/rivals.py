"""Who else may write to a store's customers for the same reasons: what can be known of it, and what cannot.

Two mails for one basket annoy; which of the two goes on is the merchant's to choose.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.models import Store
from app.stores.platforms import SHOPIFY

CART, REVIEW, BIRTHDAY = "cart", "review", "birthday"
REASONS = (CART, REVIEW, BIRTHDAY)
_AUTOMATION = REASONS


@dataclass(frozen=True, slots=True)
class Rival:
    """A plugin that runs in the shop, and which of our reasons it may write for, too."""

    name: str
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class Rivals:
    """What was found; `is_told` is False where the shop does not say what runs in it.

    Attributes:
        own_mails: where the merchant sees the platform's own mails, which it shows to no app; "" where it
            has none.
    """

    found: Sequence[Rival]
    is_told: bool
    own_mails: str


def of_store(store: Store) -> Rivals:
    """As the shop told it last: on its first day, and once a day."""
    running = store.plugins or ()
    own = f"https://{store.domain}/admin/marketing/automations" if store.platform == SHOPIFY else ""
    return Rivals([_KNOWN[one] for one in running if one in _KNOWN], store.plugins is not None, own)


_KNOWN = {
    "automatewoo": Rival("AutomateWoo", _AUTOMATION),
    "automatewoo-birthdays": Rival("AutomateWoo Birthdays", (BIRTHDAY,)),
    "customer-reviews-woocommerce": Rival("Customer Reviews for WooCommerce", (REVIEW,)),
    "fluent-crm": Rival("FluentCRM", _AUTOMATION),
    "judgeme-product-reviews-woocommerce": Rival("Judge.me", (REVIEW,)),
    "klaviyo": Rival("Klaviyo", _AUTOMATION),
    "mailchimp-for-woocommerce": Rival("Mailchimp for WooCommerce", (CART, BIRTHDAY)),
    "mailpoet": Rival("MailPoet", (CART,)),
    "omnisend-connect": Rival("Omnisend", _AUTOMATION),
    "retainful-next-order-coupon-for-woocommerce": Rival("Retainful", (CART,)),
    "woo-cart-abandonment-recovery": Rival("Cart Abandonment Recovery", (CART,)),
    "woo-save-abandoned-carts": Rival("CartBounty", (CART,)),
    "woocommerce-abandoned-cart": Rival("Abandoned Cart Lite", (CART,)),
    "wp-marketing-automations": Rival("FunnelKit Automations", _AUTOMATION),
}
"""By the folder of each plugin, which never changes; what each can do, as its own page says."""
