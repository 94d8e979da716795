"""What a merchant sets of the flows and of what they bring: perks, words, reviews."""

from app.stores import rules
from app.stores.rules import Setting

FLOWS = (
    Setting(
        "reconcile.every_minutes",
        rules.number(1, 1440),
        "15",
        "How often the shop is asked for what its webhooks lost.",
    ),
    Setting(
        "reconcile.sweep_days",
        rules.number(1, 90),
        "1",
        "After how many nights a WooCommerce is asked for what it deleted without a word.",
    ),
    Setting("welcome.percentage", rules.number(1, 100), "10", "What the welcome code takes off, in percent."),
    Setting("birthday.percentage", rules.number(1, 100), "10", "What birthday codes take off, in percent."),
    Setting(
        "birthday.amount",
        rules.number(1, 100_000),
        "10",
        "What the birthday code of loyal customers takes off, in whole units of the shop's currency.",
    ),
    Setting(
        "reactivation.percentage",
        rules.number(0, 100),
        "10",
        "What the code for silent customers takes off, in percent; 0 is free shipping, as for promo buyers.",
    ),
    Setting(
        "abandoned_checkout.perk",
        rules.SWITCH,
        "off",
        "End the reminders of a basket with a perk: free shipping, or the percentage below.",
    ),
    Setting(
        "abandoned_checkout.percentage",
        rules.number(0, 100),
        "0",
        "What that perk takes off, in percent; 0 is free shipping, which is all that promo buyers get.",
    ),
    Setting(
        "texts.delivery", rules.line(300), "", "How and when you deliver; stands in the reminder of a basket."
    ),
    Setting("texts.returns", rules.line(300), "", "How returns work; stands in the reminder of a basket."),
)


CLASSES = (
    Setting(
        "classes.ticket_bands",
        rules.RISING_PAIR,
        "",
        "From which average order on customers count as middling and as large, in whole units of the shop's "
        "currency, such as 30,80; your shop's own thirds if empty. In force from the next night on.",
    ),
)

REVIEWS = (
    Setting(
        "reviews.landing",
        rules.choice("ritorno", "product-page", "app"),
        "ritorno",
        "Where everybody is led after rating, whatever the stars: nowhere else, to each product's own page, "
        "or to your review app.",
    ),
    Setting(
        "reviews.app_url",
        rules.secure_address("product", "handle", "order", "language"),
        "",
        "Your review app's page, https only; {product}, {handle}, {order} and {language} are filled in.",
    ),
    Setting(
        "reviews.quoted_from",
        rules.number(1, 5),
        "4",
        "From how many stars on an approved text may be quoted; the average beside it counts everybody.",
    ),
)
