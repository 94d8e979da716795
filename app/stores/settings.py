"""Reading and writing what a merchant sets; the list of all settings is in definitions.py.

A setting is kept as its canonical text. A secret one is kept among the sealed credentials; the
store's settings then hold its mask only.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, or_, update
from sqlalchemy.orm import Session

from app import clock
from app.audit import Changes
from app.crypto import Vault
from app.errors import BadInput
from app.models import Message, Store
from app.models.message import QUEUED, UNKNOWN
from app.stores import backfills, chores, credentials
from app.stores.definitions import DEFINITIONS
from app.stores.rules import Setting

STATUS_KEYS = ("meta.paid_statuses", "meta.delivered_statuses")
"""The settings whose words are order statuses of the shop."""

__all__ = [
    "DEFINITIONS",
    "STATUS_KEYS",
    "Setting",
    "UnknownStatus",
    "hours",
    "is_on",
    "number",
    "read",
    "read_all",
    "secret",
    "statuses_of",
    "words",
    "write",
]


def read(store: Store, key: str) -> str:
    """The text of a setting as it holds now; of a secret its mask, "" where none is set.

    Raises:
        BadInput: there is no such setting.
    """
    setting = _definition(key)
    own = store.settings.get(key)
    if own is not None:
        return str(own)
    fallback = getattr(store, setting.column) if setting.column else ""
    return str(fallback or setting.default)


def read_all(store: Store) -> dict[str, str]:
    """Every setting as it holds now, secrets masked."""
    return {key: read(store, key) for key in DEFINITIONS}


def number(store: Store, key: str) -> int:
    """The value of a whole number."""
    return int(read(store, key))


def is_on(store: Store, key: str) -> bool:
    """Whether a switch is on."""
    return read(store, key) == "on"


def hours(store: Store, key: str) -> tuple[int, int]:
    """A span of hours: the first one inside and the first one outside, 24 at the most."""
    first, last = read(store, key).split("-")
    return int(first), int(last)


def words(store: Store, key: str) -> tuple[str, ...]:
    """The words of a list."""
    return tuple(word for word in read(store, key).split(",") if word)


def secret(vault: Vault, store: Store, key: str) -> str:
    """The value of a secret setting, "" where none is set.

    Raises:
        UnreadableSecret: none of ENCRYPTION_KEYS fits.
    """
    kept = credentials.unseal_kept(vault, credentials.kept_part(store.credentials))
    return str(kept.get("providers", {}).get(key, ""))


class UnknownStatus(BadInput):
    """A word that is no order status of the shop; `known` are those that are."""

    def __init__(self, key: str, unknown: str, known: str) -> None:
        super().__init__(f"{key}: The shop has no order status {unknown}. It has: {known}.", field=key)
        self.known = known


def statuses_of(store: Store) -> dict[str, str]:
    """The order statuses of the shop by their words, as it names them; empty where it never said."""
    return {pair[0]: pair[1] for pair in store.order_statuses}


def write(session: Session, store: Store, values: Mapping[str, str], *, vault: Vault) -> Changes:
    """Set what is given, all or nothing, and return what changed; an empty text returns to the default.

    The mask of a secret, as a form sends it back untouched, changes nothing.

    Raises:
        BadInput: no such setting, or a text that it cannot have; `field` is the key.
    """
    credentials.lock(session, store)
    changed = {
        key: _check(_definition(key), text) for key, text in values.items() if not _is_mask(store, key, text)
    }
    _check_statuses(store, changed)
    secrets = {key: text for key, text in changed.items() if DEFINITIONS[key].is_secret}
    if secrets:
        credentials.change(session, vault, store, lambda current: _with_providers(current, secrets))
    shown = changed | {key: _masked(text) for key, text in secrets.items()}
    before = {key: read(store, key) for key in changed}
    was_read_by = {key: store.settings.get(key) for key in _READ_BY}
    # A new object: SQLAlchemy does not see a change inside a JSON value.
    store.settings = {key: text for key, text in (store.settings | shown).items() if text}
    for key, column in _COPIED.items():
        if changed.get(key):
            setattr(store, column, changed[key])
    if was_read_by != {key: store.settings.get(key) for key in _READ_BY}:
        # What the shop has told already was read without this mapping: read it again, as history.
        backfills.plan_anew(session, store.id, clock.now())
    if any(key.partition(".")[0] in _SENDERS for key in changed):
        chores.hurry(session, store.id, chores.SENDERS, clock.now())
    for prefix, waiting in _WAITS_FOR.items():
        if any(key.startswith(prefix) for key in changed):
            _wake(session, store.id, waiting)
    session.flush()
    return {key: _change(store, key, before[key]) for key in changed if _is_changed(store, key, before[key])}


# Queries read these columns; what the platform says of them no longer counts once they are set.
_COPIED = {"timezone": "timezone", "locale": "locale"}
_READ_BY = tuple(key for key in DEFINITIONS if key.startswith("meta."))
_SENDERS = ("sender", "sendgrid", "twilio", "consent")
"""What decides whether the store's senders can send."""
_PACED = or_(Message.reason == "over-cost", and_(Message.reason == "pace", Message.attempts == 0))
_WAITS_FOR = {
    "sending.settle": Message.status == UNKNOWN,
    "sending.": and_(Message.status == QUEUED, _PACED),
}
"""Which messages wait for what a setting says; one that its provider put off waits for the provider."""
_MASK = "••••"
_SHOWN_CHARACTERS = 4
_LONG_ENOUGH = 20


def _wake(session: Session, store_id: int, waiting: ColumnElement[bool]) -> None:
    """Have messages looked at again at once that may fare otherwise now."""
    mine = Message.store_id == store_id
    session.execute(update(Message).where(mine, waiting).values(next_at=clock.now()))


def _definition(key: str) -> Setting:
    setting = DEFINITIONS.get(key)
    if setting is None:
        raise BadInput(f"There is no setting called {key[:80]}.", field=key)
    return setting


def _check(setting: Setting, text: str) -> str:
    trimmed = text.strip()
    if not trimmed:
        return ""
    try:
        return setting.rule.check(trimmed)
    except ValueError as error:
        raise BadInput(f"{setting.key}: {error}", field=setting.key) from error


def _check_statuses(store: Store, changed: Mapping[str, str]) -> None:
    """Refuse words that the shop does not know, where it said which ones it does."""
    known = statuses_of(store)
    for key in STATUS_KEYS:
        unknown = [word for word in changed.get(key, "").split(",") if word and word not in known]
        if known and unknown:
            raise UnknownStatus(key, ", ".join(unknown)[:200], ", ".join(known))


def _is_changed(store: Store, key: str, before: str) -> bool:
    """A new secret may end like the one before it, so that each that is given counts."""
    return DEFINITIONS[key].is_secret or read(store, key) != before


def _change(store: Store, key: str, before: str) -> tuple[str, str] | None:
    return None if DEFINITIONS[key].is_secret else (before, read(store, key))


def _is_mask(store: Store, key: str, text: str) -> bool:
    return text.startswith(_MASK) and text == store.settings.get(key)


def _with_providers(current: credentials.Credentials, secrets: Mapping[str, str]) -> credentials.Credentials:
    for key, text in secrets.items():
        current = current.with_provider(key, text)
    return current


def _masked(text: str) -> str:
    if not text:
        return ""
    return _MASK + (text[-_SHOWN_CHARACTERS:] if len(text) >= _LONG_ENOUGH else "")
