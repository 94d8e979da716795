"""The history of a resource by a bulk operation: begun, waited for, checked, and read page by page.

Each step is a page whose cursor says where to go on, so that a worker may die between any two. A file is
used only after all of it was found in order. An operation that fails, expires or leaves a bad file is
begun anew, ungrouped then, because grouping is what makes Shopify give up; its file is put in order here.
After the third, and for a query that Shopify refuses to run in bulk, the history is read by pages instead,
which is slower and always right.
"""

import json
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from itertools import islice

from connectors.base import ConnectorError, Record, RecordPage, UnreadablePayload
from connectors.storefronts.shopify import bulk, bulk_file, fields
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.bulk import Operation
from connectors.storefronts.shopify.bulk_file import BadFile, Checked, Group
from connectors.storefronts.shopify.bulk_sort import Spill
from connectors.transport import StoreTransport

_log = logging.getLogger(__name__)

Pages = Generator[RecordPage, None, None]
Assemble = Callable[[Admin, list[Group]], list[Record | UnreadablePayload]]


@dataclass(frozen=True, slots=True)
class BulkHistory:
    """How one resource of a shop is read in bulk.

    Attributes:
        query: what Shopify runs.
        assemble: gives each group's Record, or what is wrong with it, in their order.
        by_page: the other way, from a page's cursor on.
        is_plain_allowed: whether the file may come over plain HTTP, as an emulator's does.
    """

    admin: Admin
    transport: StoreTransport = field(repr=False)
    query: str
    assemble: Assemble
    by_page: Callable[[str | None], Pages]
    is_plain_allowed: bool = False

    def pages(self, cursor: str | None) -> Pages:
        """All pages from a cursor on; a waiting one is the last until its time has come."""
        place = Place() if cursor is None else Place.read(cursor)
        if place is None or place.tries >= _MOST_TRIES:
            yield from self.by_page(cursor if place is None else None)
            return
        if place.operation is None:
            try:
                operation_id = bulk.start(self.admin, self.query, is_grouped=not place.tries)
            except bulk.QueryRefused as refused:
                _log.warning("Shopify runs no bulk query (%s): its pages are read", refused)
                yield from self.by_page(None)
                return
            if operation_id is None:
                yield RecordPage((), place.cursor(), wait_seconds=BUSY_SECONDS)
                return
            place = replace(place, operation=operation_id)
            yield RecordPage((), place.cursor())
        yield from self._of_operation(place, place.operation or "")

    def _of_operation(self, place: "Place", operation_id: str) -> Pages:
        operation = bulk.look(self.admin, operation_id)
        if operation.outcome is None:
            yield RecordPage((), place.cursor(), wait_seconds=POLL_SECONDS)
            return
        try:
            if operation.outcome != "completed":
                raise BadFile(f"{operation.outcome} {operation.error}")
            yield from self._of_file(place, operation)
        except BadFile as error:
            _log.warning("bulk operation %s is of no use: %s", operation_id, error)
            again = Place(tries=place.tries + 1).cursor()
            yield RecordPage((), again, wait_seconds=AGAIN_SECONDS, is_restart=True)

    def _of_file(self, place: "Place", operation: Operation) -> Pages:
        if operation.url is None:
            if operation.roots:
                raise BadFile("there is no file")
            yield RecordPage((), None)
            return
        if not self.is_plain_allowed and not operation.url.startswith("https://"):
            raise ConnectorError("the file would come over plain HTTP", permanent=True)
        if not place.checked.is_whole:
            place = yield from self._check(place, operation, operation.url)
        if place.checked.is_grouped:
            found = bulk_file.groups(bulk_file.lines(self.transport, operation.url, place.offset))
            yield from self._read(place, found)
            return
        with closing(Spill()) as spill:
            # Each page of nothing renews the lease: to sort a large file takes its time.
            for _ in spill.fill(bulk_file.lines(self.transport, operation.url, 0), after=place.after):
                yield RecordPage((), place.cursor())
            yield from self._read(place, bulk_file.groups(spill.lines()))

    def _check(self, place: "Place", operation: Operation, url: str) -> Generator[RecordPage, None, "Place"]:
        since = checked = place.checked
        for checked in bulk_file.check(bulk_file.lines(self.transport, url, since.at), since):
            if not checked.is_whole:
                yield RecordPage((), replace(place, checked=checked).cursor())
        if operation.file_size is not None and checked.at != operation.file_size:
            raise BadFile("the file is not as long as it was said to be")
        if (checked.objects, checked.roots) != (operation.objects, operation.roots):
            raise BadFile("the file has not as many objects as were found")
        place = replace(place, checked=checked)
        yield RecordPage((), place.cursor())
        return place

    def _read(self, place: "Place", found: Iterator[Group]) -> Pages:
        while True:
            page = list(islice(found, PAGE_RECORDS))
            if len(page) < PAGE_RECORDS:
                yield self._page(page, None)
                return
            place = replace(place, offset=page[-1].end, after=_id_of(page[-1]))
            yield self._page(page, place.cursor())

    def _page(self, groups: list[Group], cursor: str | None) -> RecordPage:
        records: list[Record] = []
        unreadable: list[str] = []
        for group, read in zip(groups, self.assemble(self.admin, groups), strict=True):
            if isinstance(read, UnreadablePayload):
                unreadable.append(fields.external_id({"id": _id_of(group)}, "id"))
                _log.warning("an object of a bulk file is looked up alone (%s): %s", unreadable[-1], read)
            else:
                records.append(read)
        return RecordPage(tuple(records), cursor, unreadable=tuple(unreadable))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a history stands; what a backfill keeps between two pages.

    Attributes:
        tries: operations that came to nothing.
        checked: how far the file was found in order.
        offset: in a grouped file the byte where the next object to be read begins.
        after: the id of the last object that was read, by which a sorted file is taken up again.
    """

    operation: str | None = None
    tries: int = 0
    checked: Checked = field(default_factory=Checked)
    offset: int = 0
    after: str = ""

    def cursor(self) -> str:
        """The same as text."""
        return _MARK + json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def read(cls, cursor: str) -> "Place | None":
        """From such a text, one of another version being no place at all; None for a page's cursor."""
        if not cursor.startswith(_MARK):
            return None
        try:
            values = json.loads(cursor.removeprefix(_MARK))
            return cls(**{**values, "checked": Checked(**values["checked"])})
        except (ValueError, TypeError, KeyError):
            return cls()


PAGE_RECORDS = 500
POLL_SECONDS = 5.0
BUSY_SECONDS = 30.0
AGAIN_SECONDS = 60.0
_MOST_TRIES = 3
_MARK = "bulk:"


def _id_of(group: Group) -> str:
    """The GID of an object; without one the file is of no use."""
    try:
        fields.external_id(group.node, "id")
        return fields.required_text(group.node, "id")
    except UnreadablePayload:
        raise BadFile("an object has no id") from None
