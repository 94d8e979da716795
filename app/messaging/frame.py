"""What is the same around every mail of a shop: who writes, why, and how to leave."""

from dataclasses import dataclass
from functools import lru_cache

from app.messaging import blocks, layout, wording
from app.messaging.colours import paint_of
from app.messaging.errors import UnresolvedContent
from app.messaging.wording import WORDINGS


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes, as every message must say.

    Attributes:
        url: the shop's front page.
        sms_name: stands before every SMS; the name if empty.
        logo_url, colour: the shop's looks, "" for none; the colour as `#rrggbb`.
    """

    name: str
    url: str
    postal_address: str
    sms_name: str = ""
    logo_url: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same for all mails of a sender, language and reason."""

    before_subject: str
    before_preheader: str
    after_preheader: str
    name: str
    logo: str
    address: str
    why: str
    text_footer: str


@lru_cache(maxsize=512)
def frame_of(sender: Sender, language: str, purpose: str, basis: str | None) -> Frame:
    """The frame of a sender's mails in a language, for a purpose on a legal basis.

    Raises:
        UnresolvedContent: the name or the postal address is missing; no commercial mail may go without.
    """
    if not sender.name.strip() or not sender.postal_address.strip():
        raise UnresolvedContent("store.address" if sender.name.strip() else "store.name")
    address = one_line(
        ", ".join(line.strip(" ,") for line in sender.postal_address.splitlines() if line.strip())
    )
    why = wording.why(WORDINGS[language], purpose, basis, sender.name)
    return Frame(
        *layout.opening(language, paint_of(sender.colour)),
        name=layout.escape(sender.name),
        logo=layout.escape(sender.logo_url),
        address=layout.escape(address),
        why=layout.escape(why),
        text_footer=f"{why}\n{sender.name} · {address}",
    )


def shop_address(sender: Sender) -> str:
    """The shop's front page.

    Raises:
        UnresolvedContent: the sender has no usable address.
    """
    url = blocks.web_address(sender.url)
    if url is None:
        raise UnresolvedContent("store.url")
    return url


def one_line(text: str) -> str:
    """The text on one line, without control signs: nothing in a subject may start a header of its own."""
    if text.isprintable():
        return text
    return "".join(char for char in " ".join(text.split()) if char.isprintable())
