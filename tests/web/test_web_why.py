"""Why somebody did not get a message: the page, the answer for programs, the command."""

import json

import pytest
from flask.testing import FlaskClient

from app.cli import main
from app.models import Decision
from app.runtime import Runtime
from app.web.catalogue import CATALOGUES
from tests.web.web_shops import NOW, Shop, add_message

DAY = "2026-11-25"


def _stopped(runtime: Runtime, shop: Shop) -> int:
    with runtime.database.write() as session:
        values = {"status": "stopped", "reason": "no-legal-basis", "step": "W2", "sent_at": None}
        return add_message(session, shop.store_id, shop.ids["customer"], word="stopped", **values).id


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ("“Welcome with the promised code” (E-mail) left on 25 Nov 2026, 10:00", "never agreed")),
        ("it", ("è partito il 25 nov 2026, 10:00", "Quel giorno il flusso era spento")),
    ],
)
def test_the_page_answers_in_the_readers_words(
    member: FlaskClient, runtime: Runtime, shop: Shop, language: str, sentences: tuple[str, str]
) -> None:
    _stopped(runtime, shop)
    path = f"/app/customers/{shop.ids['customer']}/why?flow=welcome&on={DAY}"

    page = member.get(path, headers={"Accept-Language": language}).get_data(as_text=True)

    assert [sentence for sentence in sentences if sentence not in page] == []
    assert CATALOGUES[language]["gate.legal-basis"] in page
    assert page.count('<details class="card checked" open>') == 1


def test_what_holds_for_several_is_said_once_with_how_often(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    mine = {"store_id": shop.store_id, "customer_id": shop.ids["customer"], "flow_key": "welcome"}
    skipped = {"step": "W2", "verdict": "stop", "reason": "trigger-false", "steps": [{"value": "always"}]}
    with runtime.database.write() as session:
        session.add_all(Decision(**mine, **skipped, decided_at=NOW) for _ in range(3))

    page = member.get(f"/app/customers/{shop.ids['customer']}/why?flow=welcome&on={DAY}").get_data(
        as_text=True
    )

    assert page.count("(3 times)") == 1
    assert page.count("was not made on") == 1


def test_the_customers_page_asks(member: FlaskClient, shop: Shop) -> None:
    page = member.get(f"/app/customers/{shop.ids['customer']}").get_data(as_text=True)

    assert f'action="/app/customers/{shop.ids["customer"]}/why"' in page
    assert f'value="{DAY}"' in page


def test_a_program_gets_codes_moments_and_the_gates_steps(api: FlaskClient, shop: Shop) -> None:
    path = f"/api/v1/customers/{shop.ids['customer']}/why?flow=welcome&on={DAY}"

    (answer,) = api.get(path, headers=shop.headers).get_json()["data"]

    assert (answer["begin"], answer["end"]) == ("2026-11-24T23:00:00Z", "2026-11-25T23:00:00Z")
    assert [message["status"] for message in answer["messages"]] == ["sent"]
    assert answer["messages"][0]["decisions"][0]["steps"][2] == {
        "step": "legal-basis",
        "verdict": "stop",
        "reason": "no-legal-basis",
        "value": "email: unknown",
    }
    assert "off-then" in [finding["code"] for finding in answer["findings"]]


@pytest.mark.parametrize("query", ["on=yesterday", "on=0001-01-01", "flow=nothing", "day=2026-11-25"])
def test_a_question_that_cannot_be_meant_is_refused(api: FlaskClient, shop: Shop, query: str) -> None:
    answer = api.get(f"/api/v1/customers/{shop.ids['customer']}/why?{query}", headers=shop.headers)

    assert answer.status_code in (400, 404)


def test_the_command_answers_in_the_shops_language_and_as_json(
    runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", str(runtime.database.engine.url))
    words = ["customer", "why", str(shop.ids["customer"]), "--flow", "welcome", "--on", DAY]

    statuses = [main(words), main([*words, "--json"]), main([*words[:-1], "soon"])]

    text, shown = capsys.readouterr().out.split("\n{", 1)
    assert statuses == [0, 0, 1]
    assert "è partito il 25 nov 2026" in text
    assert json.loads("{" + shown)["on"] == DAY
