"""The words of lists: what columns are called, what states are called, how moments are written. Tables."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "email": ("email", "e_mail", "mail", "email_address", "indirizzo_email", "indirizzo_e_mail", "posta"),
    "phone": ("phone", "phone_number", "mobile", "sms", "telefono", "cellulare", "numero_di_telefono"),
    "first_name": ("first_name", "firstname", "given_name", "fname", "nome"),
    "last_name": ("last_name", "lastname", "family_name", "lname", "surname", "cognome"),
    "language": ("language", "locale", "lingua"),
    "channel": ("channel", "canale"),
    "state": ("state", "status", "stato"),
    "at": (
        *("consented_at", "consent_date", "subscribed_at", "unsubscribed_at", "optin_time", "opt_in_time"),
        *("confirm_time", "unsub_time", "date", "data", "data_consenso", "data_iscrizione"),
        "data_disiscrizione",
    ),
    "source": (
        "source",
        "consent_source",
        "optin_source",
        "opt_in_source",
        "fonte",
        "origine",
        "provenienza",
    ),
    "text": ("text", "consent_text", "wording", "testo", "testo_consenso", "testo_del_consenso"),
    "ip": ("ip", "optin_ip", "opt_in_ip", "confirm_ip", "indirizzo_ip"),
}
"""What a column may be called, once it is lower case with `_` for spaces, dots and dashes."""

SUBSCRIBED, UNSUBSCRIBED, BOUNCED, WAITING = "subscribed", "unsubscribed", "bounced", "waiting"
STATES: Mapping[str, str] = {
    **dict.fromkeys(
        ("subscribed", "active", "yes", "true", "1", "iscritto", "iscritta", "attivo"), SUBSCRIBED
    ),
    **dict.fromkeys(("confirmed", "attiva", "si", "sì", "confermato", "confermata"), SUBSCRIBED),
    **dict.fromkeys(("unsubscribed", "inactive", "no", "false", "0", "opted_out", "opt_out"), UNSUBSCRIBED),
    **dict.fromkeys(("disiscritto", "disiscritta", "cancellato", "cancellata", "complained"), UNSUBSCRIBED),
    **dict.fromkeys(("bounced", "cleaned", "invalid", "rimbalzato", "non_valido"), BOUNCED),
    **dict.fromkeys(("pending", "unconfirmed", "in_attesa", "non_confermato", "transactional"), WAITING),
    **dict.fromkeys(("non_subscribed", "never_subscribed"), WAITING),
}
CHANNELS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("email", "e_mail", "mail"), ("email",)),
    **dict.fromkeys(("sms", "phone", "telefono"), ("sms",)),
    **dict.fromkeys(("both", "all", "entrambi", "tutti", "email_sms"), ("email", "sms")),
}
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_BETWEEN = re.compile(r"[\s.\-/+&]+")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")


def plain(text: str) -> str:
    """A word for comparing: lower case, `_` for what stands between words."""
    return _BETWEEN.sub("_", text.strip().lower()).strip("_")


def columns_of(header: list[str]) -> dict[str, int]:
    """Where each column that we know stands; of several with one meaning the first."""
    places: dict[str, int] = {}
    for number, title in enumerate(header):
        for name, titles in COLUMNS.items():
            if plain(title) in titles:
                places.setdefault(name, number)
    return places


def moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The moment that a text names: ISO 8601, or day first as in Italy; without a zone in the store's.

    Raises:
        ValueError: it is no moment, lies ahead of now, or before 1990.
    """
    written = text.strip()
    match = _DAY_FIRST.fullmatch(written)
    if match is None:
        found = datetime.fromisoformat(written)
    else:
        day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
        found = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    known = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    if not _EARLIEST <= known <= now:
        raise ValueError("not a moment that has passed since 1990")
    return known
