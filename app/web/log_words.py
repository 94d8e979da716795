"""The entries of the two logs in the merchant's words: who, and what about whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.models import AccessEntry, ApiKey, AuditEntry
from app.web.catalogue import translate, word
from app.web.formats import moment

_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Who:
    """Who acted: a kind in words, and which one of its kind, "" where there is only one."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the audit log.

    Attributes:
        about: what was changed, in words; `path` leads there, where it has a screen.
        old, new: of a setting; None where the entry has none.
    """

    at: datetime
    who: Who
    action: str
    about: str
    path: str | None = None
    old: str | None = None
    new: str | None = None


def changes(session: Session, store_id: int, rows: Sequence[AuditEntry]) -> list[Change]:
    """Lines of the audit log."""
    names = key_names(session, store_id, rows)
    return [_change(row, who(row, names)) for row in rows]


def who(row: AuditEntry | AccessEntry, names: Mapping[str, str]) -> Who:
    """Who an entry names; `names` are those of the API keys."""
    kind, number = word("actor", row.actor_kind), row.actor_id
    if not number:
        return Who(kind, "")
    if row.actor_kind == audit.API_KEY:
        return Who(kind, names.get(number, translate("actor.number", number=number)))
    if row.actor_kind == audit.STAFF:
        return Who(kind, translate("actor.number", number=number))
    return Who(kind, translate("actor.session", number=number))


def key_names(session: Session, store_id: int, rows: Iterable[AuditEntry | AccessEntry]) -> dict[str, str]:
    """The names of the API keys that some entries name, by their ids."""
    ids = {int(row.actor_id) for row in rows if row.actor_kind == audit.API_KEY and row.actor_id.isdigit()}
    keys = select(ApiKey.id, ApiKey.name).where(ApiKey.store_id == store_id, ApiKey.id.in_(ids))
    return {str(row.id): row.name for row in session.execute(keys)} if ids else {}


def _change(row: AuditEntry, by: Who) -> Change:
    about = _ABOUT.get(row.action, _plain)(row.subject, row.details)
    kind, _, number = row.subject.partition(":")
    path = f"{_PATHS[kind]}/{number}" if kind in _PATHS and number.isdigit() else None
    old, new = (row.details.get(name) for name in ("old", "new"))
    return Change(row.at, by, row.action, about, path, _short(old), _short(new))


_PATHS = {"customer": "/app/customers", "message": "/app/outbox"}


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _plain(subject: str, _details: Mapping[str, Any]) -> str:
    """`customer:12` by its number, anything else as it is."""
    kind, _, number = subject.partition(":")
    return translate(f"audit.{kind}", number=number) if kind in _PATHS and number else subject


def _setting(subject: str, _details: Mapping[str, Any]) -> str:
    return word("setting", subject)


def _flow(subject: str, _details: Mapping[str, Any]) -> str:
    return word("flow", subject)


def _channel(subject: str, _details: Mapping[str, Any]) -> str:
    return word("channel", subject)


def _counted(_subject: str, details: Mapping[str, Any]) -> str:
    return translate("audit.messages", n=int(details.get("n", 0)))


def _deliveries(_subject: str, details: Mapping[str, Any]) -> str:
    return translate("audit.deliveries", n=len(details.get("ids", ())))


def _list(_subject: str, details: Mapping[str, Any]) -> str:
    return translate("audit.list", kind=word("lists.kind", details["kind"]), n=int(details["rows"]))


def _restored(_subject: str, details: Mapping[str, Any]) -> str:
    return translate("audit.as_of", moment=moment(datetime.fromisoformat(details["backed_up_at"])))


def _consent(subject: str, details: Mapping[str, Any]) -> str:
    said = f"{word('channel', details['channel'])}: {word('consent', details['state'])}"
    return f"{_plain(subject, details)} · {said}"


def _settled(subject: str, details: Mapping[str, Any]) -> str:
    return f"{_plain(subject, details)} · {word('audit.fate', details['fate'])}"


_ABOUT: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = {
    audit.SETTINGS_CHANGED: _setting,
    audit.FLOW_ON: _flow,
    audit.FLOW_OFF: _flow,
    audit.SENDER_TRUSTED: _channel,
    audit.MESSAGE_SETTLED: _settled,
    audit.MESSAGES_RELEASED: _counted,
    audit.MESSAGES_CANCELLED: _counted,
    audit.INBOUND_REPLAYED: _deliveries,
    audit.LIST_IMPORTED: _list,
    audit.STORE_RESTORED: _restored,
    audit.CONSENT_RECORDED: _consent,
}
"""How what an entry is about is said, where it is more than its subject."""
