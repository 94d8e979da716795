"""A flow is drawn as a journey, with what became of everybody at each step."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.flows.definition import Definition, recipe
from app.models import Attribution, Enrollment, Flow, FlowVersion
from app.runtime import Runtime
from tests.web.web_shops import NOW, Shop, add_message

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
    assert [plan for plan in plans if "COVERING INDEX" not in plan] == []
    assert len(plans) == 2


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
