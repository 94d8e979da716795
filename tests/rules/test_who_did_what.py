"""Whatever changes something says who did it, and whatever shows a person's data says to whom."""

import ast
from collections.abc import Iterator

from tests.rules.sources import Function, Source, sources

READING = frozenset({"get"})
CHANGES_NOTHING_OF_A_STORE = {
    "app/web/sign_in.py:sign_out": "ends the reader's own session",
    "app/web/catalogue.py:choose_language": "a cookie of the reader's own",
    "app/web/home.py:choose": "a cookie of the reader's own",
    "app/web/previewing.py:preview": "shows a draft and keeps nothing",
    "app/web/senders.py:check": "looks at once instead of later",
    "app/web/api/events.py:tell": "adds to the timeline, which is the record itself",
}
"""The routes that a member or program may post to without an entry in the audit log, and why."""

TELLS_OF_NOBODY = {
    "app/web/activity.py:show": "counts, topics and errors of deliveries",
    "app/web/account.py:show": "the reader's own login",
    "app/web/changes.py:show": "the audit log holds ids only",
    "app/web/flow_versions.py:show": "counts",
    "app/web/flows.py:listing": "counts and sums",
    "app/web/guide.py:show": "counts, and the merchant's own",
    "app/web/home.py:progress_now": "counts",
    "app/web/home.py:root": "leads home",
    "app/web/home.py:show": "counts and sums",
    "app/web/install.py:finish_woocommerce": "a handshake of the merchant's",
    "app/web/install.py:start_woocommerce": "a handshake of the merchant's",
    "app/web/keys.py:show": "the merchant's own",
    "app/web/leaving.py:show": "the merchant's own",
    "app/web/lists.py:show": "leads to the settings",
    "app/web/members.py:show": "members, who are no customers",
    "app/web/privacy.py:show": "requests and looks by ids only",
    "app/web/rehearsing.py:rehearsal_now": "counts",
    "app/web/settings.py:show": "the merchant's own",
    "app/web/steps.py:begin": "the merchant's own",
    "app/web/steps.py:edit": "the merchant's own",
    "app/web/steps.py:show": "the merchant's own",
    "app/web/stopping.py:ask": "counts",
    "app/web/api/events.py:inbound": "topics and errors of deliveries, not their bodies",
    "app/web/api/flows.py:listing": "counts and sums",
    "app/web/api/flows.py:one": "counts and sums",
    "app/web/api/orders.py:products": "goods",
}
"""The pages and answers behind a door that need no entry in the access log, and why."""

COMMANDS_WITHOUT = {
    "app/cli/backing.py:_backup": "writing.make writes the access log",
    "app/cli/backing.py:_restore": "aftermath.settle writes it for each store",
    "app/cli/doctor.py:_doctor": "reads",
    "app/cli/doing.py:_list_keys": "reads",
    "app/cli/flows.py:_list": "reads",
    "app/cli/flows.py:_simulate": "reads, and names people by our ids alone",
    "app/cli/flows.py:_tick": "does what is due, as the worker does",
    "app/cli/demo.py:_demo": "the demo's own world",
    "app/cli/outside.py:_sandbox": "the demo's own world",
    "app/cli/keys.py:_generate": "prints a key that is kept nowhere",
    "app/cli/keys.py:_rotate": "rotation.rotate_batch writes it with each batch",
    "app/cli/members.py:_list": "reads",
    "app/cli/people.py:_why": "writes the access log",
    "app/cli/people.py:_import": "importing.import_list writes it, batch by batch",
    "app/cli/people.py:_erase": "asked.erase_now writes it with the erasure",
    "app/cli/people.py:_export": "asked.report_now writes the access log",
    "app/cli/serving.py:_serve": "serves",
    "app/cli/stores.py:_get": "reads",
    "app/cli/stores.py:_list": "reads",
    "app/cli/stores.py:_show": "reads",
    "app/cli/working.py:_migrate": "changes tables, not what stands in them",
    "app/cli/working.py:_work": "works",
}
"""The commands that write no entry themselves, and why."""


def test_every_route_that_changes_something_says_who_did() -> None:
    silent = {
        f"{source.name}:{view.name}"
        for source in sources("app/web")
        for view in _guarded(source)
        if _methods(view) - READING and not _says_who(source, view)
    }

    assert silent == CHANGES_NOTHING_OF_A_STORE.keys()


def test_every_route_that_shows_people_says_to_whom() -> None:
    silent = {
        f"{source.name}:{view.name}"
        for source in sources("app/web")
        for view in _guarded(source)
        if _methods(view) & READING and "showed" not in _called(source, view)
    }

    assert silent == TELLS_OF_NOBODY.keys()


def test_every_command_that_changes_something_says_who_did() -> None:
    silent = {
        f"{source.name}:{command.name}"
        for source in sources("app/cli")
        for command in _commands(source)
        if not _says_who(source, command)
    }

    assert silent == COMMANDS_WITHOUT.keys()


def test_the_check_sees_a_route_that_says_nothing() -> None:
    text = """
@blueprint.post("/app/x")
@role_required(OWNER)
def silent():
    switch.activate()
@blueprint.post("/app/y")
@merchant_required
def told():
    _record()
def _record():
    audit.record()
"""
    source = Source("app/web/x.py", text, ast.parse(text))

    found = [view.name for view in _guarded(source) if not _says_who(source, view)]

    assert found == ["silent"]


_DOORS = frozenset({"merchant_required", "role_required", "api_key_required"})
_DOORS_OF_COMMANDS = tuple(
    f"commands.{function.name}"
    for source in sources("app/stores")
    if source.name == "app/stores/commands.py"
    for function in source.functions()
    if function.name in {"disconnect", "connect_shopify", "connect_woocommerce", "set_values", "set_preset"}
)
"""What does `ritorno store …`: its own test holds it to its entries."""


_DOORS_OF_LOGINS = tuple(
    function.name
    for source in sources("app/web")
    if source.name == "app/web/account_page.py"
    for function in source.functions()
    if "audit.record" in {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
)
"""What writes a change of somebody's own login into the logs of their stores."""


def _guarded(source: Source) -> Iterator[Function]:
    """The views that only members and programs reach."""
    for function in source.functions():
        names = {ast.unparse(_called_of(decorator)) for decorator in function.decorator_list}
        if _DOORS & names:
            yield function


def _called_of(decorator: ast.expr) -> ast.expr:
    """`role_required` of `@role_required(OWNER)`."""
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _methods(view: Function) -> set[str]:
    calls = (decorator for decorator in view.decorator_list if isinstance(decorator, ast.Call))
    names = (ast.unparse(call.func).split(".") for call in calls)
    return {name for owner, *rest in names if owner == "blueprint" for name in rest}


def _says_who(source: Source, function: Function) -> bool:
    called = _called(source, function)
    hands_on = any(
        keyword.arg == "by"
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    )
    doors = ("audit.record", *_DOORS_OF_COMMANDS, *_DOORS_OF_LOGINS)
    return hands_on or any(name.startswith(doors) for name in called)


def _called(source: Source, function: Function) -> set[str]:
    """What a function calls, itself or by the module's own helpers that it calls."""
    mine = {one.name: one for one in source.functions()}
    found = _calls(function)
    return found.union(*(_calls(mine[name]) for name in found & mine.keys()))


def _calls(function: Function) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}


def _commands(source: Source) -> Iterator[Function]:
    """The functions that `run=` names, directly or in a table of commands."""
    named = {
        node.id
        for adder in source.functions()
        if adder.name.startswith("_add_")
        for node in ast.walk(adder)
        if isinstance(node, ast.Name)
    }
    tables = (statement for statement in source.tree.body if isinstance(statement, ast.Assign))
    named |= {node.id for table in tables for node in ast.walk(table) if isinstance(node, ast.Name)}
    for function in source.functions():
        arguments = [argument.arg for argument in function.args.args]
        if function.name in named and arguments[1:] == ["arguments"]:
            yield function
