"""The customers' list shows whom the merchant asked for, and nobody else."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db import Database
from app.models import ConsentState, Customer, CustomerState
from app.runtime import Runtime
from app.web import likeness, seeking
from tests import seeds
from tests.conftest import NOW
from tests.engines import Engine
from tests.web.web_shops import signed_in

PEOPLE = ("Ada", "Bea", "Carla", "Dora")
Found = Callable[[str], set[str]]


@pytest.fixture
def sqlite(_sqlite: Engine) -> Iterator[Database]:
    """An empty database of the kind whose plans tell of lists."""
    database = Database(_sqlite.create())
    yield database
    database.dispose()


@pytest.fixture
def found(app: Flask, runtime: Runtime) -> Found:
    """The names on the list that a query asks for."""
    with runtime.database.write() as session:
        store = seeds.add_store(session)
        people = {name: _add(session, store.id, name) for name in PEOPLE}
        _allow(session, people["Ada"], "subscribed")
        _allow(session, people["Bea"], "unsubscribed")
        people["Bea"].phone = "+393331234567"
        people["Carla"].orders_count, people["Dora"].orders_count = 4, 1
        _stand(session, people["Carla"], "dormant", ["loyal", "high-ticket"])
        _stand(session, people["Dora"], "active", ["one-shot", "promo"])
        foreign = seeds.add_store(session, "altrove")
        _stand(session, _add(session, foreign.id, "Carla"), "dormant", ["loyal"])
    client: FlaskClient = signed_in(app, runtime)

    def names(query: str) -> set[str]:
        page = client.get(f"/app/customers?{query}").get_data(as_text=True)
        return {name for name in PEOPLE if f">{name} " in page}

    return names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"Ada", "Bea", "Carla", "Dora"}),
        ("consent=email:subscribed", {"Ada"}),
        ("consent=email:unsubscribed", {"Bea"}),
        ("consent=email:unknown", {"Carla", "Dora"}),
        ("consent=sms:subscribed", set()),
        ("kind=non-customer", {"Ada", "Bea"}),
        ("kind=loyal", {"Carla"}),
        ("kind=promo", {"Dora"}),
        ("standing=dormant", {"Carla"}),
        ("standing=dormant&kind=one-shot", set()),
        ("standing=active&consent=email:unknown&q=do", {"Dora"}),
        ("q=%2B39+333+123-4567", {"Bea"}),
        ("q=%2B39333", set()),
        ("kind=nobody-knows&consent=email&standing=%27", {"Ada", "Bea", "Carla", "Dora"}),
    ],
)
def test_the_list_holds_exactly_whom_was_asked_for(found: Found, query: str, names: set[str]) -> None:
    assert found(query) == names


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("ÀNNA", "ànna", "Neri"),
        ("anna", "ÀNNA", "Neri"),
        ("Müller", "Eva", "MÜLLER"),
        ("MULLER", "Eva", "Müller"),
        ("Niccolo", "Niccolò", "Neri"),
        ("niccolò", "NICCOLO", "Neri"),
        ("strauss", "Eva", "Strauß"),
        ("STRAUẞ", "Eva", "Strauss"),
        ("d'angelo", "Eva", "D’Ángelo"),
        ("D’Angelo", "Eva", "D'Angelo"),
        ("Lukasz  wisn", "Łukasz", "Wiśniewski"),
        ("wisniewski łu", "Łukasz", "Wiśniewski"),
        ("maria gr", "Maria Grazia", "Neri"),
        ("de lu", "Eva", "De Luca"),
        ("MARIA GRAZIA DE LU", "Maria Grazia", "De Luca"),
        ("de luca maria", "Maria Grazia", "De Luca"),
        ("ΓΙΏΡΓΟΣ", "Γιώργος", "Neri"),
        ("иван", "ИВАН", "Neri"),
        ("nguyen", "Eva", "Nguyễn"),
        ("*[a?", "*[A?", "Neri"),
        ("(.+)", "(.+)", "Neri"),
        ("王", "王伟", "Neri"),
    ],
)
def test_a_name_is_found_in_whatever_case_and_with_whatever_accents_it_is_typed(
    app: Flask, runtime: Runtime, typed: str, first: str, last: str
) -> None:
    with runtime.database.write() as session:
        store = seeds.add_store(session)
        meant = seeds.add_customer(session, store.id, "meant", first_name=first, last_name=last)
        seeds.add_customer(session, store.id, "other", first_name="Xaver", last_name="Ypsilon")
        seeds.add_customer(session, store.id, "nameless")

    page = signed_in(app, runtime).get("/app/customers", query_string={"q": typed}).get_data(as_text=True)

    assert set(re.findall(r'href="/app/customers/([0-9]+)"', page)) == {str(meant.id)}


@pytest.mark.parametrize("typed", ["do neri", "neri do re", "ad", "nerone"])
def test_of_two_names_the_first_is_typed_in_full(found: Found, typed: str) -> None:
    assert found(urlencode({"q": typed})) == ({"Ada"} if typed == "ad" else set())


@pytest.mark.parametrize(
    "typed", ["%", "_", "a%", "[a-z]", "?", "*", ".*", "\\", "^", "x|y", "\u0301", "a" * 100]
)
def test_signs_that_patterns_are_made_of_find_nothing_but_themselves(found: Found, typed: str) -> None:
    assert found(urlencode({"q": typed})) == set()


def test_the_signs_are_the_same_whenever_they_are_worked_out() -> None:
    """Two threads may both be the first to ask, so that nothing may be used up by the one."""
    known = dict(likeness._signs())
    likeness._signs.cache_clear()

    assert likeness._signs() == known
    assert known["o"].startswith("Oo")


def test_the_next_page_asks_the_same(app: Flask, runtime: Runtime) -> None:
    with runtime.database.write() as session:
        store = seeds.add_store(session)
        for number in range(60):
            _allow(session, _add(session, store.id, f"N{number}"), "subscribed")
    client = signed_in(app, runtime)

    page = client.get("/app/customers?consent=email:subscribed&q=n").get_data(as_text=True)

    assert "q=n" in page
    assert "consent=email%3Asubscribed" in page or "consent=email:subscribed" in page


def _add(session: Session, store_id: int, name: str) -> Customer:
    return seeds.add_customer(session, store_id, f"{name}-{store_id}", first_name=name, last_name="Neri")


def _allow(session: Session, customer: Customer, state: str) -> None:
    session.add(
        ConsentState(
            store_id=customer.store_id, customer_id=customer.id, channel="email", state=state, occurred_at=NOW
        )
    )


def _stand(session: Session, customer: Customer, state: str, classes: list[str]) -> None:
    session.add(
        CustomerState(
            store_id=customer.store_id, customer_id=customer.id, state=state, since=NOW, classes=classes
        )
    )


@pytest.mark.parametrize("consent", seeking.PERMISSIONS)
def test_a_consent_is_sought_without_a_list_made_anew_for_each_customer(
    sqlite: Database, consent: str
) -> None:
    statement, _ = seeking.narrowed(select(Customer), 1, seeking.Sought(consent=consent))
    words = statement.compile(sqlite.engine, compile_kwargs={"literal_binds": True})

    with sqlite.read() as session:
        plan = [row.detail for row in session.execute(text(f"EXPLAIN QUERY PLAN {words}"))]

    assert plan
    assert not [step for step in plan if step.startswith("CORRELATED LIST")]
