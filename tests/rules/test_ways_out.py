"""Nothing leaves but by the outbox: one place opens channels, one place sends, one place asks after them."""

import ast
from collections.abc import Iterator

from tests.rules.sources import Source, sources

CHANNELS = ("SendGridChannel", "TwilioChannel")
OPENED_IN = {"jobs/carriers.py", "jobs/notices.py"}
SENT_IN = {"jobs/outbox.py:_send", "jobs/notices.py:send_one"}
"""The outbox for customers; merchants are told when their shop stands still, and see texts they try out."""
PACKAGES = ("sendgrid", "twilio", "python_http_client")


def test_one_place_opens_channels() -> None:
    found = {
        source.name
        for source in sources("app", "jobs", "webhooks")
        for name, _ in source.calls()
        if name.rpartition(".")[2] in CHANNELS
    }

    assert found == OPENED_IN


def test_one_place_sends() -> None:
    found = {place for source in sources("app", "jobs", "webhooks") for place in _sends(source)}

    assert found == SENT_IN


def test_only_the_connectors_know_the_providers_packages() -> None:
    found = {source.name for source in sources() if _imports(source) & set(PACKAGES)}

    assert {name.split("/")[0] for name in found} == {"connectors"}
    assert not any(name.startswith("connectors/sandbox/") for name in found)


def test_the_check_sees_a_send() -> None:
    text = "def sneak(channel, messages):\n    channel.send(messages)\n"

    assert list(_sends(Source("app/x.py", text, ast.parse(text)))) == ["app/x.py:sneak"]


def _sends(source: Source) -> Iterator[str]:
    """Functions that call something's `send`; ours is the channels' only method of that name."""
    for function in source.functions():
        for node in ast.walk(function):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr == "send":
                yield f"{source.name}:{function.name}"


def _imports(source: Source) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found
