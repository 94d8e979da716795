"""A flow is drawn as a journey, with what became of everybody at each step."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.flows import rehearsals
from app.flows.definition import Definition, recipe
from app.members.roles import READER
from app.models import Attribution, ConsentState, CustomerState, Enrollment, Flow, FlowVersion
from app.runtime import Runtime
from app.web.catalogue import CATALOGUES
from tests.web.web_members import add_member, browser_of
from tests.web.web_shops import NOW, Csrf, Shop, add_customer, add_message

EVIL = "<img src=x onerror=alert(1)>'{{7*7}}"
FORKED: list[dict[str, Any]] = [
    {
        "kind": "arms",
        "id": "lot",
        "arms": [{"name": EVIL, "weight": 1, "then": "gift"}, {"name": "B", "weight": 3, "then": "W2"}],
    },
    {"kind": "tag", "id": "gift", "add": [EVIL]},
]


@contextmanager
def counted(runtime: Runtime) -> Iterator[list[str]]:
    """The statements that run meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(runtime.database.engine, "before_cursor_execute", note)


def _read(member: FlaskClient, path: str, language: str = "en") -> str:
    return member.get(path, headers={"Accept-Language": language}).get_data(as_text=True)


def _node(page: str, step: str) -> str:
    """What is drawn at a step, without the steps behind it."""
    return page.split(f'id="step-{step}"')[1].split('id="step-', maxsplit=1)[0]


def _plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _fill(runtime: Runtime, shop: Shop, most: int) -> None:
    """So many people at a wait, half of them gone, with mails that brought orders."""
    with runtime.database.write() as session:
        version = session.query(FlowVersion).filter_by(store_id=shop.store_id, flow_key="welcome").one()
        for number in range(most):
            gone = {"state": "exited", "exit_reason": "order.paid"} if number % 2 else {"state": "active"}
            session.add(
                Enrollment(
                    store_id=shop.store_id,
                    flow_key="welcome",
                    version_id=version.id,
                    customer_id=shop.ids["customer"],
                    occurrence=str(number),
                    subject="x",
                    step="to-W3",
                    entered_at=NOW,
                    **gone,
                )
            )
            message = add_message(session, shop.store_id, 1, word=str(number), step="W3", content=None)
            session.add(
                Attribution(
                    store_id=shop.store_id,
                    order_id=100 + number,
                    message_id=message.id,
                    flow_key="welcome",
                    step="W3",
                    rule="last-click",
                    amount_minor=1000,
                    currency="EUR",
                    occurred_at=NOW,
                )
            )


def test_each_step_tells_who_waits_who_left_and_what_it_brought(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    _fill(runtime, shop, 4)

    page = _read(member, "/app/flows/welcome")

    wait, message = _plain(_node(page, "to-W3")), _plain(_node(page, "W3"))
    assert "2 waiting here" in wait
    assert "2 left the journey" in wait
    assert "Paid 2" in wait
    assert "4 sent" in message
    assert "€40.00 from 4 orders" in message


def test_the_page_asks_as_often_in_a_large_shop(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with counted(runtime) as small:
        _read(member, "/app/flows/welcome")
    _fill(runtime, shop, 40)

    with counted(runtime) as large:
        _read(member, "/app/flows/welcome")

    assert len(large) == len(small) <= 30


def test_the_counts_are_read_off_indexes_alone(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with counted(runtime) as asked:
        _read(member, "/app/flows/welcome")

    plans = [
        row.detail
        for statement in asked
        if "GROUP BY" in statement and ("enrollments" in statement or "messages" in statement)
        for row in _plan(runtime, statement)
    ]
    searched = [plan for plan in plans if plan.startswith(("SEARCH", "SCAN", "USE TEMP"))]
    young = [plan for plan in searched if "flow_tallies" not in plan]
    assert [plan for plan in young if "COVERING INDEX" not in plan] == []
    assert len(young) == 2
    assert len(searched) == 4


def _plan(runtime: Runtime, statement: str) -> list[Any]:
    with runtime.database.engine.connect() as connection:
        places = statement.count("?")
        return list(
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("welcome",) * places).all()
        )


def test_where_a_way_only_ends_no_fork_is_drawn(member: FlaskClient, shop: Shop) -> None:
    page = _read(member, "/app/flows/abandoned_checkout", "it")

    assert "Altrimenti il viaggio finisce qui." in _node(page, "stands-A2")
    assert 'class="forks"' not in page
    assert 'class="forks"' in _read(member, "/app/flows/welcome")


@pytest.mark.parametrize("language", ["it", "en"])
def test_ways_that_part_by_lot_are_drawn_and_names_stay_text(
    member: FlaskClient, runtime: Runtime, shop: Shop, language: str
) -> None:
    told = recipe("welcome").model_dump(mode="json")
    told["entries"][0]["steps"][2:2] = FORKED
    with runtime.database.write() as session:
        whole = Definition.model_validate(told).model_dump(mode="json")
        version = FlowVersion(
            store_id=shop.store_id, flow_key="welcome", number=2, definition=whole, created_at=NOW
        )
        session.add(version)
        session.flush()
        session.query(Flow).filter_by(store_id=shop.store_id, key="welcome").one().version_id = version.id

    page = _read(member, "/app/flows/welcome", language)

    assert "&lt;img src=x onerror=alert(1)&gt;&#39;{{7*7}}" in _node(page, "lot")
    assert "25" in _plain(_node(page, "lot"))
    assert "<img src=x" not in page
    assert page.count('id="step-gift"') == 1


def test_before_a_flow_is_switched_on_its_plan_is_told_in_numbers(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    _silence(runtime, shop)
    found = {"counts": {"sent": 45}, "messages": [], "vouchers": {"n": 0}}
    with runtime.database.write() as session:
        begin = NOW - timedelta(days=90)
        rehearsals.ask(session, shop.store_id, "reactivation", begin=begin, end=NOW)
        held = rehearsals.claim(session)
        assert held is not None
        rehearsals.finish(session, held, found, NOW)

    page = _plain(_read(member, "/app/flows/reactivation/start"))
    other = _plain(_read(member, "/app/flows/welcome/start", "it"))

    assert "3 customers are silent now. They begin little by little, at most 1 a day" in page
    assert "about 3 days in all" in page
    assert "45 messages: about 4 a week" in page
    assert "niente parte subito" in other
    assert "Non è ancora stato provato" in other


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            [
                "2 customers would begin from 25 Nov 2026 to 26 Nov 2026",
                "at most 1 a day",
                "none: left out on purpose",
            ],
        ),
        (
            "it",
            [
                "2 clienti comincerebbero dal 25 nov 2026 al 26 nov 2026",
                "al massimo 1 al giorno",
                "fuori apposta",
            ],
        ),
    ],
)
def test_who_would_begin_on_which_day_if_it_were_switched_on_now_is_asked_and_told(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf, language: str, words: list[str]
) -> None:
    _silence(runtime, shop)
    answer = member.post("/app/flows/reactivation/try", data={"csrf": csrf(member), "ahead": "on"})
    waiting = _read(member, "/app/flows/reactivation/start", language)
    person = shop.ids["customer"]
    got = {"step": "R0", "due_at": "2026-11-25T00:00:00+00:00", "sent_at": "2026-11-25T07:00:00+00:00"}
    days = ("2026-11-25", "2026-11-26")
    people = [
        {"customer": person, "on": days[0], "messages": [got]},
        {"customer": 10**9, "on": days[1], "messages": []},
    ]
    release = {"a_day": 1, "days": 2, "begun": 2, "by_day": dict.fromkeys(days, 1), "people": people}
    with runtime.database.write() as session:
        held = rehearsals.claim(session)
        assert held is not None
        rehearsals.finish(session, held, {"messages": [], "release": release}, NOW)

    page = _read(member, "/app/flows/reactivation/start", language)

    section = page.split('id="rehearsal"')[1].split("</section>")[0]
    assert answer.headers["Location"] == "/app/flows/reactivation/start#rehearsal"
    assert (held.row.begin, held.row.end) == (NOW, NOW + timedelta(days=90))
    assert 'data-rehearsal="/app/flows/reactivation/rehearsal.json"' in waiting
    assert [word for word in words if word not in _plain(section)] == []
    assert f'href="/app/customers/{person}"' in section


def test_a_reader_is_told_of_the_release_and_not_asked_to_look_ahead(
    app: Flask, runtime: Runtime, shop: Shop
) -> None:
    _silence(runtime, shop)
    reader = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=READER))

    section = _read(reader, "/app/flows/reactivation/start", "en").split('id="rehearsal"')[1]

    assert "Who would begin, day by day" in section.split("</section>")[0]
    assert "<form" not in section.split("</section>")[0]


def _silence(runtime: Runtime, shop: Shop) -> None:
    """Three customers who may be written to and fell silent."""
    with runtime.database.write() as session:
        for number in range(3):
            person = add_customer(session, shop.store_id, f"silent-{number}")
            mine: dict[str, Any] = {"store_id": shop.store_id, "customer_id": person.id}
            said = {"channel": "email", "state": "subscribed", "basis": "consent"}
            session.add(ConsentState(**mine, **said, occurred_at=NOW))
            session.add(CustomerState(**mine, state="dormant", since=NOW - timedelta(days=9), attempts=[]))


def test_a_flow_that_is_on_has_no_plan(member: FlaskClient, shop: Shop, csrf: Csrf) -> None:
    member.post("/app/flows/review/activate", data={"csrf": csrf(member)})

    assert member.get("/app/flows/review/start").status_code == 303
    assert member.get("/app/flows/nothing/start").status_code == 404


def test_a_wait_before_a_day_reads_as_people_say_it(member: FlaskClient, shop: Shop) -> None:
    told = {
        language: member.get("/app/flows/birthday", headers={"Accept-Language": language}).get_data(
            as_text=True
        )
        for language in ("it", "en")
    }

    assert "7 giorni prima del compleanno" in told["it"]
    assert "7 days before the birthday, at 09:00, the customer’s time" in told["en"]


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_moment_that_is_waited_for_can_be_waited_before(language: str) -> None:
    known = CATALOGUES[language]
    anchors = {key.removeprefix("anchor.") for key in known if re.fullmatch(r"anchor\.\w+", key)}

    assert {f"anchor.before.{anchor}" for anchor in anchors} <= set(known)
