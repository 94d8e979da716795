import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import Signer
from app.messaging import links
from app.messaging.links import ClickToken, MessageToken, UtmTags, tagged
from tests.messaging.messaging_seed import BASE_URL, SIGNER, links_for

TAGS = UtmTags(frozenset({"bottega.example"}), "email", "welcome", "W1")
ALL_TAGS = "utm_source=ritorno&utm_medium=email&utm_campaign=welcome&utm_content=W1"
READERS = {
    "c": links.read_click,
    "u": links.read_unsubscribe,
    "p": links.read_preferences,
}


def token_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


def test_a_click_token_names_store_message_and_link() -> None:
    made = links_for(message_id=123456)

    first = made.click("https://bottega.example/a")
    second = made.click("https://elsewhere.example/b")

    assert links.read_click(SIGNER, token_of(first)) == ClickToken(1, 123456, 0)
    assert links.read_click(SIGNER, token_of(second)) == ClickToken(1, 123456, 1)


def test_the_same_destination_has_one_link_and_never_stands_in_the_address() -> None:
    made = links_for()

    urls = {made.click("https://bottega.example/secret-page") for _ in range(3)}

    assert len(urls) == 1
    assert len(made.destinations) == 1
    assert "secret-page" not in urls.pop()


def test_without_consent_to_be_measured_a_link_leads_straight_to_its_destination() -> None:
    made = links_for(tracks=False)

    url = made.click("https://bottega.example/a")

    assert url.startswith("https://bottega.example/a?utm_source=ritorno")
    assert made.destinations == [url]
    assert made.unsubscribe().startswith(f"{BASE_URL}/u/")


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("reader", READERS)
def test_a_token_is_good_for_its_own_purpose_only(kind: str, reader: str) -> None:
    made = links_for()
    urls = {"c": made.click("https://a.example"), "u": made.unsubscribe(), "p": made.preferences()}

    named = READERS[reader](SIGNER, token_of(urls[kind]))

    assert (named is not None) == (kind == reader)


def test_unsubscribe_and_preferences_tokens_name_the_message() -> None:
    made = links_for(message_id=99)

    assert links.read_unsubscribe(SIGNER, token_of(made.unsubscribe())) == MessageToken(1, 99)
    assert links.read_preferences(SIGNER, token_of(made.preferences())) == MessageToken(1, 99)


def test_another_key_signs_other_tokens() -> None:
    token = token_of(links_for().unsubscribe())

    assert links.read_unsubscribe(Signer("another key"), token) is None


@given(st.data())
def test_a_token_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    token = token_of(links_for(message_id=0x1234).click("https://a.example"))
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda char: char != token[place]))

    forged = token[:place] + other + token[place + 1 :]

    assert links.read_click(SIGNER, forged) is None


@given(st.text(max_size=80))
def test_no_invented_token_is_accepted(token: str) -> None:
    assert all(read(SIGNER, token) is None for read in READERS.values())


def test_tokens_are_short_and_safe_in_a_url() -> None:
    made = links_for(message_id=2**62)

    token = token_of(made.click("https://a.example"))

    assert len(token) < 45
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://bottega.example/p?id=1#top",
            f"https://bottega.example/p?id=1&{ALL_TAGS}#top",
        ),
        (
            "https://BOTTEGA.example:8443/",
            f"https://BOTTEGA.example:8443/?{ALL_TAGS}",
        ),
        (
            "https://bottega.example/?utm_source=own",
            "https://bottega.example/?utm_source=own&utm_medium=email&utm_campaign=welcome&utm_content=W1",
        ),
        ("https://reviews.example/p", "https://reviews.example/p"),
        ("https://bottega.example.evil.example/", "https://bottega.example.evil.example/"),
    ],
)
def test_utm_tags_go_on_the_stores_own_host_only(url: str, expected: str) -> None:
    assert tagged(url, TAGS) == expected
