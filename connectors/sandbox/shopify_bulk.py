"""Shopify's bulk operations: a query run over everything, its answer left as a file of JSON lines."""

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from threading import Lock, Thread
from typing import Any

from graphql import DocumentNode, GraphQLError

from connectors.sandbox.forms import gid, zulu
from connectors.sandbox.model import SHOPIFY_SHOP, WorldView
from connectors.sandbox.shopify_bulk_rules import refusals
from connectors.sandbox.shopify_graphql import FIELDS, planned, prepare, schema
from connectors.sandbox.shopify_oauth import AppRegistration
from connectors.sandbox.shopify_projection import Info, NotPlainError, project
from connectors.sandbox.shopify_resources import BulkPage, Caller

Node = dict[str, Any]
STORAGE = "/storage"
"""Where files are served, below the shop; Shopify serves them from another host."""
_PATIENCE_SECONDS = 2.0


class Desk:
    """The operations of one app in one shop. Files live as long as the process.

    Args:
        folder: for the files; what an ended process left there goes. By default one that goes with us.
    """

    def __init__(self, world: WorldView, app: AppRegistration, folder: Path | None = None) -> None:
        self._world = world
        self._app = app
        self._lock = Lock()
        self._operations: dict[str, _Operation] = {}
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="sandbox-bulk-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        # Flask serves a file by its whole path.
        self._folder = folder.absolute()

    def start(self, query: str, caller: Caller, *, is_grouped: bool) -> Node:
        """The payload of `bulkOperationRunQuery`."""
        prepared = prepare(query)
        document = prepared.document
        wrong = [f"Invalid bulk query: {error.message}" for error in prepared.errors]
        if document is not None:
            wrong = refusals(schema(), document)
        if wrong or document is None:
            return _refused(*((text, "INVALID") for text in wrong))
        with self._lock:
            running = sum(one.status in _AT_WORK for one in self._operations.values())
            if running + self._app.bulk.others >= self._app.bulk.limit:
                return _refused(("Bulk operations limit reached. Please try again later.", "LIMIT_REACHED"))
            number = 1 + len(self._operations)
            path = self._folder / f"{token_hex(16)}.jsonl"
            operation = _Operation(gid("BulkOperation", number), query, path, zulu(self._world.now))
            self._operations[operation.id] = operation
        grouped = is_grouped and self._app.bulk.is_grouped
        work = Thread(
            target=self._work, args=(operation, document, caller.scopes), kwargs={"grouped": grouped}
        )
        work.daemon = True
        operation.work = work
        created = operation.node("")
        work.start()
        return {"bulkOperation": created, "userErrors": []}

    def look(self, external_id: str, host: str) -> Node | None:
        """An operation as it stands; a small one is done when it is first asked for.

        The sandbox takes `looks` questions to show that it is done, and a real one takes its time besides.
        """
        operation = self._operations.get(external_id)
        if operation is None:
            return None
        operation.looks += 1
        if operation.looks <= self._app.bulk.looks:
            return operation.node("") | {"status": "RUNNING", "completedAt": None, "fileSize": None}
        if operation.work is not None:
            operation.work.join(_PATIENCE_SECONDS)
        return operation.node(f"{host.rstrip('/')}/shopify/{SHOPIFY_SHOP}{STORAGE}/{operation.path.name}")

    def cancel(self, external_id: str) -> Node | None:
        """The payload's operation of `bulkOperationCancel`."""
        operation = self._operations.get(external_id)
        if operation is not None and operation.status in _AT_WORK:
            operation.status = "CANCELED"
        return operation.node("") if operation else None

    def file(self, name: str) -> Path | None:
        """The file of that name, unless its time is over."""
        for operation in self._operations.values():
            if operation.path.name == name and operation.done_at is not None:
                is_late = self._app.clock() > operation.done_at + self._app.bulk.url_seconds
                return None if is_late else operation.path
        return None

    def _work(
        self, operation: "_Operation", document: DocumentNode, scopes: frozenset[str], *, grouped: bool
    ) -> None:
        operation.status = "RUNNING"
        far: list[str] = []
        with operation.path.open("w", encoding="utf-8") as file:
            for node in self._nodes(operation, document, scopes):
                if operation.status != "RUNNING" or operation.objects == self._app.bulk.fail_after:
                    operation.fail("INTERNAL_SERVER_ERROR")
                    break
                is_child = "__parentId" in node
                operation.objects += 1
                operation.roots += not is_child
                line = json.dumps(node, ensure_ascii=False, separators=(",", ":")) + "\n"
                if is_child and not grouped:
                    far.append(line)
                else:
                    file.write(line)
            file.writelines(far)
        if self._app.bulk.damage is not None:
            operation.path.write_bytes(self._app.bulk.damage(operation.path.read_bytes()))
        operation.done_at = self._app.clock()
        if operation.status == "RUNNING":
            operation.completed_at = zulu(self._world.now)
            operation.status = "COMPLETED"

    def _nodes(
        self, operation: "_Operation", document: DocumentNode, scopes: frozenset[str]
    ) -> Iterator[Node]:
        page = BulkPage()
        info = Info(Caller(self._world, scopes, page=page))
        try:
            fields = planned(document)
            while not page.is_last:
                for connection in project(fields, FIELDS, info, {}).values():
                    for node in _of(connection):
                        yield from _flat(node, None)
        except GraphQLError:
            operation.fail("ACCESS_DENIED")
        except NotPlainError:
            operation.fail("INTERNAL_SERVER_ERROR")


@dataclass(slots=True)
class _Operation:
    id: str
    query: str
    path: Path
    created_at: str
    status: str = "CREATED"
    error: str | None = None
    objects: int = 0
    roots: int = 0
    looks: int = 0
    completed_at: str | None = None
    done_at: float | None = None
    work: Thread | None = field(default=None, repr=False)

    def fail(self, code: str) -> None:
        """End without success, unless it was ended before."""
        if self.status == "RUNNING":
            self.status, self.error = "FAILED", code

    def node(self, url: str) -> Node:
        """As GraphQL shows it."""
        has_file = self.objects > 0 and bool(url)
        is_complete = self.status == "COMPLETED"
        return {
            "__typename": "BulkOperation",
            "id": self.id,
            "status": self.status,
            "errorCode": self.error,
            "type": "QUERY",
            "query": self.query,
            "objectCount": str(self.objects),
            "rootObjectCount": str(self.roots),
            "createdAt": self.created_at,
            "completedAt": self.completed_at,
            "fileSize": str(self.path.stat().st_size) if is_complete and has_file else None,
            "url": url if is_complete and has_file else None,
            "partialDataUrl": url if self.status == "FAILED" and has_file else None,
        }


_AT_WORK = frozenset({"CREATED", "RUNNING"})


def _refused(*errors: tuple[str, str]) -> Node:
    listed = [{"field": ["query"], "message": text, "code": code} for text, code in errors]
    return {"bulkOperation": None, "userErrors": listed}


def _flat(node: Mapping[str, Any], parent: str | None) -> Iterator[Node]:
    """A node without its connections, then their nodes, each on a line of its own."""
    nested = {key: value for key, value in node.items() if isinstance(value, dict) and _is_connection(value)}
    own = {key: value for key, value in node.items() if key not in nested}
    yield own if parent is None else {**own, "__parentId": parent}
    for connection in nested.values():
        for child in _of(connection):
            yield from _flat(child, str(node["id"]))


def _is_connection(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("edges"), list) or isinstance(value.get("nodes"), list)


def _of(connection: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from connection.get("nodes") or (edge["node"] for edge in connection.get("edges") or ())
