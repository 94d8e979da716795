import pytest

from app.messaging.sms import plain, segments

# Source: npm sms-segments-calculator 1.3.0 (MIT), Twilio's own calculator, run 2026-11-22.
VECTORS = [
    ("empty", "", "GSM-7", 1),
    ("ascii160", "a" * 160, "GSM-7", 1),
    ("ascii161", "a" * 161, "GSM-7", 2),
    ("ascii306", "a" * 306, "GSM-7", 2),
    ("ascii307", "a" * 307, "GSM-7", 3),
    ("it_gsm", "Perché è già più là: città, virtù, così", "GSM-7", 1),
    ("it_i", "lunedì però", "GSM-7", 1),
    ("euro80", "€" * 80, "GSM-7", 1),
    ("euro81", "€" * 81, "GSM-7", 2),
    ("ext_edge", "a" * 152 + "€" + "a" * 160, "GSM-7", 3),
    ("curly", "L’offerta “estate” è qui…", "UCS-2", 1),
    ("dash", "10–20 €", "UCS-2", 1),
    ("e_acute_caps", "PERCHÉ È GIÀ", "UCS-2", 1),
    ("ucs70", "ж" * 70, "UCS-2", 1),
    ("ucs71", "ж" * 71, "UCS-2", 2),
    ("ucs134", "ж" * 134, "UCS-2", 2),
    ("ucs135", "ж" * 135, "UCS-2", 3),
    ("emoji35", "😀" * 35, "UCS-2", 1),
    ("emoji36", "😀" * 36, "UCS-2", 2),
    ("emoji_edge", "a" * 66 + "😀" + "b" * 70, "UCS-2", 3),
    ("c_cedilla", "ç", "UCS-2", 1),
    ("C_cedilla", "Ç", "GSM-7", 1),
    ("nbsp", "a\u00a0b", "UCS-2", 1),
    ("crlf", "a\r\nb", "GSM-7", 1),
    ("backtick", "`", "UCS-2", 1),
    ("brackets", "[]{}\\^~|€", "GSM-7", 1),
    ("tab", "a\tb", "UCS-2", 1),
    ("combining", "e\u0301", "UCS-2", 1),
    ("family", "👨\u200d👩\u200d👧", "UCS-2", 1),
    ("long1600", "a" * 1600, "GSM-7", 11),
]


@pytest.mark.parametrize(
    ("text", "encoding", "count"), [vector[1:] for vector in VECTORS], ids=[vector[0] for vector in VECTORS]
)
def test_a_text_is_counted_as_the_provider_counts_it(text: str, encoding: str, count: int) -> None:
    found = segments(text)

    assert (found.encoding, found.count) == (encoding, count)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("L’offerta “estate” è qui…", 'L\'offerta "estate" è qui...'),
        ("10–20 €", "10-20 €"),
        ("È già così", "E' già così"),
        ("Citt\u00e0\u00a0bella", "Città bella"),
        ("François, Łukasz, Zoë", "Francois, Lukasz, Zoe"),
        ("perche\u0301", "perché"),
    ],
)
def test_signs_that_would_halve_the_room_get_a_plain_stand_in(typed: str, sent: str) -> None:
    assert plain(typed) == sent
    assert segments(plain(typed)).encoding == "GSM-7"


@pytest.mark.parametrize("text", ["Здравствуйте – “Иван”", "“Ciao” 😀", "你好…"])
def test_a_text_that_needs_another_alphabet_anyway_stays_as_it_is(text: str) -> None:
    assert plain(text) == text
