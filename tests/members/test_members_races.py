"""Two at once: one door opens, one try too many is refused, one owner stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from app.members import attempts, factors, links, people, roles
from app.members.links import PASSWORD_LASTS
from app.models import Member, Membership
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.members.members_codes import code_of


def _at_once(times: int, act: Callable[[int], bool]) -> list[bool]:
    """What several threads got that began together."""
    barrier = Barrier(times)

    def _act(number: int) -> bool:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(_act, range(times)))


def test_of_two_who_take_the_same_proof_one_gets_in(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    with runtime.database.write() as session:
        member = people.make(session, "anna@b.example", NOW)
        invitation = people.invite(session, store_id, member, role=roles.OWNER, now=NOW)
        link = links.issue(session, NOW, member_id=member.id, lasts=PASSWORD_LASTS)
        factors.begin(runtime.vault, member)
        member.totp_at = NOW
        recovery, *_ = factors.fresh_codes(session, runtime.signer, member.id)
        member_id, code = member.id, code_of(session, runtime.vault, member)

    def by_invitation(_number: int) -> bool:
        with runtime.database.read() as session:
            found = people.invited(session, invitation)
        with runtime.database.write() as session:
            return found is not None and people.accept(session, found[0], NOW)

    def by_link(_number: int) -> bool:
        with runtime.database.write() as session:
            return links.use(session, link, is_operators=False) is not None

    def by_code(_number: int) -> bool:
        with runtime.database.write() as session:
            return factors.use_code(session, runtime.vault, session.get_one(Member, member_id), code)

    def by_recovery_code(_number: int) -> bool:
        with runtime.database.write() as session:
            return factors.use_recovery_code(session, runtime.signer, member_id, recovery)

    ways = (by_invitation, by_link, by_code, by_recovery_code)
    assert [_at_once(2, way) for way in ways] == [[False, True]] * 4


def test_many_tries_at_once_are_no_more_than_one_after_the_other(runtime: Runtime) -> None:
    most = attempts.LIMITS[attempts.CODE, "address"].most

    def try_one(number: int) -> bool:
        with runtime.database.write() as session:
            client = f"192.0.2.{number}"
            return attempts.count(session, runtime.signer, attempts.CODE, address="7", client=client)

    assert _at_once(most + 2, try_one) == [False] * 2 + [True] * most


def test_of_two_owners_who_leave_at_once_one_stays(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    with runtime.database.write() as session:
        ids = []
        for email in ("anna@b.example", "bruno@b.example"):
            member = people.make(session, email, NOW)
            ids.append(member.id)
            row = Membership(store_id=store_id, member_id=member.id, role=roles.OWNER, invited_at=NOW)
            row.accepted_at = NOW
            session.add(row)

    def leave(number: int) -> bool:
        try:
            with runtime.database.write() as session:
                people.remove(session, store_id, ids[number])
        except people.LastOwner:
            return False
        return True

    assert _at_once(2, leave) == [False, True]
    with runtime.database.read() as session:
        assert len(session.scalars(select(Member.id)).all()) == 1
