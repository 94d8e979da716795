"""What the rows of one person and flow say about a day, as codes with their moments and values. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from app.flows import birthdays
from app.flows.batch import LiveFlow
from app.flows.definition import Entry, Message
from app.flows.engine import ACTIVE, COMPLETED, EXITED, HELD_OUT
from app.flows.holdout import number_of
from app.flows.learned import Lesson
from app.flows.moments import Place
from app.messaging.conditions import ConditionFacts, first_false
from app.models import Store
from app.models.message import HELD, PREPARING, QUEUED, SENDING, UNKNOWN
from app.stores import settings

BACK = timedelta(days=60)
"""How far before the day a cause may lie: longer than any recipe's way from its start to its last message."""
WAITING = frozenset({QUEUED, PREPARING, SENDING, HELD, UNKNOWN})
_MOST_OF_A_KIND = 3
_NO_WAY = "way-off"
"""Told only where nothing else is: most shops leave some ways in without a message."""
_IMPORTED = frozenset({"backfill", "import"})
"""The sources of statements that came as history: such a yes starts no flow."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason, as a code of this module with what it speaks of.

    Attributes:
        at: when it happened. until: how long it holds.
        what: a word of ours: an event's type, a condition, a step, a gate's reason.
        numbers: figures by name.
        since: when the journey that it tells of began. subject: what that journey is about.
    """

    code: str
    at: datetime | None = None
    until: datetime | None = None
    what: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    since: datetime | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """The rows. `switches` are in the order of time, enrollments, events and refusals newest first.

    `refusals` are decisions that no message carries; `conditions` what an entry's own conditions look at,
    by the subject of the event; `lessons` what the shop's orders taught about a journey's wait, by its
    id; `titles` those of the products whose buyers' rhythm decided who is silent.
    """

    store: Store
    customer: Any
    flow: LiveFlow
    place: Place
    begin: datetime
    end: datetime
    now: datetime
    switches: Sequence[tuple[datetime, bool]]
    enrollments: Sequence[Any]
    events: Sequence[Any]
    refusals: Sequence[Any]
    messages: Sequence[Any]
    conditions: dict[str, ConditionFacts]
    lessons: Mapping[int, Lesson]
    titles: Mapping[str, str]


def near(known: Known) -> list[Any]:
    """The journeys that may explain the day: those under way then, and those that ended not long before."""
    return [row for row in known.enrollments if row.ended_at is None or row.ended_at >= known.begin - BACK]


def of(known: Known, *, has_messages: bool) -> list[Finding]:
    """Every reason that the rows give, the most telling first; never nothing where no message tells."""
    journeys = (
        replace(_journey(known, row), since=row.entered_at, subject=row.subject)
        for row in near(known)[:_MOST_OF_A_KIND]
    )
    found = [*_person(known), *_switch(known), *journeys, *_skipped(known), *_taught(known)]
    for entry in known.flow.definition.entries:
        is_by_date = entry.plan == birthdays.PLAN
        found += _birthday(known, entry) if is_by_date else list(_untaken(known, entry))[:_MOST_OF_A_KIND]
    if has_messages or any(one.code != _NO_WAY for one in found):
        found = [one for one in found if one.code != _NO_WAY]
    return found if found or has_messages else [Finding("no-trigger", at=known.end - BACK)]


def _person(known: Known) -> Iterator[Finding]:
    if known.customer.erased_at is not None:
        yield Finding("erased", at=known.customer.erased_at)
    if known.store.state == "uninstalled":
        yield Finding("uninstalled")


def _switch(known: Known) -> Iterator[Finding]:
    """The flow was off for all of that day, or it was switched on or off on it."""
    before = [(at, is_on) for at, is_on in known.switches if at < known.begin]
    within = [(at, is_on) for at, is_on in known.switches if known.begin <= at < known.end]
    was_on = bool(before) and before[-1][1]
    for at, is_on in within:
        yield Finding("switched-on-that-day" if is_on else "switched-off-that-day", at=at)
    if not was_on and not within:
        later = [at for at, is_on in known.switches if at >= known.end and is_on]
        yield Finding("off-then", at=before[-1][0] if before else None, until=later[0] if later else None)


def _journey(known: Known, row: Any) -> Finding:
    """How the journey stood at the end of that day, as far as it can be told from how it stands now."""
    if row.state == HELD_OUT:
        person = str(known.customer.external_id or known.customer.email or known.customer.id)
        share = number_of(domain=known.store.domain, flow=known.flow.key, person=person)
        percent = settings.number(known.store, "rails.holdout_percent")
        return Finding("held-out", at=row.entered_at, numbers={"number": share, "percent": percent})
    if row.stopped_at is not None and row.stopped_at < known.end:
        code = "exited" if row.state == EXITED else "exited-at-the-end"
        return Finding(code, at=row.stopped_at, what=row.exit_reason or "")
    if row.state == EXITED and row.ended_at < known.end:
        return Finding("exited", at=row.ended_at, what=row.exit_reason or "")
    if row.state == COMPLETED and row.ended_at < known.end:
        code = "nothing-to-say" if row.exit_reason else "finished"
        return Finding(code, at=row.ended_at, what=row.exit_reason or "")
    following = _next_message(known, row)
    if following is not None:
        return Finding("next", at=following.due_at, what=following.step)
    if row.state == ACTIVE and row.due_at is not None:
        code = "waits-for" if row.waits_for else "waits"
        return Finding(code, until=row.due_at, what=row.waits_for or _coming(known, row))
    return Finding("entered", at=row.entered_at)


def _next_message(known: Known, row: Any) -> Any | None:
    """The journey's first message that was due after the day."""
    later = (one for one in known.messages if one.enrollment_id == row.id and one.due_at >= known.end)
    return next(later, None)


def _coming(known: Known, row: Any) -> str:
    """The name of the next message of a journey that waits, if its version is the published one."""
    if row.version_id != known.flow.version_id:
        return ""
    entry = known.flow.definition.entry(row.context["entry"])
    step_id = row.step
    while (step := entry.step(step_id)) is not None:
        if isinstance(step, Message) and step.is_on:
            return step.name
        step_id = entry.step_after(step_id)
    return ""


def _taught(known: Known) -> Iterator[Finding]:
    """What the shop's own orders taught and the lot drew, and which steps beside messages were done."""
    for row in near(known)[:_MOST_OF_A_KIND]:
        if (one := known.lessons.get(row.id)) is not None:
            numbers = {"days": one.review_days, "median_days": one.median_days, "gaps": one.gaps}
            yield Finding("delay-learned", what=one.title, numbers=numbers, subject=row.subject)
        told = {"since": row.entered_at, "subject": row.subject}
        for arm in row.context.get("arms", {}).values():
            yield Finding("arm-drawn", what=arm, **told)
        for step in row.context.get("done", ()):
            yield Finding("step-done", what=step, **told)
    for event in known.events[:_MOST_OF_A_KIND]:
        if (title := known.titles.get(str(event.details.get("gap_product")))) is not None:
            numbers = {"days": int(event.details["gap_days"])}
            yield Finding("gap-learned", at=event.occurred_at, what=title, numbers=numbers)


def _skipped(known: Known) -> Iterator[Finding]:
    """Messages that the engine did not make that day, and birthdays that it passed over before it."""
    for row in known.refusals:
        said = row.steps[0]["value"] if row.steps else ""
        if row.reason == "trigger-false":
            if row.decided_at < known.begin:
                continue
            yield Finding("skipped", at=row.decided_at, what=f"{row.step}|{said}")
        elif row.reason != "held-out":
            yield Finding("passed-over", at=row.decided_at, what=row.reason)


def _untaken(known: Known, entry: Entry) -> Iterator[Finding]:
    """Events that might have started the flow, and why they did not."""
    taken = {row.occurrence: row for row in known.enrollments}
    for event in known.events:
        if event.type not in entry.events:
            continue
        is_meant = all(
            str(event.details.get(name)).lower() == value.lower() for name, value in entry.where.items()
        )
        if not is_meant:
            if event.details.get("state") == "pending" and entry.where.get("state") == "subscribed":
                yield Finding("not-confirmed", at=event.occurred_at)
            continue
        held = taken.get(entry.occurrence.replace("{subject}", event.subject))
        if held is None:
            yield _why_not_taken(known, entry, event)
        elif len(entry.events) == 1 and event.occurred_at > held.entered_at:
            yield Finding("key-used", at=event.occurred_at, until=held.entered_at, what=event.type)


def _why_not_taken(known: Known, entry: Entry, event: Any) -> Finding:
    since = known.flow.active_since
    false = first_false(entry.only_if, known.conditions[event.subject])
    if not entry.has_messages:
        return Finding(_NO_WAY, at=event.occurred_at, what=event.type)
    if event.details.get("source") in _IMPORTED or event.occurred_at < known.store.installed_at:
        return Finding("imported", at=event.occurred_at, what=event.type)
    if not _was_on(known, event.occurred_at):
        return Finding("before-switch-on", at=event.occurred_at, until=since, what=event.type)
    if event.is_pending:
        return Finding("not-read-yet", at=event.occurred_at, what=event.type)
    if false is not None:
        return Finding("guard", at=event.occurred_at, what=f"{event.type}|{false}")
    return Finding("not-taken", at=event.occurred_at, what=event.type)


def _was_on(known: Known, moment: datetime) -> bool:
    """Whether what happened then could start the flow, as `active_since` and the switches tell."""
    earlier = [is_on for at, is_on in known.switches if at <= moment]
    return bool(earlier) and earlier[-1]


def _birthday(known: Known, entry: Entry) -> list[Finding]:
    """Where the calendar decides: whether the day is known, and when its first message is due."""
    row = known.customer
    if row.birth_month is None or row.birth_day is None:
        return [Finding("birthday-unknown")]
    held = {one.occurrence for one in known.enrollments}
    dues = birthdays.dues(entry, row, known.place, around=known.begin.year)
    past = [(occurrence, due) for occurrence, due in dues if known.end - BACK <= due < known.end]
    for occurrence, due in past:
        if occurrence in held:
            return []
        if not _was_on(known, due):
            return [Finding("birthday-before-switch-on", at=due, until=known.flow.active_since)]
        if not any(refusal.decided_at >= due - timedelta(days=2) for refusal in known.refusals):
            return [Finding("birthday-not-taken", at=due)]
    if past:
        return []
    return [Finding("birthday-later", until=min(due for _, due in dues if due >= known.end))]
