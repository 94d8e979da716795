import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from app.messaging import content, links
from app.messaging.content import Content, Mail
from app.messaging.errors import ContentError, UnresolvedContent
from app.messaging.render import compile_content, render
from app.messaging.sms import segments
from tests.messaging.messaging_seed import (
    BASE_URL,
    FULL,
    SENDER,
    SIGNER,
    context_of,
    links_for,
    minimal,
    rendered,
)

DEFAULTS = content.defaults()
NAMES = [f"{one.step}.{one.variant}" if one.variant else one.step for one in DEFAULTS]
every_message = pytest.mark.parametrize("one", DEFAULTS, ids=NAMES)
both_languages = pytest.mark.parametrize("lang", content.LANGUAGES)


class Reader(HTMLParser):
    """What a mail program sees: tags in balance, links, images, visible words."""

    VOID = frozenset({"meta", "br", "img"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open[-1:]:
            self.words.append(data)


def mail_of(*blocks: dict[str, object], subject: str = "Oggetto", preheader: str = "Anteprima") -> Content:
    mail = Mail.model_validate({"subject": subject, "preheader": preheader, "blocks": list(blocks)})
    return Content(flow="welcome", step="W1", email={"it": mail})


@every_message
@both_languages
def test_every_message_renders_with_everything_and_with_the_least(one: Content, lang: str) -> None:
    full, least = rendered(one, FULL, lang=lang), rendered(one, minimal(one), lang=lang)

    for made in (full, least):
        assert made.subject
        assert made.html is not None
        assert Reader(made.html).open == []
        assert not re.search(r"\{\{|\{%|None|undefined", made.html + made.text + made.subject)


@every_message
@both_languages
def test_without_a_first_name_no_gap_is_left(one: Content, lang: str) -> None:
    made = rendered(one, minimal(one), lang=lang)

    assert not re.search(r" ,|,,|\( ?\)|  [a-zà-ù]| !| \.", made.text.replace("-- ", "")), made.text
    assert not re.search(r" ,|^,|, ?$| !", made.subject)


@every_message
def test_every_mail_says_who_sent_it_and_how_to_leave(one: Content) -> None:
    made = rendered(one, FULL)

    assert made.html is not None
    for part in (made.html, made.text):
        assert "Bottega Aurora" in part
        assert "via Garibaldi 12, 10122 Torino" in part
        assert f"{BASE_URL}/u/" in part
        assert f"{BASE_URL}/p/" in part
    url = made.headers["List-Unsubscribe"].strip("<>")
    assert links.read_unsubscribe(SIGNER, url.rsplit("/", 1)[1]) == links.MessageToken(1, 7)
    assert made.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_transactional_mail_has_no_way_out() -> None:
    compiled = compile_content(content.default("welcome", "W5"))

    made = render(compiled, context_of(FULL, purpose="transactional"), lang="it", links=links_for())

    assert made.headers == {}
    assert "/u/" not in (made.html or "") + made.text


@every_message
def test_every_click_link_leads_to_a_destination_that_is_kept(one: Content) -> None:
    made = rendered(one, FULL)

    assert made.html is not None
    clicks = [url for url in Reader(made.html).links if "/c/" in url]
    tokens = [links.read_click(SIGNER, url.rsplit("/", 1)[1]) for url in clicks]
    assert clicks
    assert all(token is not None and token.index < len(made.links) for token in tokens)
    assert set(re.findall(rf"{BASE_URL}/c/\S+", made.text)) <= set(clicks)


def test_links_to_the_shop_carry_its_tags_and_no_others_do() -> None:
    made = rendered(content.default("review", "M1"), FULL)

    shop = [url for url in made.links if "bottega.example/" in url and "m.bottega" not in url]
    assert all("utm_campaign=review&utm_content=M1" in url for url in shop)
    assert [url for url in made.links if "/r/abc" in url] == [
        f"https://m.bottega.example/r/abc?rating={figure}" for figure in range(1, 6)
    ]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "Ugo<img src=x onerror=alert(1)>", 'U" onclick="x', "A&B"]
)
@every_message
def test_no_value_becomes_markup(one: Content, name: str) -> None:
    values = {
        **FULL,
        "customer": {"first_name": name.replace("/", ""), "last_name": name},
        "products": [
            {
                "title": name,
                "url": f"https://bottega.example/p?{name}",
                "image_url": f"https://bottega.example/i?{name}",
                "price_text": name,
                "reason": name,
                "review_url": f"https://bottega.example/r?{name}",
            }
        ],
        "voucher": {"code": name, "value_text": name, "ends_on": "2026-12-05"},
        "order": {"number": name},
        "store": {"story": name, "testimonial": name},
    }

    made = rendered(one, values)

    plain = Reader(rendered(one, {**FULL, "products": values["products"]}).html or "")
    seen = Reader(made.html or "")
    assert seen.open == []
    assert set(seen.tags) <= set(plain.tags) | {"div", "img"}
    assert not {"onclick", "onerror"} & set(seen.attributes)
    assert "script" not in seen.tags


def test_a_name_is_escaped_once() -> None:
    made = rendered(content.default("welcome", "W1"), {**FULL, "customer": {"first_name": "D'Amico & Co"}})

    assert "D&#x27;Amico &amp; Co" in (made.html or "")
    assert "Che bello averti qui, D'Amico & Co" in made.text


@pytest.mark.parametrize(
    "name", ["Vinci su http://evil.example", "www.evil.example", "mario@evil.example", "a/b", "x" * 61, ""]
)
def test_a_name_that_carries_an_address_is_not_greeted(name: str) -> None:
    made = rendered(content.default("welcome", "W1"), {**FULL, "customer": {"first_name": name}})

    assert "evil" not in made.text + (made.html or "")
    assert "Che bello averti qui\n" in made.text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://x", "x", ""]
)
def test_a_button_leads_to_a_web_address_only(url: str) -> None:
    one = mail_of({"kind": "button", "label": "Apri", "url": "{{ store.link }}"})

    with pytest.raises(ContentError):
        rendered(one, {"store": {"link": url}})


def test_a_product_with_an_odd_address_is_shown_without_a_link() -> None:
    one = mail_of({"kind": "products", "button": "Vedi"})

    made = rendered(
        one, {"products": [{"title": "Moka", "url": "javascript:alert(1)", "image_url": "file:///x"}]}
    )

    assert "Moka" in made.text
    assert "javascript" not in (made.html or "")
    assert "file:" not in (made.html or "")


def test_an_address_with_other_letters_is_percent_encoded() -> None:
    one = mail_of({"kind": "button", "label": "Apri", "url": "https://bottega.example/caffè?q=a b"})

    made = rendered(one, {})

    assert made.links[1].startswith("https://bottega.example/caff%C3%A8?q=a%20b&utm_source")


def test_a_subject_cannot_start_a_header_of_its_own() -> None:
    one = mail_of({"kind": "spacer"}, subject="Ciao {{ customer.first_name }}")

    made = rendered(one, {"customer": {"first_name": "Ugo\r\nBcc: x\u202e\x00"}})

    assert made.subject == "Ciao Ugo Bcc: x"


@pytest.mark.parametrize(
    ("flow", "step", "without", "name"),
    [
        ("welcome", "W1", "voucher", "voucher.code"),
        ("review", "M3", "products", "products"),
        ("review", "M1", "review", "review.url"),
        ("cross_sell", "X1", "products", "products"),
    ],
)
def test_what_a_message_cannot_do_without_is_named(flow: str, step: str, without: str, name: str) -> None:
    values = {root: value for root, value in FULL.items() if root != without}

    with pytest.raises(UnresolvedContent) as raised:
        rendered(content.default(flow, step), values)

    assert raised.value.name in {name, name.partition(".")[0]}


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_counts_as_missing(empty: str | None) -> None:
    voucher = {"code": empty, "value_text": "10%", "ends_on": "2026-12-05"}

    with pytest.raises(UnresolvedContent) as raised:
        rendered(content.default("welcome", "W1"), {**FULL, "voucher": voucher})

    assert raised.value.name == "voucher.code"


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        (replace(SENDER, postal_address=" "), "store.address"),
        (replace(SENDER, name=""), "store.name"),
        (replace(SENDER, url="bottega.example"), "store.url"),
    ],
)
def test_no_mail_leaves_without_identity_and_postal_address(sender: object, name: str) -> None:
    compiled = compile_content(content.default("welcome", "W5"))
    context = replace(context_of(FULL), sender=sender)  # type: ignore[arg-type]

    with pytest.raises(UnresolvedContent) as raised:
        render(compiled, context, lang="it", links=links_for())

    assert raised.value.name == name


@pytest.mark.parametrize(
    ("purpose", "basis", "words"),
    [
        ("marketing", "consent", "perché hai scelto di ricevere"),
        ("answer", "double_opt_in", "perché hai scelto di ricevere"),
        ("marketing", "soft_opt_in", "perché hai acquistato da Bottega Aurora"),
        ("service", "soft_opt_in", "a proposito di un tuo acquisto"),
        ("marketing", None, "arriva da Bottega Aurora"),
    ],
)
def test_the_footer_says_why_the_mail_came(purpose: str, basis: str | None, words: str) -> None:
    compiled = compile_content(content.default("welcome", "W5"))

    made = render(compiled, context_of(FULL, purpose=purpose, basis=basis), lang="it", links=links_for())

    assert words in made.text
    assert words in html.unescape(made.html or "")


def test_blocks_that_depend_on_something_unknown_are_left_out() -> None:
    w2 = content.default("welcome", "W2")

    with_story, without = rendered(w2, FULL), rendered(w2, minimal(w2))

    assert "Dal 1987." in with_story.text
    assert "Marta" in with_story.text
    assert "Dal 1987." not in without.text


def test_a_language_that_the_content_lacks_falls_back() -> None:
    one = mail_of({"kind": "text", "text": "Solo italiano"})

    assert "Solo italiano" in rendered(one, {}, lang="en").text
    assert "Annulla l’iscrizione" in rendered(one, {}, lang="en").text


def test_each_mail_holds_its_own_persons_values_and_nobody_elses() -> None:
    compiled = compile_content(content.default("welcome", "W1"))

    for number in range(300):
        values = {
            "customer": {"first_name": f"Canarino-{number}-"},
            "voucher": {"code": f"CODICE-{number}-", "value_text": "10%", "ends_on": "2026-12-05"},
        }
        made = render(compiled, context_of(values), lang="it", links=links_for(message_id=number))
        whole = made.subject + made.text + (made.html or "")
        assert set(re.findall(r"(?:Canarino|CODICE)-(\d+)-", whole)) == {str(number)}
        token = links.read_unsubscribe(SIGNER, made.headers["List-Unsubscribe"].strip("<>").rsplit("/", 1)[1])
        assert token == links.MessageToken(1, number)


@both_languages
@pytest.mark.parametrize("values", [FULL, {"customer": {}}], ids=["full", "least"])
def test_the_birthday_text_names_the_shop_the_way_out_and_fits_a_few_parts(
    values: dict[str, object], lang: str
) -> None:
    made = rendered(content.default("birthday", "B2"), values, lang=lang, channel="sms")

    assert made.text.startswith("Aurora: ")
    assert f"Stop: {BASE_URL}/u/" in made.text
    assert made.html is None
    assert made.subject == ""
    assert made.headers == {}
    assert segments(made.text).encoding == "GSM-7"
    assert segments(made.text).count <= 2


def test_a_text_keeps_to_the_telephones_alphabet_where_it_can() -> None:
    values = {**FULL, "customer": {"first_name": "Zoë"}}

    made = rendered(content.default("birthday", "B2"), values, channel="sms")

    assert "Tanti auguri, Zoe!" in made.text


def test_a_message_without_a_text_cannot_be_an_sms() -> None:
    with pytest.raises(ContentError, match="sms"):
        rendered(content.default("welcome", "W1"), FULL, channel="sms")


@every_message
def test_the_mail_is_small_enough_not_to_be_clipped(one: Content) -> None:
    assert len((rendered(one, FULL).html or "").encode()) < 40_000


@every_message
def test_the_mail_is_readable_in_the_dark_on_a_phone_and_by_a_screen_reader(one: Content) -> None:
    source = rendered(one, FULL).html or ""

    assert "prefers-color-scheme:dark" in source
    assert "max-width:600px" in source
    assert '<html lang="it"' in source
    assert source.count("<h1") == 1
    assert source.count("<table") == source.count('role="presentation"')
    assert all(' alt="' in image for image in re.findall(r"<img[^>]*>", source))
