"""Shopify's admin around our pages: a frame, a stub of App Bridge, and no cookie that lasts.

The stub does what Shopify documents of App Bridge: it gives session tokens, and it leaves the reload page for
the path in `shopify-reload` with a fresh one. Source: shopify.dev, session tokens; facts of November 2026.
"""

import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey
from playwright.sync_api import BrowserContext, Frame, Locator, Page, Route

CLIENT_ID, SECRET = "tour-client", "the secret of the tour's app, long enough"
SETTINGS = {"SHOPIFY_CLIENT_ID": CLIENT_ID, "SHOPIFY_CLIENT_SECRET": SECRET}
SHOP = "sandbox-aurora.myshopify.com"
ADMIN = "https://admin.shopify.com/store/sandbox-aurora"
_BRIDGE = """
window.shopify = {idToken: () => window.mintToken()};
window.shown = 0;
document.addEventListener("page:shown", () => { window.shown += 1; });
const wanted = new URLSearchParams(location.search).get("shopify-reload");
if (wanted) window.shopify.idToken().then((token) => {
  location.replace(`${wanted}${wanted.includes("?") ? "&" : "?"}embedded=1&id_token=${token}`);
});
"""


@dataclass
class Admin:
    """Shopify's admin with one of our pages in its frame.

    Attributes:
        wrong: what the browser complained of: errors, and what a policy forbade.
    """

    page: Page
    base: str
    wrong: list[str] = field(default_factory=list)

    @property
    def frame(self) -> Frame:
        """The frame in which our pages are."""
        found = next((each for each in self.page.frames if each.parent_frame == self.page.main_frame), None)
        assert found is not None
        return found

    def open(self, path: str, *, token: str | None = None) -> None:
        """Come from the admin's own menu: the address carries a token, of this moment unless one is given."""
        query = {"shop": SHOP, "host": "aG9zdA", "embedded": "1", "id_token": token or mint()}
        source = f"{self.base}{path}?{urlencode(query)}"
        frame = f'<iframe id="app" width="1200" height="800" src="{source}"></iframe>'
        body = f"<!DOCTYPE html><title>Admin</title>{frame}"
        self.page.unroute(ADMIN)
        self.page.route(ADMIN, lambda route: route.fulfill(content_type="text/html", body=body))
        self.page.goto(ADMIN)
        self.frame.wait_for_selector("main")

    def use(self, one: Locator) -> None:
        """Click what leads on; the answer takes the place of the page, without any cookie of before."""
        self.page.context.clear_cookies()
        shown = self.frame.evaluate("window.shown")
        one.click()
        self.frame.wait_for_function("before => window.shown > before", arg=shown)

    def go_back(self, path: str) -> None:
        """Back by the browser's own button."""
        shown = self.frame.evaluate("window.shown")
        self.frame.evaluate("history.back()")
        self.frame.wait_for_function("before => window.shown > before", arg=shown)
        assert self.path() == path

    def path(self) -> str:
        """Where the frame is."""
        return urlsplit(self.frame.url).path

    def links(self) -> list[str]:
        """The addresses of our own screens that a reader sees links to."""
        return [
            href
            for link in self.frame.get_by_role("link").filter(visible=True).all()
            if (href := link.get_attribute("href") or "").startswith("/app/")
        ]


def entered(context: BrowserContext, base: str) -> Admin:
    """A browser in which the admin and App Bridge are stubs."""
    context.expose_function("mintToken", mint)
    context.route(re.compile(r"^https://cdn\.shopify\.com/"), _give_bridge)
    page = context.new_page()
    admin = Admin(page, base)
    page.on("console", lambda said: admin.wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: admin.wrong.append(str(error)))
    return admin


def mint() -> str:
    """A session token as App Bridge gives it, good for a minute."""
    now = int(time.time())
    claims = {
        "iss": f"https://{SHOP}/admin",
        "dest": f"https://{SHOP}",
        "aud": CLIENT_ID,
        "sub": "42",
        "jti": "1",
        "sid": "2",
        "exp": now + 55,
        "nbf": now - 5,
        "iat": now - 5,
    }
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def _give_bridge(route: Route) -> None:
    route.fulfill(content_type="text/javascript", body=_BRIDGE)
