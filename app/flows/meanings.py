"""What an entry of the timeline means to a journey: its way in, what it waits for, its end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app import timeline
from app.flows.batch import Held, LiveFlow
from app.flows.definition import Entry, Exit
from app.flows.steps import WaitEvent


def lets_in(flow: LiveFlow, entry: Entry, event: Any) -> bool:
    """Whether it lets its customer in by this way."""
    if not flow.is_active or not _meets(entry.where, event):
        return False
    return flow.active_since is not None and event.occurred_at >= flow.active_since


def is_awaited(entry: Entry, held: Held, event: Any) -> bool:
    """Whether this is the very event that the journey waits for; one from before its wait is none."""
    if held.journey.waits_for != event.type:
        return False
    step = entry.step(held.journey.step)
    if type(step) is not WaitEvent:
        return bool(event.subject == held.subject)
    is_meant = step.about == "any" or event.subject == held.subject
    return is_meant and event.occurred_at > held.entered_at and _meets(step.where, event)


def is_ended(entry: Entry, held: Held, event: Any) -> bool:
    """Whether it is an exit of a journey; an erasure is one of every journey."""
    rules = entry.exits_on.get(event.type)
    if rules is None:
        return bool(event.type == timeline.ERASED)
    return any(_ends(rule, held, event) for rule in rules) or event.type == timeline.ERASED


def _ends(rule: Exit, held: Held, event: Any) -> bool:
    if not _meets(rule.where, event):
        return False
    if rule.about == "own":
        return bool(event.subject == held.subject)
    if rule.about == "own-voucher":
        return held.id is not None and event.details.get("enrollment_id") == held.id
    if rule.about == "other-later":
        return bool(event.subject != held.subject and event.occurred_at > held.entered_at)
    if rule.about == "other-since":
        began, came = (held.entered_at, held.subject), (event.occurred_at, event.subject)
        return event.subject != held.subject and _newer(came) > _newer(began)
    return True


def _newer(moment_and_subject: tuple[datetime, str]) -> tuple[datetime, int, str]:
    """Which of two is the newer one; both platforms count their ids up."""
    moment, subject = moment_and_subject
    return moment, len(subject), subject


def _meets(where: Mapping[str, str], event: Any) -> bool:
    return all(str(event.details.get(name)).lower() == value.lower() for name, value in where.items())
