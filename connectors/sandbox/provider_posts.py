"""What the providers post to the app: planned when a message is accepted, due at a moment, tried again."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from threading import Lock
from typing import Any, NamedTuple

from connectors.sandbox.draws import between, digest, fraction
from connectors.sandbox.errands import Queue
from connectors.sandbox.journal import POSTED, Journal
from connectors.sandbox.moments import DAY, HOUR, MINUTE
from connectors.sandbox.provider_config import Misfortune
from connectors.sandbox.wire import Lane, Request, UnreachableError

_FOR_EVER = 1 << 62
_MOST_AT_ONCE = 1000
# SendGrid tries again for a rolling 24 hours, at growing intervals (docs, "Getting Started with the Event
# Webhook Security Features"); the intervals themselves are not published.
_PAUSES_SECONDS = (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)
_PATIENCE_SECONDS = DAY


@dataclass(frozen=True, slots=True, order=True)
class Post:
    """One event on its way to the app.

    Attributes:
        key: the same in every run.
        at: when the event happened.
        first: when it was due before any attempt; `attempts` were made since.
    """

    due: int
    key: str
    provider: str = field(compare=False)
    at: int = field(compare=False)
    event: Mapping[str, Any] = field(compare=False)
    first: int = field(compare=False)
    attempts: int = field(compare=False, default=0)


class Result(NamedTuple):
    """What came of an attempt: the status, 0 for none; and whether the provider gives it another one."""

    status: int
    is_retried: bool = False


class Wire:
    """Where posts go out: one connection, closed by its owner."""

    def __init__(self) -> None:
        self._lane = Lane()

    def send(self, request: Request) -> tuple[int, bool]:
        """The status, 0 for no answer, and whether a connection was made at all.

        An address that is none, which its owner registered all the same, is nobody's.
        """
        try:
            self._lane.start(request)
        except (UnreachableError, HTTPException, ValueError):
            return 0, False
        try:
            return self._lane.finish(), True
        except UnreachableError:
            return 0, True

    def close(self) -> None:
        """Close the connection."""
        self._lane.close()


Carrier = Callable[[Wire, Sequence[Post], int], Mapping[str, Result]]


def plan_posts(
    happenings: Iterable[tuple[int, Mapping[str, Any]]], *, key: str, seed: int, share: Misfortune
) -> list[dict[str, Any]]:
    """The posts of what will happen to a message, as its accepted line keeps them.

    Args:
        happenings: moments and events, in order.
        key: of the message, the same in every run.
        share: how many of the posts are late, disordered, repeated or lost.
    """
    happened = list(happenings)
    posts = []
    for number, (at, event) in enumerate(happened):
        drawn = digest(seed, f"post:{key}:{number}")
        planned = {"key": f"{key}:{number}", "at": at, "due": at, "event": event}
        if fraction(drawn, 0) < share.late:
            planned["due"] = at + between(drawn, 1, HOUR, 20 * HOUR)
        if number + 1 < len(happened) and fraction(drawn, 2) < share.disordered:
            planned["due"] = max(at, happened[number + 1][0]) + between(drawn, 3, 1, MINUTE)
        planned["is_lost"] = fraction(drawn, 4) < share.lost
        posts.append(planned)
        if fraction(drawn, 5) < share.twice:
            is_renamed = fraction(drawn, 6) < share.renamed
            posts.append(_repeated(planned, between(drawn, 7, 1, HOUR), is_renamed=is_renamed))
    return posts


class Posts:
    """What waits to be posted, and what has been."""

    def __init__(self, journal: Journal, carriers: Mapping[str, Carrier]) -> None:
        self._journal = journal
        self._carriers = carriers
        self._queue: Queue[Post] = Queue()
        self._posting = Lock()
        self._last = {line["key"]: line for line in journal.read(POSTED)}

    def add(self, line: Mapping[str, Any]) -> None:
        """Queue the posts of an accepted line, less what has been done."""
        for planned in line["plan"]:
            last = self._last.get(planned["key"], {})
            if planned["is_lost"] or last.get("is_done"):
                continue
            post = Post(
                due=last.get("due", planned["due"]),
                key=planned["key"],
                provider=line["provider"],
                at=planned["at"],
                event=planned["event"],
                first=planned["due"],
                attempts=last.get("attempts", 0),
            )
            self._queue.push(post)

    def is_posted(self, key: str) -> bool:
        """Whether the app took the event with this key."""
        return bool(200 <= self._last.get(key, {}).get("status", 0) < 300)

    def next_due(self) -> int | None:
        """When the next post is due."""
        return self._queue.next_due()

    def post(self, now: int, *, everything: bool = False) -> dict[str, int]:
        """Post what is due at `now`, or everything planned, and wait for all answers.

        What fails waits for its next attempt; one call makes one attempt.

        Returns:
            how many were `posted`, `failed` (they come again), `given_up`, and how many are `waiting`.
        """
        counts: Counter[str] = Counter(posted=0, failed=0, given_up=0)
        with self._posting:
            to = _FOR_EVER if everything else now
            wire, again = Wire(), list[Post]()
            try:
                while taken := self._queue.take(to, _MOST_AT_ONCE):
                    again += self._carry(wire, taken, now, counts)
            finally:
                wire.close()
                for post in again:
                    self._queue.push(post)
        return {**counts, "waiting": self._queue.count_due(_FOR_EVER)}

    def _carry(self, wire: Wire, taken: Sequence[Post], now: int, counts: Counter[str]) -> list[Post]:
        again = []
        for provider, carry in self._carriers.items():
            posts = [post for post in taken if post.provider == provider]
            results = carry(wire, posts, now)
            for post in posts:
                result = results[post.key]
                later = _later(post, now) if result.is_retried else None
                self._record(later or replace(post, attempts=post.attempts + 1), result, is_done=not later)
                if later:
                    again.append(later)
                    counts["failed"] += 1
                else:
                    counts["posted" if 200 <= result.status < 300 else "given_up"] += 1
        self._journal.flush(POSTED)
        return again

    def _record(self, post: Post, result: Result, *, is_done: bool) -> None:
        line = {"key": post.key, "status": result.status, "is_done": is_done}
        line |= {"due": post.due, "attempts": post.attempts}
        self._last[post.key] = line
        self._journal.append(POSTED, line)


def _repeated(planned: Mapping[str, Any], later: int, *, is_renamed: bool) -> dict[str, Any]:
    event = dict(planned["event"])
    if is_renamed and "sg_event_id" in event:
        event["sg_event_id"] = event["sg_event_id"][::-1]
    again = {"key": f"{planned['key']}:again", "due": planned["due"] + later, "event": event}
    return {**planned, **again}


def _later(post: Post, now: int) -> Post | None:
    pause = _PAUSES_SECONDS[min(post.attempts, len(_PAUSES_SECONDS) - 1)]
    due = max(now, post.due) + pause
    return (
        None if due > post.first + _PATIENCE_SECONDS else replace(post, due=due, attempts=post.attempts + 1)
    )
