"""The preference page: topics, pause, fewer, language, birthday. GET shows, POST acts, nobody signs in.

The page shows no birthday that we know: mails are passed on, and their links with them.
"""

from dataclasses import dataclass, field, replace

from babel.dates import format_date
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app import clock, consent
from app.customers import own_words
from app.customers.own_words import Birthday
from app.messaging import links, preferences, zones
from app.messaging.content import LANGUAGES
from app.messaging.preferences import KEEP, PAUSES, Answers
from app.messaging.wishes import NO_WISHES, PAUSE_DAYS, TOPICS, Wishes
from app.models import Customer, Store
from app.stores import settings
from app.web import public
from app.web.auth import public as open_door
from app.web.context import runtime
from app.web.customer_pages import Letter, Opened, opened, page
from app.web.public_words import WORDS

blueprint = Blueprint("preferences", __name__)

_SAVE = "save"
_LEAP_YEAR = 2000
_OLDEST_YEAR = 1900
_NO_BIRTHDAY = "forget"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the page shows.

    Attributes:
        paused_until: the last day of a pause that lasts, as the customer writes days; "" without one.
        pause: what was answered where a date was wrong, as `typed`.
    """

    wishes: Wishes = NO_WISHES
    paused_until: str = ""
    topics: tuple[str, ...] = ()
    is_out: bool = False
    asks_language: bool = False
    asks_birthday: bool = False
    knows_birthday: bool = False
    pause: str = KEEP
    typed: dict[str, str] = field(default_factory=dict)


@blueprint.get("/p/<token>")
@open_door("the customer's preferences; the signed token names the message")
def show(token: str) -> ResponseReturnValue:
    """What this customer receives from the shop, and everything they may change."""
    return _page(*_opened(token))


@blueprint.post("/p/<token>")
@open_door("the buttons of the preference page; the signed token names the message")
def change(token: str) -> ResponseReturnValue:
    """Unsubscribe or save, as the button says; anything else only shows the page."""
    letter, shown = _opened(token)
    act = request.form.get(public.ACT)
    if act == public.UNSUBSCRIBE:
        public.withdraw(letter, "preference-page")
        return page("unsubscribed.html", letter)
    if act != _SAVE or letter.is_erased:
        return _page(letter, shown, status=400)
    try:
        birthday = _birthday()
    except ValueError:
        return _page(letter, _as_typed(shown), status=400, is_wrong=True)
    _save(letter, birthday)
    return _page(*_opened(token), is_saved=True)


def _page(
    letter: Letter, shown: _Shown, *, status: int = 200, is_saved: bool = False, is_wrong: bool = False
) -> Response:
    return page(
        "preferences.html",
        letter,
        status=status,
        shown=shown,
        is_saved=is_saved,
        is_wrong=is_wrong,
        pauses=PAUSE_DAYS,
        languages=LANGUAGES,
        months=WORDS[letter.language]["months"].split(),
    )


def _opened(token: str) -> tuple[Letter, _Shown]:
    """The letter of a token, and what its page shows; 404 if it names none."""
    with opened(links.read_preferences(runtime().signer, token)) as (session, found):
        return found.letter, _shown(session, found)


def _shown(session: Session, found: Opened) -> _Shown:
    letter, store, customer = found
    state = consent.state_of(session, letter.store_id, letter.customer_id, letter.channel)
    wishes = preferences.wishes_of(session, letter.store_id, letter.customer_id)
    return _Shown(
        wishes=wishes,
        paused_until=_last_day(wishes, store, letter.language),
        topics=preferences.topics_asked(session, letter.store_id),
        is_out=letter.is_erased or (state is not None and state.state == "unsubscribed"),
        asks_language=settings.is_on(store, "preferences.language"),
        asks_birthday=settings.is_on(store, "preferences.birthday"),
        knows_birthday=customer.birth_month is not None,
    )


def _last_day(wishes: Wishes, store: Store, language: str) -> str:
    until = wishes.paused_until
    if until is None or until <= clock.now():
        return ""
    day = until.astimezone(zones.zone_named(store.timezone)).date()
    return format_date(day, "d MMMM y", locale=language)


def _as_typed(shown: _Shown) -> _Shown:
    """The page with everything as it was answered, so that only the date has to be mended."""
    answers = _answers()
    off = (shown.wishes.topics_off - answers.asked) | (answers.asked - answers.wanted)
    wished = replace(shown.wishes, topics_off=off, is_fewer=answers.is_fewer)
    return replace(shown, wishes=wished, pause=answers.pause, typed=dict(request.form))


def _save(letter: Letter, birthday: Birthday | None) -> None:
    """Keep everything that was answered; fields that the merchant does not ask for are not looked at."""
    now = clock.now()
    with runtime().database.write() as session:
        store = session.get_one(Store, letter.store_id)
        customer = session.execute(_row(letter).with_for_update()).scalar_one()
        if customer.erased_at is not None:
            return
        preferences.save(session, letter.store_id, letter.customer_id, answers=_answers(), now=now)
        language = request.form.get("language", "")
        if language in LANGUAGES and settings.is_on(store, "preferences.language"):
            own_words.tell_language(session, customer, language, now)
        if birthday is not None and settings.is_on(store, "preferences.birthday"):
            own_words.tell_birthday(session, customer, birthday, now)


def _row(letter: Letter) -> Select[Customer]:
    return select(Customer).where(Customer.store_id == letter.store_id, Customer.id == letter.customer_id)


def _answers() -> Answers:
    pause = request.form.get("pause", KEEP)
    return Answers(
        # Whatever else is posted is no topic, and would be kept for good.
        asked=frozenset(request.form.getlist("asked")) & set(TOPICS),
        wanted=frozenset(request.form.getlist("topic")),
        is_fewer=request.form.get("fewer") == "yes",
        pause=pause if pause in PAUSES else KEEP,
    )


def _birthday() -> Birthday | None:
    """The birthday that was typed, an empty one to forget it, or None where nothing was said.

    Raises:
        ValueError: there is no such day.
    """
    if request.form.get("birthday") == _NO_BIRTHDAY:
        return Birthday()
    month, day, year = (request.form.get(name, "").strip() for name in ("month", "day", "year"))
    if not month and not day:
        return None
    now = clock.now()
    born = now.replace(year=int(year) if year else _LEAP_YEAR, month=int(month), day=int(day))
    if year and not (born.year >= _OLDEST_YEAR and born <= now):
        raise ValueError("nobody was born then")
    return Birthday(born.month, born.day, born.year if year else None)
