"""How long the ledger keeps what proves a consent: the address, the words agreed to, and the evidence.

Source: Garante, 24 February 2005: 24 months for marketing, the safe default.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db import table_of
from app.models import ConsentState

STATES = table_of(ConsentState)
KEPT = timedelta(days=731)
"""24 months, a leap day included, from the end of the consent on."""
_HOLDS = "subscribed"


def kept_until(
    state: str, said_at: datetime, *, before: str | None, until_before: datetime | None
) -> datetime | None:
    """Until when the proof is kept after this statement; None while the consent holds.

    A consent ends once: another no after the first one keeps its proof no longer, while there still is one.

    Args:
        before, until_before: the state that held until now, if any, and until when its proof was to be kept.
    """
    if state == _HOLDS:
        return None
    has_ended = before not in (None, _HOLDS) and until_before is not None
    return until_before if has_ended else said_at + KEPT


def keep_late(session: Session, late: Mapping[tuple[int, int, str], datetime]) -> None:
    """Have the proof of something old go again that was told only after the consent's own was gone.

    Args:
        late: when it was said, by store, customer and channel.
    """
    for (store_id, customer_id, channel), said_at in late.items():
        mine = (
            STATES.c.store_id == store_id,
            STATES.c.customer_id == customer_id,
            STATES.c.channel == channel,
        )
        ended = (STATES.c.state != _HOLDS, STATES.c.proof_until.is_(None))
        session.execute(update(STATES).where(*mine, *ended).values(proof_until=said_at + KEPT))
