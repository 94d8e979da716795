"""What a setting's text may be: each rule gives the canonical text or says what is wrong with it."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from babel import Locale
from babel.core import UnknownLocaleError
from babel.numbers import list_currencies
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from email_validator import EmailNotValidError, validate_email

from app import phones
from connectors.hooks import key_of

Check = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting may be.

    Attributes:
        kind: text, number, choice, switch, hours, list, pair, email, zone, locale, url, key, picture, colour,
            price, phone or currency; tells a screen which field to show.
        check: the canonical text of a trimmed, non-empty text; ValueError with a sentence otherwise.
        choices: the words of a choice.
    """

    kind: str
    check: Check
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a merchant sets.

    Attributes:
        key: its name in `store set`, on the settings page and in the store's settings.
        default: the canonical text that holds while nothing is set.
        help: one sentence for the merchant.
        is_secret: kept sealed among the credentials; only a mask of it is ever shown.
        column: the store's column that holds while nothing is set; the default where that is empty too.
    """

    key: str
    rule: Rule
    default: str
    help: str
    is_secret: bool = False
    column: str = ""


def line(longest: int) -> Rule:
    """One line of text of so many characters at most."""
    return Rule("text", lambda text: _line(text, longest))


def number(lowest: int, highest: int) -> Rule:
    """A whole number in a range, both ends included."""
    return Rule("number", lambda text: _number(text, lowest, highest))


def choice(*words: str) -> Rule:
    """One of a few words, in any letter case."""
    return Rule("choice", lambda text: _choice(text, words), words)


def secure_address(*places: str) -> Rule:
    """An https address that may hold some places to fill, such as {product}."""
    return Rule("url", lambda text: _secure_address(text, places))


def coded(prefix: str, longest: int = 200) -> Rule:
    """A provider's identifier or key: one word that begins with a prefix."""
    return Rule("key", lambda text: _coded(text, prefix, longest))


def _line(text: str, longest: int) -> str:
    if not text.isprintable():
        raise ValueError("It must be one line of plain text.")
    if len(text) > longest:
        raise ValueError(f"It may have {longest} characters at most.")
    return text


def _number(text: str, lowest: int, highest: int) -> str:
    if not _DIGITS.fullmatch(text) or not lowest <= int(text) <= highest:
        raise ValueError(f"It must be a whole number from {lowest} to {highest}.")
    return str(int(text))


def _choice(text: str, words: tuple[str, ...]) -> str:
    for word in words:
        if word.lower() == text.lower():
            return word
    raise ValueError(f"It must be one of {', '.join(words)}.")


def _coded(text: str, prefix: str, longest: int) -> str:
    if not _WORD.fullmatch(text) or not text.startswith(prefix) or len(text) > longest:
        raise ValueError("It must be one word" + (f" that begins with {prefix}." if prefix else "."))
    return text


def _secure_address(text: str, places: tuple[str, ...]) -> str:
    named = "It must be an address that begins with https://"
    parts = urlsplit(_line(text, 500))
    if parts.scheme != "https" or not parts.hostname or parts.username or "{" in parts.netloc:
        raise ValueError(f"{named}, without a password.")
    left = text
    for place in places:
        left = left.replace(f"{{{place}}}", "")
    if re.search(r"[{}\s\"<>\\]", left):
        raise ValueError(f"{named}; it may hold " + ", ".join(f"{{{place}}}" for place in places) + ".")
    return text


def _email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError("It must be an e-mail address.") from error


def _zone(text: str) -> str:
    if text not in _zones():
        raise ValueError("It must be a time zone such as Europe/Rome.")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _locale(text: str) -> str:
    try:
        known = Locale.parse(text.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError("It must be a language such as it or pt-BR.") from error
    parts = (known.language, known.script, known.territory)
    return "-".join(part for part in parts if part)


def _hours(text: str) -> str:
    match = _HOURS.fullmatch(text)
    if match is None or not int(match[1]) < int(match[2]) <= HOURS_OF_A_DAY:
        raise ValueError("It must be a span of hours such as 08-21, the earlier one first.")
    return f"{int(match[1]):02}-{int(match[2]):02}"


def _words(text: str) -> str:
    words = [word for raw in _line(text, 400).split(",") if (word := raw.strip())]
    if not words:
        raise ValueError("It must be words divided by commas.")
    return ",".join(words)


def _signing_secret(text: str) -> str:
    if key_of(text) is None:
        raise ValueError("It must be whsec_ and at least 24 random bytes in base64.")
    return text


def _rising_pair(text: str) -> str:
    amounts = [part.strip() for part in text.split(",")]
    if len(amounts) != 2 or not all(_DIGITS.fullmatch(part) for part in amounts):
        raise ValueError("It must be two whole amounts such as 30,80.")
    low, high = map(int, amounts)
    if not 0 < low < high:
        raise ValueError("The second amount must be larger than the first.")
    return f"{low},{high}"


def _public_key(text: str) -> str:
    try:
        load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("It must be the verification key that SendGrid shows.") from error
    return text


def _picture(text: str) -> str:
    """An address that any reader's mail program can fetch, and that leads into nobody's own network."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    host = (parts.hostname or "").rstrip(".").lower()
    is_public = bool(_PUBLIC_HOST.fullmatch(host)) and host.rpartition(".")[2] not in _PRIVATE_ENDS
    is_plain = _WORD.fullmatch(text) and not set(text) & set("\"'<>\\`{}")
    if parts.scheme != "https" or not is_public or "@" in parts.netloc or not is_plain or len(text) > 500:
        raise ValueError("It must be an address that begins with https:// and that everybody can open.")
    return text


def _colour(text: str) -> str:
    match = _HEX.fullmatch(text)
    if match is None:
        raise ValueError("It must be a colour such as #9a4526.")
    digits = match[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def _price(text: str) -> str:
    plain = text.replace(",", ".")
    if not _DECIMAL.fullmatch(plain):
        raise ValueError("It must be a price in cents such as 7.5.")
    return f"{Decimal(plain).normalize():f}"


def _phone(text: str) -> str:
    number = phones.e164(_line(text, 40))
    if number is None:
        raise ValueError("It must be a number with its country's prefix, such as +39 333 1234567.")
    return number


def _currency(text: str) -> str:
    if text.upper() not in _currencies():
        raise ValueError("It must be a currency such as EUR.")
    return text.upper()


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


HOURS_OF_A_DAY = 24
_PUBLIC_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_PRIVATE_ENDS = frozenset(
    {"local", "localhost", "internal", "intranet", "lan", "home", "corp", "arpa", "test"}
)
_HEX = re.compile(r"#?([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})")
_DECIMAL = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,4})?")
_DIGITS = re.compile(r"[0-9]{1,9}")
_WORD = re.compile(r"[\x21-\x7e]+")
_HOURS = re.compile(r"([0-9]{1,2})-([0-9]{1,2})")

EMAIL = Rule("email", _email)
ZONE = Rule("zone", _zone)
LOCALE = Rule("locale", _locale)
HOURS = Rule("hours", _hours)
WORDS = Rule("list", _words)
SIGNING_SECRET = Rule("key", _signing_secret)
RISING_PAIR = Rule("pair", _rising_pair)
PUBLIC_KEY = Rule("key", _public_key)
PICTURE = Rule("picture", _picture)
COLOUR = Rule("colour", _colour)
PRICE = Rule("price", _price)
CURRENCY = Rule("currency", _currency)
PHONE = Rule("phone", _phone)
SWITCH = Rule("switch", lambda text: _choice(text, ("on", "off")), ("on", "off"))
