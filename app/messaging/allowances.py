"""What a channel may still send, as the gate must know it: its account, pace and money, and a mail's size."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """What text messages may cost in a month, and what is left of it; in millionths of the currency's unit.

    Attributes:
        left: None without a limit.
        part: what one part of a text is reckoned at until the provider says its price.
        refill_at: when the next month begins.
        words: the limit, to show.
    """

    left: int | None
    part: int
    currency: str
    refill_at: datetime
    words: str

    def bears(self, parts: int) -> bool:
        """Whether a text of so many parts may still leave."""
        return self.left is None or parts * self.part <= self.left

    def after(self, parts: int) -> "Budget":
        """What remains after a text of so many parts."""
        return self if self.left is None else replace(self, left=self.left - parts * self.part)


OVER_COST = "over-cost"
"""The reason of what waits for money."""
MAX_MAIL_BYTES = 100 * 1024
"""From about 102 KB on Gmail cuts a mail off, and the way out with it."""
_MOST_BYTES_A_SIGN = 4


@dataclass(frozen=True, slots=True)
class Written:
    """What shows of a message only once it is written; as long as it is not, the least is supposed.

    Attributes:
        parts: how many parts of a text message are paid for.
        too_heavy_kb: how large a mail is that would be cut off; 0 for all others.
    """

    parts: int = 1
    too_heavy_kb: int = 0

    @property
    def is_usual(self) -> bool:
        """It is what was supposed."""
        return self.parts == 1 and not self.too_heavy_kb


def is_cut_off(html: str | None) -> bool:
    """Whether a mail is so large that it would not be shown whole; most are told by their length alone."""
    if html is None or len(html) * _MOST_BYTES_A_SIGN <= MAX_MAIL_BYTES:
        return False
    return len(html.encode()) > MAX_MAIL_BYTES


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """How the way out on the message's channel stands; the defaults are those of the local outbox.

    Attributes:
        problem: why the account can send nothing until somebody mends it, in words to show.
        pause, paused_until: why it is left alone for now, and until when.
        breaker: why its reputation forbids to go on.
        allowance: how many messages may leave now, None without a limit. refill_at: when there are more.
        pace: the limit in words.
        budget: what its messages may cost; None where they cost nothing each.
    """

    problem: str | None = None
    pause: str | None = None
    paused_until: datetime | None = None
    breaker: str | None = None
    allowance: int | None = None
    refill_at: datetime | None = None
    pace: str = "the local outbox has no limit"
    budget: Budget | None = None

    def after(self, parts: int) -> "SenderFacts":
        """What remains once one message more of so many parts is about to leave."""
        budget = self.budget
        has_limit = budget is not None and budget.left is not None
        if self.allowance is None and not has_limit:
            return self
        allowance = None if self.allowance is None else self.allowance - 1
        return replace(self, allowance=allowance, budget=budget.after(parts) if budget else None)


LOCAL = SenderFacts()
UNWRITTEN = Written()
