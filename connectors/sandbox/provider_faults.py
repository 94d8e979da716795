"""How the providers misbehave: by rules, drawn by the seed, down to what happens on the socket.

Needs waitress with `channel_request_lookahead`, so that a call held open ends when its caller leaves.
"""

import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from threading import Lock
from typing import Any

from flask import Response, jsonify, request
from waitress.channel import ClientDisconnected

from connectors.sandbox.draws import digest, fraction
from connectors.sandbox.journal import FAULTS, Journal
from connectors.sandbox.provider_config import SENDGRID

SEND, READ = "send", "read"
_HTML = "<html><head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body></html>\r\n"
_LOOK_SECONDS = 0.02
# What a body that has nothing to say is padded with, to be cut short or to drip.
_PADDING = b" " * 32
_NEVER_ACCEPTED = frozenset({"401", "429"})
_ALWAYS_ACCEPTED = frozenset({"truncated", "drip"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One misbehaviour and whom it hits.

    Attributes:
        kind: a key of `KINDS`.
        accepted: whether the message is accepted all the same, and logged so, before the misbehaviour.
        provider: sendgrid or twilio; empty for both. `mid` and `to` likewise.
        calls: `send`, `read` for everything else, or empty for all.
        probability: of the calls that match.
        times: how often at most; 0 for no end.
        seconds: how long a hanging call is held and a dripping one drips.
        retry_after: the seconds that a 429 or 503 asks to wait.
    """

    kind: str
    accepted: bool = False
    provider: str = ""
    mid: str = ""
    to: str = ""
    calls: str = SEND
    probability: float = 1.0
    times: int = 0
    seconds: float = 60.0
    retry_after: int = 1


@dataclass(frozen=True, slots=True)
class Aim:
    """A call as the rules see it; a call for many recipients is seen by its first one."""

    provider: str
    calls: str
    mid: str = ""
    to: str = ""


def parse_rule(given: Mapping[str, Any]) -> Rule:
    """A rule as a control call describes it.

    Raises:
        ValueError: it names what no rule has, or asks for what cannot be.
    """
    unknown = set(given) - {one.name for one in fields(Rule)}
    if unknown or str(given.get("kind")) not in KINDS:
        raise ValueError(f"a rule has a kind of {', '.join(KINDS)}, and no {', '.join(sorted(unknown))}")
    rule = Rule(**{**given, "accepted": bool(given.get("accepted", given["kind"] in _ALWAYS_ACCEPTED))})
    if rule.accepted and rule.kind in _NEVER_ACCEPTED:
        raise ValueError(f"{rule.kind} says that nothing was accepted")
    if not rule.accepted and rule.kind in _ALWAYS_ACCEPTED:
        raise ValueError(f"{rule.kind} is done to the answer of an accepted message")
    return rule


class Faults:
    """The rules in force, first match first, and what they did; both survive the process."""

    def __init__(self, journal: Journal, seed: int) -> None:
        self._journal = journal
        self._seed = seed
        self._lock = Lock()
        self._rules: tuple[Rule, ...] = ()
        self._generation = 0
        self._hits: Counter[int] = Counter()
        self._asked: Counter[str] = Counter()
        self.done: list[dict[str, Any]] = []
        for line in journal.read(FAULTS):
            self._replay(line)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in force."""
        return self._rules

    def replace(self, rules: tuple[Rule, ...]) -> None:
        """Let these rules hold from now on, all with nothing done yet."""
        with self._lock:
            line = {"rules": [asdict(rule) for rule in rules]}
            self._replay(line)
            self._write(line)

    def choose(self, aim: Aim) -> Rule | None:
        """The rule that hits a call, noted down; None when it is served well.

        Each further call for the same message is drawn anew, the same in every run.
        """
        with self._lock:
            if not self._rules:
                return None
            asked = f"{self._generation}:{aim.provider}:{aim.calls}:{aim.mid or aim.to}"
            drawn = self._draw(aim, asked)
            line = {"asked": asked, "aim": asdict(aim), "rule": drawn}
            self._replay(line)
            self._write(line)
            return None if drawn is None else self._rules[drawn]

    def _draw(self, aim: Aim, asked: str) -> int | None:
        for number, rule in enumerate(self._rules):
            drawn = digest(self._seed, f"fault:{number}:{asked}:{self._asked[asked]}")
            is_spent = 0 < rule.times <= self._hits[number]
            if _matches(rule, aim) and not is_spent and fraction(drawn, 0) < rule.probability:
                return number
        return None

    def _replay(self, line: Mapping[str, Any]) -> None:
        if "rules" in line:
            self._rules = tuple(Rule(**rule) for rule in line["rules"])
            self._generation += 1
            self._hits.clear()
            return
        self._asked[line["asked"]] += 1
        if line["rule"] is not None:
            self._hits[line["rule"]] += 1
            rule = self._rules[line["rule"]]
            self.done.append({**line["aim"], "kind": rule.kind, "accepted": rule.accepted})

    def _write(self, line: Mapping[str, Any]) -> None:
        self._journal.append(FAULTS, line)
        self._journal.flush(FAULTS)


def answer_under(faults: Faults, aim: Aim, answer: Callable[[], Response]) -> Response:
    """What a call gets: `answer`, or what a rule makes of it. A refused call is refused as usual."""
    rule = faults.choose(aim)
    if rule is None:
        return answer()
    if not rule.accepted:
        return KINDS[rule.kind](rule, aim, Response())
    good = answer()
    return good if good.status_code >= 400 else KINDS[rule.kind](rule, aim, good)


def page(status: int, title: str) -> Response:
    """A page of the proxy in front of a provider."""
    return Response(_HTML.format(title), status, mimetype="text/html")


def _matches(rule: Rule, aim: Aim) -> bool:
    wanted = (rule.provider, rule.calls, rule.mid, rule.to)
    return all(not want or want == is_ for want, is_ in zip(wanted, asdict(aim).values(), strict=True))


class _NoAnswer:
    """A body whose first byte never comes: the connection is closed instead, after `last_act`."""

    def __init__(self, last_act: Callable[[], None]) -> None:
        self._last_act = last_act

    def __iter__(self) -> "_NoAnswer":
        return self

    def __next__(self) -> bytes:
        self._last_act()
        raise ClientDisconnected


def _hang(rule: Rule, _aim: Aim, _good: Response) -> Response:
    is_gone = _caller_watch()

    def wait() -> None:
        until = time.monotonic() + rule.seconds
        while time.monotonic() < until and not is_gone():
            # Nothing tells us that the caller left; the misbehaviour is to keep it waiting.
            time.sleep(_LOOK_SECONDS)

    return Response(_NoAnswer(wait))


def _close(_rule: Rule, _aim: Aim, _good: Response) -> Response:
    return Response(_NoAnswer(lambda: None))


def _reset(_rule: Rule, _aim: Aim, _good: Response) -> Response:
    """The kernel sends RST instead of FIN when a socket that lingers for no time is closed."""
    # Waitress shows its channel by this bound method alone.
    channel: Any = getattr(_caller_watch(), "__self__")  # noqa: B009 (mypy knows no __self__ of a Callable)
    linger = struct.pack("ii", 1, 0)
    return Response(_NoAnswer(lambda: channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)))


def _truncate(_rule: Rule, _aim: Aim, good: Response) -> Response:
    body = good.get_data() or _PADDING
    cut = Response(iter([body[: len(body) // 2]]), good.status_code, mimetype=good.mimetype)
    cut.headers["Content-Length"] = str(len(body))
    return _with_headers(cut, good)


def _drip(rule: Rule, _aim: Aim, good: Response) -> Response:
    body = good.get_data() or _PADDING
    is_gone = _caller_watch()

    def drops() -> Iterator[bytes]:
        for place in range(len(body)):
            if is_gone():
                return
            yield body[place : place + 1]
            # To drip is the misbehaviour.
            time.sleep(rule.seconds / len(body))

    return _with_headers(Response(drops(), good.status_code, mimetype=good.mimetype), good)


def _with_headers(answer: Response, good: Response) -> Response:
    for name, value in good.headers:
        if name not in {"Content-Length", "Content-Type"}:
            answer.headers[name] = value
    return answer


def _caller_watch() -> Callable[[], bool]:
    watch: Callable[[], bool] = request.environ["waitress.client_disconnected"]
    return watch


def _refuse(status: int, sendgrid: str, twilio: tuple[int, str]) -> Callable[[Rule, Aim, Response], Response]:
    def refuse(rule: Rule, aim: Aim, _good: Response) -> Response:
        body: dict[str, Any] = {"errors": [{"field": None, "message": sendgrid}]}
        if aim.provider != SENDGRID:
            more = f"https://www.twilio.com/docs/errors/{twilio[0]}"
            body = {"code": twilio[0], "message": twilio[1], "more_info": more, "status": status}
        answer = jsonify(body)
        answer.status_code = status
        if status in {429, 503}:
            answer.headers["Retry-After"] = str(rule.retry_after)
        return answer

    return refuse


def _redirect(_rule: Rule, _aim: Aim, _good: Response) -> Response:
    answer = page(302, "302 Found")
    answer.headers["Location"] = f"{request.host_url}elsewhere"
    return answer


KINDS: Mapping[str, Callable[[Rule, Aim, Response], Response]] = {
    "hang": _hang,
    "close": _close,
    "reset": _reset,
    "truncated": _truncate,
    "drip": _drip,
    "200-html": lambda _rule, _aim, _good: page(200, "Welcome"),
    "302": _redirect,
    "401": _refuse(401, "authorization required", (20003, "Authenticate")),
    "429": _refuse(429, "too many requests", (20429, "Too Many Requests")),
    "500": _refuse(500, "internal server error", (20500, "An internal server error has occurred")),
    "502-html": lambda _rule, _aim, _good: page(502, "502 Bad Gateway"),
    "503": _refuse(503, "service unavailable", (20503, "Service unavailable")),
}
