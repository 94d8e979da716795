"""One signed call of a store's REST API, and what its refusals mean."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from connectors.base import ConnectorError, JsonObject, Unauthorized, UnreadablePayload
from connectors.storefronts.woocommerce.auth import StoreKeys, sign
from connectors.storefronts.woocommerce.payload import as_object, as_objects, has_only_plain_text, parse
from connectors.transport import Response, StoreTransport

API = "wc/v3/"

KEY_REFUSED = (
    "The store no longer accepts our key. It was revoked, or the account that made it is gone: "
    "connect the store again."
)
OWNER_DEMOTED = (
    "The store accepts our key, but the account that made it may no longer manage the shop. "
    "Connect again as an administrator or shop manager."
)
READ_ONLY = (
    "The key may only read. Make a new one with the permission Read/Write in WooCommerce > Settings > "
    "Advanced > REST API."
)
WRITE_ONLY = (
    "The key may only write. Make a new one with the permission Read/Write in WooCommerce > Settings > "
    "Advanced > REST API."
)
INACTIVE = "WooCommerce is switched off in this WordPress, or it is older than version 3.5."
FIREWALL = "Something in front of the shop (a firewall or a security plugin) turned our call away."
LOCKED = "The whole site asks for a password before it answers. Switch that off, or let /wp-json/ through."


class Refused(ConnectorError):
    """The store understood the call and said no. `code` is WordPress' word for it, "" without one."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        permanent: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, permanent=permanent, status=status, retry_after_seconds=retry_after_seconds)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: the JSON value and the headers, which are read without regard to case.

    Attributes:
        is_plain: no text in it can be one that no database keeps.
    """

    value: Any
    headers: Mapping[str, str]
    is_plain: bool = False

    def one(self) -> JsonObject:
        """The answer as one object; raises UnreadablePayload where it is none that can be kept."""
        return as_object(self.value, is_plain=self.is_plain)

    def many(self) -> list[JsonObject]:
        """The answer as a list of objects; raises as `one` does."""
        return as_objects(self.value, is_plain=self.is_plain)

    def number(self, header: str) -> int | None:
        """A count from a header such as `X-WP-Total`, or None where the store does not say."""
        written = self.headers.get(header, "").strip()
        return int(written) if written.isascii() and written.isdigit() and len(written) <= _DIGITS else None


@dataclass(frozen=True, slots=True)
class Calls:
    """The REST API of one store. Nothing is tried twice; a redirect is never followed."""

    keys: StoreKeys
    transport: StoreTransport

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Read a resource below `wc/v3/`.

        Raises:
            Unauthorized: the key, or the account behind it, is no longer accepted.
            Refused: any other answer than success.
            ConnectorError: no answer, or one that is not JSON.
        """
        return self._call("GET", path, params=params)

    def post(self, path: str, payload: object) -> Answer:
        """Write JSON below `wc/v3/`; raises as `get` does."""
        return self._call("POST", path, payload=payload)

    def delete(self, path: str) -> Answer:
        """Delete for good, past the trash; raises as `get` does."""
        return self._call("DELETE", path, params={"force": "true"})

    def _call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, payload: object = None
    ) -> Answer:
        url, headers = sign(self.keys, method, API + path, params)
        url, _, query = url.partition("?")
        body = None
        if payload is not None:
            body = json.dumps(payload).encode()
            headers["Content-Type"] = "application/json"
        response = self.transport.request(method, url, headers=headers, query=query, body=body)
        if not _is_success(response.status):
            raise refusal(response)
        try:
            return Answer(parse(response.body), response.headers, has_only_plain_text(response.body))
        except UnreadablePayload:
            raise ConnectorError(
                "the store answered a page instead of data", status=response.status
            ) from None


@contextmanager
def reading_answer() -> Iterator[None]:
    """Turn the unreadable parts of a good answer into a ConnectorError that may pass."""
    try:
        yield
    except UnreadablePayload as error:
        raise ConnectorError(f"the store's answer cannot be read: {error}") from None


def refusal(response: Response) -> ConnectorError:
    """The error that an unsuccessful answer stands for; no text of the store gets into it."""
    status, (code, message) = response.status, _error_of(response.body)
    if code == "rest_no_route":
        return Refused(INACTIVE, status=status, code=code, permanent=True)
    if status == 401:
        return _unauthorized(code, message)
    if status == 403 and code:
        return Unauthorized(OWNER_DEMOTED, status=status, reason="owner")
    retry_after = response.retry_after_seconds()
    if status == 403:
        # An account's refusal is JSON; a page comes from a firewall and may be over in a minute.
        return Refused(FIREWALL, status=status, retry_after_seconds=retry_after)
    if 300 <= status < 400:
        return Refused("the store sends our calls to another address", status=status)
    is_permanent = 400 <= status < 500 and status not in _PASSING and bool(code)
    return Refused(
        f"the store answered {status}{f' ({code})' if code else ''}",
        status=status,
        code=code,
        permanent=is_permanent,
        retry_after_seconds=retry_after,
    )


def is_error_of_wordpress(response: Response) -> bool:
    """Whether an answer is a refusal in WordPress' own words, and no page of somebody else."""
    return _error_of(response.body)[0].startswith("rest_")


def item_refusal(item: JsonObject) -> Refused | None:
    """Why one item of a batch was refused, or None if it was done; no text of the store gets into it.

    The batch as a whole is answered 200. Source: facts of two measured stores, section 4.
    """
    error = item.get("error")
    if not isinstance(error, dict):
        return None
    code, found = error.get("code"), error.get("data")
    named = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    status = found.get("status") if isinstance(found, dict) else None
    status = status if isinstance(status, int) else 400
    is_permanent = status < 500 and bool(named)
    shown = f"the store refused it with {status}{f' ({named})' if named else ''}"
    return Refused(shown, status=status, code=named, permanent=is_permanent)


_DIGITS = 12
_PASSING = (408, 423, 425, 429)
_CODE = re.compile(r"[a-z0-9_]{1,80}")

# WooCommerce's own words, in an English store; elsewhere the general text has to do.
_UNAUTHORIZED = (
    ("write permissions", READ_ONLY, "read-only"),
    ("read permissions", WRITE_ONLY, "write-only"),
    (
        "consumer key is invalid",
        "The store does not know this key. Was it revoked, or made in another shop?",
        "key",
    ),
    ("secret is invalid", "The secret does not belong to this key. Copy both again.", "key"),
    ("signature does not match", "The secret does not belong to this key. Copy both again.", "key"),
    ("timestamp", "The clock of the store's server is wrong by more than 15 minutes.", "clock"),
)


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _error_of(body: bytes) -> tuple[str, str]:
    """WordPress' code and message of a JSON error, ("", "") for a page."""
    try:
        payload = parse(body)
    except UnreadablePayload:
        return "", ""
    if not isinstance(payload, dict):
        return "", ""
    code, message = payload.get("code"), payload.get("message")
    is_word = isinstance(code, str) and _CODE.fullmatch(code) is not None
    return (str(code) if is_word else ""), (message if isinstance(message, str) else "")


def _unauthorized(code: str, message: str) -> Unauthorized:
    if not code:
        return Unauthorized(LOCKED, reason="locked")
    said = message.lower()
    for fragment, text, reason in _UNAUTHORIZED:
        if fragment in said:
            return Unauthorized(text, reason=reason)
    return Unauthorized(KEY_REFUSED, reason="key")
