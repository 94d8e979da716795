"""Where a text that a merchant may write has its place: in a flow, or in the mail that asks to confirm."""

from dataclasses import replace

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.flows import contents, drafts
from app.flows.definition import Definition
from app.messaging import confirming
from app.messaging.specimens import Slot


def place_of(session: Session, store_id: int, key: str, step: str) -> Slot:
    """The place of a message by its flow and step; one that is in the draft alone has a place already.

    Where the draft alone has it a text message, it is one already, too: that is written before it holds.

    Raises:
        NotFound: there is no such flow, or it has no such message.
    """
    if key != confirming.SLOT.flow:
        desk = drafts.desk(session, store_id, key)
        slots = [_slot_of(one, step) for one in (desk.published, desk.current)]
        found = [slot for slot in slots if slot is not None]
        if not found:
            raise NotFound("this flow has no such message")
        return replace(found[0], has_sms=any(slot.has_sms for slot in found))
    if step != confirming.SLOT.step:
        raise NotFound("this flow has no such message")
    return confirming.SLOT


def does_hold(session: Session, store_id: int, key: str, step: str) -> bool:
    """Whether somebody may get this message now, and not only once a draft is published."""
    is_asking = key == confirming.SLOT.flow
    return is_asking or _slot_of(drafts.desk(session, store_id, key).published, step) is not None


def _slot_of(definition: Definition, step: str) -> Slot | None:
    try:
        return contents.slot_of(definition, step)
    except NotFound:
        return None
