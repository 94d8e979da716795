"""A merchant's own message is moved again and again, and people with it, while workers walk on and send."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from app.flows import changing, drafts, own_messages, versions
from app.flows.definition import Definition
from app.messaging import content, editions
from app.models import Enrollment, Message
from app.runtime import Runtime
from jobs import outbox as sending
from tests import seeds
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.messaging.outbox_seed import Post, Shop, open_shop

DAY = timedelta(days=1)
PEOPLE, FIRST, DAYS, OWN = 12, 4, 9, "own-1"
PLACES = ("W1", "to-W2", "W2", "to-W3", "W3")
"""Behind which steps it stands, one after the other."""


def test_nobody_is_made_or_sent_a_step_twice_and_nobody_stays_behind(runtime: Runtime) -> None:
    shop, post = open_shop(runtime), Post()
    world = World(shop.database, shop.id)
    _write_own(shop)
    _publish(shop, PLACES[0])
    for _ in range(FIRST):
        shop.add_subscriber()
    # However the rest goes, these have met it: it stands right behind what they get at once.
    world.run(NOW)
    for _ in range(PEOPLE - FIRST):
        shop.add_subscriber()
    begin, over, days = threading.Barrier(3, timeout=60), threading.Event(), [NOW]

    def _walk() -> None:
        begin.wait()
        kit = shop.kit(post)
        for day in range(DAYS):
            days.append(NOW + day * DAY)
            world.run(days[-1], limit=5)
            sending.run(kit, days[-1])
        over.set()

    def _send() -> None:
        begin.wait()
        kit = shop.kit(post)
        while not over.is_set():
            sending.run(kit, days[-1])

    def _edit() -> None:
        begin.wait()
        turn = 1
        while not over.is_set():
            _publish(shop, PLACES[turn % len(PLACES)])
            with shop.database.write() as session:
                versions.move(session, shop.id, "welcome")
            turn += 1

    _together(_walk, _send, _edit)
    world.run(NOW + 60 * DAY)
    sending.run(shop.kit(post), NOW + 60 * DAY)

    made = Counter(seeds.rows_of(shop.database, Message, "customer_id", "step"))
    steps = Counter(step for _, step in made)
    assert max(made.values()) == 1
    assert [steps[step] for step in ("W1", "W2", "W3", "W4", "W6")] == [PEOPLE] * 5
    assert FIRST <= steps[OWN] <= PEOPLE
    assert len(post.sent_ids) == len(set(post.sent_ids)) >= PEOPLE
    assert set(seeds.values_of(shop.database, Enrollment, "state")) == {"completed"}


def _together(*works: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(works)) as crew:
        for one in [crew.submit(work) for work in works]:
            one.result()


def _write_own(shop: Shop) -> None:
    """Its text in both languages, without which no version has it."""
    start = content.named(f"welcome/{OWN}")
    found = {locale: editions.wording_of(start, locale) for locale in content.LANGUAGES}
    wordings = {locale: one for locale, one in found.items() if one is not None}
    with shop.database.write() as session:
        editions.save(session, shop.id, f"welcome/{OWN}", wordings=wordings, seen={}, now=NOW)


def _publish(shop: Shop, after: str) -> None:
    with shop.database.write() as session:
        desk = drafts.desk(session, shop.id, "welcome")
        definition = _with_own(desk.origin, after)
        drafts.keep(session, shop.id, "welcome", definition, seen=desk.revision, now=NOW)
        versions.publish(session, shop.id, "welcome", seen=desk.revision + 1, now=NOW)


def _with_own(origin: Definition, after: str) -> Definition:
    added = own_messages.message("welcome", origin.entries[0], OWN)
    return changing.with_new(origin, "consent", added, after)
