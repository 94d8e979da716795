"""What may be edited of a flow, and what the recipe keeps whatever anybody wants."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from app.flows import changing, checks, guards, own_messages
from app.flows.definition import Definition, recipe, recipe_keys
from app.flows.steps import Message, Step

STEP: TypeAdapter[Step] = TypeAdapter(Step)
TAG = {"kind": "tag", "id": "own", "add": ["x"]}


def _changed(flow: str, step_id: str, **values: Any) -> Definition:
    whole = recipe(flow)
    step = changing.entry_of(whole, step_id).by_id[step_id]
    return changing.with_step(whole, step.model_copy(update=values))


def _with(flow: str, way: str, after: str, *steps: dict[str, Any]) -> Definition:
    whole = recipe(flow)
    for step in reversed(steps):
        whole = changing.with_new(whole, way, STEP.validate_python(step), after)
    return whole


def _codes(edited: Definition) -> list[tuple[str, str]]:
    return [(wrong.step, wrong.code) for wrong in guards.problems(recipe(edited.key), edited)]


@pytest.mark.parametrize("key", recipe_keys())
def test_every_recipe_is_sound_as_it_comes(key: str) -> None:
    assert guards.problems(recipe(key), recipe(key)) == []


@pytest.mark.parametrize(
    ("flow", "step", "values"),
    [
        ("welcome", "to-W2", {"days": 3}),
        ("welcome", "to-W2", {"days": 0, "hours": 36}),
        ("welcome", "to-W2", {"days": 2, "at": "10:30"}),
        ("welcome", "W2", {"is_on": False}),
        ("welcome", "W2", {"only_if": ("enrollment-alive", "of-class:repeat")}),
        ("review", "parcel", {"days_home": 10}),
        ("review", "to-M3", {"days": 4}),
    ],
)
def test_waits_messages_and_conditions_may_be_changed(flow: str, step: str, values: dict[str, Any]) -> None:
    assert _codes(_changed(flow, step, **values)) == []


@pytest.mark.parametrize(
    ("flow", "step", "values"),
    [
        ("review", "M3", {"only_if": ("enrollment-alive",)}),
        ("review", "M3", {"purpose": "marketing"}),
        ("welcome", "W2", {"priority": 1}),
        ("welcome", "W6", {"voucher": None}),
        ("abandoned_checkout", "stands-A2", {"condition": "of-class:loyal"}),
        ("cross_sell", "which", {"if_none": None}),
        ("reactivation", "begins", {"id": "begins", "kind": "tag"}),
        ("review", "to-M3", {"anchor": "entered"}),
        ("birthday", "B3", {"until": None, "ttl_hours": 900}),
    ],
)
def test_what_the_recipe_sees_to_stays(flow: str, step: str, values: dict[str, Any]) -> None:
    assert ("recipe-step" in {code for _, code in _codes(_changed(flow, step, **values))}) is True


def test_nobody_else_gets_in_and_what_ends_a_journey_ends_it() -> None:
    told = recipe("review").model_dump(mode="json")
    told["entries"][1]["exits"] = []

    assert _codes(Definition.model_validate(told)) == [("", "ways")]


def test_the_recipes_steps_are_neither_taken_out_nor_moved_about() -> None:
    without = changing.without(recipe("welcome"), "W2")
    moved = changing.moved(recipe("welcome"), "W2", 2)

    assert ("", "recipe-order") in _codes(without)
    assert ("", "recipe-order") in _codes(moved)


def test_no_way_leads_past_what_a_message_rests_on() -> None:
    split = {"kind": "split", "id": "own", "condition": "of-class:loyal"}

    assert _codes(_with("cross_sell", "delivered", "", split | {"then": "X1"})) == [
        ("X1", "passed-over"),
        ("X2", "passed-over"),
    ]
    # Past the parcel, the moment that the next waits count from is not known.
    assert ("to-M3", "unknown-moment") in _codes(_with("review", "products", "", split | {"then": "to-M3"}))
    assert _codes(_with("cross_sell", "delivered", "X1", split | {"then": "X2"})) == []


def test_nobody_waits_for_what_was_promised_at_once() -> None:
    wait = {"kind": "wait", "id": "own", "anchor": "entered", "hours": 3}

    assert _codes(_with("welcome", "consent", "bought", wait)) == [("own", "held-up")]
    assert _codes(_with("review", "products", "", wait)) == [("own", "held-up")]
    assert _codes(_with("welcome", "consent", "W1", wait)) == []


def test_a_wait_that_is_over_before_it_begins_is_told() -> None:
    assert _codes(_changed("welcome", "to-W2", days=5)) == [("to-W3", "too-early")]
    assert _codes(_changed("birthday", "to-B2", days=-9)) == [("to-B2", "too-early")]


def test_a_code_outlives_the_messages_that_carry_it() -> None:
    short = changing.with_code_days(recipe("welcome"), "W4", "code_ends", 7)
    none = changing.with_code_days(recipe("welcome"), "W4", "code_ends", 0)

    assert _codes(short) == [("W4", "code-over"), ("W6", "code-over")]
    assert _codes(none) == [("", "code-days")]


def test_one_code_takes_off_the_same_in_every_message() -> None:
    step = changing.entry_of(recipe("welcome"), "W4").by_id["W4"]
    assert isinstance(step, Message)
    assert step.voucher is not None
    voucher = step.voucher.model_copy(update={"percent": 15})

    edited = _changed("welcome", "W4", voucher=voucher)

    carried: dict[str, Any] = {step.id: getattr(step, "voucher", None) for step in edited.entries[0].steps}
    assert carried["W1"] == carried["W4"] == voucher
    assert carried["W6"].percent is None
    assert _codes(edited) == []


def test_steps_of_ones_own_come_between_move_and_go() -> None:
    added = _with("welcome", "consent", "W2", TAG)
    moved = changing.moved(added, "own", 1)

    order = [step.id for step in moved.entries[0].steps]
    assert _codes(added) == _codes(moved) == []
    assert order[order.index("to-W3") + 1] == "own"
    assert changing.without(moved, "own") == recipe("welcome")
    assert changing.new_id(added, "tag") == "tag-1"


def _own(flow: str, way: int, **values: Any) -> dict[str, Any]:
    return own_messages.message(flow, recipe(flow).entries[way], "own-1").model_dump() | values


@pytest.mark.parametrize(
    ("flow", "way", "after"),
    [
        ("welcome", "consent", "to-W3"),
        ("welcome", "first-order", "to-W5"),
        ("review", "products", "to-M3R"),
        ("abandoned_checkout", "abandoned", "A2"),
        ("reactivation", "dormant", "R1"),
        ("birthday", "birthday", "B1"),
    ],
)
def test_a_message_of_the_merchants_may_stand_in_every_flow_by_each_channel(
    flow: str, way: str, after: str
) -> None:
    place = [entry.id for entry in recipe(flow).entries].index(way)

    assert _codes(_with(flow, way, after, _own(flow, place))) == []
    assert _codes(_with(flow, way, after, _own(flow, place, channel="sms-or-email"))) == []


@pytest.mark.parametrize(
    "values",
    [
        {"purpose": "answer"},
        {"purpose": "service"},
        {"priority": 1},
        {"ttl_hours": 500},
        {"only_if": ("enrollment-alive",)},
        {"content": "cross_sell/X1"},
        {"content": "review/own-1"},
        {"id": "own-01", "content": "cross_sell/own-01"},
        {"id": "X9", "content": "cross_sell/X9"},
        {"shown_as": "X1"},
    ],
)
def test_a_message_of_the_merchants_is_no_more_than_such_a_one_may_be(values: dict[str, Any]) -> None:
    step = _own("cross_sell", 0, **values)

    assert _codes(_with("cross_sell", "delivered", "X1", step)) == [(step["id"], "own-message")]


def test_it_asks_what_all_of_its_way_ask_and_waits_behind_them() -> None:
    basket = own_messages.message("abandoned_checkout", recipe("abandoned_checkout").entries[0], "own-1")
    parcel = own_messages.message("review", recipe("review").entries[1], "own-1")

    assert (basket.only_if, basket.ttl_hours) == (("enrollment-alive", "basket-stands"), 12)
    assert (parcel.only_if, parcel.priority) == (("enrollment-alive", "order-intact", "no-open-case"), 4)


def test_only_a_recipe_has_choices() -> None:
    copy = changing.entry_of(recipe("cross_sell"), "which").by_id["which"].model_copy(update={"id": "own"})

    assert _codes(_with("cross_sell", "delivered", "X1", copy.model_dump())) == [("own", "recipe-only")]


def test_a_step_that_nobody_comes_to_is_told() -> None:
    end = {"kind": "end", "id": "own"}

    assert ("to-W3", "unreachable") in _codes(_with("welcome", "consent", "W2", end))


def test_a_way_stays_short_enough_to_be_walked_at_once() -> None:
    many = [{**TAG, "id": f"own-{number}"} for number in range(guards.MOST_STEPS)]

    assert _codes(_with("welcome", "consent", "W2", *many)) == [("", "too-many")]


def test_an_event_that_did_not_come_has_no_moment() -> None:
    steps = [
        {"kind": "wait-event", "id": "a", "event": "order.paid", "days": 2, "came": "c", "sets": "paid"},
        {"kind": "wait", "id": "b", "anchor": "paid", "days": 1},
        {"kind": "wait", "id": "c", "anchor": "paid", "days": 1},
    ]

    found = checks.problems([STEP.validate_python(step) for step in steps], {"entered"}, ())

    assert [(wrong.step, wrong.code) for wrong in found] == [("b", "unknown-moment"), ("c", "unknown-moment")]
