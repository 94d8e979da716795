"""The links of messages, answered in front of Flask: looked up, the visit kept durably, and led on.

`GET /c/<token>` is a stage like a delivery: what a click means is found by the worker from what was kept
(`app/messaging/clicks.py`). HEAD leads on and keeps nothing. What names no message of ours is handed on to
the pages, whose 404 is the same for all wrong addresses.
"""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import structlog

from app import clock, policies
from app.errors import Busy
from app.inbox import Kept
from app.messaging import clicks, links, scanners
from app.messaging.clicks import Click
from app.messaging.destinations import Destination
from app.messaging.links import ClickToken
from app.models.inbound_event import WAITING
from app.runtime import Runtime
from connectors.base import Envelope
from webhooks.answers import Answer, too_busy
from webhooks.bodies import Receive, Scope
from webhooks.door import StartResponse, WsgiApp, header_mapping
from webhooks.finder import LinkFinder
from webhooks.front import AsgiApp, Send
from webhooks.promises import LoopPromises
from webhooks.writer import InboxWriter

log = structlog.get_logger()
PREFIX = "/c/"
_VISITS, _LOOKS = "GET", "HEAD"


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
        return [b"" if method == _LOOKS else answer.body]

    def _answer(self, token: ClickToken, method: str, environ: dict[str, Any]) -> Answer | None:
        at = clock.now()
        try:
            found = self._finder.find(token)
        except Busy as busy:
            return too_busy(busy)
        if found is None:
            return None
        if method == _VISITS:
            try:
                self._inbox.keep(_kept(token, found, header_mapping(environ), at))
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
        self._finding, self._keeping = LoopPromises(), LoopPromises()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a visitor on, or pass the request on."""
        token = self._named(scope) if scope["type"] == "http" and scope["path"].startswith(PREFIX) else None
        answer = None if token is None else await self._answer(token, scope)
        if answer is None:
            await self._inner(scope, receive, send)
            return
        body = b"" if scope["method"] == _LOOKS else answer.body
        await send({"type": "http.response.start", "status": answer.code, "headers": answer.raw_headers})
        await send({"type": "http.response.body", "body": body})

    def _named(self, scope: Scope) -> ClickToken | None:
        return self._links.named(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))

    async def _answer(self, token: ClickToken, scope: Scope) -> Answer | None:
        at = clock.now()
        try:
            found = await self._finding.promised(partial(self._finder.hand_over, token))
        except Busy as busy:
            return too_busy(busy)
        if found is None:
            return None
        if scope["method"] == _VISITS:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            kept = _kept(token, found, headers, at)
            try:
                await self._keeping.promised(partial(self._inbox.hand_over, kept))
            except Busy as busy:
                _not_counted(token, busy)
        return self._links.led_on(found)


class _Links:
    """What is the same on both servers: whose link it is, and how a visitor is led on."""

    def __init__(self, runtime: Runtime) -> None:
        self._signer = runtime.signer
        always = policies.headers_of(runtime.settings.base_url)
        del always["X-Content-Type-Options"]  # Every answer of ours has it.
        always |= {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        self._headers = (("Content-Security-Policy", policies.policy()), *always.items())

    def named(self, method: str, path: str, query: str) -> ClickToken | None:
        """The link that an address names, if it is one of ours and is only followed or looked at."""
        if method not in (_VISITS, _LOOKS) or "%00" in query:
            return None
        return links.read_click(self._signer, path.removeprefix(PREFIX))

    def led_on(self, found: Destination) -> Answer:
        """The answer that leads to a destination."""
        url = _as_ascii(found.url)
        body = _PAGE.format(html.escape(url)).encode()
        return Answer("302 Found", body, "text/html; charset=utf-8", (("Location", url), *self._headers))


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


def _kept(token: ClickToken, found: Destination, headers: Mapping[str, str], at: datetime) -> Kept:
    """A visit as it is kept: whether a person or a program came is all that its headers leave behind."""
    is_human = scanners.is_human_click(
        method=_VISITS,
        user_agent=headers.get("user-agent", ""),
        clicked_at=at,
        sent_at=found.sent_at,
        purpose=" ".join(headers.get(name, "") for name in _PURPOSES),
    )
    click = Click(token.message_id, found.url, at, is_human)
    # The same link in the same second is one click: whoever calls it again and again fills nothing.
    key = f"{token.message_id}:{token.index}:{int(at.timestamp())}:{is_human:d}"
    envelope = Envelope(clicks.SOURCE, clicks.TOPIC, "", key, subject_external_id=str(token.message_id))
    return Kept(token.store_id, envelope, clicks.packed(click), at, WAITING)


_PURPOSES = tuple(name.lower() for name in scanners.PURPOSES)


def _not_counted(token: ClickToken, busy: Busy) -> None:
    """A database that cannot write now must not keep the customer from the shop."""
    log.warning("a click was not counted", message=token.message_id, why=str(busy))
