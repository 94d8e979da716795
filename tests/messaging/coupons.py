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
        body = json.loads(request.body or b"{}")
        self.asked += 1
        if self.status:
            return self.status, {}, json.dumps({"code": "error", "message": "not now"})
        if body["code"] in self.refused:
            return 400, {}, json.dumps({"code": "rest_invalid_param", "message": "no"})
        if body["code"] in self.made:
            taken = "woocommerce_rest_coupon_code_already_exists"
            return 400, {}, json.dumps({"code": taken, "message": "exists"})
        self.made[body["code"]] = {**body, "id": len(self.made) + 1}
        self.on_making()
        if self.loses_answers:
            raise requests.exceptions.ReadTimeout
        return 201, {}, json.dumps(self.made[body["code"]])

    def get(self, request: PreparedRequest) -> Reply:
        code = parse_qs(urlsplit(str(request.url)).query).get("code", [""])[0]
        return 200, {}, json.dumps([self.made[code]] if code in self.made else [])


@contextmanager
def open_coupons() -> Iterator[Coupons]:
    """The shop answers for as long as the block runs."""
    coupons = Coupons()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.add_callback(responses.POST, URL, callback=coupons.post, content_type="application/json")
        wire.add_callback(responses.GET, URL, callback=coupons.get, content_type="application/json")
        yield coupons
