"""What failed is told in a log without the words of whom it was about."""

import pytest

from app.errors import BadInput
from connectors.base import ConnectorError
from jobs.guard import Failed, run_guarded

EMAIL = "zq.kanarie+7@vogelhaus.example"


def _failed(error: Exception) -> Failed:
    def work() -> None:
        raise error

    result = run_guarded(work)
    assert isinstance(result, Failed)
    return result


@pytest.mark.parametrize("error", [ValueError(EMAIL), KeyError(EMAIL), RuntimeError()])
def test_a_surprise_is_logged_by_its_kind_and_place(error: Exception) -> None:
    told = _failed(error).told

    assert EMAIL not in told
    assert told.startswith(f"{type(error).__name__} in work (test_jobs_failures_told.py:")


@pytest.mark.parametrize("error", [BadInput("the sender is not set"), ConnectorError("the shop is away")])
def test_an_error_of_ours_is_logged_as_it_is(error: Exception) -> None:
    assert str(error) in _failed(error).told
