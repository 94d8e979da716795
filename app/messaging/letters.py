"""From a message row to a rendered letter: content, values, links, headers."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from app.crypto import Signer
from app.messaging import addresses, content, facts, values, zones
from app.messaging.facts import Loaded
from app.messaging.gate import TRANSACTIONAL
from app.messaging.links import LinkMaker, UtmTags
from app.messaging.render import CompiledContents, RenderContext, Rendered, Sender, render
from app.models import Store
from app.stores import settings
from connectors.base import OutgoingMessage

Goods = Mapping[str, Any]
_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered message: for the provider, and as it is kept."""

    outgoing: OutgoingMessage
    content: bytes


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes letters; holds what is the same for all: keys, our address, the compiled contents."""

    signer: Signer
    base_url: str
    compiled: CompiledContents

    def write(self, loaded: Loaded, goods: Goods, row: Any) -> Letter:
        """Render one message.

        Raises:
            ContentError: something that the content needs is missing.
        """
        store, customer = loaded.store, loaded.customers[row.customer_id]
        language = content.language_for(customer.locale, settings.read(store, "locale"))
        zone = zones.zone_for_due(
            country=customer.country,
            region=customer.region,
            phone=customer.phone,
            store_timezone=store.timezone,
        )
        _, basis = facts.consent_of(loaded, row.customer_id, row.channel)
        address = addresses.address_of(customer, row.channel) or ""
        links = self._links(loaded, row)
        known = values.values_of(loaded, row, goods, language=language, zone=zone)
        if row.purpose == TRANSACTIONAL:
            known["confirm"] = {"url": links.confirm(row.channel, address)}
        else:
            known["preferences"] = {"url": links.preferences()}
        rendered = render(
            self.compiled.get((row.version_id, row.context["content"]), lambda: _content(row)),
            RenderContext(
                channel=row.channel,
                purpose=row.purpose,
                basis=basis,
                sender=_sender(store),
                zone=zone,
                currency=store.currency,
                values=known,
            ),
            lang=language,
            links=links,
        )
        lifetime = int((row.expires_at - loaded.now).total_seconds())
        return Letter(_outgoing(store, row, rendered, address, lifetime=lifetime), _packed(rendered))

    def _links(self, loaded: Loaded, row: Any) -> LinkMaker:
        """The links of a message; those of transactional mail carry no tag and are counted by nobody."""
        is_plain = row.purpose == TRANSACTIONAL
        host = urlsplit(_store_url(loaded.store)).hostname or ""
        tags = UtmTags(frozenset({host.lower()}), row.channel, row.flow_key, row.step)
        tracks = facts.consent_of(loaded, row.customer_id, "tracking")[0] == "subscribed"
        return LinkMaker(
            base_url=self.base_url,
            signer=self.signer,
            store_id=row.store_id,
            message_id=row.id,
            tags=None if is_plain else tags,
            tracks_clicks=tracks and not is_plain,
        )


def goods_of(session: Session, loaded: Loaded, rows: Sequence[Any]) -> Goods:
    """The products that these messages speak of."""
    return values.products_of(session, loaded.store.id, rows, loaded.baskets.values())


def read_content(packed: bytes | None) -> dict[str, Any] | None:
    """What was sent: subject, text, html, headers, links; None once its retention is over."""
    if packed is None:
        return None
    kept: dict[str, Any] = json.loads(zlib.decompress(packed))
    return kept


def _packed(rendered: Rendered) -> bytes:
    kept = {
        "subject": rendered.subject,
        "text": rendered.text,
        "html": rendered.html,
        "headers": rendered.headers,
        "links": list(rendered.links),
    }
    return zlib.compress(json.dumps(kept, ensure_ascii=False).encode(), _LEVEL)


def _outgoing(store: Store, row: Any, rendered: Rendered, address: str, *, lifetime: int) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=str(row.id),
        channel=row.channel,
        to_address=address,
        from_address=settings.read(store, "sender.email"),
        from_name=settings.read(store, "sender.name"),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        headers=rendered.headers,
        labels=(row.flow_key, row.step),
        lifetime_seconds=lifetime,
    )


def _content(row: Any) -> content.Content:
    flow, _, name = row.context["content"].partition("/")
    step, _, variant = name.partition(".")
    return content.default(flow, step, variant)


def _sender(store: Store) -> Sender:
    return Sender(
        name=settings.read(store, "sender.name") or store.name,
        url=_store_url(store),
        postal_address=settings.read(store, "sender.postal_address"),
        sms_name=settings.read(store, "sender.sms_name"),
    )


def _store_url(store: Store) -> str:
    """The shop's front page: the merchant's own address where we know it."""
    return store.url if "://" in store.url else f"https://{store.domain}"
