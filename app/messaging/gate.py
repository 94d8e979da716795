"""The send gate: one pure function decides about one message; fourteen steps, each with its reason.

Source: PRODUCT.md section 3. Live sending, the dry run and "why" share it. It touches no database
and no clock: facts are fetched in batches before, effects written in batches after.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from app.messaging.allowances import LOCAL, OVER_COST, UNWRITTEN, SenderFacts, Written
from app.messaging.conditions import ConditionFacts, first_false
from app.messaging.limits import Rails, next_moment
from app.messaging.wishes import NO_WISHES, Wishes, obstacle

ANSWER, SERVICE, MARKETING, TRANSACTIONAL = "answer", "service", "marketing", "transactional"
_SENDER_PAUSE = timedelta(hours=1)


class Verdict(StrEnum):
    """What a step, and the gate as a whole, may say."""

    PASS = "pass"
    POSTPONE = "postpone"
    STOP = "stop"


_PASSED = Verdict.PASS


class MessageFacts(NamedTuple):
    """The message itself. Moments are aware UTC; `only_if` names what must still be true."""

    key: str
    step: str
    channel: str
    purpose: str
    due_at: datetime
    expires_at: datetime
    only_if: tuple[str, ...]
    topic: str = ""
    written: Written = UNWRITTEN


class StoreFacts(NamedTuple):
    """Switches and sender. `sender_problem` and `sender_pause` are words to show, or None."""

    state: str
    is_copy: bool
    is_flow_active: bool
    sender_pause: str | None
    sender_problem: str | None
    allows_soft_opt_in: bool


class PersonFacts(NamedTuple):
    """The recipient. `address_problem`, `suppressed_for` and `content_problem` are None when fine.

    `consent` is the derived state of the channel for this address (subscribed, pending, unsubscribed,
    other-address for a yes that was given for another, unknown).
    """

    is_erased: bool
    is_minor: bool
    address: str | None
    address_problem: str | None
    suppressed_for: str | None
    consent: str
    consent_basis: str | None
    has_bought: bool
    content_problem: str | None
    tracks_clicks: bool
    is_lapsed: bool = False


class Facts(NamedTuple):
    """Everything the gate may look at."""

    message: MessageFacts
    store: StoreFacts
    person: PersonFacts
    conditions: ConditionFacts
    rails: Rails
    sender: SenderFacts = LOCAL
    wishes: Wishes = NO_WISHES


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
        said.append(one := step(facts, now))
        if one.verdict is not _PASSED:
            break
    last = said[-1]
    return Decision(last.verdict, last.reason, last.next_at, tuple(said))


def _switches(facts: Facts, now: datetime) -> StepVerdict:
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
    return _pass("switches", "on")


def _still_due(facts: Facts, now: datetime) -> StepVerdict:
    message = facts.message
    if now < message.due_at:
        return StepVerdict("still-due", Verdict.POSTPONE, "not-due", _shown(message.due_at), message.due_at)
    if now >= message.expires_at:
        return _stop("still-due", "expired", f"it was worth sending until {_shown(message.expires_at)}")
    false = first_false(message.only_if, facts.conditions)
    if false is not None:
        return _stop("still-due", "trigger-false", false)
    return StepVerdict("still-due", _PASSED, None, f"until {_shown(message.expires_at)}")


def _once_only(facts: Facts, now: datetime) -> StepVerdict:
    return StepVerdict("once-only", _PASSED, None, facts.message.key)


def _customer(facts: Facts, now: datetime) -> StepVerdict:
    if facts.person.is_erased:
        return _stop("customer", "erased", "the customer asked to be forgotten")
    if facts.person.is_minor and facts.message.purpose == MARKETING:
        return _stop("customer", "minor", "the customer is under 18")
    return _pass("customer", "known")


def _address(facts: Facts, now: datetime) -> StepVerdict:
    problem = facts.person.address_problem
    if problem is not None:
        return _stop("address", "address-invalid", problem)
    return _pass("address", facts.message.channel)


def _suppression(facts: Facts, now: datetime) -> StepVerdict:
    why = facts.person.suppressed_for
    return _stop("suppression", "suppressed", why) if why else _pass("suppression", "none")


def _legal_basis(facts: Facts, now: datetime) -> StepVerdict:
    """Consent, or for e-mail the soft opt-in of a sale where the merchant declared it.

    A withdrawn consent is the next step's business: it was a basis once.
    """
    person, message = facts.person, facts.message
    if message.purpose == TRANSACTIONAL:
        return _pass("legal-basis", "transactional")
    if person.consent in ("subscribed", "unsubscribed"):
        return _pass("legal-basis", person.consent_basis or "consent")
    if message.channel == "email" and person.has_bought and facts.store.allows_soft_opt_in:
        return _pass("legal-basis", "soft_opt_in")
    return _stop("legal-basis", "no-legal-basis", f"{message.channel}: {person.consent}")


def _not_withdrawn(facts: Facts, now: datetime) -> StepVerdict:
    """Consent as it is now, its age, then topics and pause; answers and transactional mail mind neither."""
    message, wishes = facts.message, facts.wishes
    if facts.person.consent == "unsubscribed" and message.purpose != TRANSACTIONAL:
        return _stop("consent", "consent-withdrawn", "the customer unsubscribed")
    if facts.person.is_lapsed and message.purpose == MARKETING:
        return _stop("consent", "consent-lapsed", "no word and no order for too long")
    reason = obstacle(wishes, message.topic, now)
    if reason is None or message.purpose in (ANSWER, TRANSACTIONAL):
        return _pass("consent", facts.person.consent)
    until = None if reason == "topic-off" else wishes.paused_until
    if until is None or until >= message.expires_at:
        return _stop("consent", reason, message.topic if until is None else f"until {_shown(until)}")
    return StepVerdict("consent", Verdict.POSTPONE, reason, f"until {_shown(until)}", until)


def _rails(facts: Facts, now: datetime) -> StepVerdict:
    """Quiet hours, caps, spacing and the arbiter; answers and transactional mail are exempt."""
    message = facts.message
    if message.purpose in (ANSWER, TRANSACTIONAL):
        return _pass("rails", "exempt")
    moment, reason = next_moment(
        facts.rails, now, channel=message.channel, purpose=message.purpose, step=message.step
    )
    if moment == now:
        return _pass("rails", "free")
    if moment >= message.expires_at:
        value = f"{reason} until {_shown(moment)}, after its end {_shown(message.expires_at)}"
        return _stop("rails", "expired", value)
    return StepVerdict("rails", Verdict.POSTPONE, reason, f"until {_shown(moment)}", moment)


def _sender(facts: Facts, now: datetime) -> StepVerdict:
    """Who sends is told, and the provider lets us; an account that is to be mended keeps messages waiting."""
    problem = facts.store.sender_problem
    if problem:
        return _stop("sender", "sender-not-ready", problem)
    if facts.sender.problem:
        until = now + _SENDER_PAUSE
        return StepVerdict("sender", Verdict.POSTPONE, "sender-not-ready", facts.sender.problem, until)
    return _pass("sender", "ready")


def _content(facts: Facts, now: datetime) -> StepVerdict:
    """Nothing is missing, and nothing is cut off: a mail that is too large waits for a shorter text."""
    problem, message = facts.person.content_problem, facts.message
    if problem:
        return _stop("content", "content-unresolved", problem)
    if message.written.too_heavy_kb:
        until = min(now + _SENDER_PAUSE, message.expires_at)
        value = f"too heavy: {message.written.too_heavy_kb}"
        return StepVerdict("content", Verdict.POSTPONE, "too-heavy", value, until)
    return _pass("content", "complete")


def _tracking(facts: Facts, now: datetime) -> StepVerdict:
    return _pass("tracking", "clicks" if facts.person.tracks_clicks else "none")


def _pace(facts: Facts, now: datetime) -> StepVerdict:
    """The sender's reputation, pace and money; what answers the customer's own act minds no reputation."""
    sender = facts.sender
    if sender.breaker and facts.message.purpose not in (ANSWER, TRANSACTIONAL):
        return StepVerdict("pace", Verdict.POSTPONE, "breaker", sender.breaker, now + _SENDER_PAUSE)
    if sender.allowance is not None and sender.allowance < 1:
        until = sender.refill_at or now + _SENDER_PAUSE
        return StepVerdict("pace", Verdict.POSTPONE, "pace", sender.pace, until)
    budget = sender.budget
    if budget is not None and not budget.bears(facts.message.written.parts):
        # It waits to its own end at most, so that it ends by then and not with the month.
        until = min(budget.refill_at, facts.message.expires_at)
        return StepVerdict("pace", Verdict.POSTPONE, OVER_COST, budget.words, until)
    return _pass("pace", sender.pace)


def _commit(facts: Facts, now: datetime) -> StepVerdict:
    return _pass("commit", "sending")


_STEPS: tuple[Callable[[Facts, datetime], StepVerdict], ...] = (
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


@lru_cache(maxsize=1024)
def _pass(step: str, value: str) -> StepVerdict:
    return StepVerdict(step, Verdict.PASS, None, value)


def _stop(step: str, reason: str, value: str) -> StepVerdict:
    return StepVerdict(step, Verdict.STOP, reason, value)


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
