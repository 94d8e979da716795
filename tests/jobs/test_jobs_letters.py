"""Mails with members' one-time links: sent from the operator's account, gone afterwards, tried again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from app.crypto import Vault
from app.db import Base, lease_now, wall_now
from app.members import attempts, letters, links, people, sessions, upkeep
from app.members.roles import OWNER
from app.messaging.notices import letter_of
from app.models import Member, MemberLetter, MemberSession, Membership, SignInAttempt, SignInLink
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs import letters as job
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.connectors.sandbox.sandbox_providers import Pair
from tests.engines import SQLITE

URL = "https://ritorno.example/app/invitation/1.secret-of-a-link"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
only_sqlite = pytest.mark.parametrize("engine", [SQLITE])


@pytest.fixture
def operator(operator: Runtime) -> Runtime:
    """An operator with an account of its own, and a member who is to be written to."""
    with operator.database.write() as session:
        member = people.make(session, "anna@bottega.example", NOW)
        told: dict[str, Any] = {"url": URL, "language": "it", "store": "Bottega"}
        letters.queue(session, operator.vault, member.id, letters.INVITATION, now=NOW, **told)
    return operator


def test_a_letter_leaves_once_and_its_link_is_kept_nowhere(operator: Runtime, pair: Pair) -> None:
    sealed = seeds.values_of(operator.database, MemberLetter, "sealed")

    _run(operator)
    _run(operator, later=5)

    assert [line["to"] for line in pair.providers.log.lines] == ["anna@bottega.example"]
    assert seeds.values_of(operator.database, MemberLetter, "id") == []
    assert URL not in sealed[0]


@only_sqlite
@pytest.mark.parametrize(
    ("fault", "left", "times"),
    [
        ({"kind": "429", "times": 1}, [], 1),
        ({"kind": "close", "accepted": False, "times": 1}, [], 1),
        ({"kind": "401", "times": 1}, ["failed"], 0),
    ],
    ids=["refused for now", "lost", "refused"],
)
def test_a_letter_without_a_clear_answer_goes_again(
    operator: Runtime, pair: Pair, fault: dict[str, Any], left: list[str], times: int
) -> None:
    pair.control("/faults", fault)

    _run(operator)
    _run(operator, later=1)
    early = len(pair.providers.log.lines)
    _run(operator, later=3)

    assert seeds.values_of(operator.database, MemberLetter, "status") == left
    assert (early, len(pair.providers.log.lines)) == (0, times)


@only_sqlite
def test_a_letter_that_was_cut_off_goes_once_more_and_no_oftener(operator: Runtime) -> None:
    claimed = []
    for _ in range(3):
        with operator.database.write() as session:
            claimed.append(len(letters.claim(session, operator.vault, NOW)))
            session.execute(update(MemberLetter).values(lease_until=datetime(2000, 1, 1, tzinfo=UTC)))

    assert claimed == [1, 1, 0]
    assert seeds.values_of(operator.database, MemberLetter, "status") == ["failed"]


@only_sqlite
def test_a_letter_whose_key_was_taken_away_keeps_no_other_waiting(operator: Runtime, pair: Pair) -> None:
    with operator.database.write() as session:
        foreign = Vault([Fernet.generate_key().decode()]).seal({"url": URL, "store": "", "language": "it"})
        session.execute(update(MemberLetter).values(sealed=foreign))
        member = people.make(session, "second@b.example", NOW)
        letters.queue(session, operator.vault, member.id, letters.INVITATION, url=URL, language="it", now=NOW)

    _run(operator)

    assert [line["to"] for line in pair.providers.log.lines] == ["second@b.example"]
    assert seeds.values_of(operator.database, MemberLetter, "status") == ["failed"]


@only_sqlite
def test_without_an_account_nothing_is_sent(operator: Runtime, runtime: Runtime) -> None:
    _run(runtime)

    assert seeds.values_of(operator.database, MemberLetter, "status") == ["queued"]


@pytest.mark.parametrize(("language", "word"), [("it", "invitato"), ("en", "invited")])
@only_sqlite
def test_it_says_whereto_and_carries_the_link(language: str, word: str, engine: str) -> None:
    letter = letters.Letter(1, letters.INVITATION, "a@b.example", URL, "Bottega <b>", language)

    told = letter_of(letter, "ritorno@sandbox.example.com")

    assert word in told.text
    assert URL in told.text
    assert "Bottega &lt;b&gt;" in (told.html or "")


def test_what_signing_in_leaves_behind_goes_once_it_is_over(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    with runtime.database.write() as session:
        for email in ("stays@b.example", "came@b.example", "never@b.example"):
            member = people.make(session, email, NOW)
            people.invite(session, store_id, member, role=OWNER, now=NOW)
            sessions.open_session(session, member.id, "")
            links.issue(session, NOW, member_id=member.id, lasts=links.PASSWORD_LASTS)
        attempts.count(session, runtime.signer, attempts.PASSWORD, address="a", client="b")
        homeless = people.make(session, "homeless@b.example", NOW)
        fresh = upkeep.purge(session, NOW)
        moment = lease_now(session)
        for row in session.query(Membership):
            is_first = row.member_id < homeless.id - 1
            row.accepted_at = NOW if is_first else None
            row.invited_until = moment - upkeep.NEVER_CAME - MINUTE
        session.execute(update(MemberSession).values(seen_at=moment - sessions.IDLE - MINUTE))
        session.execute(update(SignInLink).values(expires_at=moment - upkeep.LINK - MINUTE))
        session.execute(update(SignInAttempt).values(since=moment - 3 * attempts.LONGEST))

        is_due = upkeep.is_due(session, NOW)
        upkeep.purge(session, NOW)
        is_still_due = upkeep.is_due(session, NOW)

    left = {
        model: seeds.values_of(runtime.database, model, "member_id") for model in (MemberSession, SignInLink)
    }
    assert (fresh, is_due, is_still_due) == (1, True, False)
    assert sorted(seeds.values_of(runtime.database, Member, "email")) == ["came@b.example", "stays@b.example"]
    assert left == {MemberSession: [], SignInLink: []}
    assert seeds.values_of(runtime.database, SignInAttempt, "n") == []


LEAVINGS: dict[str, Callable[[datetime], Base]] = {
    "a session that ended": lambda now: _session(now, expires_at=now - MINUTE),
    "a session that rested": lambda now: _session(now, seen_at=now - sessions.IDLE - MINUTE),
    "a link": lambda now: SignInLink(token_hash="a", created_at=now, expires_at=now - upkeep.LINK - MINUTE),
    "a try": lambda now: SignInAttempt(subject="a", since=now - 3 * attempts.LONGEST),
    "an invitation": lambda now: Membership(
        store_id=1, member_id=1, role=OWNER, invited_at=now, invited_until=now - upkeep.NEVER_CAME - MINUTE
    ),
    "a mail": lambda _: MemberLetter(
        member_id=1, kind="password", sealed="", status="sent", next_at=NOW, queued_at=NOW - 4 * DAY
    ),
    "a member without a store": lambda now: Member(email="a@b.example", created_at=now),
}


@pytest.mark.parametrize("kind", LEAVINGS)
def test_anything_that_is_over_is_enough_for_a_night_to_clean_up(runtime: Runtime, kind: str) -> None:
    with runtime.database.write() as session:
        before = upkeep.is_due(session, NOW)
        session.add(LEAVINGS[kind](wall_now(session)))
        session.flush()
        after = upkeep.is_due(session, NOW)
        gone = upkeep.purge(session, NOW)

    assert (before, after, gone) == (False, True, 1)


def _session(now: datetime, **moments: datetime) -> MemberSession:
    fields = {"created_at": now, "seen_at": now, "expires_at": now + DAY} | moments
    return MemberSession(token_hash="a", **fields)


def _run(runtime: Runtime, later: int = 0) -> None:
    job.run(Kit.build(runtime, LocalChannel(None)), NOW + later * MINUTE)
