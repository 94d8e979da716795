"""`message release|cancel`: the operator decides about what a restore left in doubt."""

import json
from typing import Any

import pytest

from app.cli import main
from app.models import AuditEntry, Message
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.engines import SQLITE

pytestmark = pytest.mark.parametrize("engine", [SQLITE])


@pytest.fixture
def held(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A shop that holds three messages; its id and theirs."""
    for name in ("database_url", "secret_key", "encryption_keys"):
        monkeypatch.setenv(name.upper(), str(getattr(runtime.settings, name)))
    store_id = seeds.new_store(runtime.database)
    values: dict[str, Any] = {"status": "held", "reason": "restored"}
    with runtime.database.write() as session:
        person = seeds.add_customer(session, store_id).id
        ids = [seeds.add_message(session, store_id, person, **values).id for _ in range(3)]
    return [store_id, *ids]


def test_some_go_in_line_again_and_the_rest_stays_home(
    runtime: Runtime, held: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    store, first, *_ = map(str, held)

    codes = [
        main(["message", "release", first, "--store", store, "--json"]),
        main(["message", "cancel", "--all", "--store", store, "--json"]),
    ]

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert codes == [0, 0]
    assert [told[0]["released"], told[1]["cancelled"]] == [1, 2]
    assert seeds.rows_of(runtime.database, Message, "status", "next_at")[0] == ("queued", NOW)
    assert seeds.values_of(runtime.database, Message, "status")[1:] == ["cancelled", "cancelled"]
    assert seeds.rows_of(runtime.database, AuditEntry, "actor_kind", "action", "details") == [
        ("operator", "message.released", {"n": 1}),
        ("operator", "message.cancelled", {"n": 2}),
    ]


def test_none_and_all_at_once_are_both_refused(held: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    store, first, *_ = map(str, held)

    codes = [
        main(["message", "release", "--store", store]),
        main(["message", "release", first, "--all", "--store", store]),
    ]

    assert codes == [1, 1]
    assert "name the messages, or give --all" in capsys.readouterr().err
