"""The merchant's browser: opens the app's install address and follows where it leads, cookies kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import quote, urlencode, urljoin, urlsplit

from connectors.sandbox.deliveries import App
from connectors.sandbox.model import SHOPIFY_SHOP
from connectors.sandbox.signing import sign_query

_MOST_HOPS = 25
_TIMEOUT_SECONDS = 90.0
_APPROVE = re.compile(r"""href=["']([^"']*access_granted[^"']*)["']""")
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


class Page(NamedTuple):
    """Where the browser ended, and with which status; 0 when the address did not answer."""

    url: str
    status: int
    text: str

    @property
    def is_good(self) -> bool:
        """Whether the merchant sees a page, not an error."""
        return 200 <= self.status < 400


@dataclass(slots=True)
class Browser:
    """A browser that knows two sites: the app and this sandbox; it stops before leaving them.

    Attributes:
        sandbox_url: this server's own address; the shop's admin is found there.
    """

    app_url: str
    sandbox_url: str
    _cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def open(self, url: str) -> Page:
        """The page at the end of all redirects."""
        for _ in range(_MOST_HOPS):
            url = self._at_home(url)
            if not self._knows(url):
                return Page(url, 302, "")
            status, headers, text = self._get(url)
            if status not in {301, 302, 303, 307, 308} or "location" not in headers:
                return Page(url, status, text)
            url = urljoin(url, headers["location"])
        return Page(url, 310, "")

    def _at_home(self, url: str) -> str:
        """The shop's real address, as this sandbox serves it."""
        parts = urlsplit(url)
        if parts.netloc != SHOPIFY_SHOP:
            return url
        query = f"?{parts.query}" if parts.query else ""
        return f"{self.sandbox_url}/shopify/{SHOPIFY_SHOP}{parts.path}{query}"

    def _knows(self, url: str) -> bool:
        return urlsplit(url).netloc in {urlsplit(self.app_url).netloc, urlsplit(self.sandbox_url).netloc}

    def _get(self, url: str) -> tuple[int, Mapping[str, str], str]:
        parts = urlsplit(url)
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = make(parts.netloc, timeout=_TIMEOUT_SECONDS)
        jar = self._cookies.setdefault(parts.hostname or "", {})
        headers = {"User-Agent": _AGENT, "Accept": "text/html"}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        try:
            connection.request("GET", f"{parts.path or '/'}?{parts.query}", headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, HTTPException):
            return 0, {}, ""
        finally:
            connection.close()
        for header in answer.headers.get_all("Set-Cookie") or ():
            _keep_cookie(jar, header)
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def install_shopify(browser: Browser, app: App, real_time: int) -> Page:
    """Open the app's install link as Shopify signs it, to the end of the handshake."""
    query = {"shop": SHOPIFY_SHOP, "timestamp": str(real_time)}
    signed = query | {"hmac": sign_query(query, app.client_secret)}
    return browser.open(f"{app.ritorno_url}/install/shopify?{urlencode(signed)}")


def install_woocommerce(browser: Browser, app: App) -> Page:
    """Ask the app to connect the store, approve on the store's grant page, come back."""
    store = quote(f"{browser.sandbox_url}/woo", safe="")
    page = browser.open(f"{app.ritorno_url}/install/woocommerce?store={store}")
    approve = _APPROVE.search(page.text)
    return browser.open(urljoin(page.url, unescape(approve[1]))) if approve else page


def _keep_cookie(jar: dict[str, str], header: str) -> None:
    """Keep or delete a cookie. `Secure` is ignored: browsers trust 127.0.0.1 as they trust TLS."""
    try:
        morsels = SimpleCookie(header).values()
    except CookieError:
        return
    for morsel in morsels:
        if morsel["max-age"] == "0" or not morsel.value:
            jar.pop(morsel.key, None)
        else:
            jar[morsel.key] = morsel.coded_value
