"""Where a text that a merchant may write has its place: in a flow, or in the mail that asks to confirm."""

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.flows import contents, drafts
from app.messaging import confirming
from app.messaging.specimens import Slot


def place_of(session: Session, store_id: int, key: str, step: str) -> Slot:
    """The place of a message by its flow and step; one that is in the draft alone has a place already.

    Raises:
        NotFound: there is no such flow, or it has no such message.
    """
    if key != confirming.SLOT.flow:
        desk = drafts.desk(session, store_id, key)
        try:
            return contents.slot_of(desk.published, step)
        except NotFound:
            return contents.slot_of(desk.current, step)
    if step != confirming.SLOT.step:
        raise NotFound("this flow has no such message")
    return confirming.SLOT
