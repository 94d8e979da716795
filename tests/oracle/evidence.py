"""Which message a line of the provider's sink is, and what was done with it.

The sink knows no flow and no step. A line belongs to what the oracle sent to that address at that
moment; of several at once (a promised code is exempt from the caps) those with a code find each other.
"""

from __future__ import annotations

import re
from collections import defaultdict

from tests.oracle.journal import Journal, Reacted, Sunk
from tests.oracle.moments import moment
from tests.oracle.recipes import CODE_OF_STEP
from tests.oracle.state import Enrollment, Message, Person

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,63}")


class Evidence:
    """The sink's lines by address and moment, and the lines that carried a redeemed code."""

    def __init__(self, journal: Journal) -> None:
        self._rows: dict[tuple[str, int], list[Sunk]] = defaultdict(list)
        self._sent: dict[tuple[str, int], list[Message]] = defaultdict(list)
        self._coded: set[int] = set()
        self._carriers: dict[str, list[Sunk]] = defaultdict(list)
        redeemed = {order.code for order in journal.orders.values() if order.code}
        for row in journal.sunk:
            self._rows[row.to.lower(), row.at].append(row)
            self._read_codes(row, journal.codes, redeemed)

    def note_sent(self, address: str, at: int, message: Message) -> None:
        """The oracle sent a message."""
        self._sent[address.lower(), at].append(message)

    def clicked(self, reaction: Reacted) -> Message | None:
        """The message that somebody reacted to."""
        rows = self._rows.get((reaction.to.lower(), reaction.accepted_at), [])
        row = next((row for row in rows if row.subject == reaction.subject), None)
        return self.message_of(row) if row else None

    def message_of(self, row: Sunk) -> Message | None:
        """The message that a line of the sink is."""
        place = (row.to.lower(), row.at)
        rows = [other for other in self._rows[place] if other.channel == row.channel]
        messages = [message for message in self._sent[place] if message.channel == row.channel]
        rows.sort(key=lambda other: (other.number not in self._coded, other.number))
        messages.sort(key=lambda message: (not message.has_code, message.order_key))
        position = rows.index(row)
        if position >= len(messages):
            return None
        messages[position].message_id = row.message_id
        return messages[position]

    def redemption(self, person: Person, code: str) -> tuple[Enrollment, str] | None:
        """Whose voucher a code is: the enrollment and the voucher's name."""
        mine = {person.shopper.email, person.shopper.phone}
        for row in self._carriers.get(code, ()):
            message = self.message_of(row) if row.to.lower() in mine else None
            if message is not None:
                return message.enrollment, CODE_OF_STEP.get(message.key.step, "")
        return None

    def last_carrier(self, code: str, before: int) -> Message | None:
        """The message that carried a code last, before a moment."""
        rows = [row for row in self._carriers.get(code, ()) if row.at < before]
        return self.message_of(rows[-1]) if rows else None

    def problems(self) -> list[str]:
        """Where the sink accepted more or fewer messages than should have left, in words."""
        places = sorted(self._rows.keys() | self._sent.keys(), key=lambda place: (place[1], place[0]))
        counts = ((place, len(self._sent.get(place, ())), len(self._rows.get(place, ()))) for place in places)
        return [
            f"{moment(at):%Y-%m-%d %H:%M} UTC to {to}: {due} messages should leave, the sink has {accepted}"
            for (to, at), due, accepted in counts
            if due != accepted
        ]

    def _read_codes(self, row: Sunk, codes: set[str], redeemed: set[str]) -> None:
        words = {word.upper() for word in _WORD.findall(row.text)} & codes
        if words:
            self._coded.add(row.number)
        for word in words & redeemed:
            self._carriers[word].append(row)
