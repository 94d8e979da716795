"""Whom a merchant looks for among her customers: a typed text, a consent, a class, where somebody stands."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, or_, select

from app.customers import agreeing, normalise_email
from app.db import table_of
from app.models import ConsentState, Customer, CustomerState
from app.segments.classes import CLASSES
from app.segments.states import ACTIVE, DORMANT, INACTIVE, REACTIVATING
from app.web.likeness import Reads

CONSENTS, STATES = table_of(ConsentState), table_of(CustomerState)
STANDINGS = (ACTIVE, DORMANT, REACTIVATING, INACTIVE)
PERMISSIONS = tuple(
    f"{channel}:{state}"
    for channel in ("email", "sms")
    for state in ("subscribed", "pending", "unsubscribed", "unknown")
)
_LONGEST, _MOST_WORDS = 100, 4
"""Of a typed text so many signs are read, and so many words as those of one name before another's."""
_PHONE = re.compile(r"\+[0-9]{6,15}")
_BETWEEN_DIGITS = re.compile(r"[\s().\-/]")


@dataclass(frozen=True, slots=True)
class Sought:
    """What was asked; an empty field asks nothing.

    Attributes:
        q: an e-mail, a phone number, or how an e-mail or a name begins.
        consent: a channel and its state, as in PERMISSIONS.
        kind: a class of app/segments/classes.py.
        standing: a state of app/segments/states.py.
    """

    q: str = ""
    consent: str = ""
    kind: str = ""
    standing: str = ""

    def as_query(self) -> dict[str, str]:
        """What was asked, as the query of an address."""
        return {name: value for name, value in asdict(self).items() if value}


def asked(arguments: Mapping[str, str]) -> Sought:
    """What an address asks; a value that we do not know asks nothing, as an old bookmark may hold one."""
    return Sought(
        arguments.get("q", "").strip()[:_LONGEST],
        _one_of(PERMISSIONS, arguments.get("consent")),
        _one_of(CLASSES, arguments.get("kind")),
        _one_of(STANDINGS, arguments.get("standing")),
    )


def narrowed(
    statement: Select[Customer], store_id: int, sought: Sought
) -> tuple[Select[Customer], Sequence[ColumnElement[bool]]]:
    """The customers of a store's statement who are meant, and what they must be that no index leads to."""
    asked = [*_asked(store_id, sought)]
    if not sought.q:
        return statement.where(*asked), ()
    whole = _whole(sought.q)
    return (statement, [_begins(sought.q), *asked]) if whole is None else (statement.where(whole, *asked), ())


def matching(statement: Select[Customer], text: str) -> Select[Customer]:
    """Whom a typed text means. A whole e-mail or number is looked up by its index; else it is a beginning."""
    whole = _whole(text)
    return statement.where(_begins(text) if whole is None else whole)


def _asked(store_id: int, sought: Sought) -> Iterator[ColumnElement[bool]]:
    if sought.consent:
        yield _allows(store_id, *sought.consent.split(":"))
        yield Customer.erased_at.is_(None)
    if sought.kind:
        yield _is_of(store_id, sought.kind)
    if sought.standing:
        yield Customer.id.in_(_standing(store_id, STATES.c.state == sought.standing))


def _whole(text: str) -> ColumnElement[bool] | None:
    email, phone = normalise_email(text), _BETWEEN_DIGITS.sub("", text)
    if email is not None and "." in email.rpartition("@")[2]:
        return Customer.email == email
    return Customer.phone == phone if _PHONE.fullmatch(phone) else None


def _begins(text: str) -> ColumnElement[bool]:
    """An e-mail or a name that begins so; of several words both names, in either order."""
    names, words = (Customer.first_name, Customer.last_name), text.split()
    both = (
        and_(Reads(one, " ".join(words[:place]), is_whole=True), Reads(other, " ".join(words[place:])))
        for place in range(1, min(len(words), _MOST_WORDS))
        for one, other in (names, names[::-1])
    )
    email = Customer.email.startswith(text.lower(), autoescape=True)
    return or_(email, *(Reads(name, text) for name in names), *both)


def _allows(store_id: int, channel: str, state: str) -> ColumnElement[bool]:
    """Those whose consent stands so. Who was never asked has no row at all.

    Whether it binds the address of now is looked up person by person: within the list of who said so, SQLite
    would make that list anew for each customer.
    """
    told = select(CONSENTS.c.customer_id).where(
        CONSENTS.c.store_id == store_id, CONSENTS.c.channel == channel
    )
    theirs = told.where(CONSENTS.c.customer_id == Customer.id).correlate(Customer)
    if state == "unknown":
        return ~theirs.where(CONSENTS.c.state != state).exists()
    address = Customer.email if channel == "email" else Customer.phone
    binds = theirs.where(agreeing.is_theirs(CONSENTS, address)).exists()
    return and_(Customer.id.in_(told.where(CONSENTS.c.state == state)), binds)


def _is_of(store_id: int, kind: str) -> ColumnElement[bool]:
    """Those of a class; who never bought is kept no class for."""
    if kind == CLASSES[0]:
        return Customer.orders_count + Customer.earlier_orders == 0
    return Customer.id.in_(_standing(store_id, cast(STATES.c.classes, String).contains(f'"{kind}"')))


def _standing(store_id: int, condition: ColumnElement[bool]) -> Any:
    return select(STATES.c.customer_id).where(STATES.c.store_id == store_id, condition)


def _one_of(known: tuple[str, ...], value: str | None) -> str:
    return value if value in known else ""
