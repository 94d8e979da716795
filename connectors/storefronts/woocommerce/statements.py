"""What a person said in a form of our plugin for WordPress: consents with their wording, and a birthday."""

import re

from connectors.base import (
    BirthDate,
    ConsentRecord,
    ConsentState,
    ConsentUpdate,
    CustomerRecord,
    JsonObject,
    Record,
    UnreadablePayload,
)
from connectors.storefronts.woocommerce.payload import (
    email,
    entries,
    optional_identifier,
    required_moment,
    section,
    text,
)

_STATES = {"subscribed": ConsentState.SUBSCRIBED, "unsubscribed": ConsentState.UNSUBSCRIBED}
_CHANNELS = ("email", "sms")
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_PLACE = re.compile(r"[a-z-]{1,20}")


def read_statement(payload: JsonObject) -> list[Record]:
    """Each consent that was stated, and what else the form told of the person.

    What is said of a channel that we do not know, or says neither yes nor no, is left out. Birthday and
    language carry no moment, so that they only fill what is not known: the account itself knows better.

    Raises:
        UnreadablePayload: nobody is named, there is no moment, or a yes without the text it was given to.

    Source: facts of two measured stores, section 3: the body of a custom topic is
    `{"action": hook, "arg": first argument}`.
    """
    said = section(payload, "arg")
    account_id, address = optional_identifier(said, "customer_id"), email(said, "email")
    if account_id is None and address is None:
        raise UnreadablePayload("the statement names nobody")
    phone = text(said, "phone").strip() or None
    consents = [consent for row in entries(said, "consents") for consent in _read(row, said)]
    born = BirthDate.parse(text(said, "birthday"))
    told = CustomerRecord(
        external_id=account_id,
        email=address,
        locale=_language(said),
        birth_year=born.year if born else None,
        birth_month=born.month if born else None,
        birth_day=born.day if born else None,
    )
    return [told, *(ConsentUpdate(account_id, consent, email=address, phone=phone) for consent in consents)]


def _read(row: JsonObject, said: JsonObject) -> list[ConsentRecord]:
    channel, state = text(row, "channel"), _STATES.get(text(row, "state"))
    if channel not in _CHANNELS or state is None:
        return []
    wording = text(row, "wording").strip()
    if state is ConsentState.SUBSCRIBED and not wording:
        raise UnreadablePayload("a consent without its wording")
    place = text(said, "place")
    return [
        ConsentRecord(
            channel=channel,
            state=state,
            basis="consent" if state is ConsentState.SUBSCRIBED else None,
            occurred_at=required_moment(said, "occurred_at"),
            source=f"ritorno-plugin:{place if _PLACE.fullmatch(place) else 'unknown'}",
            wording=wording or None,
        )
    ]


def _language(said: JsonObject) -> str | None:
    """The locale in which the form was shown, `it-IT`; WordPress writes `it_IT`, and `de_DE_formal`, too."""
    found = _LOCALE.match(text(said, "locale"))
    return found.group().replace("_", "-") if found else None
