"""Who means to use a voucher code with the next order."""

from threading import Lock

from connectors.sandbox.memory import Memory
from connectors.sandbox.model import Voucher
from connectors.sandbox.moments import seconds_of


class Intentions:
    """The codes that shoppers have read in a message and will type in at their next checkout."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._waiting: dict[int, set[tuple[int, str]]] = {}
        self._lock = Lock()

    def add(self, household: int, accepted_at: int, code: str) -> None:
        """A shopper means to use a code; saying it again changes nothing."""
        with self._lock:
            self._waiting.setdefault(household, set()).add((accepted_at, code.upper()))

    def drop(self, household: int, placed_at: int) -> list[str]:
        """Take out the codes read before an order was placed, the earliest first."""
        with self._lock:
            waiting = self._waiting.get(household)
            if not waiting:
                return []
            read = sorted(intention for intention in waiting if intention[0] < placed_at)
            waiting.difference_update(read)
            return [code for _, code in read]

    def use(self, platform: str, household: int, placed_at: int) -> Voucher | None:
        """The voucher the order placed now carries: the first one read that is still good."""
        good = None
        for code in self.drop(household, placed_at):
            voucher = self._memory.voucher(platform, code)
            if good is None and voucher and _is_good(voucher, placed_at):
                good = voucher
        return good


def _is_good(voucher: Voucher, at: int) -> bool:
    if voucher.redeemed_by_order is not None:
        return False
    if voucher.starts_at and seconds_of(voucher.starts_at) > at:
        return False
    return not (voucher.expires_at and seconds_of(voucher.expires_at) < at)
