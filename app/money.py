"""Money as integer minor units with a currency."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from babel.numbers import format_currency, get_currency_precision

MICROS = 1_000_000
"""Of one unit of a currency: what a part of a text message costs is less than a cent."""
_LARGEST = Decimal(10) ** 15
_WHOLE = Decimal(1)


@lru_cache(maxsize=4096)
def to_minor(amount: str, currency: str) -> int:
    """Turn the platform's decimal text into minor units (`"12.50", "EUR"` → 1250; yen have none).

    A shop has few prices, and every order tells some of them again.

    Raises:
        ValueError: the text is not a finite decimal, or too large for a 64-bit integer.
    """
    try:
        value = Decimal(amount)
    except InvalidOperation as error:
        raise ValueError("not a decimal amount") from error
    if not value.is_finite() or abs(value) > _LARGEST:
        raise ValueError("not an amount of money")
    return int(value.scaleb(_precision(currency)).quantize(_WHOLE, rounding=ROUND_HALF_UP))


def minor_to_micros(minor: Decimal, currency: str) -> int:
    """An amount in minor units, fractions included, in millionths of the unit (`7.5, "EUR"` → 75000)."""
    return int((minor.scaleb(-_precision(currency)) * MICROS).quantize(_WHOLE, rounding=ROUND_HALF_UP))


def micros_to_minor(micros: int, currency: str) -> int:
    """Millionths of a unit in whole minor units, rounded."""
    return int(
        (Decimal(micros).scaleb(_precision(currency)) / MICROS).quantize(_WHOLE, rounding=ROUND_HALF_UP)
    )


def to_decimal_text(minor: int, currency: str) -> str:
    """The plain decimal text of an amount (`1250, "EUR"` → `12.50`)."""
    precision = _precision(currency)
    return f"{Decimal(minor).scaleb(-precision):.{precision}f}"


@lru_cache(maxsize=4096)
def shown(minor: int, currency: str, locale: str) -> str:
    """An amount as a person of that language reads it (`12,50 €`)."""
    precision = _precision(currency)
    return format_currency(Decimal(minor).scaleb(-precision), currency, locale=locale.replace("-", "_"))


@lru_cache(maxsize=512)
def _precision(currency: str) -> int:
    """How many decimals a currency has; asked for every amount of every order."""
    return get_currency_precision(currency)
