"""A request's number leads from what a person saw to the lines of the log."""

import structlog
from flask import Flask
from flask.testing import FlaskClient
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from app.web.tracing import HEADER
from jobs.guard import Failed, run_guarded
from tests.web.web_shops import Shop


def test_each_answer_has_a_number_of_our_own(api: FlaskClient) -> None:
    answers = [api.get("/healthz", headers={HEADER: "forged"}) for _ in range(2)]

    numbers = {answer.headers[HEADER] for answer in answers}
    assert len(numbers) == 2
    assert "forged" not in numbers


def test_what_breaks_tells_the_number_that_its_log_lines_carry(app: Flask, api: FlaskClient) -> None:
    told = {}

    def break_down(**_named: object) -> str:
        told.update(get_contextvars())
        raise ValueError("nobody's business")

    app.view_functions["customers.show"] = break_down
    page = api.get("/app/customers/1", headers={"Accept-Language": "en"})
    number = page.headers[HEADER]

    assert page.status_code == 500
    assert f"number {number}" in page.get_data(as_text=True)
    assert told == {"request": number}


def test_a_request_of_a_store_names_it(api: FlaskClient, shop: Shop) -> None:
    api.get("/api/v1/customers", headers=shop.headers)

    assert get_contextvars()["store"] == shop.store_id


def test_guarded_work_names_what_it_is_about_and_nothing_afterwards() -> None:
    structlog.contextvars.clear_contextvars()

    def work() -> None:
        structlog.get_logger().warning("late", **get_contextvars())
        raise ValueError

    with capture_logs() as lines:
        result = run_guarded(work, store=7, inbound=12)

    assert isinstance(result, Failed)
    assert [(line["store"], line["inbound"]) for line in lines] == [(7, 12)]
    assert get_contextvars() == {}
