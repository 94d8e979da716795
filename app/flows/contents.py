"""The messages of a flow as places for a text: what each may speak of, and whether its text can be used."""

from sqlalchemy.orm import Session

from app.errors import BadInput, NotFound
from app.flows.definition import ChooseProducts, Definition, Entry, Message
from app.messaging import checking, content, editions, liquid
from app.messaging.checking import Draft, Problem
from app.messaging.content import Content
from app.messaging.errors import ContentError
from app.messaging.specimens import Slot

_EVERYWHERE = frozenset({"customer", "store"})
_OF_KINDS = {"voucher": "voucher", "products": "products", "rating": "review"}
"""What a block of a kind needs."""


UNWRITTEN = "unwritten"
"""The problem of a merchant's own message that nobody has written yet."""


class BrokenText(BadInput):
    """A flow cannot be switched on, because a text of it could not be sent."""

    def __init__(self, slot: Slot, locale: str, problem: Problem) -> None:
        where = ", ".join(part for part in (slot.content, locale, problem.place) if part)
        super().__init__(f"{where}: {problem.code} {problem.detail}".rstrip())
        self.slot, self.locale, self.problem = slot, locale, problem
        self.is_unwritten = problem.code == UNWRITTEN


def slot_of(definition: Definition, step: str) -> Slot:
    """The place of a message by its step's id, or by its name.

    Raises:
        NotFound: the flow has no such message.
    """
    found = [(entry, one) for entry in definition.entries for one in entry.steps if isinstance(one, Message)]
    for entry, message in sorted(found, key=lambda pair: pair[1].id != step):
        if step in (message.id, message.name):
            return _slot(definition.key, entry, message)
    raise NotFound("this flow has no such message")


def broken_text(session: Session, store_id: int, definition: Definition) -> BrokenText | None:
    """The first message whose text could not be sent, None where all could."""
    try:
        check_texts(session, store_id, definition)
    except BrokenText as error:
        return error
    return None


def check_texts(session: Session, store_id: int, definition: Definition) -> None:
    """See that a merchant's messages are written, and can be sent; of the originals a test sees it.

    Raises:
        BrokenText: a text of a message that is on cannot.
    """
    own = editions.load(session, store_id)
    for entry in definition.entries:
        for message in entry.steps:
            if isinstance(message, Message) and message.is_on:
                slot = _slot(definition.key, entry, message)
                if content.is_own(message.content):
                    _check_is_written(session, store_id, slot, own.get(message.content))
                if message.content in own:
                    _check(slot, own[message.content])


def _check_is_written(
    session: Session, store_id: int, slot: Slot, text: Content | ContentError | None
) -> None:
    """Nobody gets the text that an editor begins with, by no channel."""
    written = set(editions.versions(session, store_id, slot.content))
    if slot.has_sms and isinstance(text, Content):
        written &= set(text.sms)
    for locale in content.LANGUAGES:
        if locale not in written:
            raise BrokenText(slot, locale, Problem("", UNWRITTEN, slot.step))


def _check(slot: Slot, text: Content | ContentError) -> None:
    if isinstance(text, ContentError):
        raise BrokenText(slot, "", Problem("", "failed", str(text)))
    for locale in text.email:
        wording = editions.wording_of(text, locale)
        if wording is not None:
            for problem in checking.problems_of(Draft.of(wording)):
                raise BrokenText(slot, locale, problem)


def _slot(flow: str, entry: Entry, message: Message) -> Slot:
    roots = set(_EVERYWHERE | _of_original(message.content))
    if any(event.startswith("order.") for event in entry.events):
        roots.add("order")
    if any(event.startswith("checkout.") for event in entry.events):
        roots |= {"basket", "products"}
    if any(isinstance(step, ChooseProducts) for step in _before(entry, message)):
        roots.add("products")
    if message.voucher is not None:
        roots.add("voucher")
    return Slot(
        flow=flow,
        step=message.name,
        content=message.content,
        purpose=message.purpose,
        has_sms=message.channel != "email",
        roots=frozenset(roots),
        voucher=message.voucher.model_dump() if message.voucher else None,
    )


def _before(entry: Entry, message: Message) -> list[object]:
    return list(entry.steps[: entry.steps.index(message)])


def _of_original(name: str) -> frozenset[str]:
    """What the original needs, which no step of the flow may show: so the address of the rating page."""
    found: set[str] = set()
    for mail in content.named(name).email.values():
        for block in mail.blocks:
            found |= {_OF_KINDS[block.kind]} if block.kind in _OF_KINDS else set()
            url = getattr(block, "url", None)
            found |= {path.partition(".")[0] for path in liquid.used(url)} if url else set()
    return frozenset(found)
