"""The official packages work against the emulated providers as they do against the real ones."""

from collections.abc import Iterator

import pytest
from python_http_client.exceptions import BadRequestsError, UnauthorizedError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Bcc, Category, Content, CustomArg, Email, Header, Mail, Personalization, To
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.connectors.sandbox.sandbox_providers import KNOWN, SENDER, Pair, open_pair, serving

ANNA = "+393331234567"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with open_pair(tmp_path_factory.mktemp("packages")) as opened, serving(opened) as served:
        yield served


@pytest.fixture
def twilio(pair: Pair) -> Iterator[Client]:
    http = TwilioHttpClient(timeout=5)
    client = Client(KNOWN.account_sid, KNOWN.auth_token, http_client=http)
    client.api.base_url = client.messaging.base_url = f"{pair.url}/twilio"
    yield client
    assert http.session is not None
    http.session.close()


def sendgrid(pair: Pair, key: str = KNOWN.sendgrid_api_key) -> SendGridAPIClient:
    client = SendGridAPIClient(key, host=f"{pair.url}/sendgrid")
    client.client.timeout = 5
    return client


def written(subject: str = "Ciao") -> Mail:
    mail = Mail(from_email=Email(SENDER, "Bottega"), subject=subject)
    one = Personalization()
    one.add_to(To("anna@example.com"))
    one.add_bcc(Bcc("copia@example.com"))
    one.add_custom_arg(CustomArg("mid", "m-1"))
    mail.add_personalization(one)
    mail.add_content(Content("text/plain", "Ciao Anna"))
    mail.add_content(Content("text/html", "<p>Ciao Anna</p>"))
    mail.add_header(Header("List-Unsubscribe", "<https://shop.example.com/u/1>"))
    mail.add_category(Category("welcome"))
    return mail


def test_a_mail_goes_out_with_the_sendgrid_package(pair: Pair) -> None:
    answer = sendgrid(pair).send(written())

    assert (answer.status_code, answer.body) == (202, b"")
    line = pair.providers.log.lines[-1]
    assert line["id"].startswith(answer.headers["X-Message-Id"])
    assert line["sent"]["headers"] == {"List-Unsubscribe": "<https://shop.example.com/u/1>"}


def test_the_sendgrid_package_tells_of_refusals(pair: Pair) -> None:
    with pytest.raises(BadRequestsError) as refused:
        sendgrid(pair).send(written(subject=""))
    with pytest.raises(UnauthorizedError):
        sendgrid(pair, "SG.wrong").send(written())

    assert [error["field"] for error in refused.value.to_dict["errors"]] == ["subject"]


def test_the_sendgrid_package_reads_the_account(pair: Pair) -> None:
    client = sendgrid(pair).client

    scopes = client.scopes.get()
    webhook = client.user.webhooks.event.settings.post(
        request_body={"url": "http://127.0.0.1:1/", "open": True}
    )
    bounces = client.suppression.bounces.get(query_params={"limit": 10, "offset": 0})
    found = client.logs.post(request_body={"query": 'to_email = "anna@example.com"', "limit": 10})

    assert b"mail.send" in scopes.body
    assert (webhook.status_code, bounces.body, found.status_code) == (201, b"[]\n", 200)


def test_a_message_goes_out_with_the_twilio_package(pair: Pair, twilio: Client) -> None:
    sent = twilio.messages.create(
        to=ANNA,
        messaging_service_sid=KNOWN.service_sid,
        body="Ciao Anna",
        status_callback="http://127.0.0.1:1/t?m=m-2",
        validity_period=14400,
        smart_encoded=True,
        risk_check="disable",
    )
    fetched = twilio.messages(str(sent.sid)).fetch()

    assert (sent.status, sent.num_segments, fetched.body) == ("accepted", "0", "Ciao Anna")
    assert pair.providers.log.lines[-1]["mid"] == "m-2"


def test_the_twilio_package_tells_of_refusals(twilio: Client) -> None:
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages.create(to="+15005550004", messaging_service_sid=KNOWN.service_sid, body="Ciao")

    assert (refused.value.code, refused.value.status) == (21610, 400)


def test_the_twilio_package_pages_through_the_list(pair: Pair, twilio: Client) -> None:
    bodies = [str(number) for number in range(5)]
    for body in bodies:
        twilio.messages.create(to="+393337654321", messaging_service_sid=KNOWN.service_sid, body=body)

    listed = twilio.messages.list(to="+393337654321", page_size=2)

    assert [one.body for one in listed] == bodies[::-1]


def test_the_twilio_package_reads_the_service(twilio: Client) -> None:
    assert twilio.messaging.v1.services(KNOWN.service_sid).fetch().friendly_name == "Sandbox"
