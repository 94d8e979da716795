"""The settings page takes a list in and shows what became of its rows."""

import io

import pytest
from flask.testing import FlaskClient

from app.lists.reading import REASONS
from app.models import ListImport, Store
from app.runtime import Runtime
from app.web.catalogue import CATALOGUES
from tests import seeds
from tests.web.web_shops import Csrf, Shop

ITALIAN = {"Accept-Language": "it"}


def send(member: FlaskClient, csrf: Csrf, text: str, **fields: str) -> tuple[int, str]:
    """Fill the form in; status and page of what comes back, redirects followed."""
    form = {"csrf": csrf(member), "kind": "unsubscribed", **fields}
    file = (io.BytesIO(text.encode()), "list.csv")
    answer = member.post(
        "/app/settings/lists", data={**form, "file": file}, headers=ITALIAN, follow_redirects=True
    )
    return answer.status_code, answer.get_data(as_text=True)


def test_a_list_is_taken_in_and_told_of(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    status, page = send(member, csrf, "email,stato\n=cmd()@example.com,\nghost@example.com,\nx,\n")

    assert status == 200
    assert "Righe scartate" in page
    assert "non è un indirizzo e-mail" in page
    assert "cmd()" not in page
    assert page.count("<h1") == 1
    with runtime.database.read() as session:
        assert session.get_one(Store, shop.store_id).settings["consent.import"] == "done"


@pytest.mark.parametrize(
    ("text", "fields", "said"),
    [
        ("nome\nAda\n", {}, "La prima riga deve dare"),
        ("email\na@example.com\n", {"kind": "friends"}, "Scegli che cosa contiene la lista"),
    ],
)
def test_what_is_no_list_is_told_in_words(
    member: FlaskClient,
    runtime: Runtime,
    csrf: Csrf,
    text: str,
    fields: dict[str, str],
    said: str,
) -> None:
    status, page = send(member, csrf, text, **fields)

    assert (status, page.count(said)) == (200, 1)
    assert said in page.partition('id="list-error"')[2].partition("</p>")[0]
    assert seeds.rows_of(runtime.database, ListImport) == []


def test_a_form_without_a_file_is_told_in_words(member: FlaskClient, csrf: Csrf) -> None:
    form = {"csrf": csrf(member), "kind": "subscribers"}

    answer = member.post("/app/settings/lists", data=form, headers=ITALIAN, follow_redirects=True)

    assert "Scegli un file" in answer.get_data(as_text=True)


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_every_reason_has_its_words(language: str) -> None:
    assert {f"lists.reason.{reason}" for reason in REASONS} <= CATALOGUES[language].keys()
