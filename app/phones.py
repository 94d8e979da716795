"""Telephone numbers, by the library that knows the world's plans.

It is loaded with the first number: a mebibyte, and few web processes ever see one.
"""

from functools import lru_cache
from types import ModuleType


def e164(text: str, country: str | None = None, *, drops_extension: bool = False) -> str | None:
    """A number as the whole world dials it, `+393331234567`; None for what cannot be one.

    Args:
        country: that of a number without a prefix, as ISO 3166 writes it; without it such a number is none.
        drops_extension: whether an extension behind the number is left out; with one it is none otherwise.

    Source: ITU-T E.164.
    """
    library = _library()
    try:
        number = library.parse(text, country or None)
    except library.NumberParseException:
        return None
    if not library.is_possible_number(number) or (number.extension and not drops_extension):
        return None
    return str(library.format_number(number, library.PhoneNumberFormat.E164))


@lru_cache(maxsize=65536)
def country_of(number: str) -> str | None:
    """The country of a number in E.164, as ISO 3166 writes it; None where it is of none."""
    library = _library()
    try:
        found: str | None = library.region_code_for_number(library.parse(number, None))
    except library.NumberParseException:
        return None
    return found


def _library() -> ModuleType:
    import phonenumbers  # noqa: PLC0415 (as said above)

    return phonenumbers
