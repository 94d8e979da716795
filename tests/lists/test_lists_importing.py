"""Importing lists: proven consents, refusals for people known and unknown, and the same file twice."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import clock, consent
from app.cli import parser
from app.consent import NewConsent
from app.errors import BadInput, NotFound
from app.lists import importing
from app.messaging import addresses
from app.models import (
    Consent,
    ConsentState,
    Customer,
    CustomerEvent,
    ErasedIdentity,
    ListImport,
    Store,
    StoreWrite,
    Suppression,
    Timer,
)
from app.privacy.erasure import erase_customer
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Shop, open_shop

SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
DAY = timedelta(days=1)
SAID = datetime(2025, 3, 4, tzinfo=UTC)
PROVEN = "email,nome,data,fonte,testo,ip\nada@example.com,=cmd(),2025-03-04T00:00Z,form,Sì,10.0.0.1\n"


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return open_shop(runtime)


def take(shop: Shop, text: str, kind: str = "subscribers", now: datetime = NOW) -> dict[str, Any]:
    """Import a list; its report."""
    stream = io.BytesIO(text.encode())
    return importing.import_list(shop.runtime, shop.id, stream, kind=kind, now=now).shown()


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    """New, known, without proof, refused."""
    return report["imported"], report["known"], report["without_proof"], report["refused"]["count"]


def meet(shop: Shop, **values: Any) -> int:
    """A customer of the shop who agreed to mails and to text messages a year ago."""
    with shop.database.write() as session:
        customer = seeds.add_customer(session, shop.id, **values)
        said = [
            NewConsent(shop.id, customer.id, channel, "subscribed", "consent", NOW - 365 * DAY, "shopify")
            for channel in ("email", "sms")
        ]
        consent.record(session, said, NOW)
        return customer.id


def states(shop: Shop) -> list[tuple[Any, ...]]:
    """What the ledger says now."""
    return seeds.rows_of(shop.database, ConsentState, "customer_id", "channel", "state", "basis")


def test_a_proven_subscriber_is_subscribed_and_nothing_begins(shop: Shop) -> None:
    report = take(shop, PROVEN)

    customer = seeds.only(seeds.rows_of(shop.database, Customer, "id", "email", "first_name"))
    kept = seeds.only(seeds.rows_of(shop.database, Consent, "source", "occurred_at", "wording", "evidence"))
    assert counts(report) == (1, 0, 0, 0)
    assert customer[1:] == ("ada@example.com", "=cmd()")
    assert states(shop) == [(customer[0], "email", "subscribed", "consent")]
    assert kept[:3] == ("import", SAID, "Sì")
    assert {name: kept[3][name] for name in ("source", "ip", "line")} == {
        "source": "form",
        "ip": "10.0.0.1",
        "line": "2",
    }
    assert seeds.rows_of(shop.database, Timer) == []
    assert seeds.values_of(shop.database, CustomerEvent, "is_pending") == [False, False]
    assert seeds.rows_of(shop.database, StoreWrite) == []


@SQLITE
def test_the_same_file_twice_is_nothing_new(shop: Shop) -> None:
    take(shop, PROVEN)
    take(shop, "email\nada@example.com\n", "unsubscribed")
    before = [seeds.rows_of(shop.database, table) for table in (Consent, ConsentState, Suppression, Customer)]

    again = take(shop, PROVEN, now=NOW + DAY)
    left = take(shop, "email\nada@example.com\n", "unsubscribed", NOW + DAY)

    assert (counts(again), counts(left)) == ((0, 1, 0, 0), (0, 1, 0, 0))
    assert before == [
        seeds.rows_of(shop.database, table) for table in (Consent, ConsentState, Suppression, Customer)
    ]
    assert len(seeds.rows_of(shop.database, ListImport)) == 2


@SQLITE
def test_an_old_list_does_not_undo_what_was_said_since(shop: Shop) -> None:
    take(shop, "email\nada@example.com\n", "unsubscribed")
    take(shop, PROVEN)
    (customer_id,) = seeds.values_of(shop.database, Customer, "id")
    later = NewConsent(shop.id, customer_id, "email", "subscribed", "consent", NOW + DAY, "checkout")
    with shop.database.write() as session:
        consent.record(session, [later], NOW + DAY)

    take(shop, "email\nada@example.com\n", "unsubscribed", NOW + 2 * DAY)

    assert states(shop)[0][2] == "subscribed"


@SQLITE
def test_without_a_proof_somebody_is_known_and_not_written_to(shop: Shop) -> None:
    report = take(shop, "email,fonte\nada@example.com,form\nbob@example.com,\n")

    assert counts(report) == (0, 0, 2, 0)
    assert seeds.values_of(shop.database, Customer, "email") == ["ada@example.com", "bob@example.com"]
    assert states(shop) == []


def test_a_refusal_holds_for_people_known_and_unknown(shop: Shop) -> None:
    known = meet(shop, email="ada@example.com", phone="+393471234567")

    report = take(shop, "email,data\nada@example.com,2026-10-01\nghost@example.com,\n", "unsubscribed")

    hashes = {
        addresses.suppression_hash(shop.runtime.signer, "email", f"{name}@example.com")
        for name in ("ada", "ghost")
    }
    assert counts(report) == (2, 0, 0, 0)
    assert set(seeds.values_of(shop.database, Suppression, "address_hash")) == hashes
    assert states(shop) == [(known, "email", "unsubscribed", None), (known, "sms", "subscribed", "consent")]
    assert seeds.values_of(shop.database, StoreWrite, "subject") == [f"email:{known}"]
    assert seeds.values_of(shop.database, Customer, "email") == ["ada@example.com"]


@SQLITE
def test_who_agreed_after_an_old_refusal_stays_subscribed(shop: Shop) -> None:
    known = meet(shop, email="ada@example.com")

    take(shop, "email,data\nada@example.com,2020-01-01\n", "unsubscribed")

    assert (known, "email", "subscribed", "consent") in states(shop)


@SQLITE
def test_a_list_of_subscribers_brings_its_refusals_and_bounces_too(shop: Shop) -> None:
    rows = "ada@example.com,unsubscribed\nbob@example.com,cleaned\ncyd@example.com,pending\n"

    report = take(shop, f"email,status\n{rows}")

    assert counts(report) == (2, 0, 1, 0)
    assert sorted(seeds.values_of(shop.database, Suppression, "reason")) == ["bounce", "unsubscribe"]


@SQLITE
def test_a_list_of_refusals_that_says_subscribed_is_refused_row_by_row(shop: Shop) -> None:
    report = take(shop, "email,status\nada@example.com,subscribed\nbob@example.com,no\n", "unsubscribed")

    assert report["refused"]["lines"] == [{"line": 2, "reason": "state-contradicts"}]
    assert len(seeds.rows_of(shop.database, Suppression)) == 1


@SQLITE
def test_a_phone_alone_reaches_only_somebody_we_know(shop: Shop) -> None:
    known = meet(shop, phone="+393471234567")

    report = take(shop, "telefono,data,fonte\n3471234567,2026-10-01,form\n3479999999,2026-10-01,form\n")

    assert counts(report) == (1, 0, 0, 1)
    assert report["refused"]["reasons"] == {"phone-alone": 1}
    assert (known, "sms", "subscribed", "consent") in states(shop)


@SQLITE
def test_an_erased_person_does_not_come_back_by_an_old_list(shop: Shop) -> None:
    known = meet(shop, email="ada@example.com")
    with shop.database.write() as session:
        erase_customer(session, shop.runtime.signer, shop.id, known, now=NOW)

    report = take(shop, PROVEN)

    assert report["refused"]["reasons"] == {"erased": 1}
    assert seeds.rows_of(shop.database, ErasedIdentity)
    assert seeds.values_of(shop.database, Customer, "email") == [None]


@SQLITE
def test_double_opt_in_sends_nobody_of_a_list_a_mail(shop: Shop) -> None:
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        store.settings = {**store.settings, "consent.double_opt_in": "on"}

    take(shop, PROVEN)

    assert states(shop)[0][2] == "subscribed"
    assert seeds.rows_of(shop.database, Timer) == []


@SQLITE
def test_a_long_list_is_taken_in_batches_and_told_of(shop: Shop) -> None:
    rows = "".join(f"p{n}@example.com,2025-03-04,form\n" for n in range(1200))
    told: list[int] = []

    stream = io.BytesIO(f"email,data,fonte\n{rows}p0@example.com,2025-03-04,form\n".encode())
    report = importing.import_list(
        shop.runtime, shop.id, stream, kind="subscribers", now=NOW, tell=told.append
    )

    assert told == [500, 1000, 1201]
    assert (report.imported, report.known) == (1200, 1)


@SQLITE
@pytest.mark.parametrize(
    ("text", "kind", "answer"),
    [
        ("email\nada@example.com\n", "unsubscribed", "done"),
        ("email,stato\nada@example.com,disiscritto\n", "subscribers", "done"),
        (PROVEN, "subscribers", ""),
        ("email\nnobody\n", "unsubscribed", ""),
    ],
    ids=["refusals", "both", "subscribers alone", "nothing readable"],
)
def test_sending_waits_until_a_list_told_of_refusals(shop: Shop, text: str, kind: str, answer: str) -> None:
    take(shop, text, kind)

    with shop.database.read() as session:
        assert session.get_one(Store, shop.id).settings.get("consent.import", "") == answer


@SQLITE
def test_what_is_no_list_imports_nothing(shop: Shop) -> None:
    for text, kind in (("nome\nAda", "subscribers"), (PROVEN, "friends")):
        with pytest.raises(BadInput):
            take(shop, text, kind)
    with pytest.raises(NotFound):
        importing.import_list(shop.runtime, 999, io.BytesIO(b""), kind="subscribers", now=NOW)

    assert seeds.rows_of(shop.database, ListImport) == []


@SQLITE
def test_the_command_reports_as_json(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(PROVEN)
    monkeypatch.setenv("DATABASE_URL", shop.database.url)
    arguments = ["customer", "import", str(path), "--store", str(shop.id), "--kind", "subscribers", "--json"]

    status = parser.main(arguments)
    missing = parser.main([*arguments[:2], str(tmp_path / "none.csv"), *arguments[3:]])

    assert (status, missing) == (0, 1)
    assert counts(json.loads(capsys.readouterr().out)) == (1, 0, 0, 0)
    assert clock.now() == NOW
