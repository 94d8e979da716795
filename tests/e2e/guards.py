"""The guards of the recipes: how each is switched off in the product, and what shows that it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.flows import birthdays, live, switch
from app.flows.definition import Definition
from app.flows.shop import LiveShop
from app.messaging import flapping, gate, last_look, limits
from connectors.channels.local import LocalChannel
from tests.oracle import Verdict
from tests.oracle.model import MessageKey, MessageRow

Patch = pytest.MonkeyPatch
DAY = timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)
_LEFT = ("sent", "delivered")
_ASKS, _SPACED = ("M3",), ("M3", "X1", "X2")


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard.

    Attributes:
        switch_off: changes the product, undone after the test.
        shows: whether a verdict holds what only a missing guard brings.
        settings: what a merchant sets to be without it.
    """

    switch_off: Callable[[Patch], None]
    shows: Callable[[Verdict], bool]
    settings: Mapping[str, str] = field(default_factory=dict)


def _by_settings(patch: Patch) -> None:
    """Nothing to change: the merchant's settings do it."""


def _without_steps(*names: str) -> Callable[[Patch], None]:
    """The gate without some of its steps."""

    def switch_off(patch: Patch) -> None:
        kept = tuple(step for step in gate._STEPS if step.__name__ not in names)
        assert len(kept) == len(gate._STEPS) - len(names)
        patch.setattr(gate, "_STEPS", kept)
        # Those that the dry run asks are of them.
        for some in ("_DECIDING", "_STANDING"):
            patch.setattr(gate, some, tuple(step for step in getattr(gate, some) if step in kept))

    return switch_off


def _heedless(*names: str) -> Callable[[Patch], None]:
    """The same without the look just before the wire, which asks about a no once more."""
    without_steps, without_look = (
        _without_steps(*names),
        _set(last_look, "refused_meanwhile", lambda *_: frozenset()),
    )

    def switch_off(patch: Patch) -> None:
        without_steps(patch)
        without_look(patch)

    return switch_off


def _with_recipes(change: Callable[[dict[str, Any]], None]) -> Callable[[Patch], None]:
    """Recipes whose entries are changed before a store gets them."""

    def switch_off(patch: Patch) -> None:
        original: Callable[[str], Definition] = vars(switch)["recipe"]

        def changed(key: str) -> Definition:
            values = original(key).model_dump(mode="json")
            for entry in values["entries"]:
                change(entry)
            return Definition.model_validate(values)

        patch.setattr(switch, "recipe", changed)

    return switch_off


def _without_exits(*events: str) -> Callable[[Patch], None]:
    """Recipes that some events do not end, and whose messages do not look at what these change."""
    about = {"order.cancelled": "order-", "order.refunded": "order-", "voucher.redeemed": "code-unused:"}
    forgotten = tuple(about[event] for event in events if event in about)

    def change(entry: dict[str, Any]) -> None:
        entry["exits"] = [rule for rule in entry["exits"] if rule["event"] not in events]
        for step in entry["steps"]:
            if forgotten and "only_if" in step:
                step["only_if"] = [name for name in step["only_if"] if not name.startswith(forgotten)]

    return _with_recipes(change)


def _without_condition(condition: str) -> Callable[[Patch], None]:
    def change(entry: dict[str, Any]) -> None:
        for step in entry["steps"]:
            if "only_if" in step:
                step["only_if"] = [name for name in step["only_if"] if name != condition]

    return _with_recipes(change)


def _live_for_ever(entry: dict[str, Any]) -> None:
    for step in entry["steps"]:
        if step.get("ttl_hours"):
            step["ttl_hours"] = 9999


def _enter_twice(patch: Patch) -> None:
    """What makes an enrollment unique names the event that began it."""
    original = live.enter

    def enter(batch: Any, entry: Any, held: Any) -> None:
        held.occurrence += f":{held.journey.arrived_by}"
        original(batch, entry, held)

    patch.setattr(live, "enter", enter)


def _post_twice(patch: Patch) -> None:
    original = LocalChannel.send

    def send(channel: LocalChannel, messages: Any, may_leave: Any) -> Any:
        original(channel, messages, may_leave)
        return original(channel, messages, may_leave)

    patch.setattr(LocalChannel, "send", send)


def _set(module: Any, name: str, value: object) -> Callable[[Patch], None]:
    def switch_off(patch: Patch) -> None:
        patch.setattr(module, name, value)

    return switch_off


def _sent_though(reason: str) -> Callable[[Verdict], bool]:
    """Something left that should have been stopped for a reason."""
    return lambda verdict: any(
        row.reason == reason and row.status == "stopped" and verdict.actual.messages[key].status in _LEFT
        for key, row in verdict.expected.messages.items()
        if key in verdict.actual.messages
    )


def _is_expired_sent(verdict: Verdict) -> bool:
    return any(
        verdict.expected.messages[key].status == "expired" and row.status in _LEFT
        for key, row in verdict.actual.messages.items()
        if key in verdict.expected.messages
    )


def _is_sent_at_night(verdict: Verdict) -> bool:
    """Something left at a tick at midnight that should have waited; a promised code may."""
    return any(
        row.sent_at is not None
        and row.sent_at.hour == 0
        and key.step != "W1"
        and (key not in verdict.expected.messages or verdict.expected.messages[key].sent_at != row.sent_at)
        for key, row in verdict.actual.messages.items()
    )


def _too_many(count: int, span: timedelta) -> Callable[[Verdict], bool]:
    """More than `count` messages left to somebody within a span."""

    def shows(verdict: Verdict) -> bool:
        people = [
            sorted(row.sent_at for key, row in mine if key.step != "W1" and row.sent_at)
            for mine in _by_person(verdict).values()
        ]
        return any(
            later - earlier < span
            for moments in people
            for earlier, later in zip(moments, moments[count:], strict=False)
        )

    return shows


def _is_asked_too_soon(verdict: Verdict) -> bool:
    return any(
        timedelta() <= later - asked < 3 * DAY
        for mine in _by_person(verdict).values()
        for first, asked in _moments(mine, _ASKS)
        for second, later in _moments(mine, _SPACED)
        if first != second
    )


def _is_asked_again(verdict: Verdict) -> bool:
    """Somebody was asked twice about one product."""
    for mine in _by_person(verdict).values():
        products = [item for key, row in mine if key.step == "M3" and row.sent_at for item in row.about]
        if len(products) > len(set(products)):
            return True
    return False


def _is_sent_though_put_off(verdict: Verdict) -> bool:
    """A message left, whole or sooner, to somebody who had just said yes and no in turn."""
    sent = ((key, verdict.actual.messages.get(key)) for key in verdict.expected.put_off)
    return any(
        row is not None
        and row.sent_at is not None
        and row.sent_at < (verdict.expected.messages[key].sent_at or NEVER)
        for key, row in sent
    )


def _is_other_offered(verdict: Verdict) -> bool:
    offers = {key: row for key, row in verdict.actual.messages.items() if key.step == "X1"}
    right = {key: row.about for key, row in verdict.expected.messages.items() if key.step == "X1"}
    return any(row.about != right.get(key) for key, row in offers.items())


def _goes_on(flow: str) -> Callable[[Verdict], bool]:
    """A journey of a flow that should have ended did not."""
    return lambda verdict: any(
        row.state == "exited" and verdict.actual.enrollments[key].state in ("active", "completed")
        for key, row in verdict.expected.enrollments.items()
        if key.flow == flow and key in verdict.actual.enrollments
    )


def _is_held_out_let_in(verdict: Verdict) -> bool:
    return any(
        row.state == "held_out" and verdict.actual.enrollments[key].state != "held_out"
        for key, row in verdict.expected.enrollments.items()
    )


def _lets_in(flow: str) -> Callable[[Verdict], bool]:
    """Somebody is in a flow who should not be."""
    return lambda verdict: any(
        key.flow == flow for key in verdict.actual.enrollments.keys() - verdict.expected.enrollments.keys()
    )


def _leaves(*steps: str) -> Callable[[Verdict], bool]:
    """A message of one of these steps left that should not."""
    return lambda verdict: any(
        key.step in steps and row.status in _LEFT and not _is_right(verdict, key)
        for key, row in verdict.actual.messages.items()
    )


def _is_right(verdict: Verdict, key: MessageKey) -> bool:
    should = verdict.expected.messages.get(key)
    return should is not None and should.status == "sent"


def _is_posted_twice(verdict: Verdict) -> bool:
    return any("was accepted 2 times" in problem for problem in verdict.expected.problems)


def _by_person(verdict: Verdict) -> Mapping[tuple[str, str], list[tuple[MessageKey, MessageRow]]]:
    people: dict[tuple[str, str], list[tuple[MessageKey, MessageRow]]] = defaultdict(list)
    for key, row in verdict.actual.messages.items():
        people[key.platform, key.customer].append((key, row))
    return people


def _moments(
    mine: list[tuple[MessageKey, MessageRow]], steps: tuple[str, ...]
) -> Iterator[tuple[MessageKey, datetime]]:
    return ((key, row.sent_at) for key, row in mine if key.step in steps and row.sent_at is not None)


GUARDS: Mapping[str, Guard] = {
    "legal basis": Guard(_without_steps("_legal_basis"), _sent_though("no-legal-basis")),
    "withdrawn consent": Guard(_heedless("_not_withdrawn"), _sent_though("consent-withdrawn")),
    "yes and no in turn": Guard(_set(flapping, "ends", lambda *_: {}), _is_sent_though_put_off),
    "unsubscribed address": Guard(_heedless("_suppression", "_not_withdrawn"), _sent_though("suppressed")),
    "unsubscribing ends a journey": Guard(_without_exits("consent.changed"), _goes_on("review")),
    "minors get no marketing": Guard(_without_steps("_customer"), _sent_though("minor")),
    "quiet hours": Guard(_by_settings, _is_sent_at_night, {"rails.email_hours": "00-24"}),
    "cap per day": Guard(_by_settings, _too_many(1, DAY), {"rails.cap_per_day": "10"}),
    "cap per week": Guard(_by_settings, _too_many(3, 7 * DAY), {"rails.cap_per_week": "30"}),
    "spacing of asks": Guard(_set(limits, "SPACED_FROM_ASKS", frozenset()), _is_asked_too_soon),
    "holdout": Guard(_by_settings, _is_held_out_let_in, {"rails.holdout_percent": "0"}),
    "time to live": Guard(_with_recipes(_live_for_ever), _is_expired_sent),
    "a message leaves once": Guard(_post_twice, _is_posted_twice),
    "an occasion enrolls once": Guard(_enter_twice, _lets_in("review")),
    "a product is asked about once": Guard(_set(LiveShop, "asked", lambda *_: frozenset()), _is_asked_again),
    "no reminder after a click": Guard(_without_condition("not-clicked:M3"), _leaves("M3R")),
    "own products are not offered": Guard(_set(LiveShop, "owned", lambda *_: {}), _is_other_offered),
    "refund or cancellation": Guard(
        _without_exits("order.cancelled", "order.refunded"), _leaves("W5", "M3", "M3R", "X1", "X2")
    ),
    "a later order ends the cross-sell": Guard(_without_exits("order.placed"), _goes_on("cross_sell")),
    "an order ends the welcome": Guard(_without_exits("order.paid"), _goes_on("welcome")),
    "birthday known 30 days before": Guard(_set(birthdays, "LEAD_DAYS", 0), _lets_in("birthday")),
    "minors have no birthday": Guard(_set(birthdays, "ADULT_YEARS", 0), _lets_in("birthday")),
    "a redeemed code ends the birthday": Guard(_without_exits("voucher.redeemed"), _leaves("B2", "B3")),
}
