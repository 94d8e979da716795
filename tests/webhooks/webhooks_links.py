"""A mail that was sent, and the links in it."""

from app.messaging import copies
from app.messaging.links import LinkMaker
from app.models import Store
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW

PAGE = "https://bottega.example/p/moka"
COPY = copies.pack({"links": [PAGE]})


def link_maker(runtime: Runtime, store: Store, content: bytes = COPY) -> LinkMaker:
    """What made the links of a mail of which this copy is kept."""
    with runtime.database.write() as session:
        person = seeds.add_customer(session, store.id).id
        sent = {"status": "sent", "sent_at": NOW, "content": content}
        message_id = seeds.add_message(session, store.id, person, **sent).id
    return LinkMaker(
        base_url="",
        signer=runtime.signer,
        store_id=store.id,
        message_id=message_id,
        tags=None,
        tracks_clicks=True,
    )
