"""What a correct Ritorno knows: deliveries and reads turn facts into known facts and timeline entries."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping

from tests.oracle.journal import Journal, Shopper, Told
from tests.oracle.model import SHOPIFY, WOOCOMMERCE, StoreSettings
from tests.oracle.moments import MINUTE
from tests.oracle.state import ORDER_MOMENTS, Enrollment, Entry, Order, Person, StoreMirror

_EMAIL, _SMS = "email", "sms"
_PAID = "orders/paid"
TURNS = "turns"
"""What a test tells Ritorno itself, past both shops; by the name of a topic."""
_KINDS = {"placed_at": "order.placed", "paid_at": "order.paid", "fulfilled_at": "order.fulfilled"}
_KINDS |= {
    "delivered_at": "order.delivered",
    "cancelled_at": "order.cancelled",
    "refunded_at": "order.refunded",
}


class Mirror:
    """Both stores. `touched` are the people with entries that flows have not read yet.

    Args:
        redemption_of: whose voucher a code of a person is, as (enrollment, the voucher's name).
    """

    def __init__(
        self,
        journal: Journal,
        stores: Mapping[str, StoreSettings],
        activated_at: int,
        redemption_of: Callable[[Person, str], tuple[Enrollment, str] | None],
    ) -> None:
        self.stores = {platform: StoreMirror(settings) for platform, settings in stores.items()}
        self.touched: dict[int, Person] = {}
        self.birthdays: dict[tuple[int, int], list[Person]] = {}
        self._journal = journal
        self.activated_at = activated_at
        self._redemption_of = redemption_of
        self._entries = 0
        self._paid_told_at: dict[int, int] = {}
        for told in journal.told:
            if told.topic == _PAID:
                earliest = min(told.known_at, self._paid_told_at.get(told.ids[0], told.known_at))
                self._paid_told_at[told.ids[0]] = earliest

    def tell(self, told: Told) -> None:
        """Take in one delivery or one read."""
        if told.platform not in self.stores:
            return
        listen = _READERS.get(told.topic) if told.is_read else _LISTENERS.get(told.topic)
        if listen is not None:
            for number in told.ids:
                listen(self, told, number)

    def unsubscribe(self, person: Person, at: int) -> None:
        """The one-click link: the consent is taken back and the address suppressed."""
        person.is_suppressed = True
        self._state(person, _EMAIL, "unsubscribed", at)

    def person(self, platform: str, household: int) -> Person:
        """The person of a household, known or not."""
        people = self.stores[platform].people
        if household not in people:
            people[household] = Person(self._journal.shoppers[platform, household])
        return people[household]

    def hear_customer(self, told: Told, household: int) -> None:
        """The whole account as of a moment."""
        if (told.platform, household) not in self._journal.shoppers:
            return
        person = self.person(told.platform, household)
        shopper = person.shopper
        if shopper.is_guest or shopper.registered_at > told.as_of:
            return
        person.is_known = person.has_profile = True
        changed_at = max(min(shopper.changed_at(told.known_at), told.as_of), shopper.registered_at)
        if told.platform == WOOCOMMERCE:
            self._hear_account(person, told, changed_at)
        elif told.is_read:
            # Source: since 2025-01 Shopify's customers/* carry neither consent nor metafields; GraphQL does.
            for channel in (_EMAIL, _SMS):
                self._hear_shopify_consent(person, channel, told)
        if told.is_read or told.platform == WOOCOMMERCE:
            self._learn_birthday(person, changed_at)

    def hear_email_consent(self, told: Told, household: int) -> None:
        """Shopify's topic for the e-mail consent alone."""
        self._hear_shopify_consent(self.person(told.platform, household), _EMAIL, told)

    def hear_sms_consent(self, told: Told, household: int) -> None:
        """Shopify's topic for the SMS consent alone."""
        self._hear_shopify_consent(self.person(told.platform, household), _SMS, told)

    def hear_turns(self, told: Told, household: int) -> None:
        """A subscriber said no, yes, no and yes again of mails, a minute after each other."""
        person = self.person(told.platform, household)
        for number, state in enumerate(("unsubscribed", "subscribed") * 2, start=-3):
            self._state(person, _EMAIL, state, told.as_of + number * MINUTE)

    def hear_order(self, told: Told, basket: int) -> None:
        """The whole order as of a moment, with who ordered."""
        order = self._order(told.platform, basket)
        if order is None or order.fact.placed_at > told.as_of:
            return
        person = self.person(told.platform, order.fact.household)
        person.is_known = True
        # An order that Ritorno reads from Shopify names the buyer without address and phone.
        person.has_profile |= told.platform == WOOCOMMERCE or not told.is_read
        if not order.is_known:
            order.is_known = True
            person.orders.append(order)
        self._learn_moments(person, order, told, ORDER_MOMENTS)
        for part, names in self.stores[told.platform].parked.pop(basket, ()):
            self._learn_moments(person, order, part, names)
        if told.platform == WOOCOMMERCE:
            self._hear_checkout(person, order)
            self._learn_birthday(person, order.fact.updated_at(told.as_of))

    def hear_parcel(self, told: Told, basket: int) -> None:
        """Shopify's topics about a parcel: when it left and when it arrived."""
        self._hear_part(told, basket, ("fulfilled_at", "delivered_at"))

    def hear_refund(self, told: Told, basket: int) -> None:
        """Shopify's topic about a refund."""
        self._hear_part(told, basket, ("refunded_at",))

    def hear_product(self, told: Told, product_id: int) -> None:
        """A product; Shopify's webhooks do not carry the merchant's own complements."""
        fact = self._journal.products.get((told.platform, product_id))
        if fact is None:
            return
        store = self.stores[told.platform]
        store.products[fact.product_id] = fact
        if told.is_read or told.platform == WOOCOMMERCE:
            store.complements[fact.product_id] = fact.complements

    def _order(self, platform: str, basket: int) -> Order | None:
        orders = self.stores[platform].orders
        fact = self._journal.orders.get((platform, basket))
        if basket not in orders and fact is not None:
            orders[basket] = Order(fact)
        return orders.get(basket)

    def _hear_part(self, told: Told, basket: int, names: tuple[str, ...]) -> None:
        order = self._order(told.platform, basket)
        if order is None:
            return
        if not order.is_known:
            self.stores[told.platform].parked.setdefault(basket, []).append((told, names))
            return
        person = self.person(told.platform, order.fact.household)
        self._learn_moments(person, order, told, names)

    def _learn_moments(self, person: Person, order: Order, told: Told, names: tuple[str, ...]) -> None:
        for name in names:
            at = self._moment_told(order, name, told)
            is_known = getattr(order, name) is not None
            if at is not None and (not is_known or told.topic == _PAID):
                setattr(order, name, at)
            if at is None or is_known:
                continue
            self._write(person, _KINDS[name], at, order=order)
            if name == "placed_at" and order.fact.code:
                redeemed = self._redemption_of(person, order.fact.code)
                if redeemed is not None:
                    redeemed[0].used_codes.add(redeemed[1])
                    self._write(person, "voucher.redeemed", at, order=order, redeemed=redeemed)
        store = self.stores[person.platform]
        if not order.is_paired and order.paid_at is not None:
            store.unpaired[order.fact.basket] = order
        if not order.has_transit and order.delivered_at is not None and order.fulfilled_at is not None:
            order.has_transit = True
            insort(store.transits, (order.fact.placed_at, order.delivered_at - order.fulfilled_at))

    def _moment_told(self, order: Order, name: str, told: Told) -> int | None:
        """A moment of an order as news tell it.

        Only Shopify's orders/paid says when an order was paid; to who learns by other news that it is, it
        was paid when it was placed, until that delivery comes after all.
        """
        at: int | None = getattr(order.fact, name)
        if at is None or at > told.as_of:
            return None
        if name == "paid_at" and told.platform == SHOPIFY:
            paid_told_at = self._paid_told_at.get(order.fact.basket)
            return at if paid_told_at is not None and paid_told_at <= told.known_at else order.fact.placed_at
        return at

    def _learn_birthday(self, person: Person, told_at: int) -> None:
        birth = person.shopper.birth
        if birth is not None and person.birth_told_at is None:
            person.birth_told_at = told_at
            self.birthdays.setdefault(birth[:2], []).append(person)

    def _hear_shopify_consent(self, person: Person, channel: str, told: Told) -> None:
        said = _last_said(person.shopper, channel, told.as_of)
        if said is not None:
            person.is_known = True
            self._state(person, channel, *said)

    def _hear_account(self, person: Person, told: Told, changed_at: int) -> None:
        """WooCommerce dates no answer: it counts from the account's last change, and only if it is new."""
        for channel in (_EMAIL, _SMS):
            said = _last_said(person.shopper, channel, told.as_of)
            if said is not None and person.account_answers.get(channel) != said[0]:
                person.account_answers[channel] = said[0]
                self._state(person, channel, said[0], changed_at)

    def _hear_checkout(self, person: Person, order: Order) -> None:
        """WooCommerce's order meta: who is subscribed when ordering says so with every order."""
        for channel in (_EMAIL, _SMS):
            said = _last_said(person.shopper, channel, order.fact.placed_at)
            if said is not None and said[0] == "subscribed":
                self._state(person, channel, "subscribed", order.fact.placed_at)

    def _state(self, person: Person, channel: str, state: str, at: int) -> None:
        """The newest statement decides; at the same moment a refusal wins."""
        if channel == _EMAIL:
            person.words.append((at, state == "unsubscribed"))
        held = person.consents.get(channel)
        if held is not None and (held[1], held[0] == "unsubscribed") > (at, state == "unsubscribed"):
            return
        person.consents[channel] = (state, at)
        if channel == _EMAIL and (held is None or held[0] != state):
            self._write(person, f"consent.{state}", at)

    def _write(
        self,
        person: Person,
        kind: str,
        at: int,
        *,
        order: Order | None = None,
        redeemed: tuple[Enrollment, str] | None = None,
    ) -> None:
        if at < self.activated_at:
            return
        self._entries += 1
        person.pending.append(Entry(at, self._entries, kind, order, redeemed))
        self.touched[id(person)] = person


def _last_said(shopper: Shopper, channel: str, as_of: int) -> tuple[str, int] | None:
    given, withdrawn = shopper.email_consent_at, shopper.withdrawn_at
    if channel == _SMS:
        given, withdrawn = shopper.sms_consent_at, None
    if given is None or given > as_of:
        return None
    if withdrawn is not None and withdrawn <= as_of:
        return "unsubscribed", withdrawn
    return "subscribed", given


_Listener = Callable[[Mirror, Told, int], None]
_READERS: Mapping[str, _Listener] = {
    "customers": Mirror.hear_customer,
    "orders": Mirror.hear_order,
    "products": Mirror.hear_product,
}
_LISTENERS: Mapping[str, _Listener] = {
    "customers/create": Mirror.hear_customer,
    "customers/update": Mirror.hear_customer,
    "customers_email_marketing_consent/update": Mirror.hear_email_consent,
    "customers_marketing_consent/update": Mirror.hear_sms_consent,
    TURNS: Mirror.hear_turns,
    "orders/create": Mirror.hear_order,
    "orders/paid": Mirror.hear_order,
    "orders/updated": Mirror.hear_order,
    "orders/fulfilled": Mirror.hear_order,
    "orders/cancelled": Mirror.hear_order,
    "fulfillments/create": Mirror.hear_parcel,
    "fulfillments/update": Mirror.hear_parcel,
    "fulfillment_events/create": Mirror.hear_parcel,
    "refunds/create": Mirror.hear_refund,
    "products/create": Mirror.hear_product,
    "products/update": Mirror.hear_product,
    "customer.created": Mirror.hear_customer,
    "customer.updated": Mirror.hear_customer,
    "order.created": Mirror.hear_order,
    "order.updated": Mirror.hear_order,
    "product.created": Mirror.hear_product,
    "product.updated": Mirror.hear_product,
}
