"""The versions of a flow: what a draft changes before it is published, what was before, who is on which."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log, audit, clock
from app.audit import Actor
from app.errors import NotFound
from app.flows import contents, drafts, rehearsals, versions
from app.flows.contents import BrokenText
from app.flows.definition import Definition
from app.flows.versions import Group
from app.members.roles import MARKETER
from app.models import Store
from app.web import flow_changes, rehearsing, step_reading, step_words
from app.web.acting import actor, showed
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, runtime
from app.web.steps import seen

blueprint = Blueprint("flow_versions", __name__)
_DIGITS = 9
_MOST_ROUNDS = 50
"""Batches of people that move in one request; the rest is offered again."""


@blueprint.get("/app/flows/<key>/publish")
@merchant_required
def review(key: str) -> ResponseReturnValue:
    """What the draft would change, for how many people, and what happens to those under way."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
        groups = versions.in_flight(session, store.id, key, desk.current)
        rehearsed = rehearsing.latest(session, store.id, key, is_draft=True)
        compared = rehearsals.of_flow(session, store.id, key)
        broken = contents.broken_text(session, store.id, desk.current)
    if desk.draft is None:
        return redirect(url_for("steps.show", key=key), code=303)
    showed(store.id, access_log.CUSTOMERS, count=len(rehearsed.people))
    return render_template(
        "publish.html",
        key=key,
        desk=desk,
        differences=flow_changes.between(desk.published, desk.draft, store),
        rows=_rows(groups),
        movable=sum(group.people for group in groups if group.may_move),
        under_way=sum(group.people for group in groups),
        rehearsed=rehearsed,
        as_it_holds=compared.result if compared is not None else None,
        broken=broken,
        broken_name=step_words.called(broken.slot.step) if broken else "",
    )


@blueprint.post("/app/flows/<key>/publish")
@role_required(MARKETER)
def publish(key: str) -> ResponseReturnValue:
    """Make the draft hold; move those under way if that was chosen."""
    by, now = actor(), clock.now()
    with runtime().database.read() as session:
        store_id = chosen_store(session).id
    try:
        with runtime().database.write() as session:
            number = versions.publish(session, store_id, key, seen=seen(), now=now)
            details = {"number": number}
            audit.record(session, store_id, by, audit.FLOW_PUBLISHED, now=now, subject=key, details=details)
    except drafts.Stale:
        flash(translate("steps.stale"), "bad")
        return redirect(url_for("steps.show", key=key), code=303)
    except BrokenText as error:
        said = "versions.unwritten" if error.is_unwritten else "versions.broken"
        flash(translate(said, step=step_words.called(error.slot.step)), "bad")
        return redirect(url_for("flow_versions.review", key=key), code=303)
    flash(translate("versions.published", n=number))
    if request.form.get("people") == "move":
        _move(store_id, key, by=by)
    return redirect(url_for("flows.show", key=key), code=303)


@blueprint.get("/app/flows/<key>/versions")
@merchant_required
def show(key: str) -> ResponseReturnValue:
    """Every version with what it changed, who is still on it, and the way back to it."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
        known = versions.listing(session, store.id, key)
        groups = versions.in_flight(session, store.id, key, desk.published)
    earlier = [group for group in groups if group.version_id != desk.version_id]
    asked = {one.number: one.definition for one in known}
    first, second = (_number(name, asked) for name in ("from", "to"))
    return render_template(
        "versions.html",
        key=key,
        desk=desk,
        versions=[
            (one, sum(group.people for group in groups if group.number == one.number)) for one in known
        ],
        compared=(first, second) if first and second else None,
        differences=_between(asked, first, second, store),
        rows=_rows(earlier),
        movable=sum(group.people for group in earlier if group.may_move),
    )


@blueprint.post("/app/flows/<key>/versions/restore")
@role_required(MARKETER)
def restore(key: str) -> ResponseReturnValue:
    """Make an earlier version the draft."""
    by, now, number = actor(), clock.now(), _whole(request.form.get("number", ""))
    with runtime().database.read() as session:
        store_id = chosen_store(session).id
        current = drafts.desk(session, store_id, key).current
    try:
        with runtime().database.write() as session:
            versions.restore(session, store_id, key, number, seen=seen(), now=now)
            details = {"number": number, "what": "restored"}
            audit.record(session, store_id, by, audit.FLOW_DRAFTED, now=now, subject=key, details=details)
        flash(translate("versions.restored", n=number))
    except drafts.Unsound as error:
        flash(step_reading.refusal(error.problems, current), "bad")
    except drafts.Stale:
        flash(translate("steps.stale"), "bad")
    return redirect(url_for("steps.show", key=key), code=303)


@blueprint.post("/app/flows/<key>/versions/move")
@role_required(MARKETER)
def move(key: str) -> ResponseReturnValue:
    """Let those on earlier versions go on by the one that holds."""
    with runtime().database.read() as session:
        store = chosen_store(session)
    _move(store.id, key, by=actor())
    return redirect(url_for("flow_versions.show", key=key), code=303)


def _move(store_id: int, key: str, *, by: Actor) -> None:
    """In batches, a transaction each with its entry in the log; who is not moved stays where they were."""
    total = 0
    for _ in range(_MOST_ROUNDS):
        with runtime().database.write() as session:
            done = _move_some(session, store_id, key, by=by)
        total += done
        if not done:
            break
    flash(translate("versions.moved", n=total))


def _move_some(session: Session, store_id: int, key: str, *, by: Actor) -> int:
    done = versions.move(session, store_id, key)
    if done:
        now = clock.now()
        audit.record(session, store_id, by, audit.FLOW_MOVED, now=now, subject=key, details={"n": done})
    return done


def _rows(groups: list[Group]) -> list[tuple[Group, str]]:
    """Each group with what its people wait for."""
    return [(group, _waits_for(group)) for group in groups]


def _waits_for(group: Group) -> str:
    for entry in group.definition.entries:
        if group.step in entry.by_id:
            return step_words.name_and_text(entry.by_id[group.step], entry)
    return group.step


def _number(name: str, known: dict[int, Definition]) -> int | None:
    text = request.args.get(name, "")
    if not text:
        return None
    number = _whole(text)
    if number not in known:
        raise NotFound("this flow has no such version")
    return number


def _whole(text: str) -> int:
    """A version's number; -1, which none has, of what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else -1


def _between(
    known: dict[int, Definition], first: int | None, second: int | None, store: Store
) -> list[flow_changes.Difference]:
    if first is None or second is None:
        return []
    return flow_changes.between(known[first], known[second], store)
