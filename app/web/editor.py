"""The editor of one message: both languages side by side, tried before they are kept."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log, audit, clock
from app.audit import Actor
from app.db import lease_now
from app.errors import BadInput
from app.flows import places
from app.members.roles import MARKETER
from app.messaging import checking, confirming, content, editions, samples, terms, trials
from app.messaging.checking import Draft
from app.messaging.content import LANGUAGES, Content
from app.messaging.errors import ContentError
from app.messaging.specimens import Slot
from app.messaging.trials import NewTrial
from app.messaging.variables import UNWRITTEN
from app.models import Customer, Store
from app.stores import settings
from app.web import drafts, headers, previewing, seeking, trying
from app.web.acting import actor, showed
from app.web.auth import merchant_required, role_required
from app.web.catalogue import language, translate
from app.web.context import chosen_store, rows_of, runtime, visit
from app.web.trying import Bench, Verdict

blueprint = Blueprint("editor", __name__)

_FOUND = 8
_WHENS = ("customer.first_name", "customer.city", "voucher.code", "order.number", "products")
"""Conditions that a merchant may give a block, where the message has these."""


@dataclass(frozen=True, slots=True)
class Seat:
    """The message that is edited, and who looks: everything that a page of it needs."""

    bench: Bench
    key: str
    step: str
    own: Mapping[str, int]
    """The versions of the languages that the merchant changed."""

    @property
    def slot(self) -> Slot:
        """The message's place in its flow."""
        return self.bench.slot


@dataclass(slots=True)
class Shown:
    """What the page shows besides the drafts."""

    versions: Mapping[str, int]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    sought: str = ""
    note: str = ""
    is_bad: bool = False
    status: int = 200


@blueprint.get("/app/flows/<key>/messages/<step>")
@merchant_required
def show(key: str, step: str) -> ResponseReturnValue:
    """The text as it stands."""
    with runtime().database.read() as session:
        seat = _seat(session, key, step)
        return _page(seat, _kept(session, seat), Shown(seat.own))


@blueprint.post("/app/flows/<key>/messages/<step>")
@role_required(MARKETER)
def change(key: str, step: str) -> ResponseReturnValue:
    """Do what the button asks for; whatever was typed and is not kept yet is shown again."""
    act = drafts.act_of(request.form)
    if act.name in _KEEPING:
        return _KEEPING[act.name](key, step, act, by=actor())
    with runtime().database.read() as session:
        seat = _seat(session, key, step)
        typed = drafts.read(request.form, has_sms=seat.slot.has_sms)
        shown = Shown(drafts.versions(request.form), sought=request.form.get("q", "").strip()[:100])
        if act.name != "find":
            typed = drafts.changed(typed, act, request.form.get(f"{act.locale}.add", ""))
        return _page(seat, typed, shown)


def _save(key: str, step: str, _act: drafts.Act, *, by: Actor) -> ResponseReturnValue:
    """Keep what was typed in both languages, or show what is wrong and keep nothing."""
    with runtime().database.read() as session:
        seat = _seat(session, key, step)
        typed = drafts.read(request.form, has_sms=seat.slot.has_sms)
        shown = _wrong({locale: seat.bench.check(draft, locale) for locale, draft in typed.items()})
        if shown.is_bad:
            return _page(seat, typed, shown)
        wordings = {locale: draft.wording() for locale, draft in typed.items()}
        try:
            with runtime().database.write() as writing:
                where = (writing, seat.bench.store.id, seat.slot.content)
                editions.save(*where, wordings=wordings, seen=shown.versions, now=seat.bench.now)
                _record(writing, seat, audit.TEXT_SAVED, by=by)
                does_hold = places.does_hold(writing, seat.bench.store.id, key, step)
        except editions.Stale:
            shown.note, shown.is_bad, shown.status = translate("editor.stale"), True, 409
            return _page(seat, typed, shown)
    flash(translate("editor.saved" if does_hold else "editor.saved.unpublished"))
    return redirect(url_for("editor.show", key=key, step=step), code=303)


def _reset(key: str, step: str, act: drafts.Act, *, by: Actor) -> ResponseReturnValue:
    """Go back to the original in one language; what was typed in the other one is shown again."""
    with runtime().database.write() as session:
        seat = _seat(session, key, step)
        editions.reset(session, seat.bench.store.id, seat.slot.content, act.locale)
        _record(session, seat, audit.TEXT_RESET, by=by, language=act.locale)
    flash(translate("editor.reset.done", language=translate(f"editor.language.{act.locale}")))
    return redirect(url_for("editor.show", key=key, step=step), code=303)


def _try(key: str, step: str, act: drafts.Act, *, by: Actor) -> ResponseReturnValue:
    """Send what was typed in one language to the merchant, about the example person: the mail or the text."""
    channel = "sms" if act.name == "text" else "email"
    with runtime().database.read() as session:
        seat = _seat(session, key, step)
        typed = drafts.read(request.form, has_sms=seat.slot.has_sms)
        shown = _asked(seat, typed[act.locale], act.locale, channel=channel, by=by)
    with runtime().database.read() as session:
        return _page(_seat(session, key, step), typed, shown)


_KEEPING = {"save": _save, "reset": _reset, "test": _try, "text": _try}
_TO = {"email": "to", "sms": "phone"}
"""The field that says where a test goes."""


def _wrong(verdicts: dict[str, Verdict]) -> Shown:
    """What the page shows of drafts that were checked; it is bad if one of them cannot be kept."""
    shown = Shown(drafts.versions(request.form), verdicts)
    wrong = sum(len(verdict.problems) for verdict in verdicts.values())
    if wrong:
        shown.note, shown.is_bad, shown.status = translate("editor.wrong", n=wrong), True, 400
    return shown


def _asked(seat: Seat, draft: Draft, locale: str, *, channel: str, by: Actor) -> Shown:
    """Queue a trial, and say what came of it."""
    if channel == "sms" and not seat.slot.has_sms:
        raise BadInput("this message is no text message", "act")
    shown = _wrong({locale: seat.bench.check(draft, locale)})
    if shown.is_bad:
        return shown
    token = request.form.get("token", "")[:40] or secrets.token_urlsafe(16)
    try:
        letter = seat.bench.letter(draft, locale, person="", channel=channel, is_trial=True)
        wanted = NewTrial(token, seat.slot.content, locale, request.form.get(_TO[channel], ""), letter)
        with runtime().database.write() as writing:
            trials.ask(writing, runtime().signer, seat.bench.store.id, trial=wanted, now=seat.bench.now)
            _record(writing, seat, audit.TRIAL_ASKED, by=by, language=locale, channel=channel)
    except (trials.NotPossible, ContentError) as error:
        # The frame alone can fail here: it wants to know who sends.
        why = error.why if isinstance(error, trials.NotPossible) else "sender"
        shown.note, shown.is_bad, shown.status = (
            translate(f"editor.test.{why}", n=trials.MOST_A_DAY[channel]),
            True,
            400,
        )
    else:
        shown.note = translate("editor.test.asked")
    return shown


def _record(session: Session, seat: Seat, action: str, *, by: Actor, **details: str) -> None:
    store_id, now = seat.bench.store.id, seat.bench.now
    audit.record(session, store_id, by, action, now=now, subject=seat.slot.content, details=details)


def _seat(session: Session, key: str, step: str) -> Seat:
    store = chosen_store(session)
    slot = places.place_of(session, store.id, key, step)
    bench = Bench(runtime(), session, store, slot, clock.now())
    return Seat(bench, key, step, editions.versions(session, store.id, slot.content))


def _kept(session: Session, seat: Seat) -> dict[str, Draft]:
    """The text that holds now, by language; the original's where what is kept cannot be read or lacks it."""
    original = content.named(seat.slot.content)
    whole = editions.load(session, seat.bench.store.id).get(seat.slot.content, original)
    text = whole if isinstance(whole, Content) else original
    found = {locale: editions.wording_of(text, locale) for locale in LANGUAGES}
    texts = cast(Mapping[str, str], original.sms) if seat.slot.has_sms else {}
    return {
        locale: Draft.of(replace(wording, sms=wording.sms or texts[locale] if texts else None))
        for locale, wording in found.items()
        if wording is not None
    }


def _page(seat: Seat, typed: Mapping[str, Draft], shown: Shown) -> Response:
    bench, slot = seat.bench, seat.slot
    people = _people(bench.session, bench.store, shown.sought)
    showed(bench.store.id, access_log.CUSTOMERS, count=len(people))
    moment = lease_now(bench.session)
    page = Response(
        render_template(
            "editor.html",
            seat=seat,
            columns=[_column(seat, locale, draft, shown) for locale, draft in typed.items()],
            shown=shown,
            variables=samples.offered(bench.scene(language())),
            kinds=confirming.KINDS if confirming.is_asking(slot) else drafts.ADDABLE,
            is_asking=confirming.is_asking(slot),
            brings_code=slot.voucher is not None,
            is_added=content.is_own(slot.content),
            fields=drafts.FIELDS,
            whens=[path for path in _WHENS if path.partition(".")[0] in slot.roots],
            unwritten=UNWRITTEN,
            people=people,
            person=request.form.get("person", ""),
            locale=request.form.get("locale") or settings.read(bench.store, "locale")[:2],
            view=request.form.get("view", previewing.VIEWS[0]),
            views=previewing.VIEWS,
            addresses=trials.own_addresses(bench.store, "email"),
            numbers=trials.own_addresses(bench.store, "sms"),
            lacks_sender=terms.sender_problem(bench.store, "email") is not None,
            trials=[
                (row, trials.status_of(row, moment))
                for row in trials.latest(bench.session, bench.store.id, slot.content)
            ],
            token=secrets.token_urlsafe(16),
        ),
        status=shown.status,
    )
    if visit() is None:
        preview = url_for("previewing.preview", key=seat.key, step=seat.step, _external=True)
        page.headers["Content-Security-Policy"] = headers.policy(frame_src=f"{headers.stage()} {preview}")
    return page


def _column(seat: Seat, locale: str, draft: Draft, shown: Shown) -> dict[str, Any]:
    verdict = shown.verdicts.get(locale, Verdict([]))
    return {
        "locale": locale,
        "draft": draft,
        "version": shown.versions.get(locale, 0),
        "is_own": locale in seat.own,
        "problems": trying.in_words(verdict.problems, seat.slot),
        "warnings": trying.in_words(verdict.warnings, seat.slot, is_warning=True),
        "readings": seat.bench.readings(draft, locale),
        "count": _count(seat, locale, draft),
    }


def _count(seat: Seat, locale: str, draft: Draft) -> list[str]:
    """What the text message comes to; nothing of a draft that cannot be written yet."""
    if draft.sms is None or checking.problems_of(draft.text_alone()):
        return []
    try:
        return trying.counted(seat.bench.texting(draft, locale))
    except ContentError:
        return []


def _people(session: Session, store: Store, sought: str) -> list[Customer]:
    """Customers on whom the draft can be tried."""
    statement = rows_of(Customer, store.id).where(Customer.erased_at.is_(None))
    chosen = request.form.get("person", "")
    if sought:
        statement = seeking.matching(statement, sought)
    elif chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
        statement = statement.where(Customer.id == int(chosen))
    else:
        return []
    return list(session.scalars(statement.order_by(Customer.id.desc()).limit(_FOUND)))
