"""Every statement on a tenant's table names the store, but for the few that work across stores."""

import ast
from collections.abc import Iterator, Set
from functools import cache

from app import models
from app.db import table_of
from tests.rules.sources import Function, Source, sources

STATEMENTS = frozenset({"select", "update", "delete"})
TENANT_MODELS = frozenset(name for name in models.__all__ if "store_id" in table_of(getattr(models, name)).c)
Scope = Function | ast.Module
ACROSS_STORES = {
    "app/backups/aftermath.py:_look_again": "a backup is put back for all stores",
    "app/backups/aftermath.py:settle": "a backup is put back for all stores",
    "app/cli/doing.py:_message": "the operator names one message by its id",
    "app/cli/figures.py:_messages": "the demo sums up both of its stores",
    "app/cli/figures.py:_revenue": "the demo sums up both of its stores",
    "app/cli/travel.py:_check_backfill": "the demo waits for both of its stores",
    "app/cli/travel.py:_finish_backfill": "the demo waits for both of its stores",
    "app/cli/travel.py:_due": "the demo waits for both of its stores",
    "app/inbox.py:replay": "the operator names deliveries by their ids; the screen passes only its store's",
    "app/members/people.py:_HAS_STORE": "whether a member is in any store still",
    "app/members/people.py:forget_without_stores": "members belong to no store",
    "app/members/upkeep.py:_OVER": "invitations that nobody took up, of all stores",
    "app/messaging/held.py:hold_due": "a backup is put back for all stores",
    "app/messaging/settling.py:_LATE": "whether a worker of any store was lost",
    "app/messaging/settling.py:_sweep": "the rows that the sweep has just locked",
    "app/stores/notices.py:claim": "what is to be told to the merchants of all stores",
    "app/timeline.py:_LAST": "SQLite gives out the next numbers of all stores",
    "app/timers.py:_EARLIEST": "the earliest moment of all stores, for the demo's clock",
    "app/web/metrics.py:_WAITING": "the operator's metrics count over all stores",
    "app/web/metrics.py:_asides": "the operator's metrics count over all stores",
    "app/web/metrics.py:_calls": "the operator's metrics count over all stores",
    "app/web/metrics.py:_flows": "the operator's metrics count over all stores",
}
"""Who may look at the rows of all stores, and why; everybody else is bound to one."""


def test_statements_on_tenant_tables_name_the_store() -> None:
    assert _found() - ACROSS_STORES.keys() == set()


def test_no_exception_outlives_its_reason() -> None:
    assert ACROSS_STORES.keys() - _found() == set()


def test_the_check_sees_a_statement_without_its_store() -> None:
    text = """
MESSAGES = table_of(Message)
def good(session, store_id):
    session.execute(select(MESSAGES.c.id).where(MESSAGES.c.store_id == store_id))
def refined(session, store_id):
    statement = select(Message)
    return statement.where(Message.store_id == store_id)
def bad(session):
    session.execute(update(MESSAGES).values(status="sent"))
def got(session, message_id):
    return session.get(Message, message_id)
DUE = select(MESSAGES)
DUE_OF_STORE = DUE.where(MESSAGES.c.store_id == bindparam("store"))
OPEN = select(MESSAGES).where(MESSAGES.c.status == "queued")
"""

    found = list(_unfiltered(Source("app/x.py", text, ast.parse(text))))

    assert found == ["app/x.py:bad", "app/x.py:got", "app/x.py:OPEN"]


@cache
def _found() -> frozenset[str]:
    return frozenset(place for source in sources("app", "jobs", "webhooks") for place in _unfiltered(source))


def _unfiltered(source: Source) -> Iterator[str]:
    tables = TENANT_MODELS | (_table_names() & _names(source.tree))
    for name, node, scope in _places(source):
        if any(_is_open(call, scope, tables) for call in ast.walk(node) if isinstance(call, ast.Call)):
            yield f"{source.name}:{name}"


def _places(source: Source) -> Iterator[tuple[str, ast.AST, Scope]]:
    """Where statements are built: each function, and each constant, which is seen from the whole module."""
    for function in source.functions():
        yield function.name, function, function
    for node in source.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            yield ast.unparse(_target(node)), node, source.tree


def _target(node: ast.Assign | ast.AnnAssign) -> ast.expr:
    return node.targets[0] if isinstance(node, ast.Assign) else node.target


@cache
def _table_names() -> frozenset[str]:
    """The constants that stand for tenant tables, such as `MESSAGES = table_of(Message)`."""
    return frozenset(
        name
        for source in sources("app", "jobs", "webhooks")
        for node in source.tree.body
        if isinstance(node, ast.Assign) and _names(node.value) & TENANT_MODELS
        for name in _names(node.targets[0])
    )


def _is_open(call: ast.Call, scope: Scope, tables: Set[str]) -> bool:
    """Whether this call starts a statement on a tenant's table that is nowhere bound to a store."""
    name = ast.unparse(call.func)
    if name.endswith("session.get"):
        return bool(_names(call.args[0]) & tables) and not isinstance(call.args[1], ast.Tuple)
    is_statement = name in STATEMENTS or name.rpartition(".")[2] in {"update", "delete"}
    if not is_statement or not _names(call) & tables:
        return False
    whole = _whole(call, scope)
    bound = {"store_id", *_bound_names(scope)}
    return not bound & _names(whole) and not _is_bound_later(whole, scope)


def _whole(call: ast.Call, scope: Scope) -> ast.AST:
    """The chain that the call begins: `select(X)` of `select(X).where(…).order_by(…)`."""
    whole: ast.AST = call
    for node in _parents(call, scope):
        is_link = isinstance(node, ast.Attribute) or (isinstance(node, ast.Call) and node.func is whole)
        if not is_link:
            return whole
        whole = node
    return whole


def _parents(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    parent_of = {child: parent for parent in ast.walk(scope) for child in ast.iter_child_nodes(parent)}
    while node in parent_of:
        node = parent_of[node]
        yield node


def _bound_names(scope: Scope) -> set[str]:
    """Conditions kept under a name: `mine` in `mine = MESSAGES.c.store_id == store_id`."""
    return {
        name
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign) and "store_id ==" in ast.unparse(node.value)
        for name in _names(node.targets[0])
    }


def _is_bound_later(whole: ast.AST, scope: Scope) -> bool:
    """Whether the statement gets its store in a later line, by its name."""
    parent = next(_parents(whole, scope))
    if not isinstance(parent, ast.Assign | ast.AnnAssign):
        return False
    names = _names(_target(parent))
    calls = (node for node in ast.walk(scope) if isinstance(node, ast.Call))
    return any(names & _names(call.func) and "store_id" in _names(call) for call in calls)


def _names(node: ast.AST) -> set[str]:
    """Every name, and every attribute: `MESSAGES`, `c`, `store_id` in `MESSAGES.c.store_id`."""
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)} | {
        found.attr for found in ast.walk(node) if isinstance(found, ast.Attribute)
    }
