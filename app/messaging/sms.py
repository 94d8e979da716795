"""How long a text message is, and the letters that keep it cheap."""

import unicodedata
from dataclasses import dataclass

GSM, UCS2 = "GSM-7", "UCS-2"

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM_ONE, _GSM_MANY = 160, 153
_UCS_ONE, _UCS_MANY = 70, 67

# What typists and word processors put where the alphabet of the telephone has a plainer sign.
_PLAINER = {
    "’": "'", "‘": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‑": "-", "−": "-", "…": "...", "•": "-", "·": ".",
    "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " ", "\u200b": "", "`": "'", "´": "'",
    "À": "A'", "È": "E'", "Ì": "I'", "Ò": "O'", "Ù": "U'", "ç": "c", "á": "a", "í": "i", "ó": "o", "ú": "u",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe", "Œ": "OE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs: `count` messages in `encoding` (GSM-7 or UCS-2), `units` septets or UTF-16 units."""

    encoding: str
    count: int
    units: int


def segments(text: str) -> Segments:
    """Count the parts of a text.

    Source: DEFINITIONS.md, SMS length (3GPP TS 23.038: 160 septets in one part and 153 in several,
    70 and 67 UTF-16 units; an escape pair or a surrogate pair is never split between parts).
    """
    is_gsm = all(char in _BASIC or char in _EXTENDED for char in text)
    if is_gsm:
        sizes = [2 if char in _EXTENDED else 1 for char in text]
        return Segments(GSM, _parts(sizes, _GSM_ONE, _GSM_MANY), sum(sizes))
    sizes = [2 if ord(char) > 0xFFFF else 1 for char in text]
    return Segments(UCS2, _parts(sizes, _UCS_ONE, _UCS_MANY), sum(sizes))


def plain(text: str) -> str:
    """The text with signs that the telephone's alphabet has, where each has a readable stand-in.

    One curly quote halves the room of a whole message, so `È` becomes `E'` and `“` becomes `"`. A text
    that needs another alphabet anyway (Greek, emoji) comes back unchanged.
    """
    composed = unicodedata.normalize("NFC", text)
    plainer = "".join(_plain_char(char) for char in composed)
    return plainer if segments(plainer).encoding == GSM else text


def _parts(sizes: list[int], one: int, many: int) -> int:
    if sum(sizes) <= one:
        return 1
    count, room = 1, many
    for size in sizes:
        if size > room:
            count, room = count + 1, many
        room -= size
    return count


def _plain_char(char: str) -> str:
    if char in _BASIC or char in _EXTENDED:
        return char
    stand_in = _PLAINER.get(char)
    if stand_in is not None:
        return stand_in
    bare = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    return bare if all(part in _BASIC for part in bare) else char
