"""Who was silent before: on which day each is let in (`app/flows/backlog.py`), and whose turn never comes.

Everybody is replayed first as if nobody were let in, which tells who waits from when to when. A share begins
in each day's slot, whoever fell silent last first; those who began are then replayed anew with their day.
Somebody whom the flow could not ask its last question waits again: that they do not begin twice.
"""

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from app.flows import backlog
from app.flows.simulate.question import Question, Report, Stay, Waiting

_DAY = timedelta(days=1)


def decide(question: Question, report: Report) -> Mapping[int, datetime]:
    """When each is let in; what was found of those whose turn does not come within the span is kept."""
    waiting, report.waiting = report.waiting, []
    begins = _begins(waiting, list(_slots(question)), backlog.share_of(report.reachable))
    for one in waiting:
        if one.customer_id not in begins:
            report.find(one.report)
    return begins


def _slots(question: Question) -> Iterator[datetime]:
    """The ticks that run the calendar's daily slot while the flow is on."""
    slot = question.since.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    while (tick := question.tick_at(slot)) is not None and tick <= question.until:
        yield tick
        slot = max(slot, tick.replace(hour=0, minute=0, second=0, microsecond=0)) + _DAY


def _begins(waiting: Sequence[Waiting], ticks: Sequence[datetime], share: int) -> dict[int, datetime]:
    """Day by day: who waits then and fell silent last, as many as a day's share."""
    stays = deque(sorted(((stay, one.customer_id) for one in waiting for stay in one.stays), key=_joined))
    queue: list[tuple[timedelta, int, Stay]] = []
    begins: dict[int, datetime] = {}
    for tick in ticks:
        while stays and stays[0][0].joined_at < tick:
            stay, customer_id = stays.popleft()
            heapq.heappush(queue, (ticks[0] - stay.since, customer_id, stay))
        room = share
        while queue and room:
            _, customer_id, stay = heapq.heappop(queue)
            if customer_id not in begins and (stay.left_at is None or stay.left_at > tick):
                begins[customer_id] = tick
                room -= 1
    return begins


def _joined(found: tuple[Stay, int]) -> datetime:
    return found[0].joined_at
