"""A message for one customer: subject, text, HTML and headers from one content, compiled once."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.messaging import blocks, layout, liquid, sms
from app.messaging.blocks import Page, Writer
from app.messaging.colours import paint_of
from app.messaging.content import DEFAULT_LANGUAGE, Block, Content, Mail
from app.messaging.errors import ContentError
from app.messaging.formats import Formats
from app.messaging.frame import Sender, frame_of, one_line, shop_address
from app.messaging.links import LinkMaker
from app.messaging.wording import WORDINGS

if TYPE_CHECKING:
    from app.messaging.templating import Template

__all__ = [
    "CompiledContent",
    "CompiledContents",
    "RenderContext",
    "Rendered",
    "Sender",
    "compile_content",
    "render",
]

TRANSACTIONAL = "transactional"
_MAX_SUBJECT = 250
_URL_MARKS = ("://", "www.", "/", "@")
_MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class RenderContext:
    """What one message is rendered from.

    Attributes:
        channel: email or sms.
        purpose: answer, service, marketing or transactional; only the last has no way out.
        basis: consent, double_opt_in, soft_opt_in or None; the footer says why the mail came.
        zone: the customer's, for moments in the text.
        currency: ISO code, for the `money` filter.
        values: the variables (`variables.FIELDS`); dicts, lists and texts only. `store` is
            filled from the sender and may bring more.
    """

    channel: str
    purpose: str
    basis: str | None
    sender: Sender
    zone: ZoneInfo
    currency: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to be sent; `links` are the destinations of its click tokens, by index."""

    subject: str
    text: str
    html: str | None
    headers: dict[str, str]
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledMail:
    """One language's e-mail, parsed."""

    subject: "Template"
    preheader: "Template"
    writers: tuple[Writer, ...]


@dataclass(frozen=True, slots=True)
class CompiledContent:
    """A content, parsed; good for any number of customers and threads."""

    mails: Mapping[str, CompiledMail]
    texts: "Mapping[str, Template]"


class CompiledContents:
    """Compiled contents by key (version, step, variant); one of these per process."""

    def __init__(self, capacity: int = 2_000) -> None:
        self._capacity = capacity
        self._kept: dict[Hashable, CompiledContent] = {}
        self._lock = Lock()

    def get(self, key: Hashable, load: Callable[[], Content]) -> CompiledContent:
        """The compiled content of a key; `load` is called when it is not known yet.

        Raises:
            ContentError: the content cannot be compiled.
        """
        found = self._kept.get(key)
        if found is None:
            found = compile_content(load())
            with self._lock:
                if len(self._kept) >= self._capacity:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key] = found
        return found


def compile_content(content: Content) -> CompiledContent:
    """Parse every text of a content.

    Raises:
        UnresolvedContent: a variable that no message has, or a placeholder left over.
        ContentError: not Liquid, or too long; the text names language and block.
    """
    return CompiledContent(
        mails={language: _compile_mail(mail, language) for language, mail in content.email.items()},
        texts={language: _compiled(text, f"{language}, sms") for language, text in content.sms.items()},
    )


def render(compiled: CompiledContent, context: RenderContext, *, lang: str, links: LinkMaker) -> Rendered:
    """One customer's message, in the language wanted or in another one where the content does not have it.

    Raises:
        UnresolvedContent: something the content needs is missing; the gate stops the message.
        ContentError: the content failed.
    """
    is_mail = context.channel == "email"
    language = _language(compiled.mails if is_mail else compiled.texts, lang, context.channel)
    reader = Formats(language, context.zone, context.currency)
    values = _known(context)
    page = Page(
        liquid.scope(values, reader),
        values,
        links,
        WORDINGS[language],
        reader,
        paint_of(context.sender.colour),
    )
    if is_mail:
        return _render_mail(compiled.mails[language], context, page)
    return _render_text(compiled.texts[language], context, page)


def _compile_mail(mail: Mail, language: str) -> CompiledMail:
    return CompiledMail(
        subject=_compiled(mail.subject, f"{language}, subject"),
        preheader=_compiled(mail.preheader, f"{language}, preheader"),
        writers=tuple(
            _compiled_block(block, f"{language}, block {number}")
            for number, block in enumerate(mail.blocks, start=1)
        ),
    )


def _compiled(text: str, place: str) -> "Template":
    try:
        return blocks.template(text)
    except ContentError as error:
        raise error.at(place) from error.__cause__


def _compiled_block(block: Block, place: str) -> Writer:
    try:
        return blocks.compile_block(block)
    except ContentError as error:
        raise error.at(place) from error.__cause__


def _language(offered: Mapping[str, object], wanted: str, channel: str) -> str:
    if wanted in offered:
        return wanted
    if not offered:
        raise ContentError(f"the message has no content for {channel}")
    return DEFAULT_LANGUAGE if DEFAULT_LANGUAGE in offered else next(iter(offered))


def _known(context: RenderContext) -> dict[str, object]:
    """The variables without those that are empty, so that an empty one counts as missing."""
    sender = context.sender
    values = {root: _without_empty(value) for root, value in context.values.items()}
    store = {"name": sender.name, "url": sender.url, "address": sender.postal_address}
    given = values.get("store")
    values["store"] = store | given if isinstance(given, dict) else store
    customer = values.get("customer")
    if isinstance(customer, dict) and not _is_name(customer.get("first_name")):
        customer.pop("first_name", None)
    return values


def _without_empty(value: object) -> object:
    if isinstance(value, dict):
        return {name: field for name, field in value.items() if field is not None and field != ""}
    return value


def _is_name(text: object) -> bool:
    """Whether a first name can be greeted. Forms are abused to mail strangers a "name" with a link in it."""
    return isinstance(text, str) and len(text) <= _MAX_NAME and not any(mark in text for mark in _URL_MARKS)


def _render_mail(mail: CompiledMail, context: RenderContext, page: Page) -> Rendered:
    subject = one_line(mail.subject.fill(page.scope))[:_MAX_SUBJECT]
    preheader = one_line(mail.preheader.fill(page.scope))
    shop = page.links.click(shop_address(context.sender))
    for write in mail.writers:
        write(page)
    ways_out = _ways_out(context, page)
    frame = frame_of(context.sender, page.formats.language, context.purpose, context.basis)
    html = "".join(
        [
            frame.before_subject,
            layout.escape(subject),
            frame.before_preheader,
            layout.escape(preheader),
            frame.after_preheader,
            layout.brand(frame.name, layout.escape(shop), frame.logo),
            *page.html,
            layout.footer(frame.why, frame.name, frame.address, ways_out),
        ]
    )
    listed = [f"{label}: {url}" for label, url in ways_out]
    text = "\n\n".join([*page.text, "\n".join(["-- ", frame.text_footer, *listed])])
    headers = _headers(ways_out)
    return Rendered(subject, text + "\n", html, headers, tuple(page.links.destinations))


def _render_text(text: "Template", context: RenderContext, page: Page) -> Rendered:
    sender = context.sender
    said = one_line(text.fill(page.scope))
    parts = [f"{sender.sms_name or sender.name}: {said}"]
    if context.purpose != TRANSACTIONAL:
        parts.append(page.wording.sms_opt_out.format(page.links.unsubscribe()))
    return Rendered("", sms.plain(" ".join(parts)), None, {}, tuple(page.links.destinations))


def _ways_out(context: RenderContext, page: Page) -> list[tuple[str, str]]:
    if context.purpose == TRANSACTIONAL:
        return []
    words = page.wording
    return [(words.unsubscribe, page.links.unsubscribe()), (words.preferences, page.links.preferences())]


def _headers(ways_out: list[tuple[str, str]]) -> dict[str, str]:
    """One-click unsubscribing (RFC 8058), on everything that is not transactional."""
    if not ways_out:
        return {}
    return {
        "List-Unsubscribe": f"<{ways_out[0][1]}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
