"""`store …`: connect, show, set, get, disconnect."""

import argparse
from typing import Any

from app.cli.words import number
from app.errors import BadInput
from app.runtime import Runtime
from app.stores import commands, presets


def _connect_woocommerce(runtime: Runtime, arguments: argparse.Namespace) -> object:
    return commands.connect_woocommerce(runtime, arguments.url, arguments.key, arguments.secret)


def _connect_shopify(runtime: Runtime, arguments: argparse.Namespace) -> object:
    return commands.connect_shopify(
        runtime,
        arguments.shop,
        access_token=arguments.access_token or "",
        client_id=arguments.client_id or "",
        client_secret=arguments.client_secret or "",
    )


def _list(runtime: Runtime, arguments: argparse.Namespace) -> object:
    return commands.listing(runtime)


def _show(runtime: Runtime, arguments: argparse.Namespace) -> object:
    return commands.show(runtime, arguments.id)


def _disconnect(runtime: Runtime, arguments: argparse.Namespace) -> object:
    return commands.disconnect(runtime, arguments.id)


def _set(runtime: Runtime, arguments: argparse.Namespace) -> object:
    values: dict[str, str] = {}
    for pair in arguments.values:
        key, is_pair, value = pair.partition("=")
        if not is_pair:
            raise BadInput(f"{pair!r} is no key=value")
        values[key] = value
    return commands.set_values(runtime, arguments.id, values)


def _preset(runtime: Runtime, arguments: argparse.Namespace) -> object:
    return commands.set_preset(runtime, arguments.id, arguments.name)


def _get(runtime: Runtime, arguments: argparse.Namespace) -> object:
    return commands.get_values(runtime, arguments.id, arguments.key)


def _add_store(branches: Any) -> None:
    parser = branches.add_parser("store", help="the connected stores and their settings")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_connect(actions)
    for name, run, words in (
        ("list", _list, "every store"),
        ("show", _show, "one store"),
        ("disconnect", _disconnect, "leave a store"),
        ("set", _set, "set key=value …"),
        ("get", _get, "what is set"),
        ("preset", _preset, f"set what a plugin keeps where: {', '.join(presets.NAMES)}"),
    ):
        action = actions.add_parser(name, help=words)
        if name != "list":
            action.add_argument("id", type=number)
        if name == "set":
            action.add_argument("values", nargs="+", metavar="key=value")
        if name == "preset":
            action.add_argument("name")
        if name == "get":
            action.add_argument("key", nargs="?")
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run, needs_runtime=True)


def _add_connect(actions: Any) -> None:
    connect = actions.add_parser("connect", help="connect a store by its keys")
    platforms = connect.add_subparsers(required=True, metavar="PLATFORM")
    woo = platforms.add_parser("woocommerce")
    for name in ("--url", "--key", "--secret"):
        woo.add_argument(name, required=True)
    woo.set_defaults(run=_connect_woocommerce)
    shopify = platforms.add_parser("shopify", help="a merchant's own app")
    shopify.add_argument("--shop", required=True)
    for name in ("--access-token", "--client-id", "--client-secret"):
        shopify.add_argument(name)
    shopify.set_defaults(run=_connect_shopify)
    for platform in (woo, shopify):
        platform.add_argument("--json", action="store_true")
        platform.set_defaults(needs_runtime=True)


COMMANDS = (_add_store,)
