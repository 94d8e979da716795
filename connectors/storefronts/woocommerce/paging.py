"""Where a listing stands: page numbers for full scans, moving start moments for changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Resource, UnreadablePayload
from connectors.storefronts.woocommerce.calls import Answer
from connectors.storefronts.woocommerce.checkouts import DRAFT
from connectors.storefronts.woocommerce.payload import moment

PER_PAGE = 100

# Source: facts of two measured stores, fact 14: customers ignore modified_after without a word.
_LISTS_CHANGES = (Resource.ORDERS, Resource.PRODUCTS, Resource.CHECKOUTS)
_SECOND = timedelta(seconds=1)
# Reviews are listed by when they were written, in the store's time; merchants approve them later.
_REVIEWS_AGAIN = timedelta(days=14)
_PATHS = {Resource.REVIEWS: "products/reviews", Resource.CHECKOUTS: "orders"}


def path_of(resource: Resource) -> str:
    """Where a resource is listed, below `wc/v3`."""
    return _PATHS.get(resource, resource.value)


@dataclass(frozen=True, slots=True)
class Place:
    """The next page to read.

    Attributes:
        number: from 1.
        after: only what changed after this moment, oldest change first; None scans everything by id.
    """

    number: int = 1
    after: datetime | None = None

    @classmethod
    def start(cls, resource: Resource, updated_since: datetime | None) -> "Place":
        """The first page. The store compares with "later than", hence the second less."""
        if updated_since is None or resource not in (*_LISTS_CHANGES, Resource.REVIEWS):
            return cls()
        since = updated_since - (_REVIEWS_AGAIN if resource is Resource.REVIEWS else _SECOND)
        return cls(after=since.astimezone(UTC).replace(microsecond=0))

    @classmethod
    def read(cls, cursor: str) -> "Place":
        """The place that `cursor` wrote down.

        Raises:
            ValueError: not one of our cursors.
        """
        number, _, after = cursor.partition("@")
        return cls(int(number), datetime.fromisoformat(after).replace(tzinfo=UTC) if after else None)

    def cursor(self) -> str:
        """The place as text."""
        return f"{self.number}@{_written(self.after)}" if self.after else str(self.number)

    def params(self, resource: Resource) -> dict[str, str]:
        """The query of this page; without `dates_are_gmt` moments would be the store's local time."""
        params = {"per_page": str(PER_PAGE), "page": str(self.number), "order": "asc", "orderby": "id"}
        if resource is Resource.CUSTOMERS:
            params["role"] = "all"
        if resource is Resource.REVIEWS:
            params["status"] = "all"
        if resource is Resource.CHECKOUTS:
            params["status"] = DRAFT
        if self.after is not None and resource is Resource.REVIEWS:
            params["after"] = _written(self.after)
        elif self.after is not None:
            changes = {"orderby": "modified", "modified_after": _written(self.after), "dates_are_gmt": "true"}
            params.update(changes)
        return params

    def following(self, items: Sequence[Any], answer: Answer) -> "Place | None":
        """The page after this one, or None after the last.

        An order that changes while we read moves to the end of the list and pulls the others forward,
        across the border of a page. So a list of changes goes on from the last moment that was read,
        not by number; what shares that second is read twice, which does no harm.
        """
        pages = answer.number("X-WP-TotalPages")
        is_last = len(items) < PER_PAGE if pages is None else self.number >= pages
        if is_last or not items:
            return None
        reached = self._reached(items[-1])
        return Place(after=reached) if reached else Place(self.number + 1, self.after)

    def _reached(self, last: Any) -> datetime | None:
        if self.after is None or not isinstance(last, dict):
            return None
        try:
            changed_at = moment(last, "date_modified_gmt")
        except UnreadablePayload:
            return None
        reached = changed_at - _SECOND if changed_at else None
        return reached if reached and reached > self.after else None


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")
