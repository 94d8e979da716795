"""From a message row to a rendered letter: content, values, links, headers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from app.crypto import Signer
from app.messaging import addresses, answers, content, copies, facts, sms, testimonials, values, zones
from app.messaging.allowances import UNWRITTEN, Written, is_cut_off
from app.messaging.content import Content
from app.messaging.editions import Editions, Held
from app.messaging.errors import ContentError
from app.messaging.facts import Loaded
from app.messaging.gate import TRANSACTIONAL
from app.messaging.links import LinkMaker, UtmTags
from app.messaging.render import (
    CompiledContent,
    CompiledContents,
    RenderContext,
    Rendered,
    compile_content,
    render,
)
from app.messaging.terms import Terms
from app.messaging.values import Goods
from app.models import Store
from connectors.base import OutgoingMessage

_WELCOME = "welcome"
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered message: for the provider, and as it is kept."""

    outgoing: OutgoingMessage
    content: bytes
    written: Written = UNWRITTEN


@dataclass(frozen=True, slots=True)
class TryOut:
    """How a text is tried that nobody is to get: in its language, with what a real message would bring.

    Attributes:
        values: variables besides those of the customer, the store and what belongs to the message.
        is_trial: it goes to the merchant's own address, so its links are counted by nobody.
    """

    language: str
    values: Mapping[str, object] = field(default_factory=dict)
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes letters; holds what is the same for all: keys, our address, the compiled contents."""

    signer: Signer
    base_url: str
    compiled: CompiledContents
    held: Held = field(default_factory=Held)

    def goods_of(self, session: Session, loaded: Loaded, rows: Sequence[Any]) -> Goods:
        """The products that these messages speak of, what they may quote, and the merchant's own texts."""
        store = loaded.store
        is_welcome = any(row.flow_key == _WELCOME for row in rows)
        return Goods(
            products=values.products_of(session, store.id, rows, loaded.baskets.values()),
            quotes=testimonials.quotes(session, store) if is_welcome else {},
            editions=self.held.of(session, store),
        )

    def write(self, loaded: Loaded, goods: Goods, row: Any) -> Letter:
        """Render one message.

        Raises:
            ContentError: something that the content needs is missing.
        """
        customer = loaded.customers[row.customer_id]
        language = content.language_for(customer.locale, loaded.terms_for(row.channel).locale)
        compiled = self._compiled(loaded.store, goods.editions, row.context["content"])
        return self._write(compiled, loaded, goods, row=row, how=TryOut(language))

    def try_out(self, draft: Content, loaded: Loaded, goods: Goods, *, row: Any, how: TryOut) -> Letter:
        """Render a content that nobody gets, as it would be sent.

        Raises:
            ContentError: it cannot be compiled, or something that it needs is missing.
        """
        return self._write(compile_content(draft), loaded, goods, row=row, how=how)

    def _write(
        self, compiled: CompiledContent, loaded: Loaded, goods: Goods, *, row: Any, how: TryOut
    ) -> Letter:
        store, customer = loaded.store, loaded.customers[row.customer_id]
        terms = loaded.terms_for(row.channel)
        zone = zones.zone_for_due(
            country=customer.country,
            region=customer.region,
            phone=customer.phone,
            store_timezone=store.timezone,
        )
        said = loaded.consents.get((row.customer_id, row.channel))
        address = addresses.address_of(customer, row.channel) or ""
        links = self._links(loaded, row, is_plain=how.is_trial or row.purpose == TRANSACTIONAL)
        rating_url = links.rating(row.customer_id) if answers.is_ask(row) else None
        known = values.values_of(loaded, row, goods, language=how.language, zone=zone, rating_url=rating_url)
        if row.purpose == TRANSACTIONAL:
            known["confirm"] = {"url": links.confirm(row.channel, address)}
        else:
            known["preferences"] = {"url": links.preferences()}
        context = RenderContext(
            channel=row.channel,
            purpose=row.purpose,
            basis=said.basis if said is not None else None,
            sender=terms.sender,
            zone=zone,
            currency=store.currency,
            values={**how.values, **known},
        )
        rendered = render(compiled, context, lang=how.language, links=links)
        while is_cut_off(rendered.html) and (fewer := _with_fewer_products(context)) is not None:
            context = fewer
            links.restart()
            rendered = render(compiled, context, lang=how.language, links=links)
        lifetime = int((row.expires_at - loaded.now).total_seconds())
        outgoing = _outgoing(terms, row, rendered, address, lifetime=lifetime)
        return Letter(outgoing, _packed(rendered), _written(outgoing))

    def _compiled(self, store: Store, editions: Editions, name: str) -> CompiledContent:
        """The content by its name: the merchant's own, or the original, which all stores share."""
        own = editions.get(name)
        if own is None:
            return self.compiled.get(name, lambda: content.named(name))
        if isinstance(own, ContentError):
            raise ContentError(str(own))
        return self.compiled.get((store.id, store.editions, name), lambda: own)

    def _links(self, loaded: Loaded, row: Any, *, is_plain: bool) -> LinkMaker:
        """The links of a message; those of transactional mail carry no tag and are counted by nobody."""
        tags = UtmTags(loaded.terms_for(row.channel).hosts, row.channel, row.flow_key, row.step)
        tracks = facts.last_word(loaded, row.customer_id, "tracking") == "subscribed"
        return LinkMaker(
            base_url=self.base_url,
            signer=self.signer,
            store_id=row.store_id,
            message_id=row.id,
            tags=None if is_plain else tags,
            tracks_clicks=tracks and not is_plain,
        )


def _with_fewer_products(context: RenderContext) -> RenderContext | None:
    """The same with a part of its products only, the first ones; None where there is but one left."""
    listed = context.values.get("products")
    if not isinstance(listed, list) or len(listed) < _FEWEST:
        return None
    fewer = listed[: min(len(listed) * 3 // 4, content.MOST_PRODUCTS)]
    return replace(context, values={**context.values, "products": fewer})


def _written(outgoing: OutgoingMessage) -> Written:
    if outgoing.channel == "sms":
        return Written(parts=sms.segments(outgoing.text).count)
    if is_cut_off(outgoing.html):
        return Written(too_heavy_kb=len((outgoing.html or "").encode()) // 1024)
    return UNWRITTEN


def _packed(rendered: Rendered) -> bytes:
    kept = {
        "subject": rendered.subject,
        "text": rendered.text,
        "html": rendered.html,
        "headers": rendered.headers,
        "links": list(rendered.links),
    }
    return copies.pack(kept)


def _outgoing(terms: Terms, row: Any, rendered: Rendered, address: str, *, lifetime: int) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=str(row.id),
        channel=row.channel,
        to_address=address,
        from_address=terms.from_address,
        from_name=terms.from_name,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        headers=rendered.headers,
        labels=(row.flow_key, row.step),
        lifetime_seconds=lifetime,
    )
