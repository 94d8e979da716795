"""How the product's code is written: the clock, the door of the database, sizes, what may be caught."""

import ast
import re

import pytest

from tests.rules.sources import Function, sources

FILE_LINES, FUNCTION_LINES = 300, 40
PRODUCT_AND_TESTS = ("app", "connectors", "jobs", "webhooks", "migrations", "tests")

CLOCK = frozenset(
    {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "datetime.datetime.now",
        "date.today",
        "time.time",
        "time.time_ns",
        "func.now",
        "func.current_timestamp",
    }
)
CLOCK_READERS = {
    "app/cli/demo.py": "when the demo's world first began is a real moment",
    "app/cli/journey.py": "a sign-in is one, too",
    "app/cli/outside.py": "when a sandbox's world first began is a real moment",
    "app/clock.py": "the one now()",
    "connectors/sandbox/control.py": "the outside world: tokens and nonces age in real time",
    "connectors/sandbox/shopify_oauth.py": "the same",
    "connectors/sandbox/woo_api.py": "the same",
}

WRITERS = {
    "app/backups/": "a restore is one transaction, and a backup is logged once it stands",
    "app/cli/": "a command is an edge",
    "app/inbox.py": "the writer thread commits whole groups of deliveries, before the 200",
    "app/lists/importing.py": "a list of any length is taken in batch by batch",
    "app/privacy/asked.py": "an erasure is read for, done, and taken out of the log, in that order",
    "app/stores/commands.py": "the steps of `ritorno store`, with calls to the shop between two transactions",
    "app/stores/subscribe.py": "webhooks are registered at the shop between two transactions",
    "app/stores/tokens.py": "a token is claimed, renewed over the network, and saved under its lease",
    "app/web/": "a request is an edge",
    "jobs/": "a tick is an edge",
    "webhooks/": "a delivery is an edge",
}

SLEEPERS = {
    "app/cli/": "the demo waits for the sandbox, a process of its own",
    "connectors/sandbox/": "the outside world takes its time",
}

CATCH_ALL = {
    "app/web/errors.py": "the last page of a failed request",
    "jobs/guard.py": "a failure is recorded on the row that failed",
}


def test_only_the_clock_reads_the_time() -> None:
    found = {
        source.name
        for source in sources()
        for called, _ in source.calls()
        if called in CLOCK and source.name not in CLOCK_READERS
    }

    assert found == set()


def test_only_the_door_of_the_database_commits() -> None:
    found = [
        f"{source.name}:{line}"
        for source in sources()
        for called, line in source.calls()
        if called.endswith(".commit") and source.name != "app/db.py"
    ]

    assert found == []


def test_transactions_begin_at_the_edges_only() -> None:
    found = {
        source.name
        for source in sources()
        for called, _ in source.calls()
        if called.endswith("database.write") and not source.name.startswith(tuple(WRITERS))
    }

    assert found == set()


def test_what_may_fail_in_any_way_is_caught_in_two_places_only() -> None:
    found = {
        f"{source.name}:{node.lineno}"
        for source in sources()
        for node in source.nodes
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and source.name not in CATCH_ALL
    }

    assert found == set()


def test_files_are_short() -> None:
    lengths = {source.name: len(source.text.splitlines()) for source in sources()}

    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{source.name}:{function.name}": _length(function)
        for source in sources()
        for function in source.functions()
    }

    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_product_code_never_sleeps() -> None:
    found = {
        source.name
        for source in sources()
        for called, _ in source.calls()
        if called == "time.sleep" and not source.name.startswith(tuple(SLEEPERS))
    }

    assert found == set()


def test_nothing_waits_for_better_days() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

    found = [source.name for source in sources(*PRODUCT_AND_TESTS[:-1]) if words.search(source.text)]

    assert found == []


@pytest.mark.parametrize("rule", [r"type: ignore(?!\[)", r"noqa(?!: [A-Z])"])
def test_what_is_switched_off_is_named(rule: str) -> None:
    found = [source.name for source in sources(*PRODUCT_AND_TESTS) if re.search(f"# {rule}", source.text)]

    assert found == []


def test_no_test_is_skipped_and_none_waits() -> None:
    forbidden = (
        "pytest.skip",
        "pytest.mark.skip",
        "pytest.mark.skipif",
        "pytest.importorskip",
        "pytest.xfail",
        "pytest.mark.xfail",
        "time.sleep",
    )

    last = {name.rpartition(".")[2] for name in forbidden}

    found = [
        f"{source.name}: {node.attr}"
        for source in sources("tests")
        for node in source.nodes
        if isinstance(node, ast.Attribute) and node.attr in last and ast.unparse(node) in forbidden
    ]

    # The platforms' descriptions are theirs: without npm to fetch them there is nothing to hold us against.
    # PgBouncer stands in front of some operators' databases, and the plugin for WordPress is run by php;
    # Ritorno itself needs neither.
    assert found == [
        "tests/contracts/conftest.py: skip",
        "tests/faults/test_faults_pooler.py: skip",
        "tests/plugin/plugin_php.py: skip",
    ]


def _catches_all(node: ast.ExceptHandler) -> bool:
    return node.type is None or bool(
        {"Exception", "BaseException"} & set(re.findall(r"\w+", ast.unparse(node.type)))
    )


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1
