"""Blocks at work: each is compiled once, then writes its HTML and its text for one customer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote as percent_encoded

from app.messaging import content, formats, layout, liquid
from app.messaging.colours import PLAIN, Paint
from app.messaging.content import Block
from app.messaging.errors import ContentError, UnresolvedContent
from app.messaging.formats import Formats
from app.messaging.links import LinkMaker
from app.messaging.variables import FIELDS
from app.messaging.wording import Wording

if TYPE_CHECKING:
    from app.messaging.guards import Scope
    from app.messaging.templating import Template

ROOTS = frozenset(FIELDS)
_CLEAN_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")
_MAILTO = re.compile(r"mailto:[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")
_KEPT_IN_URLS = "%:/?#[]@!$&()*+,;="


@dataclass(slots=True)
class Page:
    """One customer's mail while it is written; `values` are what the templates see."""

    scope: "Scope"
    values: Mapping[str, object]
    links: LinkMaker
    wording: Wording
    formats: Formats
    paint: Paint = PLAIN
    html: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


Writer = Callable[[Page], None]


def compile_block(block: Block) -> Writer:
    """The block, ready to write itself.

    Raises:
        ContentError: a text in it cannot be used.
    """
    write = _COMPILERS[block.kind](block)
    return _only_when(block.when, write) if block.when else write


def template(source: str) -> "Template":
    """A text over the variables that messages have."""
    return liquid.parse(source, ROOTS)


def value_at(values: Mapping[str, object], path: str) -> object:
    """What stands at `store.story`, or None."""
    root, _, name = path.partition(".")
    found = values.get(root)
    if not name:
        return found
    return found.get(name) if isinstance(found, dict) else None


def required(values: Mapping[str, object], path: str) -> str:
    """The text at a path.

    Raises:
        UnresolvedContent: it is missing.
    """
    found = value_at(values, path)
    if not found:
        raise UnresolvedContent(path)
    return str(found)


def web_address(text: str) -> str | None:
    """The http or https address that a text is, with anything unusual percent-encoded, or None."""
    stripped = text.strip()
    if _CLEAN_URL.fullmatch(stripped):
        return stripped
    if stripped.startswith(("http://", "https://")) and stripped.isprintable():
        return percent_encoded(stripped, safe=_KEPT_IN_URLS)
    return None


def leads_somewhere(text: str) -> bool:
    """Whether a button may lead there: to a page, or to an address that the reader writes to."""
    return web_address(text) is not None or _MAILTO.fullmatch(text.strip()) is not None


def _only_when(path: str, write: Writer) -> Writer:
    def write_if_known(page: Page) -> None:
        if value_at(page.values, path):
            write(page)

    return write_if_known


def _worded(markup: Callable[[str], str]) -> Callable[[content.Text], Writer]:
    """A compiler for blocks that are one text; what never changes is made once."""

    def compiled(block: content.Text) -> Writer:
        words = template(block.text)
        if words.constant is None:
            return lambda page: _write_words(page, words.fill(page.scope), markup)
        text = words.constant
        made = markup(layout.lines(text))

        def write(page: Page) -> None:
            page.html.append(made)
            page.text.append(text)

        return write

    return compiled


def _write_words(page: Page, text: str, markup: Callable[[str], str]) -> None:
    page.html.append(markup(layout.lines(text)))
    page.text.append(text)


def _button(block: content.Button) -> Writer:
    label, target = template(block.label), template(block.url)

    def write(page: Page) -> None:
        words = label.fill(page.scope)
        url = _target(page, target.fill(page.scope))
        page.html.append(layout.button(layout.escape(words), layout.escape(url), page.paint))
        page.text.append(f"{words}:\n{url}")

    return write


def _voucher(block: content.Voucher) -> Writer:
    def write(page: Page) -> None:
        words, values = page.wording, page.values
        code, value = required(values, "voucher.code"), required(values, "voucher.value_text")
        worth = value[:1].upper() + value[1:]
        ends = _until(required(values, "voucher.ends_on"), page.formats)
        valid = words.valid_until.format(ends)
        shown = [layout.escape(text) for text in (words.voucher_label, code, worth, valid, words.voucher_use)]
        page.html.append(layout.voucher(*shown, paint=page.paint))
        page.text.append(f"{worth}\n{words.voucher_label}: {code}\n{valid}.\n{words.voucher_use}")

    return write


def _until(ends: str, reader: Formats) -> str:
    try:
        return formats.until(ends, reader)
    except ValueError as error:
        raise ContentError("voucher.ends_on is not a date") from error


def _rating(block: content.Rating) -> Writer:
    target, low, high = template(block.url), template(block.low), template(block.high)

    def write(page: Page) -> None:
        url = _address(target.fill(page.scope))
        join = "&" if "?" in url else "?"
        answers = [(str(figure), page.links.click(f"{url}{join}rating={figure}")) for figure in range(1, 6)]
        ends = low.fill(page.scope), high.fill(page.scope)
        escaped = [(figure, layout.escape(link)) for figure, link in answers]
        page.html.append(layout.rating(escaped, layout.escape(ends[0]), layout.escape(ends[1])))
        listed = "\n".join(f"{figure}: {link}" for figure, link in answers)
        page.text.append(f"1 = {ends[0]}, 5 = {ends[1]}\n{listed}")

    return write


def _products(block: content.Products) -> Writer:
    label = template(block.button) if block.button else None

    def write(page: Page) -> None:
        listed = page.values.get("products")
        chosen = listed[: block.limit] if isinstance(listed, list | tuple) else ()
        if not chosen and block.is_required:
            raise UnresolvedContent("products")
        words = label.fill(page.scope) if label and chosen else None
        for product in chosen:
            _write_product(page, block, product, words)

    return write


def _write_product(
    page: Page, block: content.Products, product: Mapping[str, object], label: str | None
) -> None:
    title = required(product, "title")
    address = web_address(str(product.get(block.link) or ""))
    if block.link == "review_url" and address is None:
        raise UnresolvedContent("products.review_url")
    url = page.links.click(address) if address else None
    price = str(product.get("price_text") or "") if block.shows_price else ""
    details = [text for text in (price, str(product.get("reason") or "")) if text]
    href, shown = layout.escape(url or ""), layout.escape(title)
    letter = layout.escape(title[0].upper())
    image = layout.escape(web_address(str(product.get("image_url") or "")) or "")
    page.html.append(
        layout.product(
            layout.title_link(shown, href) if url else shown,
            layout.picture(image, shown, href) if image else layout.monogram(letter, page.paint),
            "".join([layout.detail(layout.escape(text)) for text in details]),
            layout.action(layout.escape(label), href) if label and url else "",
        )
    )
    under = f"  {label}: {url}" if label and url else f"  {url}" if url else ""
    page.text.append("\n".join([f"- {title}", *[f"  {text}" for text in details], under]).rstrip())


def _spacer(block: content.Spacer) -> Writer:
    made = layout.spacer()
    return lambda page: page.html.append(made)


def _target(page: Page, text: str) -> str:
    """Where a button leads: a page, or the reader's own mail program, which no click of ours can count."""
    written_to = text.strip()
    return written_to if _MAILTO.fullmatch(written_to) else page.links.click(_address(text))


def _address(text: str) -> str:
    url = web_address(text)
    if url is None:
        raise ContentError("a button leads to something that is not a web address")
    return url


_COMPILERS: dict[str, Callable[..., Writer]] = {
    "heading": _worded(layout.heading),
    "text": _worded(layout.paragraph),
    "note": _worded(layout.note),
    "quote": _worded(layout.quote),
    "signature": _worded(layout.signature),
    "button": _button,
    "voucher": _voucher,
    "rating": _rating,
    "products": _products,
    "spacer": _spacer,
}
