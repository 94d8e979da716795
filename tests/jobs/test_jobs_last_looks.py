"""A batch's last look: renewed for each call, one at a time, and strict where nobody can see."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from app import commits, consent
from app.db import Database
from app.errors import Busy
from app.messaging import last_look
from app.models import Message
from app.runtime import Runtime
from app.stores import stopping
from connectors.base import OutgoingMessage, SendResult
from jobs.last_looks import FRESH_SECONDS, SLOWEST_SECONDS, LastLook
from jobs.outbox import run
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.messaging.outbox_seed import STAYED, Post, Shop, open_shop

Happening = Callable[[], None]
_CUT_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop whose welcome mails are on."""
    return open_shop(runtime)


@dataclass
class Interrupted(Post):
    """A provider at whose first call something happens."""

    happening: Happening = lambda: None

    def _taken(self, message: OutgoingMessage) -> SendResult:
        if not self.sent:
            self.happening()
        return super()._taken(message)


def sent_with(shop: Shop, post: Post) -> None:
    """Send what is due, by a worker to whose clock each question comes long after the one before."""
    looks = count()
    run(replace(shop.kit(post), stopwatch=lambda: next(looks) * FRESH_SECONDS * 2), NOW)


def test_who_says_no_while_others_are_called_is_not_called_any_more(shop: Shop) -> None:
    first, leaving, last = (shop.add_message() for _ in range(3))

    def withdraw() -> None:
        with shop.database.write() as session:
            consent.withdraw(
                session, shop.id, shop.message(leaving).customer_id, "email", source="link", now=NOW
            )

    post = Interrupted(happening=withdraw)
    sent_with(shop, post)
    taken_back = shop.message(leaving)
    run(shop.kit(post), NOW + timedelta(minutes=1))

    assert post.sent_ids == [first, last]
    assert taken_back.status == "queued"
    assert (shop.message(leaving).status, shop.message(leaving).reason) == ("stopped", "consent-withdrawn")
    assert [shop.message(one).status for one in (first, last)] == ["sent", "sent"]


def test_what_is_stopped_while_others_are_called_waits(shop: Shop) -> None:
    first, *others = (shop.add_message() for _ in range(3))

    def stop() -> None:
        with shop.database.write() as session:
            stopping.stop(session, shop.id, NOW)

    post = Interrupted(happening=stop)
    sent_with(shop, post)

    assert post.sent_ids == [first]
    assert {shop.message(one).status for one in others} == {"queued"}


def test_where_nobody_can_see_who_said_no_nobody_is_called(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [shop.add_message() for _ in range(3)]

    looks = count()

    def gone(*_: object) -> Any:
        raise Busy("the database went away")

    def while_others_write() -> float:
        look = next(looks)
        seeds.new_store(shop.database, f"crimson-{look}")
        return look * FRESH_SECONDS * 2

    with monkeypatch.context() as patch:
        post = Post()
        patch.setattr(last_look, "refused_meanwhile", gone)
        run(replace(shop.kit(post), stopwatch=while_others_write), NOW)
    assert post.sent_ids == []
    assert set(seeds.values_of(shop.database, Message, "status")) == {"queued"}

    run(shop.kit(post), NOW + timedelta(minutes=1))
    assert post.sent_ids == messages


def test_a_look_is_good_for_its_moment_and_no_longer() -> None:
    looked: list[float] = []
    now = [100.0]

    def see(_ids: Sequence[str]) -> Mapping[str, SendResult]:
        looked.append(now[0])
        return {}

    look = LastLook(["1"], see, lambda: True, lambda: now[0])
    for moment in (100.0, 100.0 + FRESH_SECONDS * 0.9, 100.0 + FRESH_SECONDS * 1.1):
        now[0] = moment
        assert look.lets("1")

    assert looked == [100.0, 100.0 + FRESH_SECONDS * 1.1]


def test_nobody_is_let_by_a_look_that_took_too_long() -> None:
    now, takes = [100.0], [SLOWEST_SECONDS]

    def see(_ids: Sequence[str]) -> Mapping[str, SendResult]:
        now[0] += takes[0]
        return {}

    look = LastLook(["1", "2"], see, lambda: True, lambda: now[0])
    assert look.lets("1")

    now[0], takes[0] = now[0] + 1, SLOWEST_SECONDS + 1
    assert not look.lets("2")


def test_nothing_is_looked_up_where_nobody_wrote() -> None:
    looked: list[int] = []
    answers, moments = iter([True, False, True]), count()

    def see(_ids: Sequence[str]) -> Mapping[str, SendResult]:
        looked.append(1)
        return {}

    look = LastLook(["1"], see, lambda: next(answers), lambda: float(next(moments)))

    assert [look.lets("1"), look.lets("1")] == [True, True]
    assert len(looked) == 2


def test_a_look_asks_about_those_alone_that_were_not_let_go_yet() -> None:
    asked: list[Sequence[str]] = []
    moments = count()

    def see(ids: Sequence[str]) -> Mapping[str, SendResult]:
        asked.append(ids)
        return {"2": STAYED} if "2" in ids else {}

    look = LastLook(["1", "2", "3"], see, lambda: True, lambda: float(next(moments)))

    assert [look.lets(one) for one in ("1", "2", "3")] == [True, False, True]
    assert asked == [["1", "2", "3"], ["1", "2", "3"], ["2", "3"], ["2", "3"]]


def test_many_that_ask_at_once_wait_for_one_look() -> None:
    many = 16
    together, found = threading.Barrier(many), [dict[str, SendResult]()]
    looked: list[int] = []
    now = [0.0]

    def see(_ids: Sequence[str]) -> Mapping[str, SendResult]:
        looked.append(1)
        return found[0]

    look = LastLook(["1"], see, lambda: True, lambda: now[0])
    now[0], found[0] = 1.0, {"1": STAYED}

    def ask(_number: int) -> bool:
        together.wait(10)
        return look.lets("1")

    with ThreadPoolExecutor(many) as threads:
        assert set(threads.map(ask, range(many))) == {False}
    assert len(looked) == 2


def test_a_commit_of_another_connection_shows_and_nothing_else_does(database: Database) -> None:
    seeds.new_store(database)
    with commits.since_asked(database) as is_changed:
        at_first, at_rest = is_changed(), _comes_to_rest(is_changed)
        with database.read() as session:
            stopping.is_stopped(session, 1)
        after_reading = not _comes_to_rest(is_changed)
        seeds.new_store(database, "crimson")
        after_a_commit = is_changed()

    assert (at_first, after_a_commit) == (True, True)
    assert (at_rest, after_reading) == (True, False)


def test_a_commit_shows_of_who_had_written_before_the_first_question(database: Database) -> None:
    seeds.new_store(database)
    with commits.since_asked(database) as is_changed:
        with database.write() as session:
            stopping.stop(session, 1, NOW)
            session.flush()
            is_changed()
        shown = is_changed()

    assert shown


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("writers", ["nobody", "another connection", "the same connection"])
def test_what_was_committed_since_a_marked_transaction_shows_whoever_wrote(
    database: Database, writers: str
) -> None:
    seeds.new_store(database)
    with database.write() as session:
        stopping.stop(session, 1, NOW)
        session.flush()
        marked = commits.mark(session)
    if writers == "another connection":
        other = Database(database.url)
        seeds.new_store(other, "crimson")
        other.dispose()
    if writers == "the same connection":
        seeds.new_store(database, "crimson")

    with commits.since_asked(database, marked) as is_changed:
        assert is_changed() is (writers != "nobody")
        assert not is_changed()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_question_over_another_connection_than_the_marked_one_looks_itself(database: Database) -> None:
    seeds.new_store(database)
    with database.write() as session:
        stopping.stop(session, 1, NOW)
        session.flush()
        marked = commits.mark(session)

    with database.read() as session:
        stopping.is_stopped(session, 1)
        with commits.since_asked(database, marked) as is_changed:
            assert is_changed()


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_on_postgresql_where_others_commit_beside_it_there_is_no_mark(database: Database) -> None:
    with database.write() as session:
        assert commits.mark(session) is None


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_a_question_over_a_connection_that_broke_is_not_answered_and_the_next_one_is(
    database: Database,
) -> None:
    url = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with commits.since_asked(database) as is_changed:
        is_changed()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_CUT_OTHERS)
        with pytest.raises(Busy):
            is_changed()
        after_it = is_changed()

    assert after_it


def _comes_to_rest(is_changed: Callable[[], bool]) -> bool:
    """Whether nothing changes where nobody writes; other tests write to the same server of PostgreSQL."""
    return any(not is_changed() for _ in range(200))
