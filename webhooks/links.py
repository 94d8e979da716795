"""The links of messages, answered in front of Flask: looked up, the visit kept durably, and led on.

`GET /c/<token>` is a stage like a delivery: what a click means is found by the worker from what was kept
(`app/messaging/clicks.py`). HEAD leads on and keeps nothing. What names no message of ours is handed on to
the pages, whose 404 is the same for all wrong links.
"""

import html
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import structlog

from app import clock, policies
from app.errors import Busy
from app.messaging import links
from app.messaging.destinations import Destination
from app.messaging.links import ClickToken
from app.runtime import Runtime
from webhooks.answers import Answer, too_busy
from webhooks.bodies import Receive, Scope
from webhooks.door import StartResponse, WsgiApp, header_mapping
from webhooks.finder import LinkFinder
from webhooks.front import AsgiApp, Send
from webhooks.promises import LoopPromises, Tell
from webhooks.visits import LOOKS, VISITS, kept_of, telling
from webhooks.writer import InboxWriter

log = structlog.get_logger()
PREFIX = "/c/"


class LinkDoor:
    """A WSGI app that takes the links and hands everything else on."""

    def __init__(self, runtime: Runtime, finder: LinkFinder, inbox: InboxWriter, inner: WsgiApp) -> None:
        self._links = _Links(runtime)
        self._finder = finder
        self._inbox = inbox
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Lead a visitor on, or pass the request on."""
        method = environ["REQUEST_METHOD"]
        path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        token = self._links.named(method, path, query) if path.startswith(PREFIX) else None
        answer = None if token is None else self._answer(token, method, environ)
        if answer is None:
            return self._inner(environ, start_response)
        start_response(answer.status, answer.headers())
        return [b"" if method == LOOKS else answer.body]

    def _answer(self, token: ClickToken, method: str, environ: dict[str, Any]) -> Answer | None:
        at = clock.now()
        try:
            found = self._finder.find(token)
        except Busy as busy:
            return too_busy(busy)
        if found is None:
            return None
        if method == VISITS:
            try:
                self._inbox.keep(kept_of(token, found, header_mapping(environ), at))
            except Busy as busy:
                _not_counted(token, busy)
        return self._links.led_on(found)


class LinkFront:
    """The same as an ASGI app."""

    def __init__(self, runtime: Runtime, finder: LinkFinder, inbox: InboxWriter, inner: AsgiApp) -> None:
        self._links = _Links(runtime)
        self._finder = finder
        self._inbox = inbox
        self._inner = inner
        self._promises = LoopPromises()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a visitor on, or pass the request on."""
        token = self._named(scope) if scope["type"] == "http" and scope["path"].startswith(PREFIX) else None
        answer = None if token is None else await self._answer(token, scope)
        if answer is None:
            await self._inner(scope, receive, send)
            return
        body = b"" if scope["method"] == LOOKS else answer.body
        await send({"type": "http.response.start", "status": answer.code, "headers": answer.raw_headers})
        await send({"type": "http.response.body", "body": body})

    def _named(self, scope: Scope) -> ClickToken | None:
        return self._links.named(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))

    async def _answer(self, token: ClickToken, scope: Scope) -> Answer | None:
        headers = telling(scope["headers"]) if scope["method"] == VISITS else None
        following = _Following(token, headers, self._inbox)
        try:
            await self._promises.promised(partial(following.begin, self._finder))
        except Busy as busy:
            if following.found is None:
                return too_busy(busy)
            _not_counted(token, busy)
        return None if following.found is None else self._links.led_on(following.found)


class _Following:
    """A link that is followed: found by one thread and handed by it to the one that keeps the visit.

    The loop waits for both at once.

    Args:
        headers: of a visit, None where somebody only looks.

    Attributes:
        found: where the link leads, once that is known and if it leads anywhere.
    """

    __slots__ = ("_at", "_headers", "_inbox", "_tell", "_token", "found")

    def __init__(self, token: ClickToken, headers: Mapping[str, str] | None, inbox: InboxWriter) -> None:
        self._at = clock.now()
        self._token = token
        self._headers = headers
        self._inbox = inbox
        self.found: Destination | None = None

    def begin(self, finder: LinkFinder, tell: Tell[None]) -> None:
        """Let it be found and kept.

        Args:
            tell: called with None once all is done, else with why it is not.
        """
        self._tell = tell
        finder.hand_over(self._token, self._go_on)

    def _go_on(self, found: Destination | Busy | None) -> None:
        if isinstance(found, Busy):
            self._tell(found)
            return
        self.found = found
        if found is None or self._headers is None:
            self._tell(None)
        else:
            self._inbox.hand_over(kept_of(self._token, found, self._headers, self._at), self._tell)


class _Links:
    """What is the same on both servers: whose link it is, and how a visitor is led on."""

    def __init__(self, runtime: Runtime) -> None:
        self._signer = runtime.signer
        always = policies.headers_of(runtime.settings.base_url)
        always |= {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        self._always = (("Content-Security-Policy", policies.policy()), *always.items())

    def named(self, method: str, path: str, query: str) -> ClickToken | None:
        """The link that an address names, if it is one of ours and is only followed or looked at."""
        if method not in (VISITS, LOOKS) or "%00" in query:
            return None
        return links.read_click(self._signer, path.removeprefix(PREFIX))

    def led_on(self, found: Destination) -> Answer:
        """The answer that leads to a destination."""
        url = _as_ascii(found.url)
        body = _PAGE.format(html.escape(url)).encode()
        return Answer("302 Found", body, "text/html; charset=utf-8", (("Location", url),), self._always)


_PAGE = """<!doctype html>
<html lang=en>
<title>Redirecting...</title>
<h1>Redirecting...</h1>
<p>You should be redirected automatically to the target URL: <a href="{0}">{0}</a>. If not, click the link.
"""
_IN_URLS = "%!#$&'()*+,/:;=?@"
_PLAIN = re.compile(rf"https?://[a-z0-9.-]+(:[0-9]+)?([/?#][a-zA-Z0-9._~{_IN_URLS}-]*)?")


def _as_ascii(url: str) -> str:
    """An address as a header takes it: what is no ASCII or no part of an address is written by its code."""
    if _PLAIN.fullmatch(url):
        return url
    parts = urlsplit(url)
    try:
        host = parts.netloc.encode("idna").decode("ascii")
    except UnicodeError:
        host = parts.netloc
    rest = parts._replace(scheme="", netloc="").geturl()
    return f"{parts.scheme}://{quote(host, safe='%!$&()*+,:;=@[]')}{quote(rest, safe=_IN_URLS)}"


def _not_counted(token: ClickToken, busy: Busy) -> None:
    """A database that cannot write now must not keep the customer from the shop."""
    log.warning("a click was not counted", message=token.message_id, why=str(busy))
