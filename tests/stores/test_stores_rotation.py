"""`ritorno key rotate`: every secret under the first key, while others go on writing them."""

import threading
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from app.cli.keys import _rotate
from app.config import Settings
from app.crypto import UnreadableSecret, Vault
from app.db import Database, table_of
from app.errors import AppError
from app.members import factors, people
from app.models import AuditEntry, InstallAttempt, Store
from app.runtime import Runtime
from app.stores import credentials, rotation
from app.stores.credentials import Credentials
from app.stores.rotation import Rotated
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL, SQLITE

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
REFRESHES = 15
ARGUMENTS = Namespace()


@pytest.fixture
def rotating(settings: Settings, database: Database) -> Iterator[Runtime]:
    """A process that knows both keys, the new one first; a pool of its own, as another process has."""
    opened = Database(database.url).over_all_stores()
    keys = {"encryption_keys": f"{NEW},{OLD}"}
    yield Runtime.build(settings.model_copy(update=keys), opened)
    opened.dispose()


def add_shop(database: Database, word: str, key: str = OLD) -> int:
    """A shop whose secrets one key sealed."""
    secrets = Credentials({"access_token": f"token of {word}", "count": 0}, {"webhook_secret": word})
    return seeds.new_store(database, word, credentials=credentials.seal(Vault([key]), secrets))


def rotate(runtime: Runtime) -> dict[str, Any]:
    """What the command prints."""
    report = _rotate(runtime, ARGUMENTS)
    assert isinstance(report, dict)
    return report


def unsealed(database: Database, keys: list[str]) -> list[Credentials]:
    """The secrets of all shops, as far as these keys open them."""
    return [credentials.unseal(Vault(keys), text) for text in seeds.values_of(database, Store, "credentials")]


@pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])
def test_every_secret_is_opened_by_the_first_key_alone_afterwards(
    rotating: Runtime, database: Database
) -> None:
    shops = [add_shop(database, word) for word in ("first", "second")]
    seeds.new_store(database, "gone", credentials="")
    with database.write() as session:
        session.add(_attempt(Vault([OLD]).seal({"key": "ck_1"})))
        member = people.make(session, "anna@b.example", NOW)
        factors.begin(Vault([OLD]), member)

    report = rotate(rotating)
    again = rotate(rotating)

    assert report["columns"] == {
        "install_attempts.sealed_keys": {"values": 1, "changed": 1, "current": 1},
        "member_letters.sealed": {"values": 0, "changed": 0, "current": 0},
        "members.totp_secret": {"values": 1, "changed": 1, "current": 1},
        "stores.credentials": {"values": 2, "changed": 2, "current": 2},
    }
    assert report["unreadable"] == {}
    assert [found["changed"] for found in again["columns"].values()] == [0, 0, 0, 0]
    assert [one.kept for one in unsealed(database, [NEW])] == [
        {"webhook_secret": "first"},
        {"webhook_secret": "second"},
        {},
    ]
    (sealed,) = seeds.values_of(database, InstallAttempt, "sealed_keys")
    assert Vault([NEW]).open(sealed) == {"key": "ck_1"}
    assert seeds.rows_of(database, AuditEntry, "store_id", "action") == [
        (shop, "key.rotated") for shop in shops
    ]
    assert OLD not in str(report)
    assert NEW not in str(report)


@pytest.mark.parametrize("engine", [SQLITE])
def test_a_secret_of_a_lost_key_is_named_and_stops_nothing(rotating: Runtime, database: Database) -> None:
    lost = add_shop(database, "lost", LOST)
    add_shop(database, "good")

    report = rotate(rotating)

    assert report["unreadable"] == {"stores.credentials": [lost]}
    with pytest.raises(UnreadableSecret):
        unsealed(database, [NEW])


@pytest.mark.parametrize("engine", [SQLITE])
def test_a_shop_that_left_keeps_half_of_its_secrets(rotating: Runtime, database: Database) -> None:
    shop = add_shop(database, "left")
    with database.write() as session:
        store = session.get_one(Store, shop)
        store.credentials = credentials.without_access(store.credentials)

    rotate(rotating)

    assert unsealed(database, [NEW]) == [Credentials({}, {"webhook_secret": "left"})]


@pytest.mark.parametrize("engine", [SQLITE])
def test_with_one_key_there_is_nothing_to_rotate_to(settings: Settings, database: Database) -> None:
    with pytest.raises(AppError, match="nothing to rotate to"):
        rotate(Runtime.build(settings, database))


@pytest.mark.parametrize("engine", [SQLITE])
def test_more_rows_than_a_batch_are_gone_through(
    rotating: Runtime, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    for number in range(5):
        add_shop(database, f"shop-{number}")

    report = rotate(rotating)

    assert report["columns"]["stores.credentials"]["changed"] == 5


def test_no_token_that_is_renewed_meanwhile_is_put_back(rotating: Runtime, database: Database) -> None:
    """Renewals by a process that still has the old key first, as many as come while we rotate."""
    shops = [add_shop(database, word) for word in ("first", "second")]
    old_order = Vault([OLD, NEW])

    def renew() -> None:
        for _ in range(REFRESHES):
            for shop in shops:
                with database.write() as session:
                    store = session.get_one(Store, shop)
                    credentials.change(session, old_order, store, _renewed)

    renewing = threading.Thread(target=renew)
    renewing.start()
    passes = 0
    while renewing.is_alive():
        _pass(rotating)
        passes += 1
    renewing.join()
    rotate(rotating)

    assert passes
    assert [one.access["count"] for one in unsealed(database, [NEW])] == [REFRESHES, REFRESHES]


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_a_value_that_changed_after_it_was_read_is_left_to_the_next_pass(
    rotating: Runtime, database: Database
) -> None:
    shop = add_shop(database, "busy")

    class Slow(Vault):
        """Somebody renews a token between our reading and our writing."""

        def reseal(self, sealed: str) -> str:
            with database.write() as session:
                credentials.change(session, Vault([OLD]), session.get_one(Store, shop), _renewed)
            return super().reseal(sealed)

    found = _pass(replace(rotating, vault=Slow([NEW, OLD])))
    in_between = unsealed(database, [NEW, OLD])
    rotate(rotating)

    assert (found.changed, found.missed) == (0, 1)
    assert [one.access["count"] for one in in_between] == [1]
    assert [one.access["count"] for one in unsealed(database, [NEW])] == [1]


def _renewed(current: Credentials) -> Credentials:
    return replace(current, access={**current.access, "count": current.access["count"] + 1})


def _pass(runtime: Runtime) -> Rotated:
    """One pass over the shops' secrets."""
    found = Rotated()
    with runtime.database.write() as session:
        column = table_of(Store).c.credentials
        rotation.rotate_batch(session, runtime.vault, column, after=0, now=NOW, into=found)
    return found


def _attempt(sealed: str) -> InstallAttempt:
    return InstallAttempt(
        state_hash="state",
        platform="woocommerce",
        shop="https://new.example",
        browser_hash="browser",
        sealed_keys=sealed,
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
    )
