"""What our plugin's deliveries say, and which of them are not believed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import ConsentRecord, ConsentState, ConsentUpdate, CustomerRecord, UnreadablePayload
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import records
from connectors.storefronts.woocommerce.topics import STATEMENTS

AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
YES = {"channel": "email", "state": "subscribed", "wording": "Offers by e-mail."}
SAID: dict[str, Any] = {
    "version": 1,
    "place": "checkout",
    "customer_id": 7,
    "order_id": 71,
    "email": "Anna@Example.com",
    "phone": "+393331234567",
    "locale": "it_IT",
    "occurred_at": "2026-11-02T08:30:00Z",
    "birthday": "1985-03-14",
    "consents": [YES],
}


def _read(**changes: Any) -> list[Any]:
    body = json.dumps({"action": "wc_ritorno_consent", "arg": {**SAID, **changes}}).encode()
    return records(STATEMENTS, body, MetaMapping(), None)


def test_a_statement_is_a_consent_with_its_wording_and_what_else_was_told() -> None:
    said = ConsentRecord(
        "email",
        ConsentState.SUBSCRIBED,
        "consent",
        AT,
        "ritorno-plugin:checkout",
        wording="Offers by e-mail.",
    )

    assert _read() == [
        CustomerRecord(
            "7", email="anna@example.com", locale="it-IT", birth_year=1985, birth_month=3, birth_day=14
        ),
        ConsentUpdate("7", said, email="anna@example.com", phone="+393331234567"),
    ]


def test_a_guest_is_known_by_the_address() -> None:
    told, consent = _read(customer_id=0, birthday="")

    assert (told.external_id, told.birth_month) == (None, None)
    assert (consent.customer_external_id, consent.email) == (None, "anna@example.com")


def test_a_refusal_needs_no_wording_and_has_no_basis() -> None:
    _, update = _read(consents=[{"channel": "sms", "state": "unsubscribed"}], place="<script>")

    assert (update.consent.state, update.consent.basis) == (ConsentState.UNSUBSCRIBED, None)
    assert (update.consent.source, update.consent.wording) == ("ritorno-plugin:unknown", None)


@pytest.mark.parametrize(
    "row",
    [
        {**YES, "channel": "carrier-pigeon"},
        {**YES, "state": "maybe"},
        {},
    ],
    ids=["channel", "state", "nothing"],
)
def test_what_a_later_plugin_may_say_is_left_out(row: dict[str, str]) -> None:
    assert len(_read(consents=[row, YES])) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"customer_id": 0, "email": ""},
        {"consents": [{**YES, "wording": " "}]},
        {"occurred_at": ""},
        {"occurred_at": "yesterday"},
        {"consents": "yes"},
    ],
    ids=["nobody", "no wording", "no moment", "not a moment", "not a list"],
)
def test_what_proves_nothing_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadablePayload):
        _read(**changes)


@pytest.mark.parametrize("argument", [[], "", None, {}], ids=repr)
def test_an_action_without_our_argument_is_unreadable(argument: object) -> None:
    """The body's shape for objects and missing arguments: facts of two measured stores, section 3."""
    body = json.dumps({"action": "wc_ritorno_consent", "arg": argument}).encode()

    with pytest.raises(UnreadablePayload):
        records(STATEMENTS, body, MetaMapping(), None)


def test_other_plugins_actions_are_of_no_use() -> None:
    body = json.dumps({"action": "wc_other", "arg": SAID}).encode()

    assert records("action.wc_other", body, MetaMapping(), None) == []
