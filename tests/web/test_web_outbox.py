"""The outbox's list stands in the order of the dates that it shows first."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.web.web_shops import signed_in

HOUR, ROME = timedelta(hours=1), ZoneInfo("Europe/Rome")
_WHEN = re.compile(r'<td class="when">([^<]*)<br><small>([^<]*)</small>')


@pytest.mark.parametrize(
    ("language", "made", "words"),
    [("en", "Made", ("due", "sent")), ("it", "Creato", ("previsto", "inviato"))],
)
def test_messages_stand_by_when_they_were_made_and_say_when_they_left_or_are_due(
    app: Flask, runtime: Runtime, language: str, made: str, words: tuple[str, str]
) -> None:
    with runtime.database.write() as session:
        store = seeds.add_store(session)
        person = seeds.add_customer(session, store.id)
        for hours, values in ((72, {}), (5, {"status": "sent", "sent_at": NOW - HOUR}), (1, {})):
            of = {"created_at": NOW - hours * HOUR, "due_at": NOW + hours * HOUR}
            seeds.add_message(session, store.id, person.id, **of, **values)

    page = signed_in(app, runtime).get("/app/outbox", headers={"Accept-Language": language})

    shown = _WHEN.findall(page.get_data(as_text=True))
    assert f'<th scope="col">{made}</th>' in page.get_data(as_text=True)
    assert [told.split()[0] for _, told in shown] == [words[0], words[1], words[0]]
    made_at = [f"{NOW.astimezone(ROME) - hours * HOUR:%H:%M}" for hours in (1, 5, 72)]
    assert [first.rpartition(", ")[2] for first, _ in shown] == made_at
