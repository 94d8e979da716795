"""What is told to OpenTelemetry and Sentry: what happened and where, never of whom, and only if asked."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import structlog
import urllib3
from flask import Flask

from app import logs, watching, wsgi
from app.db import Database
from app.errors import AppError, BadInput
from app.runtime import Runtime
from connectors.base import OutgoingMessage, SendResult
from connectors.sending import MayLeave, always
from jobs import tick
from jobs.guard import run_guarded
from tests.conftest import NOW
from tests.engines import SQLITE
from tests.messaging.outbox_seed import Post, open_shop
from tests.watchers import ToldSpan, Watchers, watchers
from tests.webhooks import webhooks_process
from tests.webhooks.webhooks_process import EMBEDDED, HOSTED
from tests.webhooks.webhooks_shops import connect_woocommerce, woo_delivery

ON_SQLITE = pytest.mark.parametrize("engine", [SQLITE])
CANARY = "canary@person.example"
OFF = {"spans_to": "", "surprises_to": ""}
ROOT = Path(__file__).parents[1]


@pytest.fixture
def heard() -> Iterator[Watchers]:
    """What is told by this process, once the test says `watching.end()`."""
    with watchers() as found:
        yield found
        watching.end()


@pytest.fixture
def pages(runtime: Runtime) -> Flask:
    """The app, with a page that breaks over somebody's address."""
    app = wsgi.create_app(runtime)

    @app.get("/app/broken/<name>")
    def _broken(name: str) -> str:
        raise ValueError(f"{name} cannot be written to")

    return app


def test_nothing_of_it_is_loaded_unless_it_is_asked_for() -> None:
    program = (
        "import sys, app.asgi, app.wsgi, app.cli.working, app.cli.embedded, jobs.tick\n"
        "from app import watching\n"
        "watching.begin(spans_to='', surprises_to='')\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('opentelemetry', 'sentry_sdk')])"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert said.stdout == "[]\n"


@pytest.mark.parametrize(
    "asked", [{"spans_to": "http://127.0.0.1:9"}, {"surprises_to": "http://a@127.0.0.1:9/1"}]
)
def test_who_asks_for_what_is_not_installed_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]
) -> None:
    for name in ("app.spans", "app.surprises"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("opentelemetry.trace", "sentry_sdk"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(AppError, match="needs the extra"):
        watching.begin(**{**OFF, **asked})


@ON_SQLITE
def test_a_request_is_a_span_whose_trace_its_log_lines_name(
    pages: Flask, heard: Watchers, capsys: pytest.CaptureFixture[str]
) -> None:
    watching.begin(**{**OFF, "spans_to": heard.collector})
    logging.root.handlers.clear()
    logs.configure("INFO", "json")

    pages.test_client().get(f"/app/broken/{CANARY}?q={CANARY}", headers={"User-Agent": CANARY})
    watching.end()

    (span,) = heard.spans()
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (span.name, span.parent) == ("GET /app/broken/<name>", "")
    assert span.facts["http.route"] == "/app/broken/<name>"
    assert span.facts["http.response.status_code"] == 500
    assert (line["trace"], line["request"]) == (span.trace, span.facts["ritorno.request"])
    assert CANARY.encode() not in heard.raw()
    assert "trace" not in structlog.contextvars.get_contextvars()


@ON_SQLITE
def test_a_round_of_work_is_a_span_with_its_calls_to_providers_within(
    runtime: Runtime, heard: Watchers
) -> None:
    shop, post = open_shop(runtime), Post()
    for _ in range(3):
        shop.add_message()
    watching.begin(**{**OFF, "spans_to": heard.collector})

    tick.tick(shop.kit(post), NOW)
    tick.tick(shop.kit(post), NOW)
    watching.end()

    spans = {span.name: span for span in heard.spans()}
    call, stage = spans["provider call"], spans["stage outbox"]
    assert (call.trace, call.parent) == (stage.trace, stage.id)
    assert call.facts == {"ritorno.store": shop.id, "ritorno.channel": "email", "ritorno.messages": 3}
    assert stage.facts["ritorno.done_decided"] >= 3
    assert len(post.sent) == 3
    assert [span.name for span in heard.spans()].count("stage outbox") == 1
    assert not any(message.to_address.encode() in heard.raw() for message in post.sent)


@ON_SQLITE
def test_a_call_that_breaks_is_told_as_failed_by_its_kind(runtime: Runtime, heard: Watchers) -> None:
    class Broken(Post):
        def send(
            self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always
        ) -> Sequence[SendResult]:
            raise RuntimeError(CANARY)

    shop = open_shop(runtime)
    shop.add_message()
    watching.begin(spans_to=heard.collector, surprises_to=heard.dsn)

    tick.tick(shop.kit(Broken()), NOW)
    watching.end()

    failed = [span.name for span in heard.spans() if span.is_failed]
    (event,) = heard.surprises()
    assert failed == ["provider call"]
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert event["tags"]["store"] == str(shop.id)
    assert event["tags"]["trace"] == _named(heard, "provider call").trace
    assert CANARY.encode() not in heard.raw()


@ON_SQLITE
def test_a_page_that_breaks_is_told_without_a_word_of_whom_it_is_about(pages: Flask, heard: Watchers) -> None:
    watching.begin(**{**OFF, "surprises_to": heard.dsn})

    answer = pages.test_client().get(
        f"/app/broken/{CANARY}?q={CANARY}", headers={"Cookie": f"a={CANARY}", "User-Agent": CANARY}
    )
    watching.end()

    (event,) = heard.surprises()
    (error,) = event["exception"]["values"]
    assert error["type"] == "ValueError"
    assert error["stacktrace"]["frames"][-1]["function"] == "_broken"
    assert event["tags"] == {"request": answer.headers["X-Request-Id"]}
    assert {"request", "user", "breadcrumbs", "extra", "modules", "server_name"} & event.keys() == set()
    assert "value" not in error
    assert all("vars" not in frame for frame in error["stacktrace"]["frames"])
    assert CANARY.encode() not in heard.raw()


def test_what_our_own_code_says_is_no_surprise_and_each_is_told_once(heard: Watchers) -> None:
    surprise = ValueError(CANARY)

    def _raise(error: Exception) -> None:
        raise error

    watching.begin(**{**OFF, "surprises_to": heard.dsn})
    run_guarded(lambda: _raise(BadInput(CANARY)))
    for _ in range(2):
        run_guarded(lambda: _raise(surprise))
    watching.end()

    assert [event["exception"]["values"][0]["type"] for event in heard.surprises()] == ["ValueError"]


def test_who_watches_and_is_away_keeps_nobody_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    with watchers() as gone:
        pass
    watching.begin(spans_to=gone.collector, surprises_to=gone.dsn)

    with watching.span("work") as span:
        span.note(store=1)
    watching.report(ValueError(CANARY))
    watching.end()

    assert CANARY not in capsys.readouterr().err


@pytest.mark.parametrize("form", [EMBEDDED, HOSTED], ids=["embedded", "hosted"])
@ON_SQLITE
def test_a_serving_process_tells_of_deliveries_and_pages(
    database: Database, database_url: str, runtime: Runtime, tmp_path: Path, form: tuple[str, ...]
) -> None:
    store = connect_woocommerce(runtime)
    body = json.dumps({"id": 7, "email": CANARY}).encode()
    delivery = woo_delivery(runtime, store, "customer.updated", body)

    with watchers() as heard:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": heard.collector, "OTEL_SERVICE_NAME": "the-shop"}
        with webhooks_process.serving(database_url, form, tmp_path, environment=told) as served:
            answer = served.post(delivery.path, delivery.headers, delivery.body)
            urllib3.request("GET", f"http://127.0.0.1:{served.port}/app/{CANARY}", retries=False, timeout=60)
        spans, raw = heard.spans(), heard.raw()

    names = {span.name for span in spans}
    (posted,) = [span for span in spans if span.name == "POST /webhooks"]
    assert answer.status == 200
    assert names >= {"POST /webhooks", "keep deliveries", "GET"}
    assert posted.facts == {"http.response.status_code": 200}
    assert b"the-shop" in raw
    for secret in (CANARY, store.webhook_path, "person.example"):
        assert secret.encode() not in raw


def _named(heard: Watchers, name: str) -> ToldSpan:
    (span,) = [span for span in heard.spans() if span.name == name]
    return span
