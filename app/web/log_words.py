"""The entries of the two logs in the merchant's words: who, and what about whom."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app import audit
from app.models import AccessEntry, ApiKey, AuditEntry, Member, Membership
from app.stores.settings import DEFINITIONS
from app.web.catalogue import choice, translate, word
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
    names = actor_names(session, store_id, rows)
    return [_change(row, who(row, names)) for row in rows]


def who(row: AuditEntry | AccessEntry, names: Mapping[str, str]) -> Who:
    """Who an entry names; `names` are those of members and API keys."""
    kind, number = word("actor", row.actor_kind), row.actor_id
    if not number:
        return Who(kind, "")
    if row.actor_kind == audit.API_KEY:
        return Who(kind, names.get(number, translate("actor.number", number=number)))
    if row.actor_kind == audit.STAFF:
        return Who(kind, translate("actor.number", number=number))
    if number.startswith(audit.MEMBER_LETTER):
        return Who(kind, names.get(number, translate("actor.gone", number=number[1:])))
    return Who(kind, translate("actor.session", number=number))


def actor_names(session: Session, store_id: int, rows: Iterable[AuditEntry | AccessEntry]) -> dict[str, str]:
    """The names of the members and API keys that some entries name, by what the entries call them."""
    ids: dict[str, set[int]] = {audit.API_KEY: set(), audit.MEMBER: set()}
    for row in rows:
        number = row.actor_id.removeprefix(audit.MEMBER_LETTER)
        is_member = row.actor_kind == audit.MEMBER and number != row.actor_id
        if number.isdigit() and (is_member or row.actor_kind == audit.API_KEY):
            ids[row.actor_kind].add(int(number))
    keys = select(ApiKey.id, ApiKey.name).where(
        ApiKey.store_id == store_id, ApiKey.id.in_(ids[audit.API_KEY])
    )
    names = {str(row.id): row.name for row in session.execute(keys)} if ids[audit.API_KEY] else {}
    return names | _member_names(session, store_id, ids[audit.MEMBER])


def _member_names(session: Session, store_id: int, ids: Collection[int]) -> dict[str, str]:
    """Of who is in the store, or runs this installation; the others are a number."""
    if not ids:
        return {}
    is_in = exists().where(Membership.store_id == store_id, Membership.member_id == Member.id)
    mine = select(Member.id, Member.name, Member.email).where(
        Member.id.in_(ids), or_(is_in, Member.is_operator.is_(True))
    )
    return {f"{audit.MEMBER_LETTER}{row.id}": row.name or row.email for row in session.execute(mine)}


def _change(row: AuditEntry, by: Who) -> Change:
    about = _ABOUT.get(row.action, _plain)(row.subject, row.details)
    kind, _, number = row.subject.partition(":")
    path = f"{_PATHS[kind]}/{number}" if kind in _PATHS and number.isdigit() else None
    old, new = (_value(row.subject, row.details.get(name)) for name in ("old", "new"))
    return Change(row.at, by, row.action, about, path, old, new)


_PATHS = {"customer": "/app/customers", "message": "/app/outbox"}


def _value(key: str, text: str | None) -> str | None:
    """What a setting was: a choice in words, anything else as it is, as far as there is room."""
    if text is None or (key in DEFINITIONS and DEFINITIONS[key].rule.kind in _CHOSEN):
        return text and choice(key, text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


_CHOSEN = ("choice", "switch")


def _plain(subject: str, _details: Mapping[str, Any]) -> str:
    """`customer:12` by its number, anything else as it is."""
    kind, _, number = subject.partition(":")
    return translate(f"audit.{kind}", number=number) if kind in _PATHS and number else subject


def _setting(subject: str, _details: Mapping[str, Any]) -> str:
    return word("setting", subject)


def _flow(subject: str, _details: Mapping[str, Any]) -> str:
    return word("flow", subject)


def _draft(subject: str, details: Mapping[str, Any]) -> str:
    """The flow, what was done, and to which step or with which version."""
    done = translate(f"audit.draft.{details['what']}", n=details.get("number", 0))
    kind = details.get("kind", "")
    step = word("step.kind", kind) if kind != "message" else details["step"]
    return " · ".join(part for part in (word("flow", subject), done, step) if part)


def _version(subject: str, details: Mapping[str, Any]) -> str:
    return f"{word('flow', subject)} · {translate('versions.one', n=int(details['number']))}"


def _moved(subject: str, details: Mapping[str, Any]) -> str:
    return f"{word('flow', subject)} · {translate('audit.people', n=int(details['n']))}"


def _text(subject: str, _details: Mapping[str, Any]) -> str:
    """`welcome/W2`: the flow and the message."""
    flow, _, step = subject.partition("/")
    return f"{word('flow', flow)} · {word('step', step)}"


def _review(subject: str, _details: Mapping[str, Any]) -> str:
    return translate("audit.review", number=subject.partition(":")[2])


def _member(subject: str, details: Mapping[str, Any]) -> str:
    """Whom it is about, and as what."""
    role = details.get("role") or details.get("new")
    whom = details.get("email") or (
        translate("actor.gone", number=subject.partition(":")[2]) if subject else ""
    )
    return " · ".join(filter(None, (whom, word("role", role) if role else "")))


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
    audit.FLOW_REHEARSED: _flow,
    audit.FLOW_DISCARDED: _flow,
    audit.FLOW_DRAFTED: _draft,
    audit.FLOW_PUBLISHED: _version,
    audit.FLOW_MOVED: _moved,
    **dict.fromkeys((audit.TEXT_SAVED, audit.TEXT_RESET, audit.TRIAL_ASKED), _text),
    **dict.fromkeys((audit.REVIEW_APPROVED, audit.REVIEW_HIDDEN), _review),
    **dict.fromkeys((audit.MEMBER_INVITED, audit.MEMBER_JOINED, audit.MEMBER_REMOVED), _member),
    **dict.fromkeys((audit.MEMBER_ROLE, audit.MEMBER_SIGNED_OUT), _member),
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
