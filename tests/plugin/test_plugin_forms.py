"""The plugin's forms, run by php: what is asked, what is told of it, and what is refused."""

import re

import pytest

from connectors.storefronts.woocommerce.plugin.package import SOURCE
from tests.plugin.plugin_php import EVERYTHING, OPTION, Site, ordered, php, saved_account

EMAIL_WORDING = (
    "I would like to receive offers and news from Bottega d'Angelo by e-mail. "
    "I can take this back at any time."
)
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.php"))
CHECKOUTS = [
    pytest.param("classic", "ritorno_email", "ritorno_sms", "ritorno_birthday", id="classic"),
    pytest.param(
        "block", "ritorno/email-consent", "ritorno/sms-consent", "ritorno/birthday", id="block checkout"
    ),
]


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_php(name: str) -> None:
    assert "No syntax errors" in php("-l", str(SOURCE / name))


@pytest.mark.parametrize("name", FILES)
def test_no_file_does_anything_when_it_is_opened_by_itself(name: str) -> None:
    assert php(str(SOURCE / name)) == ""


@pytest.mark.parametrize(("step", "email", "sms", "birthday"), CHECKOUTS)
def test_a_ticked_box_is_told_with_the_wording_beside_it(
    step: str, email: str, sms: str, birthday: str
) -> None:
    happened = Site().run(ordered(step, {email: "1", birthday: "14/03/1985"}, customer_id=7))

    (told,) = happened.told
    assert told.pop("occurred_at").endswith("Z")
    assert told == {
        "version": 1,
        "place": "checkout",
        "customer_id": 7,
        "order_id": 71,
        "email": "Anna@Example.com",
        "phone": "+39 333 1234567",
        "locale": "en_US",
        "birthday": "1985-03-14",
        "consents": [{"channel": "email", "state": "subscribed", "wording": EMAIL_WORDING}],
    }


@pytest.mark.parametrize(("step", "email", "sms", "birthday"), CHECKOUTS)
def test_boxes_left_empty_tell_nothing(step: str, email: str, sms: str, birthday: str) -> None:
    assert Site().run(ordered(step, {})).bodies == ()


@pytest.mark.parametrize(("step", "email", "sms", "birthday"), CHECKOUTS)
def test_each_channel_is_a_consent_of_its_own(step: str, email: str, sms: str, birthday: str) -> None:
    (told,) = Site().run(ordered(step, {sms: "1"})).told

    assert [(one["channel"], one["state"]) for one in told["consents"]] == [("sms", "subscribed")]
    assert told["consents"][0]["wording"].endswith("by text message. I can take this back at any time.")


@pytest.mark.parametrize(("step", "email", "sms", "birthday"), CHECKOUTS)
@pytest.mark.parametrize("typed", ["31/02/1985", "yesterday", "1985-13-01", "01/01/1800", "2999-01-01"])
def test_a_birthday_that_is_none_stops_the_order(
    step: str, email: str, sms: str, birthday: str, typed: str
) -> None:
    happened = Site().run(ordered(step, {email: "1", birthday: typed}))

    assert list(happened.errors) == ["ritorno_birthday"]
    assert happened.bodies == ()


@pytest.mark.parametrize("typed", ["1985-03-14", "14/03/1985", "14.3.1985", "14-03-1985"])
def test_a_birthday_is_read_in_the_forms_that_people_write(typed: str) -> None:
    (told,) = Site().run(ordered("block", {"ritorno/birthday": typed})).told

    assert (told["birthday"], told["consents"]) == ("1985-03-14", [])


def test_no_box_is_ticked_beforehand_whatever_an_account_keeps() -> None:
    happened = Site().run(ordered("classic", {}), saved_account({}))

    boxes = re.findall(r'<input name="([^"]+)" type="checkbox"[^>]*>', happened.printed)
    assert boxes == ["ritorno_email", "ritorno_sms", "ritorno_email", "ritorno_sms", "ritorno_stop"]
    assert "checked" not in happened.printed
    assert {field["location"] for field in happened.fields.values()} == {"order"}
    assert all(not field["required"] for field in happened.fields.values())


def test_only_what_the_merchant_wants_is_asked() -> None:
    fresh = Site(settings=None).run()
    without = Site(settings={**EVERYTHING, "ask_email": False, "ask_birthday": False}).run()

    assert list(fresh.fields) == ["ritorno/email-consent"]
    assert list(without.fields) == ["ritorno/sms-consent"]


def test_what_counts_is_the_text_that_was_shown_not_the_one_of_the_moment() -> None:
    new = {OPTION: {**EVERYTHING, "email_wording": "Everything, to everybody."}}
    placed = ("placed", {"typed": {"ritorno_email": 1}, "order": ordered("classic", {})[1]["order"]})

    happened = Site().run(("shown", {}), ("options", new), placed)

    assert happened.told[0]["consents"][0]["wording"] == EMAIL_WORDING


def test_a_wording_of_the_merchant_is_shown_escaped_and_told_as_it_is() -> None:
    wording = 'Offers & "news"'
    site = Site(settings={**EVERYTHING, "email_wording": wording})

    happened = site.run(ordered("classic", {"ritorno_email": "1"}))

    assert "Offers &amp; &quot;news&quot;" in happened.printed
    assert happened.told[0]["consents"][0]["wording"] == wording


def test_the_account_page_tells_a_yes_and_a_stop() -> None:
    yes = Site().run(saved_account({"ritorno_sms": "1"}))
    both = Site().run(saved_account({"ritorno_email": "1", "ritorno_stop": "1"}))

    told = yes.told[0]
    assert (told["place"], told["customer_id"], told["order_id"]) == ("account", 7, 0)
    assert (told["email"], told["phone"]) == ("anna@example.com", "+393331234567")
    assert [(one["channel"], one["state"]) for one in told["consents"]] == [("sms", "subscribed")]
    assert [(one["channel"], one["state"]) for one in both.told[0]["consents"]] == [
        ("email", "unsubscribed"),
        ("sms", "unsubscribed"),
    ]


def test_an_account_form_without_its_nonce_tells_nothing() -> None:
    happened = Site().run(saved_account({"ritorno_email": "1"}, nonce="forged"))

    assert happened.bodies == ()


def test_a_wrong_birthday_on_the_account_page_is_refused() -> None:
    assert list(Site().run(saved_account({"ritorno_birthday": "soon"})).errors) == ["ritorno_birthday"]


def test_the_longest_statement_fits_into_the_stores_queue() -> None:
    """WooCommerce's queue refuses more than 8,000 bytes of JSON."""
    wordings = {"email_wording": "è" * 5000, "sms_wording": "è" * 5000}
    typed = {"ritorno_email": "1", "ritorno_sms": "1"}

    (body,) = Site(settings={**EVERYTHING, **wordings}).run(ordered("classic", typed)).bodies

    assert 6000 < len(body) < 7500
