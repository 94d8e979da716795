"""Trying a flow on the last 90 days, from the flow's page and from the command line."""

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.cli import main
from app.flows import rehearsals
from app.models import Rehearsal
from app.runtime import Runtime
from tests.web.web_shops import NOW, Csrf, Shop

FOUND = {
    "people": 2,
    "enrolled": 3,
    "held_out": 1,
    "messages": [
        {
            "customer": 1,
            "step": "M3",
            "channel": "email",
            "due_at": "2026-11-02T09:00:00+00:00",
            "status": "stopped",
            "reason": "no-legal-basis",
        },
        {
            "customer": 10**9,
            "step": "M3R",
            "channel": "sms",
            "due_at": "2026-11-03T09:00:00+00:00",
            "status": "sent",
            "reason": None,
        },
    ],
    "counts": {"sent": 1, "stopped": 1},
    "reasons": {"no-legal-basis": 1},
    "consent_assumed": 1,
    "forgotten_baskets": 12,
    "silent_before": 1,
    "release": {"a_day": 1200, "days": 3},
    "beside": ["birthday"],
    "vouchers": {"n": 4, "cost": {"minor": 4050, "currency": "EUR"}},
}


def _finish(runtime: Runtime) -> None:
    with runtime.database.write() as session:
        held = rehearsals.claim(session)
        assert held is not None
        assert rehearsals.finish(session, held, FOUND, NOW)


def test_the_button_queues_a_dry_run_and_the_page_tells_how_far_it_is(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    before = member.get("/app/flows/review/rehearsal.json").status_code
    answer = member.post("/app/flows/review/try", data={"csrf": csrf(member)})
    with runtime.database.write() as session:
        row = session.get_one(Rehearsal, (shop.store_id, "review", False))
        row.done, row.total = 1000, 2500

    page = member.get("/app/flows/review").get_data(as_text=True)

    assert (before, answer.status_code) == (404, 303)
    assert answer.headers["Location"] == "/app/flows/review#rehearsal"
    assert 'data-rehearsal="/app/flows/review/rehearsal.json"' in page
    assert "1,000 / 2,500" in page
    progress = member.get("/app/flows/review/rehearsal.json").get_json()
    assert progress == {"done": 1000, "total": 2500, "finished": False}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            [
                "at most €40.50",
                "never agreed",
                "Switch on",
                "12 baskets older",
                "1 customer had fallen",
                "1,200 a day",
            ],
        ),
        (
            "it",
            [
                "al massimo 40,50\xa0€",
                "Accendi",
                "12 carrelli più vecchi",
                "non comprava da tempo già prima",
                "1.200 al giorno",
            ],
        ),
    ],
)
def test_the_result_is_shown_with_the_switch_beside_it(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf, language: str, words: list[str]
) -> None:
    member.post("/app/flows/review/try", data={"csrf": csrf(member)})
    _finish(runtime)

    page = member.get("/app/flows/review", headers={"Accept-Language": language}).get_data(as_text=True)

    section = page.split('id="rehearsal"')[1].split("</section>")[0]
    assert [word for word in words if word not in section] == []
    assert "/app/flows/review/start" in section
    assert f'href="/app/customers/{shop.ids["customer"]}"' in section


def test_the_command_prints_what_would_have_happened(
    runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", str(runtime.database.engine.url))
    words = ["flow", "simulate", "welcome", "--store", str(shop.store_id)]

    statuses = [main([*words, "--json"]), main(words), main([*words, "--since", "soon"])]
    statuses.append(main(["flow", "simulate", "nothing", "--store", str(shop.store_id)]))

    shown, told = capsys.readouterr()
    answer = json.loads(shown.splitlines()[0])
    assert statuses == [0, 0, 1, 1]
    assert {"messages", "counts", "vouchers", "held_out"} <= answer.keys()
    assert answer["vouchers"] == {"n": 0, "cost": {"minor": 0, "currency": "EUR"}}
    assert "1 / 1 people" in told


def test_the_command_looks_ahead_for_ninety_days_at_most(
    runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", str(runtime.database.engine.url))
    words = ["flow", "simulate", "reactivation", "--store", str(shop.store_id), "--json", "--ahead"]

    statuses = [main([*words, "30"]), main([*words, "91"])]

    answer = json.loads(capsys.readouterr().out.splitlines()[0])
    assert statuses == [0, 1]
    assert (answer["since"], answer["until"]) == (NOW.isoformat(), (NOW + timedelta(days=30)).isoformat())


@pytest.mark.parametrize(
    ("days", "begin"), [("365", "2025-11-24"), ("90", "2026-08-27"), ("x", "2026-08-27")]
)
def test_a_whole_year_may_be_tried_and_a_draft(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf, days: str, begin: str
) -> None:
    member.post("/app/flows/review/try", data={"csrf": csrf(member), "days": days, "draft": "on"})

    with runtime.database.read() as session:
        row = session.get_one(Rehearsal, (shop.store_id, "review", True))
    assert (row.begin.date().isoformat(), row.end) == (begin, NOW)
    assert member.get("/app/flows/review/rehearsal.json").status_code == 404
    assert member.get("/app/flows/review/rehearsal.json?draft=1").status_code == 200


def test_what_was_tried_of_a_draft_counts_where_it_is_switched_on(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    token = csrf(member)
    member.post("/app/flows/welcome/deactivate", data={"csrf": token})
    member.post("/app/flows/welcome/steps/to-W2", data={"csrf": token, "seen": "0", **_IN_THREE_DAYS})
    before = member.get("/app/flows/welcome/start").get_data(as_text=True)
    member.post("/app/flows/welcome/try", data={"csrf": token, "draft": "on", "from": "guide"})
    during = member.get("/app/setup").get_data(as_text=True)
    with runtime.database.write() as session:
        held = rehearsals.claim(session)
        assert held is not None
        assert rehearsals.finish(session, held, {**FOUND, "revision": 1}, NOW)
    guide = member.get("/app/setup").get_data(as_text=True)
    published = member.post("/app/flows/welcome/publish", data={"csrf": token, "seen": "1"})
    after = member.get("/app/flows/welcome/start").get_data(as_text=True)

    assert published.headers["Location"] == "/app/flows/welcome"
    assert "not tried on your own past" in before
    assert 'data-rehearsal="/app/flows/welcome/rehearsal.json?draft=1"' in during
    assert 'href="/app/flows/welcome/publish#rehearsal"' in guide
    assert "not tried on your own past" not in after


_IN_THREE_DAYS = {"amount": "3", "unit": "days", "side": "after", "anchor": "entered", "at": ""}
