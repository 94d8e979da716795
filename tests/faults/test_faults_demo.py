"""The whole main job, killed again and again: the same figures in the end, and nobody hears a thing twice."""

import pytest

from tests.engines import SQLITE
from tests.faults.faults_demo import WITH_VOUCHERS, Demo, instants

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
PLACES = {
    "inbox.in-apply": 0.05,
    "inbox.after-apply": 0.05,
    "flows.in-batch": 0.05,
    "flows.after-batch": 0.05,
    "outbox.before-call": 0.5,
    "outbox.after-call": 0.5,
    "outbox.after-record": 0.5,
    "outbox.after-mint": 0.5,
    "writes.before-call": 0.5,
    "writes.after-call": 0.5,
}
"""With what probability each kills; those that every step of the world comes by do so more seldom."""


def _ended_like(demo: Demo, undisturbed: Demo) -> None:
    ids = [message["message_id"] for message in demo.sunk()]
    assert len(ids) == len(set(ids))
    assert demo.compared() == undisturbed.compared()
    assert demo.heard() == undisturbed.heard()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_demo_killed_at_random_instants_ends_with_the_same_figures(
    demo: Demo, undisturbed: Demo, seed: int
) -> None:
    demo.run_to_its_end(instants(seed))

    assert demo.deaths >= 8
    _ended_like(demo, undisturbed)


@pytest.mark.parametrize("engine", [SQLITE])
@pytest.mark.parametrize("size", [WITH_VOUCHERS], ids=["with-vouchers"])
@pytest.mark.parametrize("place", PLACES)
def test_a_demo_that_dies_at_a_step_of_its_work_ends_with_the_same_figures(
    demo: Demo, undisturbed: Demo, place: str
) -> None:
    demo.failpoints = f"{place}={PLACES[place]}"

    demo.run_to_its_end()

    assert demo.deaths > 0
    _ended_like(demo, undisturbed)


@pytest.mark.parametrize("size", [WITH_VOUCHERS], ids=["with-vouchers"])
def test_a_demo_that_dies_at_every_step_and_at_random_ends_with_the_same_figures(
    demo: Demo, undisturbed: Demo
) -> None:
    demo.failpoints = ",".join(f"{place}={probability * 0.3}" for place, probability in PLACES.items())

    demo.run_to_its_end(instants(4))

    assert demo.deaths >= 8
    _ended_like(demo, undisturbed)
