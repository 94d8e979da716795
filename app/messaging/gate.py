"""The send gate: one pure function decides about one message; fourteen steps, each with its reason.

Source: PRODUCT.md section 3. Live sending, the dry run and "why" share it. It touches no database
and no clock: facts are fetched in batches before, effects written in batches after.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from app.messaging.allowances import OVER_COST
from app.messaging.conditions import first_false
from app.messaging.gate_facts import Facts, MessageFacts
from app.messaging.limits import next_moment
from app.messaging.wishes import NO_WISHES, obstacle

ANSWER, SERVICE, MARKETING, TRANSACTIONAL = "answer", "service", "marketing", "transactional"
_EXEMPT = (ANSWER, TRANSACTIONAL)
"""What the customer's own act or order asks for."""
_SENDER_PAUSE = timedelta(hours=1)


class Verdict(StrEnum):
    """What a step, and the gate as a whole, may say."""

    PASS = "pass"
    POSTPONE = "postpone"
    STOP = "stop"


class StepVerdict(NamedTuple):
    """What one step said and the value it saw, in words or figures that can be shown."""

    step: str
    verdict: Verdict
    reason: str | None
    value: str
    next_at: datetime | None = None


class Decision(NamedTuple):
    """The gate's verdict; `next_at` only with POSTPONE. `reason` is that of the deciding step."""

    verdict: Verdict
    reason: str | None
    next_at: datetime | None
    steps: tuple[StepVerdict, ...]


def decide(facts: Facts, now: datetime) -> Decision:
    """Run the steps in order; the first that does not pass decides."""
    said: list[StepVerdict] = []
    for step in _STEPS:
        one = step(facts, now)
        if one is not None:
            return Decision(one.verdict, one.reason, one.next_at, (*said, one))
        name, seen = _PASSED[step]
        said.append(StepVerdict(name, Verdict.PASS, None, seen(facts)))
    return Decision(Verdict.PASS, None, None, tuple(said))


def refusal(facts: Facts, now: datetime, *, stands: bool = False) -> StepVerdict | None:
    """The step that decides where one does not pass: `decide` for whom nobody asks what the others saw.

    Args:
        stands: `is_standing` said so, and nothing that it looks at changed.
    """
    for step in _MOVING if stands else _DECIDING:
        one = step(facts, now)
        if one is not None:
            return one
    return None


def is_standing(facts: Facts, now: datetime) -> bool:
    """Whether all but its own moments and the rails lets a message go; nobody's wishes stand in its way.

    So it is of any with the same store, sender, person, channel, purpose and topic, whatever the time.
    """
    return facts.wishes is NO_WISHES and all(step(facts, now) is None for step in _STANDING)


def _switches(facts: Facts, now: datetime) -> StepVerdict | None:
    store = facts.store
    if store.state == "uninstalled":
        return _stop("switches", "uninstalled", "the shop removed the app")
    if store.is_copy:
        return _stop("switches", "store-copy", "this is a copy of the shop for testing")
    if not store.is_flow_active:
        return _stop("switches", "switched-off", "the flow is switched off")
    pause = "the shop must be reconnected" if store.state == "needs_reconnect" else store.sender_pause
    if pause is not None:
        return StepVerdict("switches", Verdict.POSTPONE, "sender-paused", pause, now + _SENDER_PAUSE)
    if facts.sender.pause is not None:
        until = facts.sender.paused_until or now + _SENDER_PAUSE
        return StepVerdict("switches", Verdict.POSTPONE, "sender-paused", facts.sender.pause, until)
    return None


def _still_due(facts: Facts, now: datetime) -> StepVerdict | None:
    message = facts.message
    if now < message.due_at:
        return StepVerdict("still-due", Verdict.POSTPONE, "not-due", _shown(message.due_at), message.due_at)
    if now >= message.expires_at:
        return _stop("still-due", "expired", f"it was worth sending until {_shown(message.expires_at)}")
    false = first_false(message.only_if, facts.conditions)
    if false is not None:
        return _stop("still-due", "trigger-false", false)
    return None


def _once_only(facts: Facts, now: datetime) -> StepVerdict | None:
    """Its key is unique, so that the outbox itself sees to it."""
    return None


def _customer(facts: Facts, now: datetime) -> StepVerdict | None:
    if facts.person.is_erased:
        return _stop("customer", "erased", "the customer asked to be forgotten")
    if facts.person.is_minor and facts.message.purpose == MARKETING:
        return _stop("customer", "minor", "the customer is under 18")
    return None


def _address(facts: Facts, now: datetime) -> StepVerdict | None:
    problem = facts.person.address_problem
    if problem is not None:
        return _stop("address", "address-invalid", problem)
    return None


def _suppression(facts: Facts, now: datetime) -> StepVerdict | None:
    why = facts.person.suppressed_for
    return _stop("suppression", "suppressed", why) if why else None


def _legal_basis(facts: Facts, now: datetime) -> StepVerdict | None:
    """Consent, or for e-mail the soft opt-in of a sale where the merchant declared it.

    A withdrawn consent is the next step's business: it was a basis once.
    """
    if _basis(facts) is not None:
        return None
    return _stop("legal-basis", "no-legal-basis", f"{facts.message.channel}: {facts.person.consent}")


def _basis(facts: Facts) -> str | None:
    person, message = facts.person, facts.message
    if message.purpose == TRANSACTIONAL:
        return "transactional"
    if person.consent in ("subscribed", "unsubscribed"):
        return person.consent_basis or "consent"
    if message.channel == "email" and person.has_bought and facts.store.allows_soft_opt_in:
        return "soft_opt_in"
    return None


def _not_withdrawn(facts: Facts, now: datetime) -> StepVerdict | None:
    """Consent as it is now, its age, then topics and pause; answers and transactional mail mind neither."""
    message, person, wishes = facts.message, facts.person, facts.wishes
    if person.consent == "unsubscribed" and message.purpose != TRANSACTIONAL:
        return _stop("consent", "consent-withdrawn", "the customer unsubscribed")
    if person.flaps_until is not None and message.purpose != TRANSACTIONAL:
        return _waits("consent-flapping", person.flaps_until, message)
    if person.is_lapsed and message.purpose == MARKETING:
        return _stop("consent", "consent-lapsed", "no word and no order for too long")
    reason = obstacle(wishes, message.topic, now)
    if reason is None or message.purpose in _EXEMPT:
        return None
    if reason == "topic-off" or wishes.paused_until is None:
        return _stop("consent", reason, message.topic)
    return _waits(reason, wishes.paused_until, message)


def _waits(reason: str, until: datetime, message: MessageFacts) -> StepVerdict:
    """Until what the customer said lets it go, where it is still worth sending then."""
    if until >= message.expires_at:
        return _stop("consent", reason, f"until {_shown(until)}")
    return StepVerdict("consent", Verdict.POSTPONE, reason, f"until {_shown(until)}", until)


def _rails(facts: Facts, now: datetime) -> StepVerdict | None:
    """Quiet hours, caps, spacing and the arbiter; answers and transactional mail are exempt."""
    message = facts.message
    if message.purpose in _EXEMPT:
        return None
    moment, reason = next_moment(
        facts.rails, now, channel=message.channel, purpose=message.purpose, step=message.step
    )
    if moment == now:
        return None
    if moment >= message.expires_at:
        value = f"{reason} until {_shown(moment)}, after its end {_shown(message.expires_at)}"
        return _stop("rails", "expired", value)
    return StepVerdict("rails", Verdict.POSTPONE, reason, f"until {_shown(moment)}", moment)


def _sender(facts: Facts, now: datetime) -> StepVerdict | None:
    """Who sends is told, and the provider lets us; an account that is to be mended keeps messages waiting."""
    problem = facts.store.sender_problem
    if problem:
        return _stop("sender", "sender-not-ready", problem)
    if facts.sender.problem:
        until = now + _SENDER_PAUSE
        return StepVerdict("sender", Verdict.POSTPONE, "sender-not-ready", facts.sender.problem, until)
    return None


def _content(facts: Facts, now: datetime) -> StepVerdict | None:
    """Nothing is missing, and nothing is cut off: a mail that is too large waits for a shorter text."""
    problem, message = facts.person.content_problem, facts.message
    if problem:
        return _stop("content", "content-unresolved", problem)
    if message.written.too_heavy_kb:
        until = min(now + _SENDER_PAUSE, message.expires_at)
        value = f"too heavy: {message.written.too_heavy_kb}"
        return StepVerdict("content", Verdict.POSTPONE, "too-heavy", value, until)
    return None


def _tracking(facts: Facts, now: datetime) -> StepVerdict | None:
    return None


def _pace(facts: Facts, now: datetime) -> StepVerdict | None:
    """The sender's reputation, pace and money; what answers the customer's own act minds no reputation."""
    sender = facts.sender
    if sender.breaker and facts.message.purpose not in _EXEMPT:
        return StepVerdict("pace", Verdict.POSTPONE, "breaker", sender.breaker, now + _SENDER_PAUSE)
    if sender.allowance is not None and sender.allowance < 1:
        until = sender.refill_at or now + _SENDER_PAUSE
        return StepVerdict("pace", Verdict.POSTPONE, "pace", sender.pace, until)
    budget = sender.budget
    if budget is not None and not budget.bears(facts.message.written.parts):
        # It waits to its own end at most, so that it ends by then and not with the month.
        until = min(budget.refill_at, facts.message.expires_at)
        return StepVerdict("pace", Verdict.POSTPONE, OVER_COST, budget.words, until)
    return None


def _commit(facts: Facts, now: datetime) -> StepVerdict | None:
    return None


_Step = Callable[[Facts, datetime], StepVerdict | None]
"""What stands against the message at this step, or None."""
_STEPS: tuple[_Step, ...] = (
    _switches,
    _still_due,
    _once_only,
    _customer,
    _address,
    _suppression,
    _legal_basis,
    _not_withdrawn,
    _rails,
    _sender,
    _content,
    _tracking,
    _pace,
    _commit,
)
_MOVING = (_still_due, _rails)
_DECIDING = tuple(step for step in _STEPS if step not in (_once_only, _tracking, _commit))
"""Those that may say no; the others are there to be shown."""
_STANDING = tuple(step for step in _DECIDING if step not in _MOVING)


def _basis_shown(facts: Facts) -> str:
    return _basis(facts) or ""


_PASSED: Mapping[_Step, tuple[str, Callable[[Facts], str]]] = {
    _switches: ("switches", lambda facts: "on"),
    _still_due: ("still-due", lambda facts: f"until {_shown(facts.message.expires_at)}"),
    _once_only: ("once-only", lambda facts: facts.message.key),
    _customer: ("customer", lambda facts: "known"),
    _address: ("address", lambda facts: facts.message.channel),
    _suppression: ("suppression", lambda facts: "none"),
    _legal_basis: ("legal-basis", _basis_shown),
    _not_withdrawn: ("consent", lambda facts: facts.person.consent),
    _rails: ("rails", lambda facts: "exempt" if facts.message.purpose in _EXEMPT else "free"),
    _sender: ("sender", lambda facts: "ready"),
    _content: ("content", lambda facts: "complete"),
    _tracking: ("tracking", lambda facts: "clicks" if facts.person.tracks_clicks else "none"),
    _pace: ("pace", lambda facts: facts.sender.pace),
    _commit: ("commit", lambda facts: "sending"),
}
"""What each step is called, and the value that it saw where it passes."""


def _stop(step: str, reason: str, value: str) -> StepVerdict:
    return StepVerdict(step, Verdict.STOP, reason, value)


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
