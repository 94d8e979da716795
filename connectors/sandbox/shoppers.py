"""The households as people: names, addresses, birthdays and what they agree to, drawn from the seed."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.sandbox.config import Rates
from connectors.sandbox.draws import between, digest, fraction, pick
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE, Birth, Shopper
from connectors.sandbox.moments import DAY, HOUR, MINUTE, aware, maybe_aware
from connectors.sandbox.names import FIRST_NAMES, LAST_NAMES, STREETS, TOWNS, phone_of

_COUNTRY_SHARES = (("IT", 0.80), ("DE", 0.08), ("FR", 0.07), ("US", 0.05))
_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PHONE_SHARE = 0.85
_YEARLESS_SHARE = 0.25
_LEAP_DAY_SHARE = 0.02
_MINOR_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Span:
    """The world's first and last moment, in seconds, and the year the world starts in."""

    start: int
    end: int

    @property
    def year(self) -> int:
        """The calendar year of the start."""
        return aware(self.start).year


def platform_of(household: int) -> str:
    """Even households shop at the Shopify store, odd ones at the WooCommerce store."""
    return SHOPIFY if household % 2 == 0 else WOOCOMMERCE


def invent_shoppers(
    households: Sequence[int], *, seed: int, rates: Rates, span: Span, first_orders: Mapping[int, int]
) -> dict[int, Shopper]:
    """A person for each household, by household id.

    Args:
        first_orders: seconds of each household's first order in the world; absent when there is none.
    """
    by_hash = sorted(households, key=lambda household: digest(seed, f"consent:{household}"))
    consenting = set(by_hash[: round(len(by_hash) * rates.consent)])
    people = {}
    for household in households:
        draft = _Draft(seed, rates, span, household, first_orders.get(household), household in consenting)
        people[household] = draft.finish()
    return people


@dataclass(frozen=True, slots=True)
class _Draft:
    seed: int
    rates: Rates
    span: Span
    household: int
    first_order: int | None
    is_consenting: bool

    def finish(self) -> Shopper:
        who = digest(self.seed, f"person:{self.household}")
        life = digest(self.seed, f"life:{self.household}")
        country = _country(fraction(who, 0))
        first_name, last_name = pick(who, 1, FIRST_NAMES[country]), pick(who, 2, LAST_NAMES[country])
        town = pick(who, 3, TOWNS[country])
        phone = phone_of(country, self.household) if fraction(who, 5) < _PHONE_SHARE else ""
        is_guest = self._is_guest(life)
        is_preregistered = self._is_preregistered(life, is_guest)
        registered = self._registered(life, is_guest, is_preregistered)
        at_checkout = self._consents_at_checkout(life, is_guest, is_preregistered)
        said_yes = self.first_order if at_checkout and self.first_order else registered
        email_consent = said_yes if self.is_consenting else 0
        has_sms = bool(phone) and fraction(life, 4) < self.rates.sms_consent / _PHONE_SHARE
        return Shopper(
            household=self.household,
            platform=platform_of(self.household),
            email=_email(first_name, last_name, self.household),
            phone=phone,
            first_name=first_name,
            last_name=last_name,
            locale="it" if country == "IT" and fraction(who, 6) < 0.85 else "en",
            country=country,
            region=town.region,
            city=town.name,
            postcode=town.postcode,
            address=_address(country, pick(who, 4, STREETS[country]), between(who, 7, 1, 120)),
            birth=self._birth(),
            registered_at=aware(registered),
            is_preregistered=is_preregistered,
            is_guest=is_guest,
            email_consent_at=maybe_aware(email_consent),
            email_consent_level="confirmed" if fraction(life, 5) < 0.3 else "single",
            consent_at_checkout=at_checkout and self.is_consenting,
            sms_consent_at=aware(said_yes) if has_sms else None,
            withdrawn_at=maybe_aware(self._withdrawn(email_consent, is_guest)),
            tracking_consent_at=maybe_aware(email_consent if self._is_tracked() else 0),
        )

    def _is_guest(self, life: bytes) -> bool:
        is_woo = platform_of(self.household) == WOOCOMMERCE
        return is_woo and self.first_order is not None and fraction(life, 0) < self.rates.guests

    def _is_preregistered(self, life: bytes, is_guest: bool) -> bool:
        if self.first_order is None:
            return True
        return not is_guest and fraction(life, 1) < self.rates.preregistered

    def _registered(self, life: bytes, is_guest: bool, is_preregistered: bool) -> int:
        if is_preregistered or self.first_order is None:
            return self.span.start - between(life, 2, 1, 400 * DAY // MINUTE) * MINUTE
        if is_guest:
            return self.first_order
        before = self.first_order - between(life, 2, 0, 10 * DAY // MINUTE) * MINUTE
        return min(self.first_order, max(self.span.start + HOUR, before))

    def _consents_at_checkout(self, life: bytes, is_guest: bool, is_preregistered: bool) -> bool:
        return is_guest or (not is_preregistered and fraction(life, 3) < 0.5)

    def _withdrawn(self, email_consent: int, is_guest: bool) -> int:
        drawn = digest(self.seed, f"withdrawal:{self.household}")
        if not email_consent or is_guest or fraction(drawn, 0) >= self.rates.withdrawn:
            return 0
        earliest = max(email_consent, self.span.start) + DAY
        room = self.span.end - earliest
        return earliest + int(fraction(drawn, 1) * room) if room > 0 else 0

    def _is_tracked(self) -> bool:
        drawn = digest(self.seed, f"tracking:{self.household}")
        return fraction(drawn, 0) < self.rates.tracking

    def _birth(self) -> Birth | None:
        drawn = digest(self.seed, f"birth:{self.household}")
        if fraction(drawn, 0) >= self.rates.birthday:
            return None
        month = between(drawn, 1, 1, 12)
        day = between(drawn, 2, 1, _DAYS_IN_MONTH[month - 1])
        age = between(drawn, 3, 12, 16) if fraction(drawn, 4) < _MINOR_SHARE else between(drawn, 3, 19, 85)
        year = self.span.year - age
        if fraction(drawn, 5) < _LEAP_DAY_SHARE:
            month, day, year = 2, 29, year - year % 4
        return Birth(month, day, None if fraction(drawn, 6) < _YEARLESS_SHARE else year)


def _country(share: float) -> str:
    for country, width in _COUNTRY_SHARES:
        if share < width:
            return country
        share -= width
    return _COUNTRY_SHARES[0][0]


def _email(first_name: str, last_name: str, household: int) -> str:
    return f"{_ascii(first_name)}.{_ascii(last_name)}{household}@example.com"


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalpha())


def _address(country: str, street: str, number: int) -> str:
    return f"{number} {street}" if country in {"US", "FR"} else f"{street} {number}"
