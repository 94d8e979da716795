"""A whole app over a fresh database, two stores in it, and a signed-in member."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.config import Settings
from app.db import Base, Database
from app.runtime import Runtime
from tests.conftest import Opened
from tests.engines import SQLITE
from tests.web.web_shops import NOW, Csrf, Shop, make_app, make_shop, signed_in

WORDS = "azure", "crimson"


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with clock.frozen_at(NOW):
        yield


@dataclass(frozen=True)
class Prepared:
    """Database files that each test copies: making tables and shops is slow, copying a file is not."""

    settings: Settings
    files: dict[int, Path]
    shops: tuple[Shop, Shop]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """An empty database, one with a shop and one with two."""
    folder = tmp_path_factory.mktemp("prepared")
    settings = Settings(
        database_url=f"sqlite:///{folder / 'made.db'}",
        secret_key="a key of the tests, long enough to sign",
        encryption_keys=Fernet.generate_key().decode(),
        metrics_token="the scraper's token",
    )
    files = {count: folder / f"{count}.db" for count in range(3)}
    shops = []
    for count, word in enumerate(("", *WORDS)):
        made = Runtime.build(settings)
        Base.metadata.create_all(made.database.engine)
        if word:
            shops.append(make_shop(made, word))
        made.database.dispose()
        shutil.copyfile(folder / "made.db", files[count])
    return Prepared(settings, files, (shops[0], shops[1]))


@pytest.fixture
def engine() -> str:
    """SQLite; parametrise `engine` in a test to have the other, or both."""
    return SQLITE


@pytest.fixture
def runtime(engine: str, request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """A process of its own over a database with as many shops as the test names."""
    built: Runtime = request.getfixturevalue(f"_runtime_on_{engine}")
    yield built
    built.database.dispose()


@pytest.fixture
def _runtime_on_sqlite(
    prepared: Prepared, opened: Opened, request: pytest.FixtureRequest
) -> Iterator[Runtime]:
    copy = prepared.files[_shops_named(request)].with_name("ritorno.db")
    shutil.copyfile(prepared.files[_shops_named(request)], copy)
    yield Runtime.build(prepared.settings, opened(f"sqlite:///{copy}"))
    for left in copy.parent.glob(f"{copy.name}*"):
        left.unlink()


@pytest.fixture
def _runtime_on_postgresql(prepared: Prepared, database: Database) -> Runtime:
    """The test sees every store's rows; each request of the app narrows that to its own, as it does live."""
    settings = prepared.settings.model_copy(update={"database_url": database.url})
    return Runtime.build(settings, database)


def _shops_named(request: pytest.FixtureRequest) -> int:
    return 2 if "other_shop" in request.fixturenames else int("shop" in request.fixturenames)


@pytest.fixture
def shops(prepared: Prepared, runtime: Runtime) -> tuple[Shop, ...]:
    """The stores that are there; those of the files were made with them."""
    if runtime.database.is_sqlite:
        return prepared.shops
    return tuple(make_shop(runtime, word) for word in WORDS)


@pytest.fixture(scope="session")
def site(prepared: Prepared) -> Flask:
    """Everything that `register` puts on an app, once: templates compile once too."""
    return make_app(Runtime.build(prepared.settings))


@pytest.fixture
def app(site: Flask, runtime: Runtime) -> Flask:
    """The app over this test's database."""
    site.extensions["ritorno"] = runtime
    return site


@pytest.fixture
def shop(shops: tuple[Shop, ...]) -> Shop:
    """The store that the tests act for."""
    return replace(shops[0], ids=dict(shops[0].ids))


@pytest.fixture
def other_shop(shops: tuple[Shop, ...]) -> Shop:
    """The store whose rows nobody else may see."""
    return shops[1]


@pytest.fixture
def api(app: Flask) -> FlaskClient:
    """A program without a session."""
    return app.test_client()


@pytest.fixture
def member(app: Flask, runtime: Runtime, shop: Shop) -> FlaskClient:
    """A browser whose session a one-time link opened."""
    return signed_in(app, runtime)


@pytest.fixture
def csrf(app: Flask) -> Csrf:
    """The token that a form of this browser carries, read off a page as the browser reads it."""

    def read(client: FlaskClient) -> str:
        page = client.get("/app/account").get_data(as_text=True)
        return page.split('name="csrf" value="')[1].split('"')[0]

    return read
