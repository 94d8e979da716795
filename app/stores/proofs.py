"""How long the ledger keeps what proves a consent: the address, the words agreed to, and the evidence.

Source: Garante, 24 February 2005: 24 months for marketing, the safe default.
"""

from datetime import datetime, timedelta

KEPT = timedelta(days=731)
"""24 months, a leap day included, from the end of the consent on."""
_HOLDS = "subscribed"


def kept_until(
    state: str, said_at: datetime, *, before: str | None, until_before: datetime | None
) -> datetime | None:
    """Until when the proof is kept after this statement; None while the consent holds.

    A consent ends once: another no after the first one keeps its proof no longer.

    Args:
        before, until_before: the state that held until now, if any, and until when its proof was to be kept.
    """
    if state == _HOLDS:
        return None
    return until_before if before not in (None, _HOLDS) else said_at + KEPT
