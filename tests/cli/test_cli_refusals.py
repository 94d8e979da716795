"""Every command, asked for what is not there or cannot be: one line that says so, on both databases."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.cli import main
from app.db import Base, Database
from app.runtime import Runtime
from tests import seeds

HUGE = str(10**20)
NO_UTF8 = "caff\udce8"
"""What the shell hands over where somebody types Latin-1."""


@pytest.fixture
def store(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shop's number, and the settings by which commands find it."""
    for name in ("database_url", "secret_key", "encryption_keys", "public_url"):
        monkeypatch.setenv(name.upper(), str(getattr(runtime.settings, name)))
    return str(seeds.new_store(runtime.database))


def _status(words: list[str]) -> int:
    """The status with which the process would end: 2 where the words are no command, 1 where it fails."""
    try:
        return main(words)
    except SystemExit as ended:
        return int(str(ended.code))


@pytest.mark.parametrize(
    "words",
    [
        "store show 99",
        "store show {huge}",
        "store show -- -1",
        "store get 99",
        "store get {store} no.such",
        "store set 99 locale=it",
        "store set {huge} locale=it",
        "store set {store} no.such=1",
        "store set {store} locale",
        "store set {store} locale={bytes}",
        "store set {store} timezone=Mars/Olympus",
        "store set {store} rails.email_hours=21-08-03",
        "store set {store} rails.cap_per_day={huge}",
        "store set {store} rails.cap_per_day=-1",
        "store set {store} rails.holdout_percent=101",
        "store set {store} sending.settle=perhaps",
        "store set {store} sending.settle_after_seconds=1e99",
        "store set {store} sender.email=nobody",
        "store disconnect 99",
        "store disconnect {huge}",
        "store connect woocommerce --url nonsense --key ck_1 --secret cs_1",
        "store connect woocommerce --url http://127.0.0.1:1 --key ck_1 --secret cs_1",
        "store connect shopify --shop nonsense --access-token shpat_1",
        "store connect shopify --shop a.myshopify.com",
        "flow list --store 99",
        "flow list --store {huge}",
        "flow activate nonsense --store {store}",
        "flow activate welcome --store 99",
        "flow deactivate {bytes} --store {store}",
        "flow simulate nonsense --store {store}",
        "flow simulate welcome --store {huge}",
        "flow simulate welcome --store {store} --since yesterday",
        "flow simulate welcome --store {store} --since 2026-11-01 --until 2026-10-01",
        "flow simulate welcome --store {store} --ahead {huge}",
        "flow simulate welcome --store {store} --ahead soon",
        "serve --port 65536",
        "worker --concurrency 0",
        "demo --days 0",
        "nonsense",
        "store",
        "tick --as-of tomorrow",
        "tick --as-of 2026-12-01T09:00:00",
        "api-key create --store 99 --name a",
        "api-key create --store {huge} --name a",
        "api-key create --store {store} --name {bytes}",
        "api-key list --store 99",
        "api-key list --store {huge}",
        "api-key revoke 99 --store {store}",
        "api-key revoke {huge} --store {store}",
        "inbound replay 99",
        "inbound replay {huge}",
        "message settle 99 --sent",
        "message settle {huge} --not-sent",
        "message release --store {store}",
        "message release --store 99 --all",
        "message release {huge} --store {store}",
        "message cancel --store {huge} --all",
        "customer export 99",
        "customer export {huge}",
        "customer erase {huge}",
        "customer erase 99 --store {huge}",
        "customer why 99 --flow welcome --on 2026-11-02",
        "customer why {huge} --flow welcome --on 2026-11-02",
        "customer why 99 --flow welcome --on someday",
        "customer import /no/such/file --store {store} --kind refusals",
        "member add a@b.example --store {huge}",
        "member add {bytes}@b.example --store {store}",
        "member remove nobody@b.example",
        "member reset nobody@b.example",
        "backup /no/such/folder/file",
        "restore /no/such/file",
    ],
)
def test_what_cannot_be_done_is_one_line(store: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [word.format(store=store, huge=HUGE, bytes=NO_UTF8) for word in words.split()]

    assert _status(asked) in {1, 2}

    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("ritorno: ")


@pytest.mark.parametrize("words", ["store list", "tick", "api-key list --store 1"])
def test_a_database_without_tables_is_named(
    database: Database, store: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.write() as session:
        Base.metadata.drop_all(session.connection())

    assert _status(words.split()) == 1
    assert "`ritorno migrate`" in capsys.readouterr().err


def test_a_statement_that_is_wrong_is_no_busy_database(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as session:
        session.execute(text("SELECT of nothing"))
