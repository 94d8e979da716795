"""Who a WordPress says it is: its public index, read before any key is tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from zoneinfo import ZoneInfo

from connectors.base import ConnectorError, JsonObject, StoreIdentity, UnreadablePayload
from connectors.storefronts.woocommerce.auth import REST_ROOT, normalise_store_url
from connectors.storefronts.woocommerce.calls import (
    INACTIVE,
    Calls,
    is_error_of_wordpress,
    reading_answer,
    refusal,
)
from connectors.storefronts.woocommerce.payload import entries, parse_object, section, text
from connectors.transport import NotSent, Response, StoreTransport

PLAIN_PERMALINKS = (
    "WordPress uses plain permalinks, with which no app can sign in. In WordPress open Settings > "
    "Permalinks, choose Post name and save."
)
NOT_WORDPRESS = (
    "No WordPress with its REST API answers at this address. Is it the address of the shop's start page?"
)
NOT_HOME = "WordPress' own files lie at this address, the shop does not."
NO_TLS = (
    "The shop answers, but not securely: its TLS certificate is missing, expired or not trusted. "
    "Have it renewed, or connect with http:// in front."
)


@dataclass(frozen=True, slots=True)
class Index:
    """The answer of `/wp-json/`. `served_at` is the server's clock, where it shows one."""

    content: JsonObject
    served_at: datetime | None = None


def read_index(transport: StoreTransport, url: str) -> Index:
    """What the WordPress at a normalised URL says of itself to anybody.

    The content is empty where a plugin hides the index from guests; keys may work all the same.

    Raises:
        ConnectorError: in the merchant's words: no WordPress, plain permalinks, no WooCommerce, TLS, a
            redirect; or a passing failure.
    """
    try:
        response = transport.request("GET", url + REST_ROOT)
    except NotSent as error:
        raise _why_not_sent(transport, url, error) from None
    if response.status in (401, 403):
        return Index({}, _served_at(response))
    if 300 <= response.status < 400:
        raise _redirected(response, url)
    if response.status == 429 or response.status >= 500:
        raise refusal(response)
    content = _index_in(response)
    if content is None:
        raise _no_index(transport, url)
    if "wc/v3" not in content.get("namespaces", []):
        raise ConnectorError(INACTIVE, permanent=True)
    return Index(content, _served_at(response))


def read_identity(calls: Calls, index: Index) -> StoreIdentity:
    """Who the store is, from its index, its system status and its settings.

    Raises:
        ConnectorError: as calls do; `Unauthorized` where the key is not accepted.
    """
    with reading_answer():
        status = calls.get("system_status", {"_fields": "environment,settings,active_plugins"}).one()
        settings = calls.get("settings/general", {"_fields": "id,value"}).value
        return _identity(calls.keys.url, index.content, status, {"general": settings})


def timezone_of(content: JsonObject) -> str:
    """The IANA zone of a WordPress; a bare offset from UTC becomes a zone without summer time."""
    named = text(content, "timezone_string")
    if named:
        try:
            return ZoneInfo(named).key
        except (KeyError, OSError, ValueError):
            return "UTC"
    try:
        offset_hours = float(text(content, "gmt_offset") or 0)
    except (ValueError, UnreadablePayload):
        return "UTC"
    if offset_hours in _ZONES_OF_PART_HOURS:
        return _ZONES_OF_PART_HOURS[offset_hours]
    whole = int(offset_hours) if -12 <= offset_hours <= 14 else 0
    # The sign is turned round in this family of names.
    return f"Etc/GMT{-whole:+d}" if whole else "UTC"


_ZONES_OF_PART_HOURS = {
    -9.5: "Pacific/Marquesas",
    3.5: "Asia/Tehran",
    4.5: "Asia/Kabul",
    5.5: "Asia/Kolkata",
    5.75: "Asia/Kathmandu",
    6.5: "Asia/Yangon",
    8.75: "Australia/Eucla",
    9.5: "Australia/Darwin",
}


def _why_not_sent(transport: StoreTransport, url: str, error: NotSent) -> ConnectorError:
    """Tell a bad certificate from a shop that is not there, by asking without TLS and without a key."""
    if error.permanent or not url.startswith("https://"):
        return error
    try:
        transport.request("GET", url.replace("https://", "http://", 1) + REST_ROOT)
    except ConnectorError:
        return error
    return NotSent(NO_TLS, permanent=True)


def _redirected(response: Response, url: str) -> ConnectorError:
    try:
        better = normalise_store_url(urljoin(url + REST_ROOT, response.headers.get("Location", "")))
    except (ConnectorError, ValueError):
        better = url
    advice = f" Connect with {better} instead." if better != url else ""
    return ConnectorError(
        f"The shop sends visitors on to another address.{advice}", permanent=True, status=response.status
    )


def _no_index(transport: StoreTransport, url: str) -> ConnectorError:
    """Tell plain permalinks from the folder of WordPress' own files and from no WordPress at all.

    All of WordPress answers `?rest_route=`, its own files' folder too, and says where its home is.
    """
    answer = transport.request("GET", f"{url}/?rest_route={quote('/', safe='')}")
    index = _index_in(answer)
    if index is not None:
        home = _home(text(index, "home"), url)
        if urlsplit(home).path != urlsplit(url).path:
            return _elsewhere(home, url)
    is_wordpress = index is not None or is_error_of_wordpress(answer)
    return ConnectorError(PLAIN_PERMALINKS if is_wordpress else NOT_WORDPRESS, permanent=True)


def _elsewhere(home: str, url: str) -> ConnectorError:
    if url.startswith("https://"):
        # A WordPress behind a proxy may not know of the TLS that we just used.
        home = home.replace("http://", "https://", 1)
    return ConnectorError(f"{NOT_HOME} Connect with {home} instead.", permanent=True)


def _index_in(response: Response) -> JsonObject | None:
    try:
        content = parse_object(response.body)
    except UnreadablePayload:
        return None
    is_index = response.status == 200 and isinstance(content.get("namespaces"), list)
    return content if is_index else None


def _served_at(response: Response) -> datetime | None:
    try:
        served_at = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return served_at if served_at.tzinfo else None


def _identity(url: str, index: JsonObject, status: JsonObject, settings: Mapping[str, Any]) -> StoreIdentity:
    environment = section(status, "environment")
    home = _home(text(index, "home") or text(environment, "home_url"), url)
    options = {text(row, "id"): row.get("value") for row in entries(dict(settings), "general")}
    country = options.get("woocommerce_default_country")
    return StoreIdentity(
        domain=home.split("://", 1)[1],
        name=unescape(text(index, "name")) or home.split("://", 1)[1],
        timezone=timezone_of(index),
        currency=text(section(status, "settings"), "currency"),
        country=country.split(":")[0] if isinstance(country, str) else "",
        locale="-".join(text(environment, "language").split("_")[:2]),
        home_url=home,
        scopes=("read_write",),
        store_uid=text(environment, "store_id"),
        postal_address=_on_one_line(options),
        plugins=_plugins(status),
    )


def _plugins(status: JsonObject) -> tuple[str, ...] | None:
    """The folders of the plugins that run; a key that may not see them says nothing.

    Source: WooCommerce REST API, system status, active_plugins (`woocommerce/woocommerce.php`).
    """
    if "active_plugins" not in status:
        return None
    return tuple(text(one, "plugin").partition("/")[0] for one in entries(status, "active_plugins"))


def _on_one_line(options: Mapping[str, Any]) -> str:
    """Street, then postcode and town, as far as the shop's settings name them."""
    street, more, code, town = (
        str(options.get(f"woocommerce_store_{name}") or "")
        for name in ("address", "address_2", "postcode", "city")
    )
    return ", ".join(filter(None, (street, more, f"{code} {town}".strip())))


def _home(claimed: str, url: str) -> str:
    try:
        return normalise_store_url(claimed)
    except ConnectorError:
        return url
