"""One call to the Admin GraphQL API and what its answer means.

Source: shopify.dev, API limits and GraphQL errors; facts of November 2026, section 3b.
"""

from collections.abc import Mapping
from typing import Any

from connectors.base import ConnectorError, JsonObject, Unauthorized
from connectors.transport import Response, StoreTransport

API_VERSION = "2026-10"
"""The only place that names the version; smsMarketingConsent does not exist before it."""


class Admin:
    """The Admin API of one shop.

    Args:
        base: the shop's address without a path.
        access_token: kept out of every message.
        transport: how to reach it.
    """

    def __init__(self, base: str, access_token: str, transport: StoreTransport) -> None:
        self._url = f"{base}/admin/api/{API_VERSION}/graphql.json"
        self._access_token = access_token
        self._transport = transport

    def run(self, document: str, variables: Mapping[str, Any] | None = None) -> JsonObject:
        """The `data` of an answer without errors.

        Raises:
            Unauthorized: the token is no longer accepted.
            ConnectorError: anything else; with `retry_after_seconds` where we asked too much at once.
        """
        response = self._transport.post_json(
            self._url,
            {"query": document, "variables": dict(variables or {})},
            {"X-Shopify-Access-Token": self._access_token, "Accept": "application/json"},
        )
        if response.status != _OK:
            raise _refusal(response)
        answer = response.json()
        if not isinstance(answer, dict):
            raise ConnectorError("the answer is not an object", status=response.status)
        if answer.get("errors"):
            raise _graphql_error(answer)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise ConnectorError("the answer has no data", status=response.status)
        return data


_OK = 200
_UNAUTHORIZED = frozenset({401, 403})
# The shop is frozen (402), locked (423), too busy (429) or slow (408): later it may answer again.
_PASSING = frozenset({402, 408, 423, 429})
_SERVER_ERROR = 500
# Without the bucket's own figures: what a thousand points need at the standard rate.
_DEFAULT_WAIT_SECONDS = 10.0
_SHORTEST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 60.0
_TRY_AGAIN = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})


def _refusal(response: Response) -> ConnectorError:
    status = response.status
    if status in _UNAUTHORIZED:
        return Unauthorized("Shopify no longer accepts the token", status=status)
    return ConnectorError(
        f"Shopify answered {status}",
        permanent=status < _SERVER_ERROR and status not in _PASSING,
        status=status,
        retry_after_seconds=response.retry_after_seconds(),
    )


def _graphql_error(answer: JsonObject) -> ConnectorError:
    """Errors come with status 200; their texts may quote our variables, so only codes are kept."""
    codes = _codes(answer["errors"])
    if "THROTTLED" in codes:
        return ConnectorError(
            "Shopify throttles us", status=_OK, retry_after_seconds=_seconds_until_affordable(answer)
        )
    named = ", ".join(sorted(codes)) or "unnamed"
    return ConnectorError(
        f"Shopify refused the query ({named})", permanent=not codes & _TRY_AGAIN, status=_OK
    )


def _codes(errors: object) -> frozenset[str]:
    listed = errors if isinstance(errors, list) else []
    extensions = [error.get("extensions") for error in listed if isinstance(error, dict)]
    found = [one.get("code") for one in extensions if isinstance(one, dict)]
    return frozenset(
        code for code in found if isinstance(code, str) and code.isascii() and code.isprintable()
    )


def _seconds_until_affordable(answer: JsonObject) -> float:
    """How long the bucket needs to hold what the query asks for."""
    try:
        cost = answer["extensions"]["cost"]
        bucket = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(bucket["currentlyAvailable"])
        seconds = missing / float(bucket["restoreRate"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return _DEFAULT_WAIT_SECONDS
    return min(max(seconds, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
