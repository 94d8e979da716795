"""The whole main job, killed again and again: the same figures in the end, and nobody hears a thing twice."""

import pytest

from tests.engines import SQLITE
from tests.faults.faults_demo import WITH_VOUCHERS, Demo, instants

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
PLACES = (
    "outbox.before-call",
    "outbox.after-call",
    "outbox.after-record",
    "outbox.after-mint",
    "writes.before-call",
    "writes.after-call",
)


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
def test_a_demo_that_dies_at_a_step_of_sending_ends_with_the_same_figures(
    demo: Demo, undisturbed: Demo, place: str
) -> None:
    demo.failpoints = f"{place}=0.5"

    demo.run_to_its_end()

    assert demo.deaths > 0
    _ended_like(demo, undisturbed)


@pytest.mark.parametrize("size", [WITH_VOUCHERS], ids=["with-vouchers"])
def test_a_demo_that_dies_at_every_step_and_at_random_ends_with_the_same_figures(
    demo: Demo, undisturbed: Demo
) -> None:
    demo.failpoints = ",".join(f"{place}=0.15" for place in PLACES)

    demo.run_to_its_end(instants(4))

    assert demo.deaths >= 8
    _ended_like(demo, undisturbed)
