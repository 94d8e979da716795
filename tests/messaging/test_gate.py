"""The send gate: every reason it can give, which step is asked first, and who is exempt from what."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.messaging.allowances import Budget, Written
from app.messaging.conditions import ConditionFacts
from app.messaging.gate import Decision, Verdict, decide, is_standing, refusal
from app.messaging.gate_facts import Facts, MessageFacts, PersonFacts, StoreFacts
from app.messaging.limits import Departure, Rails
from tests.conftest import NOW

ROME = ZoneInfo("Europe/Rome")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Changes = Mapping[str, Mapping[str, Any]]

FINE = Facts(
    message=MessageFacts(
        key="welcome:W2:1:consent",
        step="W2",
        channel="email",
        purpose="marketing",
        due_at=NOW,
        expires_at=NOW + 48 * HOUR,
        only_if=(),
        topic="offers",
    ),
    store=StoreFacts(
        state="connected",
        is_copy=False,
        is_flow_active=True,
        sender_pause=None,
        sender_problem=None,
        allows_soft_opt_in=False,
    ),
    person=PersonFacts(
        is_erased=False,
        is_minor=False,
        address="ada@example.com",
        address_problem=None,
        suppressed_for=None,
        consent="subscribed",
        consent_basis="double_opt_in",
        has_bought=False,
        content_problem=None,
        tracks_clicks=False,
    ),
    conditions=ConditionFacts(),
    rails=Rails(departures=(), zones=(ROME,), country="IT", hours=(8, 21)),
)
"""A marketing mail to a subscriber that nothing stands against."""

RECENT = (Departure(NOW - HOUR, "email", "W1"),)
JUST_NOW = (Departure(NOW, "email", "W1", is_this_tick=True),)
STOP, POSTPONE = Verdict.STOP, Verdict.POSTPONE


def _part(part: Any, fields: Mapping[str, Any]) -> Any:
    return part._replace(**fields) if hasattr(part, "_replace") else replace(part, **fields)


def changed(facts: Facts, changes: Changes) -> Facts:
    """The facts with some fields of some parts changed."""
    parts = {name: _part(getattr(facts, name), fields) for name, fields in changes.items()}
    return facts._replace(**parts)


def decided(**changes: Mapping[str, Any]) -> Decision:
    """What the gate says when only this is different from a message that may leave."""
    return decide(changed(FINE, changes), NOW)


REASONS: dict[str, tuple[Changes, str, Verdict, str]] = {
    "removed": ({"store": {"state": "uninstalled"}}, "switches", STOP, "uninstalled"),
    "copy": ({"store": {"is_copy": True}}, "switches", STOP, "store-copy"),
    "off": ({"store": {"is_flow_active": False}}, "switches", STOP, "switched-off"),
    "reconnect": ({"store": {"state": "needs_reconnect"}}, "switches", POSTPONE, "sender-paused"),
    "pause": ({"store": {"sender_pause": "by the merchant"}}, "switches", POSTPONE, "sender-paused"),
    "early": ({"message": {"due_at": NOW + MINUTE}}, "still-due", POSTPONE, "not-due"),
    "late": ({"message": {"expires_at": NOW}}, "still-due", STOP, "expired"),
    "untrue": ({"message": {"only_if": ("order-intact",)}}, "still-due", STOP, "trigger-false"),
    "forgotten": ({"person": {"is_erased": True}}, "customer", STOP, "erased"),
    "minor": ({"person": {"is_minor": True}}, "customer", STOP, "minor"),
    "address": ({"person": {"address_problem": "no address"}}, "address", STOP, "address-invalid"),
    "suppressed": ({"person": {"suppressed_for": "bounce"}}, "suppression", STOP, "suppressed"),
    "unknown": ({"person": {"consent": "unknown"}}, "legal-basis", STOP, "no-legal-basis"),
    "pending": ({"person": {"consent": "pending"}}, "legal-basis", STOP, "no-legal-basis"),
    "withdrawn": ({"person": {"consent": "unsubscribed"}}, "consent", STOP, "consent-withdrawn"),
    "flapping": ({"person": {"flaps_until": NOW + HOUR}}, "consent", POSTPONE, "consent-flapping"),
    "flapping-long": ({"person": {"flaps_until": NOW + 48 * HOUR}}, "consent", STOP, "consent-flapping"),
    "lapsed": ({"person": {"is_lapsed": True}}, "consent", STOP, "consent-lapsed"),
    "topic": ({"wishes": {"topics_off": frozenset({"offers"})}}, "consent", STOP, "topic-off"),
    "paused": ({"wishes": {"paused_until": NOW + HOUR}}, "consent", POSTPONE, "paused-by-customer"),
    "paused-long": ({"wishes": {"paused_until": NOW + 48 * HOUR}}, "consent", STOP, "paused-by-customer"),
    "capped": ({"rails": {"departures": RECENT}}, "rails", POSTPONE, "capped"),
    "lost": ({"rails": {"departures": JUST_NOW}}, "rails", POSTPONE, "lost-to-better"),
    "quiet": ({"rails": {"hours": (11, 21)}}, "rails", POSTPONE, "quiet-hours"),
    "too-long": (
        {"rails": {"departures": RECENT}, "message": {"expires_at": NOW + HOUR}},
        "rails",
        STOP,
        "expired",
    ),
    "account": ({"sender": {"problem": "key refused"}}, "sender", POSTPONE, "sender-not-ready"),
    "account-rests": ({"sender": {"pause": "silent"}}, "switches", POSTPONE, "sender-paused"),
    "bad-name": ({"sender": {"breaker": "came back: 9 / 10"}}, "pace", POSTPONE, "breaker"),
    "too-fast": ({"sender": {"allowance": 0}}, "pace", POSTPONE, "pace"),
    "sender": ({"store": {"sender_problem": "not set"}}, "sender", STOP, "sender-not-ready"),
    "content": ({"person": {"content_problem": "voucher.code"}}, "content", STOP, "content-unresolved"),
}
"""What is different, which step decides, its verdict and its reason."""


@pytest.mark.parametrize(("changes", "step", "verdict", "reason"), REASONS.values(), ids=REASONS)
def test_each_obstacle_is_named_by_the_step_that_sees_it(
    changes: Changes, step: str, verdict: Verdict, reason: str
) -> None:
    facts = changed(FINE, changes)
    decision = decide(facts, NOW)

    last = decision.steps[-1]
    assert refusal(facts, NOW) == last
    assert refusal(facts, NOW, stands=is_standing(facts, NOW)) == last
    assert is_standing(facts, NOW) == (step in {"still-due", "rails"})
    assert (decision.verdict, decision.reason) == (verdict, reason)
    assert (last.step, last.verdict, last.reason) == (step, verdict, reason)
    assert (decision.next_at is not None) == (verdict is POSTPONE)
    assert all(said.verdict is Verdict.PASS for said in decision.steps[:-1])


def test_a_message_without_obstacles_passes_all_fourteen_steps() -> None:
    decision = decide(FINE, NOW)

    assert refusal(FINE, NOW) is None
    assert (decision.verdict, decision.reason, decision.next_at) == (Verdict.PASS, None, None)
    assert [said.step for said in decision.steps] == [
        "switches",
        "still-due",
        "once-only",
        "customer",
        "address",
        "suppression",
        "legal-basis",
        "consent",
        "rails",
        "sender",
        "content",
        "tracking",
        "pace",
        "commit",
    ]
    shown = {said.step: said.value for said in decision.steps}
    assert shown["still-due"] == f"until {FINE.message.expires_at.isoformat(timespec='minutes')}"
    assert (shown["once-only"], shown["address"]) == (FINE.message.key, "email")
    assert (shown["legal-basis"], shown["consent"]) == ("double_opt_in", "subscribed")


MENDED: tuple[tuple[str, Changes], ...] = (
    ("uninstalled", {"store": {"state": "needs_reconnect"}}),
    ("store-copy", {"store": {"is_copy": False}}),
    ("switched-off", {"store": {"is_flow_active": True}}),
    ("sender-paused", {"store": {"state": "connected"}}),
    ("sender-paused", {"sender": {"pause": None}}),
    ("not-due", {"message": {"due_at": NOW, "expires_at": NOW}}),
    ("expired", {"message": {"expires_at": NOW + 48 * HOUR}}),
    ("trigger-false", {"message": {"only_if": ()}}),
    ("erased", {"person": {"is_erased": False}}),
    ("minor", {"person": {"is_minor": False}}),
    ("address-invalid", {"person": {"address_problem": None}}),
    ("suppressed", {"person": {"suppressed_for": None}}),
    ("no-legal-basis", {"person": {"consent": "unsubscribed"}}),
    ("consent-withdrawn", {"person": {"consent": "subscribed"}}),
    ("consent-flapping", {"person": {"flaps_until": None}}),
    ("topic-off", {"wishes": {"topics_off": frozenset()}}),
    ("paused-by-customer", {"wishes": {"paused_until": NOW}}),
    ("capped", {"rails": {"departures": JUST_NOW}}),
    ("lost-to-better", {"rails": {"departures": ()}}),
    ("quiet-hours", {"rails": {"hours": (8, 21)}}),
    ("sender-not-ready", {"store": {"sender_problem": None}}),
    ("sender-not-ready", {"sender": {"problem": None}}),
    ("content-unresolved", {"person": {"content_problem": None}}),
    ("breaker", {"sender": {"breaker": None}}),
    ("pace", {"sender": {"allowance": 1}}),
)
"""The reasons in the order of the steps, each with what takes it away and leaves the next."""

ALL_WRONG: Changes = {
    "message": {"due_at": NOW + HOUR, "only_if": ("order-intact",)},
    "store": {
        "state": "uninstalled",
        "is_copy": True,
        "is_flow_active": False,
        "sender_problem": "not set",
    },
    "person": {
        "is_erased": True,
        "is_minor": True,
        "address_problem": "no address",
        "suppressed_for": "bounce",
        "consent": "unknown",
        "flaps_until": NOW + HOUR,
        "content_problem": "voucher.code",
    },
    "wishes": {"topics_off": frozenset({"offers"}), "paused_until": NOW + HOUR},
    "rails": {"hours": (11, 21), "departures": RECENT},
    "sender": {"problem": "key refused", "pause": "silent", "breaker": "came back: 9 / 10", "allowance": 0},
}


def test_the_first_step_that_fails_decides() -> None:
    facts = changed(FINE, ALL_WRONG)
    reasons = []

    for _, mend in MENDED:
        reasons.append(decide(facts, NOW).reason)
        facts = changed(facts, mend)

    assert reasons == [reason for reason, _ in MENDED]
    assert decide(facts, NOW).verdict is Verdict.PASS


@pytest.mark.parametrize("purpose", ["answer", "transactional"])
@pytest.mark.parametrize("rails", [{"hours": (11, 21)}, {"departures": RECENT}, {"departures": JUST_NOW}])
def test_answers_and_transactional_mail_keep_no_hours_and_no_caps(
    purpose: str, rails: Mapping[str, Any]
) -> None:
    decision = decided(message={"purpose": purpose}, rails=rails)

    assert decision.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("purpose", "is_sent"), [("answer", True), ("transactional", True), ("service", False)]
)
@pytest.mark.parametrize(
    "wishes", [{"topics_off": frozenset({"offers"})}, {"paused_until": NOW + HOUR}], ids=["topic", "pause"]
)
def test_wishes_hold_back_all_but_answers_and_transactional_mail(
    purpose: str, is_sent: bool, wishes: Mapping[str, Any]
) -> None:
    decision = decided(message={"purpose": purpose}, wishes=wishes)

    assert (decision.verdict is Verdict.PASS) is is_sent


def test_no_wish_outdoes_a_suppression() -> None:
    decision = decided(message={"purpose": "transactional"}, person={"suppressed_for": "bounce"})

    assert decision.reason == "suppressed"


def test_service_mail_keeps_hours_and_caps() -> None:
    assert decided(message={"purpose": "service"}, rails={"hours": (11, 21)}).reason == "quiet-hours"
    assert decided(message={"purpose": "service"}, rails={"departures": RECENT}).reason == "capped"


@pytest.mark.parametrize("consent", ["unknown", "pending", "unsubscribed"])
def test_transactional_mail_needs_no_consent(consent: str) -> None:
    decision = decided(message={"purpose": "transactional"}, person={"consent": consent})

    assert decision.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("purpose", "reason"), [("answer", None), ("transactional", None), ("service", "breaker")]
)
def test_a_bad_name_holds_back_all_but_answers(purpose: str, reason: str | None) -> None:
    decision = decided(message={"purpose": purpose}, sender={"breaker": "came back: 9 / 10"})

    assert decision.reason == reason


@pytest.mark.parametrize("purpose", ["answer", "transactional", "service", "marketing"])
def test_nothing_leaves_faster_than_the_provider_allows(purpose: str) -> None:
    again = NOW + 7 * MINUTE

    decision = decided(message={"purpose": purpose}, sender={"allowance": 0, "refill_at": again})

    assert (decision.reason, decision.next_at) == ("pace", again)


@pytest.mark.parametrize("purpose", ["answer", "transactional", "service", "marketing"])
@pytest.mark.parametrize(("left", "parts", "reason"), [(30, 3, None), (29, 3, "over-cost"), (None, 99, None)])
def test_no_text_leaves_that_the_month_cannot_pay(
    purpose: str, left: int | None, parts: int, reason: str | None
) -> None:
    message = {"purpose": purpose, "channel": "sms", "written": Written(parts=parts)}
    next_month = NOW + 20 * 24 * HOUR
    budget = Budget(left=left, part=10, currency="EUR", refill_at=next_month, words="texts a month: 1 EUR")

    decision = decided(message=message, sender={"budget": budget})

    assert (decision.reason, decision.next_at) == (reason, FINE.message.expires_at if reason else None)


def test_a_mail_that_would_be_cut_off_waits_an_hour_and_no_longer_than_it_is_worth() -> None:
    heavy = {"written": Written(too_heavy_kb=120)}

    waits, ends = decided(message=heavy), decided(message={**heavy, "expires_at": NOW + MINUTE})

    assert (waits.reason, waits.next_at, ends.next_at) == ("too-heavy", NOW + HOUR, NOW + MINUTE)


@pytest.mark.parametrize("purpose", ["answer", "service"])
def test_answers_and_service_mail_need_consent(purpose: str) -> None:
    message = {"purpose": purpose}

    assert decided(message=message, person={"consent": "unknown"}).reason == "no-legal-basis"
    assert decided(message=message, person={"consent": "unsubscribed"}).reason == "consent-withdrawn"


@pytest.mark.parametrize("purpose", ["answer", "service", "transactional"])
def test_a_minor_gets_what_is_not_marketing(purpose: str) -> None:
    decision = decided(message={"purpose": purpose}, person={"is_minor": True})

    assert decision.verdict is Verdict.PASS


@pytest.mark.parametrize("consent", ["unknown", "pending"])
def test_a_sale_is_a_basis_for_mail_where_the_merchant_declared_it(consent: str) -> None:
    decision = decided(person={"consent": consent, "has_bought": True}, store={"allows_soft_opt_in": True})

    (basis,) = (said for said in decision.steps if said.step == "legal-basis")
    assert decision.verdict is Verdict.PASS
    assert basis.value == "soft_opt_in"


@pytest.mark.parametrize(
    ("channel", "has_bought", "is_declared"),
    [("email", True, False), ("email", False, True), ("sms", True, True)],
    ids=["not-declared", "no-sale", "sms"],
)
def test_a_sale_is_no_basis_otherwise(channel: str, has_bought: bool, is_declared: bool) -> None:
    decision = decided(
        message={"channel": channel},
        person={"consent": "unknown", "has_bought": has_bought},
        store={"allows_soft_opt_in": is_declared},
    )

    assert decision.reason == "no-legal-basis"


def test_a_sale_does_not_undo_an_unsubscription() -> None:
    decision = decided(
        person={"consent": "unsubscribed", "has_bought": True}, store={"allows_soft_opt_in": True}
    )

    assert decision.reason == "consent-withdrawn"


def test_a_message_that_is_early_waits_for_its_own_moment() -> None:
    assert decided(message={"due_at": NOW + HOUR}).next_at == NOW + HOUR


def test_a_paused_sender_is_asked_again_in_an_hour() -> None:
    assert decided(store={"sender_pause": "by the merchant"}).next_at == NOW + HOUR


def test_what_the_rails_would_put_off_to_its_end_or_later_expires() -> None:
    free_again = NOW - HOUR + timedelta(hours=24)
    rails = {"departures": RECENT}

    at_the_end = decided(message={"expires_at": free_again}, rails=rails)
    after_the_end = decided(message={"expires_at": free_again - MINUTE}, rails=rails)
    before_the_end = decided(message={"expires_at": free_again + MINUTE}, rails=rails)

    assert (at_the_end.verdict, at_the_end.reason, at_the_end.next_at) == (STOP, "expired", None)
    assert (after_the_end.verdict, after_the_end.reason) == (STOP, "expired")
    assert (before_the_end.verdict, before_the_end.next_at) == (POSTPONE, free_again)
