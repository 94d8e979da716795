"""What Twilio calls back."""

import base64
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from connectors.base import InvalidSignature, UnreadablePayload
from connectors.channels.twilio.codes import CODES
from connectors.channels.twilio.events import STATUSES, read_inbound, read_status, verify, word
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate, Word

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "twilio" / "signature.json").read_text()
)
TOKEN = VECTORS["auth_token"]
FORM = VECTORS["cases"][0]
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
SID = "SM" + "2" * 32


def _body(params: Any) -> bytes:
    if isinstance(params, str):
        return params.encode()
    pairs = params.items() if isinstance(params, dict) else [tuple(pair) for pair in params]
    return urlencode(list(pairs)).encode()


@pytest.mark.parametrize("case", [*VECTORS["cases"], *VECTORS["derived"]], ids=lambda case: case["name"])
def test_the_vectors_of_twilios_own_package(case: dict[str, Any]) -> None:
    headers = {"x-twilio-signature": case["signature"]}
    if "algorithm" in case:
        headers["x-twilio-webhooks-signature-settings"] = f"key=k1,algorithm={case['algorithm']}"
    try:
        verify(case["url"], headers, _body(case["params"]), [TOKEN])
        is_signed = True
    except InvalidSignature:
        is_signed = False

    assert is_signed is case["valid"]


SIGNED = {"X-Twilio-Signature": FORM["signature"]}


def _check(url: str = FORM["url"], body: bytes = _body(FORM["params"]), **changes: Any) -> None:
    verify(url, changes.get("headers", SIGNED), body, changes.get("tokens", [TOKEN]))


def test_an_empty_token_signs_nothing() -> None:
    signed = base64.b64encode(hmac.new(b"", f"{FORM['url']}a1".encode(), "sha1").digest()).decode()

    with pytest.raises(InvalidSignature):
        _check(body=b"a=1", headers={"X-Twilio-Signature": signed}, tokens=[""])


def test_what_stands_behind_the_mark_is_not_signed() -> None:
    _check(url=f"{FORM['url']}#rc=5&rp=all")


def test_the_old_token_and_the_new_one_will_do() -> None:
    _check(tokens=["another", "", TOKEN])


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": []},
        {"tokens": [""]},
        {"tokens": ["54321"]},
        {"headers": {}},
        {"headers": {"X-Twilio-Signature": None}},
        {"headers": {"X-Twilio-Signature": FORM["signature"].encode()}},
        {"headers": {"X-Twilio-Signature": ""}},
        {"headers": {"X-Twilio-Signature": "è"}},
        {"headers": {"X-Twilio-Signature": "half \ud83d"}},
        {"headers": {**SIGNED, "X-Twilio-Webhooks-Signature-Settings": "key=k1,algorithm=NONE"}},
        {"headers": {**SIGNED, "X-Twilio-Webhooks-Signature-Settings": "algorithm=HMAC_SHA256"}},
        {"body": b""},
        {"body": b"\xff\xfe"},
        {"body": b"no form"},
        {"body": b"a=%ff"},
        {"url": "https://mycompany.com:port/myapp.php"},
        {"url": "https://[::1/"},
        {"url": ""},
        {"url": "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=è"},
    ],
)
def test_what_is_not_signed_is_refused_and_breaks_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSignature):
        _check(**changes)


def _told(**changes: str) -> list[DeliveryUpdate]:
    form = {
        "MessageSid": SID,
        "MessageStatus": "delivered",
        "To": "+393331234567",
        "From": "+15005550006",
        "AccountSid": "AC1",
        "RawDlrDoneDate": "2611260900",
        **changes,
    }
    return read_status(urlencode(form).encode(), "4712", received_at=NOW)


def test_a_callback_is_read_whole() -> None:
    assert _told() == [
        DeliveryUpdate(
            kind=DeliveryKind.DELIVERED,
            occurred_at=NOW,
            key="4712:delivered",
            message_id="4712",
            address="+393331234567",
            reason="delivered",
        )
    ]


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_every_status_has_its_kind(status: str, kind: DeliveryKind) -> None:
    [update] = _told(MessageStatus=status)

    assert (update.kind, update.advice, update.reason) == (kind, Advice.NOTHING, status)


@pytest.mark.parametrize(("code", "row"), CODES.items())
def test_a_failure_means_what_its_code_says(code: int, row: Any) -> None:
    [update] = _told(MessageStatus="undelivered", ErrorCode=str(code))

    assert (update.kind, update.advice) == (row.kind, row.advice)
    assert update.reason == f"undelivered {code}: {row.words}"
    assert len(update.reason) <= 200


DOCUMENTED = [
    ([21610, 30004], DeliveryKind.BLOCKED, Advice.SUPPRESS),
    ([30005, 30006, 63003], DeliveryKind.BOUNCED, Advice.SUPPRESS),
    ([30003, 30008], DeliveryKind.BLOCKED, Advice.COUNT),
    ([30007, 30034], DeliveryKind.FAILED, Advice.ALERT),
    ([30002], DeliveryKind.FAILED, Advice.PAUSE_SENDER),
    ([30036, 30450], DeliveryKind.FAILED, Advice.NOTHING),
]


@pytest.mark.parametrize(("codes", "kind", "advice"), DOCUMENTED)
def test_documented_codes_are_in_the_table(codes: list[int], kind: DeliveryKind, advice: Advice) -> None:
    assert {code: (CODES[code].kind, CODES[code].advice) for code in codes} == dict.fromkeys(
        codes, (kind, advice)
    )


@pytest.mark.parametrize(
    ("code", "reason"), [("99999", "failed 99999"), ("", "failed"), ("0", "failed"), ("½", "failed")]
)
def test_a_failure_without_a_known_code_is_a_failure(code: str, reason: str) -> None:
    [update] = _told(MessageStatus="failed", ErrorCode=code)

    assert (update.kind, update.advice, update.reason) == (DeliveryKind.FAILED, Advice.NOTHING, reason)


def test_a_code_beside_a_good_status_changes_nothing() -> None:
    [update] = _told(MessageStatus="delivered", ErrorCode="30007")

    assert (update.kind, update.advice) == (DeliveryKind.DELIVERED, Advice.NOTHING)


def test_a_status_that_we_do_not_know_is_left_out() -> None:
    assert _told(MessageStatus="levitating") == []


def test_without_our_id_the_key_is_twilios() -> None:
    [update] = read_status(f"MessageSid={SID}&MessageStatus=SENT".encode(), None, received_at=NOW)

    assert (update.key, update.message_id) == (f"{SID}:sent", None)


@pytest.mark.parametrize(
    "body", [b"", b"MessageSid=SM1", b"MessageStatus=sent", b"\xff", b"{}", b"&".join([b"a=1"] * 2000)]
)
def test_a_callback_without_message_or_status_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        read_status(body, "4712", received_at=NOW)


def _replied(**form: str) -> DeliveryUpdate:
    told = {"MessageSid": SID, "From": "+393331234567", "To": "+39366", "Body": "ciao", **form}
    [update] = read_inbound(urlencode(told).encode(), received_at=NOW)
    return update


def test_a_reply_is_read_whole() -> None:
    assert _replied(Body="Grazie! 🎂") == DeliveryUpdate(
        kind=DeliveryKind.REPLIED,
        occurred_at=NOW,
        key=f"{SID}:reply",
        address="+393331234567",
        word=Word.OTHER,
        text="Grazie! 🎂",
    )


STOPS = "STOP Stop. stop! S.T.O.P. STOPALL UNSUBSCRIBE END QUIT CANCEL REVOKE OPTOUT opt-out".split()
ITALIAN_STOPS = [
    "BASTA",
    "basta!!",
    "Cancellami",
    "DISISCRIVIMI",
    "Stop SMS",
    "STOP  sms\n",
    "«Stop»",
    "ＳＴＯＰ",
]


@pytest.mark.parametrize("text", [*STOPS, *ITALIAN_STOPS])
def test_a_stop_is_known_however_it_is_written(text: str) -> None:
    update = _replied(Body=text)

    assert (update.word, update.advice) == (Word.STOP, Advice.SUPPRESS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("START", Word.START),
        ("Unstop", Word.START),
        ("yes", Word.START),
        ("HELP", Word.HELP),
        ("aiuto?", Word.HELP),
        ("info", Word.HELP),
        ("non stop", Word.OTHER),
        ("please stop", Word.OTHER),
        ("sì", Word.OTHER),
        ("", Word.OTHER),
        ("...", Word.OTHER),
    ],
)
def test_other_words_mean_what_they_say(text: str, expected: Word) -> None:
    assert word(text) is expected
    assert _replied(Body=text).advice is Advice.NOTHING


@pytest.mark.parametrize(
    ("told", "text", "expected"),
    [
        ("STOP", "ciao", Word.STOP),
        ("start", "stop", Word.START),
        ("HELP", "x", Word.HELP),
        ("?", "stop", Word.STOP),
    ],
)
def test_what_twilio_took_it_for_comes_first(told: str, text: str, expected: Word) -> None:
    assert _replied(Body=text, OptOutType=told).word is expected


def test_a_reply_is_cut_to_what_a_database_takes() -> None:
    update = _replied(Body="a\x00" + "b" * 5000)

    assert "\x00" not in update.text
    assert len(update.text) <= 1600


@pytest.mark.parametrize("body", [b"", b"MessageSid=SM1&Body=x", b"From=%2B39&Body=x"])
def test_a_reply_of_nobody_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        read_inbound(body, received_at=NOW)
