"""`member add|list|remove|reset`: the operator's way to let people in, and the first way in of `serve`."""

import argparse
import json
from typing import Any

import pytest

from app.cli import main, serving
from app.members import links, people, sessions
from app.models import AuditEntry, Member, MemberSession, Membership
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL, SQLITE

pytestmark = pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])


@pytest.fixture
def store(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shop's number, and the settings by which commands find it."""
    for name in ("database_url", "secret_key", "encryption_keys", "public_url"):
        monkeypatch.setenv(name.upper(), str(getattr(runtime.settings, name)))
    return str(seeds.new_store(runtime.database))


def _told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["member", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_member_is_invited_by_a_link_into_a_store(
    runtime: Runtime, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _told(capsys, "add", "Anna@b.example", "--name", "Anna", "--store", store, "--role", "owner")

    listed = _told(capsys, "list")
    token = told["link"].removeprefix("http://app.test/app/invitation/")
    with runtime.database.read() as session:
        assert people.invited(session, token) is not None
    assert [(one["email"], one["name"], one["stores"]) for one in listed] == [
        ("anna@b.example", "Anna", {store: "owner"})
    ]
    assert seeds.rows_of(runtime.database, AuditEntry, "actor_kind", "action", "details") == [
        ("operator", "member.invited", {"email": "anna@b.example", "role": "owner"})
    ]


def test_an_operator_is_of_every_store(
    runtime: Runtime, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _told(capsys, "add", "olga@b.example", "--operator")

    token = told["link"].removeprefix("http://app.test/app/password/")
    with runtime.database.read() as session:
        member = session.query(Member).one()
        link = links.look(session, token)
        assert link is not None
        assert (link.member_id, sessions.roles_of(session, member)) == (member.id, None)


@pytest.mark.parametrize(
    "words",
    [
        ["add", "nonsense", "--store", "1"],
        ["add", "a@b.example"],
        ["add", "a@b.example", "--operator", "--store", "1"],
        ["add", "a@b.example", "--store", "99"],
        ["remove", "nobody@b.example"],
        ["reset", "nobody@b.example"],
    ],
)
def test_what_cannot_be_done_is_one_line(
    runtime: Runtime, store: str, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["member", *words]) == 1
    assert capsys.readouterr().err.startswith("ritorno: ")
    assert seeds.values_of(runtime.database, Member, "email") == []


def test_removing_takes_even_the_last_owner_out_and_forgets_who_is_nowhere(
    runtime: Runtime, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _told(capsys, "add", "anna@b.example", "--store", store, "--role", "owner")

    told = _told(capsys, "remove", "anna@b.example")

    assert told["forgotten"] is True
    assert told["stores"] == [int(store)]
    assert seeds.values_of(runtime.database, Member, "email") == []
    assert seeds.values_of(runtime.database, Membership, "role") == []


def test_a_reset_ends_sessions_and_the_second_factor_where_it_is_wished(
    runtime: Runtime, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _told(capsys, "add", "anna@b.example", "--store", store)
    with runtime.database.write() as session:
        member = session.query(Member).one()
        member.totp_secret, member.totp_at = runtime.vault.seal({"totp": "A"}), NOW
        sessions.open_session(session, member.id, "")

    kept = _told(capsys, "reset", "anna@b.example")
    ended = _told(capsys, "reset", "anna@b.example", "--second-factor")

    assert (kept["second_factor"], ended["second_factor"]) == (True, False)
    assert seeds.values_of(runtime.database, MemberSession, "id") == []


def test_serving_tells_a_way_in_while_nobody_has_a_login(
    runtime: Runtime, store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Server:
        """Stands for the module that would serve until the process is told to stop."""

        @staticmethod
        def serve(_runtime: Runtime, _arguments: argparse.Namespace) -> None:
            """Nothing: the way in is told before."""

    monkeypatch.setattr(serving, "import_module", lambda _name: Server)
    arguments = argparse.Namespace(port=0, hosted=False)

    serving._serve(runtime, arguments)
    first = capsys.readouterr().out
    with runtime.database.write() as session:
        people.make(session, "anna@b.example", NOW).password = "kept"
    serving._serve(runtime, arguments)

    token = first.strip().rpartition("/app/sign-in/")[2]
    with runtime.database.write() as session:
        assert links.use(session, token, is_operators=True) is not None
    assert capsys.readouterr().out == ""
