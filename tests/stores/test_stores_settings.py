"""What a merchant may set, and what happens to secrets."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.errors import BadInput
from app.models import Store
from app.runtime import Runtime
from app.stores import commands, credentials, presets, settings
from app.stores.definitions import DEFINITIONS
from app.stores.install import uninstall, update_store
from connectors.base import StoreUpdate

API_KEY = "SG.canary-of-a-secret-key-0123456789"


def _write(runtime: Runtime, store: Store, values: dict[str, str]) -> Store:
    with runtime.database.write() as session:
        loaded = session.get_one(Store, store.id)
        settings.write(session, loaded, values, vault=runtime.vault)
    return loaded


@pytest.mark.parametrize(
    ("key", "text", "kept"),
    [
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("locale", "pt_br", "pt-BR"),
        ("sender.email", " Ciao@Example.com ", "Ciao@example.com"),
        ("sender.name", "Bottega", "Bottega"),
        ("rails.email_hours", "8-21", "08-21"),
        ("rails.sms_hours", "09-24", "09-24"),
        ("rails.cap_per_day", "02", "2"),
        ("rails.holdout_percent", "0", "0"),
        ("consent.soft_opt_in", "ON", "on"),
        ("consent.import", "done", "done"),
        ("sending.settle", "silence", "silence"),
        ("sending.settle_after_seconds", "600", "600"),
        ("meta.email_consent_yes", " 1 , si,", "1,si"),
        ("meta.birthday_format", "dd/mm/yyyy", "DD/MM/YYYY"),
        ("twilio.account_sid", "AC00112233", "AC00112233"),
        ("birthday.amount", "15", "15"),
    ],
)
def test_a_good_text_is_kept_in_its_canonical_form(
    runtime: Runtime, woo_store: Store, key: str, text: str, kept: str
) -> None:
    store = _write(runtime, woo_store, {key: text})

    assert settings.read(store, key) == kept


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("timezone", "Europe/Atlantis"),
        ("timezone", "../../etc/passwd"),
        ("locale", "xx-YY-ZZ"),
        ("sender.email", "not an address"),
        ("sender.email", "a@example.com\r\nBcc: b@example.com"),
        ("sender.name", "line\nbreak"),
        ("sender.postal_address", "x" * 301),
        ("rails.email_hours", "21-08"),
        ("rails.email_hours", "08-25"),
        ("rails.email_hours", "8 to 21"),
        ("rails.cap_per_day", "0"),
        ("rails.cap_per_week", "-1"),
        ("rails.cap_per_week", "٣"),
        ("rails.holdout_percent", "51"),
        ("consent.soft_opt_in", "yes"),
        ("consent.import", "maybe"),
        ("sendgrid.api_key", "two words"),
        ("sendgrid.webhook_public_key", "bm90IGEga2V5"),
        ("twilio.account_sid", "SG123"),
        ("twilio.messaging_service_sid", "AC123"),
        ("sending.settle", "guess"),
        ("sending.settle_after_seconds", "59"),
        ("meta.birthday_format", "YY"),
        ("meta.email_consent_yes", ","),
        ("reconcile.every_minutes", "0"),
        ("welcome.percentage", "101"),
        ("no.such.key", "1"),
    ],
)
def test_a_bad_text_is_refused_by_its_key_and_nothing_is_kept(
    runtime: Runtime, woo_store: Store, key: str, text: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        _write(runtime, woo_store, {"rails.cap_per_day": "2", key: text})

    assert refusal.value.field == key
    with runtime.database.read() as session:
        assert session.get_one(Store, woo_store.id).settings == {}


def test_every_default_is_one_that_could_be_set() -> None:
    for setting in DEFINITIONS.values():
        if setting.default:
            assert setting.rule.check(setting.default) == setting.default, setting.key


def test_what_is_not_set_has_its_default_or_what_the_shop_says(woo_store: Store) -> None:
    assert settings.read(woo_store, "timezone") == "Europe/Rome"
    assert settings.read(woo_store, "sender.name") == "The shop"
    assert settings.hours(woo_store, "rails.email_hours") == (8, 21)
    assert settings.number(woo_store, "rails.sms_cap_per_week") == 1
    assert not settings.is_on(woo_store, "consent.soft_opt_in")
    assert settings.words(woo_store, "meta.delivered_statuses") == ("completed",)
    assert settings.read_all(woo_store).keys() == DEFINITIONS.keys()


def test_an_empty_text_returns_to_the_default(runtime: Runtime, woo_store: Store) -> None:
    _write(runtime, woo_store, {"rails.cap_per_week": "5"})

    store = _write(runtime, woo_store, {"rails.cap_per_week": ""})

    assert settings.number(store, "rails.cap_per_week") == 3


def test_a_zone_that_the_merchant_set_outlives_what_the_platform_says(
    runtime: Runtime, woo_store: Store
) -> None:
    store = _write(runtime, woo_store, {"timezone": "Europe/Berlin"})

    update_store(store, StoreUpdate(timezone="America/New_York", name="New name"))

    assert (store.timezone, store.name) == ("Europe/Berlin", "New name")


def test_a_secret_is_sealed_and_shown_by_its_mask_only(runtime: Runtime, woo_store: Store) -> None:
    store = _write(runtime, woo_store, {"sendgrid.api_key": API_KEY})

    assert settings.read(store, "sendgrid.api_key") == "••••6789"
    assert settings.secret(runtime.vault, store, "sendgrid.api_key") == API_KEY
    with runtime.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT settings, credentials FROM stores").all()
    assert API_KEY not in str(rows)


def test_the_mask_of_a_secret_sent_back_changes_nothing(runtime: Runtime, woo_store: Store) -> None:
    _write(runtime, woo_store, {"sendgrid.api_key": API_KEY})

    store = _write(runtime, woo_store, {"sendgrid.api_key": "••••6789"})

    assert settings.secret(runtime.vault, store, "sendgrid.api_key") == API_KEY
    with pytest.raises(BadInput):
        _write(runtime, woo_store, {"sendgrid.api_key": "••••0000"})


def test_a_secret_can_be_taken_out_again(runtime: Runtime, woo_store: Store) -> None:
    _write(runtime, woo_store, {"twilio.auth_token": API_KEY})

    store = _write(runtime, woo_store, {"twilio.auth_token": ""})

    assert settings.secret(runtime.vault, store, "twilio.auth_token") == ""
    assert settings.read(store, "twilio.auth_token") == ""


def test_a_short_secret_shows_nothing_of_itself(runtime: Runtime, woo_store: Store) -> None:
    store = _write(runtime, woo_store, {"twilio.auth_token": "short"})

    assert settings.read(store, "twilio.auth_token") == "••••"


def test_a_verification_key_of_sendgrid_is_accepted(runtime: Runtime, woo_store: Store) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b64encode(der).decode()

    store = _write(runtime, woo_store, {"sendgrid.webhook_public_key": text})

    assert settings.read(store, "sendgrid.webhook_public_key") == text


def test_setting_a_secret_leaves_the_keys_of_the_store_alone(runtime: Runtime, woo_store: Store) -> None:
    before = credentials.unseal(runtime.vault, woo_store.credentials)

    store = _write(runtime, woo_store, {"sendgrid.api_key": API_KEY})

    after = credentials.unseal(runtime.vault, store.credentials)
    assert after.access == before.access
    assert after.kept["webhook_secret"] == before.kept["webhook_secret"]


def test_a_rotation_of_keys_keeps_both_halves_readable(runtime: Runtime, woo_store: Store) -> None:
    before = credentials.unseal(runtime.vault, woo_store.credentials)

    resealed = runtime.vault.reseal(woo_store.credentials)

    assert resealed != woo_store.credentials
    assert credentials.unseal(runtime.vault, resealed) == before
    left = credentials.without_access(resealed)
    assert credentials.unseal(runtime.vault, runtime.vault.reseal(left)).kept == before.kept


def test_an_uninstall_keeps_the_providers_keys_and_drops_the_stores(
    runtime: Runtime, woo_store: Store
) -> None:
    _write(runtime, woo_store, {"sendgrid.api_key": API_KEY})

    with runtime.database.write() as session:
        store = session.get_one(Store, woo_store.id)
        uninstall(session, store, store.installed_at)

    assert credentials.unseal(runtime.vault, store.credentials).access == {}
    assert settings.secret(runtime.vault, store, "sendgrid.api_key") == API_KEY


def test_statuses_that_the_shop_does_not_have_are_refused_with_those_it_has(
    runtime: Runtime, woo_store: Store
) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, woo_store.id)
        store.order_statuses = [["completed", "Completed"], ["arrived", "Arrived"]]

    with pytest.raises(BadInput, match=r"no order status dispatchd\. It has: completed, arrived"):
        _write(runtime, woo_store, {"meta.delivered_statuses": "arrived,dispatchd"})
    _write(runtime, woo_store, {"meta.delivered_statuses": "arrived"})

    with runtime.database.read() as session:
        held = session.get_one(Store, woo_store.id)
    assert settings.words(held, "meta.delivered_statuses") == ("arrived",)


def test_any_status_may_be_set_while_the_shop_has_not_said_which_it_has(
    runtime: Runtime, woo_store: Store
) -> None:
    _write(runtime, woo_store, {"meta.paid_statuses": "whatever"})

    with runtime.database.read() as session:
        assert settings.words(session.get_one(Store, woo_store.id), "meta.paid_statuses") == ("whatever",)


def test_a_preset_fills_in_what_its_plugin_keeps_where(runtime: Runtime, woo_store: Store) -> None:
    brazil = commands.set_preset(runtime, woo_store.id, "brazil-checkout-fields")
    trackship = commands.set_preset(runtime, woo_store.id, "trackship")

    assert brazil == {"meta.birthday": "_billing_birthdate", "meta.birthday_format": "DD/MM/YYYY"}
    assert trackship == {"meta.delivered_key": "ts_shipment_status"}


@pytest.mark.parametrize("name", presets.NAMES)
def test_every_preset_can_be_set(runtime: Runtime, woo_store: Store, name: str) -> None:
    assert commands.set_preset(runtime, woo_store.id, name) == dict(presets.values_of(name))


def test_an_unknown_preset_is_refused_with_those_there_are(runtime: Runtime, woo_store: Store) -> None:
    with pytest.raises(BadInput, match="There are: activecampaign"):
        commands.set_preset(runtime, woo_store.id, "other")
