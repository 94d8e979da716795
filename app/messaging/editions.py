"""The merchant's own texts: read once for all messages of a store, and kept until one of them changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, cast

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db import table_of, upsert
from app.errors import BadInput
from app.messaging import content
from app.messaging.content import Content, Mail
from app.messaging.errors import ContentError
from app.models import Edition, Store

EDITIONS = table_of(Edition)
Editions = Mapping[str, Content | ContentError]
"""The contents that a store changed, by name; an error where what is kept cannot be read any more."""

_KEY = ("store_id", "name", "locale")
_CHANGED = ("version", "subject", "preheader", "blocks", "sms", "saved_at")
_NONE: Editions = {}


class Stale(BadInput):
    """Somebody else changed the text since it was read."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One message in one language: the mail and, where the step may be one, the text message."""

    mail: Mail
    sms: str | None = None


class Held:
    """The editions of the stores that this process met; one of these per process.

    Cost: nothing for a store without any, and one query for a store after each change of its texts.
    """

    def __init__(self, capacity: int = 1_000) -> None:
        self._capacity = capacity
        self._known: dict[int, tuple[int, Editions]] = {}
        self._lock = Lock()

    def of(self, session: Session, store: Store) -> Editions:
        """What the store changed, by the content's name."""
        if not store.editions:
            return _NONE
        known = self._known.get(store.id)
        if known is not None and known[0] == store.editions:
            return known[1]
        found = load(session, store.id)
        with self._lock:
            if len(self._known) >= self._capacity:
                self._known.pop(next(iter(self._known)))
            self._known[store.id] = (store.editions, found)
        return found


def load(session: Session, store_id: int) -> Editions:
    """Every content of which the store changed a language, whole; what it left alone is the original's."""
    changed: dict[str, dict[str, Any]] = {}
    statement = select(EDITIONS).where(EDITIONS.c.store_id == store_id).order_by(EDITIONS.c.name)
    for row in session.execute(statement):
        changed.setdefault(row.name, {})[row.locale] = row
    return {name: _merged(name, rows) for name, rows in changed.items()}


def wording_of(whole: Content, locale: str) -> Wording | None:
    """What a content says in a language, or None."""
    mails, texts = cast(Mapping[str, Mail], whole.email), cast(Mapping[str, str], whole.sms)
    return Wording(mails[locale], texts.get(locale)) if locale in mails else None


def content_of(name: str, wordings: Mapping[str, Wording]) -> Content:
    """The content of a name with these languages in place of the original's."""
    original = content.named(name)
    mails = {locale: one.mail for locale, one in wordings.items()}
    texts = {locale: one.sms for locale, one in wordings.items() if one.sms is not None}
    # What an editor begins with is nobody's text: of a merchant's own message only what they kept goes out.
    started = {} if content.is_own(name) else original.sms
    return original.model_copy(update={"email": original.email | mails, "sms": started | texts})


def versions(session: Session, store_id: int, name: str) -> dict[str, int]:
    """The version of each language of a content that the store changed."""
    statement = select(EDITIONS.c.locale, EDITIONS.c.version).where(
        EDITIONS.c.store_id == store_id, EDITIONS.c.name == name
    )
    return {row.locale: row.version for row in session.execute(statement)}


def names(session: Session, store_id: int) -> frozenset[str]:
    """The contents of which the store changed a language."""
    statement = select(EDITIONS.c.name).where(EDITIONS.c.store_id == store_id)
    return frozenset(session.execute(statement).scalars())


def save(
    session: Session,
    store_id: int,
    name: str,
    *,
    wordings: Mapping[str, Wording],
    seen: Mapping[str, int],
    now: datetime,
) -> None:
    """Keep what a merchant wrote; words that are the original's leave no row, so they follow it from now on.

    Of a message that they added themselves every language leaves one: it was seen and kept by somebody.

    Args:
        seen: the versions that the merchant began with, 0 or none for the original.

    Raises:
        Stale: somebody else saved one of these meanwhile.
    """
    store = session.get_one(Store, store_id, with_for_update=True, populate_existing=True)
    held = versions(session, store_id, name)
    if any(held.get(locale, 0) != seen.get(locale, 0) for locale in wordings):
        raise Stale("somebody else changed this text meanwhile; nothing was saved")
    store.editions += 1
    original = content.named(name)
    rows = [
        _row(store, name, locale, wording=wording, now=now)
        for locale, wording in wordings.items()
        if content.is_own(name) or wording != wording_of(original, locale)
    ]
    upsert(session, EDITIONS, rows, key=_KEY, update=_CHANGED)
    own = {row["locale"] for row in rows}
    _drop(session, store_id, name, locales=[locale for locale in wordings if locale not in own])
    session.flush()


def reset(session: Session, store_id: int, name: str, locale: str) -> None:
    """Go back to the original in one language.

    Raises:
        BadInput: there is none: the message is the merchant's own.
    """
    if content.is_own(name):
        raise BadInput("a message of your own has no text to go back to", "act")
    store = session.get_one(Store, store_id, with_for_update=True, populate_existing=True)
    store.editions += 1
    _drop(session, store_id, name, locales=[locale])
    session.flush()


def _drop(session: Session, store_id: int, name: str, *, locales: list[str]) -> None:
    session.execute(
        delete(EDITIONS).where(
            EDITIONS.c.store_id == store_id, EDITIONS.c.name == name, EDITIONS.c.locale.in_(locales)
        )
    )


def _row(store: Store, name: str, locale: str, *, wording: Wording, now: datetime) -> dict[str, Any]:
    return {
        "store_id": store.id,
        "name": name,
        "locale": locale,
        "version": store.editions,
        **wording.mail.model_dump(mode="json"),
        "sms": wording.sms,
        "saved_at": now,
    }


def _merged(name: str, rows: Mapping[str, Any]) -> Content | ContentError:
    """A row that an earlier version of the program wrote and this one cannot read stops its message alone."""
    try:
        return content_of(name, {locale: _wording(row) for locale, row in rows.items()})
    except (ValidationError, KeyError) as error:
        return ContentError(f"the text kept for {name} cannot be read: {type(error).__name__}")


def _wording(row: Any) -> Wording:
    parts = {"subject": row.subject, "preheader": row.preheader, "blocks": row.blocks}
    return Wording(Mail.model_validate(parts), row.sms)
