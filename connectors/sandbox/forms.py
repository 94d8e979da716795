"""The text forms in which the two platforms write money, moments, ids and birthdays."""

import hashlib
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from connectors.sandbox.model import CURRENCY, TIMEZONE, Birth

STORE_ZONE = ZoneInfo(TIMEZONE)
COUNTRY_NAMES = {"IT": "Italy", "DE": "Germany", "FR": "France", "US": "United States"}


def money(minor: int) -> str:
    """Cents as the platforms write them: ``1234`` → ``"12.34"``."""
    sign = "-" if minor < 0 else ""
    whole, cents = divmod(abs(minor), 100)
    return f"{sign}{whole}.{cents:02d}"


def unit_price(gross_minor: int, quantity: int) -> str:
    """A unit price with as many decimals (at least 2) as give the exact gross when multiplied.

    Fuel is sold by thousands of units in the data set; a price cut at the cent would change its total.
    """
    if gross_minor % quantity == 0:
        return money(gross_minor // quantity)
    gross = Decimal(gross_minor) / 100
    for places in range(2, 12):
        price = (gross / quantity).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        if (price * quantity).quantize(Decimal("0.01"), ROUND_HALF_UP) == gross:
            return str(price)
    return str(gross / quantity)


def money_set(amount: str) -> dict[str, dict[str, str]]:
    """Shopify's pair of shop and presentment money, REST spelling, of a decimal text."""
    pair = {"amount": amount, "currency_code": CURRENCY}
    return {"shop_money": pair, "presentment_money": pair}


def zulu(moment: datetime) -> str:
    """Shopify GraphQL's DateTime: UTC with a ``Z``, whole seconds."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def offset_time(moment: datetime) -> str:
    """Shopify's webhook time: store-local with the offset."""
    return moment.astimezone(STORE_ZONE).isoformat(timespec="seconds")


def gmt_time(moment: datetime | None) -> str | None:
    """WooCommerce's ``…_gmt``: UTC without a zone mark."""
    return None if moment is None else moment.replace(tzinfo=None).isoformat(timespec="seconds")


def local_time(moment: datetime | None) -> str | None:
    """WooCommerce's plain dates: the store's wall time without an offset."""
    if moment is None:
        return None
    return moment.astimezone(STORE_ZONE).replace(tzinfo=None).isoformat(timespec="seconds")


def gid(kind: str, number: int) -> str:
    """Shopify's global id."""
    return f"gid://shopify/{kind}/{number}"


def gid_number(value: str, kind: str) -> int | None:
    """The number of a global id of that kind, None for anything else."""
    prefix = f"gid://shopify/{kind}/"
    rest = value.removeprefix(prefix)
    return int(rest) if value.startswith(prefix) and rest.isascii() and rest.isdigit() else None


def birth_text(birth: Birth) -> str:
    """``YYYY-MM-DD``, or ``--MM-DD`` (ISO 8601's form) when the year is not known."""
    year = "-" if birth.year is None else f"{birth.year:04d}"
    return f"{year}-{birth.month:02d}-{birth.day:02d}"


def token_of(*parts: object) -> str:
    """40 hex digits that depend on the parts alone."""
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()[:40]


@lru_cache(maxsize=16384)
def slug(text: str) -> str:
    """A URL handle: lower-case letters and digits joined by hyphens."""
    kept = "".join(sign if sign.isascii() and sign.isalnum() else " " for sign in text.lower())
    return "-".join(kept.split())
