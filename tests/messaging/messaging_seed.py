"""A shop, a customer with everything and one with nothing, and a way to render a recipe's message."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from app.crypto import Signer
from app.messaging.content import Content
from app.messaging.links import LinkMaker, UtmTags
from app.messaging.render import RenderContext, Rendered, Sender, compile_content, render

BASE_URL = "https://m.bottega.example"
SIGNER = Signer("key-of-the-tests")
ROME = ZoneInfo("Europe/Rome")
SENDER = Sender(
    name="Bottega Aurora",
    url="https://bottega.example/",
    postal_address="via Garibaldi 12\n10122 Torino",
    sms_name="Aurora",
)
VOUCHER = {"code": "AB12-CD34-EF56", "value_text": "10% di sconto", "ends_on": "2026-12-05T13:37:00+00:00"}
PRODUCTS = [
    {
        "title": "Moka",
        "url": "https://bottega.example/p/moka",
        "image_url": "https://img.example/moka.png",
        "price_text": "34,90 €",
        "review_url": "https://bottega.example/p/moka#reviews",
        "reason": "Scelta spesso con il caffè in grani",
    },
    {
        "title": "Tazzine & piattini",
        "url": "https://bottega.example/p/tazzine",
        "price_text": "28,00 €",
        "review_url": "https://bottega.example/p/tazzine#reviews",
    },
]
BASKET = {"total_text": "62,90 €", "url": "https://bottega.example/recover/70?key=1"}
PREFERENCES = {"url": "https://m.bottega.example/p/abc"}
FULL: dict[str, object] = {
    "customer": {"first_name": "Lucia", "last_name": "Rossi", "city": "Torino"},
    "voucher": VOUCHER,
    "order": {"number": "1042", "placed_on": "2026-11-20"},
    "products": PRODUCTS,
    "review": {"url": "https://m.bottega.example/r/abc"},
    "confirm": {"url": "https://m.bottega.example/o/abc"},
    "basket": BASKET,
    "preferences": PREFERENCES,
    "store": {
        "story": "Dal 1987.",
        "testimonial": "Buonissimo.\nMarta",
        "delivery": "In due giorni, da 4,90 €.",
        "returns": "Entro 30 giorni, a nostre spese.",
    },
}

# What a message cannot do without; everything else may be missing.
NEEDS: dict[str, Mapping[str, object]] = {
    "W1": {"voucher": VOUCHER},
    "W4": {"voucher": VOUCHER},
    "W6": {"voucher": VOUCHER},
    "X2": {"voucher": VOUCHER},
    "B1": {"voucher": VOUCHER},
    "B3": {"voucher": VOUCHER},
    "M1": {"review": {"url": "https://m.bottega.example/r/abc"}},
    "M2": {"review": {"url": "https://m.bottega.example/r/abc"}},
    "M4": {"review": {"url": "https://m.bottega.example/r/abc"}},
    "M3": {"products": [{"title": "Moka", "review_url": "https://bottega.example/p/moka"}]},
    "M3R": {"products": [{"title": "Moka", "review_url": "https://bottega.example/p/moka"}]},
    "X1": {"products": [{"title": "Moka"}]},
    "A1": {"products": [{"title": "Moka"}], "basket": {"total_text": "34,90 €"}},
    "A2": {"products": [{"title": "Moka"}], "basket": {"total_text": "34,90 €"}},
    "A3": {"products": [{"title": "Moka"}], "basket": {"total_text": "34,90 €"}, "voucher": VOUCHER},
    "R1": {"voucher": VOUCHER},
    "R2": {"voucher": VOUCHER},
    "R3": {"preferences": PREFERENCES},
    "DOI": {"confirm": {"url": "https://m.bottega.example/o/abc"}},
}


def minimal(content: Content) -> dict[str, object]:
    """The least that a message can be rendered from: nothing about the person at all."""
    needed = {} if content.variant else NEEDS.get(content.step, {})
    return {"customer": {}, **needed}


def links_for(
    *,
    message_id: int = 7,
    channel: str = "email",
    flow: str = "welcome",
    step: str = "W1",
    tracks: bool = True,
) -> LinkMaker:
    """The links of one message of store 1."""
    return LinkMaker(
        base_url=BASE_URL,
        signer=SIGNER,
        store_id=1,
        message_id=message_id,
        tags=UtmTags(frozenset({"bottega.example"}), channel, flow, step),
        tracks_clicks=tracks,
    )


def context_of(
    values: Mapping[str, object],
    *,
    channel: str = "email",
    purpose: str = "marketing",
    basis: str | None = "consent",
    sender: Sender = SENDER,
) -> RenderContext:
    """A message of the shop to somebody in Rome."""
    return RenderContext(
        channel=channel, purpose=purpose, basis=basis, sender=sender, zone=ROME, currency="EUR", values=values
    )


def rendered(
    content: Content, values: Mapping[str, object], *, lang: str = "it", channel: str = "email"
) -> Rendered:
    """One message, as it would be sent."""
    links = links_for(channel=channel, flow=content.flow, step=content.step)
    return render(compile_content(content), context_of(values, channel=channel), lang=lang, links=links)
