"""The provider's sink: every message it was given, in the order of acceptance."""

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

from connectors.sandbox.journal import SINK, Journal
from connectors.sandbox.moments import parse_rfc3339, rfc3339

_REQUIRED = ("message_id", "channel", "to")


class Sink:
    """Never refuses a message given twice: the log shows every acceptance."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = Lock()
        self._accepted: dict[str, tuple[int, int]] = {}
        self._number = 0

    def restore(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Count what the journal holds; gives each message with the moment of its acceptance."""
        for line in self._journal.read(SINK):
            self._count(str(line["message_id"]))
            yield line, parse_rfc3339(line["at"])

    def accept(self, messages: Sequence[Mapping[str, Any]], now: int) -> list[dict[str, Any]]:
        """Count messages and write them to the journal, which the caller puts on the disk before it answers.

        Returns:
            for each message its id, its running number and how often it has been accepted by now.

        Raises:
            ValueError: a message lacks its id, channel or address; nothing is kept then.
        """
        for message in messages:
            if not isinstance(message, Mapping) or not all(message.get(key) for key in _REQUIRED):
                raise ValueError(f"a message needs {', '.join(_REQUIRED)}")
        with self._lock:
            answers = []
            for message in messages:
                number, times = self._count(str(message["message_id"]))
                line = {"number": number, "times": times, "at": rfc3339(now)}
                self._journal.append(SINK, {**line, **message})
                answers.append({"message_id": message["message_id"], "number": number, "times": times})
        return answers

    def find(self, message_id: str) -> dict[str, Any] | None:
        """How often a message was accepted, and its last running number; None when never."""
        found = self._accepted.get(message_id)
        return {"message_id": message_id, "number": found[0], "times": found[1]} if found else None

    def __len__(self) -> int:
        return self._number

    def _count(self, message_id: str) -> tuple[int, int]:
        self._number += 1
        times = self._accepted.get(message_id, (0, 0))[1] + 1
        self._accepted[message_id] = (self._number, times)
        return self._number, times
