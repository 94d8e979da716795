"""A mail's body is written by us; the package's own `Mail` says what it must be."""

from typing import Any

import pytest
from sendgrid.helpers.mail import (
    Category,
    ClickTracking,
    Content,
    CustomArg,
    From,
    Ganalytics,
    Header,
    Mail,
    MailSettings,
    OpenTracking,
    Personalization,
    SandBoxMode,
    Subject,
    SubscriptionTracking,
    To,
    TrackingSettings,
)

from connectors.base import ConnectorError, OutgoingMessage
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.package import mail_body
from tests.connectors.channels.channel_stage import mail


@pytest.mark.parametrize("settings", [{}, {"installation": "here"}, {"is_sandbox": True}])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"track_clicks": True},
        {"text": ""},
        {"html": None},
        {"labels": ()},
        {"headers": {}},
        {"from_name": ""},
        {"to_address": '"a b"@example.com'},
        {"subject": "Caffè ☕ <b>", "from_name": "L'Orto & Co", "labels": ("W1", "welcome", "W1", "")},
    ],
)
def test_a_body_is_the_one_that_the_package_makes(changes: dict[str, Any], settings: dict[str, Any]) -> None:
    account = SendGridAccount("SG.a.b", store_id="7", **settings)

    body = mail_body(mail(**changes), account)

    assert body == _as_the_package_makes_it(mail(**changes), account)


@pytest.mark.parametrize("place", ["text", "html"])
def test_a_mail_that_begins_with_a_key_does_not_leave(place: str) -> None:
    with pytest.raises(ConnectorError, match="API key") as failure:
        mail_body(mail(**{place: "SG.secret.key"}), SendGridAccount("SG.a.b"))

    assert failure.value.permanent


def _as_the_package_makes_it(message: OutgoingMessage, account: SendGridAccount) -> Any:
    made = Mail()
    made.from_email = From(message.from_address, message.from_name or None)
    recipient, person = To(), Personalization()
    recipient.email = message.to_address
    person.add_to(recipient)
    person.add_custom_arg(CustomArg("mid", message.message_id))
    person.add_custom_arg(CustomArg("store", account.store_id))
    if account.installation:
        person.add_custom_arg(CustomArg("home", account.installation))
    made.add_personalization(person)
    made.subject = Subject(message.subject)
    for kind, text in (("text/plain", message.text), ("text/html", message.html)):
        if text:
            made.add_content(Content(kind, text))
    for name, value in message.headers.items():
        made.add_header(Header(name, value))
    for label in reversed(list(dict.fromkeys(filter(None, message.labels)))):
        made.add_category(Category(label))
    made.tracking_settings = TrackingSettings(
        ClickTracking(message.track_clicks, message.track_clicks),
        OpenTracking(enable=False),
        SubscriptionTracking(enable=False),
        Ganalytics(enable=False),
    )
    if account.is_sandbox:
        made.mail_settings = MailSettings(sandbox_mode=SandBoxMode(enable=True))
    return made.get()
