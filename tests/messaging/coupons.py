"""A WooCommerce shop's coupons at the wire: made once a code, with answers that may get lost."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import responses
from requests import PreparedRequest

URL = "https://bottega.example/wp-json/wc/v3/coupons"
Reply = tuple[int, dict[str, str], str]


@dataclass
class Coupons:
    """The shop's side; every attribute may be changed by a test.

    Attributes:
        made: the coupons by code, as they were asked for.
        asked: how often somebody asked to make one.
        loses_answers: it makes the coupon and the line goes dead.
        status: what it answers instead of making anything; 0 is nothing.
        refused: codes that it does not want.
        on_making: called while the shop makes a coupon.
    """

    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0
    loses_answers: bool = False
    status: int = 0
    refused: set[str] = field(default_factory=set)
    on_making: Callable[[], None] = lambda: None

    def post(self, request: PreparedRequest) -> Reply:
        wanted = json.loads(request.body or b"{}")["create"]
        self.asked += len(wanted)
        if self.status:
            return self.status, {}, json.dumps({"code": "error", "message": "not now"})
        answer = {"create": [self._make(one) for one in wanted]}
        if self.loses_answers:
            raise requests.exceptions.ReadTimeout
        return 200, {}, json.dumps(answer)

    def _make(self, wanted: dict[str, Any]) -> dict[str, Any]:
        code = wanted["code"]
        if code in self.refused:
            return _refusal("rest_invalid_param")
        if code in self.made:
            return _refusal("woocommerce_rest_coupon_code_already_exists")
        self.made[code] = {**wanted, "id": len(self.made) + 1}
        self.on_making()
        return self.made[code]

    def get(self, request: PreparedRequest) -> Reply:
        code = parse_qs(urlsplit(str(request.url)).query).get("code", [""])[0]
        return 200, {}, json.dumps([self.made[code]] if code in self.made else [])


def _refusal(code: str) -> dict[str, Any]:
    return {"id": 0, "error": {"code": code, "message": "no", "data": {"status": 400}}}


@contextmanager
def open_coupons() -> Iterator[Coupons]:
    """The shop answers for as long as the block runs."""
    coupons = Coupons()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.add_callback(
            responses.POST, f"{URL}/batch", callback=coupons.post, content_type="application/json"
        )
        wire.add_callback(responses.GET, URL, callback=coupons.get, content_type="application/json")
        yield coupons
