"""Alive, ready, and the figures of the operator."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app import asides
from app.models import JobRun, MessageAttempt, ScheduledJob, TimerCursor
from app.runtime import Runtime
from app.web.health import MIGRATION_HEAD
from tests.web.web_shops import NOW, Shop, add_inbound, add_message, make_app

TOKEN = {"Authorization": "Bearer the scraper's token"}


def _figures(client: FlaskClient) -> dict[str, float]:
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")
    }


def test_a_process_that_answers_is_alive(api: FlaskClient) -> None:
    assert api.get("/healthz").get_json() == {"status": "ok"}


def test_a_database_that_is_behind_is_not_ready_and_one_that_is_ahead_is(runtime: Runtime) -> None:
    app = make_app(runtime)
    app.extensions[MIGRATION_HEAD] = lambda: "0002"
    before = app.test_client().get("/readyz")
    with runtime.database.write() as session:
        session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        session.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
    between = app.test_client().get("/readyz")
    with runtime.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    after = app.test_client().get("/readyz")
    app.extensions[MIGRATION_HEAD] = lambda: "0001"
    of_before = app.test_client().get("/readyz")

    assert [answer.status_code for answer in (before, between, after, of_before)] == [503, 503, 200, 200]
    assert "0001" in between.get_json()["detail"]


def test_a_database_that_cannot_be_reached_is_503_with_a_time_to_come_back(
    app: Flask, runtime: Runtime, shop: Shop
) -> None:
    with runtime.database.write() as session:
        session.execute(text("DROP TABLE api_keys"))

    answer = app.test_client().get("/api/v1/customers", headers=shop.headers)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "api_keys" not in answer.get_data(as_text=True)


def test_figures_tell_what_waits_and_for_how_long(app: Flask, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        waiting = add_inbound(session, shop.store_id, "t", status="waiting", key="w")
        waiting.received_at = NOW - timedelta(seconds=40)
        late = {
            "status": "queued",
            "due_at": NOW - timedelta(seconds=70),
            "next_at": NOW - timedelta(seconds=70),
        }
        later = {"status": "queued", "due_at": NOW - timedelta(days=2), "next_at": NOW + timedelta(hours=1)}
        add_message(session, shop.store_id, 1, word="late", **late)
        add_message(session, shop.store_id, 1, word="put off", **later)
        add_message(session, shop.store_id, 1, word="lost", status="unknown")
        session.add(TimerCursor(store_id=shop.store_id, next_due_at=NOW - timedelta(seconds=5)))
        ran_at = NOW - timedelta(seconds=90)
        session.add(ScheduledJob(name="birthdays", every_hours=24, last_run_at=ran_at))
        session.add(JobRun(name="birthdays", slot=ran_at - timedelta(days=1), started_at=ran_at))
        session.add(JobRun(name="birthdays", slot=ran_at, started_at=ran_at, error="of some shop"))
        asides.put(session, shop.store_id, "flows", 7, error="ValueError in run (live.py:33)", now=NOW)

    figures = _figures(app.test_client())

    assert figures['ritorno_inbox_events{status="waiting"}'] == 1
    assert figures['ritorno_inbox_events{status="dead"}'] == 1
    assert figures["ritorno_inbox_oldest_waiting_seconds"] == 40
    assert figures['ritorno_messages{status="queued"}'] == 2
    assert 'ritorno_messages{status="sent"}' not in figures
    assert figures["ritorno_messages_oldest_due_seconds"] == 70
    assert figures["ritorno_messages_unknown"] == 1
    assert figures["ritorno_flows_lag_seconds"] == 5
    assert figures['ritorno_job_age_seconds{job="birthdays"}'] == 90
    assert figures['ritorno_job_failed{job="birthdays"}'] == 1
    assert figures['ritorno_set_aside{job="flows"}'] == 1


def test_figures_tell_what_a_provider_accepted_twice(app: Flask, runtime: Runtime, shop: Shop) -> None:
    calls = [(1, 5, "accepted"), (1, 4, "accepted"), (2, 3, "accepted"), (2, 2, "retry"), (3, 90, "accepted")]
    with runtime.database.write() as session:
        for message_id, minutes, outcome in [*calls, (3, 80, "accepted"), (4, 1, None)]:
            started_at = NOW - timedelta(minutes=minutes)
            row = {"store_id": shop.store_id, "message_id": message_id, "started_at": started_at}
            session.add(MessageAttempt(**row, outcome=outcome))

    figures = _figures(app.test_client())

    assert figures["ritorno_messages_accepted_twice"] == 1
    assert figures['ritorno_calls_last_hour{outcome="accepted"}'] == 3
    assert figures['ritorno_calls_last_hour{outcome="open"}'] == 1
    assert figures['ritorno_stores{state="connected"}'] == 1


def test_figures_of_an_empty_database_are_zero(app: Flask) -> None:
    figures = _figures(app.test_client())

    assert figures["ritorno_inbox_oldest_waiting_seconds"] == 0
    assert figures["ritorno_messages_unknown"] == 0


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.0.0.5", {}, 403),
        ("10.0.0.5", TOKEN, 200),
        ("10.0.0.5", {"Authorization": "Bearer "}, 403),
        ("10.0.0.5", {"Authorization": "Bearer the scraper's tokem"}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 403),
        ("10.0.0.5", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("", {}, 403),
    ],
)
def test_figures_are_for_this_machine_or_the_token(
    app: Flask, address: str, headers: dict[str, str], status: int
) -> None:
    answer = app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})

    assert answer.status_code == status


def test_an_error_of_ours_tells_nothing_of_its_text(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(runtime)
    shop_domain = "example.com"
    address = f"somebody@{shop_domain}"

    def broken() -> str:
        raise ValueError(address)

    app.add_url_rule("/broken", view_func=broken)
    answer = app.test_client().get("/broken")

    assert answer.status_code == 500
    assert "somebody@" not in answer.get_data(as_text=True)
    assert "ValueError" in caplog.text
    assert "somebody@" not in caplog.text
