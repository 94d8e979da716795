"""Who may see the rows of all stores is named here; everybody else says whose rows it means, or sees none."""

import ast
from collections.abc import Iterator

import pytest

from tests.rules.sources import Source, sources

OVER_ALL_STORES = {
    "app/runtime.py:of_operator": "an operator's command minds every store",
    "app/doors.py:create_finder": "a link may be any store's; the token that we signed says whose",
    "app/web/auth.py:_opened_by": "whose key it is shows once it is found",
    "app/web/context.py:logins": "a login spans stores, and each store's log tells what became of it",
    "app/web/health.py:show_metrics": "the operator's metrics count over all stores",
    "app/web/home.py:_progress_of_all": "the operator sees each shop's history arrive",
    "jobs/alone.py:of": "which stores have something to try again",
    "jobs/attribution.py:run": "which stores have something due",
    "jobs/checkouts.py:run": "which stores have something due",
    "jobs/nights.py:purge": "which stores have something past its age",
    "jobs/confirmations.py:run": "which stores have something due",
    "jobs/doubts.py:poll": "which stores have something due",
    "jobs/doubts.py:settle": "which stores have something due",
    "jobs/flows.py:_round": "which stores have something due",
    "jobs/inbox.py:_round": "which stores have something due",
    "jobs/inbox.py:_apply": "whose a delivery is, is asked over all, then one store's rows alone are seen",
    "jobs/lookups.py:run": "what is due, whosever it is",
    "jobs/notices.py:run": "which merchants are to be told",
    "jobs/outbox.py:_round": "which stores have something due",
    "jobs/outbox.py:run": "whether a worker was lost, and what it was sending",
    "jobs/privacy.py:run": "what is asked for, whosever it is",
    "jobs/pulls.py:run_backfills": "the longest waiting pull, whosever it is",
    "jobs/pulls.py:run_reconciliations": "which stores have something due",
    "jobs/rehearsals.py:run": "the longest waiting dry run, whosever it is",
    "jobs/states.py:run": "which stores have something due",
    "jobs/text_prices.py:run": "which stores have something due",
    "jobs/trials.py:run": "which stores have something due",
    "jobs/upkeep.py:run": "which stores have a chore due",
    "jobs/whose.py:with_flow": "which stores have something due",
    "jobs/whose.py:of_the_night": "which stores have something due",
    "jobs/whose.py:with_old_bands": "which stores have something due",
    "jobs/whose.py:with_unpaired": "which stores have something due",
    "jobs/writes.py:_round": "which stores have something due",
}
"""Besides them the receiver's one statement (app/inbox.py) and migrations, which move rows of every store."""


def test_who_sees_all_stores_is_named_with_the_reason() -> None:
    found = {place for source in sources("app", "jobs", "webhooks") for place in _callers(source)}

    assert found == OVER_ALL_STORES.keys()


def test_no_job_takes_the_database_from_elsewhere_than_its_kit() -> None:
    """Its kit's names no store; the runtime's is whatever it was built with, the operator's for instance."""
    found = [source.name for source in sources("jobs") if "runtime.database" in source.text]

    assert found == ["jobs/kit.py"]


@pytest.mark.parametrize("call", ["kit.database.over_all_stores()", "Database(url).over_all_stores()"])
def test_the_check_sees_who_looks_over_the_wall(call: str) -> None:
    text = f"def peep(kit, url):\n    {call}\n"

    assert list(_callers(Source("jobs/x.py", text, ast.parse(text)))) == ["jobs/x.py:peep"]


def _callers(source: Source) -> Iterator[str]:
    for function in source.functions():
        called = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
        if any(isinstance(one, ast.Attribute) and one.attr == "over_all_stores" for one in called):
            yield f"{source.name}:{function.name}"
