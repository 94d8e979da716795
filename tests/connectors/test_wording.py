"""What may be kept of a provider's own words."""

import pytest

from connectors.wording import harmless, is_text, storable


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("subject: is required", "subject: is required"),
        ("550 5.1.1 <anna+x@example.com>: unknown", "550 5.1.1 <…>: unknown"),
        ("anna%40example.com is bad", "… is bad"),
        ("call +39 (333) 123-4567 now", "call … now"),
        ("see https://x.example/u/token?a=b for help", "see … for help"),
        ("code 21211 at 5.1.1", "code 21211 at 5.1.1"),
        ("two\nlines\tand\x00 more", "two lines and more"),
        ("x" * 300, "x" * 200),
    ],
)
def test_words_are_kept_and_persons_are_not(said: str, kept: str) -> None:
    assert harmless(said) == kept


def test_what_is_known_of_a_person_is_taken_out_first() -> None:
    assert harmless("no such user ANNA at all", "", "anna") == "no such user … at all"


def test_a_text_without_end_is_read_in_time() -> None:
    assert harmless("x" * 1_000_000) == "x" * 200


@pytest.mark.parametrize(
    ("value", "kept"), [(None, ""), (7, ""), ("a\x00b", "ab"), ("\ud83d", "?"), ("è🎂", "è🎂")]
)
def test_what_is_stored_can_be_stored(value: object, kept: str) -> None:
    assert storable(value, 10) == kept


@pytest.mark.parametrize(
    ("text", "expected"), [("è🎂\n", True), ("\x00", False), ("a\udc00", False), ("", True)]
)
def test_half_a_character_is_no_text(text: str, expected: bool) -> None:
    assert is_text(text) is expected
