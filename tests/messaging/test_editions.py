"""A merchant's own texts: sent instead of the originals, read once for many, never mixed between stores."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from app.errors import BadInput
from app.messaging import content, editions
from app.messaging.content import Mail
from app.messaging.editions import Stale, Wording
from app.models import Edition, Store
from app.runtime import Runtime
from jobs.kit import Kit
from jobs.outbox import run
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
NAME = "welcome/W2"


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return open_shop(runtime)


def wording(subject: str) -> Wording:
    parts = {"subject": subject, "preheader": "P", "blocks": [{"kind": "text", "text": subject}]}
    return Wording(Mail.model_validate(parts))


def save(shop: Shop, subject: str, *, seen: int = 0, locale: str = "it") -> None:
    with shop.database.write() as session:
        editions.save(
            session, shop.id, NAME, wordings={locale: wording(subject)}, seen={locale: seen}, now=NOW
        )


@contextmanager
def queries_of(shop: Shop) -> Iterator[list[str]]:
    """The statements on the templates meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "templates" in statement:
            seen.append(statement)

    event.listen(shop.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(shop.database.engine, "before_cursor_execute", note)


def sent_by(shop: Shop, kit: Kit, post: Post) -> list[str]:
    post.sent.clear()
    run(kit, NOW)
    return [message.subject for message in post.sent]


def test_what_a_merchant_wrote_is_sent_and_what_was_sent_keeps_its_text(shop: Shop) -> None:
    post = Post()
    kit = shop.kit(post)
    first = shop.add_message()
    before = sent_by(shop, kit, post)

    save(shop, "Da noi")
    shop.add_message()
    after = sent_by(shop, kit, post)
    save(shop, "Di nuovo", seen=1)
    shop.add_message()
    again = sent_by(shop, kit, post)

    assert (before, after, again) == (["Chi c’è dietro Bottega Aurora"], ["Da noi"], ["Di nuovo"])
    assert shop.message(first).subject == "Chi c’è dietro Bottega Aurora"


def test_another_stores_text_stays_its_own(shop: Shop) -> None:
    other = open_shop(shop.runtime, "altra")
    save(shop, "Solo mia")
    save(other, "Only in English", locale="en")
    post = Post()
    shop.add_message()
    other.add_message()

    subjects = sent_by(shop, shop.kit(post), post)

    assert sorted(subjects) == ["Chi c’è dietro Bottega Aurora", "Solo mia"]


def test_the_hot_path_asks_for_texts_once_after_a_change_and_never_without_one(shop: Shop) -> None:
    post = Post()
    kit = shop.kit(post)
    with queries_of(shop) as untouched:
        shop.add_message()
        sent_by(shop, kit, post)
    save(shop, "Da noi")
    with queries_of(shop) as changed:
        for _ in range(3):
            shop.add_message()
            shop.add_message()
            sent_by(shop, kit, post)

    assert untouched == []
    assert len(changed) == 1


def test_a_message_of_the_merchants_says_what_they_kept_and_has_nothing_to_go_back_to(shop: Shop) -> None:
    started = content.named("welcome/own-3")
    kept = {locale: editions.wording_of(started, locale) for locale in content.LANGUAGES}
    wordings = {locale: one for locale, one in kept.items() if one is not None} | {
        "it": wording("Mie parole")
    }
    post = Post()

    with shop.database.write() as session:
        editions.save(session, shop.id, "welcome/own-3", wordings=wordings, seen={}, now=NOW)
        written = editions.versions(session, shop.id, "welcome/own-3")
    shop.add_message(step="own-3", context={"content": "welcome/own-3", "only_if": []})
    subjects = sent_by(shop, shop.kit(post), post)

    assert (subjects, set(written)) == (["Mie parole"], set(content.LANGUAGES))
    with pytest.raises(BadInput), shop.database.write() as session:
        editions.reset(session, shop.id, "welcome/own-3", "it")


def test_the_other_language_stays_the_originals(shop: Shop) -> None:
    save(shop, "Da noi")

    with shop.database.read() as session:
        whole = editions.load(session, shop.id)[NAME]

    assert isinstance(whole, content.Content)
    assert whole.email["it"].subject == "Da noi"
    assert whole.email["en"] == content.named(NAME).email["en"]


def test_who_saves_over_anothers_change_is_told_and_changes_nothing(shop: Shop) -> None:
    save(shop, "Prima")

    with pytest.raises(Stale):
        save(shop, "Insieme", seen=0)

    assert seeds.values_of(shop.database, Edition, "subject") == ["Prima"]


def test_a_version_never_comes_back_after_a_return_to_the_original(shop: Shop) -> None:
    save(shop, "Prima")
    with shop.database.write() as session:
        editions.reset(session, shop.id, NAME, "it")
    save(shop, "Seconda")

    assert seeds.values_of(shop.database, Edition, "version") == [3]
    with pytest.raises(Stale):
        save(shop, "Terza", seen=1)


def test_words_that_are_the_originals_leave_no_row(shop: Shop) -> None:
    save(shop, "Prima")
    original = editions.wording_of(content.named(NAME), "it")
    assert original is not None

    with shop.database.write() as session:
        editions.save(session, shop.id, NAME, wordings={"it": original}, seen={"it": 1}, now=NOW)

    assert seeds.values_of(shop.database, Edition, "version") == []
    assert seeds.values_of(shop.database, Store, "editions") == [2]


def test_a_text_that_cannot_be_read_any_more_stops_its_own_message_alone(shop: Shop) -> None:
    save(shop, "Da noi")
    with shop.database.write() as session:
        session.query(Edition).filter_by(store_id=shop.id).update({"blocks": [{"kind": "hologram"}]})
    post = Post()
    broken = shop.add_message()
    shop.add_message(step="W3", context={"content": "welcome/W3", "only_if": []}, key="w3")

    sent_by(shop, shop.kit(post), post)

    assert len(post.sent) == 1
    assert (shop.message(broken).status, shop.message(broken).reason) == ("stopped", "content-unresolved")
