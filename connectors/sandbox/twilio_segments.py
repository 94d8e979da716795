"""How many segments a text takes: GSM 03.38 with its escapes, else UCS-2; no character is cut in two.

Source: 3GPP TS 23.038; Twilio docs, "How much does Twilio charge for SMS segments" (160/153 and 70/67).
"""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("^{}\\[~]|€\f")


def count_segments(text: str) -> int:
    """Segments of an SMS; 0 for no text."""
    if set(text) <= _BASIC | _ESCAPED:
        return _count([2 if character in _ESCAPED else 1 for character in text], 160, 153)
    return _count([len(character.encode("utf-16-be")) // 2 for character in text], 70, 67)


def _count(sizes: list[int], alone: int, joined: int) -> int:
    if sum(sizes) <= alone:
        return 1 if sizes else 0
    segments, room = 1, joined
    for size in sizes:
        if size > room:
            segments, room = segments + 1, joined
        room -= size
    return segments
