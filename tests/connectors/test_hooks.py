"""Calls to a merchant's address: signed as Standard Webhooks has it, and judged by what was answered."""

import base64
import json
from datetime import UTC, datetime

import pytest
import responses

from connectors import hooks
from connectors.base import ConnectorError
from connectors.hooks import Call
from connectors.transport import StoreTransport

URL = "https://crm.example/hook"
# The example of the specification (Standard Webhooks 1.0, "Signature scheme"; also in its libraries' tests).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
AT = datetime.fromtimestamp(1614265330, UTC)
TOLD = {"test": 2432232314}


def test_the_signature_is_that_of_the_specification() -> None:
    key = hooks.key_of(SECRET)

    assert key is not None
    found = hooks.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert found == SIGNED


@responses.activate
def test_a_call_carries_its_id_its_moment_and_a_signature_over_the_very_bytes() -> None:
    responses.post(URL, status=204)

    hooks.post(StoreTransport(allow_private=True), Call("msg_1", URL, TOLD), SECRET, AT)

    sent = responses.calls[0].request
    assert json.loads(sent.body or b"") == TOLD
    assert sent.headers["webhook-id"] == "msg_1"
    assert sent.headers["webhook-timestamp"] == "1614265330"
    body = sent.body if isinstance(sent.body, bytes) else str(sent.body).encode()
    signed = hooks.signature(base64.b64decode(SECRET[6:]), "msg_1", "1614265330", body)
    assert sent.headers["webhook-signature"] == f"v1,{signed}"


@responses.activate
@pytest.mark.parametrize(
    ("status", "is_permanent"),
    [(301, True), (307, True), (400, False), (404, False), (410, True), (429, False), (500, False)],
)
def test_whatever_is_no_yes_was_not_heard(status: int, is_permanent: bool) -> None:
    responses.post(URL, status=status, headers={"Location": "http://169.254.169.254/"})

    with pytest.raises(ConnectorError) as caught:
        hooks.post(StoreTransport(allow_private=True), Call("msg_1", URL, TOLD), SECRET, AT)

    assert (caught.value.permanent, caught.value.status) == (is_permanent, status)
    assert len(responses.calls) == 1


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%"]
)
def test_without_a_secret_nothing_is_told(secret: str) -> None:
    with pytest.raises(ConnectorError, match="no signing secret"):
        hooks.post(StoreTransport(allow_private=True), Call("msg_1", URL, TOLD), secret, AT)


def test_no_address_in_our_own_network_is_called() -> None:
    with pytest.raises(ConnectorError, match="not a public one") as caught:
        hooks.post(StoreTransport(), Call("msg_1", "https://127.0.0.1/hook", TOLD), SECRET, AT)

    assert caught.value.permanent
