"""Is a post of SendGrid's signed? By the vectors of its own package."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import InvalidSignature
from connectors.channels.sendgrid.events import verify
from connectors.channels.sendgrid.signature import SIGNATURE, TIMESTAMP

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "sendgrid" / "signature.json").read_text()
)
SIGNED_AT = datetime.fromtimestamp(int(VECTORS["timestamp"]), UTC)
OTHER_KEY = VECTORS["must_fail"][0]["public_key"]


def _check(*keys: str, now: datetime = SIGNED_AT, **changes: Any) -> None:
    told = {**VECTORS, **changes}
    headers = {SIGNATURE: told["signature"], TIMESTAMP: told["timestamp"]}
    verify(headers, told["payload"].encode(), keys or (told["public_key"],), now=now)


def test_the_vector_is_signed() -> None:
    _check()


@pytest.mark.parametrize(
    "keys",
    [
        (VECTORS["public_key"], OTHER_KEY),
        (OTHER_KEY, VECTORS["public_key"]),
        ("", "no key", VECTORS["public_key"]),
        (f"{VECTORS['public_key'][:64]}\n{VECTORS['public_key'][64:]}\n",),
    ],
)
def test_any_of_several_keys_will_do(keys: tuple[str, ...]) -> None:
    _check(*keys)


def test_headers_are_found_in_any_case() -> None:
    headers = {SIGNATURE.lower(): VECTORS["signature"], TIMESTAMP.upper(): VECTORS["timestamp"]}

    verify(headers, VECTORS["payload"].encode(), [VECTORS["public_key"]], now=SIGNED_AT)


@pytest.mark.parametrize("changes", VECTORS["must_fail"], ids=lambda changes: changes["why"])
def test_what_must_fail_fails(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSignature):
        _check(**changes)


@pytest.mark.parametrize(
    "changes", VECTORS["must_not_raise_500"], ids=lambda changes: str(changes["signature"])
)
def test_a_broken_signature_is_an_invalid_one(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSignature):
        _check(**changes)


@pytest.mark.parametrize("keys", [("",), ("%%%",), ("QUJD",), ("è",)])
def test_without_a_usable_key_the_door_is_closed(keys: tuple[str, ...]) -> None:
    with pytest.raises(InvalidSignature):
        _check(*keys)


def test_without_any_key_the_door_is_closed() -> None:
    headers = {SIGNATURE: VECTORS["signature"], TIMESTAMP: VECTORS["timestamp"]}

    with pytest.raises(InvalidSignature):
        verify(headers, VECTORS["payload"].encode(), [], now=SIGNED_AT)


def test_without_headers_nothing_is_signed() -> None:
    with pytest.raises(InvalidSignature):
        verify({}, b"[]", [VECTORS["public_key"]], now=SIGNED_AT)


@pytest.mark.parametrize("age", [timedelta(hours=24, minutes=59), timedelta(0), timedelta(minutes=-9)])
def test_a_post_is_fresh_for_as_long_as_it_is_tried_again(age: timedelta) -> None:
    _check(now=SIGNED_AT + age)


@pytest.mark.parametrize("age", [timedelta(hours=25, seconds=1), timedelta(minutes=-11), timedelta(days=900)])
def test_an_old_post_or_one_from_the_future_is_refused(age: timedelta) -> None:
    with pytest.raises(InvalidSignature, match="too old or from the future"):
        _check(now=SIGNED_AT + age)
