"""The engine's core, step kind by step kind; no database, no clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from app.flows import engine
from app.flows.definition import Definition, Entry, recipe, recipe_keys
from app.flows.engine import Advance, Journey, StepFacts
from app.flows.moments import Place
from app.messaging.conditions import ConditionFacts, OrderFacts, SiblingFacts

ROME = ZoneInfo("Europe/Rome")
PLACE = Place(zone=ROME, zones=(ROME,), country="IT")
T0 = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANY: dict[str, Any] = {"purpose": "marketing", "priority": 3, "ttl_hours": 48, "content": "welcome/W2"}
CHOSEN = [{"external_id": "P1", "title": "Moka"}]


def test_a_wait_stops_at_its_moment() -> None:
    entry = _entry({"kind": "wait", "id": "a", "anchor": "entered", "days": 2, "hours": 3})

    advance = _walk(entry)

    assert (advance.journey.step, advance.journey.due_at) == ("a", T0 + 2 * DAY + 3 * HOUR)
    assert (advance.journey.state, advance.messages) == ("active", ())


def test_a_wait_at_a_local_hour_counts_days_of_the_calendar() -> None:
    """Rome leaves summer time on 25 October: 09:00 is 07:00 UTC before, 08:00 after."""
    entry = _entry({"kind": "wait", "id": "a", "anchor": "entered", "days": 3, "at": "09:00"})
    late_evening = datetime(2026, 10, 23, 22, 30, tzinfo=UTC)

    advance = _walk(entry, anchors={"entered": late_evening})

    assert advance.journey.due_at == datetime(2026, 10, 27, 8, 0, tzinfo=UTC)


def test_a_wait_may_last_as_long_as_the_products_want() -> None:
    entry = _entry(
        {"kind": "wait", "id": "a", "anchor": "entered", "delay": "review-products", "sets": "asked"},
        {"kind": "wait", "id": "b", "anchor": "asked", "days": 7},
    )

    first = _walk(entry, review_delay_days=30)
    second = _ring(first.journey, entry)

    assert first.journey.due_at == T0 + 30 * DAY
    assert second.journey.due_at == T0 + 37 * DAY


def test_a_message_is_made_where_the_journey_stands_and_the_walk_goes_on() -> None:
    entry = _entry(
        {"kind": "message", "id": "A", **ANY},
        {"kind": "message", "id": "B", **ANY, "ttl_hours": None, "until": "end"},
        {"kind": "wait", "id": "w", "anchor": "entered", "days": 1},
        anchors=[{"name": "end", "anchor": "entered", "days": 9}],
    )

    advance = _walk(entry, anchors={"end": T0 + 9 * DAY})

    made = [(message.step.id, message.due_at, message.expires_at) for message in advance.messages]
    assert made == [("A", T0, T0 + 48 * HOUR), ("B", T0, T0 + 9 * DAY)]
    assert advance.journey.step == "w"


def test_a_message_until_the_day_ends_lives_until_local_midnight() -> None:
    entry = _entry({"kind": "message", "id": "A", **ANY, "ttl_hours": None, "until": "day_ends"})

    advance = _walk(entry)

    assert [message.expires_at for message in advance.messages] == [datetime(2026, 11, 2, 23, 0, tzinfo=UTC)]


def test_a_message_that_is_off_is_passed_in_silence() -> None:
    entry = _entry({"kind": "message", "id": "A", **ANY, "is_on": False})

    advance = _walk(entry)

    assert (advance.messages, advance.skipped, advance.journey.state) == ((), (), "completed")


def test_nobody_waits_for_a_message_that_is_off() -> None:
    entry = _entry(
        {"kind": "wait", "id": "a", "anchor": "entered", "days": 1},
        {"kind": "message", "id": "A", **ANY, "is_on": False},
        {"kind": "wait", "id": "b", "anchor": "entered", "days": 2},
    )

    advance = _walk(entry)

    assert (advance.journey.step, advance.journey.due_at) == ("b", T0 + 2 * DAY)


def test_a_message_whose_condition_is_false_is_skipped_with_it() -> None:
    entry = _entry({"kind": "message", "id": "A", **ANY, "only_if": ["code-unused:welcome"]})
    used = ConditionFacts(redeemed=frozenset({"welcome"}))

    advance = _walk(entry, conditions=used)

    assert advance.messages == ()
    assert [(item.step.id, item.reason, item.value) for item in advance.skipped] == [
        ("A", "trigger-false", "code-unused:welcome")
    ]


def test_what_exits_see_to_is_not_asked_when_a_message_is_made() -> None:
    """The mirror knows what came later; it would answer for the wrong moment."""
    entry = _entry({"kind": "message", "id": "A", **ANY, "only_if": ["enrollment-alive", "order-intact"]})

    advance = _walk(entry, conditions=ConditionFacts(is_stopped=True, order=None))

    assert [message.step.id for message in advance.messages] == ["A"]


@pytest.mark.parametrize(("bought", "goes_to"), [(True, ["C"]), (False, ["B", "C"])])
def test_a_split_goes_one_way_or_the_other(goes_to: list[str], *, bought: bool) -> None:
    entry = _entry(
        {"kind": "split", "id": "s", "condition": "bought-before-entry", "then": "C"},
        {"kind": "message", "id": "B", **ANY},
        {"kind": "message", "id": "C", **ANY},
    )
    first = T0 - DAY if bought else None

    advance = _walk(entry, conditions=ConditionFacts(first_paid_at=first, entered_at=T0))

    assert [message.step.id for message in advance.messages] == goes_to


def test_an_end_ends_the_journey_before_the_last_step() -> None:
    entry = _entry(
        {"kind": "split", "id": "s", "condition": "bought-before-entry", "then": "B"},
        {"kind": "end", "id": "e"},
        {"kind": "message", "id": "B", **ANY},
    )

    advance = _walk(entry)

    assert (advance.journey.state, advance.journey.exit_reason, advance.messages) == ("completed", None, ())


def test_what_was_chosen_goes_with_the_messages_after_it() -> None:
    entry = _entry(
        {"kind": "message", "id": "A", **ANY},
        {"kind": "choose", "id": "c", "chooser": "complement", "if_none": "no-complement"},
        {"kind": "message", "id": "B", **ANY},
    )

    advance = _walk(entry, choices={"complement": CHOSEN})

    assert [message.products for message in advance.messages] == [(), tuple(CHOSEN)]


def test_nothing_to_choose_ends_the_journey_with_the_reason() -> None:
    entry = _entry(
        {"kind": "choose", "id": "c", "chooser": "complement", "if_none": "no-complement"},
        {"kind": "message", "id": "B", **ANY},
    )

    advance = _walk(entry, choices={"complement": []})

    assert (advance.journey.state, advance.journey.exit_reason) == ("completed", "no-complement")
    assert advance.messages == ()


@pytest.mark.parametrize(("is_abroad", "days"), [(False, 7), (True, 14)])
def test_waiting_for_a_parcel_ends_by_itself(days: int, *, is_abroad: bool) -> None:
    entry = recipe("review").entry("products")

    waiting = _walk(entry, anchors={"fulfilled": T0}, is_abroad=is_abroad)

    assert (waiting.journey.waits_for, waiting.journey.due_at) == ("order.delivered", T0 + days * DAY)


def test_a_parcel_that_came_sets_the_anchor_to_the_moment_of_its_coming() -> None:
    entry = recipe("review").entry("products")
    waiting = _walk(entry, anchors={"fulfilled": T0}).journey

    arrived = engine.event_came(waiting, entry, "order.delivered", T0 + 2 * DAY)
    advance = engine.advance(arrived, entry, _facts(review_delay_days=10), T0 + 2 * DAY)

    assert advance.journey.anchors["delivered"] == T0 + 2 * DAY
    assert (advance.journey.waits_for, advance.journey.due_at) == (None, T0 + 12 * DAY)


def test_a_journey_that_the_arrival_itself_began_does_not_wait_for_it() -> None:
    entry = recipe("review").entry("products")
    journey = Journey(entry.id, entry.steps[0].id, {"fulfilled": T0}, arrived_by="order.delivered")

    advance = engine.advance(journey, entry, _facts(), T0)

    assert advance.journey.anchors["delivered"] == T0
    assert (advance.journey.waits_for, advance.journey.due_at) == (None, T0 + 14 * DAY)


@pytest.mark.parametrize(
    ("median", "is_abroad", "delivered"),
    [(3 * DAY, False, 3 * DAY), (3 * DAY, True, 3 * DAY), (None, False, 7 * DAY), (None, True, 14 * DAY)],
)
def test_a_parcel_that_never_came_is_taken_as_delivered(
    median: timedelta | None, delivered: timedelta, *, is_abroad: bool
) -> None:
    entry = recipe("review").entry("products")
    waiting = _walk(entry, anchors={"fulfilled": T0}, is_abroad=is_abroad).journey

    rung = engine.timer_fired(waiting, entry, median, is_abroad=is_abroad)

    assert rung.anchors["delivered"] == T0 + delivered
    assert (rung.step, rung.waits_for, rung.due_at) == ("to-M2", None, None)


def test_a_text_goes_where_it_was_agreed_to_and_a_window_is_left() -> None:
    entry = _entry(
        {
            "kind": "message",
            "id": "B2",
            **ANY,
            "ttl_hours": None,
            "until": "day_ends",
            "channel": "sms-or-email",
        }
    )
    sunday, evening = datetime(2026, 11, 1, 9, 0, tzinfo=UTC), datetime(2026, 11, 2, 19, 30, tzinfo=UTC)

    channels = {
        (at, has_sms): _walk(entry, at=at, has_sms=has_sms).messages[0].channel
        for at in (T0, sunday, evening)
        for has_sms in (True, False)
    }

    assert {key for key, channel in channels.items() if channel == "sms"} == {(T0, True)}


def test_an_exit_ends_a_journey_with_its_reason() -> None:
    waiting = _walk(_entry({"kind": "wait", "id": "a", "anchor": "entered", "days": 1})).journey

    ended = engine.ended(waiting, "order.paid")

    assert (ended.state, ended.exit_reason, ended.due_at) == ("exited", "order.paid", None)


def test_a_definition_that_walks_in_a_circle_is_stopped() -> None:
    """No definition that was checked does; the engine does not rely on it."""
    steps = (
        {"kind": "message", "id": "A", **ANY, "is_on": False},
        {"kind": "split", "id": "s", "condition": "code-unused:x", "then": "A"},
    )
    entry = Entry.model_validate({"id": "e", "occurrence": "once", "steps": steps})

    with pytest.raises(RuntimeError, match="circle"):
        _walk(entry)


def test_the_welcome_recipe_walks_its_days() -> None:
    entry = recipe("welcome").entry("consent")
    step = _walk(entry, anchors={"code_ends": T0 + 10 * DAY})
    made = [*step.messages]
    while step.journey.state == "active":
        step = _ring(step.journey, entry)
        made += step.messages

    assert [(message.step.name, message.due_at - T0, message.expires_at - T0) for message in made] == [
        ("W1", 0 * DAY, DAY),
        ("W2", 2 * DAY, 4 * DAY),
        ("W3", 4 * DAY, 6 * DAY),
        ("W4", 7 * DAY, 9 * DAY),
        ("W6", 9 * DAY, 10 * DAY),
    ]


def test_who_bought_before_is_welcomed_back_and_that_is_all() -> None:
    entry = recipe("welcome").entry("consent")

    advance = _walk(entry, conditions=ConditionFacts(first_paid_at=T0 - DAY, entered_at=T0))

    assert [(message.step.name, message.step.voucher) for message in advance.messages] == [("W1", None)]
    assert advance.messages[0].step.content == "welcome/W1.welcome_back"
    assert advance.journey.state == "completed"


@pytest.mark.parametrize(
    ("sibling", "is_made"),
    [
        (None, False),
        (SiblingFacts("queued", is_clicked=False), False),
        (SiblingFacts("expired", is_clicked=False), False),
        (SiblingFacts("sent", is_clicked=True), False),
        (SiblingFacts("sent", is_clicked=False), True),
        (SiblingFacts("unknown", is_clicked=False), True),
    ],
)
def test_the_reminder_follows_a_review_ask_that_left_unclicked(
    sibling: SiblingFacts | None, *, is_made: bool
) -> None:
    entry = recipe("review").entry("products")
    siblings = {"M3": sibling} if sibling else {}
    conditions = ConditionFacts(siblings=siblings, order=OrderFacts(True, False, 0))
    journey = Journey(entry.id, "M3R", {"review_due": T0 - 7 * DAY})

    advance = engine.advance(journey, entry, _facts(conditions=conditions), T0)

    assert [message.step.id for message in advance.messages] == (["M3R"] if is_made else [])


@pytest.mark.parametrize("key", recipe_keys())
def test_every_recipe_survives_being_kept_as_a_version(key: str) -> None:
    assert Definition.model_validate(recipe(key).model_dump(mode="json")) == recipe(key)


_SPLIT = {"kind": "split", "id": "s", "condition": "left:A"}
_ARM, _END = {"name": "a", "weight": 1, "then": "a"}, {"kind": "end", "id": "a"}


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([{"kind": "end", "id": "a"}, {"kind": "end", "id": "a"}], "two steps are called a; give each"),
        ([_SPLIT | {"then": "b"}], "leads to b, which does not exist; there are s"),
        ([_SPLIT | {"then": "s"}], "leads back to s; it may lead to later steps only"),
        ([{"kind": "wait", "id": "w", "anchor": "birth"}], "counts from 'birth', which is not known by then"),
        ([{"kind": "arms", "id": "s", "arms": [_ARM, _ARM]}, _END], "two arms share a name"),
        ([{"kind": "arms", "id": "s", "arms": [_ARM]}, _END], "at least 2 items"),
        ([{"kind": "tag", "id": "t"}], "name a tag to add or to remove"),
        ([{"kind": "tag", "id": "t", "add": ["hot"], "remove": ["hot"]}], "a tag is named twice"),
        ([{"kind": "tag", "id": "t", "add": ["hot, cold"]}], "'hot, cold' is no tag"),
        ([_SPLIT | {"condition": "score-below:lead", "then": "a"}, _END], "write a programme and 0 to 100"),
        ([{"kind": "score", "id": "s", "points": 101}], "less than or equal to 100"),
        ([{"kind": "webhook", "id": "w", "url": "http://a.example"}], "must begin with https://"),
        ([{"kind": "wait-event", "id": "w", "event": "order.paid", "came": "a"}, _END], "above 0"),
        ([{"kind": "message", "id": "A", **ANY, "only_if": ["is-blond"]}], "unknown condition is-blond"),
        ([{"kind": "message", "id": "A", **ANY, "until": "end"}], "either ttl_hours or until"),
        ([{"kind": "message", "id": "A", **ANY, "ttl_hours": None}], "either ttl_hours or until"),
        ([{"kind": "teleport", "id": "a"}], "teleport"),
        ([{"kind": "end", "id": "a", "colour": "red"}], "colour"),
    ],
)
def test_an_unsound_definition_is_refused(steps: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        _entry(*steps)


def _entry(*steps: dict[str, Any], anchors: Sequence[dict[str, Any]] = ()) -> Entry:
    """A flow of one entry with these steps."""
    entry = {
        "id": "e",
        "events": ["order.paid"],
        "occurrence": "once",
        "anchors": list(anchors),
        "steps": list(steps),
    }
    return Definition.model_validate({"key": "test", "entries": [entry]}).entries[0]


def _facts(**values: Any) -> StepFacts:
    return StepFacts(conditions=ConditionFacts(), place=PLACE)._replace(**values)


def _walk(
    entry: Entry, *, at: datetime = T0, anchors: dict[str, datetime] | None = None, **facts: Any
) -> Advance:
    """Begin the entry's journey at a moment."""
    journey = Journey(entry.id, entry.steps[0].id, {"entered": at, **(anchors or {})})
    return engine.advance(journey, entry, _facts(**facts), at)


def _ring(journey: Journey, entry: Entry) -> Advance:
    """Let the moment come that the journey waits for."""
    assert journey.due_at is not None
    passed = engine.timer_fired(journey, entry, None, is_abroad=False)
    return engine.advance(passed, entry, _facts(), journey.due_at)
