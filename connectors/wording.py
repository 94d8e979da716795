"""What may be kept of a provider's own words: no address, no number, nothing that a database refuses."""

import re

LONGEST = 200
"""Characters of a reason or an error, at most."""


def harmless(text: str, *known: str) -> str:
    """The words in one line without addresses, links, telephone numbers and what is `known` of a person."""
    # Looking for addresses takes time that grows with the square of a text without any.
    text = text[:_LONGEST_READ]
    for secret in sorted((word for word in known if word), key=len, reverse=True):
        text = re.sub(re.escape(secret), _REMOVED, text, flags=re.IGNORECASE)
    for pattern in _PERSONAL:
        text = pattern.sub(_REMOVED, text)
    return storable(" ".join(text.split()), LONGEST)


def storable(value: object, longest: int) -> str:
    """A text that any database takes: no NUL, no half of a character; empty if the value is no text."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and "\x00" not in value:
        return value[:longest]
    return value[:longest].replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def is_text(text: str) -> bool:
    """Whether it can be written at all: no NUL, no half of a character."""
    if "\x00" in text:
        return False
    try:
        # Encoding it finds a half character many times faster than a regular expression does.
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_LONGEST_READ = 1000
_REMOVED = "…"
_PERSONAL = (
    re.compile(r"https?://\S+", re.IGNORECASE),
    re.compile(r"[^\s<>()\[\]\"',;:]+(?:@|%40)[^\s<>()\[\]\"',;:]+", re.IGNORECASE),
    re.compile(r"\+?\d(?:[\s().-]{0,2}\d){6,}"),
)
