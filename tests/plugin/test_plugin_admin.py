"""The plugin's page in the WordPress admin: who may press its buttons, and where they lead."""

from pathlib import Path

import pytest

from connectors.storefronts.woocommerce.plugin.package import SOURCE
from tests.plugin.plugin_php import EVERYTHING, OPTION, Site, Step

SERVER = "https://ritorno.example"
SETTINGS = {**EVERYTHING, "server": SERVER}


def press(action: str, **posted: object) -> Step:
    """A form of the page, posted with its nonce."""
    return "post", {"action": action, "posted": {"_wpnonce": f"nonce of {action}", **posted}}


def test_the_button_opens_our_page_with_the_shops_address() -> None:
    happened = Site(settings=SETTINGS).run(press("ritorno_connect"))

    assert happened.ended == f"to {SERVER}/app/?store=https%3A%2F%2Fbottega.example%2Fnegozio"


@pytest.mark.parametrize("action", ["ritorno_connect", "ritorno_save"])
def test_only_who_may_manage_the_shop_presses_it_and_only_on_our_page(action: str) -> None:
    stranger = Site(settings=SETTINGS, may=False).run(press(action))
    forged = Site(settings=SETTINGS).run(("post", {"action": action, "posted": {"_wpnonce": "no"}}))

    assert stranger.ended == "died You may not do this."
    assert forged.ended == "expired"
    assert stranger.options[OPTION] == forged.options[OPTION] == SETTINGS


def test_the_page_is_for_who_may_manage_the_shop() -> None:
    happened = Site(settings=SETTINGS).run(("page", {}))
    stranger = Site(settings=SETTINGS, may=False).run(("page", {}))

    assert happened.menu[0][:3] == ["woocommerce", "manage_woocommerce", "ritorno"]
    assert "Connect this shop to Ritorno" in happened.printed
    assert stranger.printed == ""


def test_what_is_kept_was_cleaned_and_is_shown_escaped() -> None:
    typed = {
        "server": " https://ritorno.example/ ",
        "ask_sms": "1",
        "email_wording": '<b>Offers</b>\n&amp; "news"',
        "role": "administrator",
    }
    saved = Site(settings=None).run(press("ritorno_save", ritorno=typed))

    kept = saved.options[OPTION]
    page = Site(settings=kept).run(("page", {})).printed
    assert kept == {
        "server": SERVER,
        "ask_email": False,
        "ask_sms": True,
        "ask_birthday": False,
        "email_wording": 'Offers &amp; "news"',
        "sms_wording": "",
    }
    assert 'value="Offers &amp;amp; &quot;news&quot;"' in page
    assert saved.ended == "to https://bottega.example/wp-admin/admin.php?page=ritorno&saved=1"


@pytest.mark.parametrize(
    "address", ["http://ritorno.example", "javascript:alert(1)", "//ritorno.example", "ritorno", "", ["x"]]
)
def test_an_address_that_is_not_https_is_none(address: object) -> None:
    happened = Site(settings={**EVERYTHING, "server": address}).run(press("ritorno_connect"))

    assert happened.ended == "to https://bottega.example/wp-admin/admin.php?page=ritorno"


def test_nothing_of_ours_stays_behind(tmp_path: Path) -> None:
    happened = Site(settings=SETTINGS).run(("uninstall", {}))

    assert not happened.options
    assert "update_option( RITORNO_OPTION" in (SOURCE / "includes" / "admin.php").read_text()
