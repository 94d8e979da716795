"""What settings offer to choose from: time zones by continent with their offsets of now, and currencies."""

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.models import Store
from app.runtime import Runtime
from app.stores import rules, settings
from tests.web.web_members import act
from tests.web.web_shops import NOW, Shop

SUMMER = NOW.replace(month=7)
_GROUP_OPEN = re.compile(r'<details class="card settings__group"\s+id="identity" open>')
_OPTION = re.compile(r'<option value="([^"]*)"( selected)?>([^<]*)</option>')


def _select(client: FlaskClient, key: str, language: str = "en", *, lists: str = "whole") -> str:
    address = f"/app/settings?lists={lists}"
    page = client.get(address, headers={"Accept-Language": language}).get_data(as_text=True)
    return page.split(f'name="{key}"')[1].split("</select>")[0]


def _options(drawn: str) -> list[tuple[str, bool, str]]:
    return [(value, bool(mark), unescape(name)) for value, mark, name in _OPTION.findall(drawn)]


def _live_in(runtime: Runtime, shop: Shop, zone: str) -> None:
    with runtime.database.write() as session:
        session.get_one(Store, shop.store_id).timezone = zone


@pytest.mark.parametrize(
    ("language", "group", "name"), [("it", "Europa", "Roma (UTC+1)"), ("en", "Europe", "Rome (UTC+1)")]
)
def test_time_zones_are_places_by_continent_and_the_shops_own_is_first(
    member: FlaskClient, shop: Shop, language: str, group: str, name: str
) -> None:
    drawn = _select(member, "timezone", language)

    assert _options(drawn)[:2] == [("Europe/Rome", True, name), ("UTC", False, "UTC")]
    named = [text for _, _, text in _options(drawn.split(f'label="{group}"')[1].split("</optgroup>")[0])]
    assert name in named
    assert named == sorted(named, key=lambda text: text.partition(" (UTC")[0].casefold())


@pytest.mark.parametrize(("language", "named"), [("it", "Roma"), ("en", "Rome")])
def test_the_settings_leave_all_zones_but_their_own_to_a_list_that_browsers_keep(
    app: Flask, member: FlaskClient, shop: Shop, language: str, named: str
) -> None:
    drawn = _select(member, "timezone", language, lists="")
    address = unescape(drawn.split('data-more="')[1].split('"')[0])
    more = app.test_client().get(address)
    whole = _select(member, "timezone", language)

    assert [value for value, _, _ in _options(drawn)] == ["Europe/Rome", "UTC"]
    assert _options(more.get_data(as_text=True)) == _options(whole)[2:]
    assert ("Europe/Rome", False, f"{named} (UTC+1)") in _options(more.get_data(as_text=True))
    assert more.headers["Cache-Control"] == "public, max-age=86400"
    assert app.test_client().get("/zones/de").status_code == 404


def test_without_a_script_a_link_leads_to_all_zones(member: FlaskClient, shop: Shop) -> None:
    page = member.get("/app/settings").get_data(as_text=True)
    link = page.split("<noscript>")[1].split("</noscript>")[0].split('href="')[1].split('"')[0]
    opened = member.get(link).get_data(as_text=True)

    assert link.endswith("#s-timezone")
    assert 'id="s-timezone"' in opened
    assert _GROUP_OPEN.search(opened)
    assert not _GROUP_OPEN.search(page)
    assert "<noscript>" not in opened


def test_each_zone_says_how_far_from_utc_it_is_on_that_day(member: FlaskClient, shop: Shop) -> None:
    winter = {value: name for value, _, name in _options(_select(member, "timezone"))}
    with clock.frozen_at(SUMMER):
        summer = {value: name for value, _, name in _options(_select(member, "timezone"))}

    assert (winter["America/New_York"], summer["America/New_York"]) == (
        "New York (UTC−5)",
        "New York (UTC−4)",
    )
    assert (winter["Asia/Kolkata"], winter["Europe/London"]) == ("Kolkata (UTC+5:30)", "London (UTC)")


@pytest.mark.parametrize(
    ("zone", "name"),
    [("US/Eastern", "New York (UTC−5)"), ("Mars/Olympus", "Mars/Olympus"), ("Europe", "Europe")],
)
def test_a_zone_by_another_name_and_one_that_nobody_knows_stay_as_they_are(
    member: FlaskClient, runtime: Runtime, shop: Shop, zone: str, name: str
) -> None:
    _live_in(runtime, shop, zone)

    options = _options(_select(member, "timezone"))

    assert options[0] == (zone, True, name)
    assert [value for value, is_chosen, _ in options if is_chosen] == [zone]


@pytest.mark.parametrize(
    ("key", "rule"), [("timezone", rules.ZONE), ("sending.sms_price_currency", rules.CURRENCY)]
)
def test_whatever_is_offered_can_be_kept(member: FlaskClient, shop: Shop, key: str, rule: rules.Rule) -> None:
    offered = [value for value, _, _ in _options(_select(member, key))]

    assert len(offered) > 100
    assert [rule.check(value) for value in offered] == offered


def test_the_currency_that_holds_is_first_and_the_rest_by_name(member: FlaskClient, shop: Shop) -> None:
    options = _options(_select(member, "sending.sms_price_currency", "it"))

    rest = [name for _, _, name in options[1:]]
    assert options[0] == ("EUR", True, "euro (EUR)")
    assert "sterlina britannica (GBP)" in rest
    assert rest == sorted(rest, key=str.casefold)


@pytest.mark.parametrize("word", ["New York", "Europe", "x" * 3000, "../etc"])
def test_a_chosen_zone_is_kept_and_another_word_is_refused_with_what_to_do(
    member: FlaskClient, runtime: Runtime, shop: Shop, word: str
) -> None:
    kept = act(member, "/app/settings", timezone="America/New_York")
    refused = act(member, "/app/settings", timezone=word)

    with runtime.database.read() as session:
        held = settings.read(session.get_one(Store, shop.store_id), "timezone")
    assert (kept.status_code, refused.status_code, held) == (303, 400, "America/New_York")
    assert "It must be a time zone such as Europe/Rome." in refused.get_data(as_text=True)


def test_a_span_of_hours_is_chosen_by_its_two_ends(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    page = member.get("/app/settings").get_data(as_text=True)
    drawn = [part.split("</select>")[0] for part in page.split('name="rails.email_hours"')[1:]]
    kept = act(member, "/app/settings", **{"rails.email_hours": ["09", "20"]})
    refused = act(member, "/app/settings", **{"rails.email_hours": ["20", "09"]})

    with runtime.database.read() as session:
        held = settings.read(session.get_one(Store, shop.store_id), "rails.email_hours")
    assert [[value for value, is_chosen, _ in _options(one) if is_chosen] for one in drawn] == [
        ["08"],
        ["21"],
    ]
    assert (kept.status_code, refused.status_code, held) == (303, 400, "09-20")
    assert "the earlier one first" in refused.get_data(as_text=True)
